//! The level MIR.

use alloc::vec::Vec;
use core::ffi::CStr;

use bareflow_lir::{Error, Module};

use super::interface::Generate;

/// It keeps nothing from one module to the next.
pub(super) struct Opened;

impl Generate for Opened {
    const NAME: &CStr = c"mir";

    fn open() -> Self {
        Self
    }

    fn compile(&mut self, module: &Module, _optimisation: u32) -> Result<Vec<u8>, Error> {
        bareflow_mir::compile(module)
    }
}
