//! The record of a boot: which clusters were touched first, for the next boot.
//!
//! | offset | what |
//! |---|---|
//! | 0 | magic `BFTOUCH1` |
//! | 8 | the image: the checksum of its table of clusters (8 bytes) |
//! | 16 | how many clusters follow (4 bytes) |
//! | 20 | their numbers, in the order of their first touch (2 bytes each) |
//! | behind them | [`Checksum`] of everything before (8 bytes) |

use alloc::vec::Vec;
use core::fmt;

use bareflow_boot_layout::Checksum;

use crate::{Clusters, LIMIT_CLUSTERS};

const MAGIC: &[u8; 8] = b"BFTOUCH1";
const HEADER_SIZE_BYTES: usize = 20;
const CHECKSUM_SIZE_BYTES: usize = 8;

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

/// The bytes of a record of `clusters` of the image with this table.
#[must_use]
pub fn encode(image: Checksum, clusters: &[u16]) -> Vec<u8> {
    // There are at most LIMIT_CLUSTERS different ones.
    let count = clusters.len().min(LIMIT_CLUSTERS) as u32;
    let mut bytes =
        Vec::with_capacity(HEADER_SIZE_BYTES + 2 * clusters.len() + CHECKSUM_SIZE_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&checksum_bytes(image));
    bytes.extend_from_slice(&count.to_le_bytes());
    for cluster in clusters.iter().take(LIMIT_CLUSTERS) {
        bytes.extend_from_slice(&cluster.to_le_bytes());
    }
    let sums = Checksum::of(&bytes);
    bytes.extend_from_slice(&checksum_bytes(sums));
    bytes
}

/// The clusters that a record names, for an image with this table and so many clusters.
///
/// # Errors
/// [`RecordError`].
pub fn decode(bytes: &[u8], image: Checksum, count: usize) -> Result<Vec<u16>, RecordError> {
    if !bytes.starts_with(MAGIC) {
        return Err(RecordError::WrongMagic);
    }
    let (contents, sums) = bytes
        .split_last_chunk::<CHECKSUM_SIZE_BYTES>()
        .ok_or(RecordError::WrongLength)?;
    let header = contents
        .first_chunk::<HEADER_SIZE_BYTES>()
        .ok_or(RecordError::WrongLength)?;
    let said = u32::from_le_bytes([header[16], header[17], header[18], header[19]]) as usize;
    let (numbers, rest) = contents[HEADER_SIZE_BYTES..].as_chunks::<2>();
    if numbers.len() != said || !rest.is_empty() {
        return Err(RecordError::WrongLength);
    }
    if checksum_bytes(Checksum::of(contents)) != *sums {
        return Err(RecordError::Damaged);
    }
    if header[8..16] != checksum_bytes(image) {
        return Err(RecordError::OtherImage);
    }
    let mut seen = Clusters::new(count);
    for number in numbers {
        let cluster = u16::from_le_bytes(*number);
        let index = usize::from(cluster);
        if index >= seen.count() || seen.is_present(index) {
            return Err(RecordError::BadCluster(cluster));
        }
        seen.set_touched(index);
    }
    Ok(seen.touched().to_vec())
}

/// A record with what was touched beside what it knew; `None` if it knew all of it.
#[must_use]
pub fn grown(known: &[u16], touched: &[u16]) -> Option<Vec<u16>> {
    let mut all = Clusters::new(LIMIT_CLUSTERS);
    for cluster in known.iter().chain(touched) {
        all.set_touched(usize::from(*cluster));
    }
    (all.touched().len() > known.len()).then(|| all.touched().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Checksum = Checksum { low: 17, high: 4 };

    #[test]
    fn a_record_comes_back() {
        for clusters in [&[][..], &[7], &[300, 2, 299]] {
            let bytes = encode(IMAGE, clusters);
            assert_eq!(decode(&bytes, IMAGE, 301), Ok(clusters.to_vec()));
        }
    }

    #[test]
    fn every_changed_byte_and_every_other_length_is_refused() {
        let bytes = encode(IMAGE, &[300, 2, 299]);
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[index] ^= 1 << bit;
                assert!(
                    decode(&changed, IMAGE, 301).is_err(),
                    "byte {index}, bit {bit}"
                );
            }
            assert!(
                decode(&bytes[..index], IMAGE, 301).is_err(),
                "{index} bytes"
            );
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(decode(&longer, IMAGE, 301), Err(RecordError::WrongLength));
    }

    #[test]
    fn a_record_of_another_image_is_refused() {
        let bytes = encode(IMAGE, &[1]);
        let other = Checksum { low: 17, high: 5 };
        assert_eq!(decode(&bytes, other, 301), Err(RecordError::OtherImage));
    }

    #[test]
    fn clusters_that_cannot_be_are_refused() {
        let refused = |clusters: &[u16], count| decode(&encode(IMAGE, clusters), IMAGE, count);
        assert_eq!(refused(&[5], 5), Err(RecordError::BadCluster(5)));
        assert_eq!(refused(&[5, 5], 6), Err(RecordError::BadCluster(5)));
    }

    #[test]
    fn a_record_grows_by_what_it_did_not_know() {
        assert_eq!(grown(&[4, 2], &[9, 4]), Some(vec![4, 2, 9]));
        assert_eq!(grown(&[4, 2], &[2]), None);
        assert_eq!(grown(&[], &[]), None);
    }
}
