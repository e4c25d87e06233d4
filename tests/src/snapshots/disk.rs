//! A disk in a file, with what the kernels have written to it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use bareflow_snapshot::FOLDER;
use bareflow_volume::{Partition, Timestamp, Volume, VolumeError};

use crate::subject::Subject;
use bareflow_image::disk::{FileDisk, write_data_disk};

/// Small, so that it is made and checked in no time.
pub const SIZE_MIB: u64 = 32;

/// A disk for snapshots.
#[derive(Debug)]
pub struct DataDisk {
    path: PathBuf,
}

impl DataDisk {
    /// An empty one.
    ///
    /// # Errors
    /// What kept it from being written.
    pub fn new(subject: &Subject, size_mib: u64) -> Result<Self, String> {
        let path = subject.fresh_path("data.img");
        write_data_disk(&path, size_mib << 20).map_err(|error| error.to_string())?;
        Ok(Self { path })
    }

    /// Of a file that need not be a disk.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the snapshots, sorted.
    ///
    /// # Errors
    /// That the volume cannot be read.
    pub fn names(&self) -> Result<Vec<String>, String> {
        self.with_volume(|volume| {
            let folder = volume.open_folder(FOLDER)?;
            let entries = volume.list(folder)?;
            let mut names: Vec<String> = entries
                .iter()
                .map(|entry| entry.name().to_owned())
                .collect();
            names.sort();
            Ok(names)
        })
    }

    /// The contents of a snapshot.
    ///
    /// # Errors
    /// That the volume cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.with_volume(|volume| {
            let folder = volume.open_folder(FOLDER)?;
            let entry = volume.find(folder, name)?;
            volume.read(&entry)
        })
    }

    /// Puts other contents in a snapshot's place.
    ///
    /// # Errors
    /// That the volume cannot be written.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.with_volume(|volume| {
            let folder = volume.open_folder(FOLDER)?;
            volume.delete(folder, name)?;
            volume.create(folder, name, bytes, Timestamp::FIRST)
        })
    }

    /// Puts another file beside the snapshots, which leaves so many bytes free.
    ///
    /// # Errors
    /// That the volume cannot be written.
    pub fn fill(&self, left_bytes: u64) -> Result<(), String> {
        self.with_volume(|volume| {
            let root = volume.root();
            let size_bytes = volume.free_bytes().saturating_sub(left_bytes) as usize;
            volume.create(root, "filler", &vec![1; size_bytes], Timestamp::FIRST)
        })
    }

    fn with_volume<T>(
        &self,
        action: impl FnOnce(&mut Volume<Partition<FileDisk>>) -> Result<T, VolumeError>,
    ) -> Result<T, String> {
        let disk = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .and_then(FileDisk::new)
            .map_err(|error| error.to_string())?;
        Partition::find_fat16(disk)
            .map_err(VolumeError::from)
            .and_then(Volume::mount)
            .and_then(|mut volume| action(&mut volume))
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }
}
