//! The boot partition's first sector.

use core::fmt;

use crate::clusters::Extent;
use crate::{Checksum, SECTOR_SIZE_BYTES};

pub(crate) const SIGNATURE: [u8; 4] = *b"FLUD";
pub(crate) const VERSION: u32 = 5;
/// Words before the header's own checksum.
const WORDS: usize = 31;
/// Where the boot stages find what they need, in bytes.
pub(crate) const OFFSETS: &[(&str, u32)] = &[
    ("HEADER_VERSION", 4),
    ("HEADER_LOAD_ADDRESS", 8),
    ("HEADER_ENTRY", 12),
    ("HEADER_KERNEL_SECTORS", 16),
    ("HEADER_KERNEL_SUMS", 20),
    ("HEADER_BUNDLE_ADDRESS", 28),
    ("HEADER_BUNDLE_SECTORS", 32),
    ("HEADER_BUNDLE_BYTES", 36),
    ("HEADER_BUNDLE_SUMS", 40),
    ("HEADER_MEMORY_END", 48),
    ("HEADER_LLVM_TABLE_SECTORS", 52),
    ("HEADER_LLVM_ADDRESS", 64),
    ("HEADER_LLVM_SECTORS", 68),
    ("HEADER_LLVM_SUMS", 72),
    ("HEADER_FILES_SECTORS", 116),
    ("HEADER_SUMS", 124),
];

/// What is on the boot partition and where it goes.
///
/// | offset | what, 4 bytes each |
/// |---|---|
/// | 0 | signature `FLUD` |
/// | 4 | version: 5 |
/// | 8 | the kernel's load address |
/// | 12 | its 32-bit entry |
/// | 16 | its sectors |
/// | 20 | its checksum, two words |
/// | 28 | the bundle's load address |
/// | 32 | its sectors |
/// | 36 | its size in bytes |
/// | 40 | its checksum, two words |
/// | 48 | the end of the memory that is needed |
/// | 52 | sectors of the [table](crate::clusters) of LLVM, in whole pages |
/// | 56 | the table's checksum, two words |
/// | 64 | the table's load address, where the BIOS loads it with LLVM behind it |
/// | 68 | the sectors of LLVM's pages that the image has, which may be compressed |
/// | 72 | the checksum of the table and these pages, two words |
/// | 80 | how many pages LLVM has, whether they are in the image or not |
/// | 84 | how many of them come before the table of functions |
/// | 88 | the address of the first |
/// | 92 | three times: the first essential page of LLVM, and the first behind it that is not |
/// | 116 | the sectors of the program's [files](crate::files) that are not in the bundle |
/// | 120 | how many pages of LLVM the image has |
/// | 124 | checksum of the 124 bytes before, two words |
///
/// The checksums are those of whole sectors. Memory for LLVM counts only where the BIOS loads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelHeader {
    /// Where the kernel is loaded.
    pub load_address: u32,
    /// Where it starts, in 32-bit protected mode.
    pub entry: u32,
    /// How many sectors it has; they follow the header.
    pub kernel_sectors: u32,
    /// Their checksum.
    pub kernel_checksum: Checksum,
    /// Where the bundle is loaded.
    pub bundle_address: u32,
    /// How many sectors it has; they follow the kernel.
    pub bundle_sectors: u32,
    /// How many of their bytes are the bundle.
    pub bundle_size_bytes: u32,
    /// The checksum of its sectors.
    pub bundle_checksum: Checksum,
    /// The machine's memory must reach from 1 MiB to here; as much farther as LLVM is large where the BIOS loads
    /// LLVM.
    pub memory_end: u32,
    /// How many sectors the [table](crate::clusters) of LLVM has, in whole pages; they follow the bundle.
    pub llvm_table_sectors: u32,
    /// The table's checksum.
    pub llvm_table_checksum: Checksum,
    /// Where the table is loaded, with LLVM behind it, if the kernel has no driver for its disk.
    pub llvm_address: u32,
    /// How many sectors the pages of LLVM take that are in the image; they follow the table. They are compressed if
    /// these are too few for them.
    pub llvm_sectors: u32,
    /// The checksum of the table and LLVM.
    pub llvm_checksum: Checksum,
    /// How many pages LLVM has, whether they are in the image or not.
    pub llvm_pages: u32,
    /// How many of them come before the [table of functions](crate::symbols).
    pub llvm_own_pages: u32,
    /// The address of the first when it is in memory.
    pub llvm_window: u32,
    /// Pages of LLVM that every program needs, or might need at any time: code and constants of the interpreter, and
    /// all variables.
    pub llvm_essential: [PageRange; 3],
    /// How many sectors the program's [files](crate::files) have that are not in the bundle; they follow LLVM.
    pub files_sectors: u32,
    /// How many pages of LLVM are in the image.
    pub llvm_stored_pages: u32,
}

