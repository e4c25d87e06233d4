//! Disk images: boot stages, kernel, bundle, and a FAT16 volume with the program's files.
//!
//! The same inputs make the same bytes. The image is sparse: what is zero takes no room on the host. An exported
//! program needs no volume; without one the image ends behind the bundle.

mod data_disk;
mod elf;
mod fat;
mod read;
mod stages;
mod symbols;

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bareflow_boot_layout::{
    BOOT_PARTITION_SECTOR, BOOT_PARTITION_TYPE, Checksum, FAT16_PARTITION_TYPE, KernelHeader,
    SECTOR_SIZE_BYTES, STAGE2_SECTOR, clusters,
};
use mbrman::{BOOT_ACTIVE, BOOT_INACTIVE, CHS, MBR, MBRPartitionEntry};

pub use data_disk::{DATA_DISK_SIZE_BYTES, write_data_disk};
pub use elf::{core_checksum, symbol_bytes};
pub use read::{ImageFile, ImageVolume};
pub use stages::{BootStages, StageError};
pub use symbols::append as append_symbols;

/// How large an image is unless asked otherwise.
pub const DEFAULT_SIZE_BYTES: u64 = 545 << 20;

const PAGE_SIZE_BYTES: u32 = 4096;
/// Partitions begin at multiples of this: 1 MiB, as partitioning tools do it.
const PARTITION_ALIGNMENT_SECTORS: u32 = 2048;
/// FAT16 has at least 4,085 clusters; below this the volume would not be FAT16.
const SMALLEST_FAT_SECTORS: u32 = 16 << 11;
/// Clusters of at most 32 KiB, counted in 16 bits: 2 GiB, less what no cluster number names.
const LARGEST_FAT_SECTORS: u32 = 65_524 * 64;
/// One cylinder of 16 heads and 63 sectors: SeaBIOS does not boot from a smaller disk.
const SMALLEST_DISK_SECTORS: u32 = 16 * 63;
/// Identifies the disk; the same for all images, so that they depend on their contents only.
const DISK_SIGNATURE: [u8; 4] = *b"BFLW";

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
    /// The image cannot be written.
    #[error("cannot write {path}: {source}; is the disk full?")]
    Write {
        /// The image.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
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
    /// How large it becomes.
    pub size: ImageSize,
}

