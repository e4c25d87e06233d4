//! PCs with a 64-bit processor of Intel or AMD.

pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod io;
pub(crate) mod mm;
pub(crate) mod power;
#[cfg(feature = "engine")]
pub(crate) mod second;
pub(crate) mod trap;
