//! Others read what we write, and we read what others write.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use bareflow_volume::ram_disk::RamDisk;
use bareflow_volume::{BlockDevice, Partition, SECTOR_SIZE_BYTES, Timestamp, Volume, VolumeError};
use proptest::prelude::*;

use crate::disks::{
    SMALL_SECTORS, add_file, add_folder, assert_fsck_is_silent, format, hadris_complaints, run,
};

const NAMES: [&str; 8] = [
    "boot_001.snap",
    "boot_002.snap",
    "PLAIN.TXT",
    "a name of forty-one characters, or so.text",
    "Grüße, 世界.data",
    ".hidden",
    "two.dots.in it",
    "x",
];

fn timestamp() -> Timestamp {
    Timestamp::new((2026, 11, 21), (10, 30, 12)).unwrap()
}

fn contents_of_all(disk: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let volume = fatfs::FileSystem::new(Cursor::new(disk.to_vec()), fatfs::FsOptions::new());
    let volume = volume.unwrap();
    let folder = volume.root_dir().open_dir("boot/snapshots").unwrap();
    let mut found = BTreeMap::new();
    for entry in folder.iter() {
        let entry = entry.unwrap();
        if !entry.is_file() {
            continue;
        }
        let mut bytes = Vec::new();
        entry.to_file().read_to_end(&mut bytes).unwrap();
        found.insert(entry.file_name(), bytes);
    }
    found
}

#[test]
fn we_read_what_others_write() {
    for sectors_per_cluster in [1, 2, 8] {
        let sectors = SMALL_SECTORS * u32::from(sectors_per_cluster);
        let mut disk = format(sectors, sectors_per_cluster);
        let large: Vec<u8> = (0..70_000_u32).map(|number| number as u8).collect();
        for (index, name) in NAMES.iter().enumerate() {
            add_file(
                &mut disk,
                &format!("files/etc/{name}"),
                &large[..index * 10_000],
            );
        }
        add_folder(&mut disk, "boot/snapshots");
        let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
        assert!(!volume.recovery().is_needed());
        let folder = volume.open_folder("files/etc").unwrap();
        let entries = volume.list(folder).unwrap();
        assert_eq!(entries.len(), NAMES.len());
        for (index, name) in NAMES.iter().enumerate() {
            let entry = volume.find(folder, name).unwrap();
            assert_eq!(entry.name(), *name);
            assert_eq!(volume.read(&entry).unwrap(), &large[..index * 10_000]);
        }
        assert!(volume.find(folder, "BOOT_001.Snap").is_ok());
        assert_eq!(volume.find(folder, "y"), Err(VolumeError::NotFound));
        assert_eq!(
            volume.open_folder("files/etc/x"),
            Err(VolumeError::NotAFolder)
        );
        let root = volume.root();
        let boot = volume.find(root, "boot").unwrap();
        assert_eq!(volume.read(&boot), Err(VolumeError::NotAFile));
    }
}

#[test]
fn mtools_and_fsck_accept_what_we_write() {
    let mut disk = format(SMALL_SECTORS * 4, 4);
    add_folder(&mut disk, "boot/snapshots");
    let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
    let folder = volume.open_folder("boot/snapshots").unwrap();
    for (index, name) in NAMES.iter().enumerate() {
        let contents = vec![index as u8; index * 3000];
        volume.create(folder, name, &contents, timestamp()).unwrap();
    }
    volume.delete(folder, NAMES[3]).unwrap();
    let disk = volume.into_device().contents();
    assert_fsck_is_silent(&disk);
    let Some(list) = run("mdir", &["-b", "-i"], &disk, &["::/boot/snapshots"]) else {
        return;
    };
    assert!(list.is_success, "{}", list.text);
    for (index, name) in NAMES.iter().enumerate() {
        assert_eq!(
            list.text.contains(name),
            index != 3,
            "{name}: {}",
            list.text
        );
    }
    let file = format!("::/boot/snapshots/{}", NAMES[1]);
    let contents = run("mtype", &["-i"], &disk, &[&file]).unwrap();
    assert!(contents.is_success && contents.text.as_bytes() == vec![1; 3000]);
    let text = run("mdir", &["-i"], &disk, &[&file]).unwrap().text;
    assert!(
        text.contains("2026-11-21") && text.contains("10:30"),
        "{text}"
    );
}

