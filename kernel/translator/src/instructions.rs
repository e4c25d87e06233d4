//! Instructions, and constant expressions.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use bareflow_lir::{
    Binary, Conversion, FloatCompare, IntCompare, Operation, Rmw, SlotSize, Type, Unary, Value,
};

use crate::calls::{self, call_library};
use crate::function::Translator;
use crate::llvm::{self, TypeKind, ValueKind};
use crate::types::{Leaf, POINTER, leaf_count, leaf_of, leaves_in_memory, leaves_of};
use crate::{Refusal, RefusalKind, refuse};

// `LLVMOpcode`.
pub(crate) const RET: u32 = 1;
pub(crate) const BR: u32 = 2;
pub(crate) const SWITCH: u32 = 3;
pub(crate) const UNREACHABLE: u32 = 7;
const ADD: u32 = 8;
const FADD: u32 = 9;
const SUB: u32 = 10;
const FSUB: u32 = 11;
const MUL: u32 = 12;
const FMUL: u32 = 13;
const UDIV: u32 = 14;
const SDIV: u32 = 15;
const FDIV: u32 = 16;
const UREM: u32 = 17;
const SREM: u32 = 18;
const FREM: u32 = 19;
const SHL: u32 = 20;
const LSHR: u32 = 21;
const ASHR: u32 = 22;
const AND: u32 = 23;
const OR: u32 = 24;
const XOR: u32 = 25;
const ALLOCA: u32 = 26;
const LOAD: u32 = 27;
const STORE: u32 = 28;
const GET_ELEMENT_PTR: u32 = 29;
const TRUNC: u32 = 30;
const ZEXT: u32 = 31;
const SEXT: u32 = 32;
const FP_TO_UI: u32 = 33;
const FP_TO_SI: u32 = 34;
const UI_TO_FP: u32 = 35;
const SI_TO_FP: u32 = 36;
const FP_TRUNC: u32 = 37;
const FP_EXT: u32 = 38;
const PTR_TO_INT: u32 = 39;
const INT_TO_PTR: u32 = 40;
const BITCAST: u32 = 41;
const ICMP: u32 = 42;
const FCMP: u32 = 43;
pub(crate) const PHI: u32 = 44;
const CALL: u32 = 45;
const SELECT: u32 = 46;
const EXTRACT_ELEMENT: u32 = 50;
const INSERT_ELEMENT: u32 = 51;
const SHUFFLE_VECTOR: u32 = 52;
const EXTRACT_VALUE: u32 = 53;
const INSERT_VALUE: u32 = 54;
const FENCE: u32 = 55;
const CMPXCHG: u32 = 56;
const RMW: u32 = 57;
const FNEG: u32 = 66;
const FREEZE: u32 = 68;

/// The name of an opcode that is refused.
pub(crate) fn name(opcode: u32) -> String {
    let known = match opcode {
        4 => "indirectbr",
        5 => "invoke",
        49 => "va_arg",
        58 => "resume",
        59 => "landingpad",
        60 => "addrspacecast",
        67 => "callbr",
        _ => return format!("opcode {opcode}"),
    };
    known.into()
}

/// Alignment of the stack, in bytes.
const STACK_ALIGNMENT: u32 = 16;
/// What a function's frame may hold of one variable, in bytes.
const LARGEST_SLOT: u64 = 1 << 30;

/// The scalars that an instruction gives.
pub(crate) fn translate<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
    is_entry: bool,
) -> Result<Vec<Value>, Refusal> {
    let opcode = instruction.opcode();
    match opcode {
        // The ends of blocks.
        RET | BR | SWITCH | UNREACHABLE => Ok(Vec::new()),
        CALL => calls::translate(translator, instruction),
        ALLOCA => allocate(translator, instruction, is_entry),
        LOAD => load(translator, instruction),
        STORE => store(translator, instruction),
        FENCE => {
            translator.emit_with(Operation::Fence, Vec::new());
            Ok(Vec::new())
        }
        RMW => atomic_rmw(translator, instruction),
        CMPXCHG => compare_exchange(translator, instruction),
        SELECT => select(translator, instruction),
        FREEZE => translator.scalars(instruction.operand(0)),
        EXTRACT_VALUE => extract_value(translator, instruction),
        INSERT_VALUE => insert_value(translator, instruction),
        EXTRACT_ELEMENT => extract_element(translator, instruction),
        INSERT_ELEMENT => insert_element(translator, instruction),
        SHUFFLE_VECTOR => shuffle(translator, instruction),
        BITCAST => bitcast(translator, instruction),
        FREM => elementwise(translator, instruction, remainder),
        ADD..=XOR => elementwise(translator, instruction, binary),
        FNEG => elementwise(
            translator,
            instruction,
            |translator, _, operands, leaf, _| {
                Ok(translator.emit(leaf.value, Operation::Unary(Unary::FNeg, operands[0])))
            },
        ),
        TRUNC..=INT_TO_PTR => elementwise(translator, instruction, convert),
        ICMP | FCMP => elementwise(translator, instruction, compare),
        GET_ELEMENT_PTR => expression(translator, instruction).map(|address| vec![address]),
        other => refuse(RefusalKind::Instruction, name(other)),
    }
}

