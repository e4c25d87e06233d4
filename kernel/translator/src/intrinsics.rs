//! Intrinsics, as operations or as calls of the C library.

use alloc::vec;
use alloc::vec::Vec;

use bareflow_lir::{Binary, Conversion, FloatCompare, IntCompare, Operation, Type, Unary, Value};

use crate::calls::call_library;
use crate::function::{Translator, mask};
use crate::llvm::{self, ValueKind};
use crate::types::{Leaf, POINTER, leaf_of, leaves_of};
use crate::{Refusal, RefusalKind, constants, refuse};

/// What a known number of bytes is copied with at most, in words.
const MOST_COPIED: u128 = 8;

/// Of a `va_list` of x86-64.
const LIST_BYTES: u32 = 24;

/// What says something to LLVM alone.
const HINTS: [&str; 14] = [
    "assume",
    "dbg.",
    "donothing",
    "experimental.noalias.scope.decl",
    "invariant.end",
    "lifetime.end",
    "lifetime.start",
    "pcmarker",
    "prefetch",
    "pseudoprobe",
    "sideeffect",
    "va_end",
    "var.annotation",
    "fake.use",
];

/// What its first operand is.
const FORWARDED: [&str; 6] = [
    "annotation.",
    "arithmetic.fence.",
    "expect.",
    "launder.invariant.group.",
    "ptr.annotation.",
    "strip.invariant.group.",
];

/// Functions of the C library: for F64, and for F32.
const OF_LIBRARY: [(&str, &str, &str); 24] = [
    ("ceil.", "ceil", "ceilf"),
    ("cos.", "cos", "cosf"),
    ("exp.", "exp", "expf"),
    ("exp10.", "exp10", "exp10f"),
    ("exp2.", "exp2", "exp2f"),
    ("floor.", "floor", "floorf"),
    ("fma.", "fma", "fmaf"),
    ("ldexp.", "ldexp", "ldexpf"),
    ("llrint.", "llrint", "llrintf"),
    ("llround.", "llround", "llroundf"),
    ("log.", "log", "logf"),
    ("log10.", "log10", "log10f"),
    ("log2.", "log2", "log2f"),
    ("lrint.", "lrint", "lrintf"),
    ("lround.", "lround", "lroundf"),
    ("maxnum.", "fmax", "fmaxf"),
    ("minnum.", "fmin", "fminf"),
    ("nearbyint.", "nearbyint", "nearbyintf"),
    ("pow.", "pow", "powf"),
    ("rint.", "rint", "rintf"),
    ("round.", "round", "roundf"),
    ("roundeven.", "roundeven", "roundevenf"),
    ("sin.", "sin", "sinf"),
    ("trunc.", "trunc", "truncf"),
];

/// The scalars that a call of the intrinsic `llvm.NAME` gives.
pub(crate) fn translate<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
    name: &str,
) -> Result<Vec<Value>, Refusal> {
    let is = |prefix: &&str| name.starts_with(*prefix);
    if HINTS.iter().any(is) {
        return Ok(Vec::new());
    }
    if FORWARDED.iter().any(is) {
        return translator.scalars(call.operand(0));
    }
    match name {
        "trap" | "debugtrap" | "ubsantrap" => {
            translator.emit_with(Operation::Trap, Vec::new());
            return Ok(Vec::new());
        }
        "va_start" => {
            let list = translator.scalar(call.operand(0))?;
            translator.emit_with(Operation::StartArguments(list), Vec::new());
            return Ok(Vec::new());
        }
        "va_copy" => {
            let to = translator.scalar(call.operand(0))?;
            let from = translator.scalar(call.operand(1))?;
            copy(translator, to, from, LIST_BYTES);
            return Ok(Vec::new());
        }
        "returnaddress" | "frameaddress.p0" => return frame(translator, call, name),
        "invariant.start.p0" | "is.constant" => return constants::zeros(translator, call.ty()),
        "threadlocal.address.p0" => {
            return refuse(RefusalKind::ThreadLocal, call.operand(0).name());
        }
        "stacksave" | "stacksave.p0" | "stackrestore" | "stackrestore.p0" => {
            return refuse(RefusalKind::DynamicStack, name);
        }
        _ => {}
    }
    if is(&"is.constant.") {
        return constants::zeros(translator, call.ty());
    }
    if let Some(how) = name.strip_prefix("mem") {
        return memory(translator, call, how);
    }
    if is(&"objectsize.") {
        return object_size(translator, call);
    }
    if let Some(how) = name.strip_prefix("vector.reduce.") {
        return reduce(translator, call, how);
    }
    if is(&"x86.sse2.pmovmskb.") || is(&"x86.sse2.movmsk.") || is(&"x86.sse.movmsk.") {
        return signs(translator, call);
    }
    if name.contains(".with.overflow.") {
        return overflow(translator, call, name);
    }
    let Some(each) = elementwise(name) else {
        return refuse(RefusalKind::Intrinsic, name);
    };
    let leaves = leaves_of(call.ty(), translator.layout)?;
    let from = leaves_of(call.operand(0).ty(), translator.layout)?;
    let mut operands = Vec::new();
    for argument in call.arguments() {
        operands.push(translator.scalars(argument)?);
    }
    let mut results = Vec::with_capacity(leaves.len());
    for (index, leaf) in leaves.iter().enumerate() {
        // Of vectors too, some operands are scalars.
        let of = |operand: &Vec<Value>| operand.get(index).or(operand.first()).copied();
        let scalars: Vec<Value> = operands.iter().filter_map(of).collect();
        results.push(each.apply(translator, &scalars, *leaf, from[index])?);
    }
    Ok(results)
}

