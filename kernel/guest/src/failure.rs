//! Why a run failed, and how that is said.

use bareflow_cxx_runtime::platform::Stream;

/// What sort of failure ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Malformed IR, newer bitcode, another target, no `main`, unresolved symbols.
    BadProgram,
    /// A processor exception in the program.
    GuestFault,
    /// The heap or the code pool is exhausted.
    OutOfMemory,
    /// `abort()` or a failed assertion in the program.
    Aborted,
    /// LLVM or the engine failed.
    Internal,
}

impl FailureKind {
    /// The kernel's exit code for this failure; the reference lists all codes.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::BadProgram => 110,
            Self::GuestFault => 111,
            Self::OutOfMemory => 112,
            Self::Aborted => 114,
            Self::Internal => 116,
        }
    }
}

/// Prints the one line about a failure.
pub fn report_error(message: &str) {
    report("error", message);
}

/// Prints a line about something that the program can do without.
pub fn report_note(message: &str) {
    report("note", message);
}

fn report(kind: &str, message: &str) {
    let platform = bareflow_cxx_runtime::platform();
    for part in ["bareflow: ", kind, ": ", message, "\n"] {
        platform.console_write(Stream::Error, part.as_bytes());
    }
}