/// The scalar of a constant expression; or of an instruction that computes an address.
pub(crate) fn expression<'a>(
    translator: &mut Translator<'a, '_>,
    value: llvm::Value<'a>,
) -> Result<Value, Refusal> {
    if Translator::is_vector(value) {
        return refuse(RefusalKind::Aggregate, "a vector of addresses");
    }
    let opcode = value.opcode();
    match opcode {
        GET_ELEMENT_PTR => element_address(translator, value),
        BITCAST => translator.scalar(value.operand(0)),
        ADD | SUB | MUL | SHL | XOR | TRUNC | PTR_TO_INT | INT_TO_PTR | ICMP => {
            let leaf = leaf_of(value.ty())?;
            let from = leaf_of(value.operand(0).ty())?;
            let operands: Result<Vec<Value>, Refusal> = value
                .operands()
                .map(|operand| translator.scalar(operand))
                .collect();
            let operands = operands?;
            match opcode {
                TRUNC..=INT_TO_PTR => convert(translator, value, &operands, leaf, from),
                ICMP => compare(translator, value, &operands, leaf, from),
                _ => binary(translator, value, &operands, leaf, from),
            }
        }
        other => refuse(
            RefusalKind::Constant,
            format!("expression, {}", name(other)),
        ),
    }
}

/// Translates what is done to each element of vectors alike: with the operands' elements, the result's leaf and the first
/// operand's.
fn elementwise<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
    each: impl Fn(
        &mut Translator<'a, '_>,
        llvm::Value<'a>,
        &[Value],
        Leaf,
        Leaf,
    ) -> Result<Value, Refusal>,
) -> Result<Vec<Value>, Refusal> {
    let leaves = leaves_of(instruction.ty(), translator.layout)?;
    let from = leaves_of(instruction.operand(0).ty(), translator.layout)?;
    let mut operands = Vec::new();
    for operand in instruction.operands() {
        operands.push(translator.scalars(operand)?);
    }
    let mut results = Vec::with_capacity(leaves.len());
    for (index, leaf) in leaves.iter().enumerate() {
        let scalars: Vec<Value> = operands.iter().map(|operand| operand[index]).collect();
        results.push(each(translator, instruction, &scalars, *leaf, from[index])?);
    }
    Ok(results)
}

/// Division of the widest integers is the runtime's.
const WIDE_DIVISIONS: [(u32, &str); 4] = [
    (UDIV, "__udivti3"),
    (SDIV, "__divti3"),
    (UREM, "__umodti3"),
    (SREM, "__modti3"),
];

