//! LLVM on the disk: pages in clusters, each of which is read at once and has a checksum of its own.
//!
//! An image has all pages of LLVM, or only some. Those that it has follow each other on the disk. Its clusters may be
//! compressed, each by itself, as blocks of LZ4
//! (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>); one that would not get smaller is stored as it is,
//! and so are all of an image that would not. They follow each other without a gap. The table of an image has
//!
//! | what | bytes |
//! |---|---|
//! | for each cluster, in order: the checksum of its bytes on the disk, two words | 8 |
//! | if the image has not all pages, for each that it has, ascending: its number, counted from LLVM's first | 2 |
//! | if clusters are compressed, for each: where it ends, in bytes from the first one's start on | 4 |

use alloc::vec::Vec;
use core::ops::Range;

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

/// Bytes of the table for the end of a compressed cluster.
const END_SIZE_BYTES: usize = 4;

/// Whether clusters are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// They are stored as they are.
    #[default]
    Plain,
    /// Those are compressed that get smaller by it.
    Compressed,
}

/// How much of LLVM an image has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many pages LLVM has, whether they are in the image or not.
    pub pages: usize,
    /// How many of them are in the image.
    pub stored_pages: usize,
    /// What they take on the disk, in bytes.
    pub stored_bytes: usize,
}

impl Extent {
    /// Whether clusters are compressed: together they take less than their pages do.
    #[must_use]
    pub const fn storage(&self) -> Storage {
        if self.stored_bytes < self.stored_pages * PAGE_SIZE_BYTES {
            Storage::Compressed
        } else {
            Storage::Plain
        }
    }

    /// How many clusters there are.
    #[must_use]
    pub const fn clusters(&self) -> usize {
        self.stored_pages.div_ceil(PAGES)
    }

    /// The pages of these clusters, counted from the image's first.
    #[must_use]
    pub fn pages_of(&self, clusters: Range<usize>) -> Range<usize> {
        let page = |cluster: usize| cluster.saturating_mul(PAGES).min(self.stored_pages);
        page(clusters.start)..page(clusters.end)
    }

    /// How many bytes a cluster has in memory: the last one may not be full.
    #[must_use]
    pub fn size_bytes(&self, cluster: usize) -> usize {
        self.pages_of(cluster..cluster.saturating_add(1)).len() * PAGE_SIZE_BYTES
    }
}

/// The table of an image whose clusters are these bytes on the disk. `numbers` has the number of each page, or nothing
/// if they are all.
#[must_use]
pub fn build<'a>(
    clusters: impl IntoIterator<Item = &'a [u8]>,
    numbers: Option<&[u16]>,
    storage: Storage,
) -> Vec<u8> {
    let (mut table, mut ends, mut end) = (Vec::new(), Vec::new(), 0_u32);
    for cluster in clusters {
        let sums = Checksum::of(cluster);
        table.extend_from_slice(&sums.low.to_le_bytes());
        table.extend_from_slice(&sums.high.to_le_bytes());
        // LLVM is below 2 GiB.
        end += cluster.len() as u32;
        ends.extend_from_slice(&end.to_le_bytes());
    }
    for number in numbers.unwrap_or_default() {
        table.extend_from_slice(&number.to_le_bytes());
    }
    if storage == Storage::Compressed {
        table.append(&mut ends);
    }
    table
}

/// The table of an image.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    checksums: &'a [[u8; CHECKSUM_SIZE_BYTES]],
    /// `None`: there are all pages.
    numbers: Option<&'a [[u8; NUMBER_SIZE_BYTES]]>,
    /// `None`: nothing is compressed.
    ends: Option<&'a [[u8; END_SIZE_BYTES]]>,
    extent: Extent,
}

impl<'a> Table<'a> {
    /// The table at the start of `bytes`, of an image that has so much of LLVM; `None` if it is not all there.
    #[must_use]
    pub fn open(bytes: &'a [u8], extent: Extent) -> Option<Self> {
        let clusters = extent.clusters();
        let (checksums, rest) = bytes.split_at_checked(clusters * CHECKSUM_SIZE_BYTES)?;
        let (numbers, rest) = if extent.stored_pages < extent.pages {
            let (numbers, rest) = rest.split_at_checked(extent.stored_pages * NUMBER_SIZE_BYTES)?;
            (Some(numbers.as_chunks().0), rest)
        } else {
            (None, rest)
        };
        let ends = match extent.storage() {
            Storage::Plain => None,
            Storage::Compressed => Some(rest.get(..clusters * END_SIZE_BYTES)?.as_chunks().0),
        };
        Some(Self {
            checksums: checksums.as_chunks().0,
            numbers,
            ends,
            extent,
        })
    }

    /// All of so many pages, which somebody else has checked.
    #[must_use]
    pub const fn of_all(pages: usize) -> Self {
        Self {
            checksums: &[],
            numbers: None,
            ends: None,
            extent: Extent {
                pages,
                stored_pages: pages,
                stored_bytes: pages * PAGE_SIZE_BYTES,
            },
        }
    }

    /// How much of LLVM the image has.
    #[must_use]
    pub const fn extent(&self) -> Extent {
        self.extent
    }

    /// Where neighbouring clusters lie, in bytes from the first one's start on. `None` if there are no such clusters,
    /// or if the table cannot be right: one of them would have no bytes, more than it has in memory, or bytes that are
    /// not LLVM's.
    #[must_use]
    pub fn place(&self, clusters: Range<usize>) -> Option<Range<usize>> {
        let start = self.start(clusters.start)?;
        let mut end = start;
        for cluster in clusters {
            let next = self.start(cluster + 1)?;
            let size_bytes = next.checked_sub(end)?;
            if size_bytes == 0 || size_bytes > self.extent.size_bytes(cluster) {
                return None;
            }
            end = next;
        }
        (start < end && end <= self.extent.stored_bytes).then_some(start..end)
    }

