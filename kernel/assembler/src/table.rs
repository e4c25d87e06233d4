//! The instructions that QBE writes, by name.

use alloc::string::String;

use crate::ReferenceKind;
use crate::encoding::{Encoder, Opcode, Place, Prefix};
use crate::operand::{Operand, R11, RAX, RCX, Width};

/// What instructions of a name have in common.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// No operands: these bytes.
    Plain(&'static [u8]),
    /// Arithmetic on integers: its number in the group of opcodes.
    Arithmetic(u8),
    /// A shift: its number.
    Shift(u8),
    /// One operand: its number behind the opcode 0xf7.
    Unary(u8),
    Multiply,
    Test,
    Exchange,
    Address,
    /// Between registers and memory, and numbers to both.
    Move,
    /// To a wider register, from one so wide: with the sign, or with zeros.
    Extend(Width, Opcode),
    /// From a vector register or memory to a vector register.
    Vector(Opcode),
    /// The same, and to memory: by the second opcode.
    VectorMove(Opcode, Opcode),
    /// From a vector register or memory to an integer.
    ToInteger(Opcode),
    /// From an integer to a vector register.
    FromInteger(Opcode),
    Push,
    Pop,
    Call,
}

const LONG: bool = false;
const QUAD: bool = true;

/// Names with a size: `l` or `q` stands behind them.
const SIZED: &[(&str, Form)] = &[
    ("add", Form::Arithmetic(0)),
    ("or", Form::Arithmetic(1)),
    ("and", Form::Arithmetic(4)),
    ("sub", Form::Arithmetic(5)),
    ("xor", Form::Arithmetic(6)),
    ("cmp", Form::Arithmetic(7)),
    ("shl", Form::Shift(4)),
    ("shr", Form::Shift(5)),
    ("sar", Form::Shift(7)),
    ("neg", Form::Unary(3)),
    ("div", Form::Unary(6)),
    ("idiv", Form::Unary(7)),
    ("imul", Form::Multiply),
    ("test", Form::Test),
    ("xchg", Form::Exchange),
    ("lea", Form::Address),
    ("mov", Form::Move),
    (
        "movsb",
        Form::Extend(Width::Byte, Opcode::second(Prefix::None, 0xbe)),
    ),
    (
        "movsw",
        Form::Extend(Width::Word, Opcode::second(Prefix::None, 0xbf)),
    ),
    (
        "movzb",
        Form::Extend(Width::Byte, Opcode::second(Prefix::None, 0xb6)),
    ),
    (
        "movzw",
        Form::Extend(Width::Word, Opcode::second(Prefix::None, 0xb7)),
    ),
    (
        "cvttss2si",
        Form::ToInteger(Opcode::second(Prefix::Single, 0x2c)),
    ),
    (
        "cvttsd2si",
        Form::ToInteger(Opcode::second(Prefix::Double, 0x2c)),
    ),
];

/// Other names.
const OTHERS: &[(&str, Form)] = &[
    ("ret", Form::Plain(&[0xc3])),
    ("leave", Form::Plain(&[0xc9])),
    ("ud2", Form::Plain(&[0x0f, 0x0b])),
    ("cltd", Form::Plain(&[0x99])),
    ("cqto", Form::Plain(&[0x48, 0x99])),
    ("pushq", Form::Push),
    ("popq", Form::Pop),
    ("callq", Form::Call),
    ("movslq", Form::Extend(Width::Long, Opcode::new(0x63))),
    ("addss", Form::Vector(Opcode::second(Prefix::Single, 0x58))),
    ("addsd", Form::Vector(Opcode::second(Prefix::Double, 0x58))),
    ("mulss", Form::Vector(Opcode::second(Prefix::Single, 0x59))),
    ("mulsd", Form::Vector(Opcode::second(Prefix::Double, 0x59))),
    ("subss", Form::Vector(Opcode::second(Prefix::Single, 0x5c))),
    ("subsd", Form::Vector(Opcode::second(Prefix::Double, 0x5c))),
    ("divss", Form::Vector(Opcode::second(Prefix::Single, 0x5e))),
    ("divsd", Form::Vector(Opcode::second(Prefix::Double, 0x5e))),
    (
        "cvtss2sd",
        Form::Vector(Opcode::second(Prefix::Single, 0x5a)),
    ),
    (
        "cvtsd2ss",
        Form::Vector(Opcode::second(Prefix::Double, 0x5a)),
    ),
    ("ucomiss", Form::Vector(Opcode::second(Prefix::None, 0x2e))),
    (
        "ucomisd",
        Form::Vector(Opcode::second(Prefix::Operand, 0x2e)),
    ),
    ("xorps", Form::Vector(Opcode::second(Prefix::None, 0x57))),
    ("xorpd", Form::Vector(Opcode::second(Prefix::Operand, 0x57))),
    (
        "movss",
        Form::VectorMove(
            Opcode::second(Prefix::Single, 0x10),
            Opcode::second(Prefix::Single, 0x11),
        ),
    ),
    (
        "movsd",
        Form::VectorMove(
            Opcode::second(Prefix::Double, 0x10),
            Opcode::second(Prefix::Double, 0x11),
        ),
    ),
    (
        "movaps",
        Form::VectorMove(
            Opcode::second(Prefix::None, 0x28),
            Opcode::second(Prefix::None, 0x29),
        ),
    ),
    (
        "cvtsi2ss",
        Form::FromInteger(Opcode::second(Prefix::Single, 0x2a)),
    ),
    (
        "cvtsi2sd",
        Form::FromInteger(Opcode::second(Prefix::Double, 0x2a)),
    ),
];