/// How large an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSize {
    /// As small as it can be: without a FAT16 volume, which alone takes 16 MiB.
    Smallest,
    /// So many bytes, a multiple of 512; the FAT16 volume has what the boot partition leaves.
    Bytes(u64),
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
        let kernel = elf::FlatKernel::read(self.kernel).map_err(|reason| ImageError::Kernel {
            path: self.kernel.into(),
            reason,
        })?;
        let plan = self.plan(&kernel)?;
        self.write_file(path, &kernel, &plan)
            .map_err(|source| ImageError::Write {
                path: path.into(),
                source,
            })
    }

    fn plan(&self, kernel: &elf::FlatKernel) -> Result<Plan, ImageError> {
        let kernel_sectors = sectors(kernel.core.len());
        let bundle_sectors = sectors(self.bundle.len());
        let llvm_table = clusters::table(&kernel.llvm);
        let bundle_address = kernel.memory_end.next_multiple_of(PAGE_SIZE_BYTES);
        let bundle_end = bundle_address + bundle_sectors * SECTOR_SIZE_BYTES as u32;
        let header = KernelHeader {
            load_address: kernel.load_address,
            entry: kernel.entry,
            kernel_sectors,
            kernel_checksum: padded_checksum(&kernel.core),
            bundle_address,
            bundle_sectors,
            bundle_size_bytes: self.bundle.len() as u32,
            bundle_checksum: padded_checksum(self.bundle),
            memory_end: bundle_end + kernel.working_memory,
            llvm_table_sectors: sectors(llvm_table.len()),
            llvm_table_checksum: padded_checksum(&llvm_table),
            llvm_address: bundle_end.next_multiple_of(PAGE_SIZE_BYTES),
            llvm_sectors: sectors(kernel.llvm.len()),
            llvm_checksum: padded_checksum(&kernel.llvm),
        };
        let boot_end = BOOT_PARTITION_SECTOR + header.llvm_sector() + header.llvm_sectors;
        let volume = match self.size {
            ImageSize::Smallest => None,
            ImageSize::Bytes(size_bytes) => Some(self.plan_volume(size_bytes, boot_end)?),
        };
        Ok(Plan {
            header,
            llvm_table,
            boot_end,
            volume,
        })
    }

    fn plan_volume(&self, size_bytes: u64, boot_end: u32) -> Result<SectorRange, ImageError> {
        let start = boot_end.next_multiple_of(PARTITION_ALIGNMENT_SECTORS);
        let content_sectors = sectors(fat::content_size_bytes(self.bundle));
        let needed = start + SMALLEST_FAT_SECTORS.max(content_sectors + content_sectors / 8);
        let total = size_bytes / SECTOR_SIZE_BYTES as u64;
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        if total < needed {
            return Err(ImageError::TooSmall {
                size_mib: size_bytes >> 20,
                needed_mib: u64::from(needed.div_ceil(PARTITION_ALIGNMENT_SECTORS)),
            });
        }
        if total - start > LARGEST_FAT_SECTORS {
            return Err(ImageError::TooLarge {
                size_mib: size_bytes >> 20,
                limit_mib: u64::from((start + LARGEST_FAT_SECTORS) / PARTITION_ALIGNMENT_SECTORS),
            });
        }
        Ok(SectorRange {
            start,
            count: total - start,
        })
    }

    fn write_file(&self, path: &Path, kernel: &elf::FlatKernel, plan: &Plan) -> io::Result<()> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mut temporary = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        let file = temporary.as_file_mut();
        file.set_len(match self.size {
            ImageSize::Smallest => {
                let sectors = plan.boot_end.max(SMALLEST_DISK_SECTORS);
                u64::from(sectors) * SECTOR_SIZE_BYTES as u64
            }
            ImageSize::Bytes(size_bytes) => size_bytes,
        })?;
        self.write_partition_table(file, plan)?;
        write_at(file, STAGE2_SECTOR, &self.stages.stage2)?;
        write_at(file, BOOT_PARTITION_SECTOR, &plan.header.to_sector())?;
        let header = &plan.header;
        for (offset, bytes) in [
            (1, &kernel.core[..]),
            (1 + header.kernel_sectors, self.bundle),
            (header.llvm_table_sector(), &plan.llvm_table),
            (header.llvm_sector(), &kernel.llvm),
        ] {
            write_at(file, BOOT_PARTITION_SECTOR + offset, bytes)?;
        }
        if let Some(volume) = &plan.volume {
            fat::write(file, volume.start, volume.count, self.bundle)?;
        }
        let file = temporary.persist(path).map_err(|error| error.error)?;
        // Temporary files are private; an image is an ordinary file.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        drop(file);
        Ok(())
    }

    fn write_partition_table(&self, file: &mut File, plan: &Plan) -> io::Result<()> {
        let mut table = MBR::new_from(file, SECTOR_SIZE_BYTES as u32, DISK_SIGNATURE)
            .map_err(io::Error::other)?;
        table.header.bootstrap_code[..self.stages.stage1.len()]
            .copy_from_slice(&self.stages.stage1);
        let entry = |boot, sys, starting_lba, sectors| MBRPartitionEntry {
            boot,
            // Nobody addresses by cylinders any more.
            first_chs: CHS::empty(),
            sys,
            last_chs: CHS::empty(),
            starting_lba,
            sectors,
        };
        let boot_end = plan.volume.map_or(plan.boot_end, |volume| volume.start);
        table[1] = entry(
            BOOT_ACTIVE,
            BOOT_PARTITION_TYPE,
            BOOT_PARTITION_SECTOR,
            boot_end - BOOT_PARTITION_SECTOR,
        );
        if let Some(SectorRange { start, count }) = plan.volume {
            table[2] = entry(BOOT_INACTIVE, FAT16_PARTITION_TYPE, start, count);
        }
        table.write_into(file).map_err(io::Error::other)
    }
}

/// Where everything goes.
#[derive(Debug)]
struct Plan {
    header: KernelHeader,
    llvm_table: Vec<u8>,
    /// Behind LLVM.
    boot_end: u32,
    /// The FAT16 volume.
    volume: Option<SectorRange>,
}

#[derive(Clone, Copy, Debug)]
struct SectorRange {
    start: u32,
    count: u32,
}

/// Sectors that hold so many bytes. Images are smaller than 2 TiB.
fn sectors(size_bytes: usize) -> u32 {
    size_bytes.div_ceil(SECTOR_SIZE_BYTES) as u32
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

fn write_at(file: &mut File, sector: u32, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(
        u64::from(sector) * SECTOR_SIZE_BYTES as u64,
    ))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests;
