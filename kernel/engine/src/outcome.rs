//! How a run ended.

use alloc::string::String;

pub use bareflow_program_env::FailureKind;

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

/// The kind of an error of the C interface.
pub(crate) const fn kind_of(error: bindings::llvm_error_t) -> FailureKind {
    match error {
        bindings::LLVM_ERROR_MALFORMED_IR
        | bindings::LLVM_ERROR_NEWER_IR
        | bindings::LLVM_ERROR_WRONG_TARGET
        | bindings::LLVM_ERROR_LINK
        | bindings::LLVM_ERROR_NO_FUNCTION
        | bindings::LLVM_ERROR_UNRESOLVED_SYMBOLS => FailureKind::BadProgram,
        bindings::LLVM_ERROR_PROGRAM_FAULT => FailureKind::GuestFault,
        bindings::LLVM_ERROR_OUT_OF_MEMORY => FailureKind::OutOfMemory,
        bindings::LLVM_ERROR_PROGRAM_ABORTED => FailureKind::Aborted,
        _ => FailureKind::Internal,
    }
}
