//! Volumes and disks that are refused: for every damage the reason, word by word, and a disk that is as it was.

use bareflow_volume::ram_disk::{Failure, RamDisk};
use bareflow_volume::{DeviceError, Partition, SECTOR_SIZE_BYTES, Timestamp, Volume, VolumeError};
use hadris_fat::format::FatTypeSelection;

use crate::disks::{SMALL_SECTORS, add_file, add_folder, format, format_as};

/// Where the first allocation table is in volumes of [`format`], and how many sectors it has.
pub fn table(disk: &[u8]) -> (usize, usize) {
    let word = |offset: usize| usize::from(u16::from_le_bytes([disk[offset], disk[offset + 1]]));
    (word(14) * SECTOR_SIZE_BYTES, word(22) * SECTOR_SIZE_BYTES)
}

/// Sets an entry of both allocation tables.
pub fn link(disk: &mut [u8], cluster: u16, next: u16) {
    let (start, size) = table(disk);
    for start in [start, start + size] {
        let offset = start + usize::from(cluster) * 2;
        disk[offset..offset + 2].copy_from_slice(&next.to_le_bytes());
    }
}

/// The slot of a name in the root folder: everything about it but the name.
fn slot<'a>(disk: &'a mut [u8], short_name: &[u8]) -> &'a mut [u8] {
    let (start, size) = table(disk);
    let root = &mut disk[start + 2 * size..];
    let mut slots = root.chunks_mut(32);
    slots.find(|slot| slot.starts_with(short_name)).unwrap()
}

/// Why a disk is refused by `open`, which must not write to it.
fn refusal<E: std::fmt::Display>(
    bytes: &[u8],
    open: impl FnOnce(&mut RamDisk) -> Result<(), E>,
) -> String {
    let mut disk = RamDisk::new(bytes.to_vec());
    let reason = match open(&mut disk) {
        Ok(()) => "it is not refused".into(),
        Err(reason) => reason.to_string(),
    };
    assert_eq!(disk.take_operations(), [], "{reason}");
    assert!(
        disk.contents() == bytes,
        "{reason}, and the disk has changed"
    );
    reason
}

/// A damage, and the reason for which it is refused.
type Damage<'a> = (&'a dyn Fn(&mut Vec<u8>), String);

/// Damages a good disk in every way.
fn check<E: std::fmt::Display>(
    good: &[u8],
    open: impl Fn(&mut RamDisk) -> Result<(), E>,
    damages: &[Damage],
) {
    assert_eq!(refusal(good, &open), "it is not refused");
    for (damage, reason) in damages {
        let mut bytes = good.to_vec();
        damage(&mut bytes);
        assert_eq!(refusal(&bytes, &open), *reason);
    }
}

/// Sets bytes of the boot sector.
fn set<const LENGTH: usize>(offset: usize, bytes: [u8; LENGTH]) -> impl Fn(&mut Vec<u8>) {
    move |disk| disk[offset..offset + LENGTH].copy_from_slice(&bytes)
}

#[test]
fn other_volumes_and_bad_boot_sectors() {
    let good = format(SMALL_SECTORS, 1);
    let text = |text: &str| format!("the volume is refused: {text}");
    let bad = |field: &str| text(&format!("its boot sector has a bad {field}"));
    let not_fat = || text("it has no FAT boot sector");
    let fat32 = || text("it is FAT32, not FAT16");
    let tables = || bad("number of allocation tables");
    check(
        &good,
        |disk| Volume::mount(disk).map(drop),
        &[
            (&|disk| disk.fill(0), not_fat()),
            (&|disk| disk.fill(0xff), not_fat()),
            (&set(0, [0x12]), not_fat()),
            (&set(510, [0]), not_fat()),
            (
                &|disk| *disk = format_as(4000, 1, FatTypeSelection::Fat12),
                text("it is FAT12, not FAT16"),
            ),
            (
                &|disk| *disk = format_as(100_000, 1, FatTypeSelection::Fat32),
                fat32(),
            ),
            (
                // By its number of clusters, whatever else it says.
                &|disk| {
                    disk.resize(70_000 * SECTOR_SIZE_BYTES, 0);
                    set(19, [0, 0])(disk);
                    set(32, 70_000_u32.to_le_bytes())(disk);
                },
                fat32(),
            ),
            (
                &set(19, 4100_u16.to_le_bytes()),
                text("it is FAT12, not FAT16"),
            ),
            (&set(12, [4]), text("its sectors have 1024 bytes, not 512")),
            (&set(13, [3]), bad("cluster size")),
            (&set(13, [0]), bad("cluster size")),
            (&set(14, [0, 0]), bad("number of reserved sectors")),
            (&set(16, [0]), tables()),
            (&set(16, [9]), tables()),
            (&set(17, [1]), bad("size of the root folder")),
            (&set(19, [9, 0]), bad("number of sectors")),
            (&set(21, [0]), bad("media byte")),
            (&set(22, [1]), bad("size of the allocation table")),
            (
                &|disk| disk.truncate(100 * SECTOR_SIZE_BYTES),
                text(&format!(
                    "it has {SMALL_SECTORS} sectors, its partition only 100"
                )),
            ),
        ],
    );
    let reason = refusal(&[], |disk| Volume::mount(disk).map(drop));
    assert_eq!(reason, "the sectors are not on the disk");
}

