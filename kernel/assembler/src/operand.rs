//! What stands behind the name of an instruction.

use alloc::format;
use alloc::string::String;

use crate::LOCAL;

/// How wide a general register is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Byte,
    Word,
    Long,
    Quad,
}

/// The names of registers, by their numbers and widths.
const REGISTERS: [[&str; 4]; 16] = [
    ["al", "ax", "eax", "rax"],
    ["cl", "cx", "ecx", "rcx"],
    ["dl", "dx", "edx", "rdx"],
    ["bl", "bx", "ebx", "rbx"],
    ["spl", "sp", "esp", "rsp"],
    ["bpl", "bp", "ebp", "rbp"],
    ["sil", "si", "esi", "rsi"],
    ["dil", "di", "edi", "rdi"],
    ["r8b", "r8w", "r8d", "r8"],
    ["r9b", "r9w", "r9d", "r9"],
    ["r10b", "r10w", "r10d", "r10"],
    ["r11b", "r11w", "r11d", "r11"],
    ["r12b", "r12w", "r12d", "r12"],
    ["r13b", "r13w", "r13d", "r13"],
    ["r14b", "r14w", "r14d", "r14"],
    ["r15b", "r15w", "r15d", "r15"],
];
const WIDTHS: [Width; 4] = [Width::Byte, Width::Word, Width::Long, Width::Quad];
/// There are as many of these.
const VECTOR_REGISTERS: u8 = 16;

/// The register that counts shifts, and the one that short forms of instructions know.
pub(crate) const RCX: u8 = 1;
pub(crate) const RAX: u8 = 0;
/// One that passes nothing to a function.
pub(crate) const R11: u8 = 11;
/// No index can be this one.
const RSP: u8 = 4;

/// An operand in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory<'t> {
    /// What it lies behind; it is then addressed by its distance.
    pub(crate) name: Option<&'t str>,
    pub(crate) displacement: i32,
    pub(crate) base: Option<u8>,
    /// A register, and the exponent of its factor.
    pub(crate) index: Option<(u8, u8)>,
}

impl Memory<'_> {
    /// Whether it is an address that is known.
    pub(crate) fn is_number(&self) -> bool {
        self.name.is_none() && self.base.is_none() && self.index.is_none()
    }
}

/// An operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand<'t> {
    Register(Width, u8),
    Vector(u8),
    Immediate(i64),
    Memory(Memory<'t>),
    /// What a call goes to: a name and bytes behind it, or what a register holds.
    Name(&'t str, i64),
    Indirect(u8),
}

/// The most operands of an instruction.
const MOST: usize = 3;

/// The operands of an instruction.
pub(crate) struct Operands<'t> {
    operands: [Operand<'t>; MOST],
    count: usize,
}

impl<'t> Operands<'t> {
    pub(crate) fn as_slice(&self) -> &[Operand<'t>] {
        &self.operands[..self.count]
    }
}

pub(crate) fn parse_all(text: &str) -> Result<Operands<'_>, String> {
    let mut found = Operands {
        operands: [Operand::Immediate(0); MOST],
        count: 0,
    };
    let mut rest = text;
    while !rest.is_empty() {
        let (operand, behind) = rest.split_at(end_of_first(rest));
        let room = found.operands.get_mut(found.count);
        *room.ok_or("too many operands")? = parse(operand.trim())?;
        found.count += 1;
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
    }
    Ok(found)
}

/// Where the first operand ends: at a comma outside of parentheses.
fn end_of_first(text: &str) -> usize {
    let mut is_inside = false;
    let comma = text.find(|one| {
        match one {
            '(' => is_inside = true,
            ')' => is_inside = false,
            _ => {}
        }
        one == ',' && !is_inside
    });
    comma.unwrap_or(text.len())
}

fn parse(text: &str) -> Result<Operand<'_>, String> {
    if let Some(name) = text.strip_prefix('%') {
        return register(name).ok_or_else(|| format!("an unknown register %{name}"));
    }
    if let Some(number) = text.strip_prefix('$') {
        return immediate(number);
    }
    if let Some(register) = text.strip_prefix('*') {
        return quad(register).map(Operand::Indirect);
    }
    match text.split_once('(') {
        Some((before, inside)) => memory(before, inside),
        None if starts_a_name(text) => {
            let (name, bytes) = name_and_bytes(text)?;
            Ok(Operand::Name(name, bytes))
        }
        None => Ok(Operand::Memory(Memory {
            displacement: displacement(sum(text)?)?,
            ..Memory::default()
        })),
    }
}

