//! Files that have contents before they have a name: so that the name can be another file's until then, and what is on the
//! disk can be looked at before it counts.

use alloc::vec::Vec;

use crate::boot_sector::SLOTS_PER_SECTOR;
use crate::device::BlockDevice;
use crate::error::VolumeError;
use crate::folder::{self, Entry, Kind, NewEntry};
use crate::timestamp::Timestamp;
use crate::volume::{Body, Folder, Volume, choose_names};

/// Contents on the disk that no folder leads to. A cut leaves nothing of it but clusters without a file.
#[derive(Debug)]
#[must_use]
pub struct Draft {
    chain: Vec<u16>,
    size_bytes: u32,
}

impl Draft {
    fn first_cluster(&self) -> u16 {
        self.chain.first().copied().unwrap_or(0)
    }
}

impl<D: BlockDevice> Volume<D> {
    /// Writes the contents of a file that has no name yet. They are on the disk when this returns.
    ///
    /// # Errors
    /// [`VolumeError::Full`]: nothing was written. [`VolumeError::Device`], [`VolumeError::MustRemount`].
    pub fn draft(&mut self, bytes: &[u8]) -> Result<Draft, VolumeError> {
        self.check_writable()?;
        let full = self.full(bytes.len());
        let size_bytes = u32::try_from(bytes.len()).map_err(|_| full)?;
        let clusters = bytes.len().div_ceil(self.geometry.cluster_size_bytes());
        let chain = self.table.allocate(&self.geometry, clusters).ok_or(full)?;
        self.writing(|volume| volume.write_data(&chain, bytes))?;
        self.write_tables()?;
        Ok(Draft { chain, size_bytes })
    }

    /// What is on the disk of it.
    ///
    /// # Errors
    /// [`VolumeError::OutOfMemory`], [`VolumeError::Device`].
    pub fn read_draft(&mut self, draft: &Draft) -> Result<Vec<u8>, VolumeError> {
        self.read_clusters(&draft.chain, draft.size_bytes as usize)
    }

    /// Frees its clusters.
    ///
    /// # Errors
    /// [`VolumeError::Device`], [`VolumeError::MustRemount`].
    pub fn discard(&mut self, draft: &Draft) -> Result<(), VolumeError> {
        self.check_writable()?;
        self.free_chain(&draft.chain)
    }

    /// Gives a draft its name, and takes that of `replaced` away, a file of the same folder. Where the new entry fits into
    /// the sector of the old one, one write does both; else there are both files for a moment.
    ///
    /// # Errors
    /// As of [`Volume::create`]; nothing is left of the draft then.
    pub fn publish(
        &mut self,
        folder: Folder,
        name: &str,
        draft: &Draft,
        replaced: Option<&Entry>,
        timestamp: Timestamp,
    ) -> Result<(), VolumeError> {
        let result = self.publish_or_keep(folder, name, draft, replaced, timestamp);
        if result.is_err() && self.check_writable().is_ok() {
            self.discard(draft)?;
        }
        result
    }

    fn publish_or_keep(
        &mut self,
        folder: Folder,
        name: &str,
        draft: &Draft,
        replaced: Option<&Entry>,
        timestamp: Timestamp,
    ) -> Result<(), VolumeError> {
        self.check_writable()?;
        let in_place = match replaced {
            Some(replaced) => self.replace_in_place(folder, name, draft, replaced, timestamp)?,
            None => false,
        };
        if in_place {
            return Ok(());
        }
        let body = Body::Existing {
            kind: Kind::File,
            first_cluster: draft.first_cluster(),
            size_bytes: draft.size_bytes,
        };
        self.insert(folder, name, body, timestamp)?;
        match replaced {
            Some(replaced) => self.delete(folder, replaced.name()),
            None => Ok(()),
        }
    }

    /// Lets the last slots of an entry be the new one. False if they are too few, or in more than one sector.
    fn replace_in_place(
        &mut self,
        folder: Folder,
        name: &str,
        draft: &Draft,
        replaced: &Entry,
        timestamp: Timestamp,
    ) -> Result<bool, VolumeError> {
        let old_chain = self.chain_of(replaced)?;
        let (mut contents, _) = self.contents(folder)?;
        let old = replaced.slots();
        contents.delete(old.clone());
        let (short_name, long_name) = choose_names(&contents, name)?;
        let first = old.end.checked_sub(folder::slots_for(long_name.len()));
        let Some(first) = first.filter(|first| *first >= old.start) else {
            return Ok(false);
        };
        let sector = (old.end - 1) / SLOTS_PER_SECTOR;
        if first / SLOTS_PER_SECTOR != sector {
            return Ok(false);
        }
        let entry = NewEntry {
            kind: Kind::File,
            short_name,
            long_name,
            first_cluster: draft.first_cluster(),
            size_bytes: draft.size_bytes,
            timestamp,
        };
        contents.put(&(first..old.end), &entry);
        self.writing(|volume| {
            contents.write(&mut volume.device, [sector])?;
            volume.device.flush()?;
            // What is left of a long name in the sectors before means nothing without its entry.
            contents.write(&mut volume.device, old.start / SLOTS_PER_SECTOR..sector)?;
            Ok(())
        })?;
        self.free_chain(&old_chain)?;
        Ok(true)
    }
}
