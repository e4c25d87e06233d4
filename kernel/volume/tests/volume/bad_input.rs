//! Volumes and disks that are refused, and nothing written to them.

use bareflow_volume::ram_disk::{Failure, RamDisk};
use bareflow_volume::{
    BootSectorError, Corruption, DeviceError, Partition, PartitionError, SECTOR_SIZE_BYTES,
    Timestamp, Volume, VolumeError,
};
use hadris_fat::format::FatTypeSelection;

use crate::disks::{SMALL_SECTORS, add_file, add_folder, format, format_as};
use crate::simulation::Random;

/// Where the first allocation table is in volumes of [`format`], and how many sectors it has.
fn table(disk: &[u8]) -> (usize, usize) {
    let word = |offset: usize| usize::from(u16::from_le_bytes([disk[offset], disk[offset + 1]]));
    (word(14) * SECTOR_SIZE_BYTES, word(22) * SECTOR_SIZE_BYTES)
}

/// Sets an entry of both allocation tables.
fn link(disk: &mut [u8], cluster: u16, next: u16) {
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

fn refusal(disk: Vec<u8>) -> VolumeError {
    Volume::mount(RamDisk::new(disk))
        .err()
        .expect("the volume must be refused")
}

#[test]
fn other_volumes_are_refused_with_a_reason() {
    let refused = |error| VolumeError::BootSector(error);
    assert_eq!(refusal(vec![0; 1 << 20]), refused(BootSectorError::NotFat));
    let fat12 = format_as(4000, 1, FatTypeSelection::Fat12);
    assert_eq!(refusal(fat12), refused(BootSectorError::Fat12));
    let fat32 = format_as(100_000, 1, FatTypeSelection::Fat32);
    assert_eq!(refusal(fat32), refused(BootSectorError::Fat32));
    let good = format(SMALL_SECTORS, 1);
    let mut truncated = good.clone();
    truncated.truncate(100 * SECTOR_SIZE_BYTES);
    let error = BootSectorError::LargerThanDevice(u64::from(SMALL_SECTORS), 100);
    assert_eq!(refusal(truncated), refused(error));
    let changes = [
        (0, 0x12, BootSectorError::NotFat),
        (510, 0, BootSectorError::NotFat),
        (12, 4, BootSectorError::SectorSize(1024)),
        (13, 3, BootSectorError::Field("cluster size")),
        (13, 0, BootSectorError::Field("cluster size")),
        (16, 0, BootSectorError::Field("number of allocation tables")),
        (16, 9, BootSectorError::Field("number of allocation tables")),
        (17, 1, BootSectorError::Field("size of the root folder")),
        (21, 0, BootSectorError::Field("media byte")),
        (
            22,
            1,
            BootSectorError::Field("size of the allocation table"),
        ),
    ];
    for (offset, byte, error) in changes {
        let mut disk = good.clone();
        disk[offset] = byte;
        assert_eq!(refusal(disk), refused(error), "byte {offset}");
    }
}

#[test]
fn volumes_that_contradict_themselves_are_refused_with_a_reason() {
    let mut good = format(SMALL_SECTORS, 1);
    add_file(&mut good, "FIRST", &[1; 2000]);
    add_file(&mut good, "SECOND", &[2; 2000]);
    add_folder(&mut good, "OUTER/INNER");
    let cluster = |disk: &mut [u8], name: &[u8]| {
        let slot = slot(disk, name);
        u16::from_le_bytes([slot[26], slot[27]])
    };
    let [first, second, outer] =
        [b"FIRST ".as_slice(), b"SECOND ", b"OUTER "].map(|name| cluster(&mut good, name));
    let damaged = |damage: &dyn Fn(&mut [u8])| {
        let mut disk = good.clone();
        damage(&mut disk);
        refusal(disk)
    };

    assert_eq!(
        damaged(&|disk| link(disk, first + 1, second)),
        Corruption::CrossedChains(second).into()
    );
    assert!(matches!(
        damaged(&|disk| link(disk, first + 1, first)),
        VolumeError::Corrupt(Corruption::CrossedChains(_))
    ));
    assert_eq!(
        damaged(&|disk| link(disk, first + 1, 0)),
        Corruption::BrokenChain(0).into()
    );
    assert_eq!(
        damaged(&|disk| link(disk, first + 1, 0xfff7)),
        Corruption::BrokenChain(0xfff7).into()
    );
    assert_eq!(
        damaged(&|disk| link(disk, first + 1, 0xffff)),
        Corruption::ShortChain(first).into()
    );
    assert_eq!(
        damaged(&|disk| link(disk, 0, 0)),
        Corruption::BadTable.into()
    );
    // A folder that contains itself.
    assert_eq!(
        damaged(&|disk| slot(disk, b"INNER ")[26..28].copy_from_slice(&outer.to_le_bytes())),
        Corruption::FolderLoop(outer).into()
    );
    assert_eq!(
        damaged(&|disk| slot(disk, b"OUTER ")[26..28].fill(0)),
        Corruption::BrokenChain(0).into()
    );
}

#[test]
fn one_good_allocation_table_is_enough() {
    let mut disk = format(SMALL_SECTORS, 1);
    add_file(&mut disk, "file", &[1; 2000]);
    let (start, size) = table(&disk);
    disk[start..start + size].fill(0);
    let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
    assert!(volume.recovery().tables_differed);
    volume.recover().unwrap();
    let mut volume = Volume::mount(volume.into_device()).unwrap();
    assert!(!volume.recovery().is_needed());
    let root = volume.root();
    let entry = volume.find(root, "file").unwrap();
    assert_eq!(volume.read(&entry).unwrap(), [1; 2000]);
}

#[test]
fn bad_partition_tables_are_refused_with_a_reason() {
    let mut disk = vec![0; 64 * SECTOR_SIZE_BYTES];
    let refusal = |disk: &[u8]| Partition::find_fat16(RamDisk::new(disk.to_vec())).err();
    assert_eq!(
        refusal(&[]),
        Some(PartitionError::Device(DeviceError::OutOfRange))
    );
    assert_eq!(refusal(&disk), Some(PartitionError::NoTable));
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    assert_eq!(refusal(&disk), Some(PartitionError::NoFat16));
    let mut set = |index: usize, kind: u8, first: u32, count: u32| {
        let entry = &mut disk[446 + index * 16..][..16];
        entry[4] = kind;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..16].copy_from_slice(&count.to_le_bytes());
        refusal(&disk)
    };
    assert_eq!(set(0, 0x83, 1, 10), Some(PartitionError::NoFat16));
    assert_eq!(set(1, 0x06, 10, 50), Some(PartitionError::Overlap(1, 2)));
    assert_eq!(set(1, 0x06, 11, 54), Some(PartitionError::OutsideDisk(2)));
    assert_eq!(
        set(1, 0x06, u32::MAX, u32::MAX),
        Some(PartitionError::OutsideDisk(2))
    );
    assert_eq!(set(1, 0x06, 0, 5), Some(PartitionError::OutsideDisk(2)));
    assert_eq!(set(1, 0x06, 11, 53), None);
    assert_eq!(set(2, 0xee, 1, 1), Some(PartitionError::Gpt));
}

