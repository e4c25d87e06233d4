mod compressing;
mod shrinking;

use super::*;
use bareflow_boot_layout::{BOOT_PARTITION_SECTOR, BOOT_PARTITION_TYPE, FAT16_PARTITION_TYPE};

use std::fs;
use std::io;
use std::path::PathBuf;

use bareflow_boot_layout::files::BLOCK_SIZE_BYTES;
use bareflow_boot_layout::symbols::SymbolTable;
use bareflow_build::symbols::append as append_symbols;
use bareflow_bundle::{Builder, FILE, MODULE};
use bareflow_volume::ram_disk::RamDisk;
use bareflow_volume::{Partition, Timestamp, Volume};

const ENTRY: u64 = 0x10_0018;
const CODE: &[u8] = b"the kernel's code";
const LLVM: &[u8] = &[0x90; 13_000];
const LLVM_START: u64 = 0x10_3000;
const LLVM_WINDOW: u64 = 0x4a00_0000;

/// Numbers of an ELF file, one behind the other, with their sizes in bytes.
fn fields(numbers: &[(u64, usize)]) -> Vec<u8> {
    let bytes = numbers
        .iter()
        .flat_map(|(number, size)| number.to_le_bytes().into_iter().take(*size));
    bytes.collect()
}

/// A kernel with a core, larger in memory than in the file, with LLVM, and with the symbols of the linker script
/// (<https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>).
fn kernel() -> Vec<u8> {
    const HEADER_BYTES: usize = 64;
    const PROGRAM_HEADER_BYTES: usize = 56;
    const SECTION_HEADER_BYTES: usize = 64;
    const SYMBOL_BYTES: usize = 24;
    const FUNCTION: u64 = 2;

    let named = [
        ("", 0, 0, 0),
        ("__working_memory", 0, 0x20_0000, 0),
        ("__llvm_load_start", 0, LLVM_START, 0),
        ("__llvm_load_end", 0, LLVM_START + 0x4000, 0),
        ("__llvm_window", 0, LLVM_WINDOW, 0),
        ("__llvm_window_end", 0, LLVM_WINDOW + 0x4000, 0),
        ("__llvm_essential_text_end", 0, LLVM_WINDOW + 0x10, 0),
        ("__llvm_rodata_start", 0, LLVM_WINDOW + 0x3000, 0),
        ("__llvm_essential_rodata_end", 0, LLVM_WINDOW + 0x3000, 0),
        ("__llvm_pages_data_start", 0, LLVM_WINDOW + 0x4000, 0),
        ("_ZNK4llvm5Value7getNameEv", FUNCTION, LLVM_WINDOW, 16),
        ("unused", FUNCTION, LLVM_WINDOW + 0x2008, 16),
        ("_start", FUNCTION, ENTRY, 16),
    ];
    let (mut names, mut symbols) = (Vec::new(), Vec::new());
    for (name, kind, value, size) in named {
        let section = if name.is_empty() { 0 } else { 0xfff1 };
        symbols.extend(fields(&[
            (names.len() as u64, 4),
            (if name.is_empty() { 0 } else { 1 << 4 | kind }, 1),
            (0, 1),
            (section, 2),
            (value, 8),
            (size, 8),
        ]));
        names.extend_from_slice(name.as_bytes());
        names.push(0);
    }
    let code_offset = HEADER_BYTES + 3 * PROGRAM_HEADER_BYTES;
    let symbols_offset = code_offset + CODE.len() + LLVM.len();
    let names_offset = symbols_offset + symbols.len();
    let sections_offset = names_offset + names.len();
    let section = |kind: u64, offset: usize, size: usize, link: u64, entry: usize| {
        let (offset, size, entry) = ((offset as u64, 8), (size as u64, 8), (entry as u64, 8));
        let start = [(0, 4), (kind, 4), (0, 8), (0, 8), offset, size, (link, 4)];
        fields(&[&start[..], &[(1, 4), (1, 8), entry]].concat())
    };
    let header = [
        (u64::from_le_bytes(*b"\x7fELF\x02\x01\x01\0"), 8),
        (0, 8),
        (2, 2),  // an executable
        (62, 2), // for x86-64
        (1, 4),
        (ENTRY, 8),
        (HEADER_BYTES as u64, 8),
        (sections_offset as u64, 8),
        (0, 4),
        (HEADER_BYTES as u64, 2),
        (PROGRAM_HEADER_BYTES as u64, 2),
        (3, 2),
        (SECTION_HEADER_BYTES as u64, 2),
        (3, 2),
        (2, 2),
    ];
    let load = |offset: usize, address: u64, physical: u64, size: usize, memory: u64| {
        let size = size as u64;
        let place = [(offset as u64, 8), (address, 8), (physical, 8)];
        fields(
            &[
                &[(1, 4), (5, 4)],
                &place[..],
                &[(size, 8), (memory, 8), (16, 8)],
            ]
            .concat(),
        )
    };
    let llvm_offset = code_offset + CODE.len();
    [
        fields(&header),
        load(code_offset, 0x10_0000, 0x10_0000, CODE.len(), 0x3000),
        load(llvm_offset, LLVM_WINDOW, LLVM_START, LLVM.len(), 0x4000),
        vec![0; PROGRAM_HEADER_BYTES],
        CODE.to_vec(),
        LLVM.to_vec(),
        symbols.clone(),
        names.clone(),
        vec![0; SECTION_HEADER_BYTES],
        section(2, symbols_offset, symbols.len(), 2, SYMBOL_BYTES),
        section(3, names_offset, names.len(), 0, 0),
    ]
    .concat()
}

