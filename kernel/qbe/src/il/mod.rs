//! The low-level IR as the text that [QBE](https://c9x.me/compile/doc/il.html) reads.
//!
//! 1. Integers of 8 and 16 bits are words whose upper bits are zero; operations that could leave something there are
//!    followed by one that takes it away.
//! 2. Parameters of blocks become phis. A jump that cannot be told from another one by the block that it comes from goes
//!    by a block of its own.
//! 3. What QBE has no instruction for is written out in those that it has.

mod bits;
mod calls;
mod conversions;
mod flow;
mod operations;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use bareflow_lir::{Function, Operation, Parameter, Passing, SlotSize, Terminator, Type, Value};

use crate::il::flow::{Edge, Label};
use bareflow_lir::Error;

/// QBE's types: words, longs, and floating point of 32 and 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    W,
    L,
    S,
    D,
}

impl Class {
    const fn of(ty: Type) -> Self {
        match ty {
            Type::I8 | Type::I16 | Type::I32 => Self::W,
            // There are none of 128 bits: see `check`.
            Type::I64 | Type::I128 => Self::L,
            Type::F32 => Self::S,
            Type::F64 => Self::D,
        }
    }

    /// The integers of that width.
    const fn as_int(self) -> Self {
        match self {
            Self::W | Self::S => Self::W,
            Self::L | Self::D => Self::L,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::W => "w",
            Self::L => "l",
            Self::S => "s",
            Self::D => "d",
        })
    }
}

/// What instructions take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Temporary(u32),
    /// A number; of floating point, its bits.
    Number(i64),
    Symbol(u32),
    /// The code of the function itself: its address is what others know it by, which may be that of a way there.
    Own,
}

impl fmt::Display for Operand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Temporary(number) => write!(formatter, "%t{number}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Symbol(number) => write!(formatter, "${SYMBOL}{number}"),
            Self::Own => write!(formatter, "${OWN}"),
        }
    }
}

/// What names of symbols begin with, before their numbers, and those of the C library's functions.
pub(crate) const SYMBOL: &str = "s";
pub(crate) const LIBRARY: &str = "l_";
/// What the function itself is called.
const OWN: &str = "own";

/// Frames are smaller: QBE counts words of them in 29 bits.
const MOST_BYTES: u32 = 1 << 28;
/// QBE takes a time that grows with the square of a function's values, once there are more than its table has room for.
const MOST_TEMPORARIES: u32 = 16_384;
/// What QBE aligns in a frame at most.
const MOST_ALIGNED: u32 = 16;

fn refuse<T>(reason: impl Into<String>) -> Result<T, Error> {
    Err(Error::Refused(reason.into()))
}

/// The text of a module with one function.
///
/// # Errors
/// [`Error::Refused`]: QBE does not know something in it.
pub(crate) fn write(function: &Function) -> Result<String, Error> {
    check(function)?;
    let mut writer = Writer::new(function);
    writer.start()?;
    for index in 0..function.blocks.len() {
        if writer.plan.is_reached[index] {
            writer.block(index)?;
        }
    }
    if writer.temporaries > MOST_TEMPORARIES {
        return refuse("a large function");
    }
    Ok(writer.finish())
}

/// All types are those that QBE has.
fn check(function: &Function) -> Result<(), Error> {
    let is_wide = |parameter: &Parameter| parameter.value == Type::I128;
    let signature = &function.signature;
    let mut passed = signature.parameters.iter().chain(&signature.results);
    if function.values.contains(&Type::I128) || passed.any(is_wide) {
        return refuse("type: 128 bits");
    }
    if signature.is_variadic {
        return not_there("variadic function", "a definition");
    }
    if function.slots.iter().any(|slot| slot.bytes >= MOST_BYTES) {
        return refuse("a large frame");
    }
    Ok(())
}