/// Conditions by their numbers, behind `j` and `set`.
const CONDITIONS: &[(&str, u8)] = &[
    ("b", 2),
    ("ae", 3),
    ("z", 4),
    ("nz", 5),
    ("be", 6),
    ("a", 7),
    ("p", 10),
    ("np", 11),
    ("l", 12),
    ("ge", 13),
    ("le", 14),
    ("g", 15),
];

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let row = table.iter().find(|(one, _)| *one == name)?;
    Some(row.1)
}

fn condition(name: &str, before: &str) -> Option<u8> {
    find(CONDITIONS, name.strip_prefix(before)?)
}

/// What does not stand in the tables.
fn unknown<T>() -> Result<T, String> {
    Err("an unknown instruction".into())
}

/// An instruction by its name.
pub(crate) fn encode<'t>(
    encoder: &mut Encoder<'t>,
    name: &str,
    operands: &[Operand<'t>],
) -> Result<(), String> {
    if let Some(form) = find(OTHERS, name) {
        return with_form(encoder, form, QUAD, operands);
    }
    match (name, operands) {
        ("jmp", [Operand::Name(label, 0)]) => {
            encoder.branch(None, label);
            return Ok(());
        }
        ("movb" | "movw", _) => return narrow_move(encoder, name == "movw", operands),
        _ => {}
    }
    if let (Some(condition), [Operand::Name(label, 0)]) = (condition(name, "j"), operands) {
        encoder.branch(Some(condition), label);
        return Ok(());
    }
    if let (Some(condition), [Operand::Register(Width::Byte, register)]) =
        (condition(name, "set"), operands)
    {
        let opcode = Opcode::second(Prefix::None, 0x90 | condition);
        encoder.instruction(opcode, 0, Place::Byte(*register), &[]);
        return Ok(());
    }
    let sized = name
        .strip_suffix('l')
        .map(|name| (name, LONG))
        .or_else(|| name.strip_suffix('q').map(|name| (name, QUAD)));
    match sized.and_then(|(name, is_wide)| Some((find(SIZED, name)?, is_wide))) {
        Some((form, is_wide)) => with_form(encoder, form, is_wide, operands),
        None => unknown(),
    }
}

/// A register of the instruction's width.
fn register(operand: Operand, is_wide: bool) -> Option<u8> {
    match operand {
        Operand::Register(Width::Long, number) if !is_wide => Some(number),
        Operand::Register(Width::Quad, number) if is_wide => Some(number),
        _ => None,
    }
}