fn binary<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
    operands: &[Value],
    leaf: Leaf,
    _: Leaf,
) -> Result<Value, Refusal> {
    let opcode = instruction.opcode();
    let operation = match opcode {
        ADD => Binary::Add,
        SUB => Binary::Sub,
        MUL => Binary::Mul,
        UDIV => Binary::UDiv,
        SDIV => Binary::SDiv,
        UREM => Binary::URem,
        SREM => Binary::SRem,
        SHL => Binary::Shl,
        LSHR => Binary::LShr,
        ASHR => Binary::AShr,
        AND => Binary::And,
        OR => Binary::Or,
        XOR => Binary::Xor,
        FADD => Binary::FAdd,
        FSUB => Binary::FSub,
        FMUL => Binary::FMul,
        FDIV => Binary::FDiv,
        other => return refuse(RefusalKind::Instruction, name(other)),
    };
    let (mut first, mut second) = (operands[0], operands[1]);
    match operation {
        Binary::SDiv | Binary::SRem => {
            first = translator.signed(first, leaf);
            second = translator.signed(second, leaf);
        }
        Binary::AShr => first = translator.signed(first, leaf),
        _ => {}
    }
    let wide = WIDE_DIVISIONS.iter().find(|(wide, _)| *wide == opcode);
    if let (Type::I128, Some((_, function))) = (leaf.value, wide) {
        let result = call_library(translator, function, &[first, second], Some(leaf.value));
        let result = result.expect("it has a result");
        return Ok(translator.narrowed(result, leaf));
    }
    let result = translator.binary(operation, first, second);
    let may_be_wider = matches!(
        operation,
        Binary::Add
            | Binary::Sub
            | Binary::Mul
            | Binary::Shl
            | Binary::AShr
            | Binary::SDiv
            | Binary::SRem
    );
    Ok(match may_be_wider {
        true => translator.narrowed(result, leaf),
        false => result,
    })
}

fn remainder<'a>(
    translator: &mut Translator<'a, '_>,
    _: llvm::Value<'a>,
    operands: &[Value],
    leaf: Leaf,
    _: Leaf,
) -> Result<Value, Refusal> {
    let function = if leaf.value == Type::F32 {
        "fmodf"
    } else {
        "fmod"
    };
    let result = call_library(translator, function, operands, Some(leaf.value));
    Ok(result.expect("it has a result"))
}

fn convert<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
    operands: &[Value],
    leaf: Leaf,
    from: Leaf,
) -> Result<Value, Refusal> {
    let value = operands[0];
    let is_wide = leaf.value == Type::I128 || from.value == Type::I128;
    Ok(match instruction.opcode() {
        TRUNC => {
            let value = translator.convert(Conversion::Truncate, value, leaf.value);
            translator.narrowed(value, leaf)
        }
        ZEXT => translator.convert(Conversion::ZeroExtend, value, leaf.value),
        SEXT => {
            let value = translator.signed_as(value, from, leaf.value);
            translator.narrowed(value, leaf)
        }
        PTR_TO_INT | INT_TO_PTR => {
            let value = translator.unsigned_as(value, leaf.value);
            translator.narrowed(value, leaf)
        }
        FP_TRUNC => translator.convert(Conversion::Demote, value, leaf.value),
        FP_EXT => translator.convert(Conversion::Promote, value, leaf.value),
        opcode if is_wide => convert_wide(translator, opcode, value, leaf, from)?,
        opcode @ (FP_TO_UI | FP_TO_SI) => {
            let conversion = match opcode {
                FP_TO_UI => Conversion::ToUnsigned,
                _ => Conversion::ToSigned,
            };
            to_integer(translator, conversion, value, leaf)
        }
        UI_TO_FP => {
            let word = word_of(from.value);
            let value = translator.convert(Conversion::ZeroExtend, value, word);
            translator.emit(
                leaf.value,
                Operation::Convert(Conversion::FromUnsigned, value),
            )
        }
        SI_TO_FP => {
            let value = translator.signed_as(value, from, word_of(from.value));
            translator.emit(
                leaf.value,
                Operation::Convert(Conversion::FromSigned, value),
            )
        }
        other => return refuse(RefusalKind::Instruction, name(other)),
    })
}

/// Conversions between floating point and the widest integers are the runtime's: for F32, and for F64.
const WIDE_CONVERSIONS: [(u32, &str, &str); 4] = [
    (FP_TO_UI, "__fixunssfti", "__fixunsdfti"),
    (FP_TO_SI, "__fixsfti", "__fixdfti"),
    (UI_TO_FP, "__floatuntisf", "__floatuntidf"),
    (SI_TO_FP, "__floattisf", "__floattidf"),
];

fn convert_wide(
    translator: &mut Translator,
    opcode: u32,
    value: Value,
    leaf: Leaf,
    from: Leaf,
) -> Result<Value, Refusal> {
    let mut known = WIDE_CONVERSIONS.iter();
    let Some((_, single, double)) = known.find(|(known, ..)| *known == opcode) else {
        return refuse(RefusalKind::Instruction, name(opcode));
    };
    let is_single = leaf.value == Type::F32 || from.value == Type::F32;
    let function = if is_single { single } else { double };
    let value = match opcode {
        SI_TO_FP => translator.signed(value, from),
        _ => value,
    };
    let result = call_library(translator, function, &[value], Some(leaf.value));
    Ok(translator.narrowed(result.expect("it has a result"), leaf))
}

