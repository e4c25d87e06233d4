//! Who wrote bitcode, and for what target: as much of the format as that takes.
//!
//! Format: <https://releases.llvm.org/18.1.8/docs/BitCodeFormat.html>.

use crate::error::{DriverError, Result};
use crate::flags::TARGET;

const MAGIC: [u8; 4] = *b"BC\xC0\xDE";
const WRAPPER_MAGIC: [u8; 4] = [0xDE, 0xC0, 0x17, 0x0B];
const TOP_ABBREVIATION_BITS: u32 = 2;

const END_BLOCK: u64 = 0;
const ENTER_SUBBLOCK: u64 = 1;
const DEFINE_ABBREVIATION: u64 = 2;
const UNABBREVIATED_RECORD: u64 = 3;
const FIRST_ABBREVIATION: u64 = 4;

const MODULE_BLOCK: u64 = 8;
const IDENTIFICATION_BLOCK: u64 = 13;
/// In the identification: the producer.
const STRING_RECORD: u64 = 1;
/// In a module: the target's triple.
const TRIPLE_RECORD: u64 = 2;

const CHAR6: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";

/// What bitcode says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Such as `LLVM16.0.6`.
    pub producer: String,
    /// The target, in a form of LLVM's.
    pub triple: String,
    /// It ends before its module does, or is no bitcode.
    pub is_cut: bool,
}

impl Identity {
    /// Of bitcode, as far as it says so.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut identity = Self::default();
        identity.is_cut = identity.read(bytes).is_none();
        identity
    }

    fn read(&mut self, bytes: &[u8]) -> Option<()> {
        let bytes = unwrapped(bytes)?.strip_prefix(&MAGIC)?;
        let mut bits = Bits { bytes, position: 0 };
        while !bits.is_at_end() {
            if bits.fixed(TOP_ABBREVIATION_BITS)? != ENTER_SUBBLOCK {
                return None;
            }
            let block = bits.enter()?;
            if block.end > bytes.len() * 8 {
                return None;
            }
            match block.id {
                IDENTIFICATION_BLOCK => {
                    self.producer = block.text(bits, STRING_RECORD).unwrap_or_default();
                }
                MODULE_BLOCK => {
                    self.triple = block.text(bits, TRIPLE_RECORD).unwrap_or_default();
                    return Some(());
                }
                _ => {}
            }
            bits.position = block.end;
        }
        None
    }

    /// The major version of the LLVM that wrote it.
    fn version(&self) -> Option<u32> {
        let rest = self.producer.strip_prefix("LLVM")?;
        rest.split('.').next()?.parse().ok()
    }

    /// Checks that a linker of LLVM `reader` can make part of a program of it.
    ///
    /// # Errors
    /// [`DriverError::Input`] says why not.
    pub fn check(&self, name: &str, reader: u32) -> Result<()> {
        if self.version().is_some_and(|version| version > reader) {
            return Err(DriverError::Input(format!(
                "{name}: the bitcode was written by {}; the linker is of LLVM {reader}, which reads bitcode up to its \
                 own major version",
                self.producer
            )));
        }
        if self.is_cut {
            return Err(DriverError::Input(format!(
                "{name}: truncated or malformed bitcode"
            )));
        }
        if TARGET.is_named_by(&self.triple) {
            return Ok(());
        }
        Err(DriverError::Input(format!(
            "{name}: the bitcode is for the target {}; programs are for {}",
            self.triple, TARGET.triple
        )))
    }
}

fn unwrapped(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(&WRAPPER_MAGIC) {
        return Some(bytes);
    }
    let field = |offset: usize| {
        let field: [u8; 4] = bytes.get(offset..offset + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(field)).ok()
    };
    let (offset, size) = (field(8)?, field(12)?);
    bytes.get(offset..offset.checked_add(size)?)
}

/// A block that has been entered.
struct Block {
    id: u64,
    abbreviation_bits: u32,
    /// Where the next begins, in bits.
    end: usize,
}

/// One operand of an abbreviation.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Literal(u64),
    Fixed(u32),
    Variable(u32),
    Array,
    Char6,
    Blob,
}

impl Block {
    /// The first record with this code as text.
    fn text(&self, mut bits: Bits, code: u64) -> Option<String> {
        let mut abbreviations: Vec<Vec<Operand>> = Vec::new();
        loop {
            let values = match bits.fixed(self.abbreviation_bits)? {
                END_BLOCK => return None,
                ENTER_SUBBLOCK => {
                    bits.position = bits.enter()?.end;
                    continue;
                }
                DEFINE_ABBREVIATION => {
                    abbreviations.push(bits.abbreviation()?);
                    continue;
                }
                UNABBREVIATED_RECORD => bits.record()?,
                id => {
                    let index = usize::try_from(id - FIRST_ABBREVIATION).ok()?;
                    bits.abbreviated(abbreviations.get(index)?)?
                }
            };
            let (first, text) = values.split_first()?;
            if *first == code {
                let bytes: Option<Vec<u8>> =
                    text.iter().map(|value| u8::try_from(*value).ok()).collect();
                return String::from_utf8(bytes?).ok();
            }
        }
    }
}

/// A place in a stream of bits.
#[derive(Clone, Copy, Debug)]
struct Bits<'a> {
    bytes: &'a [u8],
    /// In bits.
    position: usize,
}

