//! Open files: read and written in parts; and names and folders that come, move and go.
//!
//! A cut between two writes of a file may leave any of the sectors that were written in place. What a file has gained
//! is reached when its entry says so: first its clusters with their part of the tables; then, if the file had clusters
//! before, the link to the first new one; then the entry. What it loses goes the other way.

use alloc::vec::Vec;
use core::ops::Range;

use crate::boot_sector::{SLOT_SIZE_BYTES, SLOTS_PER_SECTOR};
use crate::device::{BlockDevice, SECTOR_SIZE_BYTES};
use crate::error::VolumeError;
use crate::folder::{self, Entry, Kind};
use crate::timestamp::Timestamp;
use crate::volume::{Body, Folder, Volume};

/// An open file. Whoever opens a file twice does not see with one what the other does.
#[derive(Debug)]
pub struct OpenFile {
    folder: Folder,
    slots: Range<usize>,
    chain: Vec<u16>,
    /// How many clusters of the chain the disk's tables lead to.
    committed: usize,
    size_bytes: u32,
    modified: Timestamp,
    /// Whether its entry on the disk says something else.
    has_news: bool,
    is_named: bool,
}

impl OpenFile {
    /// How long it is.
    pub fn size_bytes(&self) -> u32 {
        self.size_bytes
    }

    /// When it was written last.
    pub fn modified(&self) -> Timestamp {
        self.modified
    }

    /// Says when it was written last.
    pub fn set_modified(&mut self, timestamp: Timestamp) {
        self.modified = timestamp;
        self.has_news = true;
    }

    fn first_cluster(&self) -> u16 {
        self.chain.first().copied().unwrap_or(0)
    }
}

/// Sectors of a file that follow each other on the disk, and where the wanted bytes begin in the first.
struct Span {
    sector: u64,
    skipped_bytes: usize,
    length_bytes: usize,
}

impl<D: BlockDevice> Volume<D> {
    /// Opens a file that a folder has.
    ///
    /// # Errors
    /// [`VolumeError::NotAFile`], [`VolumeError::Corrupt`].
    pub fn open_file(&mut self, folder: Folder, entry: &Entry) -> Result<OpenFile, VolumeError> {
        if entry.is_folder() {
            return Err(VolumeError::NotAFile);
        }
        let chain = match entry.first_cluster() {
            0 => Vec::new(),
            first => self.table.chain(&self.geometry, first)?,
        };
        Ok(OpenFile {
            folder,
            slots: entry.slots(),
            committed: chain.len(),
            chain,
            size_bytes: entry.size_bytes(),
            modified: entry.modified(),
            has_news: false,
            is_named: true,
        })
    }

    /// Makes an empty file and opens it.
    ///
    /// # Errors
    /// As of [`Volume::create`].
    pub fn create_open(
        &mut self,
        folder: Folder,
        name: &str,
        timestamp: Timestamp,
    ) -> Result<OpenFile, VolumeError> {
        let slots = self.insert(folder, name, Body::Contents(&[]), timestamp)?;
        Ok(OpenFile {
            folder,
            slots,
            chain: Vec::new(),
            committed: 0,
            size_bytes: 0,
            modified: timestamp,
            has_news: false,
            is_named: true,
        })
    }

    /// Reads from `offset` on; returns how many bytes there were.
    ///
    /// # Errors
    /// [`VolumeError::Device`].
    pub fn read_at(
        &mut self,
        file: &OpenFile,
        offset: u32,
        buffer: &mut [u8],
    ) -> Result<usize, VolumeError> {
        let left = file.size_bytes.saturating_sub(offset) as usize;
        let length = buffer.len().min(left);
        let (mut rest, mut position) = (&mut buffer[..length], offset as usize);
        while !rest.is_empty() {
            let span = self.span(file, position, rest.len());
            let (part, behind) = rest.split_at_mut(span.length_bytes);
            if span.skipped_bytes == 0 && part.len().is_multiple_of(SECTOR_SIZE_BYTES) {
                self.device.read(span.sector, part)?;
            } else {
                let mut sector = [0; SECTOR_SIZE_BYTES];
                self.device.read(span.sector, &mut sector)?;
                part.copy_from_slice(&sector[span.skipped_bytes..][..part.len()]);
            }
            position += span.length_bytes;
            rest = behind;
        }
        Ok(length)
    }