#[test]
fn crossed_chains_and_loops_of_folders() {
    let mut good = format(SMALL_SECTORS, 1);
    add_file(&mut good, "FIRST", &[1; 2000]);
    add_file(&mut good, "SECOND", &[2; 2000]);
    add_folder(&mut good, "OUTER/INNER");
    let mut cluster = |name: &[u8]| {
        let slot = slot(&mut good, name);
        u16::from_le_bytes([slot[26], slot[27]])
    };
    let [first, second, outer] = [b"FIRST ".as_slice(), b"SECOND ", b"OUTER "].map(&mut cluster);
    let lead = |name: &'static [u8], cluster: u16| {
        move |disk: &mut Vec<u8>| {
            slot(disk, name)[26..28].copy_from_slice(&cluster.to_le_bytes());
        }
    };
    let text = |text: String| format!("the volume is damaged: {text}");
    let crossed = |cluster: u16| text(format!("two files have cluster {cluster}"));
    let broken = |cluster: u16| {
        let problem = "which is not a file's";
        text(format!("a file leads to cluster {cluster}, {problem}"))
    };
    let met_twice = |cluster: u16| text(format!("the folder at cluster {cluster} is met twice"));
    let short = |cluster: u16| {
        text(format!(
            "the file at cluster {cluster} has too few clusters"
        ))
    };
    check(
        &good,
        |disk| Volume::mount(disk).map(drop),
        &[
            (&|disk| link(disk, first + 1, second), crossed(second)),
            (
                &|disk| link(disk, first + 3, second + 2),
                crossed(second + 2),
            ),
            (&lead(b"SECOND ", first), crossed(first)),
            (&lead(b"SECOND ", outer), short(outer)),
            (&|disk| link(disk, second + 3, outer), crossed(outer)),
            // Chains that lead back into themselves. The walk ends where it has as many as there are clusters.
            (&|disk| link(disk, first, first), crossed(first)),
            (
                &|disk| link(disk, second + 3, second + 3),
                crossed(second + 3),
            ),
            (&|disk| link(disk, first + 1, 0), broken(0)),
            (&|disk| link(disk, first + 1, 1), broken(1)),
            (&|disk| link(disk, first + 1, 0xfff7), broken(0xfff7)),
            (&|disk| link(disk, first + 1, 0xf000), broken(0xf000)),
            (&lead(b"FIRST ", 0xf000), broken(0xf000)),
            (&lead(b"OUTER ", 0), broken(0)),
            (&|disk| link(disk, first + 1, 0xffff), short(first)),
            (&lead(b"FIRST ", 0), short(0)),
            (
                &|disk| link(disk, 0, 0),
                text("its allocation table is damaged".into()),
            ),
            (&lead(b"INNER ", outer), met_twice(outer)),
            (
                &|disk| add_folder(disk, &"x/".repeat(130)),
                text("its folders lie too deep in each other".into()),
            ),
        ],
    );
}

#[test]
fn bad_partition_tables() {
    let put = |index: usize, kind: u8, first: u32, count: u32| {
        move |disk: &mut Vec<u8>| {
            let entry = &mut disk[446 + index * 16..][..16];
            entry[4] = kind;
            entry[8..12].copy_from_slice(&first.to_le_bytes());
            entry[12..16].copy_from_slice(&count.to_le_bytes());
        }
    };
    let mut good = vec![0; 64 * SECTOR_SIZE_BYTES];
    good[510..512].copy_from_slice(&[0x55, 0xaa]);
    put(0, 0x83, 1, 10)(&mut good);
    put(1, 0x06, 11, 53)(&mut good);
    let outside = || "partition 2 is not on the disk".to_string();
    check(
        &good,
        |disk| Partition::find_fat16(disk).map(drop),
        &[
            (
                &|disk| disk.fill(0),
                "the disk has no partition table".into(),
            ),
            (
                &put(1, 0x0b, 11, 53),
                "the disk has no FAT16 partition".into(),
            ),
            (&put(1, 0, 11, 53), "the disk has no FAT16 partition".into()),
            (&put(1, 0x06, 10, 50), "partitions 1 and 2 overlap".into()),
            (&put(3, 0x83, 63, 1), "partitions 2 and 4 overlap".into()),
            (&put(1, 0x06, 11, 54), outside()),
            (&put(1, 0x06, u32::MAX, u32::MAX), outside()),
            (&put(1, 0x06, 0, 5), outside()),
            (&put(1, 0x06, 11, 0), outside()),
            (&put(2, 0xee, 1, 1), "the disk has a GPT, not an MBR".into()),
            (&Vec::clear, "the sectors are not on the disk".into()),
        ],
    );
}

