//! Which clusters files and folders reach, and what is left over.

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use crate::boot_sector::Geometry;
use crate::device::BlockDevice;
use crate::error::{Corruption, VolumeError};
use crate::folder::{Contents, Entry};
use crate::table::{Next, Table};

/// How deep folders may lie in each other. A path of 260 characters has fewer.
const DEEPEST: usize = 128;

/// What the whole tree of folders says.
pub(crate) struct Scan {
    owners: Vec<Owner>,
    /// Folders with parts of long names whose entry is missing: the first cluster, 0 for the root, and the slots.
    pub(crate) orphans: Vec<(u16, Vec<usize>)>,
    /// Old names of what has a new one, in the same way.
    pub(crate) old_names: Vec<(u16, Vec<usize>)>,
    /// The last clusters of files whose chains go on behind them: a cut came before the size was written, or behind.
    pub(crate) overlong: Vec<u16>,
    /// The first clusters of all files and folders.
    firsts: BTreeSet<u16>,
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
            old_names: Vec::new(),
            overlong: Vec::new(),
            firsts: BTreeSet::new(),
        };
        let mut waiting = vec![(0, 0)];
        // What may be an old name is looked at when all others are known.
        let mut doubtful: Vec<(u16, usize, Entry)> = Vec::new();
        loop {
            let Some((first_cluster, depth)) = waiting.pop() else {
                let Some((folder, depth, entry)) = doubtful.pop() else {
                    break;
                };
                if scan.firsts.contains(&entry.first_cluster()) {
                    scan.old_names.push((folder, entry.slots().collect()));
                } else {
                    scan.meet(geometry, table, &entry, depth, &mut waiting)?;
                }
                continue;
            };
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
                if entry.may_be_old_name() {
                    doubtful.push((first_cluster, depth, entry.clone()));
                } else {
                    scan.meet(geometry, table, entry, depth, &mut waiting)?;
                }
            }
        }
        for cluster in &scan.overlong {
            scan.check_rest(geometry, table, *cluster)?;
        }
        Ok(scan)
    }

    /// What follows a file's last cluster is nobody's: a cut leaves there what the file was to have, or had.
    fn check_rest(&self, geometry: &Geometry, table: &Table, last: u16) -> Result<(), Corruption> {
        let mut cluster = last;
        for _ in 0..geometry.cluster_count {
            match table.next(geometry, cluster) {
                Ok(Next::Cluster(next)) => cluster = next,
                // Some of what follows may be free already.
                Ok(Next::End) | Err(_) => return Ok(()),
            }
            if self.is_reached(cluster) {
                return Err(Corruption::CrossedChains(cluster));
            }
        }
        Err(Corruption::CrossedChains(cluster))
    }

    pub(crate) fn is_reached(&self, cluster: u16) -> bool {
        self.owners[usize::from(cluster)] != Owner::Nobody
    }

    /// A file or folder in a folder at this depth.
    fn meet(
        &mut self,
        geometry: &Geometry,
        table: &Table,
        entry: &Entry,
        depth: usize,
        waiting: &mut Vec<(u16, usize)>,
    ) -> Result<(), Corruption> {
        let first = entry.first_cluster();
        if first != 0 {
            self.firsts.insert(first);
        }
        if !entry.is_folder() {
            return self.claim_file(geometry, table, entry);
        }
        if !geometry.is_cluster(first) {
            return Err(Corruption::BrokenChain(first));
        }
        waiting.push((first, depth + 1));
        Ok(())
    }

    fn claim_file(
        &mut self,
        geometry: &Geometry,
        table: &Table,
        entry: &Entry,
    ) -> Result<(), Corruption> {
        let needed = (entry.size_bytes() as usize).div_ceil(geometry.cluster_size_bytes());
        let first = entry.first_cluster();
        if first == 0 {
            return match needed {
                0 => Ok(()),
                _ => Err(Corruption::ShortChain(first)),
            };
        }
        // A file that has a chain keeps its first cluster, whatever its size.
        let chain = table.start_of_chain(geometry, first, needed.max(1))?;
        if chain.len() < needed {
            return Err(Corruption::ShortChain(first));
        }
        let last = chain[chain.len() - 1];
        if !matches!(table.next(geometry, last), Ok(Next::End)) {
            self.overlong.push(last);
        }
        self.own(&chain, Owner::File)
    }

    fn claim(
        &mut self,
        geometry: &Geometry,
        table: &Table,
        first: u16,
        owner: Owner,
    ) -> Result<Vec<u16>, Corruption> {
        let chain = table.chain(geometry, first)?;
        self.own(&chain, owner)?;
        Ok(chain)
    }

    fn own(&mut self, chain: &[u16], owner: Owner) -> Result<(), Corruption> {
        for cluster in chain {
            let current = &mut self.owners[usize::from(*cluster)];
            match (*current, owner) {
                (Owner::Nobody, _) => *current = owner,
                (Owner::Folder, Owner::Folder) => return Err(Corruption::FolderLoop(*cluster)),
                _ => return Err(Corruption::CrossedChains(*cluster)),
            }
        }
        Ok(())
    }
}

/// Whether it is the folder's entry for itself, or for the folder that it is in.
pub(crate) fn is_navigation(entry: &Entry) -> bool {
    entry.short_name().starts_with(b". ") || entry.short_name().starts_with(b".. ")
}
