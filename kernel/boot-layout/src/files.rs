//! Files of the program that are on the disk, and not in the bundle: in blocks, each of which is read at once and has a
//! checksum of its own.
//!
//! The bundle says of each file
//!
//! | what | bytes |
//! |---|---|
//! | where it begins, in sectors from the first file's beginning on | 8 |
//! | its size in bytes | 8 |
//! | for each block, in order: its checksum, two words | 8 |
//!
//! A last block that is not full has the checksum of what it has. Files begin with a sector.

use alloc::vec::Vec;
use core::ops::Range;

use crate::{Checksum, SECTOR_SIZE_BYTES};

/// Bytes in a block.
pub const BLOCK_SIZE_BYTES: usize = 64 << 10;

const HEADER_SIZE_BYTES: usize = 16;
const CHECKSUM_SIZE_BYTES: usize = 8;

/// What the bundle says of a file of so many bytes; there must be a checksum for each of its blocks.
#[must_use]
pub fn describe(first_sector: u64, size_bytes: u64, checksums: &[Checksum]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_SIZE_BYTES + checksums.len() * CHECKSUM_SIZE_BYTES);
    bytes.extend_from_slice(&first_sector.to_le_bytes());
    bytes.extend_from_slice(&size_bytes.to_le_bytes());
    for sums in checksums {
        bytes.extend_from_slice(&sums.low.to_le_bytes());
        bytes.extend_from_slice(&sums.high.to_le_bytes());
    }
    bytes
}

/// A file on the disk.
#[derive(Clone, Copy, Debug)]
pub struct StoredFile<'a> {
    first_sector: u64,
    size_bytes: usize,
    checksums: &'a [[u8; CHECKSUM_SIZE_BYTES]],
}

/// A block of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where it begins, in sectors from the first file's beginning on.
    pub first_sector: u64,
    /// How many bytes of the file it has; the rest of its last sector is zero.
    pub size_bytes: usize,
    /// The checksum of these bytes.
    pub checksum: Checksum,
}

impl Block {
    /// The size of the sectors that have it, in bytes.
    #[must_use]
    pub const fn padded_size_bytes(&self) -> usize {
        self.size_bytes.next_multiple_of(SECTOR_SIZE_BYTES)
    }
}

impl<'a> StoredFile<'a> {
    /// The file that is described; `None` if this is no description.
    #[must_use]
    pub fn open(description: &'a [u8]) -> Option<Self> {
        let (first_sector, rest) = description.split_first_chunk()?;
        let (size_bytes, rest) = rest.split_first_chunk()?;
        let size_bytes = usize::try_from(u64::from_le_bytes(*size_bytes)).ok()?;
        let (checksums, excess) = rest.as_chunks();
        let is_whole =
            excess.is_empty() && checksums.len() == size_bytes.div_ceil(BLOCK_SIZE_BYTES);
        is_whole.then_some(Self {
            first_sector: u64::from_le_bytes(*first_sector),
            size_bytes,
            checksums,
        })
    }

    /// How large it is.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// A block of it; `None` if it has no such block.
    #[must_use]
    pub fn block(&self, index: usize) -> Option<Block> {
        let [a, b, c, d, e, f, g, h] = *self.checksums.get(index)?;
        let start = index * BLOCK_SIZE_BYTES;
        Some(Block {
            first_sector: self
                .first_sector
                .checked_add((start / SECTOR_SIZE_BYTES) as u64)?,
            size_bytes: BLOCK_SIZE_BYTES.min(self.size_bytes - start),
            checksum: Checksum {
                low: u32::from_le_bytes([a, b, c, d]),
                high: u32::from_le_bytes([e, f, g, h]),
            },
        })
    }

    /// All blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = Block> {
        (0..).map_while(|index| self.block(index))
    }
}

/// Which part of which block has the bytes from `offset` on, and where in the block it is.
#[must_use]
pub const fn place(offset: usize, limit: usize) -> (usize, Range<usize>) {
    let start = offset % BLOCK_SIZE_BYTES;
    let rest = BLOCK_SIZE_BYTES - start;
    let count = if limit < rest { limit } else { rest };
    (offset / BLOCK_SIZE_BYTES, start..start + count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE_BYTES: usize = 2 * BLOCK_SIZE_BYTES + 700;

    fn checksums() -> [Checksum; 3] {
        [1, 2, 3].map(|number| Checksum {
            low: number,
            high: 10 * number,
        })
    }

    #[test]
    fn blocks_have_their_places_sizes_and_checksums() {
        let bytes = describe(40, SIZE_BYTES as u64, &checksums());
        let file = StoredFile::open(&bytes).unwrap();
        assert_eq!(file.size_bytes(), SIZE_BYTES);
        let blocks: Vec<Block> = file.blocks().collect();
        let expected = [(40, BLOCK_SIZE_BYTES), (168, BLOCK_SIZE_BYTES), (296, 700)];
        for ((block, (first_sector, size_bytes)), checksum) in
            blocks.iter().zip(expected).zip(checksums())
        {
            let expected = Block {
                first_sector,
                size_bytes,
                checksum,
            };
            assert_eq!(*block, expected);
        }
        assert_eq!((blocks.len(), blocks[2].padded_size_bytes()), (3, 1024));
        let empty = describe(3, 0, &[]);
        assert!(StoredFile::open(&empty).unwrap().block(0).is_none());
    }

    #[test]
    fn what_is_no_description_is_refused() {
        let mut bytes = describe(40, SIZE_BYTES as u64, &checksums());
        for length in 0..bytes.len() {
            assert!(StoredFile::open(&bytes[..length]).is_none(), "{length}");
        }
        bytes.push(0);
        assert!(StoredFile::open(&bytes).is_none());
        bytes[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(StoredFile::open(&bytes).is_none());
    }

    #[test]
    fn bytes_are_found_in_their_block() {
        assert_eq!(place(0, 10), (0, 0..10));
        assert_eq!(
            place(BLOCK_SIZE_BYTES - 4, 10),
            (0, BLOCK_SIZE_BYTES - 4..BLOCK_SIZE_BYTES)
        );
        assert_eq!(place(BLOCK_SIZE_BYTES, 7), (1, 0..7));
    }
}
