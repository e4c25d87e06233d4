//! Native code of the low-level IR, by [MIR](https://github.com/vnmakarov/mir).
//!
//! 1. A module becomes code with relocations, as every generator's: nobody behind it knows who has made it.
//! 2. MIR knows less than the low-level IR has; what it does not know is refused before it is asked.
//! 3. What MIR finds wrong all the same is a panic, whose memory belongs to whoever catches it.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod arithmetic;
mod atomics;
mod comparisons;
mod conversions;
mod ffi;
mod function;
mod instructions;
mod references;
mod refusals;
mod signatures;
mod stubs;
mod terminators;

use alloc::string::ToString;
use alloc::vec::Vec;

use bareflow_lir::{Error, Function, Module};
use bareflow_machine_code::{MachineCode, object_file};

use crate::ffi::Context;
use crate::references::References;
use crate::signatures::Items;

/// The code of all functions of the module.
///
/// # Errors
/// [`Error::Refused`]: MIR does not know something.
///
/// # Panics
/// MIR has found something wrong, or memory has run out.
pub fn functions(module: &Module) -> Result<Vec<MachineCode>, Error> {
    for function in &module.functions {
        refusals::check(function)?;
    }
    let mut context = Context::open();
    let mut references = References::default();
    let mut items = Items::default();
    let mut made = Vec::new();
    for (number, function) in module.functions.iter().enumerate() {
        let building =
            function::Building::begin(&mut context, &mut references, &mut items, number, function);
        made.push(building.build());
    }
    references.check()?;
    let mut linked = context.end_module();
    let codes = made.iter().zip(&module.functions).map(|(item, function)| {
        let generated = linked.generate(*item);
        references.resolve(function.symbol, generated.bytes, &generated.own)
    });
    Ok(codes.collect())
}

/// The code of one function.
///
/// # Errors
/// [`Error`].
///
/// # Panics
/// As [`functions`].
pub fn code(function: &Function) -> Result<MachineCode, Error> {
    let module = Module {
        symbols: Vec::new(),
        functions: Vec::from([function.clone()]),
    };
    let made = functions(&module)?.pop();
    made.ok_or_else(|| Error::Failed("no code was made".into()))
}

/// An ELF object with the code of all functions of the module.
///
/// # Errors
/// [`Error`].
///
/// # Panics
/// As [`functions`].
pub fn compile(module: &Module) -> Result<Vec<u8>, Error> {
    object_file(&module.symbols, &functions(module)?)
        .map_err(|error| Error::Failed(error.to_string()))
}
