//! What depends on the processor: how control comes from code to the compiler.

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{call_on, entered, leave, looped};
