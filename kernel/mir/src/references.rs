//! What code refers to, and how it is found in the code.
//!
//! MIR makes code for the addresses that it is told. Each of ours is a number of 64 bits that looks like chance, so that
//! it stands in the code as a whole word or not at all: no two are near enough to be made one distance, and no
//! instruction looks like one. Words that are such a number depend on where something lies.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use bareflow_lir::{Error, Symbol};
use bareflow_machine_code::{ALIGNMENT, MachineCode, Relocation, RelocationKind, Target};

use crate::stubs::Stub;

/// What a function needs from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reference {
    /// By its number in the module.
    Symbol(u32),
    /// Of the C library.
    Library(&'static str),
    /// A floating-point number behind the code, by its bits.
    Constant(u64),
    /// Code that MIR cannot make, behind the function's.
    Stub(Stub),
}

/// All that a module needs, each with the address that MIR believes.
#[derive(Debug, Default)]
pub(crate) struct References {
    numbers: BTreeMap<Reference, usize>,
    found: BTreeMap<u64, Reference>,
    /// Numbers that the program has itself.
    constants: BTreeSet<u64>,
}

/// As of SplitMix64, whose outputs are all different.
const fn address_of(number: usize) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut mixed = (number as u64 + 1).wrapping_mul(STEP);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

impl References {
    /// The number of a reference and its address.
    pub(crate) fn number(&mut self, reference: Reference) -> (usize, u64) {
        let next = self.numbers.len();
        let number = *self.numbers.entry(reference).or_insert(next);
        let address = address_of(number);
        self.found.insert(address, reference);
        (number, address)
    }

    /// Notes a number of the program.
    pub(crate) fn note(&mut self, constant: u64) {
        self.constants.insert(constant);
    }

    /// # Errors
    /// [`Error::Refused`]: a number of the program is one of the addresses.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self
            .found
            .keys()
            .any(|address| self.constants.contains(address))
        {
            return Err(Error::Refused(String::from(
                "constant: a number looks like an address",
            )));
        }
        Ok(())
    }

    /// The code with what it depends on, by where it has addresses of its own.
    pub(crate) fn resolve(
        &self,
        symbol: Symbol,
        bytes: Vec<u8>,
        own: &[(u32, u32)],
    ) -> MachineCode {
        let mut relocations: Vec<Relocation> = own
            .iter()
            .map(|(offset, target)| absolute(*offset, Target::Own(*target)))
            .collect();
        let mut offsets = 0..bytes.len().saturating_sub(7);
        let mut needs = Vec::new();
        while let Some(offset) = offsets.next() {
            let word = bytes[offset..offset + 8]
                .try_into()
                .map_or(0, u64::from_le_bytes);
            if let Some(reference) = self.found.get(&word) {
                needs.push((offset as u32, *reference));
                offsets.nth(6);
            }
        }
        let mut code = MachineCode {
            symbol,
            bytes,
            alignment: ALIGNMENT,
            relocations: Vec::new(),
        };
        let mut behind = BTreeMap::new();
        for (offset, reference) in needs {
            let target = match reference {
                Reference::Symbol(number) => Target::Symbol(Symbol(number)),
                Reference::Library(name) => Target::Library(name),
                Reference::Constant(_) | Reference::Stub(_) => Target::Own(
                    *behind
                        .entry(reference)
                        .or_insert_with(|| append(&mut code.bytes, reference)),
                ),
            };
            relocations.push(absolute(offset, target));
        }
        code.relocations = relocations;
        code
    }
}

const fn absolute(offset: u32, target: Target) -> Relocation {
    Relocation {
        offset,
        kind: RelocationKind::Absolute64,
        target,
        addend: 0,
    }
}

/// Puts it behind the code; where it starts.
fn append(bytes: &mut Vec<u8>, reference: Reference) -> u32 {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let start = bytes.len() as u32;
    match reference {
        Reference::Constant(bits) => bytes.extend(bits.to_le_bytes()),
        Reference::Stub(stub) => bytes.extend(stub.code()),
        Reference::Symbol(_) | Reference::Library(_) => {}
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_far_from_each_other_and_from_what_fits_an_instruction() {
        let addresses: Vec<i64> = (0..2000).map(|number| address_of(number) as i64).collect();
        for (index, one) in addresses.iter().enumerate() {
            assert!(i32::try_from(*one).is_err());
            for other in &addresses[..index] {
                assert!(i32::try_from(one.wrapping_sub(*other)).is_err());
            }
        }
    }

    #[test]
    fn words_are_found_wherever_they_stand() {
        let mut references = References::default();
        let (_, symbol) = references.number(Reference::Symbol(7));
        let (_, constant) = references.number(Reference::Constant(42));
        let mut bytes = alloc::vec![0x48, 0xb8];
        bytes.extend(symbol.to_le_bytes());
        bytes.extend(constant.to_le_bytes());
        bytes.extend([0xc3; 3]);
        bytes.extend(constant.to_le_bytes());
        let code = references.resolve(Symbol(1), bytes, &[(18, 2)]);
        assert_eq!(
            code.relocations,
            [
                absolute(18, Target::Own(2)),
                absolute(2, Target::Symbol(Symbol(7))),
                absolute(10, Target::Own(32)),
                absolute(21, Target::Own(32)),
            ]
        );
        assert_eq!(code.bytes[32..], 42_u64.to_le_bytes());
    }

    #[test]
    fn numbers_that_look_like_addresses_are_refused() {
        let mut references = References::default();
        let (_, address) = references.number(Reference::Symbol(0));
        references.note(address + 1);
        assert_eq!(references.check(), Ok(()));
        references.note(address);
        assert!(matches!(references.check(), Err(Error::Refused(_))));
    }
}
