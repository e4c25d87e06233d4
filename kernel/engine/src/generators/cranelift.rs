//! The levels C0 and C1.

use alloc::vec::Vec;
use core::ffi::CStr;

use bareflow_cranelift::{Generator, Optimisation};
use bareflow_lir::{Error, Module};

use super::interface::Generate;

/// A generator for each way of optimising.
pub(super) struct Opened([Result<Generator, Error>; 2]);

impl Generate for Opened {
    const NAME: &CStr = c"cranelift";

    fn open() -> Self {
        Self([Optimisation::None, Optimisation::Speed].map(Generator::new))
    }

    fn compile(&mut self, module: &Module, optimisation: u32) -> Result<Vec<u8>, Error> {
        match &mut self.0[usize::from(optimisation != 0)] {
            Ok(generator) => generator.compile(module),
            Err(failure) => Err(failure.clone()),
        }
    }
}
