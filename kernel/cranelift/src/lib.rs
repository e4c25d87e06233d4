//! Native code of the low-level IR, by [Cranelift](https://cranelift.dev).
//!
//! 1. A module becomes an ELF object, as LLVM's code generators make it: the linker does not know who has made it.
//! 2. Cranelift does not know all that there can be in the low-level IR; what it refuses is an error of its own kind.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod code;
mod function;
mod variadic;

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

pub use bareflow_lir::Error;
use bareflow_lir::{Function, Module};
use bareflow_machine_code::{MachineCode, object_file};
use bareflow_targets::THIS;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CodegenError, Context};
use cranelift_frontend::FunctionBuilderContext;

/// How hard Cranelift tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimisation {
    /// It makes code fast.
    None,
    /// Its optimiser runs, and takes care to give values registers.
    Speed,
}

/// A code generator for the least of all processors of the target.
pub struct Generator {
    isa: OwnedTargetIsa,
    context: Context,
    builder: FunctionBuilderContext,
}

impl core::fmt::Debug for Generator {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Cranelift for {}", self.isa.triple())
    }
}

impl Generator {
    /// # Errors
    /// [`Error::Failed`]: Cranelift does not know the target, or a setting.
    pub fn new(optimisation: Optimisation) -> Result<Self, Error> {
        let failed = |error: &dyn core::fmt::Display| Error::Failed(error.to_string());
        let (level, allocator) = match optimisation {
            Optimisation::None => ("none", "single_pass"),
            Optimisation::Speed => ("speed", "backtracking"),
        };
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", level),
            ("regalloc_algorithm", allocator),
            ("enable_verifier", "false"),
            ("enable_llvm_abi_extensions", "true"),
            ("enable_table_access_spectre_mitigation", "false"),
            ("preserve_frame_pointers", "true"),
            ("unwind_info", "false"),
        ] {
            flags.set(name, value).map_err(|error| failed(&error))?;
        }
        let isa = isa::lookup_by_name(THIS.triple)
            .map_err(|error| failed(&error))?
            .finish(settings::Flags::new(flags))
            .map_err(|error| failed(&error))?;
        Ok(Self {
            isa,
            context: Context::new(),
            builder: FunctionBuilderContext::new(),
        })
    }

    /// An ELF object with the code of all functions of the module.
    ///
    /// # Errors
    /// [`Error`].
    pub fn compile(&mut self, module: &Module) -> Result<Vec<u8>, Error> {
        let functions = module.functions.iter().map(|function| self.code(function));
        let functions = functions.collect::<Result<Vec<_>, _>>()?;
        object_file(&module.symbols, &functions).map_err(|error| Error::Failed(error.0))
    }

    /// The code of one function.
    ///
    /// # Errors
    /// [`Error`].
    pub fn code(&mut self, function: &Function) -> Result<MachineCode, Error> {
        self.context.clear();
        function::build(
            function,
            &*self.isa,
            &mut self.context.func,
            &mut self.builder,
        )?;
        self.context
            .compile(&*self.isa, &mut ControlPlane::default())
            .map_err(|error| error_of(&error.inner))?;
        let compiled = self.context.compiled_code();
        let compiled = compiled.ok_or_else(|| Error::Failed("no code was made".into()))?;
        code::of(function, compiled, &self.context.func)
    }
}

fn error_of(error: &CodegenError) -> Error {
    match error {
        CodegenError::Unsupported(what) => Error::Refused(what.clone()),
        CodegenError::CodeTooLarge | CodegenError::ImplLimitExceeded => {
            Error::Refused(error.to_string())
        }
        other => Error::Failed(format!("{other:?}")),
    }
}