fn stages() -> BootStages {
    BootStages {
        stage1: vec![0xfa; 300],
        stage2: vec![0xfb; 4096],
    }
}

fn bundle() -> Vec<u8> {
    let mut builder = Builder::default();
    builder.add(&format!("{MODULE}a.bc"), &[7; 5000]);
    builder.add(&format!("{FILE}etc/motd"), b"hello\n");
    builder.finish()
}

struct Made {
    _folder: tempfile::TempDir,
    kernel: PathBuf,
    image: PathBuf,
}

fn make(options: impl Into<ImageOptions<'static>>) -> Result<Made, ImageError> {
    let folder = tempfile::tempdir().unwrap();
    let made = Made {
        kernel: folder.path().join("kernel"),
        image: folder.path().join("disk.img"),
        _folder: folder,
    };
    fs::write(&made.kernel, kernel()).unwrap();
    let image = DiskImage {
        stages: &stages(),
        kernel: &made.kernel,
        bundle: &bundle(),
        options: options.into(),
    };
    image.write(&made.image).map(|()| made)
}

fn sector(image: &[u8], sector: u32) -> &[u8; SECTOR_SIZE_BYTES] {
    image[sector as usize * SECTOR_SIZE_BYTES..]
        .first_chunk()
        .unwrap()
}

#[test]
fn everything_is_where_the_boot_stages_look_for_it() {
    let made = make(64_u64 << 20).unwrap();
    let image = fs::read(&made.image).unwrap();
    assert_eq!(image.len(), 64 << 20);
    assert_eq!(&image[510..512], &[0x55, 0xaa]);
    assert_eq!(image[446], 0x80);
    assert_eq!(image[450], BOOT_PARTITION_TYPE);
    assert_eq!(image[454..458], BOOT_PARTITION_SECTOR.to_le_bytes());
    assert_eq!(image[466], FAT16_PARTITION_TYPE);
    assert_eq!(&image[512..512 + 4096], &[0xfb; 4096]);

    let header = KernelHeader::from_sector(sector(&image, BOOT_PARTITION_SECTOR)).unwrap();
    assert_eq!(header.load_address, 0x10_0000);
    assert_eq!(u64::from(header.entry), ENTRY);
    assert_eq!(header.kernel_sectors, 1);
    let kernel = sector(&image, BOOT_PARTITION_SECTOR + 1);
    assert!(kernel.starts_with(CODE));
    assert_eq!(Checksum::of(kernel), header.kernel_checksum);
    assert_eq!(header.bundle_address, 0x10_3000);
    let start = (BOOT_PARTITION_SECTOR + 2) as usize * SECTOR_SIZE_BYTES;
    let sectors = &image[start..][..header.bundle_sectors as usize * SECTOR_SIZE_BYTES];
    assert_eq!(Checksum::of(sectors), header.bundle_checksum);
    assert_eq!(sectors[..header.bundle_size_bytes as usize], bundle());
    assert_eq!(
        header.memory_end,
        header.bundle_address + sectors.len() as u32 + 0x20_0000
    );

    let part = |offset: u32, sectors: u32| {
        let start = (BOOT_PARTITION_SECTOR + offset) as usize * SECTOR_SIZE_BYTES;
        &image[start..][..sectors as usize * SECTOR_SIZE_BYTES]
    };
    let llvm = part(header.llvm_sector(), header.llvm_sectors);
    assert_eq!(llvm.len(), 0x4000);
    assert!(llvm.starts_with(LLVM));
    let table = part(header.llvm_table_sector(), header.llvm_table_sectors);
    assert_eq!(Checksum::of(table), header.llvm_table_checksum);
    let mut both = Checksum::of(table);
    both.add(llvm);
    assert_eq!(both, header.llvm_checksum);
    let table = clusters::Table::open(table, header.llvm_extent()).unwrap();
    assert_eq!(table.checksum(0), Some(Checksum::of(llvm)));
    assert_eq!((header.llvm_pages, header.llvm_own_pages), (4, 4));
    assert_eq!(u64::from(header.llvm_window), LLVM_WINDOW);
    let essential = header.llvm_essential.map(|range| (range.first, range.end));
    assert_eq!(essential, [(0, 1), (3, 3), (4, 4)]);
    assert_eq!(header.llvm_address, header.bundle_address + 0x2000);
}