#[test]
fn we_read_and_write_what_mkfs_and_mtools_made() {
    let empty = vec![0; 20 << 20];
    for arguments in [["-F", "16", "-f", "1"], ["-F", "16", "-s", "8"]] {
        let Some(made) = run("mkfs.fat", &arguments, &empty, &[]) else {
            return;
        };
        assert!(made.is_success, "{}", made.text);
        let Some(made) = run("mmd", &["-i"], &made.disk, &["::/a folder", "::/UPPER"]) else {
            return;
        };
        let mut source = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut source, &[3; 30_000]).unwrap();
        let source = source.path().to_str().unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &made.disk).unwrap();
        let copied = std::process::Command::new("mcopy")
            .arg("-i")
            .arg(file.path())
            .args([source, "::/a folder/a file.bin"])
            .status();
        assert!(copied.unwrap().success());
        let disk = std::fs::read(file.path()).unwrap();

        let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
        assert!(!volume.recovery().is_needed());
        let folder = volume.open_folder("A Folder").unwrap();
        let entry = volume.find(folder, "a file.bin").unwrap();
        assert_eq!(volume.read(&entry).unwrap(), [3; 30_000]);
        volume.delete(folder, "a file.bin").unwrap();
        let folder = volume.open_folder("upper").unwrap();
        volume
            .create(folder, "boot_001.snap", &[4; 30_000], timestamp())
            .unwrap();
        assert_fsck_is_silent(&volume.into_device().contents());
    }
}

#[test]
fn the_last_cluster_of_the_largest_table_is_used() {
    let mut volume = Volume::mount(RamDisk::new(format(66_060, 1))).unwrap();
    let clusters = volume.free_bytes() / 512;
    assert!(clusters > 65_500, "{clusters} clusters");
    let contents: Vec<u8> = (0..clusters * 512)
        .map(|place| (place / 512) as u8)
        .collect();
    let root = volume.root();
    volume
        .create(root, "all", &contents, Timestamp::FIRST)
        .unwrap();
    let disk = volume.into_device();
    assert_fsck_is_silent(&disk.contents());
    let mut volume = Volume::mount(disk).unwrap();
    let entry = volume.find(root, "all").unwrap();
    assert!(volume.read(&entry).unwrap() == contents);
    assert_eq!(volume.free_bytes(), 0);
}

#[test]
fn the_partition_is_found_in_a_table_that_others_write() {
    const START: u32 = 2048;
    let volume = format(SMALL_SECTORS, 1);
    let mut disk = Cursor::new(vec![0; START as usize * SECTOR_SIZE_BYTES + volume.len()]);
    disk.get_mut()[START as usize * SECTOR_SIZE_BYTES..].copy_from_slice(&volume);
    let mut table = mbrman::MBR::new_from(&mut disk, SECTOR_SIZE_BYTES as u32, *b"BFLW").unwrap();
    let entry = |sys, starting_lba, sectors| mbrman::MBRPartitionEntry {
        boot: mbrman::BOOT_INACTIVE,
        first_chs: mbrman::CHS::empty(),
        sys,
        last_chs: mbrman::CHS::empty(),
        starting_lba,
        sectors,
    };
    table[1] = entry(bareflow_boot_layout::BOOT_PARTITION_TYPE, 64, START - 64);
    table[2] = entry(
        bareflow_boot_layout::FAT16_PARTITION_TYPE,
        START,
        SMALL_SECTORS,
    );
    table.write_into(&mut disk).unwrap();
    let partition = Partition::find_fat16(RamDisk::new(disk.into_inner())).unwrap();
    assert_eq!(partition.first_sector(), u64::from(START));
    assert_eq!(partition.sector_count(), u64::from(SMALL_SECTORS));
    assert!(Volume::mount(partition).is_ok());
}

#[test]
fn a_folder_grows() {
    let mut disk = format(SMALL_SECTORS, 1);
    add_folder(&mut disk, "boot/snapshots");
    let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
    let folder = volume.open_folder("boot/snapshots").unwrap();
    let names: Vec<String> = (0..100)
        .map(|number| format!("boot_{number:03}.snap"))
        .collect();
    for name in &names {
        volume
            .create(folder, name, name.as_bytes(), Timestamp::FIRST)
            .unwrap();
    }
    let disk = volume.into_device().contents();
    assert_fsck_is_silent(&disk);
    let found = contents_of_all(&disk);
    assert_eq!(found.len(), names.len());
    assert!(names.iter().all(|name| found[name] == name.as_bytes()));
}

#[test]
fn the_root_folder_does_not_grow() {
    let mut volume = Volume::mount(RamDisk::new(format(SMALL_SECTORS, 1))).unwrap();
    let root = volume.root();
    let error = (0..1000)
        .find_map(|number| {
            let name = format!("boot_{number:03}.snap");
            volume.create(root, &name, b"x", Timestamp::FIRST).err()
        })
        .unwrap();
    assert_eq!(error, VolumeError::FolderFull);
    assert_fsck_is_silent(&volume.into_device().contents());
}

