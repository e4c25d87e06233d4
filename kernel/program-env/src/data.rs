//! The program's files on the volume: the folder `data`, which the program sees as `/data`.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{RefCell, RefMut};
use core::ffi::c_int;

use bareflow_cxx_runtime::errno;
use bareflow_cxx_runtime::platform::{Storage, StorageResult, StoredEntry, StoredKind};
use bareflow_volume::{Folder, OpenFile, Timestamp, VolumeError};

use crate::{DiskVolume, report_note};

/// What programs see of the volume.
const FOLDER: &str = "data";

/// The volume while somebody uses it.
pub type VolumeGuard = RefMut<'static, DiskVolume>;

#[derive(Default)]
struct State {
    volume: Option<DiskVolume>,
    /// By number; those that were released are gone.
    files: Vec<Option<OpenFile>>,
    folders: Vec<Folder>,
}

struct Shared(RefCell<State>);

// SAFETY: there is one thread, and handlers do not come here.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(RefCell::new(State {
    volume: None,
    files: Vec::new(),
    folders: Vec::new(),
}));

/// Keeps the volume for the engine and the program. To be called once.
pub fn keep_volume(volume: Option<DiskVolume>) {
    SHARED.0.borrow_mut().volume = volume;
}

/// The volume; `None` if there is none, or if a fault has ended somebody who used it.
#[must_use]
pub fn volume() -> Option<VolumeGuard> {
    let state = SHARED.0.try_borrow_mut().ok()?;
    RefMut::filter_map(state, |state| state.volume.as_mut()).ok()
}

/// The program's files; `None` without a volume.
#[must_use]
pub fn storage() -> Option<&'static dyn Storage> {
    let state = SHARED.0.try_borrow().ok()?;
    state.volume.as_ref().map(|_| &SHARED as &dyn Storage)
}

fn number(error: VolumeError) -> c_int {
    match error {
        VolumeError::NotFound => errno::ENOENT,
        VolumeError::AlreadyExists => errno::EEXIST,
        VolumeError::NotAFolder => errno::ENOTDIR,
        VolumeError::NotAFile => errno::EISDIR,
        VolumeError::NotEmpty => errno::ENOTEMPTY,
        VolumeError::FolderMoves => errno::EXDEV,
        VolumeError::BadName => errno::EINVAL,
        VolumeError::Full { .. } | VolumeError::FolderFull => errno::ENOSPC,
        VolumeError::OutOfMemory => errno::ENOMEM,
        VolumeError::Device(bareflow_volume::DeviceError::ReadOnly) => errno::EROFS,
        VolumeError::Device(_)
        | VolumeError::Partition(_)
        | VolumeError::BootSector(_)
        | VolumeError::Corrupt(_)
        | VolumeError::MustRemount => errno::EIO,
    }
}

fn now() -> Timestamp {
    let ns = bareflow_cxx_runtime::platform().realtime_ns();
    Timestamp::from_unix((ns / 1_000_000_000).cast_signed())
}

impl State {
    /// The volume and a folder of it. The outermost is made when something is put into it.
    fn folder(&mut self, index: u32) -> StorageResult<(&mut DiskVolume, Folder)> {
        let volume = self.volume.as_mut().ok_or(errno::EIO)?;
        if self.folders.is_empty() {
            let root = volume.root();
            let folder = match volume.open_folder(FOLDER) {
                Err(VolumeError::NotFound) => volume.make_folder(root, FOLDER, now()),
                found => found,
            };
            self.folders.push(folder.map_err(number)?);
        }
        let folder = self.folders.get(index as usize).ok_or(errno::ENOENT)?;
        Ok((volume, *folder))
    }

    fn file(&mut self, index: u32) -> StorageResult<(&mut DiskVolume, &mut OpenFile)> {
        let volume = self.volume.as_mut().ok_or(errno::EIO)?;
        let file = self.files.get_mut(index as usize);
        Ok((volume, file.and_then(Option::as_mut).ok_or(errno::EBADF)?))
    }

    fn add_file(&mut self, file: OpenFile) -> u32 {
        let free = self.files.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.files.push(None);
            self.files.len() - 1
        });
        self.files[index] = Some(file);
        index as u32
    }

    fn add_folder(&mut self, folder: Folder) -> u32 {
        self.folders.push(folder);
        (self.folders.len() - 1) as u32
    }

    fn list(&mut self, index: u32) -> StorageResult<Vec<StoredEntry>> {
        if self.folders.is_empty()
            && let Some(volume) = &mut self.volume
            && matches!(volume.open_folder(FOLDER), Err(VolumeError::NotFound))
        {
            return Ok(Vec::new());
        }
        let (volume, folder) = self.folder(index)?;
        let entries = volume.list(folder).map_err(number)?;
        let mut listed = Vec::new();
        for entry in entries {
            let volume = self.volume.as_mut().ok_or(errno::EIO)?;
            let kind = if entry.is_folder() {
                let inner = DiskVolume::folder_of(&entry).map_err(number)?;
                StoredKind::Folder(self.add_folder(inner))
            } else {
                let file = volume.open_file(folder, &entry).map_err(number)?;
                let size_bytes = file.size_bytes() as usize;
                StoredKind::File(self.add_file(file), size_bytes)
            };
            listed.push(StoredEntry {
                name: String::from(entry.name()),
                kind,
                modified_s: entry.modified().to_unix(),
            });
        }
        Ok(listed)
    }

    fn rename(
        &mut self,
        file: u32,
        folder: u32,
        name: &str,
        replaced: Option<u32>,
    ) -> StorageResult<()> {
        let (_, folder) = self.folder(folder)?;
        let take = |files: &mut Vec<Option<OpenFile>>, index: u32| {
            files.get_mut(index as usize).and_then(Option::take)
        };
        let mut moved = take(&mut self.files, file).ok_or(errno::EBADF)?;
        let mut old = replaced.and_then(|index| take(&mut self.files, index));
        let result = match self.volume.as_mut() {
            Some(volume) => volume
                .rename(&mut moved, folder, name, old.as_mut())
                .map_err(number),
            None => Err(errno::EIO),
        };
        self.files[file as usize] = Some(moved);
        if let (Some(index), Some(old)) = (replaced, old) {
            self.files[index as usize] = Some(old);
        }
        result
    }
}