struct Writer<'a> {
    function: &'a Function,
    plan: flow::Plan,
    /// What values have become.
    operands: Vec<Operand>,
    /// Values that are 0 or 1.
    booleans: Vec<bool>,
    slots: Vec<Operand>,
    /// The place for results, if there are two; or the address that is returned.
    returned: Option<Operand>,
    temporaries: u32,
    labels: u32,
    /// The first line.
    head: String,
    /// Sizes of what is passed as a copy.
    copies: Vec<u32>,
    /// The ways to each block.
    edges: Vec<Vec<Edge>>,
    /// The first block.
    start: String,
    /// The other ones, without what is at their beginnings.
    bodies: Vec<String>,
    /// What is being written, the block that it is, and the label that it stands behind.
    text: String,
    current: usize,
    label: Label,
}

impl<'a> Writer<'a> {
    fn new(function: &'a Function) -> Self {
        let mut writer = Self {
            function,
            plan: flow::Plan::of(function),
            operands: Vec::new(),
            booleans: Vec::new(),
            slots: Vec::new(),
            returned: None,
            temporaries: 0,
            labels: 0,
            head: String::new(),
            copies: Vec::new(),
            edges: Vec::new(),
            start: String::new(),
            bodies: Vec::new(),
            text: String::new(),
            current: usize::MAX,
            label: Label::Start,
        };
        writer
            .operands
            .resize(function.values.len(), Operand::Number(0));
        writer.booleans.resize(function.values.len(), false);
        writer.edges.resize(function.blocks.len(), Vec::new());
        writer.bodies.resize(function.blocks.len(), String::new());
        for body in &function.blocks {
            for parameter in &body.parameters {
                writer.operands[parameter.0 as usize] = writer.temporary();
            }
        }
        writer
    }

    fn temporary(&mut self) -> Operand {
        self.temporaries += 1;
        Operand::Temporary(self.temporaries)
    }

    fn type_of(&self, value: Value) -> Type {
        self.function.values[value.0 as usize]
    }

    fn operand(&self, value: Value) -> Operand {
        self.operands[value.0 as usize]
    }

    /// A line.
    fn line(&mut self, line: fmt::Arguments) {
        // Text can always be written.
        let _ = writeln!(self.text, "\t{line}");
    }

    /// An instruction with a result.
    fn emit(&mut self, class: Class, name: &str, operands: &[Operand]) -> Operand {
        let result = self.temporary();
        self.emit_to(result, class, name, operands);
        result
    }