/// Some of LLVM's pages, by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRange {
    /// The first.
    pub first: u32,
    /// Behind the last.
    pub end: u32,
}

/// Why a sector is not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// It does not start with the signature.
    WrongSignature,
    /// It is of another version.
    UnknownVersion(u32),
    /// Its checksum is wrong.
    Damaged,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::WrongSignature => formatter.write_str("wrong signature: FLUD is expected"),
            Self::UnknownVersion(version) => write!(formatter, "unknown version {version}"),
            Self::Damaged => formatter.write_str("damaged: the checksum is wrong"),
        }
    }
}

impl core::error::Error for HeaderError {}

impl KernelHeader {
    /// The sector.
    #[must_use]
    pub fn to_sector(&self) -> [u8; SECTOR_SIZE_BYTES] {
        let words: [u32; WORDS] = [
            u32::from_le_bytes(SIGNATURE),
            VERSION,
            self.load_address,
            self.entry,
            self.kernel_sectors,
            self.kernel_checksum.low,
            self.kernel_checksum.high,
            self.bundle_address,
            self.bundle_sectors,
            self.bundle_size_bytes,
            self.bundle_checksum.low,
            self.bundle_checksum.high,
            self.memory_end,
            self.llvm_table_sectors,
            self.llvm_table_checksum.low,
            self.llvm_table_checksum.high,
            self.llvm_address,
            self.llvm_sectors,
            self.llvm_checksum.low,
            self.llvm_checksum.high,
            self.llvm_pages,
            self.llvm_own_pages,
            self.llvm_window,
            self.llvm_essential[0].first,
            self.llvm_essential[0].end,
            self.llvm_essential[1].first,
            self.llvm_essential[1].end,
            self.llvm_essential[2].first,
            self.llvm_essential[2].end,
            self.files_sectors,
            self.llvm_stored_pages,
        ];
        let mut sector = [0; SECTOR_SIZE_BYTES];
        let (chunks, _) = sector.as_chunks_mut::<4>();
        for (chunk, word) in chunks.iter_mut().zip(words) {
            *chunk = word.to_le_bytes();
        }
        let own = Checksum::of(chunks[..WORDS].as_flattened());
        chunks[WORDS] = own.low.to_le_bytes();
        chunks[WORDS + 1] = own.high.to_le_bytes();
        sector
    }

    /// Reads a sector.
    ///
    /// # Errors
    /// [`HeaderError`] says what is wrong.
    pub fn from_sector(sector: &[u8; SECTOR_SIZE_BYTES]) -> Result<Self, HeaderError> {
        let (chunks, _) = sector.as_chunks::<4>();
        let word = |index: usize| u32::from_le_bytes(chunks[index]);
        if chunks[0] != SIGNATURE {
            return Err(HeaderError::WrongSignature);
        }
        if word(1) != VERSION {
            return Err(HeaderError::UnknownVersion(word(1)));
        }
        let checksum = |index| Checksum {
            low: word(index),
            high: word(index + 1),
        };
        let own = checksum(WORDS);
        if Checksum::of(chunks[..WORDS].as_flattened()) != own {
            return Err(HeaderError::Damaged);
        }
        Ok(Self {
            load_address: word(2),
            entry: word(3),
            kernel_sectors: word(4),
            kernel_checksum: checksum(5),
            bundle_address: word(7),
            bundle_sectors: word(8),
            bundle_size_bytes: word(9),
            bundle_checksum: checksum(10),
            memory_end: word(12),
            llvm_table_sectors: word(13),
            llvm_table_checksum: checksum(14),
            llvm_address: word(16),
            llvm_sectors: word(17),
            llvm_checksum: checksum(18),
            llvm_pages: word(20),
            llvm_own_pages: word(21),
            llvm_window: word(22),
            llvm_essential: [23, 25, 27].map(|index| PageRange {
                first: word(index),
                end: word(index + 1),
            }),
            files_sectors: word(29),
            llvm_stored_pages: word(30),
        })
    }

    /// How much of LLVM the image has.
    #[must_use]
    pub fn llvm_extent(&self) -> Extent {
        Extent {
            pages: self.llvm_pages as usize,
            stored_pages: self.llvm_stored_pages as usize,
            stored_bytes: self.llvm_sectors as usize * SECTOR_SIZE_BYTES,
        }
    }