    /// Where the cluster starts, or the one before it ends.
    fn start(&self, cluster: usize) -> Option<usize> {
        match (self.ends, cluster) {
            (None, _) => Some(self.extent.pages_of(0..cluster).end * PAGE_SIZE_BYTES),
            (Some(_), 0) => Some(0),
            (Some(ends), _) => Some(u32::from_le_bytes(*ends.get(cluster - 1)?) as usize),
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
            None => (page < self.extent.stored_pages).then_some(page),
            Some(numbers) => numbers
                .binary_search_by_key(&page, |number| u16::from_le_bytes(*number).into())
                .ok(),
        }
    }

    /// The number of the page that so many pages lie before; `None` if the image has no more.
    #[must_use]
    pub fn page(&self, position: usize) -> Option<usize> {
        match self.numbers {
            None => (position < self.extent.stored_pages).then_some(position),
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

    fn extent(pages: usize, stored_pages: usize) -> Extent {
        Extent {
            pages,
            stored_pages,
            stored_bytes: stored_pages * PAGE_SIZE_BYTES,
        }
    }

    fn plain(pages: &[u8], numbers: Option<&[u16]>) -> Vec<u8> {
        build(pages.chunks(SIZE_BYTES), numbers, Storage::Plain)
    }

    #[test]
    fn every_cluster_has_its_checksum_and_its_place() {
        let bytes = contents(2 * PAGES + 1);
        let table = plain(&bytes, None);
        let table = Table::open(&table, extent(2 * PAGES + 1, 2 * PAGES + 1)).unwrap();
        for (cluster, contents) in bytes.chunks(SIZE_BYTES).enumerate() {
            assert_eq!(table.checksum(cluster), Some(Checksum::of(contents)));
            let place = table.place(cluster..cluster + 1).unwrap();
            assert_eq!(&bytes[place.clone()], contents);
            assert_eq!(table.extent().size_bytes(cluster), place.len());
        }
        assert_eq!(table.checksum(3), None);
        assert_eq!(table.place(0..3), Some(0..bytes.len()));
        for clusters in [0..4, 3..4, 1..1, 9..10, usize::MAX..usize::MAX] {
            assert_eq!(table.place(clusters), None);
        }
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
        let mut bytes = plain(&contents(numbers.len()), Some(&numbers));
        bytes.resize(512, 0);
        let table = Table::open(&bytes, extent(70_000, numbers.len())).unwrap();
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
        let bytes = plain(&contents(3), Some(&numbers));
        assert_eq!(bytes.len(), CHECKSUM_SIZE_BYTES + 3 * NUMBER_SIZE_BYTES);
        for length in 0..bytes.len() {
            assert!(
                Table::open(&bytes[..length], extent(10, 3)).is_none(),
                "{length}"
            );
        }
        assert!(Table::open(&bytes, extent(10, 3)).is_some());
    }

    /// A table of three clusters, the last of one page, that take 700, 16384 and 9 bytes.
    fn compressed() -> (Vec<u8>, Extent) {
        let stored = [&[1; 700][..], &[2; SIZE_BYTES], &[3; 9]];
        let pages = 2 * PAGES + 1;
        let extent = Extent {
            pages,
            stored_pages: pages,
            stored_bytes: 17_408,
        };
        (build(stored, None, extent.storage()), extent)
    }

    #[test]
    fn compressed_clusters_follow_each_other() {
        let (bytes, extent) = compressed();
        assert_eq!(extent.storage(), Storage::Compressed);
        let table = Table::open(&bytes, extent).unwrap();
        let places = [0..700, 700..17_084, 17_084..17_093];
        for (cluster, place) in places.into_iter().enumerate() {
            assert_eq!(table.place(cluster..cluster + 1), Some(place));
        }
        assert_eq!(table.place(0..3), Some(0..17_093));
        assert_eq!(table.checksum(2), Some(Checksum::of(&[3; 9])));
        for clusters in [0..4, 3..4, 2..2, usize::MAX..usize::MAX] {
            assert_eq!(table.place(clusters), None);
        }
        for length in 0..bytes.len() {
            assert!(Table::open(&bytes[..length], extent).is_none(), "{length}");
        }
    }

    #[test]
    fn a_place_that_cannot_be_is_none() {
        let (bytes, extent) = compressed();
        let ends_start = 3 * CHECKSUM_SIZE_BYTES;
        let place = |cluster: usize, end: u32| {
            let mut changed = bytes.clone();
            changed[ends_start + cluster * END_SIZE_BYTES..][..END_SIZE_BYTES]
                .copy_from_slice(&end.to_le_bytes());
            let table = Table::open(&changed, extent).unwrap();
            [0, 1, 2].map(|cluster| table.place(cluster..cluster + 1).is_some())
        };
        assert_eq!(place(0, 0), [false, false, true]);
        assert_eq!(place(0, 699), [true, false, true]);
        assert_eq!(place(0, 20_000), [false, false, true]);
        assert_eq!(place(1, 700), [true, false, false]);
        assert_eq!(place(1, u32::MAX), [true, false, false]);
        assert_eq!(place(2, 17_084), [true, true, false]);
        assert_eq!(place(2, 17_408), [true, true, true]);
        assert_eq!(place(2, 17_409), [true, true, false]);
    }
}