fn register<'t>(name: &str) -> Option<Operand<'t>> {
    if let Some(number) = name.strip_prefix("xmm") {
        let number: u8 = number.parse().ok()?;
        return (number < VECTOR_REGISTERS).then_some(Operand::Vector(number));
    }
    for (number, names) in (0..).zip(&REGISTERS) {
        if let Some(width) = names.iter().position(|one| *one == name) {
            return Some(Operand::Register(WIDTHS[width], number));
        }
    }
    None
}

fn quad(text: &str) -> Result<u8, String> {
    match text.trim().strip_prefix('%').and_then(register) {
        Some(Operand::Register(Width::Quad, number)) => Ok(number),
        _ => Err(format!("no register of 64 bits {text}")),
    }
}

/// A number, or the upper part of one.
fn immediate<'t>(text: &str) -> Result<Operand<'t>, String> {
    let (number, shift) = match text.split_once(">>") {
        Some((number, shift)) => (number, shift.parse().unwrap_or(u32::MAX)),
        None => (text, 0),
    };
    let number: i64 = number.parse().map_err(|_| format!("no number {text}"))?;
    let number = number.checked_shr(shift);
    number
        .map(Operand::Immediate)
        .ok_or_else(|| format!("no number {text}"))
}

fn memory<'t>(before: &'t str, inside: &'t str) -> Result<Operand<'t>, String> {
    let inside = inside.strip_suffix(')').ok_or("no closing parenthesis")?;
    if inside == "%rip" {
        let (name, bytes) = name_and_bytes(before)?;
        return Ok(Operand::Memory(Memory {
            name: Some(name),
            displacement: displacement(bytes)?,
            ..Memory::default()
        }));
    }
    let mut memory = Memory::default();
    if !before.is_empty() {
        memory.displacement = displacement(sum(before)?)?;
    }
    let mut parts = inside.split(',').map(str::trim);
    let base = parts.next().unwrap_or_default();
    if !base.is_empty() {
        memory.base = Some(quad(base)?);
    }
    if let Some(index) = parts.next() {
        let factor = match parts.next() {
            Some("1") => 0,
            Some("2") => 1,
            Some("4") => 2,
            Some("8") => 3,
            _ => return Err("no factor of an index".into()),
        };
        let index = quad(index)?;
        if index == RSP {
            return Err("no register for an index".into());
        }
        memory.index = Some((index, factor));
    }
    match parts.next() {
        None if memory.base.is_some() || memory.index.is_some() => Ok(Operand::Memory(memory)),
        _ => Err("no address".into()),
    }
}

fn starts_a_name(text: &str) -> bool {
    text.starts_with(LOCAL) || text.starts_with(|one: char| one.is_ascii_alphabetic() || one == '_')
}

/// `name`, `"name"`, `name+8` or `name-8`; QBE has its own constants between quotes.
fn name_and_bytes(text: &str) -> Result<(&str, i64), String> {
    let unquoted = text.strip_prefix('"').and_then(|rest| {
        let (name, behind) = rest.split_once('"')?;
        Some((name, behind))
    });
    let (name, behind) = unquoted.unwrap_or_else(|| {
        let end = text.find(['+', '-']).unwrap_or(text.len());
        text.split_at(end)
    });
    let is_name = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '_');
    if !starts_a_name(name) || !name.chars().all(is_name) {
        return Err(format!("no name {text}"));
    }
    let bytes = if behind.is_empty() {
        Ok(0)
    } else {
        behind.parse()
    };
    bytes
        .map(|bytes| (name, bytes))
        .map_err(|_| format!("no number {behind}"))
}

/// A number, or the sum of two.
fn sum(text: &str) -> Result<i64, String> {
    let number = |text: &str| text.parse::<i64>();
    let found = match number(text) {
        Ok(number) => Some(number),
        Err(_) => text.split_once('+').and_then(|(first, second)| {
            let (first, second) = (number(first).ok()?, number(second).ok()?);
            first.checked_add(second)
        }),
    };
    found.ok_or_else(|| format!("no number {text}"))
}

fn displacement(bytes: i64) -> Result<i32, String> {
    i32::try_from(bytes).map_err(|_| format!("an address too far away: {bytes}"))
}