/// A register of the instruction's width, or memory.
fn place(operand: Operand<'_>, is_wide: bool) -> Option<Place<'_>> {
    match operand {
        Operand::Memory(memory) => Some(Place::Memory(memory)),
        other => register(other, is_wide).map(Place::Register),
    }
}

/// A vector register, or memory.
fn vector_place(operand: Operand<'_>) -> Option<Place<'_>> {
    match operand {
        Operand::Memory(memory) => Some(Place::Memory(memory)),
        Operand::Vector(number) => Some(Place::Register(number)),
        _ => None,
    }
}

/// A number as 32 bits, whose sign is extended to the width. Of 32 bits, those above do not count: QBE's constants may
/// have some.
fn immediate(number: i64, is_wide: bool) -> Result<i32, String> {
    match i32::try_from(number) {
        Ok(number) => Ok(number),
        Err(_) if is_wide => Err("a number too large".into()),
        Err(_) => Ok(number as i32),
    }
}

fn with_form<'t>(
    encoder: &mut Encoder<'t>,
    form: Form,
    is_wide: bool,
    operands: &[Operand<'t>],
) -> Result<(), String> {
    match (form, operands) {
        (Form::Plain(bytes), []) => encoder.bytes(bytes),
        (Form::Push, [Operand::Register(Width::Quad, number)]) => {
            encoder.in_opcode(Opcode::new(0x50), *number, &[]);
        }
        (Form::Pop, [Operand::Register(Width::Quad, number)]) => {
            encoder.in_opcode(Opcode::new(0x58), *number, &[]);
        }
        (Form::Call, [Operand::Name(name, bytes)]) => {
            // What is inside a function is reached by no detour.
            let kind = match bytes {
                0 => ReferenceKind::Call,
                _ => ReferenceKind::Distance,
            };
            encoder.bytes(&[0xe8]);
            encoder.distance(kind, name, *bytes, 0);
        }
        // A number is an address, which no distance leads to as long as the place of the code is unknown. At a call this
        // register holds nothing.
        (Form::Call, [Operand::Memory(memory)])
            if memory.is_number() && memory.displacement > 0 =>
        {
            encoder.in_opcode(Opcode::new(0xb8), R11, &memory.displacement.to_le_bytes());
            encoder.instruction(Opcode::new(0xff), 2, Place::Register(R11), &[]);
        }
        (Form::Call, [Operand::Indirect(number)]) => {
            encoder.instruction(Opcode::new(0xff), 2, Place::Register(*number), &[]);
        }
        (Form::Arithmetic(number), [source, target]) => {
            return arithmetic(encoder, number, is_wide, *source, *target);
        }
        (Form::Shift(number), [count, target]) => {
            return shift(encoder, number, is_wide, *count, *target);
        }
        (Form::Unary(number), [target]) => {
            let Some(target) = place(*target, is_wide) else {
                return unknown();
            };
            encoder.instruction(Opcode::new(0xf7).wide(is_wide), number, target, &[]);
        }
        (Form::Multiply, _) => return multiply(encoder, is_wide, operands),
        (Form::Test, [source, target]) => return test(encoder, is_wide, *source, *target),
        (Form::Exchange, [first, second]) => return exchange(encoder, is_wide, *first, *second),
        (Form::Move, [source, target]) => return wide_move(encoder, is_wide, *source, *target),
        (Form::Address, [Operand::Memory(memory), target]) => {
            let Some(target) = register(*target, is_wide) else {
                return unknown();
            };
            let opcode = Opcode::new(0x8d).wide(is_wide);
            encoder.instruction(opcode, target, Place::Memory(*memory), &[]);
        }
        (Form::Extend(width, opcode), [source, target]) => {
            let source = match (*source, width) {
                (Operand::Memory(memory), _) => Place::Memory(memory),
                (Operand::Register(Width::Byte, number), Width::Byte) => Place::Byte(number),
                (Operand::Register(found, number), _) if found == width => Place::Register(number),
                _ => return unknown(),
            };
            let Some(target) = register(*target, is_wide) else {
                return unknown();
            };
            encoder.instruction(opcode.wide(is_wide), target, source, &[]);
        }
        (Form::Vector(opcode) | Form::VectorMove(opcode, _), [source, Operand::Vector(target)]) => {
            let Some(source) = vector_place(*source) else {
                return unknown();
            };
            encoder.instruction(opcode, *target, source, &[]);
        }
        (Form::VectorMove(_, opcode), [Operand::Vector(source), Operand::Memory(memory)]) => {
            encoder.instruction(opcode, *source, Place::Memory(*memory), &[]);
        }
        (Form::ToInteger(opcode), [source, target]) => {
            let (Some(source), Some(target)) = (vector_place(*source), register(*target, is_wide))
            else {
                return unknown();
            };
            encoder.instruction(opcode.wide(is_wide), target, source, &[]);
        }
        // The name does not say how wide the integer is, its register does; so it cannot be in memory.
        (
            Form::FromInteger(opcode),
            [
                Operand::Register(width @ (Width::Long | Width::Quad), source),
                Operand::Vector(target),
            ],
        ) => {
            let opcode = opcode.wide(*width == Width::Quad);
            encoder.instruction(opcode, *target, Place::Register(*source), &[]);
        }
        _ => return unknown(),
    }
    Ok(())
}

fn arithmetic<'t>(
    encoder: &mut Encoder<'t>,
    number: u8,
    is_wide: bool,
    source: Operand<'t>,
    target: Operand<'t>,
) -> Result<(), String> {
    let opcode = |byte| Opcode::new(byte).wide(is_wide);
    if let Operand::Immediate(value) = source {
        let Some(target) = place(target, is_wide) else {
            return unknown();
        };
        let value = immediate(value, is_wide)?;
        match (i8::try_from(value), target) {
            (Ok(short), _) => {
                encoder.instruction(opcode(0x83), number, target, &short.to_le_bytes());
            }
            (Err(_), Place::Register(RAX)) => {
                encoder.in_opcode(opcode(number << 3 | 5), RAX, &value.to_le_bytes());
            }
            (Err(_), _) => encoder.instruction(opcode(0x81), number, target, &value.to_le_bytes()),
        }
        return Ok(());
    }
    if let (Some(source), Some(target)) = (register(source, is_wide), place(target, is_wide)) {
        encoder.instruction(opcode(number << 3 | 1), source, target, &[]);
        return Ok(());
    }
    match (source, register(target, is_wide)) {
        (Operand::Memory(memory), Some(target)) => {
            encoder.instruction(opcode(number << 3 | 3), target, Place::Memory(memory), &[]);
            Ok(())
        }
        _ => unknown(),
    }
}

fn shift<'t>(
    encoder: &mut Encoder<'t>,
    number: u8,
    is_wide: bool,
    count: Operand<'t>,
    target: Operand<'t>,
) -> Result<(), String> {
    let opcode = |byte| Opcode::new(byte).wide(is_wide);
    let Some(target) = place(target, is_wide) else {
        return unknown();
    };
    match count {
        Operand::Immediate(1) => encoder.instruction(opcode(0xd1), number, target, &[]),
        // The processor takes as many bits of it as the width has.
        Operand::Immediate(count) => {
            encoder.instruction(opcode(0xc1), number, target, &[count as u8]);
        }
        Operand::Register(Width::Byte, RCX) => {
            encoder.instruction(opcode(0xd3), number, target, &[]);
        }
        _ => return unknown(),
    }
    Ok(())
}

