//! The volume: folders and files by name.

use alloc::vec::Vec;
use core::ops::Range;

use crate::boot_sector::{Geometry, SLOTS_PER_SECTOR};
use crate::device::{BlockDevice, SECTOR_SIZE_BYTES};
use crate::error::{Corruption, VolumeError};
use crate::folder::{self, Contents, Entry, Kind, NewEntry};
use crate::names;
use crate::scan::{self, Scan};
use crate::table::Table;
use crate::timestamp::Timestamp;

/// A folder of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folder {
    /// 0 for the root folder.
    pub(crate) first_cluster: u16,
}

/// What power cuts had left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Clusters in use that no file or folder reached.
    pub lost_clusters: usize,
    /// Parts of long names without their entries.
    pub orphaned_name_parts: usize,
    /// Files whose chains went on behind their last clusters.
    pub overlong_chains: usize,
    /// Old names of files and folders that were being renamed, and have the new one.
    pub unfinished_renames: usize,
    /// The copies of the allocation table were not the same.
    pub tables_differed: bool,
}

impl Recovery {
    /// Whether there is anything to repair.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        *self != Self::default()
    }
}

/// What a new name is for.
pub(crate) enum Body<'a> {
    /// A file with these contents.
    Contents(&'a [u8]),
    /// An empty folder.
    Folder,
    /// What has clusters already.
    Existing {
        kind: Kind,
        first_cluster: u16,
        size_bytes: u32,
    },
}

/// A mounted FAT16 volume.
pub struct Volume<D> {
    pub(crate) device: D,
    pub(crate) geometry: Geometry,
    pub(crate) table: Table,
    recovery: Recovery,
    orphans: Vec<(u16, Vec<usize>)>,
    /// Whether a write has failed.
    must_remount: bool,
}

impl<D: BlockDevice> Volume<D> {
    /// Checks the whole structure of a volume; writes nothing.
    ///
    /// # Errors
    /// [`VolumeError::Device`], [`VolumeError::BootSector`], [`VolumeError::Corrupt`].
    pub fn mount(mut device: D) -> Result<Self, VolumeError> {
        let mut sector = [0; SECTOR_SIZE_BYTES];
        device.read(0, &mut sector)?;
        let geometry = Geometry::parse(&sector, device.sector_count())?;
        let mut result = Self::read_tables(&mut device, &geometry, 0);
        if matches!(result, Err(VolumeError::Corrupt(_))) && geometry.table_count == 2 {
            result = match Self::read_tables(&mut device, &geometry, 1) {
                Err(VolumeError::Corrupt(_)) => result,
                other => other,
            };
        }
        let (mut table, scan, tables_differed) = result?;
        for cluster in &scan.overlong {
            table.end_at(*cluster);
        }
        let lost_clusters = table.free_unreached(&geometry, |cluster| scan.is_reached(cluster));
        let recovery = Recovery {
            lost_clusters,
            orphaned_name_parts: scan.orphans.iter().map(|(_, slots)| slots.len()).sum(),
            overlong_chains: scan.overlong.len(),
            unfinished_renames: scan.old_names.len(),
            tables_differed,
        };
        let mut orphans = scan.orphans;
        orphans.extend(scan.old_names);
        Ok(Self {
            device,
            geometry,
            table,
            recovery,
            orphans,
            must_remount: false,
        })
    }

    /// One copy of the table with what it makes of the folders, and whether the other copy differs.
    fn read_tables(
        device: &mut D,
        geometry: &Geometry,
        copy: u64,
    ) -> Result<(Table, Scan, bool), VolumeError> {
        let mut table = Table::read(device, geometry, copy)?;
        let scan = Scan::run(device, geometry, &table)?;
        if geometry.table_count == 1 {
            return Ok((table, scan, false));
        }
        let differ = table.mark_differences(device, geometry, 1 - copy)?;
        Ok((table, scan, differ))
    }

