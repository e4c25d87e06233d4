//! An image whose parts are known, and how it is written.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use bareflow_boot_layout::clusters::Storage;
use bareflow_boot_layout::{
    BOOT_PARTITION_SECTOR, BOOT_PARTITION_TYPE, Checksum, FAT16_PARTITION_TYPE, KernelHeader,
    SECTOR_SIZE_BYTES, STAGE2_SECTOR, clusters,
};
use lz4::block::CompressionMode;
use mbrman::{BOOT_ACTIVE, BOOT_INACTIVE, CHS, MBR, MBRPartitionEntry};

use super::sectors;
use crate::outputs::{OutputError, OutputFile};

/// One cylinder of 16 heads and 63 sectors: SeaBIOS does not boot from a smaller disk.
const SMALLEST_DISK_SECTORS: u32 = 16 * 63;
/// Of LZ4, the highest: it costs time when an image is made, and nothing when it is read.
const COMPRESSION: CompressionMode = CompressionMode::HIGHCOMPRESSION(12);
/// Identifies the disk; the same for all images, so that they depend on their contents only.
pub(super) const DISK_SIGNATURE: [u8; 4] = *b"BFLW";

#[derive(Clone, Copy, Debug)]
pub(super) struct SectorRange {
    pub(super) start: u32,
    pub(super) count: u32,
}

/// LLVM's pages as they are in an image, with their table.
#[derive(Debug)]
pub(super) struct LlvmPart {
    /// In whole pages.
    table: Vec<u8>,
    /// The clusters, in whole sectors.
    stored: Vec<u8>,
    stored_pages: u32,
    /// How many pages there are, in the image or not.
    count: u32,
}

impl LlvmPart {
    /// Pages one behind the other. `numbers` has the number of each of them if they are not all of the `count` pages.
    ///
    /// # Errors
    /// That compressing fails.
    pub(super) fn new(
        pages: Vec<u8>,
        numbers: Option<&[u16]>,
        count: u32,
        storage: Storage,
    ) -> io::Result<Self> {
        let stored_pages = (pages.len() / clusters::PAGE_SIZE_BYTES) as u32;
        let with = |stored: Vec<u8>, mut table: Vec<u8>| {
            table.resize(table.len().next_multiple_of(clusters::PAGE_SIZE_BYTES), 0);
            Self {
                table,
                stored,
                stored_pages,
                count,
            }
        };
        if storage == Storage::Compressed {
            let clusters = pages.chunks(clusters::SIZE_BYTES).map(compressed);
            let clusters: Vec<Cow<[u8]>> = clusters.collect::<io::Result<_>>()?;
            let mut stored = clusters.concat();
            stored.resize(stored.len().next_multiple_of(SECTOR_SIZE_BYTES), 0);
            // Otherwise nobody would know that it is compressed.
            if stored.len() < pages.len() {
                let clusters = clusters.iter().map(|cluster| &**cluster);
                return Ok(with(stored, clusters::build(clusters, numbers, storage)));
            }
        }
        let table = clusters::build(pages.chunks(clusters::SIZE_BYTES), numbers, Storage::Plain);
        Ok(with(pages, table))
    }

    /// Says in a header where the part is and what it holds.
    pub(super) fn describe(&self, header: &mut KernelHeader) {
        let mut both = Checksum::of(&self.table);
        both.add(&self.stored);
        header.llvm_table_sectors = sectors(self.table.len());
        header.llvm_table_checksum = Checksum::of(&self.table);
        header.llvm_sectors = sectors(self.stored.len());
        header.llvm_checksum = both;
        header.llvm_pages = self.count;
        header.llvm_stored_pages = self.stored_pages;
    }
}

/// A cluster as it takes the least room.
fn compressed(cluster: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    let block = lz4::block::compress(cluster, Some(COMPRESSION), false)?;
    Ok(match block.len() < cluster.len() {
        true => block.into(),
        false => cluster.into(),
    })
}

/// The first sector behind the boot partition's contents.
pub(super) fn boot_end(header: &KernelHeader) -> u32 {
    BOOT_PARTITION_SECTOR + header.files_sector() + header.files_sectors
}

/// Everything of an image but the program's files and what is in its volume.
#[derive(Debug)]
pub(super) struct Blueprint<'a> {
    pub(super) stage1: &'a [u8],
    pub(super) stage2: &'a [u8],
    pub(super) header: KernelHeader,
    pub(super) core: &'a [u8],
    pub(super) bundle: &'a [u8],
    pub(super) llvm: &'a LlvmPart,
    /// The FAT16 volume.
    pub(super) volume: Option<SectorRange>,
    /// The size of the image; as small as it can be if it is not said.
    pub(super) size_bytes: Option<u64>,
}

impl Blueprint<'_> {
    /// Writes the image; a file that is there already is replaced only when the new one is complete. `fill` writes the
    /// files and the volume.
    pub(super) fn write(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        OutputFile::new(path, "--out")?.write(|file| self.write_to(file, fill))
    }

    fn write_to(
        &self,
        file: &mut File,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let header = &self.header;
        file.set_len(self.size_bytes.unwrap_or_else(|| {
            let sectors = boot_end(header).max(SMALLEST_DISK_SECTORS);
            u64::from(sectors) * SECTOR_SIZE_BYTES as u64
        }))?;
        self.write_partition_table(file)?;
        write_at(file, STAGE2_SECTOR, self.stage2)?;
        write_at(file, BOOT_PARTITION_SECTOR, &header.to_sector())?;
        for (offset, bytes) in [
            (1, self.core),
            (1 + header.kernel_sectors, self.bundle),
            (header.llvm_table_sector(), &self.llvm.table),
            (header.llvm_sector(), &self.llvm.stored),
        ] {
            write_at(file, BOOT_PARTITION_SECTOR + offset, bytes)?;
        }
        fill(file)
    }

    fn write_partition_table(&self, file: &mut File) -> io::Result<()> {
        let mut table = MBR::new_from(file, SECTOR_SIZE_BYTES as u32, DISK_SIGNATURE)
            .map_err(io::Error::other)?;
        table.header.bootstrap_code[..self.stage1.len()].copy_from_slice(self.stage1);
        let entry = |boot, sys, starting_lba, sectors| MBRPartitionEntry {
            boot,
            // Nobody addresses by cylinders any more.
            first_chs: CHS::empty(),
            sys,
            last_chs: CHS::empty(),
            starting_lba,
            sectors,
        };
        let boot_end = self
            .volume
            .map_or(boot_end(&self.header), |volume| volume.start);
        table[1] = entry(
            BOOT_ACTIVE,
            BOOT_PARTITION_TYPE,
            BOOT_PARTITION_SECTOR,
            boot_end - BOOT_PARTITION_SECTOR,
        );
        if let Some(SectorRange { start, count }) = self.volume {
            table[2] = entry(BOOT_INACTIVE, FAT16_PARTITION_TYPE, start, count);
        }
        table.write_into(file).map_err(io::Error::other)
    }
}

fn write_at(file: &mut File, sector: u32, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(
        u64::from(sector) * SECTOR_SIZE_BYTES as u64,
    ))?;
    file.write_all(bytes)
}
