//! What can go wrong with a volume.

use core::fmt;

use crate::boot_sector::BootSectorError;
use crate::device::DeviceError;
use crate::partition::PartitionError;

/// What is wrong with a volume that cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// The allocation table does not begin as one.
    BadTable,
    /// Two files have this cluster.
    CrossedChains(u16),
    /// This cluster belongs to a folder that is met twice.
    FolderLoop(u16),
    /// A chain leads here, where no chain goes on: to a free, bad or impossible cluster.
    BrokenChain(u16),
    /// A chain from this cluster has fewer clusters than its file needs.
    ShortChain(u16),
    /// Folders lie too deep in each other.
    TooDeep,
}

impl fmt::Display for Corruption {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::BadTable => formatter.write_str("its allocation table is damaged"),
            Self::CrossedChains(cluster) => write!(formatter, "two files have cluster {cluster}"),
            Self::FolderLoop(cluster) => {
                write!(formatter, "the folder at cluster {cluster} is met twice")
            }
            Self::BrokenChain(cluster) => write!(
                formatter,
                "a file leads to cluster {cluster}, which is not a file's"
            ),
            Self::ShortChain(cluster) => {
                write!(
                    formatter,
                    "the file at cluster {cluster} has too few clusters"
                )
            }
            Self::TooDeep => formatter.write_str("its folders lie too deep in each other"),
        }
    }
}

/// Why the volume did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeError {
    /// The disk fails. After a failed write the volume is only read until it is mounted again.
    Device(DeviceError),
    /// There is no partition to use.
    Partition(PartitionError),
    /// It is not a FAT16 volume.
    BootSector(BootSectorError),
    /// It contradicts itself, and is not touched.
    Corrupt(Corruption),
    /// Nothing has this name.
    NotFound,
    /// Something has this name already.
    AlreadyExists,
    /// This is a file, and a folder is wanted.
    NotAFolder,
    /// This is a folder, and a file is wanted.
    NotAFile,
    /// The folder is not empty.
    NotEmpty,
    /// A folder is renamed within the folder that it is in, and does not move to another.
    FolderMoves,
    /// FAT has no such names.
    BadName,
    /// The file does not fit.
    Full {
        /// Bytes that the file needs, in whole clusters.
        needed_bytes: u64,
        /// Bytes that are free.
        free_bytes: u64,
    },
    /// The root folder has no room for another name, or all short names like this one are taken.
    FolderFull,
    /// There is not enough memory for what is read.
    OutOfMemory,
    /// An earlier write failed: what is on the disk is known after the next mount only.
    MustRemount,
}

impl From<DeviceError> for VolumeError {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

impl From<PartitionError> for VolumeError {
    fn from(error: PartitionError) -> Self {
        Self::Partition(error)
    }
}

impl From<BootSectorError> for VolumeError {
    fn from(error: BootSectorError) -> Self {
        Self::BootSector(error)
    }
}

impl From<Corruption> for VolumeError {
    fn from(error: Corruption) -> Self {
        Self::Corrupt(error)
    }
}

impl fmt::Display for VolumeError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Device(error) => error.fmt(formatter),
            Self::Partition(error) => error.fmt(formatter),
            Self::BootSector(error) => write!(formatter, "the volume is refused: {error}"),
            Self::Corrupt(error) => write!(formatter, "the volume is damaged: {error}"),
            Self::NotFound => formatter.write_str("there is no such file or folder"),
            Self::AlreadyExists => formatter.write_str("the name is taken"),
            Self::NotAFolder => formatter.write_str("it is a file, not a folder"),
            Self::NotAFile => formatter.write_str("it is a folder, not a file"),
            Self::NotEmpty => formatter.write_str("the folder is not empty"),
            Self::FolderMoves => formatter.write_str("a folder does not move to another folder"),
            Self::BadName => formatter.write_str("FAT has no such names"),
            Self::Full {
                needed_bytes,
                free_bytes,
            } => write!(
                formatter,
                "the volume is full: {needed_bytes} bytes are needed, {free_bytes} are free"
            ),
            Self::FolderFull => formatter.write_str("the folder is full"),
            Self::OutOfMemory => formatter.write_str("there is not enough memory"),
            Self::MustRemount => {
                formatter.write_str("an earlier write failed; the volume must be mounted again")
            }
        }
    }
}

impl core::error::Error for VolumeError {}