#[test]
fn the_fat_volume_has_two_folders_and_no_copies() {
    let made = make(64_u64 << 20).unwrap();
    let image = fs::read(&made.image).unwrap();
    let start = u32::from_le_bytes(*image[470..].first_chunk().unwrap()) as usize;
    let volume = io::Cursor::new(image[start * SECTOR_SIZE_BYTES..].to_vec());
    let volume = fatfs::FileSystem::new(volume, fatfs::FsOptions::new()).unwrap();
    assert_eq!(volume.fat_type(), fatfs::FatType::Fat16);
    let names: Vec<String> = volume
        .root_dir()
        .iter()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["boot", "data"]);
    assert!(volume.root_dir().open_dir("boot/snapshots").is_ok());
}

#[test]
fn the_kernel_finds_the_volume_and_can_write_snapshots() {
    let made = make(64_u64 << 20).unwrap();
    let disk = RamDisk::new(fs::read(&made.image).unwrap());
    let mut volume = Volume::mount(Partition::find_fat16(disk).unwrap()).unwrap();
    assert!(!volume.recovery().is_needed());
    let folder = volume.open_folder("boot/snapshots").unwrap();
    volume
        .create(folder, "boot_001.snap", &[1; 9000], Timestamp::FIRST)
        .unwrap();
}

#[test]
fn the_same_inputs_make_the_same_sparse_image() {
    let [first, second] = [(); 2].map(|()| make(DEFAULT_SIZE_BYTES).unwrap());
    let blocks = |made: &Made| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(&made.image).unwrap().blocks()
    };
    assert!(blocks(&first) * 512 < 4 << 20);
    assert!(fs::read(&first.image).unwrap() == fs::read(&second.image).unwrap());
}

#[test]
fn an_image_that_is_too_small_says_how_large_it_must_be() {
    let Err(ImageError::TooSmall { needed_mib, .. }) = make(1_u64 << 20) else {
        panic!("a small image was made");
    };
    assert!(make(needed_mib << 20).is_ok());
    assert!(make((needed_mib - 1) << 20).is_err());
}

#[test]
fn an_image_that_is_too_large_for_fat16_is_refused() {
    let Err(ImageError::TooLarge { limit_mib, .. }) = make(4_u64 << 30) else {
        panic!("4 GiB are more than FAT16 has");
    };
    assert!(make(limit_mib << 20).is_ok());
}

#[test]
fn what_is_not_a_kernel_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kernel");
    fs::write(&path, b"#!/bin/sh\n").unwrap();
    let image = DiskImage {
        stages: &stages(),
        kernel: &path,
        bundle: &[],
        options: ImageSize::Bytes(64 << 20).into(),
    };
    let error = image.write(&folder.path().join("image")).unwrap_err();
    assert!(matches!(error, ImageError::Kernel { .. }));
    assert!(!folder.path().join("image").exists());
}

#[test]
fn symbols_become_the_last_part_of_llvm() {
    let made = make(64_u64 << 20).unwrap();
    append_symbols(&made.kernel).unwrap();
    let flat = super::elf::FlatKernel::read(&made.kernel).unwrap();
    let table = SymbolTable::open(&flat.llvm[0x4000..]).unwrap();
    assert_eq!(
        table.find(0x4a00_0008).unwrap().name,
        "llvm::Value::getName"
    );
    assert!(append_symbols(&made.kernel).is_err());
}

#[test]
fn the_smallest_image_ends_behind_the_bundle_or_with_the_first_cylinder() {
    let made = make(ImageSize::Smallest).unwrap();
    let image = fs::read(&made.image).unwrap();
    assert_eq!(image.len(), 16 * 63 * SECTOR_SIZE_BYTES);
    assert_eq!(image[450], BOOT_PARTITION_TYPE);
    assert_eq!(image[466], 0);
    let read = ImageFile::open(&made.image).unwrap();
    assert_eq!(read.bundle().unwrap(), bundle());
    assert!(read.volume().unwrap().is_none());
}

#[test]
fn an_image_is_read_back() {
    let made = make(64_u64 << 20).unwrap();
    let read = ImageFile::open(&made.image).unwrap();
    assert!(read.kernel().unwrap().starts_with(CODE));
    assert_eq!(read.bundle().unwrap(), bundle());
    assert!(read.volume().unwrap().is_some());
}

