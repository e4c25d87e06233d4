//! The table of the kernel's functions, from which fault messages take their names. `cargo xtask` makes
//! it from the linked kernel and appends it to the image as a segment of its own.
//!
//! | offset | what |
//! |---|---|
//! | 0 | magic `BFSYMBL1` |
//! | 8 | number of functions (4 bytes) |
//! | 12 | size of the names (4 bytes) |
//! | 16 | per function, by address: address, end, offset of its name, length of its name (4 bytes each) |
//! | after it | the names |

use alloc::vec::Vec;

const MAGIC: &[u8; 8] = b"BFSYMBL1";
const HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 16;

/// A function's place and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Its first byte.
    pub address: u32,
    /// Behind its last byte.
    pub end: u32,
    /// Its name, as the linker has it.
    pub name: &'a str,
}

/// A table, checked when it was opened.
#[derive(Clone, Copy, Debug)]
pub struct SymbolTable<'a> {
    entries: &'a [[u8; ENTRY_BYTES]],
    names: &'a [u8],
}

impl<'a> SymbolTable<'a> {
    /// A table with nothing in it.
    pub const EMPTY: Self = Self {
        entries: &[],
        names: &[],
    };

    /// How large the table is that starts like this; `None` if no table does.
    #[must_use]
    pub fn size_bytes(start: &[u8; HEADER_BYTES]) -> Option<usize> {
        if !start.starts_with(MAGIC) {
            return None;
        }
        let count = word(start, 8) as usize;
        let names = word(start, 12) as usize;
        count
            .checked_mul(ENTRY_BYTES)?
            .checked_add(HEADER_BYTES + names)
    }

    /// Opens the table at the start of `bytes`; `None` if it is not one.
    #[must_use]
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let size = Self::size_bytes(bytes.first_chunk()?)?;
        let entries_end = HEADER_BYTES + word(bytes.first_chunk()?, 8) as usize * ENTRY_BYTES;
        let (entries, _) = bytes.get(HEADER_BYTES..entries_end)?.as_chunks();
        Some(Self {
            entries,
            names: bytes.get(entries_end..size)?,
        })
    }

    /// The function that `address` is in.
    #[must_use]
    pub fn find(&self, address: u64) -> Option<Symbol<'a>> {
        let address = u32::try_from(address).ok()?;
        let index = self
            .entries
            .partition_point(|entry| word(entry, 0) <= address)
            .checked_sub(1)?;
        let symbol = self.symbol(&self.entries[index])?;
        (address < symbol.end).then_some(symbol)
    }

    /// All functions, by their addresses.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'a>> {
        self.entries.iter().filter_map(|entry| self.symbol(entry))
    }

    fn symbol(&self, entry: &[u8; ENTRY_BYTES]) -> Option<Symbol<'a>> {
        let start = word(entry, 8) as usize;
        let name = self
            .names
            .get(start..start.checked_add(word(entry, 12) as usize)?)?;
        Some(Symbol {
            address: word(entry, 0),
            end: word(entry, 4),
            name: core::str::from_utf8(name).ok()?,
        })
    }
}

fn word(bytes: &[u8; ENTRY_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes([
        bytes[offset],
        bytes[offset + 1],
        bytes[offset + 2],
        bytes[offset + 3],
    ])
}

/// The bytes of a table of `symbols`, in any order. Of several names for one address the shortest stays.
///
/// # Panics
/// If the names are 4 GiB or more together.
#[must_use]
pub fn build(symbols: &mut [Symbol]) -> Vec<u8> {
    symbols.sort_unstable_by_key(|symbol| (symbol.address, symbol.name.len(), symbol.name));
    let mut entries = Vec::new();
    let mut names = Vec::new();
    let mut last = None;
    for symbol in symbols.iter().filter(|symbol| symbol.end > symbol.address) {
        if last.replace(symbol.address) == Some(symbol.address) {
            continue;
        }
        let offset = u32::try_from(names.len()).expect("the names are shorter than 4 GiB");
        let length = u32::try_from(symbol.name.len()).expect("a name is shorter than 4 GiB");
        for number in [symbol.address, symbol.end, offset, length] {
            entries.extend_from_slice(&number.to_le_bytes());
        }
        names.extend_from_slice(symbol.name.as_bytes());
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES + entries.len() + names.len());
    bytes.extend_from_slice(MAGIC);
    for length in [entries.len() / ENTRY_BYTES, names.len()] {
        let length = u32::try_from(length).expect("the table is shorter than 4 GiB");
        bytes.extend_from_slice(&length.to_le_bytes());
    }
    bytes.extend_from_slice(&entries);
    bytes.extend_from_slice(&names);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(address: u32, end: u32, name: &str) -> Symbol<'_> {
        Symbol { address, end, name }
    }

    #[test]
    fn functions_are_found_by_any_address_in_them() {
        let mut symbols = [
            symbol(300, 310, "late"),
            symbol(100, 200, "early_alias"),
            symbol(100, 200, "early"),
            symbol(400, 400, "empty"),
        ];
        let mut bytes = build(&mut symbols);
        assert_eq!(
            SymbolTable::size_bytes(bytes.first_chunk().unwrap()),
            Some(bytes.len())
        );
        bytes.extend_from_slice(&[0xff; 9]);
        let table = SymbolTable::open(&bytes).unwrap();
        assert_eq!(table.find(100), Some(symbol(100, 200, "early")));
        assert_eq!(table.find(199), Some(symbol(100, 200, "early")));
        assert_eq!(table.find(305), Some(symbol(300, 310, "late")));
        let all: Vec<Symbol> = table.iter().collect();
        assert_eq!(all, [symbol(100, 200, "early"), symbol(300, 310, "late")]);
        for address in [0, 99, 200, 310, 400, u64::MAX] {
            assert_eq!(table.find(address), None, "{address}");
        }
    }

    #[test]
    fn what_is_not_a_table_is_refused() {
        let bytes = build(&mut [symbol(1, 2, "one")]);
        for length in 0..bytes.len() {
            assert!(
                SymbolTable::open(&bytes[..length]).is_none(),
                "{length} bytes"
            );
        }
        let mut other = bytes;
        other[0] = b'X';
        assert!(SymbolTable::open(&other).is_none());
        assert_eq!(SymbolTable::EMPTY.find(1), None);
    }
}
