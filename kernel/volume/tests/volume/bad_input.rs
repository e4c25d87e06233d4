//! Volumes that are damaged anywhere, and disks that fail anywhere.

use bareflow_volume::ram_disk::{Failure, RamDisk};
use bareflow_volume::{DeviceError, SECTOR_SIZE_BYTES, Timestamp, Volume, VolumeError};

use crate::disks::{SMALL_SECTORS, add_file, add_folder, format};
use crate::refusals::{link, table};
use crate::simulation::Random;

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
fn a_chain_that_goes_on_to_a_free_cluster_is_cut_on_the_disk() {
    let mut disk = format(SMALL_SECTORS, 1);
    add_file(&mut disk, "file", &[1; 2000]);
    // The file has clusters 2 to 5.
    link(&mut disk, 5, 0xffff);
    let good = disk.clone();
    for next in [0, 6] {
        link(&mut disk, 5, next);
        let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
        assert_eq!(volume.recovery().lost_clusters, 0);
        assert_eq!(volume.recovery().overlong_chains, 1);
        volume.recover().unwrap();
        disk = volume.into_device().contents();
        assert!(disk == good);
    }
}

/// The good table may be the one that cannot be read.
#[test]
fn a_table_that_cannot_be_read_is_not_called_damaged() {
    let mut disk = format(SMALL_SECTORS, 1);
    let (start, _) = table(&disk);
    disk[start] = 0;
    let mut disk = RamDisk::new(disk);
    // The boot sector and the first table; the second table is the rest.
    disk.fail(Some(Failure::Reads(40, DeviceError::Short)));
    assert_eq!(
        Volume::mount(&mut disk).err(),
        Some(VolumeError::Device(DeviceError::Short))
    );
    disk.fail(None);
    assert!(Volume::mount(disk).is_ok());
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
