//! Disk images: boot stages, kernel, bundle, the program's files, and a FAT16 volume.
//!
//! The same inputs make the same bytes. The image is sparse: what is zero takes no room on the host. An exported
//! program needs no volume; without one the image ends behind the files.

mod blueprint;
mod data_disk;
mod elf;
mod fat;
mod file_disk;
mod files;
mod read;
mod shrink;
mod stages;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::outputs::OutputError;
pub use bareflow_boot_layout::clusters::Storage;
use bareflow_boot_layout::{
    BOOT_PARTITION_SECTOR, Checksum, KernelHeader, SECTOR_SIZE_BYTES, clusters,
};
use bareflow_snapshot::{DEFAULT_KEEP, SaveError, Series, Store};
use bareflow_volume::{DeviceError, Partition, Timestamp, Volume, VolumeError};
use blueprint::{Blueprint, LlvmPart, SectorRange};
use files::{Checksums, FilesPart};

pub use data_disk::{DATA_DISK_SIZE_BYTES, write_data_disk};
pub use elf::{core_checksum, symbol_table};
pub use file_disk::FileDisk;
pub use read::{ImageFile, ImageVolume};
pub use shrink::{Snapshots, shrink};
pub use stages::{BootStages, StageError};

/// How large an image is unless asked otherwise.
pub const DEFAULT_SIZE_BYTES: u64 = 545 << 20;

/// Partitions begin at multiples of this: 1 MiB, as partitioning tools do it.
const PARTITION_ALIGNMENT_SECTORS: u32 = 2048;
/// FAT16 has at least 4,085 clusters; below this the volume would not be FAT16.
const SMALLEST_FAT_SECTORS: u32 = 16 << 11;
/// Clusters of at most 32 KiB, counted in 16 bits: 2 GiB, less what no cluster number names.
const LARGEST_FAT_SECTORS: u32 = 65_524 * 64;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A boot stage cannot be made.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The kernel's file is not what the linker makes.
    #[error("{path} is not a kernel of the machine: {reason}")]
    Kernel {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It does not fit.
    #[error(
        "an image of {size_mib} MiB is too small: at least {needed_mib} MiB are needed (--size)"
    )]
    TooSmall {
        /// The size that was asked for.
        size_mib: u64,
        /// The size that would do.
        needed_mib: u64,
    },
    /// A file of the program cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// FAT16 ends earlier.
    #[error("an image of {size_mib} MiB is too large: FAT16 ends at {limit_mib} MiB (--size)")]
    TooLarge {
        /// The size that was asked for.
        size_mib: u64,
        /// The size that would do.
        limit_mib: u64,
    },
    /// An existing file is not an image, or not a whole one.
    #[error("{path} is not an image: {reason}; `cargo xtask image` makes one")]
    NoImage {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Nothing is known of what boots of an image use.
    #[error(
        "no boot of {path} has used LLVM and written down what it used; boot it with `cargo xtask run --image {path}`"
    )]
    NothingKnown {
        /// The image.
        path: PathBuf,
    },
    /// LLVM cannot be compressed.
    #[error("cannot compress LLVM: {0}")]
    Compression(io::Error),
    /// The image cannot be written.
    #[error(transparent)]
    Write(#[from] OutputError),
}

/// What goes into an image.
#[derive(Clone, Debug)]
pub struct DiskImage<'a> {
    /// The assembled boot stages.
    pub stages: &'a BootStages,
    /// The kernel's ELF file.
    pub kernel: &'a Path,
    /// The program.
    pub bundle: &'a [u8],
    /// What else is asked of it.
    pub options: ImageOptions<'a>,
}

/// What is asked of an image, whatever program it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageOptions<'a> {
    /// How large it becomes.
    pub size: ImageSize,
    /// How LLVM is stored.
    pub llvm: Storage,
    /// What its first boot goes on from; with a volume only.
    pub snapshot: Option<&'a [u8]>,
}

impl<T: Into<ImageSize>> From<T> for ImageOptions<'_> {
    fn from(size: T) -> Self {
        Self {
            size: size.into(),
            llvm: Storage::Plain,
            snapshot: None,
        }
    }
}

/// How large an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSize {
    /// As small as it can be: without a FAT16 volume, which alone takes 16 MiB.
    Smallest,
    /// So many bytes, a multiple of 512; the FAT16 volume has what the boot partition leaves.
    Bytes(u64),
    /// So many bytes, or more if they do not hold everything with a small FAT16 volume.
    AtLeast(u64),
}

impl From<u64> for ImageSize {
    fn from(size_bytes: u64) -> Self {
        Self::Bytes(size_bytes)
    }
}

