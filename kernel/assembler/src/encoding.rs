//! How an instruction becomes bytes.

use alloc::string::String;
use alloc::vec::Vec;

use crate::operand::Memory;
use crate::{LOCAL, ReferenceKind};

/// What stands before an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    None = 0,
    /// Operands of 16 bits; or, with some opcodes, the second column of their table.
    Operand = 0x66,
    Single = 0xf3,
    Double = 0xf2,
}

/// An opcode and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opcode {
    pub(crate) prefix: Prefix,
    /// Operands of 64 bits.
    pub(crate) is_wide: bool,
    /// Whether it is one of those behind 0x0f.
    pub(crate) is_second: bool,
    pub(crate) byte: u8,
}

impl Opcode {
    pub(crate) const fn new(byte: u8) -> Self {
        Self {
            prefix: Prefix::None,
            is_wide: false,
            is_second: false,
            byte,
        }
    }

    pub(crate) const fn second(prefix: Prefix, byte: u8) -> Self {
        Self {
            prefix,
            is_wide: false,
            is_second: true,
            byte,
        }
    }

    pub(crate) const fn wide(self, is_wide: bool) -> Self {
        Self { is_wide, ..self }
    }
}

/// The operand that may lie in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'t> {
    Register(u8),
    /// A register by the name of its lowest byte, of which some need a prefix.
    Byte(u8),
    Memory(Memory<'t>),
}

/// The lowest bytes of registers below this one need no prefix.
const FIRST_NEW_BYTE: u8 = 4;
/// In the place of a register: a byte that says more follows, and there is no base.
const SIB: u8 = 4;
const NO_BASE: u8 = 5;
const NO_INDEX: u8 = 4;

/// Somewhere in the code, whose branches have no size yet: how many bytes are before it, and how many branches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) bytes: usize,
    pub(crate) branches: usize,
}

/// A branch: by a condition, or always.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branch<'t> {
    pub(crate) before: usize,
    pub(crate) condition: Option<u8>,
    pub(crate) label: &'t str,
}

/// A distance in the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Distance<'t> {
    pub(crate) position: Position,
    pub(crate) kind: ReferenceKind,
    pub(crate) name: &'t str,
    /// What is added to the distance from the word itself.
    pub(crate) addend: i64,
}