/// All elements of a vector as one: from the first to the last, which is one of the orders that there may be.
fn reduce<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
    how: &str,
) -> Result<Vec<Value>, Refusal> {
    const KNOWN: [(&str, Each); 11] = [
        ("add.", Each::Binary(Binary::Add)),
        ("and.", Each::Binary(Binary::And)),
        ("fadd.", Each::Binary(Binary::FAdd)),
        ("fmul.", Each::Binary(Binary::FMul)),
        ("mul.", Each::Binary(Binary::Mul)),
        ("or.", Each::Binary(Binary::Or)),
        ("smax.", Each::SignedBinary(Binary::SMax)),
        ("smin.", Each::SignedBinary(Binary::SMin)),
        ("umax.", Each::Binary(Binary::UMax)),
        ("umin.", Each::Binary(Binary::UMin)),
        ("xor.", Each::Binary(Binary::Xor)),
    ];
    let found = KNOWN.iter().find(|(prefix, _)| how.starts_with(prefix));
    let Some((_, each)) = found else {
        return refuse(RefusalKind::Intrinsic, how);
    };
    let leaf = leaf_of(call.ty())?;
    let mut elements = Vec::new();
    // Those of floating point have a value to start from.
    for argument in call.arguments() {
        elements.extend(translator.scalars(argument)?);
    }
    let mut elements = elements.into_iter();
    let mut all = elements.next().expect("a vector has elements");
    for element in elements {
        let made = each.apply(translator, &[all, element], leaf, leaf)?;
        all = translator.narrowed(made, leaf);
    }
    Ok(vec![all])
}

/// A bit for the sign of each element of a vector, the first one's the lowest.
fn signs<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let mut all = translator.int(Type::I32, 0);
    for (place, element) in (0..).zip(translator.scalars(call.operand(0))?) {
        let ty = translator.type_of(element);
        let word = match ty {
            Type::F32 => Type::I32,
            Type::F64 => Type::I64,
            other => other,
        };
        let bits = translator.convert(Conversion::Bits, element, word);
        let sign = translator.binary_with(Binary::LShr, bits, (ty.bits() - 1).into());
        let sign = translator.unsigned_as(sign, Type::I32);
        let sign = translator.binary_with(Binary::Shl, sign, place);
        all = translator.binary(Binary::Or, all, sign);
    }
    Ok(vec![all])
}

fn frame<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
    name: &str,
) -> Result<Vec<Value>, Refusal> {
    let depth = call.operand(0);
    if depth.kind() != ValueKind::ConstantInt || depth.integer(32) != Some(0) {
        return refuse(RefusalKind::Intrinsic, name);
    }
    let operation = match name {
        "returnaddress" => Operation::ReturnAddress,
        _ => Operation::FrameAddress,
    };
    let address = translator.emit(POINTER, operation);
    Ok(vec![address])
}

fn memory<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
    how: &str,
) -> Result<Vec<Value>, Refusal> {
    let function = match how.split('.').next() {
        Some("cpy") => "memcpy",
        Some("move") => "memmove",
        Some("set") => "memset",
        _ => return refuse(RefusalKind::Intrinsic, how),
    };
    if how.contains("element.unordered") {
        return refuse(RefusalKind::Intrinsic, how);
    }
    let to = translator.scalar(call.operand(0))?;
    let length = call.operand(2);
    let known = match length.kind() {
        ValueKind::ConstantInt => length.integer(64),
        _ => None,
    };
    if let (Some(bytes), true) = (known, function != "memset") {
        let from = translator.scalar(call.operand(1))?;
        if bytes <= MOST_COPIED * u128::from(POINTER.bytes()) {
            copy(translator, to, from, bytes as u32);
            return Ok(Vec::new());
        }
    }
    let second = translator.scalar(call.operand(1))?;
    let second = match function {
        // It takes an int.
        "memset" => translator.convert(Conversion::ZeroExtend, second, Type::I32),
        _ => second,
    };
    let length = translator.scalar(length)?;
    let length = translator.unsigned_as(length, POINTER);
    call_library(translator, function, &[to, second, length], None);
    Ok(Vec::new())
}