impl DiskImage<'_> {
    /// Writes the image; a file that is there already is replaced only when the new one is complete.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn write(&self, path: &Path) -> Result<(), ImageError> {
        let mut kernel =
            elf::FlatKernel::read(self.kernel).map_err(|reason| ImageError::Kernel {
                path: self.kernel.into(),
                reason,
            })?;
        let pages = std::mem::take(&mut kernel.llvm);
        let count = (pages.len() / clusters::PAGE_SIZE_BYTES) as u32;
        let options = &self.options;
        let llvm =
            LlvmPart::new(pages, None, count, options.llvm).map_err(ImageError::Compression)?;
        let files = FilesPart::of(self.bundle)?;
        // What does not fit is refused before all of it is read.
        let mut bundle = files.bundle(self.bundle, Checksums::Zero)?;
        let mut header = header(&kernel, &llvm, &bundle);
        let boot_end = u64::from(blueprint::boot_end(&header)) + files.sector_count();
        let plan =
            |size_bytes| plan_volume(size_bytes, boot_end).map(|volume| (volume, size_bytes));
        let volume = match options.size {
            ImageSize::Smallest => None,
            ImageSize::Bytes(size_bytes) => Some(plan(size_bytes)?),
            ImageSize::AtLeast(size_bytes) => Some(match plan(size_bytes) {
                Err(ImageError::TooSmall { needed_mib, .. }) => plan(needed_mib << 20)?,
                planned => planned?,
            }),
        };
        let (volume, size_bytes) = volume.unzip();
        header.files_sectors = u32::try_from(files.sector_count()).unwrap_or(u32::MAX);
        if header.files_sectors > 0 {
            bundle = files.bundle(self.bundle, Checksums::Real)?;
            header.bundle_checksum = padded_checksum(&bundle);
        }
        Blueprint {
            stage1: &self.stages.stage1,
            stage2: &self.stages.stage2,
            header,
            core: &kernel.core,
            bundle: &bundle,
            llvm: &llvm,
            volume,
            size_bytes,
        }
        .write(path, |file| {
            files.write(file, BOOT_PARTITION_SECTOR + header.files_sector())?;
            match volume {
                Some(volume) => fat::write(file, volume.start, volume.count)?,
                None => return Ok(()),
            }
            match options.snapshot {
                Some(snapshot) => keep(file, snapshot).map_err(io::Error::other),
                None => Ok(()),
            }
        })
        .map_err(ImageError::from)
    }
}

/// Puts a snapshot on the volume of an image.
fn keep(file: &File, snapshot: &[u8]) -> Result<(), SaveError> {
    let disk = file.try_clone().and_then(FileDisk::new);
    let disk = disk.map_err(|_| DeviceError::Failed("the image cannot be opened once more"));
    let mut volume = disk
        .map_err(VolumeError::from)
        .and_then(|disk| Volume::mount(Partition::find_fat16(disk)?))?;
    let store = Store::new(Series::Code, DEFAULT_KEEP);
    store.save(&mut volume, snapshot, None, Timestamp::FIRST)?;
    Ok(())
}

/// The header of an image without files beside the bundle.
fn header(kernel: &elf::FlatKernel, llvm: &LlvmPart, bundle: &[u8]) -> KernelHeader {
    let bundle_sectors = sectors(bundle.len());
    let bundle_address = kernel
        .memory_end
        .next_multiple_of(clusters::PAGE_SIZE_BYTES as u32);
    let bundle_end = bundle_address + bundle_sectors * SECTOR_SIZE_BYTES as u32;
    let mut header = KernelHeader {
        load_address: kernel.load_address,
        entry: kernel.entry,
        kernel_sectors: sectors(kernel.core.len()),
        kernel_checksum: padded_checksum(&kernel.core),
        bundle_address,
        bundle_sectors,
        bundle_size_bytes: bundle.len() as u32,
        bundle_checksum: padded_checksum(bundle),
        memory_end: bundle_end + kernel.working_memory,
        llvm_table_sectors: 0,
        llvm_table_checksum: Checksum::default(),
        llvm_address: bundle_end.next_multiple_of(clusters::PAGE_SIZE_BYTES as u32),
        llvm_sectors: 0,
        llvm_checksum: Checksum::default(),
        llvm_pages: 0,
        llvm_own_pages: kernel.llvm_own_pages,
        llvm_window: kernel.llvm_window,
        llvm_essential: kernel.llvm_essential,
        files_sectors: 0,
        llvm_stored_pages: 0,
    };
    llvm.describe(&mut header);
    header
}

/// Where the volume is in an image of this size.
fn plan_volume(size_bytes: u64, boot_end: u64) -> Result<SectorRange, ImageError> {
    let alignment = u64::from(PARTITION_ALIGNMENT_SECTORS);
    let start = boot_end.next_multiple_of(alignment);
    let needed = start + u64::from(SMALLEST_FAT_SECTORS);
    let total = size_bytes / SECTOR_SIZE_BYTES as u64;
    if total < needed {
        return Err(ImageError::TooSmall {
            size_mib: size_bytes >> 20,
            needed_mib: needed.div_ceil(alignment),
        });
    }
    let limit = start + u64::from(LARGEST_FAT_SECTORS);
    // A partition table counts sectors in 32 bits.
    match (u32::try_from(start), u32::try_from(total - start)) {
        (Ok(start), Ok(count)) if count <= LARGEST_FAT_SECTORS => Ok(SectorRange { start, count }),
        _ => Err(ImageError::TooLarge {
            size_mib: size_bytes >> 20,
            limit_mib: limit / alignment,
        }),
    }
}

/// Sectors that hold so many bytes. Images are smaller than 2 TiB.
fn sectors(size_bytes: usize) -> u32 {
    size_bytes.div_ceil(SECTOR_SIZE_BYTES) as u32
}

/// Whether bytes need not be written where there are zeros.
fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes
        .chunks(ZEROS.len())
        .all(|chunk| *chunk == ZEROS[..chunk.len()])
}

/// Of whole sectors.
fn padded_checksum(bytes: &[u8]) -> Checksum {
    let mut sums = Checksum::of(bytes);
    let words = bytes.len().div_ceil(4);
    let padded_words = sectors(bytes.len()) as usize * SECTOR_SIZE_BYTES / 4;
    for _ in words..padded_words {
        sums.add(&[0; 4]);
    }
    sums
}

#[cfg(test)]
mod tests;