fn multiply<'t>(
    encoder: &mut Encoder<'t>,
    is_wide: bool,
    operands: &[Operand<'t>],
) -> Result<(), String> {
    let (source, target) = match operands {
        [source, target] | [Operand::Immediate(_), source, target] => (*source, *target),
        _ => return unknown(),
    };
    let (Some(source), Some(target)) = (place(source, is_wide), register(target, is_wide)) else {
        return unknown();
    };
    let opcode = |byte| Opcode::new(byte).wide(is_wide);
    match operands {
        [Operand::Immediate(value), _, _] => {
            let value = immediate(*value, is_wide)?;
            match i8::try_from(value) {
                Ok(short) => {
                    encoder.instruction(opcode(0x6b), target, source, &short.to_le_bytes());
                }
                Err(_) => encoder.instruction(opcode(0x69), target, source, &value.to_le_bytes()),
            }
        }
        _ => {
            let opcode = Opcode::second(Prefix::None, 0xaf).wide(is_wide);
            encoder.instruction(opcode, target, source, &[]);
        }
    }
    Ok(())
}

fn test<'t>(
    encoder: &mut Encoder<'t>,
    is_wide: bool,
    source: Operand<'t>,
    target: Operand<'t>,
) -> Result<(), String> {
    let opcode = |byte| Opcode::new(byte).wide(is_wide);
    if let Operand::Immediate(value) = source {
        let value = immediate(value, is_wide)?.to_le_bytes();
        match place(target, is_wide) {
            Some(Place::Register(RAX)) => encoder.in_opcode(opcode(0xa9), RAX, &value),
            Some(target) => encoder.instruction(opcode(0xf7), 0, target, &value),
            None => return unknown(),
        }
        return Ok(());
    }
    symmetric(encoder, opcode(0x85), is_wide, source, target)
}

/// Which operand is the first does not matter, but one is a register: this one, if it can be.
fn symmetric<'t>(
    encoder: &mut Encoder<'t>,
    opcode: Opcode,
    is_wide: bool,
    preferred: Operand<'t>,
    other: Operand<'t>,
) -> Result<(), String> {
    let (number, rest) = match register(preferred, is_wide) {
        Some(number) => (Some(number), other),
        None => (register(other, is_wide), preferred),
    };
    match (number, place(rest, is_wide)) {
        (Some(number), Some(rest)) => {
            encoder.instruction(opcode, number, rest, &[]);
            Ok(())
        }
        _ => unknown(),
    }
}