/// Whatever is wrong with a disk: no panic, no endless loop; and mounting writes nothing.
#[test]
fn random_damage_is_refused_or_harmless() {
    let mut good = format(SMALL_SECTORS, 1);
    for number in 0..20 {
        add_file(
            &mut good,
            &format!("files/a long name {number}"),
            &[1; 3000],
        );
    }
    add_folder(&mut good, "boot/snapshots");
    let (start, size) = table(&good);
    let places = [
        (0, 64),
        (start, 200),
        (start + size, 200),
        (start + 2 * size, 2048),
    ];
    let root_end = start + 2 * size + 512 * 32;
    let mut random = Random::new(3);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..20_000 {
        let mut disk = RamDisk::new(Vec::clone(&good));
        let mut damaged = good[..root_end + 40 * SECTOR_SIZE_BYTES].to_vec();
        let (offset, length) = match random.below(5) {
            4 => (root_end, 40 * SECTOR_SIZE_BYTES),
            place => places[place],
        };
        for _ in 0..=random.below(4) {
            damaged[offset + random.below(length)] = random.next() as u8;
        }
        let sectors = damaged.as_chunks::<SECTOR_SIZE_BYTES>().0;
        for (sector, bytes) in sectors.iter().enumerate() {
            if bytes != &good[sector * SECTOR_SIZE_BYTES..][..SECTOR_SIZE_BYTES] {
                disk.apply(sector as u64, bytes);
            }
        }
        let Ok(mut volume) = Volume::mount(disk) else {
            refused += 1;
            continue;
        };
        accepted += 1;
        assert_eq!(volume.device().take_operations(), []);
        let mut waiting = vec![volume.root()];
        while let Some(folder) = waiting.pop() {
            for entry in volume.list(folder).unwrap() {
                if entry.is_folder() {
                    continue;
                }
                volume.read(&entry).unwrap();
            }
        }
        volume.recover().unwrap();
        if let Ok(folder) = volume.open_folder("boot/snapshots") {
            let _ = volume.create(folder, "boot_001.snap", &[2; 1000], Timestamp::FIRST);
        }
        let volume = Volume::mount(volume.into_device()).unwrap();
        assert!(!volume.recovery().is_needed());
    }
    assert!(
        refused > 1000 && accepted > 1000,
        "{refused} refused, {accepted} accepted"
    );
}

#[test]
fn a_disk_that_fails_is_reported_and_written_no_more() {
    let mut good = format(SMALL_SECTORS, 1);
    add_file(&mut good, "boot/snapshots/old", &[1; 3000]);
    let errors = [
        DeviceError::Failed("the sector cannot be read"),
        DeviceError::Short,
    ];
    for error in errors {
        for count in 0.. {
            let mut disk = RamDisk::new(good.clone());
            disk.fail(Some(Failure::Reads(count, error)));
            let result = Volume::mount(disk).and_then(|mut volume| {
                let folder = volume.open_folder("boot/snapshots")?;
                let entry = volume.find(folder, "old")?;
                volume.read(&entry)
            });
            match result {
                Ok(bytes) => {
                    assert_eq!(bytes, [1; 3000]);
                    break;
                }
                Err(reason) => assert_eq!(reason, VolumeError::Device(error)),
            }
        }
        for count in 0.. {
            let mut volume = Volume::mount(RamDisk::new(good.clone())).unwrap();
            let folder = volume.open_folder("boot/snapshots").unwrap();
            volume.device().fail(Some(Failure::Writes(count, error)));
            let result = volume.create(folder, "new", &[2; 3000], Timestamp::FIRST);
            if result.is_ok() {
                break;
            }
            assert_eq!(result, Err(VolumeError::Device(error)));
            volume.device().fail(None);
            let result = volume.delete(folder, "old");
            assert_eq!(result, Err(VolumeError::MustRemount));
            let mut volume = Volume::mount(volume.into_device()).unwrap();
            volume.recover().unwrap();
            let entry = volume.find(folder, "old").unwrap();
            assert_eq!(volume.read(&entry).unwrap(), [1; 3000]);
        }
    }
}
