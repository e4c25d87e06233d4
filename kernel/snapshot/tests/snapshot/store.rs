//! The folder of snapshots.

use std::num::NonZeroUsize;

use bareflow_snapshot::{
    DEFAULT_KEEP, Expected, FOLDER, Key, Keys, Refusal, SaveError, Saved, Series, Store,
    inspect_newest,
};
use bareflow_volume::ram_disk::{Failure, Operation, RamDisk};
use bareflow_volume::{DeviceError, Timestamp, Volume, VolumeError};

use crate::disks::{SMALL_SECTORS, add_file, add_folder, assert_fsck_is_silent, format};
use crate::sample::{bytes, expected, keys};

const NOW: Timestamp = Timestamp::FIRST;

fn volume() -> Volume<RamDisk> {
    let mut disk = format(SMALL_SECTORS, 1);
    add_folder(&mut disk, FOLDER);
    Volume::mount(RamDisk::new(disk)).unwrap()
}

fn names(volume: &mut Volume<RamDisk>) -> Vec<String> {
    let folder = volume.open_folder(FOLDER).unwrap();
    let entries = volume.list(folder).unwrap();
    let mut names: Vec<String> = entries.iter().map(|entry| entry.name().into()).collect();
    names.sort();
    names
}

/// The number of the newest good snapshot, and what was refused.
fn load(volume: &mut Volume<RamDisk>, expected: &Expected) -> (Option<u32>, Vec<String>) {
    let mut refused = Vec::new();
    let store = Store::new(Series::Code, DEFAULT_KEEP);
    let loaded = store.load(volume, expected, |name, refusal| {
        refused.push(format!("{name}: {refusal}"));
    });
    (loaded.unwrap().map(|loaded| loaded.number()), refused)
}

fn put(volume: &mut Volume<RamDisk>, name: &str, bytes: &[u8]) {
    let folder = volume.open_folder(FOLDER).unwrap();
    volume.create(folder, name, bytes, NOW).unwrap();
}

/// A boot's end waits for the disk twice: for what nothing leads to yet, and for the entry.
#[test]
fn saving_takes_two_flushes() {
    for (series, keep) in [(Series::Counts, 1), (Series::Code, 4)] {
        let mut volume = volume();
        let store = Store::new(series, NonZeroUsize::new(keep).unwrap());
        for number in 1..=12 {
            volume.device().take_operations();
            let contents = bytes(&[1; 900], number);
            store.save(&mut volume, &contents, None, NOW).unwrap();
            let operations = volume.device().take_operations();
            let is_flush = |operation: &&Operation| **operation == Operation::Flush;
            assert_eq!(operations.iter().filter(is_flush).count(), 2, "{number}");
        }
        assert_eq!(names(&mut volume).len(), keep);
    }
}

#[test]
fn the_last_ones_are_kept() {
    let mut volume = volume();
    let store = Store::new(Series::Code, DEFAULT_KEEP);
    let mut in_use = None;
    for number in 1..=7 {
        let saved = store.save(&mut volume, &bytes(&[1; 900], number.into()), in_use, NOW);
        let deleted = usize::from(number > 4);
        assert_eq!(saved, Ok(Saved { number, deleted }));
        let loaded = store
            .load(&mut volume, &expected(), |_, _| panic!())
            .unwrap()
            .unwrap();
        assert_eq!(loaded.number(), number);
        assert_eq!(loaded.snapshot().profile.boots, u64::from(number));
        in_use = Some(number);
    }
    assert_eq!(
        names(&mut volume),
        (4..=7)
            .map(|n| format!("boot_{n:03}.snap"))
            .collect::<Vec<_>>()
    );
    let store = Store::new(Series::Code, NonZeroUsize::new(1).unwrap());
    let saved = store.save(&mut volume, &bytes(&[1; 900], 8), in_use, NOW);
    assert_eq!(
        saved,
        Ok(Saved {
            number: 8,
            deleted: 4
        })
    );
    assert_eq!(names(&mut volume), ["boot_008.snap"]);
    assert_fsck_is_silent(&volume.into_device().contents());
}

#[test]
fn the_newest_good_one_counts_and_each_refusal_is_heard() {
    let mut volume = volume();
    assert_eq!(load(&mut volume, &expected()), (None, vec![]));
    let good = bytes(&[1; 900], 1);
    put(&mut volume, "boot_001.snap", &good);
    put(&mut volume, "boot_0002.SNAP", &good);
    put(&mut volume, "boot_003.snap", &good[..good.len() - 1]);
    let mut flipped = good.clone();
    flipped[200] ^= 4;
    put(&mut volume, "boot_1000.snap", &flipped);
    put(&mut volume, "boot_1001.snap", b"");
    for other in [
        "boot_x.snap",
        "boot_.snap",
        "boot_1234567890.snap",
        "boot_5.snap.old",
        "readme",
    ] {
        put(&mut volume, other, b"not a snapshot");
    }
    let size = good.len();
    let refused = [
        "boot_1001.snap: it is not a snapshot".to_string(),
        "boot_1000.snap: its checksum is wrong".into(),
        format!("boot_003.snap: it has {} bytes instead of {size}", size - 1),
    ];
    assert_eq!(load(&mut volume, &expected()), (Some(2), refused.to_vec()));
    let other = Expected {
        keys: Keys {
            program_hash: [9; 32],
            ..keys()
        },
        ..expected()
    };
    let (number, refused) = load(&mut volume, &other);
    assert_eq!(number, None);
    let reason = Refusal::MadeForOther(Key::Program).to_string();
    assert_eq!(refused.len(), 5);
    assert!(refused[4].ends_with(&reason), "{refused:?}");
}

