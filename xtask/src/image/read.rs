//! Existing images: what is in them, checked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bareflow_boot_layout::{
    BOOT_PARTITION_SECTOR, Checksum, KernelHeader, SECTOR_SIZE_BYTES, STAGE2_SECTOR,
    STAGE2_SIZE_BYTES,
};
use bareflow_volume::{BlockDevice, DeviceError, Partition, PartitionError, Volume};

use super::ImageError;

/// The FAT16 volume of an image.
pub type ImageVolume = Volume<Partition<FileDisk>>;

/// An image that `cargo xtask image` or `export` has written, and that may have been booted since.
#[derive(Debug)]
pub struct ImageFile {
    /// Where it is.
    pub path: PathBuf,
    file: File,
    /// The header of the boot partition.
    pub header: KernelHeader,
    /// How large the image is.
    pub size_bytes: u64,
}

impl ImageFile {
    /// Opens an image and checks its header.
    ///
    /// # Errors
    /// [`ImageError::NoImage`].
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let no_image = |reason: String| ImageError::NoImage {
            path: path.into(),
            reason,
        };
        let file = File::open(path).map_err(|error| no_image(error.to_string()))?;
        let metadata = file
            .metadata()
            .map_err(|error| no_image(error.to_string()))?;
        let mut sector = [0; SECTOR_SIZE_BYTES];
        file.read_exact_at(&mut sector, offset(BOOT_PARTITION_SECTOR))
            .map_err(|error| no_image(reason(&error)))?;
        let header = KernelHeader::from_sector(&sector)
            .map_err(|error| no_image(format!("the boot partition's header: {error}")))?;
        Ok(Self {
            path: path.into(),
            file,
            header,
            size_bytes: metadata.len(),
        })
    }

    /// What the BIOS reads before the kernel runs: boot stages, header, core and bundle, in bytes.
    #[must_use]
    pub fn boot_bytes(&self) -> u64 {
        let stages = STAGE2_SECTOR + (STAGE2_SIZE_BYTES / SECTOR_SIZE_BYTES) as u32;
        let sectors = stages + 1 + self.header.kernel_sectors + self.header.bundle_sectors;
        u64::from(sectors) * SECTOR_SIZE_BYTES as u64
    }

    /// LLVM's part of the image, in bytes.
    #[must_use]
    pub fn llvm_bytes(&self) -> u64 {
        u64::from(self.header.llvm_sectors) * SECTOR_SIZE_BYTES as u64
    }

    /// The kernel as it is loaded.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if it is cut or damaged.
    pub fn kernel(&self) -> Result<Vec<u8>, ImageError> {
        self.sectors(
            "kernel",
            BOOT_PARTITION_SECTOR + 1,
            self.header.kernel_sectors,
            self.header.kernel_checksum,
        )
    }

    /// The program's bundle.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if it is cut or damaged.
    pub fn bundle(&self) -> Result<Vec<u8>, ImageError> {
        let mut bytes = self.sectors(
            "bundle",
            BOOT_PARTITION_SECTOR + 1 + self.header.kernel_sectors,
            self.header.bundle_sectors,
            self.header.bundle_checksum,
        )?;
        bytes.truncate(self.header.bundle_size_bytes as usize);
        Ok(bytes)
    }

    fn sectors(
        &self,
        what: &str,
        first: u32,
        count: u32,
        checksum: Checksum,
    ) -> Result<Vec<u8>, ImageError> {
        let size_bytes = count as usize * SECTOR_SIZE_BYTES;
        if offset(first) + size_bytes as u64 > self.size_bytes {
            return Err(self.no_image(format!("it ends before its {what} does")));
        }
        let mut bytes = vec![0; size_bytes];
        self.file
            .read_exact_at(&mut bytes, offset(first))
            .map_err(|error| self.no_image(format!("its {what}: {}", reason(&error))))?;
        if Checksum::of(&bytes) != checksum {
            return Err(self.no_image(format!("its {what} is damaged: the checksum is wrong")));
        }
        Ok(bytes)
    }

    /// The FAT16 volume; `None` if the image has none.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if it has a volume that cannot be read.
    pub fn volume(&self) -> Result<Option<ImageVolume>, ImageError> {
        let disk = FileDisk {
            file: self
                .file
                .try_clone()
                .map_err(|error| self.no_image(error.to_string()))?,
            sector_count: self.size_bytes / SECTOR_SIZE_BYTES as u64,
        };
        let partition = match Partition::find_fat16(disk) {
            Ok(partition) => partition,
            Err(PartitionError::NoFat16) => return Ok(None),
            Err(error) => return Err(self.no_image(error.to_string())),
        };
        Volume::mount(partition)
            .map(Some)
            .map_err(|error| self.no_image(format!("its FAT16 volume: {error}")))
    }

    fn no_image(&self, reason: String) -> ImageError {
        ImageError::NoImage {
            path: self.path.clone(),
            reason,
        }
    }
}

fn offset(sector: u32) -> u64 {
    u64::from(sector) * SECTOR_SIZE_BYTES as u64
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}

/// A file as a disk that is only read.
#[derive(Debug)]
pub struct FileDisk {
    file: File,
    sector_count: u64,
}

impl BlockDevice for FileDisk {
    fn sector_count(&self) -> u64 {
        self.sector_count
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let start = first_sector
            .checked_mul(SECTOR_SIZE_BYTES as u64)
            .ok_or(DeviceError::OutOfRange)?;
        self.file
            .read_exact_at(buffer, start)
            .map_err(|_| DeviceError::OutOfRange)
    }

    fn write(&mut self, _first_sector: u64, _bytes: &[u8]) -> Result<(), DeviceError> {
        Err(DeviceError::ReadOnly)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}