impl Bits<'_> {
    const WORD_BITS: usize = 32;

    fn is_at_end(&self) -> bool {
        self.position / 8 >= self.bytes.len()
    }

    fn fixed(&mut self, width: u32) -> Option<u64> {
        let mut value = 0;
        for bit in 0..width.min(u64::BITS) {
            let byte = self.bytes.get(self.position / 8)?;
            value |= u64::from(byte >> (self.position % 8) & 1) << bit;
            self.position += 1;
        }
        Some(value)
    }

    fn variable(&mut self, width: u32) -> Option<u64> {
        let payload_bits = width.checked_sub(1)?;
        let continues = 1_u64.checked_shl(payload_bits)?;
        let mut value = 0_u64;
        let mut shift = 0;
        loop {
            let chunk = self.fixed(width)?;
            value |= (chunk & (continues - 1)).checked_shl(shift)?;
            if chunk & continues == 0 {
                return Some(value);
            }
            shift += payload_bits;
        }
    }

    fn align(&mut self) {
        self.position = self.position.next_multiple_of(Self::WORD_BITS);
    }

    /// What follows `ENTER_SUBBLOCK`.
    fn enter(&mut self) -> Option<Block> {
        let id = self.variable(8)?;
        let abbreviation_bits = u32::try_from(self.variable(4)?).ok()?;
        self.align();
        let words = usize::try_from(self.fixed(32)?).ok()?;
        let end = words
            .checked_mul(Self::WORD_BITS)?
            .checked_add(self.position)?;
        Some(Block {
            id,
            abbreviation_bits,
            end,
        })
    }

    fn record(&mut self) -> Option<Vec<u64>> {
        let code = self.variable(6)?;
        let count = self.variable(6)?;
        let mut values = vec![code];
        for _ in 0..count {
            values.push(self.variable(6)?);
        }
        Some(values)
    }

    fn abbreviation(&mut self) -> Option<Vec<Operand>> {
        let count = self.variable(5)?;
        let mut operands = Vec::new();
        for _ in 0..count {
            let is_literal = self.fixed(1)? == 1;
            operands.push(if is_literal {
                Operand::Literal(self.variable(8)?)
            } else {
                match self.fixed(3)? {
                    1 => Operand::Fixed(u32::try_from(self.variable(5)?).ok()?),
                    2 => Operand::Variable(u32::try_from(self.variable(5)?).ok()?),
                    3 => Operand::Array,
                    4 => Operand::Char6,
                    5 => Operand::Blob,
                    _ => return None,
                }
            });
        }
        Some(operands)
    }

    fn abbreviated(&mut self, operands: &[Operand]) -> Option<Vec<u64>> {
        let mut values = Vec::new();
        let mut rest = operands.iter();
        while let Some(operand) = rest.next() {
            match operand {
                Operand::Array => {
                    let element = rest.next()?;
                    for _ in 0..self.variable(6)? {
                        values.push(self.scalar(*element)?);
                    }
                }
                Operand::Blob => {
                    let size = usize::try_from(self.variable(6)?).ok()?;
                    self.align();
                    self.position = size.checked_mul(8)?.checked_add(self.position)?;
                    self.align();
                }
                scalar => values.push(self.scalar(*scalar)?),
            }
        }
        Some(values)
    }

    fn scalar(&mut self, operand: Operand) -> Option<u64> {
        match operand {
            Operand::Literal(value) => Some(value),
            Operand::Fixed(width) => self.fixed(width),
            Operand::Variable(width) => self.variable(width),
            Operand::Char6 => Some(CHAR6[usize::try_from(self.fixed(6)?).ok()?].into()),
            Operand::Array | Operand::Blob => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWER: &[u8] = include_bytes!("../../tests/fixtures/newer.bc");

    #[test]
    fn bitcode_says_who_wrote_it() {
        let identity = Identity::of(NEWER);
        assert_eq!(identity.version(), Some(19), "{identity:?}");
        assert_eq!(identity.triple, "x86_64-unknown-none-elf");
        let error = identity.check("newer.bc", 16).unwrap_err().to_string();
        assert!(
            error.contains(&identity.producer) && error.contains("LLVM 16"),
            "{error}"
        );
        identity.check("newer.bc", 19).unwrap();
    }

    #[test]
    fn what_is_cut_or_strange_says_nothing_and_does_not_panic() {
        for length in 0..NEWER.len() {
            assert!(Identity::of(&NEWER[..length]).is_cut || length > NEWER.len() / 2);
        }
        let mut changed = NEWER.to_vec();
        for index in 0..changed.len().min(2000) {
            changed[index] ^= 0xFF;
            let _ = Identity::of(&changed);
            changed[index] ^= 0xFF;
        }
        assert!(Identity::of(b"nothing").check("a.bc", 18).is_err());
    }

    #[test]
    fn targets_of_no_system_are_for_programs() {
        let check = |triple: &str| {
            let identity = Identity {
                triple: triple.to_owned(),
                ..Identity::default()
            };
            identity.check("a.bc", 16)
        };
        for triple in [
            "",
            "x86_64-unknown-none-elf",
            "x86_64-none-elf",
            "x86_64-unknown-none",
        ] {
            check(triple).unwrap();
        }
        for triple in [
            "x86_64-pc-linux-gnu",
            "aarch64-unknown-none-elf",
            "x86_64-unknown-uefi",
        ] {
            assert!(check(triple).unwrap_err().to_string().contains(triple));
        }
    }
}
