//! Existing images: what is in them, checked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bareflow_boot_layout::clusters::{self, Extent, Storage, Table};
use bareflow_boot_layout::files::StoredFile;
use bareflow_boot_layout::{
    BOOT_PARTITION_SECTOR, Checksum, KernelHeader, SECTOR_SIZE_BYTES, STAGE1_LIMIT_BYTES,
    STAGE2_SECTOR, STAGE2_SIZE_BYTES,
};
use bareflow_bundle::{Builder, Bundle, FILE, INPUT, STORED_FILE, STORED_INPUT};
use bareflow_pager::{Owner, PageSet, RECORD_FOLDER, RECORD_NAMES, Record, contents};
use bareflow_volume::{Partition, PartitionError, Volume, VolumeError};

use super::blueprint::boot_end;
use super::{FileDisk, ImageError};

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

    /// Checks that all of the boot partition is there: a machine would wait for what is not.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if the image is cut.
    pub fn check_length(&self) -> Result<(), ImageError> {
        let end_bytes = offset(boot_end(&self.header));
        if self.size_bytes < end_bytes {
            return Err(self.no_image(format!(
                "it is cut: {} of at least {end_bytes} bytes are there",
                self.size_bytes
            )));
        }
        Ok(())
    }

    /// What the BIOS reads before the kernel runs: boot stages, header, core and bundle, in bytes.
    #[must_use]
    pub fn boot_bytes(&self) -> u64 {
        let stages = STAGE2_SECTOR + (STAGE2_SIZE_BYTES / SECTOR_SIZE_BYTES) as u32;
        let sectors = stages + 1 + self.header.kernel_sectors + self.header.bundle_sectors;
        u64::from(sectors) * SECTOR_SIZE_BYTES as u64
    }

    /// LLVM's part of the image, in bytes as it is stored.
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

    /// The program's bundle with the bytes of all files, wherever the image has them.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if something is cut or damaged.
    pub fn bundle_with_files(&self) -> Result<Vec<u8>, ImageError> {
        let bytes = self.bundle()?;
        let Ok(bundle) = Bundle::open(&bytes) else {
            return Ok(bytes);
        };
        let mut builder = Builder::default();
        for entry in bundle.entries() {
            if let Some(name) = entry.name.strip_prefix(STORED_FILE) {
                let contents = self.stored_file(&format!("/{name}"), entry.contents)?;
                builder.add(&format!("{FILE}{name}"), &contents);
            } else if entry.name == STORED_INPUT {
                builder.add(INPUT, &self.stored_file("standard input", entry.contents)?);
            } else {
                builder.add(entry.name, entry.contents);
            }
        }
        Ok(builder.finish())
    }

    fn stored_file(&self, name: &str, description: &[u8]) -> Result<Vec<u8>, ImageError> {
        let file = StoredFile::open(description)
            .ok_or_else(|| self.no_image(format!("its description of {name} is none")))?;
        let start = offset(BOOT_PARTITION_SECTOR + self.header.files_sector());
        let mut contents = Vec::with_capacity(file.size_bytes());
        for block in file.blocks() {
            let mut bytes = vec![0; block.size_bytes];
            let position = start + block.first_sector * SECTOR_SIZE_BYTES as u64;
            self.file
                .read_exact_at(&mut bytes, position)
                .map_err(|error| self.no_image(format!("its {name}: {}", reason(&error))))?;
            if Checksum::of(&bytes) != block.checksum {
                let damage = format!("its {name} is damaged: a checksum is wrong");
                return Err(self.no_image(damage));
            }
            contents.append(&mut bytes);
        }
        Ok(contents)
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

    /// The pages of LLVM that the image has.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if they are cut or damaged.
    pub fn llvm(&self) -> Result<LlvmPages, ImageError> {
        let header = &self.header;
        let mut table = self.sectors(
            "LLVM",
            BOOT_PARTITION_SECTOR + header.llvm_table_sector(),
            header.llvm_table_sectors + header.llvm_sectors,
            header.llvm_checksum,
        )?;
        let stored = table.split_off(header.llvm_table_sectors as usize * SECTOR_SIZE_BYTES);
        let extent = header.llvm_extent();
        let opened = Table::open(&table, extent).ok_or_else(|| self.no_llvm_table())?;
        let mut pages = Vec::with_capacity(extent.stored_pages * clusters::PAGE_SIZE_BYTES);
        let mut buffer = [0; clusters::SIZE_BYTES];
        for cluster in 0..extent.clusters() {
            let stored = opened
                .place(cluster..cluster + 1)
                .and_then(|place| stored.get(place));
            let bytes = stored
                .and_then(|stored| contents(stored, extent.size_bytes(cluster), &mut buffer))
                .ok_or_else(|| {
                    self.no_image(format!("its LLVM is damaged: cluster {cluster} is none"))
                })?;
            pages.extend_from_slice(bytes);
        }
        Ok(LlvmPages {
            table,
            pages,
            extent,
        })
    }

    /// Which pages of LLVM the image has, by their numbers from LLVM's first on. They themselves are not read.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if their table is cut or damaged.
    pub fn stored_pages(&self) -> Result<PageSet, ImageError> {
        let header = &self.header;
        let bytes = self.sectors(
            "table of LLVM's pages",
            BOOT_PARTITION_SECTOR + header.llvm_table_sector(),
            header.llvm_table_sectors,
            header.llvm_table_checksum,
        )?;
        let extent = header.llvm_extent();
        let table = Table::open(&bytes, extent).ok_or_else(|| self.no_llvm_table())?;
        let mut stored = PageSet::new(extent.pages);
        for number in (0..).map_while(|position| table.page(position)) {
            stored.insert(number);
        }
        Ok(stored)
    }

    /// What boots of the image have touched of LLVM; `None` if none has written it down.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if the volume cannot be read.
    pub fn record(&self) -> Result<Option<Record>, ImageError> {
        let Some(mut volume) = self.volume()? else {
            return Ok(None);
        };
        let owner = Owner::of(&self.header);
        let mut newest: Option<Record> = None;
        for name in RECORD_NAMES {
            let file = volume
                .open_folder(RECORD_FOLDER)
                .and_then(|folder| volume.find(folder, name))
                .and_then(|file| volume.read(&file));
            let bytes = match file {
                Ok(bytes) => bytes,
                Err(VolumeError::NotFound) => continue,
                Err(error) => return Err(self.no_image(format!("its record of touches: {error}"))),
            };
            // As the kernel does it: what is no record is none.
            let record = Record::decode(&bytes, &owner).ok();
            let weight = |record: &Option<Record>| record.as_ref().map(Record::weight);
            if weight(&record) > weight(&newest) {
                newest = record;
            }
        }
        Ok(newest)
    }

    /// The boot stages: the code of stage 1, and stage 2.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] if the image ends before they do.
    pub(super) fn stages(&self) -> Result<(Vec<u8>, Vec<u8>), ImageError> {
        let read = |sector: u32, size_bytes: usize| {
            let mut bytes = vec![0; size_bytes];
            self.file
                .read_exact_at(&mut bytes, offset(sector))
                .map_err(|error| self.no_image(reason(&error)))?;
            Ok::<_, ImageError>(bytes)
        };
        Ok((
            read(0, STAGE1_LIMIT_BYTES)?,
            read(STAGE2_SECTOR, STAGE2_SIZE_BYTES)?,
        ))
    }

    /// The image's own file.
    pub(super) fn file(&self) -> &File {
        &self.file
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
        let disk = self
            .file
            .try_clone()
            .and_then(FileDisk::new)
            .map_err(|error| self.no_image(error.to_string()))?;
        let partition = match Partition::find_fat16(disk) {
            Ok(partition) => partition,
            Err(PartitionError::NoFat16) => return Ok(None),
            Err(error) => return Err(self.no_image(error.to_string())),
        };
        Volume::mount(partition)
            .map(Some)
            .map_err(|error| self.no_image(format!("its FAT16 volume: {error}")))
    }

    fn no_llvm_table(&self) -> ImageError {
        self.no_image("its table of LLVM's pages is cut".into())
    }

    fn no_image(&self, reason: String) -> ImageError {
        ImageError::NoImage {
            path: self.path.clone(),
            reason,
        }
    }
}

/// The pages of LLVM that an image has, with their table.
#[derive(Debug)]
pub struct LlvmPages {
    table: Vec<u8>,
    /// One behind the other, decompressed.
    pages: Vec<u8>,
    extent: Extent,
}

impl LlvmPages {
    /// How the image stores them.
    pub(super) fn storage(&self) -> Storage {
        self.extent.storage()
    }

    /// The pages, each with its number.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let table = Table::open(&self.table, self.extent);
        let table = table.expect("it was checked when it was read");
        let contents = self.pages.chunks(clusters::PAGE_SIZE_BYTES);
        (0..)
            .map_while(move |position| table.page(position))
            .zip(contents)
    }

    /// The table of functions, which begins with this page.
    pub fn symbols(&self, first_page: usize) -> Vec<u8> {
        let pages = self.iter().filter(|(number, _)| *number >= first_page);
        pages.flat_map(|(_, contents)| contents).copied().collect()
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
