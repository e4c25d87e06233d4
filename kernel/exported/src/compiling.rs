//! The compiler of a program that is not native code already, if this kernel has one.

#[cfg(feature = "jit")]
mod with_generator {
    use bareflow_program_env::{FailureKind, Fault, Resume, resume_with};

    use crate::ending;

    /// Has what the compiler needs ready.
    pub(crate) fn start() {
        if bareflow_jit::start().is_err() {
            ending::fail(
                FailureKind::OutOfMemory,
                format_args!("there is too little memory to start"),
            );
        }
    }

    /// The compiler fails, rather than the program, if it is what runs.
    pub(crate) fn resume_after(fault: &Fault) -> Option<Resume> {
        bareflow_jit::is_compiling().then(|| resume_with(leave, fault))
    }

    /// The same after a panic.
    pub(crate) fn leave_after_panic() {
        if bareflow_jit::is_compiling() {
            leave();
        }
    }

    extern "C" fn leave() -> ! {
        // SAFETY: who calls it has asked whether the compiler is what runs, and what it had begun is never used.
        unsafe { bareflow_jit::leave_compiler() }
    }

    /// The function of the program whose code is at the address.
    pub(crate) fn function_at(address: usize) -> Option<(&'static str, usize)> {
        bareflow_jit::function_at(address)
    }
}

#[cfg(not(feature = "jit"))]
mod without_generator {
    use bareflow_program_env::{Fault, Resume};

    pub(crate) fn start() {}

    pub(crate) fn resume_after(_fault: &Fault) -> Option<Resume> {
        None
    }

    pub(crate) fn leave_after_panic() {}

    pub(crate) fn function_at(_address: usize) -> Option<(&'static str, usize)> {
        None
    }
}

#[cfg(feature = "jit")]
pub(crate) use with_generator::{function_at, leave_after_panic, resume_after, start};
#[cfg(not(feature = "jit"))]
pub(crate) use without_generator::{function_at, leave_after_panic, resume_after, start};
