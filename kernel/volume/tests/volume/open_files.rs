//! Files that are written in place, grow, shrink and move, while the power fails.

use std::collections::BTreeMap;

use bareflow_volume::ram_disk::RamDisk;
use bareflow_volume::{Folder, OpenFile, Timestamp, Volume, VolumeError};

use crate::disks::{SMALL_SECTORS, add_file, assert_fsck_is_silent, format, hadris_complaints};
use crate::simulation::{Random, cuts_in_order, cuts_with_a_cache};

const NOW: Timestamp = Timestamp::FIRST;

/// Contents by path; folders end in a slash.
type Files = BTreeMap<String, Vec<u8>>;

fn collect(volume: &mut Volume<RamDisk>, folder: Folder, prefix: &str, files: &mut Files) {
    for entry in volume.list(folder).unwrap() {
        let path = format!("{prefix}{}", entry.name());
        if let Ok(inner) = Volume::<RamDisk>::folder_of(&entry) {
            let path = format!("{path}/");
            collect(volume, inner, &path, files);
            files.insert(path, Vec::new());
        } else {
            files.insert(path, volume.read(&entry).unwrap());
        }
    }
}

fn files(volume: &mut Volume<RamDisk>) -> Files {
    let mut files = Files::new();
    let root = volume.root();
    collect(volume, root, "", &mut files);
    files
}

fn open(volume: &mut Volume<RamDisk>, path: &str) -> OpenFile {
    let (parent, name) = split(path);
    let folder = volume.open_folder(parent).unwrap();
    let entry = volume.find(folder, name).unwrap();
    volume.open_file(folder, &entry).unwrap()
}

fn split(path: &str) -> (&str, &str) {
    path.trim_end_matches('/')
        .rsplit_once('/')
        .unwrap_or(("", path.trim_end_matches('/')))
}

/// What an action may leave when it is cut.
enum Action {
    /// All or nothing.
    Whole,
    /// Of one file any of the bytes, and the old or the new size.
    Write(String),
    /// Both names: an empty file has no clusters by which they could be told to be the same.
    RenameOfEmpty,
}

/// Does something to some file; returns what, for the check.
fn act(volume: &mut Volume<RamDisk>, random: &mut Random, known: &Files, number: usize) -> Action {
    let paths: Vec<&String> = known
        .keys()
        .filter(|path| !path.ends_with('/') && *path != "untouched")
        .collect();
    let folders: Vec<&str> = known
        .keys()
        .filter_map(|path| path.strip_suffix('/'))
        .collect();
    let new_name = format!("{number}{}", "-long".repeat(random.below(8)));
    let folder = match random.below(3) {
        0 if !folders.is_empty() => folders[random.below(folders.len())],
        _ => "",
    };
    let path = (!paths.is_empty()).then(|| paths[random.below(paths.len())].clone());
    match (random.below(10), path) {
        (0 | 1, _) | (_, None) => {
            let folder = volume.open_folder(folder).unwrap();
            let file = volume.create_open(folder, &new_name, NOW).unwrap();
            volume.release(file).unwrap();
            Action::Whole
        }
        (2, _) => {
            let folder = volume.open_folder(folder).unwrap();
            volume.make_folder(folder, &new_name, NOW).unwrap();
            Action::Whole
        }
        (3, _) if !folders.is_empty() => {
            let (parent, name) = split(folders[random.below(folders.len())]);
            let parent = volume.open_folder(parent).unwrap();
            match volume.remove_folder(parent, name) {
                Ok(()) => {}
                Err(VolumeError::NotEmpty) => {
                    volume.rename_folder(parent, name, &new_name).unwrap();
                }
                Err(error) => panic!("{error}"),
            }
            Action::Whole
        }
        (4, Some(path)) => {
            let mut file = open(volume, &path);
            volume.unlink(&mut file).unwrap();
            volume.write_at(&mut file, 900, b"unseen", NOW).unwrap();
            volume.release(file).unwrap();
            Action::Whole
        }
        (5 | 6, Some(path)) => {
            let mut file = open(volume, &path);
            let is_empty = file.size_bytes() == 0;
            let other = paths[random.below(paths.len())];
            if random.below(2) == 0 && *other != path {
                let mut replaced = open(volume, other);
                let (folder, name) = split(other);
                let folder = volume.open_folder(folder).unwrap();
                volume
                    .rename(&mut file, folder, name, Some(&mut replaced))
                    .unwrap();
                volume.release(replaced).unwrap();
            } else {
                let folder = volume.open_folder(folder).unwrap();
                volume.rename(&mut file, folder, &new_name, None).unwrap();
            }
            if is_empty {
                Action::RenameOfEmpty
            } else {
                Action::Whole
            }
        }
        (7, Some(path)) => {
            let mut file = open(volume, &path);
            let size = random.below(3000) as u32;
            volume.resize(&mut file, size, NOW).unwrap();
            volume.release(file).unwrap();
            Action::Write(path)
        }
        (_, Some(path)) => {
            let mut file = open(volume, &path);
            let anywhere = random.below(file.size_bytes() as usize + 700) as u32;
            for offset in [Some(anywhere), None] {
                // The second time at the end: no byte is written twice.
                let offset = offset.unwrap_or(file.size_bytes());
                let length = random.below(1500);
                let bytes = random.bytes(length);
                volume.write_at(&mut file, offset, &bytes, NOW).unwrap();
            }
            volume.release(file).unwrap();
            Action::Write(path)
        }
    }
}

