//! Calls, and how functions are called.

use alloc::format;
use alloc::vec::Vec;

use bareflow_lir::{
    Callee, Extension, Operation, Parameter, Passing, Signature, SlotSize, Type, Value,
};

use crate::function::{Translator, is_c};
use crate::llvm::{self, Layout, ValueKind, number};
use crate::types::{POINTER, leaves_of};
use crate::{Refusal, RefusalKind, intrinsics, refuse};

/// The stack's parameters are words.
const WORD: u64 = 8;
/// What is returned at most in registers of a kind.
const MOST_RETURNED: u32 = 2;

/// How a definition is called.
pub(crate) fn signature_of(function: llvm::Value, layout: Layout) -> Result<Signature, Refusal> {
    let ty = function.value_type();
    let convention = function.function_convention();
    if !is_c(convention) {
        return refuse(
            RefusalKind::Passing,
            format!("calling convention {convention}"),
        );
    }
    let mut parameters = Vec::new();
    for (index, argument) in (1..).zip(function.parameters()) {
        parameters.extend(passing_of(function, index, argument, layout)?);
    }
    Ok(Signature {
        parameters,
        results: results_of(function, ty.returned(), layout)?,
        is_variadic: ty.is_variadic(),
    })
}

/// How a parameter of a function, or an argument of a call, is passed.
fn passing_of(
    owner: llvm::Value,
    index: u32,
    argument: llvm::Value,
    layout: Layout,
) -> Result<Vec<Parameter>, Refusal> {
    let address = |passing| {
        Ok(Vec::from([Parameter {
            value: POINTER,
            passing,
        }]))
    };
    for name in [
        "inalloca",
        "preallocated",
        "nest",
        "swiftself",
        "swifterror",
    ] {
        if owner.attribute(index, name).is_some() {
            return refuse(RefusalKind::Passing, name);
        }
    }
    if let Some(copied) = owner.attribute(index, "byval") {
        let alignment = owner.attribute(index, "align");
        let alignment = alignment.map_or(0, llvm::Attribute::number);
        if alignment.max(layout.alignment(copied.ty()).into()) > WORD {
            return refuse(RefusalKind::Passing, "an aligned copy");
        }
        let bytes = layout.size(copied.ty()).next_multiple_of(WORD);
        return match u32::try_from(bytes) {
            Ok(0) | Err(_) => refuse(RefusalKind::Passing, format!("a copy of {bytes} bytes")),
            Ok(bytes) => address(Passing::Copied(bytes)),
        };
    }
    if owner.attribute(index, "sret").is_some() {
        return address(Passing::ResultAddress);
    }
    scalars(owner, index, argument.ty(), layout)
}

fn results_of(
    owner: llvm::Value,
    ty: llvm::Type,
    layout: Layout,
) -> Result<Vec<Parameter>, Refusal> {
    let results = scalars(owner, number::INDEX_RETURN, ty, layout)?;
    let (mut ints, mut floats) = (0, 0);
    for result in &results {
        match result.value {
            Type::F32 | Type::F64 => floats += 1,
            Type::I128 => ints += 2,
            _ => ints += 1,
        }
    }
    if ints.max(floats) > MOST_RETURNED {
        return refuse(RefusalKind::Passing, "many results");
    }
    Ok(results)
}

fn scalars(
    owner: llvm::Value,
    index: u32,
    ty: llvm::Type,
    layout: Layout,
) -> Result<Vec<Parameter>, Refusal> {
    if ty.kind() == llvm::TypeKind::Vector {
        return refuse(RefusalKind::Passing, "a vector");
    }
    let extension = if owner.attribute(index, "zeroext").is_some() {
        Extension::Zero
    } else if owner.attribute(index, "signext").is_some() {
        Extension::Sign
    } else {
        Extension::None
    };
    let leaves = leaves_of(ty, layout)?;
    let parameters = leaves.into_iter().map(|leaf| Parameter {
        value: leaf.value,
        passing: Passing::Value(extension),
    });
    Ok(parameters.collect())
}

