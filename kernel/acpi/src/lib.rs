//! The processors that the firmware names, in the table of interrupt controllers
//! (ACPI 6.5, sections 5.2.5 to 5.2.12, <https://uefi.org/specs/ACPI/6.5/>).
//!
//! Nothing of it is believed: every address is read by somebody who knows what can be read, every table has its
//! checksum, and what does not end is not followed.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use core::ops::Range;

/// Physical memory.
pub trait Physical {
    /// Fills the buffer from there; `None` if it cannot be read.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Option<()>;
}

const ROOT_SIGNATURE: &[u8; 8] = b"RSD PTR ";
const ROOT_STEP: usize = 16;
/// What the checksum of every version covers.
const ROOT_SIZE_BYTES: u64 = 20;
/// What that of later ones covers besides.
const LONG_ROOT_SIZE_BYTES: u64 = 36;
const ROOT_REVISION: u64 = 15;
const ROOT_SHORT_TABLE: u64 = 16;
const ROOT_LONG_TABLE: u64 = 24;

const HEADER_SIZE_BYTES: u64 = 36;
const HEADER_LENGTH: u64 = 4;
/// No table that is needed here is larger.
const LIMIT_BYTES: u64 = 64 << 10;

const CONTROLLERS: &[u8; 4] = b"APIC";
/// Behind the header the controllers' address and flags.
const CONTROLLERS_START: u64 = HEADER_SIZE_BYTES + 8;
const LOCAL: u8 = 0;
const LOCAL_X2: u8 = 9;
/// The processor can be used.
const ENABLED: u32 = 1 << 0;

fn bytes<const SIZE: usize>(memory: &impl Physical, address: u64) -> Option<[u8; SIZE]> {
    let mut buffer = [0; SIZE];
    memory.read(address, &mut buffer)?;
    Some(buffer)
}

fn number(memory: &impl Physical, address: u64) -> Option<u32> {
    bytes(memory, address).map(u32::from_le_bytes)
}

/// Whether the bytes add up to nothing.
fn is_sound(memory: &impl Physical, address: u64, size_bytes: u64) -> bool {
    let sum = (0..size_bytes).try_fold(0_u8, |sum, offset| {
        let [byte] = bytes(memory, address.checked_add(offset)?)?;
        Some(sum.wrapping_add(byte))
    });
    sum == Some(0)
}

/// Where in the range the root of all tables is.
pub fn find_root(memory: &impl Physical, range: Range<u64>) -> Option<u64> {
    let is_root = |address: &u64| {
        bytes(memory, *address).is_some_and(|found: [u8; 8]| found == *ROOT_SIGNATURE)
            && is_sound(memory, *address, ROOT_SIZE_BYTES)
    };
    range.step_by(ROOT_STEP).find(is_root)
}

/// The first processor besides the one with the number `own`: its number, by which it is reached.
pub fn other_processor(memory: &impl Physical, root: u64, own: u32) -> Option<u32> {
    let [revision] = bytes(memory, root.checked_add(ROOT_REVISION)?)?;
    let long = match revision {
        0 | 1 => 0,
        _ if !is_sound(memory, root, LONG_ROOT_SIZE_BYTES) => return None,
        _ => u64::from_le_bytes(bytes(memory, root.checked_add(ROOT_LONG_TABLE)?)?),
    };
    let (list, entry_size_bytes) = match long {
        0 => (
            number(memory, root.checked_add(ROOT_SHORT_TABLE)?)?.into(),
            4,
        ),
        list => (list, 8),
    };
    let list = table(memory, list)?;
    let mut entries = (list.start + HEADER_SIZE_BYTES..list.end).step_by(entry_size_bytes);
    entries.find_map(|entry| {
        let address = match entry_size_bytes {
            4 => number(memory, entry)?.into(),
            _ => u64::from_le_bytes(bytes(memory, entry)?),
        };
        if bytes(memory, address)? != *CONTROLLERS {
            return None;
        }
        other_of(memory, &table(memory, address)?, own)
    })
}

/// A table with its header.
fn table(memory: &impl Physical, address: u64) -> Option<Range<u64>> {
    let length = u64::from(number(memory, address.checked_add(HEADER_LENGTH)?)?);
    let is_possible = (HEADER_SIZE_BYTES..=LIMIT_BYTES).contains(&length);
    let end = address.checked_add(length)?;
    (is_possible && is_sound(memory, address, length)).then_some(address..end)
}