    fn emit_to(&mut self, result: Operand, class: Class, name: &str, operands: &[Operand]) {
        let _ = write!(self.text, "\t{result} ={class} {name}");
        for (index, operand) in operands.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(self.text, "{comma} {operand}");
        }
        self.text.push('\n');
    }

    /// An address and bytes behind it.
    fn behind(&mut self, address: Operand, bytes: i64) -> Operand {
        match (address, bytes) {
            (_, 0) => address,
            (Operand::Number(number), _) => Operand::Number(number.wrapping_add(bytes)),
            _ => self.emit(Class::L, "add", &[address, Operand::Number(bytes)]),
        }
    }

    /// A word without what stands above the bits of the type.
    fn narrowed(&mut self, value: Operand, ty: Type) -> Operand {
        match (ty, value) {
            (Type::I8, Operand::Number(number)) => Operand::Number(number & 0xff),
            (Type::I16, Operand::Number(number)) => Operand::Number(number & 0xffff),
            (Type::I8, _) => self.emit(Class::W, "extub", &[value]),
            (Type::I16, _) => self.emit(Class::W, "extuh", &[value]),
            _ => value,
        }
    }

    /// A word with the sign above the bits of the type.
    fn signed(&mut self, value: Operand, ty: Type) -> Operand {
        match (ty, value) {
            (Type::I8, Operand::Number(number)) => Operand::Number((number as i8).into()),
            (Type::I16, Operand::Number(number)) => Operand::Number((number as i16).into()),
            (Type::I8, _) => self.emit(Class::W, "extsb", &[value]),
            (Type::I16, _) => self.emit(Class::W, "extsh", &[value]),
            _ => value,
        }
    }

    /// The frame and the parameters.
    fn start(&mut self) -> Result<(), Error> {
        for slot in &self.function.slots {
            let slot = self.slot(*slot);
            self.slots.push(slot);
        }
        let signature = &self.function.signature;
        if signature.results.len() > 1 {
            let bytes = calls::RESULT_BYTES * signature.results.len() as u32;
            self.returned = Some(self.slot(SlotSize {
                bytes,
                alignment: calls::RESULT_BYTES,
            }));
        }
        let parameters = signature.parameters.iter().map(|_| self.temporary());
        let parameters: Vec<Operand> = parameters.collect();
        let mut arguments = Vec::new();
        for (parameter, operand) in signature.parameters.iter().zip(&parameters) {
            let operand = *operand;
            if parameter.passing == Passing::ResultAddress && signature.results.is_empty() {
                self.returned = Some(operand);
            }
            arguments.push(match parameter.passing {
                Passing::Value(_) => self.narrowed(operand, parameter.value),
                Passing::Copied(_) | Passing::ResultAddress => operand,
            });
        }
        self.head(&parameters)?;
        self.jump_with(bareflow_lir::Block(0), arguments);
        self.start = core::mem::take(&mut self.text);
        Ok(())
    }

    /// A place in the frame.
    fn slot(&mut self, slot: SlotSize) -> Operand {
        let (name, bytes) = match slot.alignment {
            0..=4 => ("alloc4", slot.bytes),
            5..=8 => ("alloc8", slot.bytes),
            9..=MOST_ALIGNED => ("alloc16", slot.bytes),
            more => ("alloc16", slot.bytes + more - MOST_ALIGNED),
        };
        let size = Operand::Number(bytes.max(1).into());
        let place = self.emit(Class::L, name, &[size]);
        if slot.alignment <= MOST_ALIGNED {
            return place;
        }
        let alignment = i64::from(slot.alignment);
        let last = self.behind(place, alignment - i64::from(MOST_ALIGNED));
        self.emit(Class::L, "and", &[last, Operand::Number(-alignment)])
    }

    fn block(&mut self, index: usize) -> Result<(), Error> {
        self.current = index;
        self.label = Label::Block(index as u32);
        let body = &self.function.blocks[index];
        let mut is_stopped = false;
        for instruction in &body.instructions {
            if instruction.operation == Operation::Trap {
                is_stopped = true;
                break;
            }
            self.instruction(&instruction.operation, &instruction.results)?;
        }
        self.end(if is_stopped {
            &Terminator::Trap
        } else {
            &body.end
        })?;
        self.bodies[index] = core::mem::take(&mut self.text);
        Ok(())
    }

    /// All of it in order.
    fn finish(mut self) -> String {
        let mut text = String::new();
        self.copies.sort_unstable();
        self.copies.dedup();
        for bytes in &self.copies {
            let _ = writeln!(text, "type :c{bytes} = align 8 {{ {bytes} }}");
        }
        text.push_str(calls::RESULT_TYPES);
        text.push_str(&self.head);
        text.push_str("@start\n");
        text.push_str(&self.start);
        for index in 0..self.bodies.len() {
            if self.plan.is_reached[index] {
                self.joins(index);
                text.push_str(&core::mem::take(&mut self.text));
                let _ = writeln!(text, "@{}", Label::Block(index as u32));
                self.phis(index);
                text.push_str(&core::mem::take(&mut self.text));
                text.push_str(&self.bodies[index]);
            }
        }
        text.push_str("}\n");
        text
    }
}

/// What stands in a refusal.
fn not_there<T>(kind: &str, what: &str) -> Result<T, Error> {
    refuse(format!("{kind}: {what}"))
}

#[cfg(test)]
mod tests;
