//! The level QBE.

use alloc::vec::Vec;
use core::ffi::CStr;

use bareflow_lir::{Error, Module};

use super::interface::Generate;

/// QBE has nothing to be opened.
pub(super) struct Opened;

impl Generate for Opened {
    const NAME: &CStr = c"qbe";

    fn open() -> Self {
        Self
    }

    fn compile(&mut self, module: &Module, _optimisation: u32) -> Result<Vec<u8>, Error> {
        bareflow_qbe::compile(module)
    }
}