    /// Writes from `offset` on; a file that is shorter gets zeros up to there.
    ///
    /// # Errors
    /// [`VolumeError::Full`]: nothing was written. [`VolumeError::Device`], [`VolumeError::MustRemount`].
    pub fn write_at(
        &mut self,
        file: &mut OpenFile,
        offset: u32,
        bytes: &[u8],
        timestamp: Timestamp,
    ) -> Result<(), VolumeError> {
        let full = self.full(bytes.len());
        let length = u32::try_from(bytes.len()).map_err(|_| full)?;
        let end = offset.checked_add(length).ok_or(full)?;
        self.grow_chain(file, end)?;
        if offset > file.size_bytes {
            self.write_zeros(file, file.size_bytes, offset)?;
        }
        self.write_span(file, offset, bytes)?;
        file.size_bytes = file.size_bytes.max(end);
        file.set_modified(timestamp);
        Ok(())
    }

    /// Makes a file longer, with zeros, or shorter.
    ///
    /// # Errors
    /// [`VolumeError::Full`]: nothing was written. [`VolumeError::Device`], [`VolumeError::MustRemount`].
    pub fn resize(
        &mut self,
        file: &mut OpenFile,
        size_bytes: u32,
        timestamp: Timestamp,
    ) -> Result<(), VolumeError> {
        if size_bytes >= file.size_bytes {
            return self.write_at(file, size_bytes, &[], timestamp);
        }
        if file.has_news {
            self.commit(file)?;
        }
        let kept = (size_bytes as usize).div_ceil(self.geometry.cluster_size_bytes());
        let lost = file.chain.split_off(kept.min(file.chain.len()));
        file.size_bytes = size_bytes;
        file.committed = file.chain.len();
        file.set_modified(timestamp);
        if file.is_named {
            self.write_description(file)?;
        }
        if let Some(last) = file.chain.last().filter(|_| !lost.is_empty()) {
            self.table.end_at(*last);
        }
        self.free_chain(&lost)
    }

    /// Returns when the file is on the disk as it is now, whatever happens to the power afterwards.
    ///
    /// # Errors
    /// [`VolumeError::Device`], [`VolumeError::MustRemount`].
    pub fn commit(&mut self, file: &mut OpenFile) -> Result<(), VolumeError> {
        if !file.has_news || !file.is_named {
            return Ok(());
        }
        // What was written is on the disk with the tables.
        self.write_tables()?;
        if (1..file.chain.len()).contains(&file.committed) {
            self.link_news(file);
            self.write_tables()?;
        }
        self.write_description(file)?;
        file.committed = file.chain.len();
        Ok(())
    }

    /// Returns when everything that was written is on the disk.
    ///
    /// # Errors
    /// [`VolumeError::Device`].
    pub fn flush(&mut self) -> Result<(), VolumeError> {
        Ok(self.device.flush()?)
    }

    /// How long a file can become.
    pub fn room_bytes(&self, file: &OpenFile) -> u64 {
        let clusters = file.chain.len() as u64;
        clusters * self.geometry.cluster_size_bytes() as u64 + self.free_bytes()
    }

    fn link_news(&mut self, file: &OpenFile) {
        self.table
            .link(file.chain[file.committed - 1], file.chain[file.committed]);
    }

    /// Takes the file's name away. It stays as it is until it is released.
    ///
    /// # Errors
    /// [`VolumeError::Device`], [`VolumeError::MustRemount`].
    pub fn unlink(&mut self, file: &mut OpenFile) -> Result<(), VolumeError> {
        self.check_writable()?;
        self.remove_entry(file.folder, &file.slots)?;
        file.is_named = false;
        Ok(())
    }

    /// The file is not needed any more: it is committed, or freed if it has no name.
    ///
    /// # Errors
    /// [`VolumeError::Device`], [`VolumeError::MustRemount`].
    pub fn release(&mut self, mut file: OpenFile) -> Result<(), VolumeError> {
        if file.is_named {
            return self.commit(&mut file);
        }
        self.check_writable()?;
        self.free_chain(&file.chain)
    }