/// A bundle with a file of this size on the host and a small one, and the bundle that a loader would get.
fn with_files(folder: &Path, size_bytes: usize) -> [Vec<u8>; 2] {
    let path = folder.join("large");
    let mut contents: Vec<u8> = (0..size_bytes).map(|index| (index / 3) as u8).collect();
    // A block that takes no room.
    let end = size_bytes.min(2 * BLOCK_SIZE_BYTES);
    contents[size_bytes.min(BLOCK_SIZE_BYTES)..end].fill(0);
    fs::write(&path, &contents).unwrap();
    let [mut given, mut whole] = [(); 2].map(|()| Builder::of(&bundle()).unwrap());
    given.add("host-file/l/large", path.as_os_str().as_encoded_bytes());
    whole.add("file/l/large", &contents);
    [given, whole].map(|builder| builder.finish())
}

fn make_with_files(
    size_bytes: usize,
    size: ImageSize,
) -> (tempfile::TempDir, PathBuf, Result<Vec<u8>, ImageError>) {
    let folder = tempfile::tempdir().unwrap();
    let kernel_path = folder.path().join("kernel");
    fs::write(&kernel_path, kernel()).unwrap();
    let [given, whole] = with_files(folder.path(), size_bytes);
    let image = DiskImage {
        stages: &stages(),
        kernel: &kernel_path,
        bundle: &given,
        options: size.into(),
    };
    let path = folder.path().join("image");
    let written = image.write(&path).map(|()| whole);
    (folder, path, written)
}

#[test]
fn small_files_are_in_the_bundle_and_large_ones_beside_it() {
    let large = 40 * BLOCK_SIZE_BYTES + 5;
    for (size_bytes, sectors) in [(1000, 0), (large, large.div_ceil(512) + 1)] {
        let (_folder, path, whole) = make_with_files(size_bytes, ImageSize::Smallest);
        let read = ImageFile::open(&path).unwrap();
        let whole = whole.unwrap();
        assert_eq!(read.header.files_sectors as usize, sectors);
        assert_eq!(read.bundle().unwrap() == whole, sectors == 0);
        assert!(read.bundle_with_files().unwrap() == whole);
        assert!(read.bundle().unwrap().len() < 20_000);
    }
}

#[test]
fn a_damaged_file_of_an_image_is_named() {
    let (_folder, path, _) = make_with_files(2 << 20, ImageSize::Bytes(64 << 20));
    let header = ImageFile::open(&path).unwrap().header;
    let mut bytes = fs::read(&path).unwrap();
    let start = (BOOT_PARTITION_SECTOR + header.files_sector()) as usize * SECTOR_SIZE_BYTES;
    bytes[start + 1_000_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = ImageFile::open(&path).unwrap().bundle_with_files();
    let text = error.unwrap_err().to_string();
    assert!(text.contains("/l/large is damaged"), "{text}");
}

#[test]
fn files_that_do_not_fit_make_an_image_larger_or_none() {
    let size = 20_u64 << 20;
    let (_folder, path, error) = make_with_files(30 << 20, ImageSize::Bytes(size));
    assert!(matches!(
        error,
        Err(ImageError::TooSmall {
            needed_mib: 46..52,
            ..
        })
    ));
    assert!(!path.exists());
    let (_folder, path, _) = make_with_files(30 << 20, ImageSize::AtLeast(size));
    let size_bytes = ImageFile::open(&path).unwrap().size_bytes;
    assert!((46 << 20..52 << 20).contains(&size_bytes), "{size_bytes}");
}

#[test]
fn what_is_no_image_or_not_a_whole_one_is_refused() {
    let made = make(64_u64 << 20).unwrap();
    let image = fs::read(&made.image).unwrap();
    let header_end = (BOOT_PARTITION_SECTOR as usize + 1) * SECTOR_SIZE_BYTES;
    let refused = |bytes: &[u8]| {
        fs::write(&made.image, bytes).unwrap();
        let read = ImageFile::open(&made.image).and_then(|image| image.bundle());
        let ImageError::NoImage { path, reason } = read.unwrap_err() else {
            panic!("another error");
        };
        assert_eq!(path, made.image);
        reason
    };
    assert_eq!(refused(b"#!/bin/sh\n"), "it ends too early");
    assert!(refused(&[0; 1 << 20]).contains("FLUD"));
    assert!(refused(&image[..header_end + 600]).contains("before its bundle"));
    let cut = ImageFile::open(&made.image).unwrap().check_length();
    assert!(cut.unwrap_err().to_string().contains("it is cut"));
    let mut damaged = image.clone();
    damaged[header_end + SECTOR_SIZE_BYTES + 9] ^= 1;
    assert!(refused(&damaged).contains("bundle is damaged"));
    damaged[header_end - SECTOR_SIZE_BYTES + 9] ^= 1;
    assert!(refused(&damaged).contains("header"));
    assert!(ImageFile::open(made.image.with_extension("no").as_path()).is_err());
}