fn is_mixture(found: &[u8], before: &[u8], after: &[u8]) -> bool {
    let byte = |bytes: &[u8], index: usize| bytes.get(index).copied().unwrap_or(0);
    (found.len() == before.len() || found.len() == after.len())
        && found
            .iter()
            .enumerate()
            .all(|(index, found)| *found == byte(before, index) || *found == byte(after, index))
}

fn check(disk: RamDisk, before: &Files, after: &Files, action: &Action, with_fsck: bool) {
    let mut volume = Volume::mount(disk).unwrap();
    volume.recover().unwrap();
    let mut found = files(&mut volume);
    let state = found.clone();
    if found != *before && found != *after {
        match action {
            Action::Whole => {
                let names = |files: &Files| -> Vec<(String, usize)> {
                    let sizes = files.iter();
                    sizes
                        .map(|(name, bytes)| (name.clone(), bytes.len()))
                        .collect()
                };
                panic!(
                    "{:?}\nis neither {:?}\nnor {:?}",
                    names(&found),
                    names(before),
                    names(after)
                )
            }
            Action::Write(path) => {
                let contents = found.insert(path.clone(), before[path].clone()).unwrap();
                assert!(is_mixture(&contents, &before[path], &after[path]), "{path}");
                assert!(found == *before, "another file has changed");
            }
            Action::RenameOfEmpty => {
                let mut both = before.clone();
                both.extend(after.clone());
                assert!(found == both);
            }
        }
    }
    let disk = volume.into_device();
    if with_fsck {
        assert_fsck_is_silent(&disk.contents());
        assert_eq!(hadris_complaints(disk.contents()), [""; 0]);
    }
    let mut volume = Volume::mount(disk).unwrap();
    assert!(!volume.recovery().is_needed());
    assert!(files(&mut volume) == state);
}

#[test]
fn a_cut_leaves_of_every_file_what_was_there_or_what_was_written() {
    let mut random = Random::new(7);
    let mut disk = format(SMALL_SECTORS, 1);
    add_file(&mut disk, "untouched", &[9; 5000]);
    let mut disk = RamDisk::new(disk);
    let (mut cuts, mut checked) = (0, 0);
    for number in 0..320 {
        let mut volume = Volume::mount(disk.clone()).unwrap();
        let before = files(&mut volume);
        let action = act(&mut volume, &mut random, &before, number);
        let after = files(&mut volume);
        let mut written = volume.into_device();
        let operations = written.take_operations();
        let mut check = |disk| {
            cuts += 1;
            let with_fsck = cuts % 211 == 0;
            checked += usize::from(with_fsck);
            check(disk, &before, &after, &action, with_fsck);
        };
        cuts_in_order(&disk, &operations, |_, disk| check(disk));
        cuts_with_a_cache(&disk, &operations, 4, &mut random, |_, disk| check(disk));
        assert_eq!(after["untouched"], [9; 5000]);
        disk = written;
    }
    assert!(cuts > 5000, "{cuts} cuts only");
    eprintln!("{cuts} cuts, {checked} of the volumes checked by fsck.fat and hadris-fat");
}

#[test]
fn a_full_volume_says_so_and_keeps_what_it_has() {
    let mut volume = Volume::mount(RamDisk::new(format(SMALL_SECTORS, 1))).unwrap();
    let root = volume.root();
    let mut file = volume.create_open(root, "a", NOW).unwrap();
    volume.write_at(&mut file, 0, b"kept", NOW).unwrap();
    let free = volume.free_bytes() as u32;
    let error = volume.resize(&mut file, free + 513, NOW).unwrap_err();
    assert!(matches!(error, VolumeError::Full { .. }), "{error}");
    assert_eq!(file.size_bytes(), 4);
    volume.resize(&mut file, free + 512, NOW).unwrap();
    assert!(volume.make_folder(root, "b", NOW).is_err());
    volume.resize(&mut file, 4, NOW).unwrap();
    volume.release(file).unwrap();
    assert_eq!(volume.free_bytes(), u64::from(free));
    assert_eq!(files(&mut volume)["a"], b"kept");
    assert_fsck_is_silent(&volume.into_device().contents());
}

#[test]
fn bytes_behind_a_shortened_end_come_back_as_zeros() {
    let mut volume = Volume::mount(RamDisk::new(format(4 * SMALL_SECTORS, 4))).unwrap();
    let root = volume.root();
    let mut file = volume.create_open(root, "a", NOW).unwrap();
    volume.write_at(&mut file, 0, &[7; 3000], NOW).unwrap();
    volume.resize(&mut file, 10, NOW).unwrap();
    volume.write_at(&mut file, 5000, b"x", NOW).unwrap();
    let mut bytes = [1; 6000];
    assert_eq!(volume.read_at(&file, 0, &mut bytes).unwrap(), 5001);
    assert_eq!(bytes[..10], [7; 10]);
    assert_eq!(bytes[10..5000], [0; 4990]);
    assert_eq!(volume.read_at(&file, 6000, &mut bytes).unwrap(), 0);
}