    /// Where the table of LLVM is, in sectors from the header on.
    #[must_use]
    pub fn llvm_table_sector(&self) -> u32 {
        1 + self.kernel_sectors + self.bundle_sectors
    }

    /// Where LLVM is, in sectors from the header on.
    #[must_use]
    pub fn llvm_sector(&self) -> u32 {
        self.llvm_table_sector() + self.llvm_table_sectors
    }

    /// Where the program's files are that are not in the bundle, in sectors from the header on.
    #[must_use]
    pub fn files_sector(&self) -> u32 {
        self.llvm_sector() + self.llvm_sectors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::Storage;

    const HEADER: KernelHeader = KernelHeader {
        load_address: 0x10_0000,
        entry: 0x10_0040,
        kernel_sectors: 80_000,
        kernel_checksum: Checksum { low: 1, high: 2 },
        bundle_address: 0x290_0000,
        bundle_sectors: 9,
        bundle_size_bytes: 4100,
        bundle_checksum: Checksum { low: 3, high: 4 },
        memory_end: 0x600_0000,
        llvm_table_sectors: 12,
        llvm_table_checksum: Checksum { low: 5, high: 6 },
        llvm_address: 0x300_0000,
        llvm_sectors: 70_000,
        llvm_checksum: Checksum { low: 7, high: 8 },
        llvm_pages: 9_000,
        llvm_own_pages: 8_000,
        llvm_window: 0x4a00_0000,
        llvm_essential: [
            PageRange { first: 0, end: 20 },
            PageRange {
                first: 5_000,
                end: 5_009,
            },
            PageRange {
                first: 7_900,
                end: 8_000,
            },
        ],
        files_sectors: 400,
        llvm_stored_pages: 8_750,
    };

    #[test]
    fn a_header_comes_back() {
        let sector = HEADER.to_sector();
        assert_eq!(&sector[..4], b"FLUD");
        let extent = HEADER.llvm_extent();
        assert_eq!((extent.pages, extent.stored_pages), (9_000, 8_750));
        assert_eq!(extent.storage(), Storage::Plain);
        let fewer = KernelHeader {
            llvm_sectors: 69_999,
            ..HEADER
        };
        assert_eq!(fewer.llvm_extent().storage(), Storage::Compressed);
        assert_eq!(HEADER.llvm_table_sector(), 80_010);
        assert_eq!(HEADER.llvm_sector(), 80_022);
        assert_eq!(HEADER.files_sector(), 150_022);
        assert_eq!(KernelHeader::from_sector(&sector), Ok(HEADER));
    }

    #[test]
    fn the_boot_stages_find_each_word_where_it_is() {
        let sector = HEADER.to_sector();
        let own = Checksum::of(&sector[..WORDS * 4]);
        for (name, offset) in OFFSETS {
            let expected = match *name {
                "HEADER_VERSION" => VERSION,
                "HEADER_LOAD_ADDRESS" => HEADER.load_address,
                "HEADER_ENTRY" => HEADER.entry,
                "HEADER_KERNEL_SECTORS" => HEADER.kernel_sectors,
                "HEADER_KERNEL_SUMS" => HEADER.kernel_checksum.low,
                "HEADER_BUNDLE_ADDRESS" => HEADER.bundle_address,
                "HEADER_BUNDLE_SECTORS" => HEADER.bundle_sectors,
                "HEADER_BUNDLE_BYTES" => HEADER.bundle_size_bytes,
                "HEADER_BUNDLE_SUMS" => HEADER.bundle_checksum.low,
                "HEADER_MEMORY_END" => HEADER.memory_end,
                "HEADER_LLVM_TABLE_SECTORS" => HEADER.llvm_table_sectors,
                "HEADER_LLVM_ADDRESS" => HEADER.llvm_address,
                "HEADER_LLVM_SECTORS" => HEADER.llvm_sectors,
                "HEADER_LLVM_SUMS" => HEADER.llvm_checksum.low,
                "HEADER_FILES_SECTORS" => HEADER.files_sectors,
                "HEADER_SUMS" => own.low,
                other => panic!("what is {other}?"),
            };
            let place = *offset as usize;
            assert_eq!(sector[place..place + 4], expected.to_le_bytes(), "{name}");
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let sector = HEADER.to_sector();
        for index in 0..132 {
            let mut changed = sector;
            changed[index] ^= 0x10;
            let expected = match index {
                0..4 => HeaderError::WrongSignature,
                4..8 => HeaderError::UnknownVersion(VERSION ^ 0x10 << (8 * (index - 4))),
                _ => HeaderError::Damaged,
            };
            assert_eq!(
                KernelHeader::from_sector(&changed),
                Err(expected),
                "byte {index}"
            );
        }
    }
}