#[test]
fn a_folder_that_is_missing_is_an_error() {
    let mut volume = Volume::mount(RamDisk::new(format(SMALL_SECTORS, 1))).unwrap();
    let store = Store::new(Series::Code, DEFAULT_KEEP);
    let loaded = store.load(&mut volume, &expected(), |_, _| ());
    assert_eq!(loaded.err(), Some(VolumeError::NotFound));
    let saved = store.save(&mut volume, b"", None, NOW);
    assert_eq!(saved, Err(SaveError::Volume(VolumeError::NotFound)));
}

#[test]
fn a_full_volume_is_reported_and_harmless() {
    let mut disk = format(SMALL_SECTORS, 1);
    add_folder(&mut disk, FOLDER);
    let free = Volume::mount(RamDisk::new(disk.clone()))
        .unwrap()
        .free_bytes() as usize;
    add_file(&mut disk, "filler", &vec![1; free - 100 * 512]);
    let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
    let store = Store::new(Series::Code, DEFAULT_KEEP);
    // Three of them have room, a fourth does not: the oldest makes room.
    let code = vec![1; 25 * 512];
    for number in 1..=3 {
        let in_use = (number > 1).then(|| number - 1);
        assert!(
            store
                .save(&mut volume, &bytes(&code, 1), in_use, NOW)
                .is_ok()
        );
    }
    let saved = store.save(&mut volume, &bytes(&code, 1), Some(1), NOW);
    assert_eq!(
        saved,
        Ok(Saved {
            number: 4,
            deleted: 1
        })
    );
    assert_eq!(
        names(&mut volume),
        ["boot_001.snap", "boot_003.snap", "boot_004.snap"]
    );
    // One that would have room only without the one in use: nothing is deleted.
    let before = names(&mut volume);
    let large = vec![1; 75 * 512];
    let saved = store.save(&mut volume, &bytes(&large, 1), Some(4), NOW);
    assert!(
        matches!(saved, Err(SaveError::Volume(VolumeError::Full { .. }))),
        "{saved:?}"
    );
    assert_eq!(names(&mut volume), before);
    assert_eq!(load(&mut volume, &expected()), (Some(4), vec![]));
    assert_fsck_is_silent(&volume.into_device().contents());
}

#[test]
fn the_numbers_can_be_used_up() {
    let mut volume = volume();
    put(&mut volume, "boot_999999999.snap", b"");
    let saved =
        Store::new(Series::Code, DEFAULT_KEEP).save(&mut volume, &bytes(&[1], 1), None, NOW);
    assert_eq!(saved, Err(SaveError::NoNumberLeft));
}

#[test]
fn a_disk_that_fails_is_reported_and_loses_nothing() {
    let mut volume = volume();
    let store = Store::new(Series::Code, DEFAULT_KEEP);
    for number in 1..=4 {
        store
            .save(&mut volume, &bytes(&[1; 900], number), None, NOW)
            .unwrap();
    }
    let good = volume.into_device().contents();
    for error in [DeviceError::Failed("timeout"), DeviceError::Short] {
        for count in 0.. {
            let mut volume = Volume::mount(RamDisk::new(good.clone())).unwrap();
            volume.device().fail(Some(Failure::Writes(count, error)));
            let saved = store.save(&mut volume, &bytes(&[1; 900], 5), Some(4), NOW);
            let mut volume = Volume::mount(volume.into_device()).unwrap();
            volume.device().fail(None);
            volume.recover().unwrap();
            let (number, refused) = load(&mut volume, &expected());
            assert_eq!(refused, Vec::<String>::new());
            match saved {
                Ok(_) => {
                    assert_eq!(number, Some(5));
                    break;
                }
                Err(reason) => {
                    assert_eq!(reason, SaveError::Volume(VolumeError::Device(error)));
                    assert!(number >= Some(4));
                }
            }
        }
        // Reading fails somewhere, for good.
        for count in 0.. {
            let mut volume = Volume::mount(RamDisk::new(good.clone())).unwrap();
            volume.device().fail(Some(Failure::Reads(count, error)));
            match store.load(&mut volume, &expected(), |_, _| ()) {
                Ok(None) => (),
                Ok(Some(loaded)) => {
                    assert_eq!(loaded.number(), 4);
                    break;
                }
                Err(reason) => assert_eq!(reason, VolumeError::Device(error)),
            }
        }
    }
}

#[test]
fn inspection_takes_a_snapshot_of_anything_but_no_damaged_one() {
    let mut volume = volume();
    put(&mut volume, "boot_001.snap", &bytes(&[1; 100], 1));
    let mut damaged = bytes(&[2; 100], 2);
    damaged[40] ^= 1;
    put(&mut volume, "boot_002.snap", &damaged);
    let other = Expected {
        keys: Keys {
            llvm_version: "another",
            ..keys()
        },
        ..expected()
    };
    assert_eq!(load(&mut volume, &other).0, None);
    let mut refused = Vec::new();
    let loaded = inspect_newest(&mut volume, Series::Code, |name, refusal| {
        refused.push((name.to_owned(), refusal));
    });
    let loaded = loaded.unwrap().unwrap();
    assert_eq!(loaded.number(), 1);
    assert_eq!(loaded.snapshot().functions.len(), 2);
    assert_eq!(
        refused,
        [("boot_002.snap".to_owned(), Refusal::WrongChecksum)]
    );
}
