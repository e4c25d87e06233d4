//! Why a run failed, and how that is said.

use bareflow_cxx_runtime::platform::Stream;
use bareflow_protocol::exit_code;

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
    /// The kernel's exit code for this failure.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::BadProgram => exit_code::BAD_PROGRAM,
            Self::GuestFault => exit_code::GUEST_FAULT,
            Self::OutOfMemory => exit_code::OUT_OF_MEMORY,
            Self::Aborted => exit_code::ABORTED,
            Self::Internal => exit_code::INTERNAL,
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