const DISK_ERRORS: [(DeviceError, &str); 4] = [
    (DeviceError::Failed("timeout"), "the disk fails: timeout"),
    (
        DeviceError::Short,
        "the disk transferred less than was asked for",
    ),
    (DeviceError::ReadOnly, "the disk cannot be written"),
    (DeviceError::OutOfRange, "the sectors are not on the disk"),
];

/// A volume with two files, in the second partition.
fn partitioned() -> Vec<u8> {
    let mut volume = format(SMALL_SECTORS, 1);
    add_file(&mut volume, "boot/snapshots/old", &[1; 3000]);
    add_file(&mut volume, "other", &[2; 700]);
    let mut disk = vec![0; SECTOR_SIZE_BYTES];
    disk[510..].copy_from_slice(&[0x55, 0xaa]);
    disk[446 + 4] = 0x06;
    disk[446 + 8] = 1;
    disk[446 + 12..446 + 16].copy_from_slice(&SMALL_SECTORS.to_le_bytes());
    disk.extend_from_slice(&volume);
    disk
}

fn mount(disk: &mut RamDisk) -> Result<Volume<Partition<&mut RamDisk>>, VolumeError> {
    Volume::mount(Partition::find_fat16(disk)?)
}

fn assert_has_all(disk: &mut RamDisk) {
    let mut volume = mount(disk).unwrap();
    for (folder, name, contents) in [
        ("boot/snapshots", "old", vec![1; 3000]),
        ("", "other", vec![2; 700]),
    ] {
        let folder = volume.open_folder(folder).unwrap();
        let entry = volume.find(folder, name).unwrap();
        assert_eq!(volume.read(&entry), Ok(contents));
    }
}

#[test]
fn disks_that_cannot_be_read() {
    let good = partitioned();
    for (error, expected) in DISK_ERRORS {
        let mut failures = 0;
        loop {
            let reason = refusal(&good, |disk| {
                disk.fail(Some(Failure::Reads(failures, error)));
                let mut volume = mount(disk)?;
                let folder = volume.open_folder("boot/snapshots")?;
                let entry = volume.find(folder, "old")?;
                volume.read(&entry).map(drop)
            });
            if reason == "it is not refused" {
                break;
            }
            assert_eq!(reason, expected, "after {failures} sectors");
            failures += 1;
        }
        // The tables alone have more.
        assert!(failures > 32, "{failures}");
    }
    assert_has_all(&mut RamDisk::new(good));
}

#[test]
fn disks_that_cannot_be_written() {
    let good = partitioned();
    for (error, expected) in DISK_ERRORS {
        for action in ["create", "delete"] {
            let mut failures = 0;
            loop {
                let mut disk = RamDisk::new(good.clone());
                disk.fail(Some(Failure::Writes(failures, error)));
                let mut volume = mount(&mut disk).unwrap();
                let folder = volume.open_folder("boot/snapshots").unwrap();
                let result = volume.create(folder, "new", &[3; 1000], Timestamp::FIRST);
                let result = match action {
                    "delete" => result.and_then(|()| volume.delete(folder, "new")),
                    _ => result,
                };
                let Err(reason) = result else {
                    break;
                };
                assert_eq!(reason.to_string(), expected, "after {failures} sectors");
                let again = volume.create(folder, "later", &[], Timestamp::FIRST);
                assert_eq!(
                    again.unwrap_err().to_string(),
                    "an earlier write failed; the volume must be mounted again"
                );
                disk.fail(None);
                assert_has_all(&mut disk);
                mount(&mut disk).unwrap().recover().unwrap();
                assert_has_all(&mut disk);
                failures += 1;
            }
            assert!(failures > 3, "{failures}");
        }
    }
}
