//! The parts of `<fenv.h>` that llvm-libc 18 has wrong: its default environment marks the registers of the x87 as
//! occupied, so that the next long double is NaN.

use core::ffi::c_int;

use crate::arch::{self, FloatingPointEnvironment as Environment};

/// `FE_DFL_ENV`.
const DEFAULT: usize = usize::MAX;
/// `FE_ALL_EXCEPT`.
const ALL_EXCEPTIONS: c_int = 31;

unsafe extern "C" {
    safe fn feraiseexcept(exceptions: c_int) -> c_int;
    safe fn fetestexcept(exceptions: c_int) -> c_int;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fesetenv(environment: *const Environment) -> c_int {
    if environment.addr() == DEFAULT {
        arch::set_default_environment();
    } else {
        // SAFETY: the caller passes what `fegetenv` or `feholdexcept` filled in.
        unsafe { arch::set_environment(environment) };
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn feupdateenv(environment: *const Environment) -> c_int {
    let raised = fetestexcept(ALL_EXCEPTIONS);
    // SAFETY: as the caller guarantees.
    unsafe { fesetenv(environment) };
    feraiseexcept(raised)
}