/// All is read before anything is written.
fn copy(translator: &mut Translator, to: Value, from: Value, bytes: u32) {
    let mut parts = Vec::new();
    let mut offset = 0;
    for ty in [Type::I64, Type::I32, Type::I16, Type::I8] {
        while bytes - offset >= ty.bytes() {
            let (base, place) = translator.place(from, offset.into());
            parts.push((offset, translator.emit(ty, Operation::Load(base, place))));
            offset += ty.bytes();
        }
    }
    for (offset, value) in parts {
        let (base, place) = translator.place(to, offset.into());
        translator.emit_with(Operation::Store(value, base, place), Vec::new());
    }
}

/// Nothing is known of any object: 0 if the least is asked for, else all ones.
fn object_size<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let leaf = leaf_of(call.ty())?;
    let is_least = call.operand(1).integer(1) == Some(1);
    let size = if is_least { 0 } else { mask(leaf.bits) };
    let size = translator.int(leaf.value, size);
    Ok(vec![size])
}

/// The result, and whether it is not what it would be with more bits.
fn overflow<'a>(
    translator: &mut Translator<'a, '_>,
    call: llvm::Value<'a>,
    name: &str,
) -> Result<Vec<Value>, Refusal> {
    let (first, second) = (call.operand(0), call.operand(1));
    let leaf = leaf_of(first.ty())?;
    let (first, second) = (translator.scalar(first)?, translator.scalar(second)?);
    let (operation, is_signed) = match name.split('.').next() {
        Some("uadd") => (Binary::Add, false),
        Some("usub") => (Binary::Sub, false),
        Some("umul") => (Binary::Mul, false),
        Some("sadd") => (Binary::Add, true),
        Some("ssub") => (Binary::Sub, true),
        Some("smul") => (Binary::Mul, true),
        _ => return refuse(RefusalKind::Intrinsic, name),
    };
    let results = overflowing(translator, operation, is_signed, [first, second], leaf)?;
    Ok(results.into())
}

fn overflowing(
    translator: &mut Translator,
    operation: Binary,
    is_signed: bool,
    [first, second]: [Value; 2],
    leaf: Leaf,
) -> Result<[Value; 2], Refusal> {
    let whole = translator.binary(operation, first, second);
    let result = translator.narrowed(whole, leaf);
    if operation == Binary::Mul {
        let does = multiplication_overflows(translator, is_signed, [first, second], leaf)?;
        return Ok([result, does]);
    }
    if !is_signed {
        let does = match operation {
            Binary::Add => translator.compare(IntCompare::Ult, result, first),
            _ => translator.compare(IntCompare::Ult, first, second),
        };
        return Ok([result, does]);
    }
    // The sign of the result is not that of what leads to it.
    let one = translator.binary(Binary::Xor, result, first);
    let other = match operation {
        Binary::Add => translator.binary(Binary::Xor, result, second),
        _ => translator.binary(Binary::Xor, first, second),
    };
    let differ = translator.binary(Binary::And, one, other);
    let sign = translator.binary_with(Binary::LShr, differ, (leaf.bits - 1).into());
    let does = translator.convert(Conversion::Truncate, sign, Type::I8);
    Ok([result, does])
}