    /// What power cuts had left behind when the volume was mounted.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Repairs it on the disk. Nothing that a file or a folder reaches is touched.
    ///
    /// # Errors
    /// [`VolumeError::Device`], [`VolumeError::MustRemount`].
    pub fn recover(&mut self) -> Result<Recovery, VolumeError> {
        self.check_writable()?;
        let found = self.recovery;
        if found.is_needed() {
            self.writing(Self::write_repairs)?;
            self.recovery = Recovery::default();
        }
        Ok(found)
    }

    fn write_repairs(&mut self) -> Result<(), VolumeError> {
        for (first_cluster, slots) in core::mem::take(&mut self.orphans) {
            let folder = Folder { first_cluster };
            let (mut contents, _) = self.contents(folder)?;
            contents.delete(slots.iter().copied());
            let mut sectors: Vec<usize> =
                slots.iter().map(|slot| slot / SLOTS_PER_SECTOR).collect();
            sectors.dedup();
            contents.write(&mut self.device, sectors)?;
        }
        self.table.write(&mut self.device, &self.geometry)?;
        self.device.flush()?;
        Ok(())
    }

    /// The root folder.
    pub fn root(&self) -> Folder {
        Folder { first_cluster: 0 }
    }

    /// The folder of a path from the root, with slashes between the names.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::NotAFolder`], [`VolumeError::Device`],
    /// [`VolumeError::Corrupt`].
    pub fn open_folder(&mut self, path: &str) -> Result<Folder, VolumeError> {
        let mut folder = self.root();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let entry = self.find(folder, name)?;
            if !entry.is_folder() {
                return Err(VolumeError::NotAFolder);
            }
            folder = Folder {
                first_cluster: entry.first_cluster(),
            };
        }
        Ok(folder)
    }

    /// The files and folders in a folder, in no order.
    ///
    /// # Errors
    /// [`VolumeError::Device`], [`VolumeError::Corrupt`].
    pub fn list(&mut self, folder: Folder) -> Result<Vec<Entry>, VolumeError> {
        let (contents, _) = self.contents(folder)?;
        let mut entries = contents.list().entries;
        entries.retain(|entry| !scan::is_navigation(entry));
        Ok(entries)
    }

    /// A file or folder by its name; upper and lower case are the same.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::Device`], [`VolumeError::Corrupt`].
    pub fn find(&mut self, folder: Folder, name: &str) -> Result<Entry, VolumeError> {
        let mut entries = self.list(folder)?.into_iter();
        entries
            .find(|entry| entry.has_name(name))
            .ok_or(VolumeError::NotFound)
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// [`VolumeError::NotAFile`], [`VolumeError::OutOfMemory`], [`VolumeError::Device`],
    /// [`VolumeError::Corrupt`].
    pub fn read(&mut self, file: &Entry) -> Result<Vec<u8>, VolumeError> {
        if file.is_folder() {
            return Err(VolumeError::NotAFile);
        }
        let size_bytes = file.size_bytes() as usize;
        let clusters = size_bytes.div_ceil(self.geometry.cluster_size_bytes());
        if clusters == 0 {
            return Ok(Vec::new());
        }
        let first = file.first_cluster();
        let chain = self.table.chain(&self.geometry, first)?;
        let Some(chain) = chain.get(..clusters) else {
            return Err(Corruption::ShortChain(first).into());
        };
        self.read_clusters(chain, size_bytes)
    }

    /// So many bytes of a file, in as many clusters as they take.
    pub(crate) fn read_clusters(
        &mut self,
        chain: &[u16],
        size_bytes: usize,
    ) -> Result<Vec<u8>, VolumeError> {
        let cluster_size_bytes = self.geometry.cluster_size_bytes();
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(chain.len() * cluster_size_bytes)
            .map_err(|_| VolumeError::OutOfMemory)?;
        bytes.resize(chain.len() * cluster_size_bytes, 0);
        let mut rest = bytes.as_mut_slice();
        for run in runs(chain) {
            let (part, behind) = rest.split_at_mut(run.len() * cluster_size_bytes);
            self.device.read(self.geometry.sector_of(run[0]), part)?;
            rest = behind;
        }
        bytes.truncate(size_bytes);
        Ok(bytes)
    }

    /// Makes a file with these contents. It is there when all of it is on the disk, and not before.
    ///
    /// # Errors
    /// [`VolumeError::BadName`], [`VolumeError::AlreadyExists`], [`VolumeError::Full`],
    /// [`VolumeError::FolderFull`]: nothing was written. [`VolumeError::Device`],
    /// [`VolumeError::MustRemount`], [`VolumeError::Corrupt`].
    pub fn create(
        &mut self,
        folder: Folder,
        name: &str,
        bytes: &[u8],
        timestamp: Timestamp,
    ) -> Result<(), VolumeError> {
        self.insert(folder, name, Body::Contents(bytes), timestamp)
            .map(drop)
    }

    /// Puts something new into a folder; returns its slots.
    pub(crate) fn insert(
        &mut self,
        folder: Folder,
        name: &str,
        body: Body,
        timestamp: Timestamp,
    ) -> Result<Range<usize>, VolumeError> {
        self.check_writable()?;
        let (mut contents, folder_chain) = self.contents(folder)?;
        let (short_name, long_name) = choose_names(&contents, name)?;
        let cluster_size_bytes = self.geometry.cluster_size_bytes();
        let new_bytes = match body {
            Body::Contents(bytes) => bytes.len(),
            Body::Folder => cluster_size_bytes,
            Body::Existing { .. } => 0,
        };
        let full = self.full(new_bytes);
        let new_size_bytes = u32::try_from(new_bytes).map_err(|_| full)?;

        let slot_count = folder::slots_for(long_name.len());
        let clusters = new_bytes.div_ceil(cluster_size_bytes);
        let grown = if contents.free_slots(slot_count).is_some() {
            0
        } else if folder_chain.is_empty() {
            return Err(VolumeError::FolderFull);
        } else {
            let missing = slot_count - contents.free_slots_at_end();
            let slots = self.geometry.sectors_per_cluster as usize * SLOTS_PER_SECTOR;
            missing.div_ceil(slots)
        };
        if clusters + grown > self.table.free_count(&self.geometry) {
            return Err(full);
        }
        let chain = self.table.allocate(&self.geometry, clusters).ok_or(full)?;
        let growth = self.table.allocate(&self.geometry, grown).ok_or(full)?;
        for cluster in &growth {
            contents.extend(&self.geometry, *cluster);
        }
        let slots = contents
            .free_slots(slot_count)
            .ok_or(VolumeError::FolderFull)?;
        let mut entry = NewEntry {
            short_name,
            long_name,
            kind: Kind::File,
            first_cluster: chain.first().copied().unwrap_or(0),
            size_bytes: new_size_bytes,
            timestamp,
        };
        let mut navigation = Vec::new();
        let bytes = match body {
            Body::Contents(bytes) => bytes,
            Body::Folder => {
                entry.kind = Kind::Folder;
                entry.size_bytes = 0;
                navigation =
                    folder::navigation(entry.first_cluster, folder.first_cluster, timestamp);
                navigation.resize(cluster_size_bytes, 0);
                &navigation
            }
            Body::Existing {
                kind,
                first_cluster,
                size_bytes,
            } => {
                entry.kind = kind;
                entry.first_cluster = first_cluster;
                entry.size_bytes = size_bytes;
                &navigation
            }
        };
        self.writing(|volume| {
            if !chain.is_empty() || !growth.is_empty() {
                volume.write_data(&chain, bytes)?;
                volume.write_growth(&folder_chain, &growth)?;
            }
            volume.write_entry(&mut contents, &slots, &entry)
        })?;
        Ok(slots)
    }

    /// Everything that nothing leads to yet: the file's clusters and the allocation tables.
    pub(crate) fn write_data(&mut self, chain: &[u16], bytes: &[u8]) -> Result<(), VolumeError> {
        let mut rest = bytes;
        for run in runs(chain) {
            let length = rest
                .len()
                .min(run.len() * self.geometry.cluster_size_bytes());
            let (part, behind) = rest.split_at(length);
            let first_sector = self.geometry.sector_of(run[0]);
            let (whole, last) = part.split_at(length - length % SECTOR_SIZE_BYTES);
            if !whole.is_empty() {
                self.device.write(first_sector, whole)?;
            }
            if !last.is_empty() {
                let mut sector = [0; SECTOR_SIZE_BYTES];
                sector[..last.len()].copy_from_slice(last);
                let whole_sectors = (whole.len() / SECTOR_SIZE_BYTES) as u64;
                self.device.write(first_sector + whole_sectors, &sector)?;
            }
            rest = behind;
        }
        Ok(())
    }

    /// Writes the tables; then lets the folder have its new clusters, which are empty by then.
    fn write_growth(&mut self, folder_chain: &[u16], growth: &[u16]) -> Result<(), VolumeError> {
        for cluster in growth {
            let first_sector = self.geometry.sector_of(*cluster);
            for sector in first_sector..first_sector + self.geometry.sectors_per_cluster {
                self.device.write(sector, &[0; SECTOR_SIZE_BYTES])?;
            }
        }
        self.table.write(&mut self.device, &self.geometry)?;
        self.device.flush()?;
        if let (Some(last), Some(first)) = (folder_chain.last(), growth.first()) {
            self.table.link(*last, *first);
            self.table.write(&mut self.device, &self.geometry)?;
            self.device.flush()?;
        }
        Ok(())
    }

    /// The entry that makes the file visible is in the sector that is written last.
    fn write_entry(
        &mut self,
        contents: &mut Contents,
        slots: &Range<usize>,
        entry: &NewEntry,
    ) -> Result<(), VolumeError> {
        let cleared = contents.clear_behind_end(slots);
        if !cleared.is_empty() {
            contents.write(&mut self.device, cleared)?;
            self.device.flush()?;
        }
        contents.put(slots, entry);
        let first = slots.start / SLOTS_PER_SECTOR;
        let last = (slots.end - 1) / SLOTS_PER_SECTOR;
        if first < last {
            contents.write(&mut self.device, first..last)?;
            self.device.flush()?;
        }
        contents.write(&mut self.device, [last])?;
        self.device.flush()?;
        Ok(())
    }

    /// Deletes a file. Its clusters are free when nothing leads to them any more, and not before.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::NotAFile`], [`VolumeError::Device`],
    /// [`VolumeError::MustRemount`], [`VolumeError::Corrupt`].
    pub fn delete(&mut self, folder: Folder, name: &str) -> Result<(), VolumeError> {
        self.check_writable()?;
        let entry = self.find(folder, name)?;
        if entry.is_folder() {
            return Err(VolumeError::NotAFile);
        }
        let chain = self.chain_of(&entry)?;
        self.remove_entry(folder, &entry.slots())?;
        self.free_chain(&chain)
    }

    /// The clusters of a file.
    pub(crate) fn chain_of(&self, file: &Entry) -> Result<Vec<u16>, VolumeError> {
        match file.first_cluster() {
            0 => Ok(Vec::new()),
            first => Ok(self.table.chain(&self.geometry, first)?),
        }
    }

    /// Takes a name out of a folder, for good.
    pub(crate) fn remove_entry(
        &mut self,
        folder: Folder,
        slots: &Range<usize>,
    ) -> Result<(), VolumeError> {
        let (mut contents, _) = self.contents(folder)?;
        contents.delete(slots.clone());
        let first = slots.start / SLOTS_PER_SECTOR;
        let last = (slots.end - 1) / SLOTS_PER_SECTOR;
        self.writing(|volume| {
            contents.write(&mut volume.device, [last])?;
            volume.device.flush()?;
            contents.write(&mut volume.device, first..last)?;
            Ok(())
        })
    }

    /// Frees clusters that nothing on the disk leads to any more. Nobody waits for that: until the next flush a cut leaves
    /// them without a file, and in use.
    pub(crate) fn free_chain(&mut self, chain: &[u16]) -> Result<(), VolumeError> {
        self.table.free(chain);
        self.writing(|volume| Ok(volume.table.write(&mut volume.device, &volume.geometry)?))
    }

    /// Returns when the tables, and what was written before, are on the disk.
    pub(crate) fn write_tables(&mut self) -> Result<(), VolumeError> {
        self.writing(|volume| {
            volume.table.write(&mut volume.device, &volume.geometry)?;
            volume.device.flush()?;
            Ok(())
        })
    }

    /// How many bytes of new files fit, in whole clusters.
    pub fn free_bytes(&self) -> u64 {
        let clusters = self.table.free_count(&self.geometry) as u64;
        clusters * self.geometry.cluster_size_bytes() as u64
    }

    /// How many bytes of the volume a file of this size takes.
    pub fn occupied_bytes(&self, size_bytes: u64) -> u64 {
        size_bytes.next_multiple_of(self.geometry.cluster_size_bytes() as u64)
    }

    /// The disk or partition that it is on. What is written past the volume is not seen before the next mount.
    pub fn device(&mut self) -> &mut D {
        &mut self.device
    }

    /// The disk or partition that it is on, when the volume is not needed any more.
    pub fn into_device(self) -> D {
        self.device
    }

    pub(crate) fn full(&self, size_bytes: usize) -> VolumeError {
        VolumeError::Full {
            needed_bytes: self.occupied_bytes(size_bytes as u64),
            free_bytes: self.free_bytes(),
        }
    }

    pub(crate) fn check_writable(&self) -> Result<(), VolumeError> {
        if self.must_remount {
            return Err(VolumeError::MustRemount);
        }
        Ok(())
    }

    /// Writes; after an error nobody knows what is on the disk, and what is in memory may be wrong.
    pub(crate) fn writing(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), VolumeError>,
    ) -> Result<(), VolumeError> {
        let result = write(self);
        self.must_remount = result.is_err();
        result
    }

    /// A folder's contents, and its clusters; the root folder has none.
    pub(crate) fn contents(&mut self, folder: Folder) -> Result<(Contents, Vec<u16>), VolumeError> {
        let chain = match folder.first_cluster {
            0 => Vec::new(),
            first => self.table.chain(&self.geometry, first)?,
        };
        let clusters = (folder.first_cluster != 0).then_some(chain.as_slice());
        let contents = Contents::read(&mut self.device, &self.geometry, clusters)?;
        Ok((contents, chain))
    }
}

/// The short name for a new file, and the long one if it needs one.
pub(crate) fn choose_names(
    contents: &Contents,
    name: &str,
) -> Result<(names::ShortName, Vec<u16>), VolumeError> {
    let long_name = names::check(name)?;
    let entries = contents.list().entries;
    if entries.iter().any(|entry| entry.has_name(name)) {
        return Err(VolumeError::AlreadyExists);
    }
    if let Some(short_name) = names::exact_short(name) {
        return Ok((short_name, Vec::new()));
    }
    let is_taken = |name: &names::ShortName| entries.iter().any(|entry| entry.short_name() == name);
    let short_name = names::unique_short(name, is_taken).ok_or(VolumeError::FolderFull)?;
    Ok((short_name, long_name))
}

/// Parts of a chain whose clusters follow each other on the disk.
pub(crate) fn runs(chain: &[u16]) -> impl Iterator<Item = &[u16]> {
    chain.chunk_by(|first, second| first + 1 == *second)
}
