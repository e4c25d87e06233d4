//! Creating, replacing and deleting files while the power fails.

use std::collections::BTreeMap;

use bareflow_volume::ram_disk::{Operation, RamDisk};
use bareflow_volume::{Timestamp, Volume};

use crate::disks::{SMALL_SECTORS, add_file, add_folder, assert_fsck_is_silent, format};
use crate::simulation::{Random, cuts_in_order, cuts_with_a_cache};

const FOLDER: &str = "boot/snapshots";

type Files = BTreeMap<String, Vec<u8>>;

fn files(volume: &mut Volume<RamDisk>) -> Files {
    let folder = volume.open_folder(FOLDER).unwrap();
    let entries = volume.list(folder).unwrap();
    let read = |entry: &bareflow_volume::Entry| (entry.name().into(), volume.read(entry).unwrap());
    entries.iter().map(read).collect()
}

/// After a cut there is what an action has left at some time.
fn check(disk: RamDisk, states: &[Files], with_fsck: bool) {
    let mut volume = Volume::mount(disk).unwrap();
    let found = files(&mut volume);
    assert!(states.contains(&found));
    volume.recover().unwrap();
    let disk = volume.into_device();
    if with_fsck {
        assert_fsck_is_silent(&disk.contents());
    }
    let mut volume = Volume::mount(disk).unwrap();
    assert!(!volume.recovery().is_needed());
    assert_eq!(files(&mut volume), found);
    let root = volume.root();
    let other = volume.find(root, "untouched").unwrap();
    assert_eq!(volume.read(&other).unwrap(), [9; 5000]);
}

#[test]
fn a_cut_leaves_all_or_nothing_of_an_action() {
    let mut random = Random::new(1);
    let mut disk = format(SMALL_SECTORS, 1);
    add_file(&mut disk, "untouched", &[9; 5000]);
    add_folder(&mut disk, FOLDER);
    let mut disk = RamDisk::new(disk);
    let (mut cuts, mut names, mut checked) = (0, Vec::new(), 0);
    let (mut in_place, mut in_turn) = (0, 0);
    for number in 0..150 {
        let mut volume = Volume::mount(disk.clone()).unwrap();
        let mut states = vec![files(&mut volume)];
        let folder = volume.open_folder(FOLDER).unwrap();
        // Names of one to six slots cross sectors at many places, and make the folder grow.
        let new_name = format!("{number}{}", "-long".repeat(random.below(13)));
        let size = random.below(6000);
        let contents = random.bytes(size);
        let mut replaced = false;
        match number % 5 {
            2 => {
                let name: String = names.swap_remove(random.below(names.len()));
                volume.delete(folder, &name).unwrap();
            }
            4 => {
                replaced = true;
                let name: String = names.swap_remove(random.below(names.len()));
                let old = volume.find(folder, &name).unwrap();
                let draft = volume.draft(&contents).unwrap();
                assert_eq!(volume.read_draft(&draft).unwrap(), contents);
                volume
                    .publish(folder, &new_name, &draft, Some(&old), Timestamp::FIRST)
                    .unwrap();
                names.push(new_name.clone());
            }
            _ => {
                volume
                    .create(folder, &new_name, &contents, Timestamp::FIRST)
                    .unwrap();
                names.push(new_name.clone());
            }
        }
        let after = files(&mut volume);
        let mut written = volume.into_device();
        let operations = written.take_operations();
        if replaced {
            let is_flush = |operation: &&Operation| **operation == Operation::Flush;
            if operations.iter().filter(is_flush).count() == 2 {
                in_place += 1;
            } else {
                in_turn += 1;
                let mut both = states[0].clone();
                both.insert(new_name, contents);
                states.push(both);
            }
        }
        states.push(after);
        let mut check = |disk| {
            cuts += 1;
            let with_fsck = cuts % 97 == 0;
            checked += usize::from(with_fsck);
            check(disk, &states, with_fsck);
        };
        cuts_in_order(&disk, &operations, |_, disk| check(disk));
        cuts_with_a_cache(&disk, &operations, 5, &mut random, |_, disk| check(disk));
        disk = written;
    }
    assert!(cuts > 5000, "{cuts} cuts only");
    assert!(in_place > 5 && in_turn > 5, "{in_place}, {in_turn}");
    eprintln!("{cuts} cuts, {checked} of the volumes checked by fsck.fat");
}