fn multiplication_overflows(
    translator: &mut Translator,
    is_signed: bool,
    [first, second]: [Value; 2],
    leaf: Leaf,
) -> Result<Value, Refusal> {
    if leaf.value == Type::I128 {
        return refuse(RefusalKind::Type, "i128 times i128 with overflow");
    }
    if leaf.bits == 64 {
        let high = match is_signed {
            true => Binary::MulHighSigned,
            false => Binary::MulHighUnsigned,
        };
        let high = translator.binary(high, first, second);
        let expected = match is_signed {
            true => {
                let low = translator.binary(Binary::Mul, first, second);
                translator.binary_with(Binary::AShr, low, 63)
            }
            false => translator.int(leaf.value, 0),
        };
        return Ok(translator.compare(IntCompare::Ne, high, expected));
    }
    // Twice the bits hold every product; up to 32 have room in 64.
    let wide = if leaf.bits <= 32 {
        Type::I64
    } else {
        Type::I128
    };
    let wide_leaf = Leaf {
        value: wide,
        bits: leaf.bits,
        offset: 0,
    };
    let widen = |translator: &mut Translator, value| match is_signed {
        true => translator.signed_as(value, leaf, wide),
        false => translator.unsigned_as(value, wide),
    };
    let (first, second) = (widen(translator, first), widen(translator, second));
    let product = translator.binary(Binary::Mul, first, second);
    let kept = translator.narrowed(product, wide_leaf);
    let kept = match is_signed {
        true => translator.signed(kept, wide_leaf),
        false => kept,
    };
    Ok(translator.compare(IntCompare::Ne, product, kept))
}

/// What is done to each element alike.
#[derive(Clone, Copy)]
enum Each {
    Binary(Binary),
    SignedBinary(Binary),
    Unary(Unary),
    Library(&'static str, &'static str),
    Abs,
    LeadingZeros,
    TrailingZeros,
    Swap(Unary),
    MultiplyAdd,
    Saturating(Binary, bool),
    Funnel { is_left: bool },
    ToInteger(Conversion),
    IsClass,
}

fn elementwise(name: &str) -> Option<Each> {
    const KNOWN: [(&str, Each); 23] = [
        ("abs.", Each::Abs),
        ("bitreverse.", Each::Swap(Unary::BitReverse)),
        ("bswap.", Each::Swap(Unary::ByteSwap)),
        ("copysign.", Each::Binary(Binary::CopySign)),
        ("ctlz.", Each::LeadingZeros),
        ("ctpop.", Each::Unary(Unary::CountOnes)),
        ("cttz.", Each::TrailingZeros),
        ("fabs.", Each::Unary(Unary::FAbs)),
        ("fmuladd.", Each::MultiplyAdd),
        (
            "fptosi.sat.",
            Each::ToInteger(Conversion::ToSignedSaturating),
        ),
        (
            "fptoui.sat.",
            Each::ToInteger(Conversion::ToUnsignedSaturating),
        ),
        ("fshl.", Each::Funnel { is_left: true }),
        ("fshr.", Each::Funnel { is_left: false }),
        ("is.fpclass.", Each::IsClass),
        ("sadd.sat.", Each::Saturating(Binary::Add, true)),
        ("smax.", Each::SignedBinary(Binary::SMax)),
        ("smin.", Each::SignedBinary(Binary::SMin)),
        ("sqrt.", Each::Unary(Unary::Sqrt)),
        ("ssub.sat.", Each::Saturating(Binary::Sub, true)),
        ("uadd.sat.", Each::Saturating(Binary::Add, false)),
        ("umax.", Each::Binary(Binary::UMax)),
        ("umin.", Each::Binary(Binary::UMin)),
        ("usub.sat.", Each::Saturating(Binary::Sub, false)),
    ];
    let known = KNOWN.iter().find(|(prefix, _)| name.starts_with(prefix));
    let library = || {
        let found = OF_LIBRARY
            .iter()
            .find(|(prefix, ..)| name.starts_with(prefix));
        found.map(|(_, double, single)| Each::Library(double, single))
    };
    known.map(|(_, each)| *each).or_else(library)
}