/// What processors convert floating point from and to.
fn word_of(ty: Type) -> Type {
    if ty.bits() < 32 { Type::I32 } else { ty }
}

fn to_integer(
    translator: &mut Translator,
    conversion: Conversion,
    value: Value,
    leaf: Leaf,
) -> Value {
    let word = word_of(leaf.value);
    let value = translator.emit(word, Operation::Convert(conversion, value));
    let value = translator.convert(Conversion::Truncate, value, leaf.value);
    translator.narrowed(value, leaf)
}

fn compare<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
    operands: &[Value],
    leaf: Leaf,
    from: Leaf,
) -> Result<Value, Refusal> {
    let (mut first, mut second) = (operands[0], operands[1]);
    if from.value.is_float() {
        let how = match instruction.predicate(true) {
            0 => return Ok(translator.int(leaf.value, 0)),
            1 => FloatCompare::Oeq,
            2 => FloatCompare::Ogt,
            3 => FloatCompare::Oge,
            4 => FloatCompare::Olt,
            5 => FloatCompare::Ole,
            6 => FloatCompare::One,
            7 => FloatCompare::Ord,
            8 => FloatCompare::Uno,
            9 => FloatCompare::Ueq,
            10 => FloatCompare::Ugt,
            11 => FloatCompare::Uge,
            12 => FloatCompare::Ult,
            13 => FloatCompare::Ule,
            14 => FloatCompare::Une,
            _ => return Ok(translator.int(leaf.value, 1)),
        };
        return Ok(translator.emit(leaf.value, Operation::FloatCompare(how, first, second)));
    }
    let how = match instruction.predicate(false) {
        32 => IntCompare::Eq,
        33 => IntCompare::Ne,
        34 => IntCompare::Ugt,
        35 => IntCompare::Uge,
        36 => IntCompare::Ult,
        37 => IntCompare::Ule,
        38 => IntCompare::Sgt,
        39 => IntCompare::Sge,
        40 => IntCompare::Slt,
        41 => IntCompare::Sle,
        other => return refuse(RefusalKind::Instruction, format!("predicate {other}")),
    };
    if matches!(
        how,
        IntCompare::Sgt | IntCompare::Sge | IntCompare::Slt | IntCompare::Sle
    ) {
        first = translator.signed(first, from);
        second = translator.signed(second, from);
    }
    Ok(translator.compare(how, first, second))
}

fn allocate<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
    is_entry: bool,
) -> Result<Vec<Value>, Refusal> {
    let count = instruction.operand(0);
    if !is_entry || count.kind() != ValueKind::ConstantInt {
        return refuse(RefusalKind::DynamicStack, "alloca");
    }
    let element = translator.layout.size(instruction.allocated());
    let count = count.integer(64).unwrap_or(u128::MAX);
    let bytes = u128::from(element).saturating_mul(count);
    let Some(bytes) = u64::try_from(bytes)
        .ok()
        .filter(|bytes| *bytes <= LARGEST_SLOT)
    else {
        return refuse(RefusalKind::Instruction, "a very large alloca");
    };
    let alignment = instruction.alignment();
    let bytes = bytes as u32;
    let address = if alignment <= STACK_ALIGNMENT {
        translator.slot(SlotSize { bytes, alignment })
    } else {
        let room = translator.slot(SlotSize {
            bytes: bytes + alignment,
            alignment: STACK_ALIGNMENT,
        });
        let most = u128::from(alignment - 1);
        let above = translator.binary_with(Binary::Add, room, most);
        translator.binary_with(Binary::And, above, u128::from(u64::MAX) & !most)
    };
    Ok(vec![address])
}

fn load<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let leaves = leaves_in_memory(instruction.ty(), translator.layout)?;
    let address = translator.scalar(instruction.operand(0))?;
    let mut results = Vec::with_capacity(leaves.len());
    for leaf in &leaves {
        let result = if instruction.is_atomic() {
            let operation = atomic(*leaf, Operation::AtomicLoad(address))?;
            translator.emit(leaf.value, operation)
        } else if instruction.is_volatile() {
            load_volatile(translator, address, *leaf)?
        } else {
            read(translator, address, *leaf)
        };
        results.push(result);
    }
    Ok(results)
}