/// What has been assembled so far.
#[derive(Debug, Default)]
pub(crate) struct Encoder<'t> {
    /// Without the branches.
    pub(crate) code: Vec<u8>,
    pub(crate) branches: Vec<Branch<'t>>,
    pub(crate) distances: Vec<Distance<'t>>,
    /// Labels and names in the code.
    pub(crate) code_names: Vec<(&'t str, Position)>,
    pub(crate) constants: Vec<u8>,
    /// Labels of constants.
    pub(crate) constant_names: Vec<(&'t str, usize)>,
    is_in_constants: bool,
}

impl<'t> Encoder<'t> {
    fn position(&self) -> Position {
        Position {
            bytes: self.code.len(),
            branches: self.branches.len(),
        }
    }

    /// What follows is code.
    pub(crate) fn enter_code(&mut self) {
        self.is_in_constants = false;
    }

    /// What follows are constants.
    pub(crate) fn enter_constants(&mut self) {
        self.is_in_constants = true;
    }

    pub(crate) fn define(&mut self, name: &'t str) -> Result<(), String> {
        if self.is_in_constants {
            if !name.starts_with(LOCAL) {
                return Err("a name of data".into());
            }
            self.constant_names.push((name, self.constants.len()));
        } else {
            self.code_names.push((name, self.position()));
        }
        Ok(())
    }

    pub(crate) fn align(&mut self, bytes: u32) -> Result<(), String> {
        if !self.is_in_constants || bytes == 0 || bytes > crate::ALIGNMENT {
            return Err("an alignment that QBE has not".into());
        }
        let size = self.constants.len().next_multiple_of(bytes as usize);
        self.constants.resize(size, 0);
        Ok(())
    }

    pub(crate) fn constant(&mut self, bytes: &[u8]) -> Result<(), String> {
        if !self.is_in_constants {
            return Err("data among code".into());
        }
        self.constants.extend(bytes);
        Ok(())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.code.extend(bytes);
    }

    pub(crate) fn branch(&mut self, condition: Option<u8>, label: &'t str) {
        self.branches.push(Branch {
            before: self.code.len(),
            condition,
            label,
        });
    }

    /// The distance to a name, measured from the end of an instruction with so many bytes behind this word.
    pub(crate) fn distance(
        &mut self,
        kind: ReferenceKind,
        name: &'t str,
        bytes: i64,
        behind: usize,
    ) {
        const WORD: usize = 4;
        self.distances.push(Distance {
            position: self.position(),
            kind,
            name,
            addend: bytes - (WORD + behind) as i64,
        });
        self.bytes(&[0; WORD]);
    }

    /// An instruction whose opcode has the number of a register in it.
    pub(crate) fn in_opcode(&mut self, opcode: Opcode, register: u8, immediate: &[u8]) {
        self.prefixes(opcode, 0, 0, register, false);
        self.bytes(&[opcode.byte | (register & 7)]);
        self.bytes(immediate);
    }

    /// An instruction with a register (or a number in the place of one) and a place.
    pub(crate) fn instruction(
        &mut self,
        opcode: Opcode,
        register: u8,
        place: Place<'t>,
        immediate: &[u8],
    ) {
        self.with_byte(opcode, register, false, place, immediate);
    }

    /// The same, of which the register is known by its lowest byte.
    pub(crate) fn with_byte(
        &mut self,
        opcode: Opcode,
        register: u8,
        is_byte: bool,
        place: Place<'t>,
        immediate: &[u8],
    ) {
        let (index, base, needs_prefix) = match place {
            Place::Register(number) => (0, number, false),
            Place::Byte(number) => (0, number, number >= FIRST_NEW_BYTE),
            Place::Memory(memory) => {
                let index = memory.index.map_or(0, |(index, _)| index);
                (index, memory.base.unwrap_or(0), false)
            }
        };
        let needs_prefix = needs_prefix || (is_byte && register >= FIRST_NEW_BYTE);
        self.prefixes(opcode, register, index, base, needs_prefix);
        self.bytes(&[opcode.byte]);
        match place {
            Place::Register(number) | Place::Byte(number) => {
                self.bytes(&[0b1100_0000 | (register & 7) << 3 | (number & 7)]);
            }
            Place::Memory(memory) => self.memory(register & 7, memory, immediate.len()),
        }
        self.bytes(immediate);
    }

    fn prefixes(&mut self, opcode: Opcode, register: u8, index: u8, base: u8, is_needed: bool) {
        if opcode.prefix != Prefix::None {
            self.bytes(&[opcode.prefix as u8]);
        }
        let bits =
            u8::from(opcode.is_wide) << 3 | (register >> 3) << 2 | (index >> 3) << 1 | (base >> 3);
        if bits != 0 || is_needed {
            self.bytes(&[0x40 | bits]);
        }
        if opcode.is_second {
            self.bytes(&[0x0f]);
        }
    }

    fn memory(&mut self, register: u8, memory: Memory<'t>, behind: usize) {
        let register = register << 3;
        if let Some(name) = memory.name {
            self.bytes(&[register | NO_BASE]);
            let bytes = memory.displacement.into();
            return self.distance(ReferenceKind::Distance, name, bytes, behind);
        }
        let displacement = memory.displacement.to_le_bytes();
        let (index, factor) = memory.index.unwrap_or((NO_INDEX, 0));
        let sib = factor << 6 | (index & 7) << 3;
        let Some(base) = memory.base else {
            self.bytes(&[register | SIB, sib | NO_BASE]);
            return self.bytes(&displacement);
        };
        let short = i8::try_from(memory.displacement);
        let mode = match short {
            Ok(0) if base & 7 != NO_BASE => 0,
            Ok(_) => 1,
            Err(_) => 2,
        };
        if memory.index.is_some() || base & 7 == SIB {
            self.bytes(&[mode << 6 | register | SIB, sib | (base & 7)]);
        } else {
            self.bytes(&[mode << 6 | register | (base & 7)]);
        }
        match mode {
            0 => {}
            1 => self.bytes(&displacement[..1]),
            _ => self.bytes(&displacement),
        }
    }
}