impl Each {
    fn apply(
        self,
        translator: &mut Translator,
        operands: &[Value],
        leaf: Leaf,
        from: Leaf,
    ) -> Result<Value, Refusal> {
        let first = operands[0];
        let second = operands.get(1).copied().unwrap_or(first);
        Ok(match self {
            Self::Binary(operation) => translator.binary(operation, first, second),
            Self::SignedBinary(operation) => {
                let (first, second) = (
                    translator.signed(first, leaf),
                    translator.signed(second, leaf),
                );
                let result = translator.binary(operation, first, second);
                translator.narrowed(result, leaf)
            }
            Self::Unary(operation) => {
                translator.emit(leaf.value, Operation::Unary(operation, first))
            }
            Self::Library(double, single) => {
                let name = match from.value {
                    Type::F32 => single,
                    _ => double,
                };
                let result = call_library(translator, name, operands, Some(leaf.value));
                result.expect("it has a result")
            }
            Self::Abs => {
                let signed = translator.signed(first, leaf);
                let zero = translator.int(leaf.value, 0);
                let negative = translator.binary(Binary::Sub, zero, signed);
                let larger = translator.binary(Binary::SMax, signed, negative);
                translator.narrowed(larger, leaf)
            }
            Self::LeadingZeros => {
                let operation = Operation::Unary(Unary::CountLeadingZeros, first);
                let count = translator.emit(leaf.value, operation);
                let unused = leaf.value.bits() - leaf.bits;
                translator.binary_with(Binary::Sub, count, unused.into())
            }
            Self::TrailingZeros => {
                // A bit above those that mean something bounds the count.
                let bounded = match leaf.is_narrow() {
                    true => translator.binary_with(Binary::Or, first, 1 << leaf.bits),
                    false => first,
                };
                let operation = Operation::Unary(Unary::CountTrailingZeros, bounded);
                translator.emit(leaf.value, operation)
            }
            Self::Swap(operation) => {
                let swapped = translator.emit(leaf.value, Operation::Unary(operation, first));
                let unused = leaf.value.bits() - leaf.bits;
                match unused {
                    0 => swapped,
                    _ => translator.binary_with(Binary::LShr, swapped, unused.into()),
                }
            }
            Self::MultiplyAdd => {
                let product = translator.binary(Binary::FMul, first, second);
                translator.binary(Binary::FAdd, product, operands[2])
            }
            Self::Saturating(operation, is_signed) => {
                saturating(translator, operation, is_signed, [first, second], leaf)?
            }
            Self::Funnel { is_left } => {
                funnel(translator, [first, second, operands[2]], is_left, leaf)?
            }
            Self::ToInteger(conversion) => {
                if !matches!(leaf.value, Type::I32 | Type::I64) || leaf.is_narrow() {
                    return refuse(RefusalKind::Type, "a saturating conversion to it");
                }
                translator.emit(leaf.value, Operation::Convert(conversion, first))
            }
            Self::IsClass => return is_class(translator, first, second),
        })
    }
}

fn saturating(
    translator: &mut Translator,
    operation: Binary,
    is_signed: bool,
    operands: [Value; 2],
    leaf: Leaf,
) -> Result<Value, Refusal> {
    let [result, does] = overflowing(translator, operation, is_signed, operands, leaf)?;
    let bound = match (is_signed, operation) {
        (false, Binary::Add) => translator.int(leaf.value, mask(leaf.bits)),
        (false, _) => translator.int(leaf.value, 0),
        (true, _) => {
            // The sign of the first says which bound it is.
            let signed = translator.signed(operands[0], leaf);
            let sign = translator.binary_with(Binary::AShr, signed, (leaf.bits - 1).into());
            let bound = translator.binary_with(Binary::Xor, sign, mask(leaf.bits - 1));
            translator.narrowed(bound, leaf)
        }
    };
    Ok(translator.select(does, bound, result))
}

/// So many bits of two values, one behind the other.
fn funnel(
    translator: &mut Translator,
    [high, low, amount]: [Value; 3],
    is_left: bool,
    leaf: Leaf,
) -> Result<Value, Refusal> {
    if leaf.is_narrow() {
        return refuse(RefusalKind::Type, "a funnel shift of a narrow integer");
    }
    let bits = u128::from(leaf.bits);
    let amount = translator.binary_with(Binary::And, amount, bits - 1);
    if high == low {
        let amount = match is_left {
            true => amount,
            false => {
                let zero = translator.int(leaf.value, 0);
                let amount = translator.binary(Binary::Sub, zero, amount);
                translator.binary_with(Binary::And, amount, bits - 1)
            }
        };
        return Ok(translator.binary(Binary::RotateLeft, high, amount));
    }
    // A shift by all bits is one by one and one by the rest.
    let rest = translator.binary_with(Binary::Xor, amount, bits - 1);
    let (upper, lower) = if is_left {
        let low = translator.binary_with(Binary::LShr, low, 1);
        (
            translator.binary(Binary::Shl, high, amount),
            translator.binary(Binary::LShr, low, rest),
        )
    } else {
        let high = translator.binary_with(Binary::Shl, high, 1);
        (
            translator.binary(Binary::Shl, high, rest),
            translator.binary(Binary::LShr, low, amount),
        )
    };
    Ok(translator.binary(Binary::Or, upper, lower))
}

/// Only whether it is a number at all is asked often; the mask has been made a value already.
fn is_class(translator: &mut Translator, value: Value, classes: Value) -> Result<Value, Refusal> {
    const NOT_A_NUMBER: u128 = 3;
    if translator.int_of(classes) != Some(NOT_A_NUMBER) {
        return refuse(RefusalKind::Intrinsic, "is.fpclass");
    }
    let operation = Operation::FloatCompare(FloatCompare::Uno, value, value);
    Ok(translator.emit(Type::I8, operation))
}
