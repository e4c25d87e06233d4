//! Code at an address.

use core::fmt;

use crate::{MachineCode, RelocationKind, Target};

/// Why code cannot be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceError {
    /// Nobody knows where this is.
    Unknown(Target),
    /// It is farther away than the word can say.
    TooFar(Target),
    /// The word is not in the code.
    Outside(u32),
}

impl fmt::Display for PlaceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(target) => write!(formatter, "nobody knows where {target:?} is"),
            Self::TooFar(target) => write!(formatter, "{target:?} is too far away"),
            Self::Outside(offset) => write!(formatter, "a word at {offset} behind the code"),
        }
    }
}

impl core::error::Error for PlaceError {}

impl MachineCode {
    /// Makes this the code for `address`, by what `resolve` knows of symbols and of the library. The code is the same
    /// when this fails, or only in part that for the address.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn place(
        &mut self,
        address: u64,
        resolve: impl Fn(Target) -> Option<u64>,
    ) -> Result<(), PlaceError> {
        for relocation in &self.relocations {
            let target = relocation.target;
            let found = match target {
                Target::Own(offset) => Some(address + u64::from(offset)),
                Target::Symbol(_) | Target::Library(_) => resolve(target),
            };
            let found = found.ok_or(PlaceError::Unknown(target))?;
            let value = found.wrapping_add_signed(relocation.addend);
            let start = relocation.offset as usize;
            let word = self
                .bytes
                .get_mut(start..start + relocation.kind.bytes())
                .ok_or(PlaceError::Outside(relocation.offset))?;
            match relocation.kind {
                RelocationKind::Absolute64 => word.copy_from_slice(&value.to_le_bytes()),
                RelocationKind::Call32 | RelocationKind::Relative32 => {
                    let place = address + u64::from(relocation.offset);
                    let distance = i32::try_from(value.wrapping_sub(place) as i64)
                        .map_err(|_| PlaceError::TooFar(target))?;
                    word.copy_from_slice(&distance.to_le_bytes());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bareflow_lir::Symbol;

    use super::*;
    use crate::{ALIGNMENT, Relocation};

    fn code(kind: RelocationKind, target: Target, addend: i64) -> MachineCode {
        MachineCode {
            symbol: Symbol(0),
            bytes: vec![0x90; 16],
            alignment: ALIGNMENT,
            relocations: vec![Relocation {
                offset: 4,
                kind,
                target,
                addend,
            }],
        }
    }

    #[test]
    fn words_say_where_things_are() {
        let place = |kind, target, addend| {
            let mut code = code(kind, target, addend);
            code.place(0x1000, |target| match target {
                Target::Symbol(Symbol(7)) => Some(0x800),
                Target::Library("memcpy") => Some(0x2000),
                _ => None,
            })?;
            assert_eq!(code.bytes[..4], [0x90; 4]);
            Ok::<_, PlaceError>(code.bytes[4..12].to_vec())
        };
        let symbol = Target::Symbol(Symbol(7));
        let bytes = place(RelocationKind::Absolute64, symbol, 3).unwrap();
        assert_eq!(bytes, 0x803_u64.to_le_bytes());
        let bytes = place(RelocationKind::Relative32, symbol, -4).unwrap();
        assert_eq!(bytes[..4], (0x800 - 4 - 0x1004_i32).to_le_bytes());
        assert_eq!(bytes[4..], [0x90; 4]);
        let bytes = place(RelocationKind::Call32, Target::Library("memcpy"), -4).unwrap();
        assert_eq!(bytes[..4], (0x2000 - 4 - 0x1004_i32).to_le_bytes());
        let bytes = place(RelocationKind::Absolute64, Target::Own(9), 0).unwrap();
        assert_eq!(bytes, 0x1009_u64.to_le_bytes());
        let unknown = Target::Symbol(Symbol(8));
        let error = place(RelocationKind::Absolute64, unknown, 0).unwrap_err();
        assert_eq!(error, PlaceError::Unknown(unknown));
        let error = place(RelocationKind::Relative32, symbol, 1 << 40).unwrap_err();
        assert_eq!(error, PlaceError::TooFar(symbol));
    }

    #[test]
    fn words_lie_in_the_code() {
        let mut code = code(RelocationKind::Absolute64, Target::Own(0), 0);
        code.relocations[0].offset = 9;
        assert_eq!(code.place(0, |_| None), Err(PlaceError::Outside(9)));
    }
}
