//! LLVM on the disk: pages in clusters, each of which is read at once and has a checksum of its own.
//!
//! The table of checksums has two words (4 bytes each) for each cluster, in order.

use alloc::vec::Vec;

use crate::Checksum;

/// Bytes in a cluster.
pub const SIZE_BYTES: usize = 16 << 10;

/// Bytes of the table for a cluster.
pub const ENTRY_SIZE_BYTES: usize = 8;

/// The table of the clusters of `bytes`. A last cluster that is not full has the checksum of what it has.
#[must_use]
pub fn table(bytes: &[u8]) -> Vec<u8> {
    let mut table = Vec::with_capacity(bytes.len().div_ceil(SIZE_BYTES) * ENTRY_SIZE_BYTES);
    for cluster in bytes.chunks(SIZE_BYTES) {
        let sums = Checksum::of(cluster);
        table.extend_from_slice(&sums.low.to_le_bytes());
        table.extend_from_slice(&sums.high.to_le_bytes());
    }
    table
}

/// The checksum of a cluster; `None` if the table has no such cluster.
#[must_use]
pub fn checksum(table: &[u8], cluster: usize) -> Option<Checksum> {
    let (entries, _) = table.as_chunks::<ENTRY_SIZE_BYTES>();
    let [a, b, c, d, e, f, g, h] = *entries.get(cluster)?;
    Some(Checksum {
        low: u32::from_le_bytes([a, b, c, d]),
        high: u32::from_le_bytes([e, f, g, h]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cluster_has_its_checksum() {
        let bytes: Vec<u8> = (0..SIZE_BYTES * 2 + 4096)
            .map(|index| (index / 7) as u8)
            .collect();
        let table = table(&bytes);
        for (cluster, contents) in bytes.chunks(SIZE_BYTES).enumerate() {
            assert_eq!(checksum(&table, cluster), Some(Checksum::of(contents)));
        }
        assert_eq!(checksum(&table, 3), None);
    }
}
