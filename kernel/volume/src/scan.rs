//! Which clusters files and folders reach, and what is left over.

use alloc::vec;
use alloc::vec::Vec;

use crate::boot_sector::Geometry;
use crate::device::BlockDevice;
use crate::error::{Corruption, VolumeError};
use crate::folder::{Contents, Entry};
use crate::table::Table;

/// How deep folders may lie in each other. A path of 260 characters has fewer.
const DEEPEST: usize = 128;

/// What the whole tree of folders says.
pub(crate) struct Scan {
    owners: Vec<Owner>,
    /// Folders with parts of long names whose entry is missing: the first cluster, 0 for the root, and the slots.
    pub(crate) orphans: Vec<(u16, Vec<usize>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nobody,
    File,
    Folder,
}

impl Scan {
    /// Reads every folder and follows every chain.
    pub(crate) fn run(
        device: &mut impl BlockDevice,
        geometry: &Geometry,
        table: &Table,
    ) -> Result<Self, VolumeError> {
        let mut scan = Self {
            owners: vec![Owner::Nobody; geometry.table_entries()],
            orphans: Vec::new(),
        };
        let mut waiting = vec![(0, 0)];
        while let Some((first_cluster, depth)) = waiting.pop() {
            if depth > DEEPEST {
                return Err(Corruption::TooDeep.into());
            }
            let chain = match first_cluster {
                0 => None,
                first => Some(scan.claim(geometry, table, first, Owner::Folder)?),
            };
            let listing = Contents::read(device, geometry, chain.as_deref())?.list();
            if !listing.orphans.is_empty() {
                scan.orphans.push((first_cluster, listing.orphans));
            }
            for entry in &listing.entries {
                if is_navigation(entry) {
                    continue;
                }
                if !entry.is_folder() {
                    scan.claim_file(geometry, table, entry)?;
                } else if geometry.is_cluster(entry.first_cluster()) {
                    waiting.push((entry.first_cluster(), depth + 1));
                } else {
                    return Err(Corruption::BrokenChain(entry.first_cluster()).into());
                }
            }
        }
        Ok(scan)
    }

    pub(crate) fn is_reached(&self, cluster: u16) -> bool {
        self.owners[usize::from(cluster)] != Owner::Nobody
    }

    fn claim_file(
        &mut self,
        geometry: &Geometry,
        table: &Table,
        entry: &Entry,
    ) -> Result<(), Corruption> {
        let needed = (entry.size_bytes() as usize).div_ceil(geometry.cluster_size_bytes());
        let clusters = match entry.first_cluster() {
            0 => 0,
            first => self.claim(geometry, table, first, Owner::File)?.len(),
        };
        if clusters < needed {
            return Err(Corruption::ShortChain(entry.first_cluster()));
        }
        Ok(())
    }

    fn claim(
        &mut self,
        geometry: &Geometry,
        table: &Table,
        first: u16,
        owner: Owner,
    ) -> Result<Vec<u16>, Corruption> {
        let chain = table.chain(geometry, first)?;
        for cluster in &chain {
            let current = &mut self.owners[usize::from(*cluster)];
            match (*current, owner) {
                (Owner::Nobody, _) => *current = owner,
                (Owner::Folder, Owner::Folder) => return Err(Corruption::FolderLoop(*cluster)),
                _ => return Err(Corruption::CrossedChains(*cluster)),
            }
        }
        Ok(chain)
    }
}

/// Whether it is the folder's entry for itself, or for the folder that it is in.
pub(crate) fn is_navigation(entry: &Entry) -> bool {
    entry.short_name().starts_with(b". ") || entry.short_name().starts_with(b".. ")
}