    /// Gives a file another name, or the name of another file: that one has none from then on. At no time has the file
    /// no name, or the name no file.
    ///
    /// # Errors
    /// As of [`Volume::create`].
    pub fn rename(
        &mut self,
        file: &mut OpenFile,
        to: Folder,
        name: &str,
        replaced: Option<&mut OpenFile>,
    ) -> Result<(), VolumeError> {
        self.check_writable()?;
        self.commit(file)?;
        if !file.chain.is_empty() {
            self.change_slot(file.folder, file.slots.end - 1, folder::mark_old_name)?;
        }
        let result = match replaced {
            Some(replaced) => {
                let (first, size, modified) =
                    (file.first_cluster(), file.size_bytes, file.modified);
                self.change_slot(replaced.folder, replaced.slots.end - 1, |slot| {
                    folder::describe(slot, first, size, modified);
                })
                .map(|()| {
                    replaced.is_named = false;
                    (replaced.folder, replaced.slots.clone())
                })
            }
            None => {
                let body = Body::Existing {
                    kind: Kind::File,
                    first_cluster: file.first_cluster(),
                    size_bytes: file.size_bytes,
                };
                self.insert(to, name, body, file.modified)
                    .map(|slots| (to, slots))
            }
        };
        let (folder, slots) = match result {
            Ok(place) => place,
            Err(error) => {
                // It has its old name still, and no other.
                if self.check_writable().is_ok() {
                    self.write_description(file)?;
                }
                return Err(error);
            }
        };
        self.remove_entry(file.folder, &file.slots)?;
        file.folder = folder;
        file.slots = slots;
        Ok(())
    }

    /// Makes an empty folder.
    ///
    /// # Errors
    /// As of [`Volume::create`].
    pub fn make_folder(
        &mut self,
        parent: Folder,
        name: &str,
        timestamp: Timestamp,
    ) -> Result<Folder, VolumeError> {
        self.insert(parent, name, Body::Folder, timestamp)?;
        let first_cluster = self.find(parent, name)?.first_cluster();
        Ok(Folder { first_cluster })
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::NotAFolder`], [`VolumeError::NotEmpty`], [`VolumeError::Device`],
    /// [`VolumeError::MustRemount`].
    pub fn remove_folder(&mut self, parent: Folder, name: &str) -> Result<(), VolumeError> {
        self.check_writable()?;
        let entry = self.find(parent, name)?;
        let folder = Self::folder_of(&entry)?;
        if !self.list(folder)?.is_empty() {
            return Err(VolumeError::NotEmpty);
        }
        let chain = self.table.chain(&self.geometry, folder.first_cluster)?;
        self.remove_entry(parent, &entry.slots())?;
        self.free_chain(&chain)
    }

    /// Gives a folder another name where it is.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::NotAFolder`]; as of [`Volume::create`].
    pub fn rename_folder(
        &mut self,
        parent: Folder,
        old_name: &str,
        name: &str,
    ) -> Result<(), VolumeError> {
        self.check_writable()?;
        let entry = self.find(parent, old_name)?;
        let folder = Self::folder_of(&entry)?;
        let last = entry.slots().end - 1;
        self.change_slot(parent, last, folder::mark_old_name)?;
        let body = Body::Existing {
            kind: Kind::Folder,
            first_cluster: folder.first_cluster,
            size_bytes: 0,
        };
        if let Err(error) = self.insert(parent, name, body, entry.modified()) {
            if self.check_writable().is_ok() {
                self.change_slot(parent, last, |slot| {
                    folder::describe(slot, folder.first_cluster, 0, entry.modified());
                })?;
            }
            return Err(error);
        }
        self.remove_entry(parent, &entry.slots())
    }

    /// The folder that an entry is.
    ///
    /// # Errors
    /// [`VolumeError::NotAFolder`].
    pub fn folder_of(entry: &Entry) -> Result<Folder, VolumeError> {
        if !entry.is_folder() {
            return Err(VolumeError::NotAFolder);
        }
        Ok(Folder {
            first_cluster: entry.first_cluster(),
        })
    }

    /// Gives a file the clusters that it needs to be so long. Nothing on the disk leads to them yet.
    fn grow_chain(&mut self, file: &mut OpenFile, end: u32) -> Result<(), VolumeError> {
        self.check_writable()?;
        let needed = (end as usize).div_ceil(self.geometry.cluster_size_bytes());
        let missing = needed.saturating_sub(file.chain.len());
        if missing == 0 {
            return Ok(());
        }
        let full = self.full(missing * self.geometry.cluster_size_bytes());
        let news = self.table.allocate(&self.geometry, missing).ok_or(full)?;
        if let Some(last) = file
            .chain
            .last()
            .filter(|_| file.committed < file.chain.len())
        {
            self.table.link(*last, news[0]);
        }
        file.chain.extend(news);
        file.has_news = true;
        Ok(())
    }

