use super::*;

use bareflow_pager::{PageSet, Record};

fn with_large_file() -> Vec<u8> {
    let mut builder = Builder::of(&bundle()).unwrap();
    let contents: Vec<u8> = (0..3_000_000).map(|index| (index / 9) as u8).collect();
    builder.add("file/large", &contents);
    builder.finish()
}

/// An image with a table of functions, whose boots have used page 1 and written a snapshot.
fn booted() -> Made {
    booted_with(ImageSize::Bytes(64 << 20).into())
}

pub(super) fn booted_with(options: ImageOptions) -> Made {
    let made = make(64_u64 << 20).unwrap();
    append_symbols(&made.kernel).unwrap();
    let image = DiskImage {
        stages: &stages(),
        kernel: &made.kernel,
        bundle: &with_large_file(),
        options,
    };
    image.write(&made.image).unwrap();
    let header = ImageFile::open(&made.image).unwrap().header;
    let mut used = PageSet::new(header.llvm_pages as usize);
    used.insert(1);
    let record = Record {
        clusters: vec![0],
        used,
    };
    let file = fs::File::options().read(true).write(true).open(&made.image);
    let disk = FileDisk::new(file.unwrap()).unwrap();
    let mut volume = Volume::mount(Partition::find_fat16(disk).unwrap()).unwrap();
    let folder = volume.open_folder("boot").unwrap();
    let bytes = record.encode(header.llvm_table_checksum);
    volume
        .create(folder, "touch_b.rec", &bytes, Timestamp::FIRST)
        .unwrap();
    let folder = volume.open_folder("data").unwrap();
    volume
        .create(folder, "kept", &[7; 5000], Timestamp::FIRST)
        .unwrap();
    let folder = volume.open_folder("boot/snapshots").unwrap();
    volume
        .create(folder, "boot_001.snap", &[1; 9000], Timestamp::FIRST)
        .unwrap();
    made
}

#[test]
fn a_used_only_image_has_what_was_used_and_what_is_essential() {
    let made = booted();
    let source = ImageFile::open(&made.image).unwrap();
    assert_eq!(source.record().unwrap().unwrap().used.len(), 1);
    let path = made.image.with_extension("used");
    let shrunk = shrink(&source, &path, Snapshots::Kept).unwrap();
    assert_eq!((shrunk.bytes, shrunk.kept_bytes), (5 * 4096, 3 * 4096));

    let image = ImageFile::open(&path).unwrap();
    assert_eq!(image.size_bytes, source.size_bytes);
    assert_eq!(image.kernel().unwrap(), source.kernel().unwrap());
    assert_eq!(image.bundle().unwrap(), source.bundle().unwrap());
    assert!(image.bundle_with_files().unwrap() == with_large_file());
    let llvm = image.llvm().unwrap();
    let pages: Vec<usize> = llvm.iter().map(|(number, _)| number).collect();
    assert_eq!(pages, [0, 1, 4]);
    assert!(
        llvm.iter()
            .take(2)
            .all(|(_, contents)| contents == [0x90; 4096])
    );
    let symbols = llvm.symbols(4);
    let names: Vec<&str> = SymbolTable::open(&symbols)
        .unwrap()
        .iter()
        .map(|symbol| symbol.name)
        .collect();
    assert_eq!(names, ["_start", "llvm::Value::getName"]);

    // It can be shrunk again, when it has been booted.
    let record = image.record().unwrap().unwrap();
    assert_eq!((&record.clusters[..], record.used.len()), (&[0][..], 0));
    let again = shrink(&image, &made.image, Snapshots::Kept);
    assert!(matches!(again, Err(ImageError::NothingKnown { .. })));
}

#[test]
fn the_volume_of_a_used_only_image_is_the_other_ones() {
    let made = booted();
    let source = ImageFile::open(&made.image).unwrap();
    let path = made.image.with_extension("used");
    for (snapshots, count) in [(Snapshots::Kept, 1), (Snapshots::Dropped, 0)] {
        shrink(&source, &path, snapshots).unwrap();
        let image = ImageFile::open(&path).unwrap();
        let mut volume = image.volume().unwrap().unwrap();
        let first = volume.device().first_sector();
        let bytes = fs::read(&path).unwrap();
        let boot_sector = sector(&bytes, first as u32);
        assert_eq!(boot_sector[28..32], (first as u32).to_le_bytes());
        let folder = volume.open_folder("data").unwrap();
        let file = volume.find(folder, "kept").unwrap();
        assert_eq!(volume.read(&file).unwrap(), [7; 5000]);
        let folder = volume.open_folder("boot/snapshots").unwrap();
        assert_eq!(volume.list(folder).unwrap().len(), count);
    }
}

#[test]
fn an_image_is_shrunk_only_if_it_is_known_what_it_uses() {
    let made = make(ImageSize::Smallest).unwrap();
    let source = ImageFile::open(&made.image).unwrap();
    let path = made.image.with_extension("used");
    let refused = shrink(&source, &path, Snapshots::Kept).unwrap_err();
    assert!(refused.to_string().contains("no boot of"));
    assert!(!path.exists());

    let made = booted();
    let image = fs::read(&made.image).unwrap();
    let header = ImageFile::open(&made.image).unwrap().header;
    let start = (BOOT_PARTITION_SECTOR + header.llvm_sector()) as usize * SECTOR_SIZE_BYTES;
    let mut damaged = image;
    damaged[start + 5] ^= 1;
    fs::write(&made.image, damaged).unwrap();
    let source = ImageFile::open(&made.image).unwrap();
    let refused = shrink(&source, &path, Snapshots::Kept).unwrap_err();
    assert!(refused.to_string().contains("LLVM is damaged"), "{refused}");
}
