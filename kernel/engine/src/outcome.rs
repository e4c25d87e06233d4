//! How a run ended.

use alloc::string::String;

use crate::bindings;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The program ended by itself: what `main` returned or `exit` was given.
    Exit(i32),
    /// It did not run, or did not run to its end.
    Failed {
        /// What sort of failure.
        kind: FailureKind,
        /// One line that says what and where.
        message: String,
    },
}

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

    /// The kind of an error of the C interface.
    pub(crate) const fn of(error: bindings::llvm_error_t) -> Self {
        match error {
            bindings::LLVM_ERROR_MALFORMED_IR
            | bindings::LLVM_ERROR_NEWER_IR
            | bindings::LLVM_ERROR_WRONG_TARGET
            | bindings::LLVM_ERROR_LINK
            | bindings::LLVM_ERROR_NO_FUNCTION
            | bindings::LLVM_ERROR_UNRESOLVED_SYMBOLS => Self::BadProgram,
            bindings::LLVM_ERROR_PROGRAM_FAULT => Self::GuestFault,
            bindings::LLVM_ERROR_OUT_OF_MEMORY => Self::OutOfMemory,
            bindings::LLVM_ERROR_PROGRAM_ABORTED => Self::Aborted,
            _ => Self::Internal,
        }
    }
}