fn exchange<'t>(
    encoder: &mut Encoder<'t>,
    is_wide: bool,
    first: Operand<'t>,
    second: Operand<'t>,
) -> Result<(), String> {
    let opcode = |byte| Opcode::new(byte).wide(is_wide);
    match (register(first, is_wide), register(second, is_wide)) {
        (Some(RAX), Some(other)) | (Some(other), Some(RAX)) if other != RAX => {
            encoder.in_opcode(opcode(0x90), other, &[]);
            return Ok(());
        }
        _ => {}
    }
    symmetric(encoder, opcode(0x87), is_wide, second, first)
}

/// `movl` and `movq`.
fn wide_move<'t>(
    encoder: &mut Encoder<'t>,
    is_wide: bool,
    source: Operand<'t>,
    target: Operand<'t>,
) -> Result<(), String> {
    let opcode = |byte| Opcode::new(byte).wide(is_wide);
    match (source, target) {
        (Operand::Immediate(value), _) => return move_immediate(encoder, is_wide, value, target),
        (Operand::Vector(source), Operand::Register(Width::Quad, target)) if is_wide => {
            let opcode = Opcode::second(Prefix::Operand, 0x7e).wide(true);
            encoder.instruction(opcode, source, Place::Register(target), &[]);
            return Ok(());
        }
        (Operand::Memory(_) | Operand::Vector(_), Operand::Vector(target)) if is_wide => {
            let Some(source) = vector_place(source) else {
                return unknown();
            };
            encoder.instruction(Opcode::second(Prefix::Single, 0x7e), target, source, &[]);
            return Ok(());
        }
        (Operand::Vector(source), Operand::Memory(memory)) if is_wide => {
            let opcode = Opcode::second(Prefix::Operand, 0xd6);
            encoder.instruction(opcode, source, Place::Memory(memory), &[]);
            return Ok(());
        }
        (Operand::Register(Width::Quad, source), Operand::Vector(target)) if is_wide => {
            let opcode = Opcode::second(Prefix::Operand, 0x6e).wide(true);
            encoder.instruction(opcode, target, Place::Register(source), &[]);
            return Ok(());
        }
        _ => {}
    }
    if let (Some(source), Some(target)) = (register(source, is_wide), place(target, is_wide)) {
        encoder.instruction(opcode(0x89), source, target, &[]);
        return Ok(());
    }
    match (source, register(target, is_wide)) {
        (Operand::Memory(memory), Some(target)) => {
            encoder.instruction(opcode(0x8b), target, Place::Memory(memory), &[]);
            Ok(())
        }
        _ => unknown(),
    }
}

fn move_immediate<'t>(
    encoder: &mut Encoder<'t>,
    is_wide: bool,
    value: i64,
    target: Operand<'t>,
) -> Result<(), String> {
    let opcode = |byte| Opcode::new(byte).wide(is_wide);
    match (place(target, is_wide), i32::try_from(value)) {
        (Some(Place::Register(target)), Err(_)) if is_wide => {
            encoder.in_opcode(opcode(0xb8), target, &value.to_le_bytes());
        }
        (Some(Place::Register(target)), _) if !is_wide => {
            encoder.in_opcode(opcode(0xb8), target, &(value as i32).to_le_bytes());
        }
        (Some(target), _) => {
            let value = immediate(value, is_wide)?;
            encoder.instruction(opcode(0xc7), 0, target, &value.to_le_bytes());
        }
        (None, _) => return unknown(),
    }
    Ok(())
}

/// `movb` and `movw`, to memory; a number's bits above do not count.
fn narrow_move<'t>(
    encoder: &mut Encoder<'t>,
    is_word: bool,
    operands: &[Operand<'t>],
) -> Result<(), String> {
    let [source, Operand::Memory(memory)] = operands else {
        return unknown();
    };
    let target = Place::Memory(*memory);
    let opcode = |byte: u8| Opcode {
        prefix: if is_word {
            Prefix::Operand
        } else {
            Prefix::None
        },
        ..Opcode::new(byte | u8::from(is_word))
    };
    match source {
        Operand::Immediate(value) => {
            let bytes = &value.to_le_bytes()[..if is_word { 2 } else { 1 }];
            encoder.instruction(opcode(0xc6), 0, target, bytes);
        }
        Operand::Register(Width::Byte, source) if !is_word => {
            encoder.with_byte(opcode(0x88), *source, true, target, &[]);
        }
        Operand::Register(Width::Word, source) if is_word => {
            encoder.instruction(opcode(0x88), *source, target, &[]);
        }
        _ => return unknown(),
    }
    Ok(())
}