    fn write_zeros(&mut self, file: &OpenFile, start: u32, end: u32) -> Result<(), VolumeError> {
        let zeros = [0; 16 * SECTOR_SIZE_BYTES];
        let mut position = start;
        while position < end {
            // Whole sectors are written fastest from a sector's start on.
            let aligned = position.next_multiple_of(SECTOR_SIZE_BYTES as u32);
            let limit = if aligned > position { aligned } else { end };
            let length = (limit.min(end) - position).min(zeros.len() as u32);
            self.write_span(file, position, &zeros[..length as usize])?;
            position += length;
        }
        Ok(())
    }

    /// Writes into clusters that the file has.
    fn write_span(
        &mut self,
        file: &OpenFile,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), VolumeError> {
        let (mut rest, mut position) = (bytes, offset as usize);
        self.writing(|volume| {
            while !rest.is_empty() {
                let span = volume.span(file, position, rest.len());
                let (part, behind) = rest.split_at(span.length_bytes);
                if span.skipped_bytes == 0 && part.len().is_multiple_of(SECTOR_SIZE_BYTES) {
                    volume.device.write(span.sector, part)?;
                } else {
                    let mut sector = [0; SECTOR_SIZE_BYTES];
                    volume.device.read(span.sector, &mut sector)?;
                    sector[span.skipped_bytes..][..part.len()].copy_from_slice(part);
                    volume.device.write(span.sector, &sector)?;
                }
                position += span.length_bytes;
                rest = behind;
            }
            Ok(())
        })
    }

    /// Where `length` bytes of a file begin, and how many of them one transfer takes: whole sectors, or a part of one.
    fn span(&self, file: &OpenFile, position: usize, length: usize) -> Span {
        let cluster_size_bytes = self.geometry.cluster_size_bytes();
        let (index, within) = (position / cluster_size_bytes, position % cluster_size_bytes);
        let clusters = &file.chain[index..];
        let sector = self.geometry.sector_of(clusters[0]) + (within / SECTOR_SIZE_BYTES) as u64;
        let skipped_bytes = within % SECTOR_SIZE_BYTES;
        let length_bytes = if skipped_bytes != 0 || length < SECTOR_SIZE_BYTES {
            length.min(SECTOR_SIZE_BYTES - skipped_bytes)
        } else {
            let run = clusters
                .chunk_by(|first, second| first + 1 == *second)
                .next()
                .map_or(0, <[u16]>::len);
            let available = run * cluster_size_bytes - within;
            let whole = length.min(available);
            whole - whole % SECTOR_SIZE_BYTES
        };
        Span {
            sector,
            skipped_bytes,
            length_bytes,
        }
    }

    /// Writes into the file's entry what it is now; it is on the disk then.
    fn write_description(&mut self, file: &mut OpenFile) -> Result<(), VolumeError> {
        let (first, size, modified) = (file.first_cluster(), file.size_bytes, file.modified);
        self.change_slot(file.folder, file.slots.end - 1, |slot| {
            folder::describe(slot, first, size, modified);
        })?;
        file.has_news = false;
        Ok(())
    }

    /// Changes one slot of a folder, for good.
    fn change_slot(
        &mut self,
        folder: Folder,
        index: usize,
        change: impl FnOnce(&mut [u8]),
    ) -> Result<(), VolumeError> {
        self.check_writable()?;
        let within = (index / SLOTS_PER_SECTOR) as u64;
        let sector = match folder.first_cluster {
            0 => self.geometry.root_start + within,
            first => {
                let chain = self.table.chain(&self.geometry, first)?;
                let per_cluster = self.geometry.sectors_per_cluster;
                self.geometry
                    .sector_of(chain[(within / per_cluster) as usize])
                    + within % per_cluster
            }
        };
        self.writing(|volume| {
            let mut bytes = [0; SECTOR_SIZE_BYTES];
            volume.device.read(sector, &mut bytes)?;
            let start = index % SLOTS_PER_SECTOR * SLOT_SIZE_BYTES;
            change(&mut bytes[start..start + SLOT_SIZE_BYTES]);
            volume.device.write(sector, &bytes)?;
            Ok(volume.device.flush()?)
        })
    }
}