pub(crate) fn translate<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let callee = call.callee();
    match callee.kind() {
        ValueKind::InlineAsm => return refuse(RefusalKind::Assembly, "inline assembly"),
        ValueKind::Function => {
            if let Some(name) = callee.name().strip_prefix("llvm.") {
                return intrinsics::translate(translator, call, name);
            }
        }
        _ => {}
    }
    if call.tail_kind() == number::TAIL_MUST {
        return refuse(RefusalKind::TailCall, callee.name());
    }
    if call.has_bundles() {
        return refuse(RefusalKind::Instruction, "a call with operand bundles");
    }
    let is_twice = |owner: llvm::Value| {
        owner
            .attribute(number::INDEX_FUNCTION, "returns_twice")
            .is_some()
    };
    let is_known = callee.kind() == ValueKind::Function;
    if is_twice(call) || (is_known && is_twice(callee)) {
        return refuse(RefusalKind::ReturnsTwice, callee.name());
    }
    let convention = call.call_convention();
    let is_ours = matches!(
        convention,
        number::CONVENTION_PRESERVE_MOST | number::CONVENTION_PRESERVE_ALL
    );
    // Who keeps more registers than asked for does no harm.
    if !is_c(convention) && !is_ours {
        return refuse(
            RefusalKind::Passing,
            format!("calling convention {convention}"),
        );
    }
    let ty = call.called_type();
    let mut signature = Signature {
        parameters: Vec::new(),
        results: results_of(call, ty.returned(), translator.layout)?,
        is_variadic: ty.is_variadic(),
    };
    let mut arguments = Vec::new();
    for (index, argument) in (1..).zip(call.arguments()) {
        let passing = passing_of(call, index, argument, translator.layout)?;
        let scalars = translator.scalars(argument)?;
        arguments.extend(match (&passing[..], &scalars[..]) {
            ([one], [address]) => Vec::from([passed(translator, call, index, *one, *address)]),
            _ => scalars,
        });
        signature.parameters.extend(passing);
    }
    let callee = match is_known {
        true => Callee::Symbol(translator.symbols.of(callee)),
        false => Callee::Address(translator.scalar(callee)?),
    };
    emit(translator, call, callee, signature, arguments)
}

/// What stands for the argument. Of a copy whole words are read, which may be more than there is.
fn passed<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
    index: u32,
    parameter: Parameter,
    value: Value,
) -> Value {
    let Passing::Copied(bytes) = parameter.passing else {
        return value;
    };
    let copied = call.attribute(index, "byval");
    let exact = copied.map_or(0, |copied| translator.layout.size(copied.ty()));
    if exact == u64::from(bytes) {
        return value;
    }
    let room = translator.slot(SlotSize {
        bytes,
        alignment: WORD as u32,
    });
    let length = translator.int(POINTER, exact.into());
    call_library(translator, "memcpy", &[room, value, length], None);
    room
}

fn emit<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
    callee: Callee,
    signature: Signature,
    arguments: Vec<Value>,
) -> Result<Vec<Value>, Refusal> {
    let types = signature.results.iter().map(|result| result.value);
    let results: Vec<Value> = types.map(|ty| translator.value(ty)).collect();
    translator.emit_with(
        Operation::Call(callee, signature, arguments),
        results.clone(),
    );
    let leaves = leaves_of(call.ty(), translator.layout)?;
    let results = results.into_iter().zip(leaves);
    Ok(results
        .map(|(value, leaf)| translator.narrowed(value, leaf))
        .collect())
}

/// Calls a function of the C library; all of its types are those of the values.
pub(crate) fn call_library(
    translator: &mut Translator,
    name: &'static str,
    arguments: &[Value],
    result: Option<Type>,
) -> Option<Value> {
    let parameter = |value| Parameter {
        value,
        passing: Passing::Value(Extension::None),
    };
    let types = arguments.iter().map(|value| translator.type_of(*value));
    let signature = Signature {
        parameters: types.map(parameter).collect(),
        results: result.into_iter().map(parameter).collect(),
        is_variadic: false,
    };
    let callee = Callee::Symbol(translator.symbols.of_library(name));
    let result = result.map(|ty| translator.value(ty));
    translator.emit_with(
        Operation::Call(callee, signature, arguments.to_vec()),
        result.into_iter().collect(),
    );
    result
}
