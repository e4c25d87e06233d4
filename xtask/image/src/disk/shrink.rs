//! Used-only images: those pages of LLVM that boots of another image have used, and everything else of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bareflow_boot_layout::clusters::{self, PAGE_SIZE_BYTES};
use bareflow_boot_layout::symbols::{self, Symbol, SymbolTable};
use bareflow_boot_layout::{BOOT_PARTITION_SECTOR, KernelHeader, SECTOR_SIZE_BYTES};
use bareflow_pager::{PageSet, RECORD_FOLDER, RECORD_NAMES, Record};
use bareflow_snapshot::FOLDER as SNAPSHOT_FOLDER;
use bareflow_volume::{BlockDevice, Partition, Timestamp, Volume, VolumeError};

use super::blueprint::{self, Blueprint, LlvmPart, SectorRange};
use super::file_disk::FileDisk;
use super::read::LlvmPages;
use super::{ImageError, ImageFile, PARTITION_ALIGNMENT_SECTORS, is_zero};

/// Where a FAT volume says how many sectors lie before it (Microsoft, "FAT: General Overview of On-Disk Format",
/// 1.03: `BPB_HiddSec`).
const HIDDEN_SECTORS_OFFSET: u64 = 28;
/// What is copied at once; what is zero of it takes no room on the host.
const BLOCK_SIZE_BYTES: u64 = 64 << 10;

/// Whether a used-only image goes on from what boots of the other have learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshots {
    /// It has their snapshots.
    Kept,
    /// Its first boot starts without.
    Dropped,
}

/// What became of LLVM, the table of functions included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// Bytes of pages in the image that was booted, before they are compressed.
    pub bytes: u64,
    /// Bytes of pages in the used-only image.
    pub kept_bytes: u64,
}

/// Writes a used-only image of `source`: of LLVM only those pages that its boots have used, and the
/// essential ones, compressed if those of `source` are. Its volume comes along, but
/// for the record of touches, which is about `source`, and for snapshots if they are not wanted; the record that it
/// gets has a boot that uses LLVM read all of it at once.
///
/// # Errors
/// [`ImageError`]: nothing is known of boots of `source`, it is damaged, or the image cannot be written.
pub fn shrink(source: &ImageFile, path: &Path, snapshots: Snapshots) -> Result<Shrunk, ImageError> {
    let nothing_known = || ImageError::NothingKnown {
        path: source.path.clone(),
    };
    let record = source.record()?.filter(|record| !record.used.is_empty());
    let record = record.ok_or_else(nothing_known)?;
    let mut volume = source.volume()?.ok_or_else(nothing_known)?;
    let volume = SectorRange {
        // Both fit: they are from a partition table.
        start: volume.device().first_sector() as u32,
        count: volume.device().sector_count() as u32,
    };
    let mut header = source.header;
    let mut wanted = record.used;
    for range in header.llvm_essential {
        (range.first..range.end).for_each(|page| wanted.insert(page as usize));
    }
    let llvm = kept(&source.llvm()?, &header, &wanted).map_err(ImageError::Compression)?;
    llvm.describe(&mut header);
    let start = blueprint::boot_end(&header).next_multiple_of(PARTITION_ALIGNMENT_SECTORS);
    let target = SectorRange { start, ..volume };
    let (stage1, stage2) = source.stages()?;
    let image = Blueprint {
        stage1: &stage1,
        stage2: &stage2,
        header,
        core: &source.kernel()?,
        bundle: &source.bundle()?,
        llvm: &llvm,
        volume: Some(target),
        size_bytes: Some(u64::from(start + volume.count) * SECTOR_SIZE_BYTES as u64),
    };
    let files_of = |header: &KernelHeader| SectorRange {
        start: BOOT_PARTITION_SECTOR + header.files_sector(),
        count: header.files_sectors,
    };
    let written = image.write(path, |file| {
        // The checksums of the files come along in the bundle.
        let files = files_of(&header);
        copy(source.file(), files_of(&source.header), file, files)?;
        copy(source.file(), volume, file, target)?;
        file.write_all_at(
            &target.start.to_le_bytes(),
            offset(target.start) + HIDDEN_SECTORS_OFFSET,
        )?;
        adopt(FileDisk::new(file.try_clone()?)?, &header, snapshots).map_err(io::Error::other)
    });
    written?;
    Ok(Shrunk {
        bytes: page_bytes(&source.header),
        kept_bytes: page_bytes(&header),
    })
}

