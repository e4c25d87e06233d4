//! LLVM on the disk: pages in clusters, each of which is read at once and has a checksum of its own.
//!
//! An image has all pages of LLVM, or only some. Those that it has follow each other on the disk. The table of an image
//! has
//!
//! | what | bytes |
//! |---|---|
//! | for each cluster, in order: its checksum, two words | 8 |
//! | if the image has not all pages, for each that it has, ascending: its number, counted from LLVM's first | 2 |

use alloc::vec::Vec;

use crate::Checksum;

/// Bytes in a page.
pub const PAGE_SIZE_BYTES: usize = 4 << 10;

/// Bytes in a cluster.
pub const SIZE_BYTES: usize = 16 << 10;

/// Pages in a cluster.
pub const PAGES: usize = SIZE_BYTES / PAGE_SIZE_BYTES;

/// Bytes of the table for a cluster.
const CHECKSUM_SIZE_BYTES: usize = 8;

/// Bytes of the table for a page.
const NUMBER_SIZE_BYTES: usize = 2;

/// The table of an image with these pages. `numbers` has the number of each, or nothing if they are all. A last
/// cluster that is not full has the checksum of what it has.
#[must_use]
pub fn build(pages: &[u8], numbers: Option<&[u16]>) -> Vec<u8> {
    let mut table = Vec::new();
    for cluster in pages.chunks(SIZE_BYTES) {
        let sums = Checksum::of(cluster);
        table.extend_from_slice(&sums.low.to_le_bytes());
        table.extend_from_slice(&sums.high.to_le_bytes());
    }
    for number in numbers.unwrap_or_default() {
        table.extend_from_slice(&number.to_le_bytes());
    }
    table
}

/// The table of an image.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    checksums: &'a [[u8; CHECKSUM_SIZE_BYTES]],
    /// `None`: there are all pages.
    numbers: Option<&'a [[u8; NUMBER_SIZE_BYTES]]>,
    stored_pages: usize,
}

impl<'a> Table<'a> {
    /// The table at the start of `bytes`, of an image that has `stored_pages` of LLVM's `pages`; `None` if it is not
    /// all there.
    #[must_use]
    pub fn open(bytes: &'a [u8], pages: usize, stored_pages: usize) -> Option<Self> {
        let checksums_size_bytes = stored_pages.div_ceil(PAGES) * CHECKSUM_SIZE_BYTES;
        let (checksums, numbers) = bytes.split_at_checked(checksums_size_bytes)?;
        let numbers = if stored_pages < pages {
            let numbers = numbers.get(..stored_pages * NUMBER_SIZE_BYTES)?;
            Some(numbers.as_chunks().0)
        } else {
            None
        };
        Some(Self {
            checksums: checksums.as_chunks().0,
            numbers,
            stored_pages,
        })
    }

    /// All of so many pages, which somebody else has checked.
    #[must_use]
    pub const fn of_all(pages: usize) -> Self {
        Self {
            checksums: &[],
            numbers: None,
            stored_pages: pages,
        }
    }

    /// The checksum of a cluster; `None` if there is no such cluster.
    #[must_use]
    pub fn checksum(&self, cluster: usize) -> Option<Checksum> {
        let [a, b, c, d, e, f, g, h] = *self.checksums.get(cluster)?;
        Some(Checksum {
            low: u32::from_le_bytes([a, b, c, d]),
            high: u32::from_le_bytes([e, f, g, h]),
        })
    }

    /// How many pages of LLVM lie before the page with this number on the disk; `None` if the image does not have it.
    #[must_use]
    pub fn position(&self, page: usize) -> Option<usize> {
        match self.numbers {
            None => (page < self.stored_pages).then_some(page),
            Some(numbers) => numbers
                .binary_search_by_key(&page, |number| u16::from_le_bytes(*number).into())
                .ok(),
        }
    }

    /// The number of the page that so many pages lie before; `None` if the image has no more.
    #[must_use]
    pub fn page(&self, position: usize) -> Option<usize> {
        match self.numbers {
            None => (position < self.stored_pages).then_some(position),
            Some(numbers) => {
                let number = numbers.get(position)?;
                Some(u16::from_le_bytes(*number).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(pages: usize) -> Vec<u8> {
        (0..pages * PAGE_SIZE_BYTES)
            .map(|index| (index / 7) as u8)
            .collect()
    }

    #[test]
    fn every_cluster_has_its_checksum() {
        let bytes = contents(2 * PAGES + 1);
        let table = build(&bytes, None);
        let table = Table::open(&table, 2 * PAGES + 1, 2 * PAGES + 1).unwrap();
        for (cluster, contents) in bytes.chunks(SIZE_BYTES).enumerate() {
            assert_eq!(table.checksum(cluster), Some(Checksum::of(contents)));
        }
        assert_eq!(table.checksum(3), None);
        for page in 0..=2 * PAGES {
            assert_eq!(
                (table.position(page), table.page(page)),
                (Some(page), Some(page))
            );
        }
        assert_eq!(
            (table.position(2 * PAGES + 1), table.page(2 * PAGES + 1)),
            (None, None)
        );
    }

    #[test]
    fn pages_are_found_where_some_are_missing() {
        let numbers = [0, 3, 4, 300, 65_535];
        let mut bytes = build(&contents(numbers.len()), Some(&numbers));
        bytes.resize(512, 0);
        let table = Table::open(&bytes, 70_000, numbers.len()).unwrap();
        for (position, number) in numbers.iter().enumerate() {
            let page = usize::from(*number);
            assert_eq!(table.position(page), Some(position));
            assert_eq!(table.page(position), Some(page));
        }
        assert!(table.checksum(1).is_some() && table.checksum(2).is_none());
        for page in [1, 2, 5, 299, 301, 65_536, 69_999] {
            assert_eq!(table.position(page), None, "{page}");
        }
        assert_eq!(table.page(numbers.len()), None);
    }

    #[test]
    fn a_table_that_is_cut_is_refused() {
        let numbers = [1, 2, 9];
        let bytes = build(&contents(3), Some(&numbers));
        assert_eq!(bytes.len(), CHECKSUM_SIZE_BYTES + 3 * NUMBER_SIZE_BYTES);
        for length in 0..bytes.len() {
            assert!(Table::open(&bytes[..length], 10, 3).is_none(), "{length}");
        }
        assert!(Table::open(&bytes, 10, 3).is_some());
    }
}
