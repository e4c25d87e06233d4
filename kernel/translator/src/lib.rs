//! From LLVM IR to the [low-level IR](bareflow_lir) of other code generators.
//!
//! 1. Aggregates and vectors become their elements, phis become parameters of blocks, intrinsics become operations, or
//!    calls of the C library.
//! 2. What cannot be translated is refused, with a reason of a known [kind](RefusalKind): the module then goes to a code
//!    generator that knows more.
//! 3. The module is only read.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;

mod calls;
mod constants;
mod function;
mod instructions;
mod intrinsics;
mod llvm;
mod program;
mod types;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::ffi::c_void;
use core::fmt;

use bareflow_lir::{Binding, Module, Name, Symbol};

pub use program::translate_program;

use crate::llvm::{Layout, Value, number};

/// What is not translated, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalKind {
    /// Inline assembly, or the module's own.
    Assembly,
    /// Definitions that are no functions.
    Data,
    /// A type that the low-level IR has not.
    Type,
    /// An aggregate or a vector where only scalars can be.
    Aggregate,
    /// Stack that grows while the function runs.
    DynamicStack,
    /// A call that returns twice.
    ReturnsTwice,
    /// A call that must be the function's last.
    TailCall,
    /// An intrinsic.
    Intrinsic,
    /// An instruction.
    Instruction,
    /// A constant.
    Constant,
    /// A way of passing arguments or results.
    Passing,
    /// A variable of each thread.
    ThreadLocal,
}

impl RefusalKind {
    /// Its name in reasons.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assembly => "assembly",
            Self::Data => "data",
            Self::Type => "type",
            Self::Aggregate => "aggregate",
            Self::DynamicStack => "dynamic stack",
            Self::ReturnsTwice => "call that returns twice",
            Self::TailCall => "tail call",
            Self::Intrinsic => "intrinsic",
            Self::Instruction => "instruction",
            Self::Constant => "constant",
            Self::Passing => "passing",
            Self::ThreadLocal => "thread-local variable",
        }
    }
}

/// Why a module is not translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The function; empty if it is none.
    pub function: String,
    /// What it is about.
    pub kind: RefusalKind,
    /// Which one.
    pub what: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.name(), self.what)?;
        if !self.function.is_empty() {
            write!(formatter, " in {}", self.function)?;
        }
        Ok(())
    }
}

fn refuse<T>(kind: RefusalKind, what: impl ToString) -> Result<T, Refusal> {
    Err(Refusal {
        function: String::new(),
        kind,
        what: what.to_string(),
    })
}

/// The names that a module uses.
#[derive(Debug, Default)]
struct Symbols<'a> {
    module: Module,
    known: BTreeMap<Value<'a>, Symbol>,
    functions_of_library: BTreeMap<&'static str, Symbol>,
}

impl<'a> Symbols<'a> {
    fn add(&mut self, name: String, binding: Binding) -> Symbol {
        let number = self.module.symbols.len() as u32;
        self.module.symbols.push(Name { name, binding });
        Symbol(number)
    }

    /// Of a global.
    fn of(&mut self, global: Value<'a>) -> Symbol {
        if let Some(known) = self.known.get(&global) {
            return *known;
        }
        // A leading \1 keeps a name from being mangled.
        let name = global.name().trim_start_matches('\u{1}').into();
        let binding = match global.linkage() {
            number::LINKAGE_EXTERNAL_WEAK => Binding::Weak,
            number::LINKAGE_INTERNAL | number::LINKAGE_PRIVATE => Binding::Local,
            _ => Binding::Global,
        };
        let symbol = self.add(name, binding);
        self.known.insert(global, symbol);
        symbol
    }

    /// Of a function of the C library, that stands for an operation.
    fn of_library(&mut self, name: &'static str) -> Symbol {
        if let Some(known) = self.functions_of_library.get(name) {
            return *known;
        }
        let symbol = self.add(name.into(), Binding::Global);
        self.functions_of_library.insert(name, symbol);
        symbol
    }
}

/// Whether the module defines it, for others as well.
fn is_defined(global: &Value) -> bool {
    !global.is_declaration() && global.linkage() != number::LINKAGE_AVAILABLE_EXTERNALLY
}

/// Translates all functions that the module defines.
///
/// # Errors
/// [`Refusal`]: something in it cannot be translated.
///
/// # Safety
/// It is an `LLVMModuleRef` of a module that the verifier accepts and that does not change meanwhile.
pub unsafe fn translate(module: *mut c_void) -> Result<Module, Refusal> {
    // SAFETY: as the caller says.
    let Some(module) = (unsafe { llvm::Module::from_raw(module) }) else {
        return refuse(RefusalKind::Data, "no module");
    };
    if module.has_aliases_or_assembly() {
        return refuse(
            RefusalKind::Assembly,
            "an alias or the module's own assembly",
        );
    }
    if let Some(variable) = module.variables().find(is_defined) {
        return refuse(RefusalKind::Data, variable.name());
    }
    let layout: Layout = module.layout();
    let mut symbols = Symbols::default();
    for function in module.functions().filter(is_defined) {
        let translated = function::translate(function, layout, &mut symbols);
        let translated = translated.map_err(|refusal| Refusal {
            function: function.name().into(),
            ..refusal
        })?;
        symbols.module.functions.push(translated);
    }
    Ok(symbols.module)
}
