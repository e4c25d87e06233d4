//! Constants, where they are used.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use bareflow_lir::{Operation, Type, Value};

use crate::function::Translator;
use crate::llvm::{self, TypeKind, ValueKind};
use crate::types::{leaf_of, leaves_of};
use crate::{Refusal, RefusalKind, instructions, refuse};

/// The scalars of a constant.
pub(crate) fn translate<'a>(
    translator: &mut Translator<'a, '_>,
    constant: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    match constant.kind() {
        ValueKind::ConstantInt => {
            let leaf = leaf_of(constant.ty())?;
            let Some(number) = constant.integer(leaf.bits) else {
                return refuse(RefusalKind::Constant, "a wide integer");
            };
            Ok(vec![translator.int(leaf.value, number)])
        }
        ValueKind::ConstantFp => {
            let leaf = leaf_of(constant.ty())?;
            let number = constant.float();
            let bits = match leaf.value {
                Type::F32 => u64::from((number as f32).to_bits()),
                _ => number.to_bits(),
            };
            Ok(vec![translator.emit(leaf.value, Operation::Float(bits))])
        }
        ValueKind::Function | ValueKind::GlobalVariable => {
            Ok(vec![translator.symbol(constant, 0)?])
        }
        ValueKind::ConstantPointerNull | ValueKind::Undefined => zeros(translator, constant.ty()),
        ValueKind::Aggregate => aggregate(translator, constant),
        ValueKind::ConstantExpr => {
            instructions::expression(translator, constant).map(|value| vec![value])
        }
        other => refuse(RefusalKind::Constant, format!("{other:?}")),
    }
}

/// What stands for anything.
pub(crate) fn zeros(translator: &mut Translator, ty: llvm::Type) -> Result<Vec<Value>, Refusal> {
    let leaves = leaves_of(ty, translator.layout)?;
    let zero = |value: Type| match value.is_float() {
        true => Operation::Float(0),
        false => Operation::Int(0),
    };
    let zeros = leaves
        .iter()
        .map(|leaf| translator.emit(leaf.value, zero(leaf.value)));
    Ok(zeros.collect())
}

fn aggregate<'a>(
    translator: &mut Translator<'a, '_>,
    constant: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let ty = constant.ty();
    if !matches!(
        ty.kind(),
        TypeKind::Struct | TypeKind::Array | TypeKind::Vector
    ) {
        return zeros(translator, ty);
    }
    // Refuses what has too many elements.
    leaves_of(ty, translator.layout)?;
    let mut scalars = Vec::new();
    for index in 0..ty.element_count() {
        match constant.constant_element(index) {
            Some(element) => scalars.extend(translate(translator, element)?),
            None => return refuse(RefusalKind::Constant, "an aggregate without elements"),
        }
    }
    Ok(scalars)
}