impl Shared {
    fn state(&self) -> StorageResult<RefMut<'_, State>> {
        self.0.try_borrow_mut().map_err(|_| errno::EIO)
    }

    fn with_file<T>(
        &self,
        file: u32,
        action: impl FnOnce(&mut DiskVolume, &mut OpenFile) -> Result<T, VolumeError>,
    ) -> StorageResult<T> {
        let mut state = self.state()?;
        let (volume, file) = state.file(file)?;
        action(volume, file).map_err(number)
    }

    fn with_folder<T>(
        &self,
        folder: u32,
        action: impl FnOnce(&mut DiskVolume, Folder) -> Result<T, VolumeError>,
    ) -> StorageResult<T> {
        let mut state = self.state()?;
        let (volume, folder) = state.folder(folder)?;
        action(volume, folder).map_err(number)
    }
}

/// What FAT can say of a place in a file.
fn position(offset: usize) -> StorageResult<u32> {
    u32::try_from(offset).map_err(|_| errno::EFBIG)
}

impl Storage for Shared {
    fn list(&self, folder: u32) -> StorageResult<Vec<StoredEntry>> {
        self.state()?.list(folder)
    }

    fn create(&self, folder: u32, name: &str) -> StorageResult<u32> {
        let file = self.with_folder(folder, |volume, folder| {
            volume.create_open(folder, name, now())
        })?;
        Ok(self.state()?.add_file(file))
    }

    fn make_folder(&self, parent: u32, name: &str) -> StorageResult<u32> {
        let folder = self.with_folder(parent, |volume, parent| {
            volume.make_folder(parent, name, now())
        })?;
        Ok(self.state()?.add_folder(folder))
    }

    fn remove_folder(&self, parent: u32, name: &str) -> StorageResult<()> {
        self.with_folder(parent, |volume, parent| volume.remove_folder(parent, name))
    }

    fn rename_folder(&self, parent: u32, old_name: &str, name: &str) -> StorageResult<()> {
        self.with_folder(parent, |volume, parent| {
            volume.rename_folder(parent, old_name, name)
        })
    }

    fn rename(
        &self,
        file: u32,
        folder: u32,
        name: &str,
        replaced: Option<u32>,
    ) -> StorageResult<()> {
        self.state()?.rename(file, folder, name, replaced)
    }

    fn unlink(&self, file: u32) -> StorageResult<()> {
        self.with_file(file, |volume, file| volume.unlink(file))
    }

    fn release(&self, file: u32) {
        let Ok(mut state) = self.state() else {
            return;
        };
        let file = state.files.get_mut(file as usize).and_then(Option::take);
        if let (Some(file), Some(volume)) = (file, &mut state.volume)
            && let Err(error) = volume.release(file)
        {
            report_note(&alloc::format!("a file in /data cannot be freed: {error}"));
        }
    }

    fn read(&self, file: u32, offset: usize, buffer: &mut [u8]) -> StorageResult<usize> {
        let offset = position(offset)?;
        self.with_file(file, |volume, file| volume.read_at(file, offset, buffer))
    }

    fn write(&self, file: u32, offset: usize, bytes: &[u8]) -> StorageResult<usize> {
        let offset = position(offset)?;
        self.with_file(file, |volume, file| {
            let full = match volume.write_at(file, offset, bytes, now()) {
                Ok(()) => return Ok(bytes.len()),
                Err(full @ VolumeError::Full { .. }) => full,
                Err(error) => return Err(error),
            };
            let room = volume.room_bytes(file).saturating_sub(u64::from(offset));
            let fitting = bytes.len().min(room as usize);
            if fitting == 0 {
                return Err(full);
            }
            volume.write_at(file, offset, &bytes[..fitting], now())?;
            Ok(fitting)
        })
    }

    fn resize(&self, file: u32, size_bytes: usize) -> StorageResult<()> {
        let size_bytes = position(size_bytes)?;
        self.with_file(file, |volume, file| volume.resize(file, size_bytes, now()))
    }

    fn set_modified(&self, file: u32, seconds: i64) {
        // A file that is not there has no time.
        let _ = self.with_file(file, |_, file| {
            file.set_modified(Timestamp::from_unix(seconds));
            Ok(())
        });
    }

    fn commit(&self, file: u32) -> StorageResult<()> {
        self.with_file(file, |volume, file| {
            volume.commit(file)?;
            volume.flush()
        })
    }

    fn commit_all(&self) {
        let Ok(mut state) = self.state() else {
            return;
        };
        let state = &mut *state;
        let Some(volume) = &mut state.volume else {
            return;
        };
        for file in state.files.iter_mut().flatten() {
            if let Err(error) = volume.commit(file) {
                report_note(&alloc::format!("a file in /data is not written: {error}"));
                return;
            }
        }
    }

    fn free_bytes(&self) -> u64 {
        self.state()
            .ok()
            .and_then(|state| state.volume.as_ref().map(DiskVolume::free_bytes))
            .unwrap_or(0)
    }
}
