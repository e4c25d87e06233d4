//! Boots that save snapshots, and lose power at every write.
//!
//! A boot mounts the volume, recovers it, loads the newest snapshot and saves the next one. It is cut before each of
//! its writes. The next boot must find the snapshot in progress or the one before, and everything else. That boot is
//! cut at each of its writes too, and the third must find the same.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Instant;

use bareflow_snapshot::{FOLDER, Series, Store};
use bareflow_volume::ram_disk::{Operation, RamDisk};
use bareflow_volume::{Timestamp, Volume};

use crate::disks::{
    SMALL_SECTORS, add_file, add_folder, assert_fsck_is_silent, format, hadris_complaints,
};
use crate::sample::{bytes, expected};
use crate::simulation::{Random, cuts_in_order, cuts_with_a_cache};

const PROGRAM: [u8; 3000] = [7; 3000];
/// How many cuts there are between two volumes that `fsck.fat` checks.
const FSCK_INTERVAL: usize = 199;
/// What is free on a volume where older snapshots must make room for new ones.
const TIGHT_BYTES: u64 = 13 << 10;
const LEAST_CUTS: usize = 60_000;

/// The bytes of every snapshot that was ever written, by number.
type Model = BTreeMap<u32, Vec<u8>>;

struct Scenario {
    disk: RamDisk,
    model: Model,
    store: Store,
    keep: usize,
    is_tight: bool,
    /// How many snapshots made room for another.
    made_room: usize,
    random: Random,
}

/// What a boot did.
struct Boot {
    disk: RamDisk,
    operations: Vec<Operation>,
    /// The snapshots that it found.
    found: Vec<u32>,
    /// The one that it wrote.
    written: u32,
}

impl Scenario {
    /// A volume on which a few boots have left snapshots.
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let sectors_per_cluster = 1 << random.below(3);
        let sectors = SMALL_SECTORS * u32::from(sectors_per_cluster);
        let mut disk = format(sectors, sectors_per_cluster);
        add_file(&mut disk, "program/a.bc", &PROGRAM);
        add_folder(&mut disk, FOLDER);
        for number in 0..random.below(16) {
            // Names of several slots: the entries of snapshots begin anywhere in a sector.
            add_file(&mut disk, &format!("{FOLDER}/a note, number {number}"), b"");
        }
        let is_tight = random.below(4) == 0;
        if is_tight {
            let free = Volume::mount(RamDisk::new(disk.clone()))
                .unwrap()
                .free_bytes();
            add_file(&mut disk, "filler", &vec![1; (free - TIGHT_BYTES) as usize]);
        }
        let keep = 1 + random.below(4);
        let mut scenario = Self {
            disk: RamDisk::new(disk),
            model: Model::new(),
            store: Store::new(Series::Code, NonZeroUsize::new(keep).unwrap()),
            keep,
            is_tight,
            made_room: 0,
            random,
        };
        for _ in 0..scenario.random.below(6) {
            scenario.disk = scenario.boot(scenario.disk.clone()).disk;
        }
        scenario.disk = RamDisk::new(scenario.disk.contents());
        scenario
    }

    /// A boot, which must work.
    fn boot(&mut self, disk: RamDisk) -> Boot {
        let mut volume = Volume::mount(disk).unwrap();
        volume.recover().unwrap();
        let found = self.check_all(&mut volume);
        let loaded = self.check_newest(&mut volume);
        let written = found.last().map_or(1, |last| last + 1);
        let size = 1 + self.random.below(2500);
        let code = self.random.bytes(size);
        let contents = bytes(&code, u64::from(written));
        let saved = self
            .store
            .save(&mut volume, &contents, loaded, Timestamp::FIRST);
        let saved = saved.unwrap();
        assert_eq!(saved.number, written);
        let surplus = (found.len() + 1).saturating_sub(self.keep);
        self.made_room += saved.deleted - surplus;
        self.model.insert(written, contents);
        let mut disk = volume.into_device();
        Boot {
            operations: disk.take_operations(),
            disk,
            found,
            written,
        }
    }

    /// Every file is whole; returns the numbers of the snapshots that are there.
    fn check_all(&self, volume: &mut Volume<RamDisk>) -> Vec<u32> {
        let folder = volume.open_folder("program").unwrap();
        let program = volume.find(folder, "a.bc").unwrap();
        assert_eq!(volume.read(&program).unwrap(), PROGRAM);
        let folder = volume.open_folder(FOLDER).unwrap();
        let mut numbers = Vec::new();
        for entry in volume.list(folder).unwrap() {
            let contents = volume.read(&entry).unwrap();
            if let Some(number) = entry.name().strip_prefix("boot_") {
                let number = number.strip_suffix(".snap").unwrap().parse().unwrap();
                assert!(contents == self.model[&number], "snapshot {number}");
                numbers.push(number);
            } else {
                assert!(contents.is_empty());
            }
        }
        numbers.sort_unstable();
        numbers
    }

    /// The newest snapshot is good; returns its number.
    fn check_newest(&self, volume: &mut Volume<RamDisk>) -> Option<u32> {
        let loaded = self.store.load(volume, &expected(), |name, refusal| {
            panic!("{name} is refused: {refusal}");
        });
        let loaded = loaded.unwrap()?;
        assert_eq!(loaded.snapshot().profile.boots, u64::from(loaded.number()));
        Some(loaded.number())
    }

    /// What a boot finds after an earlier one was cut.
    fn check_after_cut(&self, cut: &Boot, disk: RamDisk) -> Volume<RamDisk> {
        let mut volume = Volume::mount(disk).unwrap();
        let found = self.check_all(&mut volume);
        // The newest before the cut, or the one in progress.
        let newest = self.check_newest(&mut volume);
        let is_new = newest == Some(cut.written);
        assert!(is_new || newest == cut.found.last().copied());
        if self.is_tight {
            return volume;
        }
        // Older ones are missing only if the new one is there, and only those that are not kept.
        let mut kept = cut.found.iter().rev().take(self.keep.saturating_sub(1));
        assert!(kept.all(|number| found.contains(number)));
        assert!(is_new || found == cut.found);
        volume
    }
}