fn other_of(memory: &impl Physical, table: &Range<u64>, own: u32) -> Option<u32> {
    let mut address = table.start + CONTROLLERS_START;
    while address + 2 <= table.end {
        let [kind, length] = bytes(memory, address)?;
        let next = address + u64::from(length);
        if length < 2 || next > table.end {
            return None;
        }
        let found = match (kind, length) {
            (LOCAL, 8..) => {
                let [id] = bytes(memory, address + 3)?;
                Some((u32::from(id), number(memory, address + 4)?))
            }
            (LOCAL_X2, 16..) => Some((number(memory, address + 4)?, number(memory, address + 8)?)),
            _ => None,
        };
        match found {
            Some((id, flags)) if flags & ENABLED != 0 && id != own => return Some(id),
            _ => address = next,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Memory(Vec<u8>);

    impl Physical for Memory {
        fn read(&self, address: u64, buffer: &mut [u8]) -> Option<()> {
            let start = usize::try_from(address).ok()?;
            let found = self.0.get(start..start.checked_add(buffer.len())?)?;
            buffer.copy_from_slice(found);
            Some(())
        }
    }

    fn sealed(mut bytes: Vec<u8>, checksum: usize) -> Vec<u8> {
        let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        bytes[checksum] = bytes[checksum].wrapping_sub(sum);
        bytes
    }

    fn a_table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut bytes = signature.to_vec();
        bytes.extend((HEADER_SIZE_BYTES as u32 + body.len() as u32).to_le_bytes());
        bytes.resize(HEADER_SIZE_BYTES as usize, 0);
        bytes.extend(body);
        sealed(bytes, 9)
    }

    fn local(id: u8, flags: u8) -> Vec<u8> {
        vec![LOCAL, 8, 1, id, flags, 0, 0, 0]
    }

    const ROOT: usize = 32;
    const LIST: usize = 128;
    const TABLES: [usize; 2] = [256, 512];

    /// A list of two tables, of which one is something else.
    fn memory(is_long: bool, entries: &[Vec<u8>]) -> Memory {
        let mut all = vec![0; 1024];
        let mut put = |at: usize, bytes: &[u8]| all[at..at + bytes.len()].copy_from_slice(bytes);
        let mut root = ROOT_SIGNATURE.to_vec();
        root.resize(36, 0);
        let place = if is_long {
            ROOT_LONG_TABLE
        } else {
            ROOT_SHORT_TABLE
        } as usize;
        root[ROOT_REVISION as usize] = if is_long { 2 } else { 0 };
        root[place] = LIST as u8;
        let long_part = root.split_off(ROOT_SIZE_BYTES as usize);
        let root = [sealed(root, 8), long_part].concat();
        put(ROOT, &sealed(root, 32));
        let addresses = TABLES.iter().flat_map(|address| {
            let size = if is_long { 8 } else { 4 };
            (*address as u64).to_le_bytes()[..size].to_vec()
        });
        put(LIST, &a_table(b"RSDT", &addresses.collect::<Vec<u8>>()));
        put(TABLES[0], &a_table(b"FACP", &[7; 20]));
        let body = [vec![0; 8], entries.concat()].concat();
        put(TABLES[1], &a_table(CONTROLLERS, &body));
        Memory(all)
    }

    fn found(memory: &Memory) -> Option<u32> {
        let root = find_root(memory, 0..memory.0.len() as u64)?;
        other_processor(memory, root, 0)
    }

    #[test]
    fn the_first_other_one_that_can_be_used_is_found() {
        let x2 = [
            vec![LOCAL_X2, 16, 0, 0],
            vec![0, 1, 0, 0],
            vec![1, 0, 0, 0],
            vec![0; 4],
        ];
        for is_long in [false, true] {
            let of = |entries: &[Vec<u8>]| found(&memory(is_long, entries));
            assert_eq!(of(&[local(0, 1)]), None);
            assert_eq!(
                of(&[local(0, 1), local(1, 0), local(5, 1), local(6, 1)]),
                Some(5)
            );
            assert_eq!(of(&[local(0, 1), x2.concat()]), Some(256));
            // An entry of another kind is passed over.
            assert_eq!(of(&[vec![1, 3, 0], local(3, 1)]), Some(3));
        }
    }

    #[test]
    fn damage_is_no_processor() {
        let whole = memory(false, &[local(0, 1), local(1, 1)]);
        assert_eq!(found(&whole), Some(1));
        for at in 0..whole.0.len() {
            for value in [0, 1, 0xff] {
                let mut damaged = Memory(whole.0.clone());
                damaged.0[at] = value;
                let answer = found(&damaged);
                assert!(answer.is_none() || answer == Some(1), "byte {at}");
            }
        }
        for size in 0..whole.0.len() {
            let cut = Memory(whole.0[..size].to_vec());
            assert!(found(&cut).is_none_or(|id| id == 1));
        }
        // An entry that ends where it begins, and one that reaches beyond the table.
        assert_eq!(found(&memory(false, &[vec![1, 0], local(1, 1)])), None);
        assert_eq!(
            found(&memory(false, &[vec![LOCAL, 200, 0, 1, 1, 0, 0, 0]])),
            None
        );
    }
}
