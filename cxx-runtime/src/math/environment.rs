//! The parts of `<fenv.h>` that llvm-libc 18 has wrong: its default environment marks the registers of the x87 as
//! occupied, so that the next long double is NaN.

use core::arch::asm;
use core::ffi::c_int;

/// `fenv_t`: the environment of the x87, and the register of SSE.
#[derive(Clone, Copy)]
#[repr(C)]
struct Environment {
    x87: [u8; 28],
    mxcsr: [u8; 4],
}

/// `FE_DFL_ENV`.
const DEFAULT: usize = usize::MAX;
/// All exceptions masked, rounding to the nearest, no flags.
const DEFAULT_MXCSR: u32 = 0x1f80;
/// `FE_ALL_EXCEPT`.
const ALL_EXCEPTIONS: c_int = 31;

unsafe extern "C" {
    safe fn feraiseexcept(exceptions: c_int) -> c_int;
    safe fn fetestexcept(exceptions: c_int) -> c_int;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fesetenv(environment: *const Environment) -> c_int {
    if environment.addr() == DEFAULT {
        let mxcsr = DEFAULT_MXCSR;
        // SAFETY: the stack of the x87 is empty at a call, and the instructions set control registers only.
        unsafe {
            asm!("fninit", "ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack));
        }
    } else {
        // SAFETY: the caller passes what `fegetenv` or `feholdexcept` filled in; at that call, too, the stack of
        // the x87 was empty.
        unsafe {
            asm!(
                "fldenv [{environment}]",
                "ldmxcsr [{environment} + 28]",
                environment = in(reg) environment,
                options(nostack),
            );
        }
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
