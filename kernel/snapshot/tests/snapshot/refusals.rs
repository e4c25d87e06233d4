//! Snapshots that are refused: for each the reason, word by word, and a volume that is as it was.

use bareflow_snapshot::{
    Authentication, DEFAULT_KEEP, Expected, FOLDER, Keys, Series, Snapshot, Store, encode,
};
use bareflow_volume::ram_disk::{Failure, RamDisk};
use bareflow_volume::{DeviceError, Timestamp, Volume};

use crate::disks::{SMALL_SECTORS, add_folder, format};
use crate::sample::{bytes, expected, keys, snapshot};

const SECRET: [u8; 32] = [7; 32];

/// A volume with this snapshot alone.
fn volume_with(snapshot: &[u8]) -> Vec<u8> {
    let mut disk = format(SMALL_SECTORS, 1);
    add_folder(&mut disk, FOLDER);
    let mut volume = Volume::mount(RamDisk::new(disk)).unwrap();
    let folder = volume.open_folder(FOLDER).unwrap();
    volume
        .create(folder, "boot_001.snap", snapshot, Timestamp::FIRST)
        .unwrap();
    volume.into_device().contents()
}

/// Why the snapshot of a volume is refused. Nothing may be written, so nothing can be lost.
fn refusal(disk: &[u8], failure: Option<Failure>, expected: &Expected) -> String {
    let mut volume = Volume::mount(RamDisk::new(disk.to_vec())).unwrap();
    volume.device().fail(failure);
    let mut refusals = Vec::new();
    let loaded =
        Store::new(Series::Code, DEFAULT_KEEP).load(&mut volume, expected, |name, refusal| {
            assert_eq!(name, "boot_001.snap");
            refusals.push(refusal.to_string());
        });
    let reason = match (loaded, refusals.pop()) {
        (Ok(None), Some(reason)) => reason,
        (Ok(Some(_)), None) => "it is not refused".into(),
        (Err(error), None) => format!("the folder cannot be read: {error}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(refusals, Vec::<String>::new());
    let mut disk_now = volume.into_device();
    assert_eq!(disk_now.take_operations(), [], "{reason}");
    assert!(
        disk_now.contents() == disk,
        "{reason}, and the disk has changed"
    );
    reason
}

#[test]
fn snapshots_from_elsewhere() {
    let good = keys();
    let cases: [(Keys, &str); 6] = [
        (good, "it is not refused"),
        (
            Keys {
                kernel_build_id: [9; 32],
                ..good
            },
            "it was made for another kernel",
        ),
        (
            Keys {
                program_hash: [9; 32],
                ..good
            },
            "it was made for another program",
        ),
        (
            // The same processor without one of its features.
            Keys {
                cpu_features: "skylake,-avx2,-avx512f",
                ..good
            },
            "it was made for another processor",
        ),
        (
            Keys {
                llvm_version: "18.1.7",
                ..good
            },
            "it was made for another version of LLVM",
        ),
        (
            Keys {
                configuration: "calls=10,100,1000,10001",
                ..good
            },
            "it was made for other settings",
        ),
    ];
    for (keys, reason) in cases {
        let elsewhere = Snapshot {
            keys,
            ..snapshot(&[0x90; 600], 1)
        };
        let disk = volume_with(&encode(&elsewhere, Authentication::None));
        assert_eq!(refusal(&disk, None, &expected()), reason);
        // There, it still counts.
        let there = Expected { keys, ..expected() };
        assert_eq!(refusal(&disk, None, &there), "it is not refused");
    }
}

#[test]
fn files_that_are_damaged() {
    let good = bytes(&[0x90; 600], 1);
    let size = good.len();
    let next_version = u16::from_le_bytes([good[4], good[5]]) + 1;
    let change = |offset: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[offset] = byte;
        bytes
    };
    let sealed = |mut bytes: Vec<u8>| {
        bytes.truncate(size - 32);
        let checksum = blake3::hash(&bytes);
        [&bytes[..], checksum.as_bytes()].concat()
    };
    let of_size = |bytes: usize| format!("it has {bytes} bytes instead of {size}");
    let not_a_snapshot = || "it is not a snapshot".to_string();
    let cases = [
        (good.clone(), "it is not refused".to_string()),
        (Vec::new(), not_a_snapshot()),
        (b"\x7fELF".to_vec(), not_a_snapshot()),
        (change(0, b'X'), not_a_snapshot()),
        (
            change(4, next_version as u8),
            format!("it has version {next_version} of the layout"),
        ),
        (change(4, 0), "it has version 0 of the layout".into()),
        (good[..size - 1].to_vec(), of_size(size - 1)),
        (good[..size / 2].to_vec(), of_size(size / 2)),
        ([&good[..], &[0]].concat(), of_size(size + 1)),
        (good[..7].to_vec(), "it has 7 bytes instead of 48".into()),
        (change(300, 0x12), "its checksum is wrong".into()),
        (
            change(size - 1, good[size - 1] ^ 1),
            "its checksum is wrong".into(),
        ),
        (
            sealed(change(6, 9)),
            "it is malformed: an unknown kind of authentication".into(),
        ),
        (
            sealed(change(16, 9)),
            "it is malformed: a section is missing".into(),
        ),
        (
            sealed(change(20, 1)),
            "it is malformed: something reserved is not zero".into(),
        ),
        (
            sealed(change(31, 1)),
            "it is malformed: something ends too late".into(),
        ),
    ];
    for (bytes, reason) in cases {
        assert_eq!(refusal(&volume_with(&bytes), None, &expected()), reason);
    }
}

#[test]
fn snapshots_of_others_where_authentication_is_demanded() {
    let demanding = Expected {
        authentication: Authentication::Keyed(&SECRET),
        ..expected()
    };
    for (authentication, reason) in [
        (Authentication::Keyed(&SECRET), "it is not refused"),
        (
            Authentication::None,
            "it is not authenticated, and this image demands it",
        ),
        (
            Authentication::Keyed(&[8; 32]),
            "it was not written with this image's secret",
        ),
    ] {
        let disk = volume_with(&encode(&snapshot(&[0x90; 600], 1), authentication));
        assert_eq!(refusal(&disk, None, &demanding), reason);
    }
}

#[test]
fn disks_that_cannot_be_read() {
    let disk = volume_with(&bytes(&[0x90; 3000], 1));
    for (error, text) in [
        (DeviceError::Failed("timeout"), "the disk fails: timeout"),
        (
            DeviceError::Short,
            "the disk transferred less than was asked for",
        ),
    ] {
        let mut reasons = Vec::new();
        for count in 0.. {
            let reason = refusal(&disk, Some(Failure::Reads(count, error)), &expected());
            if reason == "it is not refused" {
                break;
            }
            reasons.push(reason);
        }
        reasons.dedup();
        let expected = ["the folder cannot be read", "it cannot be read"];
        assert_eq!(reasons, expected.map(|what| format!("{what}: {text}")));
    }
    assert_eq!(refusal(&disk, None, &expected()), "it is not refused");
}