/// What lies in memory.
fn read(translator: &mut Translator, address: Value, leaf: Leaf) -> Value {
    let from = |translator: &mut Translator, piece, place: u32| {
        let (address, bytes) = translator.place(address, leaf.offset + u64::from(place));
        translator.emit(piece, Operation::Load(address, bytes))
    };
    if leaf.lies_in_memory() {
        return from(translator, leaf.value, 0);
    }
    let mut whole = None;
    for (piece, place) in leaf.pieces() {
        let part = from(translator, piece, place);
        let part = translator.convert(Conversion::ZeroExtend, part, leaf.value);
        whole = Some(match whole {
            None => part,
            Some(lower) => {
                let part = translator.binary_with(Binary::Shl, part, (place * 8).into());
                translator.binary(Binary::Or, lower, part)
            }
        });
    }
    whole.expect("an integer has a piece")
}

/// Puts it there.
fn write(translator: &mut Translator, address: Value, leaf: Leaf, scalar: Value) {
    let to = |translator: &mut Translator, part, place: u32| {
        let (address, bytes) = translator.place(address, leaf.offset + u64::from(place));
        translator.emit_with(Operation::Store(part, address, bytes), Vec::new());
    };
    if leaf.lies_in_memory() {
        return to(translator, scalar, 0);
    }
    for (piece, place) in leaf.pieces() {
        let part = match place {
            0 => scalar,
            _ => translator.binary_with(Binary::LShr, scalar, (place * 8).into()),
        };
        let part = translator.convert(Conversion::Truncate, part, piece);
        to(translator, part, place);
    }
}

/// Generators leave out loads whose result they know, but for atomic ones.
fn load_volatile(
    translator: &mut Translator,
    address: Value,
    leaf: Leaf,
) -> Result<Value, Refusal> {
    if !leaf.lies_in_memory() {
        return refuse(RefusalKind::Type, format!("volatile i{}", leaf.bits));
    }
    let address = match leaf.offset {
        0 => address,
        offset => translator.binary_with(Binary::Add, address, offset.into()),
    };
    let word = match leaf.value {
        Type::F32 => Type::I32,
        Type::F64 => Type::I64,
        other => other,
    };
    let operation = match word {
        // There is no such load, and nobody relies on it.
        Type::I128 => Operation::Load(address, 0),
        _ => Operation::AtomicLoad(address),
    };
    let value = translator.emit(word, operation);
    Ok(translator.convert(Conversion::Bits, value, leaf.value))
}

fn store<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let value = instruction.operand(0);
    let leaves = leaves_in_memory(value.ty(), translator.layout)?;
    let scalars = translator.scalars(value)?;
    let address = translator.scalar(instruction.operand(1))?;
    for (leaf, scalar) in leaves.iter().zip(scalars) {
        if instruction.is_atomic() {
            let operation = atomic(*leaf, Operation::AtomicStore(scalar, address))?;
            translator.emit_with(operation, Vec::new());
        } else {
            write(translator, address, *leaf, scalar);
        }
    }
    Ok(Vec::new())
}

/// The operation, if it can be done to the type at once.
fn atomic(leaf: Leaf, operation: Operation) -> Result<Operation, Refusal> {
    match leaf.value {
        Type::I8 | Type::I16 | Type::I32 | Type::I64 if leaf.offset == 0 => Ok(operation),
        other => refuse(RefusalKind::Type, format!("atomic {other:?}")),
    }
}

fn atomic_rmw<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let how = match instruction.rmw() {
        0 => Rmw::Xchg,
        1 => Rmw::Add,
        2 => Rmw::Sub,
        3 => Rmw::And,
        4 => Rmw::Nand,
        5 => Rmw::Or,
        6 => Rmw::Xor,
        7 => Rmw::Max,
        8 => Rmw::Min,
        9 => Rmw::UMax,
        10 => Rmw::UMin,
        other => return refuse(RefusalKind::Instruction, format!("atomicrmw {other}")),
    };
    let leaf = leaf_of(instruction.ty())?;
    let address = translator.scalar(instruction.operand(0))?;
    let value = translator.scalar(instruction.operand(1))?;
    let operation = atomic(leaf, Operation::AtomicRmw(how, address, value))?;
    let result = translator.emit(leaf.value, operation);
    Ok(vec![result])
}