/// The pages of LLVM in an image, in bytes, however it stores them.
fn page_bytes(header: &KernelHeader) -> u64 {
    u64::from(header.llvm_stored_pages) * PAGE_SIZE_BYTES as u64
}

/// The pages that are wanted, and behind them the names of the functions in them and in the core, stored as `all` are.
fn kept(all: &LlvmPages, header: &KernelHeader, wanted: &PageSet) -> io::Result<LlvmPart> {
    let own_pages = header.llvm_own_pages as usize;
    let mut pages = Vec::new();
    let mut numbers: Vec<u16> = Vec::new();
    for (number, contents) in all.iter().take_while(|(number, _)| *number < own_pages) {
        if wanted.contains(number) {
            pages.extend_from_slice(contents);
            numbers.push(number_of(number));
        }
    }
    let symbols = all.symbols(own_pages);
    let window = header.llvm_window;
    let is_kept = |symbol: &Symbol| match symbol.address.checked_sub(window) {
        None => true,
        Some(offset) => wanted.contains(offset as usize / PAGE_SIZE_BYTES),
    };
    let table = SymbolTable::open(&symbols).unwrap_or(SymbolTable::EMPTY);
    let mut kept: Vec<Symbol> = table.iter().filter(is_kept).collect();
    let mut table = symbols::build(&mut kept);
    table.resize(table.len().next_multiple_of(PAGE_SIZE_BYTES), 0);
    let end = own_pages + table.len() / PAGE_SIZE_BYTES;
    numbers.extend((own_pages..end).map(number_of));
    pages.append(&mut table);
    LlvmPart::new(pages, Some(&numbers), end as u32, all.storage())
}

/// The kernel has no room for more pages than 16 bits count.
fn number_of(page: usize) -> u16 {
    u16::try_from(page).expect("an image has fewer pages of LLVM")
}

fn offset(sector: u32) -> u64 {
    u64::from(sector) * SECTOR_SIZE_BYTES as u64
}

/// Copies sectors to a place that holds zeros.
fn copy(source: &File, from: SectorRange, file: &File, to: SectorRange) -> io::Result<()> {
    let mut block = vec![0; BLOCK_SIZE_BYTES as usize];
    let end = offset(from.count);
    for start in (0..end).step_by(block.len()) {
        let block = &mut block[..(end - start).min(BLOCK_SIZE_BYTES) as usize];
        source.read_exact_at(block, offset(from.start) + start)?;
        if !is_zero(block) {
            file.write_all_at(block, offset(to.start) + start)?;
        }
    }
    Ok(())
}

/// Makes the volume that of an image with this header: what boots of the other have touched does not count, and all
/// that they have used is likely to be used again.
fn adopt(disk: FileDisk, header: &KernelHeader, snapshots: Snapshots) -> Result<(), VolumeError> {
    let mut volume = Volume::mount(Partition::find_fat16(disk)?)?;
    let folder = volume.open_folder(RECORD_FOLDER)?;
    for name in RECORD_NAMES {
        match volume.delete(folder, name) {
            Ok(()) | Err(VolumeError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    let pages = header.llvm_pages as usize;
    let own_pages = header.llvm_stored_pages as usize - (pages - header.llvm_own_pages as usize);
    let record = Record {
        clusters: (0..number_of(own_pages.div_ceil(clusters::PAGES))).collect(),
        used: PageSet::new(pages),
    };
    let bytes = record.encode(header.llvm_table_checksum);
    volume.create(folder, RECORD_NAMES[0], &bytes, Timestamp::FIRST)?;
    if snapshots == Snapshots::Dropped {
        let folder = volume.open_folder(SNAPSHOT_FOLDER)?;
        for file in volume.list(folder)? {
            volume.delete(folder, file.name())?;
        }
    }
    Ok(())
}
