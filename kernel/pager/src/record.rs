//! The record of a boot: which clusters were touched first, for the next boot, and which pages were used at all.
//!
//! | offset | what |
//! |---|---|
//! | 0 | magic `BFTOUCH2` |
//! | 8 | the image: the checksum of its table of clusters (8 bytes) |
//! | 16 | how many clusters follow (4 bytes) |
//! | 20 | how many pages LLVM has (4 bytes) |
//! | 24 | the numbers of the clusters, in the order of their first touch (2 bytes each) |
//! | behind them | a bit for each page of LLVM, the lowest first, in whole bytes: it was used |
//! | behind them | [`Checksum`] of everything before (8 bytes) |

use alloc::vec::Vec;
use core::fmt;

use bareflow_boot_layout::{Checksum, KernelHeader};

use crate::{Clusters, LIMIT_CLUSTERS, PageSet};

/// The folder of the volume that records are in.
pub const RECORD_FOLDER: &str = "boot";

/// The names of a record. After a power cut there may be two, and the one that [knows more](Record::weight) is the
/// newer.
pub const RECORD_NAMES: [&str; 2] = ["touch_a.rec", "touch_b.rec"];

const MAGIC: &[u8; 8] = b"BFTOUCH2";
const HEADER_SIZE_BYTES: usize = 24;
const CHECKSUM_SIZE_BYTES: usize = 8;

/// What boots of an image have touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Clusters that were read because they were touched, in order.
    pub clusters: Vec<u16>,
    /// Pages that were used, by their numbers from LLVM's first on.
    pub used: PageSet,
}

/// Which image a record must be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The checksum of the image's table of clusters.
    pub table: Checksum,
    /// How many clusters it has.
    pub clusters: usize,
    /// How many pages LLVM has.
    pub pages: usize,
}

impl Owner {
    /// The image with this header.
    #[must_use]
    pub fn of(header: &KernelHeader) -> Self {
        let extent = header.llvm_extent();
        Self {
            table: header.llvm_table_checksum,
            clusters: extent.clusters(),
            pages: extent.pages,
        }
    }
}

/// Why a file is not a record to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// It does not begin as one.
    WrongMagic,
    /// It has another length than it says.
    WrongLength,
    /// Its checksum is wrong.
    Damaged,
    /// It belongs to another image.
    OtherImage,
    /// It names a cluster that the image does not have, or one twice.
    BadCluster(u16),
    /// It names pages that LLVM does not have.
    BadPage,
}

impl fmt::Display for RecordError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::WrongMagic => formatter.write_str("it does not begin as one"),
            Self::WrongLength => formatter.write_str("its length is wrong"),
            Self::Damaged => formatter.write_str("its checksum is wrong"),
            Self::OtherImage => formatter.write_str("it belongs to another image"),
            Self::BadCluster(cluster) => {
                write!(
                    formatter,
                    "it names cluster {cluster} twice, or there is none"
                )
            }
            Self::BadPage => formatter.write_str("it names pages that there are not"),
        }
    }
}

impl core::error::Error for RecordError {}

fn checksum_bytes(checksum: Checksum) -> [u8; CHECKSUM_SIZE_BYTES] {
    let mut bytes = [0; CHECKSUM_SIZE_BYTES];
    bytes[..4].copy_from_slice(&checksum.low.to_le_bytes());
    bytes[4..].copy_from_slice(&checksum.high.to_le_bytes());
    bytes
}

impl Record {
    /// That of an image that has not been booted.
    pub const EMPTY: Self = Self {
        clusters: Vec::new(),
        used: PageSet::EMPTY,
    };