fn compare_exchange<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let leaf = leaf_of(instruction.operand(1).ty())?;
    let address = translator.scalar(instruction.operand(0))?;
    let expected = translator.scalar(instruction.operand(1))?;
    let new = translator.scalar(instruction.operand(2))?;
    let operation = atomic(leaf, Operation::CompareExchange(address, expected, new))?;
    let old = translator.emit(leaf.value, operation);
    let is_done = translator.compare(IntCompare::Eq, old, expected);
    Ok(vec![old, is_done])
}

fn select<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let conditions = translator.scalars(instruction.operand(0))?;
    let first = translator.scalars(instruction.operand(1))?;
    let second = translator.scalars(instruction.operand(2))?;
    let results: Vec<Value> = first
        .iter()
        .zip(&second)
        .enumerate()
        .map(|(index, (first, second))| {
            let condition = conditions.get(index).unwrap_or(&conditions[0]);
            translator.select(*condition, *first, *second)
        })
        .collect();
    Ok(results)
}

/// Which scalars of an aggregate the indices of an instruction mean: the first, and how many.
fn part_of<'a>(
    translator: &Translator<'a, '_>,
    mut ty: llvm::Type<'a>,
    indices: &[u32],
) -> Result<(usize, usize), Refusal> {
    let mut start = 0;
    for index in indices {
        for before in 0..u64::from(*index) {
            start += leaf_count(ty.element(before), translator.layout)?;
        }
        ty = ty.element((*index).into());
    }
    Ok((start, leaf_count(ty, translator.layout)?))
}

fn extract_value<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let aggregate = instruction.operand(0);
    let (start, count) = part_of(translator, aggregate.ty(), instruction.indices())?;
    let scalars = translator.scalars(aggregate)?;
    Ok(scalars[start..start + count].to_vec())
}

fn insert_value<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let aggregate = instruction.operand(0);
    let (start, count) = part_of(translator, aggregate.ty(), instruction.indices())?;
    let mut scalars = translator.scalars(aggregate)?;
    let inserted = translator.scalars(instruction.operand(1))?;
    scalars[start..start + count].copy_from_slice(&inserted);
    Ok(scalars)
}

/// The element of a vector that a constant means; one beyond it may be anything.
fn constant_index(index: llvm::Value, count: usize) -> Option<usize> {
    match index.kind() {
        ValueKind::ConstantInt => {
            let index = usize::try_from(index.integer(64)?).ok()?;
            Some(index.min(count - 1))
        }
        _ => None,
    }
}

/// The elements of a vector in memory, and the address of the one that a variable means.
fn in_memory<'a>(
    translator: &mut Translator<'a, '_>,
    elements: &[Value],
    index: llvm::Value<'a>,
) -> Result<(Value, Value), Refusal> {
    let size = translator.type_of(elements[0]).bytes();
    let room = translator.slot(SlotSize {
        bytes: size * elements.len() as u32,
        alignment: STACK_ALIGNMENT,
    });
    for (element, place) in elements.iter().zip((0..).step_by(size as usize)) {
        translator.emit_with(Operation::Store(*element, room, place), Vec::new());
    }
    let index = translator.scalar(index)?;
    let index = translator.unsigned_as(index, POINTER);
    // One beyond the vector may be anything, but in the vector.
    let last = translator.int(POINTER, elements.len() as u128 - 1);
    let index = translator.binary(Binary::UMin, index, last);
    let distance = translator.binary_with(Binary::Mul, index, size.into());
    Ok((room, translator.binary(Binary::Add, room, distance)))
}

fn extract_element<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let scalars = translator.scalars(instruction.operand(0))?;
    let index = instruction.operand(1);
    if let Some(index) = constant_index(index, scalars.len()) {
        return Ok(vec![scalars[index]]);
    }
    let ty = translator.type_of(scalars[0]);
    let (_, address) = in_memory(translator, &scalars, index)?;
    Ok(vec![translator.emit(ty, Operation::Load(address, 0))])
}

fn insert_element<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let mut scalars = translator.scalars(instruction.operand(0))?;
    let inserted = translator.scalar(instruction.operand(1))?;
    let index = instruction.operand(2);
    if let Some(index) = constant_index(index, scalars.len()) {
        scalars[index] = inserted;
        return Ok(scalars);
    }
    let ty = translator.type_of(inserted);
    let (room, address) = in_memory(translator, &scalars, index)?;
    translator.emit_with(Operation::Store(inserted, address, 0), Vec::new());
    let places = (0..).step_by(ty.bytes() as usize);
    let loads = places
        .take(scalars.len())
        .map(|place| translator.emit(ty, Operation::Load(room, place)));
    Ok(loads.collect())
}

