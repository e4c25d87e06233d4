//! How functions are called.
//!
//! All integers are passed as words: their callers and callees extend them themselves, as the signature says. A copy on
//! the stack is passed in pieces that MIR moves by instructions; behind each other they are the whole.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bareflow_lir::{Passing, Signature};

use crate::ffi::{Context, Item, Parameter, Type};

/// Of a copy, MIR moves so many bytes by instructions, and more by a call of a function of its own.
pub(crate) const PIECE_BYTES: u32 = 16;

/// What of a module has an item in MIR: each way of calling functions, and each reference by its number.
#[derive(Debug, Default)]
pub(crate) struct Items {
    prototypes: BTreeMap<Vec<u32>, Item>,
    imports: Vec<Item>,
}

pub(crate) const fn type_of(ty: bareflow_lir::Type) -> Type {
    match ty {
        bareflow_lir::Type::F32 => Type::Float,
        bareflow_lir::Type::F64 => Type::Double,
        _ => Type::I64,
    }
}

/// The pieces of a copy: where each starts, and how many bytes it has.
pub(crate) fn pieces(bytes: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..bytes)
        .step_by(PIECE_BYTES as usize)
        .map(move |start| (start, PIECE_BYTES.min(bytes - start)))
}

pub(crate) fn parameters_of(signature: &Signature) -> Vec<Parameter> {
    let mut found = Vec::new();
    for parameter in &signature.parameters {
        match parameter.passing {
            Passing::Copied(bytes) => found.extend(pieces(bytes).map(|(_, bytes)| Parameter {
                ty: Type::Block,
                bytes,
            })),
            Passing::Value(_) | Passing::ResultAddress => found.push(Parameter {
                ty: type_of(parameter.value),
                bytes: 0,
            }),
        }
    }
    found
}

pub(crate) fn results_of(signature: &Signature) -> Vec<Type> {
    let results = signature.results.iter();
    results.map(|result| type_of(result.value)).collect()
}

/// Whether the address of the result is returned, though the signature does not name it as one.
pub(crate) fn returns_address(signature: &Signature) -> bool {
    let mut parameters = signature.parameters.iter();
    signature.results.is_empty()
        && parameters.any(|parameter| parameter.passing == Passing::ResultAddress)
}

impl Items {
    /// What lies elsewhere. Numbers come one after the other.
    pub(crate) fn import(&mut self, context: &mut Context, number: usize, address: u64) -> Item {
        if number == self.imports.len() {
            self.imports.push(context.import(number, address));
        }
        self.imports[number]
    }

    pub(crate) fn prototype(&mut self, context: &mut Context, signature: &Signature) -> Item {
        let (parameters, results) = (parameters_of(signature), results_of(signature));
        self.find(context, &results, &parameters, signature.is_variadic)
    }

    /// Of a function that takes so many words, and returns one or nothing.
    pub(crate) fn of_words(&mut self, context: &mut Context, count: usize, returns: bool) -> Item {
        let word = Parameter {
            ty: Type::I64,
            bytes: 0,
        };
        let results: &[Type] = if returns { &[Type::I64] } else { &[] };
        self.find(context, results, &alloc::vec![word; count], false)
    }

    /// Of a function of one floating-point number that returns another.
    pub(crate) fn of_float(&mut self, context: &mut Context, ty: Type) -> Item {
        self.find(context, &[ty], &[Parameter { ty, bytes: 0 }], false)
    }

    fn find(
        &mut self,
        context: &mut Context,
        results: &[Type],
        parameters: &[Parameter],
        is_variadic: bool,
    ) -> Item {
        let mut key: Vec<u32> = alloc::vec![is_variadic.into(), results.len() as u32];
        key.extend(results.iter().map(|ty| *ty as u32));
        key.extend(parameters.iter().flat_map(|one| [one.ty as u32, one.bytes]));
        let number = self.prototypes.len();
        *self
            .prototypes
            .entry(key)
            .or_insert_with(|| context.prototype(number, results, parameters, is_variadic))
    }
}
