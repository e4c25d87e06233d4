//! The file allocation table, in memory.
//!
//! The table in memory is the truth; sectors that differ on the disk, in any copy, are marked and written by
//! [`Table::write`].

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use crate::boot_sector::{FIRST_CLUSTER, Geometry};
use crate::device::{BlockDevice, DeviceError, SECTOR_SIZE_BYTES};
use crate::error::{Corruption, VolumeError};

const FREE: u16 = 0;
const BAD: u16 = 0xfff7;
const LEAST_END: u16 = 0xfff8;
const END: u16 = 0xffff;
const ENTRIES_PER_SECTOR: usize = SECTOR_SIZE_BYTES / 2;

/// What follows a cluster of a file.
pub(crate) enum Next {
    Cluster(u16),
    End,
}

pub(crate) struct Table {
    /// Of whole sectors: what is behind the last cluster's entry stays as it is.
    entries: Vec<u16>,
    unwritten: BTreeSet<usize>,
    /// Where to look for free clusters first.
    search_from: u16,
}

impl Table {
    /// Reads one copy.
    pub(crate) fn read(
        device: &mut impl BlockDevice,
        geometry: &Geometry,
        copy: u64,
    ) -> Result<Self, VolumeError> {
        let entries = read_copy(device, geometry, copy)?;
        // Entry 0 repeats the media byte; the upper bits of entry 1 are notes of other systems.
        if entries[0] != 0xff00 | u16::from(geometry.media) {
            return Err(Corruption::BadTable.into());
        }
        Ok(Self {
            entries,
            unwritten: BTreeSet::new(),
            search_from: FIRST_CLUSTER,
        })
    }

    /// Marks the sectors in which another copy differs, if any does.
    pub(crate) fn mark_differences(
        &mut self,
        device: &mut impl BlockDevice,
        geometry: &Geometry,
        copy: u64,
    ) -> Result<bool, DeviceError> {
        let others = read_copy(device, geometry, copy)?;
        for (index, (own, other)) in self.entries.iter().zip(others).enumerate() {
            if *own != other {
                self.unwritten.insert(index / ENTRIES_PER_SECTOR);
            }
        }
        Ok(!self.unwritten.is_empty())
    }

    /// What follows a cluster.
    pub(crate) fn next(&self, geometry: &Geometry, cluster: u16) -> Result<Next, Corruption> {
        match self.entries[usize::from(cluster)] {
            LEAST_END.. => Ok(Next::End),
            number if geometry.is_cluster(number) => Ok(Next::Cluster(number)),
            number => Err(Corruption::BrokenChain(number)),
        }
    }

    /// The clusters of a chain. A chain that is longer than the volume is a loop.
    pub(crate) fn chain(&self, geometry: &Geometry, first: u16) -> Result<Vec<u16>, Corruption> {
        self.start_of_chain(geometry, first, usize::MAX)
    }

    /// The clusters of a chain, so many at most.
    pub(crate) fn start_of_chain(
        &self,
        geometry: &Geometry,
        first: u16,
        limit: usize,
    ) -> Result<Vec<u16>, Corruption> {
        let mut chain = Vec::new();
        let mut next = Next::Cluster(first);
        while let Next::Cluster(cluster) = next {
            if !geometry.is_cluster(cluster) {
                return Err(Corruption::BrokenChain(cluster));
            }
            if chain.len() == usize::from(geometry.cluster_count) {
                return Err(Corruption::CrossedChains(cluster));
            }
            chain.push(cluster);
            if chain.len() == limit {
                break;
            }
            next = self.next(geometry, cluster)?;
        }
        Ok(chain)
    }

    /// How many clusters are free.
    pub(crate) fn free_count(&self, geometry: &Geometry) -> usize {
        let clusters = &self.entries[usize::from(FIRST_CLUSTER)..geometry.table_entries()];
        clusters.iter().filter(|entry| **entry == FREE).count()
    }

    /// Frees every cluster that is in use and that nothing reaches; returns how many there were.
    pub(crate) fn free_unreached(
        &mut self,
        geometry: &Geometry,
        is_reached: impl Fn(u16) -> bool,
    ) -> usize {
        let mut count = 0;
        for cluster in FIRST_CLUSTER..FIRST_CLUSTER + geometry.cluster_count {
            let entry = self.entries[usize::from(cluster)];
            if entry != FREE && entry != BAD && !is_reached(cluster) {
                self.set(cluster, FREE);
                count += 1;
            }
        }
        count
    }

    /// Takes so many free clusters as one chain; `None`, and nothing is taken, when there are fewer.
    pub(crate) fn allocate(&mut self, geometry: &Geometry, count: usize) -> Option<Vec<u16>> {
        let end = FIRST_CLUSTER + geometry.cluster_count;
        let chain: Vec<u16> = (self.search_from..end)
            .chain(FIRST_CLUSTER..self.search_from)
            .filter(|cluster| self.entries[usize::from(*cluster)] == FREE)
            .take(count)
            .collect();
        if chain.len() < count {
            return None;
        }
        for pair in chain.windows(2) {
            self.set(pair[0], pair[1]);
        }
        if let Some(last) = chain.last() {
            self.set(*last, END);
            self.search_from = if last + 1 == end {
                FIRST_CLUSTER
            } else {
                last + 1
            };
        }
        Some(chain)
    }

    /// Lets a cluster follow another, the last of its chain.
    pub(crate) fn link(&mut self, last: u16, next: u16) {
        self.set(last, next);
    }

    /// Lets a chain end with this cluster.
    pub(crate) fn end_at(&mut self, cluster: u16) {
        self.set(cluster, END);
    }

    /// Frees the clusters of a chain.
    pub(crate) fn free(&mut self, chain: &[u16]) {
        for cluster in chain {
            self.set(*cluster, FREE);
        }
    }

    fn set(&mut self, cluster: u16, value: u16) {
        let index = usize::from(cluster);
        self.entries[index] = value;
        self.unwritten.insert(index / ENTRIES_PER_SECTOR);
    }

    /// Writes what is not written yet to every copy, the first copy first.
    pub(crate) fn write(
        &mut self,
        device: &mut impl BlockDevice,
        geometry: &Geometry,
    ) -> Result<(), DeviceError> {
        for copy in 0..geometry.table_count {
            let start = geometry.table_start + copy * geometry.table_sectors;
            for index in &self.unwritten {
                let entries = &self.entries[index * ENTRIES_PER_SECTOR..][..ENTRIES_PER_SECTOR];
                let mut sector = [0; SECTOR_SIZE_BYTES];
                for (bytes, entry) in sector.chunks_exact_mut(2).zip(entries) {
                    bytes.copy_from_slice(&entry.to_le_bytes());
                }
                device.write(start + *index as u64, &sector)?;
            }
        }
        self.unwritten.clear();
        Ok(())
    }
}

fn read_copy(
    device: &mut impl BlockDevice,
    geometry: &Geometry,
    copy: u64,
) -> Result<Vec<u16>, DeviceError> {
    let size_bytes = geometry.used_table_sectors() as usize * SECTOR_SIZE_BYTES;
    let mut bytes = vec![0; size_bytes];
    let start = geometry.table_start + copy * geometry.table_sectors;
    device.read(start, &mut bytes)?;
    let pairs = bytes.chunks_exact(2);
    Ok(pairs
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect())
}