    /// The bytes of the record, of the image with this table.
    #[must_use]
    pub fn encode(&self, table: Checksum) -> Vec<u8> {
        // There are at most LIMIT_CLUSTERS different ones, and no more pages than 32 bits count.
        let count = self.clusters.len().min(LIMIT_CLUSTERS) as u32;
        let pages = self.used.universe() as u32;
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&checksum_bytes(table));
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&pages.to_le_bytes());
        for cluster in self.clusters.iter().take(LIMIT_CLUSTERS) {
            bytes.extend_from_slice(&cluster.to_le_bytes());
        }
        bytes.extend_from_slice(self.used.as_bytes());
        let sums = Checksum::of(&bytes);
        bytes.extend_from_slice(&checksum_bytes(sums));
        bytes
    }

    /// The record in a file, if it is one of this image.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn decode(bytes: &[u8], owner: &Owner) -> Result<Self, RecordError> {
        if !bytes.starts_with(MAGIC) {
            return Err(RecordError::WrongMagic);
        }
        let (contents, sums) = bytes
            .split_last_chunk::<CHECKSUM_SIZE_BYTES>()
            .ok_or(RecordError::WrongLength)?;
        let (header, rest) = contents
            .split_first_chunk::<HEADER_SIZE_BYTES>()
            .ok_or(RecordError::WrongLength)?;
        let word = |offset: usize| {
            let bytes = [
                header[offset],
                header[offset + 1],
                header[offset + 2],
                header[offset + 3],
            ];
            u32::from_le_bytes(bytes) as usize
        };
        let (count, pages) = (word(16), word(20));
        let (numbers, used) = count
            .checked_mul(2)
            .and_then(|size_bytes| rest.split_at_checked(size_bytes))
            .filter(|(_, used)| used.len() == PageSet::size_bytes(pages))
            .ok_or(RecordError::WrongLength)?;
        if checksum_bytes(Checksum::of(contents)) != *sums {
            return Err(RecordError::Damaged);
        }
        if header[8..16] != checksum_bytes(owner.table) || pages != owner.pages {
            return Err(RecordError::OtherImage);
        }
        let mut seen = Clusters::new(owner.clusters);
        for number in numbers.as_chunks().0 {
            let cluster = u16::from_le_bytes(*number);
            let index = usize::from(cluster);
            if index >= seen.count() || seen.is_present(index) {
                return Err(RecordError::BadCluster(cluster));
            }
            seen.set_touched(index);
        }
        Ok(Self {
            clusters: seen.touched().to_vec(),
            used: PageSet::from_bytes(pages, used).ok_or(RecordError::BadPage)?,
        })
    }

    /// How much it knows. A newer record of the same image knows more.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.clusters.len() + self.used.len()
    }

    /// A record with what this one knows and what a boot has touched and used; `None` if that is nothing new.
    #[must_use]
    pub fn grown(&self, touched: &[u16], used: &PageSet) -> Option<Self> {
        let mut clusters = Clusters::new(LIMIT_CLUSTERS);
        for cluster in self.clusters.iter().chain(touched) {
            clusters.set_touched(usize::from(*cluster));
        }
        let mut all = used.clone();
        all.add(&self.used);
        let grown = Self {
            clusters: clusters.touched().to_vec(),
            used: all,
        };
        (grown.weight() > self.weight()).then_some(grown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner {
        table: Checksum { low: 17, high: 4 },
        clusters: 301,
        pages: 1203,
    };

    fn record(clusters: &[u16], pages: &[usize]) -> Record {
        let mut used = PageSet::new(OWNER.pages);
        for page in pages {
            used.insert(*page);
        }
        Record {
            clusters: clusters.to_vec(),
            used,
        }
    }

    fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
        Record::decode(bytes, &OWNER)
    }

    #[test]
    fn a_record_comes_back() {
        for record in [
            record(&[], &[]),
            record(&[7], &[]),
            record(&[300, 2, 299], &[0, 9, 1202]),
        ] {
            let bytes = record.encode(OWNER.table);
            assert_eq!(decode(&bytes), Ok(record));
        }
    }

    #[test]
    fn every_changed_byte_and_every_other_length_is_refused() {
        let bytes = record(&[300, 2, 299], &[5]).encode(OWNER.table);
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[index] ^= 1 << bit;
                assert!(decode(&changed).is_err(), "byte {index}, bit {bit}");
            }
            assert!(decode(&bytes[..index]).is_err(), "{index} bytes");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(decode(&longer), Err(RecordError::WrongLength));
    }

    #[test]
    fn a_record_of_another_image_is_refused() {
        let bytes = record(&[1], &[]).encode(OWNER.table);
        let other = |change: fn(&mut Owner)| {
            let mut owner = OWNER;
            change(&mut owner);
            Record::decode(&bytes, &owner)
        };
        let refused = Err(RecordError::OtherImage);
        assert_eq!(other(|owner| owner.table.high = 5), refused);
        assert_eq!(other(|owner| owner.pages -= 1), refused);
    }

    #[test]
    fn clusters_and_pages_that_cannot_be_are_refused() {
        let refused = |clusters: &[u16]| decode(&record(clusters, &[]).encode(OWNER.table));
        assert_eq!(refused(&[301]), Err(RecordError::BadCluster(301)));
        assert_eq!(refused(&[5, 5]), Err(RecordError::BadCluster(5)));
        let mut used = PageSet::new(OWNER.pages + 1);
        used.insert(OWNER.pages);
        let mut bytes = Record {
            used,
            ..record(&[], &[])
        }
        .encode(OWNER.table);
        let end = bytes.len() - CHECKSUM_SIZE_BYTES;
        bytes[20..24].copy_from_slice(&(OWNER.pages as u32).to_le_bytes());
        let sums = checksum_bytes(Checksum::of(&bytes[..end]));
        bytes[end..].copy_from_slice(&sums);
        assert_eq!(decode(&bytes), Err(RecordError::BadPage));
    }

    #[test]
    fn a_record_grows_by_what_it_did_not_know() {
        let known = record(&[4, 2], &[8]);
        let nothing = PageSet::new(OWNER.pages);
        assert_eq!(
            known.grown(&[9, 4], &nothing),
            Some(record(&[4, 2, 9], &[8]))
        );
        assert_eq!(
            known.grown(&[], &record(&[], &[8, 1]).used),
            Some(record(&[4, 2], &[1, 8]))
        );
        assert_eq!(known.grown(&[2], &known.used), None);
        assert_eq!(Record::EMPTY.grown(&[], &nothing), None);
    }
}
