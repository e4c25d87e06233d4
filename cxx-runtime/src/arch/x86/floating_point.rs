//! The control registers of floating-point numbers, and instructions for numbers that Rust has no type or function for.

use core::arch::asm;

use bareflow_mathematics::Extended;

use super::instructions::{_mm_cvtsd_f64, _mm_fmsub_sd, _mm_set_sd};
use crate::arch::Direction;

/// `fenv_t`: the environment of the x87, and the register of SSE.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct FloatingPointEnvironment {
    x87: [u8; 28],
    mxcsr: [u8; 4],
}

/// All exceptions masked, rounding to the nearest, no flags.
const DEFAULT_MXCSR: u32 = 0x1f80;

/// Makes the environment that of a program that starts. To be called where the stack of the x87 is empty, as at every
/// call.
pub(crate) fn set_default_environment() {
    let mxcsr = DEFAULT_MXCSR;
    // SAFETY: the instructions set control registers only.
    unsafe {
        asm!("fninit", "ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack));
    }
}

/// # Safety
/// The environment must be one that the processor has stored where the stack of the x87 was empty, as at every call.
pub(crate) unsafe fn set_environment(environment: *const FloatingPointEnvironment) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "fldenv [{environment}]",
            "ldmxcsr [{environment} + 28]",
            environment = in(reg) environment,
            options(nostack),
        );
    }
}

/// The rounding direction that the program has set.
pub(crate) fn rounding_direction() -> Direction {
    let mut control_and_status = 0_u32;
    // SAFETY: the instruction stores the register in a place of four bytes.
    unsafe {
        asm!(
            "stmxcsr [{}]",
            in(reg) &raw mut control_and_status,
            options(nostack, preserves_flags)
        );
    }
    match control_and_status >> 13 & 0b11 {
        0b00 => Direction::Nearest,
        0b01 => Direction::Down,
        0b10 => Direction::Up,
        _ => Direction::TowardZero,
    }
}

/// Stores the square root of a long double, rounded once.
pub(crate) fn store_root(x: &Extended, result: &mut Extended) {
    // SAFETY: the instructions read and write an extended number in each place, and leave the stack of the
    // x87 as it was; it has a free register, as at every call.
    unsafe {
        asm!(
            "fld tbyte ptr [{x}]",
            "fsqrt",
            "fstp tbyte ptr [{result}]",
            x = in(reg) x,
            result = in(reg) result,
            options(nostack),
        );
    }
}

/// What the rounding of a product has lost: `one * other - product`, rounded once.
///
/// # Safety
/// The processor must have fused multiplication and addition.
#[inline(always)]
pub(crate) unsafe fn lost_by_product(one: f64, other: f64, product: f64) -> f64 {
    // SAFETY: the caller's promise.
    unsafe {
        _mm_cvtsd_f64(_mm_fmsub_sd(
            _mm_set_sd(one),
            _mm_set_sd(other),
            _mm_set_sd(product),
        ))
    }
}
