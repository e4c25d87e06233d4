//! Native code of the low-level IR, by [QBE](https://c9x.me/compile/).
//!
//! 1. QBE reads text and writes assembly language; [`bareflow_assembler`] makes machine code of that. What comes of a
//!    module is an ELF object, as LLVM's code generators make it.
//! 2. QBE is written in C, and as it is: what must be otherwise, our own headers and definitions say. Its errors, which
//!    would end the process, end its call.
//! 3. What QBE does not know is an error of its own kind.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod il;
#[cfg(has_qbe)]
mod qbe;

use alloc::format;
use alloc::vec::Vec;

use bareflow_assembler::{Reference, ReferenceKind, assemble};
use bareflow_lir::{Error, Function, Module, Symbol};
use bareflow_machine_code::{
    ALIGNMENT, MachineCode, Relocation, RelocationKind, Target, object_file,
};

/// What stands for QBE where its sources were not at hand, as when these crates are only checked.
#[cfg(not(has_qbe))]
mod qbe {
    use alloc::string::String;

    use bareflow_lir::Error;

    pub(crate) fn run(_text: &str) -> Result<String, Error> {
        Err(Error::Refused("this was built without QBE".into()))
    }
}

/// An ELF object with the code of all functions of the module.
///
/// # Errors
/// [`Error`].
pub fn compile(module: &Module) -> Result<Vec<u8>, Error> {
    let functions = module.functions.iter().map(code);
    let functions = functions.collect::<Result<Vec<_>, _>>()?;
    object_file(&module.symbols, &functions).map_err(|error| Error::Failed(error.0))
}

/// The code of one function.
///
/// # Errors
/// [`Error`].
pub fn code(function: &Function) -> Result<MachineCode, Error> {
    let assembly = qbe::run(&il::write(function)?)?;
    let failed = |error: bareflow_assembler::Error| Error::Failed(format!("assembler: {error}"));
    let assembled = assemble(&assembly).map_err(failed)?;
    let relocations = assembled.references.iter().map(relocation);
    Ok(MachineCode {
        symbol: function.symbol,
        relocations: relocations.collect::<Result<_, _>>()?,
        bytes: assembled.bytes,
        alignment: ALIGNMENT.max(bareflow_assembler::ALIGNMENT),
    })
}

/// Functions of the C library that are called for what QBE cannot do.
const LIBRARY: [&str; 2] = ["sqrt", "sqrtf"];

fn relocation(reference: &Reference) -> Result<Relocation, Error> {
    let name = reference.name;
    let number = name
        .strip_prefix(il::SYMBOL)
        .and_then(|rest| rest.parse().ok());
    let library = name.strip_prefix(il::LIBRARY);
    let library = library.and_then(|name| LIBRARY.iter().find(|one| **one == name));
    let target = match (number, library) {
        (Some(number), _) => Target::Symbol(Symbol(number)),
        (None, Some(name)) => Target::Library(name),
        (None, None) => return Err(Error::Failed(format!("a name of no symbol: {name}"))),
    };
    Ok(Relocation {
        offset: reference.offset,
        kind: match reference.kind {
            ReferenceKind::Call => RelocationKind::Call32,
            ReferenceKind::Distance => RelocationKind::Relative32,
        },
        target,
        addend: reference.addend,
    })
}
