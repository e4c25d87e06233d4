//! Functions of which there are two variants with the same results: for every processor, and for one with AVX and fused
//! multiplication and addition.

use super::{double, exact};
use crate::arch::Capabilities;
use crate::posix::single_thread_cell::SingleThreadCell;

/// The variants that run.
pub(super) struct Functions {
    pub(super) pow: unsafe extern "C" fn(f64, f64) -> f64,
    pub(super) powf: unsafe extern "C" fn(f32, f32) -> f32,
}

static FUNCTIONS: SingleThreadCell<Functions> = SingleThreadCell::new(Functions {
    pow: double::pow_by_halves,
    powf: exact::powf_of_any,
});

pub(super) fn functions() -> &'static Functions {
    // SAFETY: it is changed once, before anybody has a reference.
    unsafe { &*FUNCTIONS.get() }
}

/// Takes the variants for a processor from now on.
pub(crate) fn choose(capabilities: &Capabilities) {
    if capabilities.fused_multiply_add {
        FUNCTIONS.set(Functions {
            pow: double::pow_by_instruction,
            powf: exact::powf_of_avx,
        });
    }
}