#[test]
fn what_lies_behind_the_end_of_a_folder_stays_invisible() {
    let mut disk = format(SMALL_SECTORS, 1);
    add_file(&mut disk, "first", b"1");
    // The root folder is behind two tables; other systems need not clear what is behind its end.
    let mut volume = Volume::mount(RamDisk::new(disk.clone())).unwrap();
    let root = volume.root();
    volume.create(root, "mark", b"", Timestamp::FIRST).unwrap();
    let operations = volume.into_device().take_operations();
    let root_start = operations
        .iter()
        .find_map(|operation| match operation {
            bareflow_volume::ram_disk::Operation::Write(sector, _) => Some(*sector as usize),
            _ => None,
        })
        .unwrap();
    let root_bytes = &mut disk[root_start * SECTOR_SIZE_BYTES..][..32 * SECTOR_SIZE_BYTES];
    let end = root_bytes.chunks(32).position(|slot| slot[0] == 0).unwrap();
    for slot in root_bytes.chunks_mut(32).skip(end + 1) {
        slot.fill(b'G');
        slot[11] = 0x20;
    }
    let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
    for number in 0..12 {
        let name = format!("a long name, number {number}, in a few slots");
        volume.create(root, &name, b"x", Timestamp::FIRST).unwrap();
        let mut volume = Volume::mount(RamDisk::new(volume_contents(&mut volume))).unwrap();
        assert_eq!(volume.list(root).unwrap().len(), number + 2);
    }
}

/// The disk of a volume that is still in use.
fn volume_contents(volume: &mut Volume<RamDisk>) -> Vec<u8> {
    volume.device().contents()
}

#[test]
fn names_that_fat_does_not_have_are_refused() {
    let mut volume = Volume::mount(RamDisk::new(format(SMALL_SECTORS, 1))).unwrap();
    let root = volume.root();
    let long = "x".repeat(256);
    for name in [
        "", ".", "..", "a/b", "a\\b", "a:b", "tab\t", "end.", "end ", " start", &long,
    ] {
        let result = volume.create(root, name, b"", Timestamp::FIRST);
        assert_eq!(result, Err(VolumeError::BadName), "{name:?}");
    }
    assert!(
        volume
            .create(root, &long[1..], b"", Timestamp::FIRST)
            .is_ok()
    );
    let result = volume.create(root, &long[1..], b"", Timestamp::FIRST);
    assert_eq!(result, Err(VolumeError::AlreadyExists));
    assert_fsck_is_silent(&volume.into_device().contents());
}

#[test]
fn a_full_volume_refuses_and_keeps_everything() {
    let mut volume = Volume::mount(RamDisk::new(format(SMALL_SECTORS, 1))).unwrap();
    let root = volume.root();
    let free = volume.free_bytes();
    let contents = vec![7; free as usize];
    volume
        .create(root, "all", &contents, Timestamp::FIRST)
        .unwrap();
    assert_eq!(volume.free_bytes(), 0);
    let full = VolumeError::Full {
        needed_bytes: 512,
        free_bytes: 0,
    };
    volume.device().take_operations();
    let result = volume.create(root, "more", b"x", Timestamp::FIRST);
    assert_eq!(result, Err(full));
    assert_eq!(volume.device().take_operations(), []);
    let entry = volume.find(root, "all").unwrap();
    assert_eq!(volume.read(&entry).unwrap(), contents);
    volume.delete(root, "all").unwrap();
    assert_eq!(volume.free_bytes(), free);
}

#[derive(Clone, Debug)]
enum Step {
    Create(usize, usize),
    Delete(usize),
    Remount,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..NAMES.len(), 0_usize..20_000).prop_map(|(name, size)| Step::Create(name, size)),
        3 => (0..NAMES.len()).prop_map(Step::Delete),
        1 => Just(Step::Remount),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn others_see_what_a_model_says(steps in prop::collection::vec(step(), 0..40)) {
        let mut disk = format(SMALL_SECTORS, 1);
        add_folder(&mut disk, "boot/snapshots");
        let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
        let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (number, step) in steps.into_iter().enumerate() {
            let folder = volume.open_folder("boot/snapshots").unwrap();
            match step {
                Step::Create(name, size) => {
                    let contents = vec![number as u8; size];
                    let result = volume.create(folder, NAMES[name], &contents, Timestamp::FIRST);
                    if model.contains_key(NAMES[name]) {
                        prop_assert_eq!(result, Err(VolumeError::AlreadyExists));
                    } else {
                        prop_assert_eq!(result, Ok(()));
                        model.insert(NAMES[name].into(), contents);
                    }
                }
                Step::Delete(name) => {
                    let result = volume.delete(folder, NAMES[name]);
                    prop_assert_eq!(result.is_ok(), model.remove(NAMES[name]).is_some());
                }
                Step::Remount => {
                    volume = Volume::mount(volume.into_device()).unwrap();
                    prop_assert!(!volume.recovery().is_needed());
                }
            }
        }
        let disk = volume.into_device().contents();
        prop_assert_eq!(contents_of_all(&disk), model);
        prop_assert_eq!(hadris_complaints(disk), Vec::<String>::new());
    }
}