fn shuffle<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let mut from = translator.scalars(instruction.operand(0))?;
    from.extend(translator.scalars(instruction.operand(1))?);
    // What is undefined may be any of them.
    let scalars: Vec<Value> = instruction
        .mask()
        .map(|index| from[usize::try_from(index).unwrap_or(0)])
        .collect();
    Ok(scalars)
}

fn bitcast<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let to = leaves_of(instruction.ty(), translator.layout)?;
    let from = leaves_of(instruction.operand(0).ty(), translator.layout)?;
    let is_alike = to.len() == from.len();
    if !is_alike || to.iter().zip(&from).any(|(to, from)| to.bits != from.bits) {
        return through_memory(translator, instruction);
    }
    let scalars = translator.scalars(instruction.operand(0))?;
    let results: Vec<Value> = scalars
        .iter()
        .zip(&to)
        .map(|(scalar, leaf)| translator.convert(Conversion::Bits, *scalar, leaf.value))
        .collect();
    Ok(results)
}

/// Between types of other shapes: as if it were written and read.
fn through_memory<'a>(
    translator: &mut Translator<'a, '_>,
    instruction: llvm::Value<'a>,
) -> Result<Vec<Value>, Refusal> {
    let value = instruction.operand(0);
    let from = leaves_in_memory(value.ty(), translator.layout)?;
    let to = leaves_in_memory(instruction.ty(), translator.layout)?;
    let room = translator.slot(SlotSize {
        bytes: translator.layout.size(value.ty()) as u32,
        alignment: STACK_ALIGNMENT,
    });
    for (leaf, scalar) in from.iter().zip(translator.scalars(value)?) {
        write(translator, room, *leaf, scalar);
    }
    let results = to.iter().map(|leaf| read(translator, room, *leaf));
    Ok(results.collect())
}

fn element_address<'a>(
    translator: &mut Translator<'a, '_>,
    value: llvm::Value<'a>,
) -> Result<Value, Refusal> {
    let base = value.operand(0);
    let mut ty = value.source_element();
    let mut bytes: i64 = 0;
    let mut variable: Vec<(llvm::Value, u64)> = Vec::new();
    for (place, index) in value.operands().skip(1).enumerate() {
        let kind = ty.kind();
        if place > 0 && kind == TypeKind::Struct {
            let Some(field) = index.integer(32) else {
                return refuse(RefusalKind::Constant, "a field");
            };
            bytes = bytes.wrapping_add(translator.layout.offset(ty, field as u64) as i64);
            ty = ty.element(field as u64);
            continue;
        }
        let element = if place == 0 { ty } else { ty.element(0) };
        let size = translator.layout.size(element);
        match index.kind() {
            ValueKind::ConstantInt => {
                let leaf = leaf_of(index.ty())?;
                let Some(number) = index.integer(leaf.bits) else {
                    return refuse(RefusalKind::Constant, "a wide index");
                };
                let unused = 128 - leaf.bits;
                let number = ((number << unused) as i128 >> unused) as i64;
                bytes = bytes.wrapping_add(number.wrapping_mul(size as i64));
            }
            _ => variable.push((index, size)),
        }
        ty = element;
    }
    if variable.is_empty() && matches!(base.kind(), ValueKind::Function | ValueKind::GlobalVariable)
    {
        return translator.symbol(base, bytes);
    }
    let mut address = translator.scalar(base)?;
    for (index, size) in variable {
        let leaf = leaf_of(index.ty())?;
        let index = translator.scalar(index)?;
        let index = translator.signed_as(index, leaf, POINTER);
        let distance = match size {
            1 => index,
            _ if size.is_power_of_two() => {
                translator.binary_with(Binary::Shl, index, size.trailing_zeros().into())
            }
            _ => translator.binary_with(Binary::Mul, index, size.into()),
        };
        address = translator.binary(Binary::Add, address, distance);
    }
    if bytes == 0 {
        return Ok(address);
    }
    let moved = translator.binary_with(Binary::Add, address, u128::from(bytes as u64));
    translator.note_behind(moved, address, bytes);
    Ok(moved)
}