/// Recovery leaves nothing to complain about.
fn check_others_accept(mut volume: Volume<RamDisk>) {
    volume.recover().unwrap();
    let disk = volume.into_device().contents();
    assert_fsck_is_silent(&disk);
    assert_eq!(hadris_complaints(disk), Vec::<String>::new());
}

/// Runs scenarios until there were enough cuts. `cut` cuts a boot on a disk in every way that a mode has.
fn simulate(
    mode: &str,
    cut: impl Fn(&RamDisk, &[Operation], &mut Random, &mut dyn FnMut(usize, RamDisk)),
) {
    let start = Instant::now();
    let mut random = Random::new(11);
    let (mut cuts, mut scenarios, mut checked, mut made_room) = (0, 0, 0, 0);
    while cuts < LEAST_CUTS {
        scenarios += 1;
        let mut scenario = Scenario::new(scenarios);
        let before = scenario.disk.clone();
        let first = scenario.boot(before.clone());
        let contents = scenario.model[&first.written].clone();
        let mut disks = Vec::new();
        cut(&before, &first.operations, &mut random, &mut |_, disk| {
            disks.push(disk)
        });
        for disk in disks {
            cuts += 1;
            scenario.check_after_cut(&first, disk.clone());
            let second = scenario.boot(disk.clone());
            let mut check = |_: usize, disk: RamDisk| {
                cuts += 1;
                let volume = scenario.check_after_cut(&second, disk);
                if cuts % FSCK_INTERVAL == 0 {
                    checked += 1;
                    check_others_accept(volume);
                }
            };
            cut(&disk, &second.operations, &mut random, &mut check);
            // Its number is free again: the next boot may write something else there.
            scenario.model.remove(&second.written);
            scenario.model.insert(first.written, contents.clone());
        }
        made_room += scenario.made_room;
    }
    assert_ne!(made_room, 0);
    let seconds = start.elapsed().as_secs_f32();
    eprintln!(
        "{mode}: {cuts} cuts in {scenarios} scenarios, {checked} volumes checked by others, {seconds:.1} s"
    );
}

#[test]
fn a_cut_at_every_write_loses_at_most_the_snapshot_in_progress() {
    simulate("writes in order", |disk, operations, _, check| {
        cuts_in_order(disk, operations, check);
    });
}

#[test]
fn so_does_a_cut_of_a_disk_that_reorders_and_drops_what_was_not_flushed() {
    simulate("writes in any order", |disk, operations, random, check| {
        cuts_with_a_cache(disk, operations, 2, random, check);
    });
}
