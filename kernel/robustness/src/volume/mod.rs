//! The FAT16 volume. The input names a small volume, what is done with it, and a list of changes of its bytes.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Unstructured};
use bareflow_volume::ram_disk::{Failure, Operation, RamDisk};
use bareflow_volume::{
    BlockDevice, DeviceError, Entry, Folder, SECTOR_SIZE_BYTES, Timestamp, Volume, VolumeError,
};

use crate::{assert_is_reason, peak_bytes_of};

mod template;
mod tree;

use template::{SLOT_BYTES, TEMPLATES, Template};
use tree::{Item, Tree, sectors, table_entry};

const MOST_CHANGES: usize = 64;
/// Fields of a slot that mean most: the first byte, attributes, checksum, first cluster, size.
const FIELDS: [usize; 8] = [0, 1, 11, 13, 26, 27, 28, 30];
const NAMES: [&str; 8] = [
    "boot_003.snap",
    "NEW.TXT",
    "boot_001.snap",
    "first.txt",
    "a name that takes so many slots that a folder may well have to grow for it, or be full.data",
    "bad?",
    "\u{e9}t\u{e9} \u{1f600}.x",
    "x",
];
const ERROR: DeviceError = DeviceError::Failed("made up");

/// A disk that counts how many sectors it was asked for, up to a limit: a reader that does not end has no test
/// that ends.
struct Meter {
    disk: RamDisk,
    sectors: u64,
}

impl Meter {
    fn count(&mut self, length_bytes: usize) {
        self.sectors += (length_bytes / SECTOR_SIZE_BYTES) as u64 + 1;
        let limit = 16 * self.disk.sector_count();
        assert!(self.sectors <= limit, "more than {limit} sectors");
    }
}

impl BlockDevice for Meter {
    fn sector_count(&self) -> u64 {
        self.disk.sector_count()
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        self.count(buffer.len());
        self.disk.read(first_sector, buffer)
    }

    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.count(bytes.len());
        self.disk.write(first_sector, bytes)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.count(0);
        self.disk.flush()
    }
}

/// What is done with the volume.
#[derive(Debug, Arbitrary)]
struct Script {
    template: u8,
    folder: u8,
    name: u8,
    size: u16,
    victim: u8,
    /// Which of reading and writing fails, if any does.
    failing: u8,
    /// How much does not fail before.
    failure_after: u8,
}

impl Script {
    fn failure_of_reads(&self) -> Option<Failure> {
        (self.failing & 15 == 1).then_some(Failure::Reads(u64::from(self.failure_after), ERROR))
    }

    fn failure_of_writes(&self) -> Option<Failure> {
        (self.failing & 15 == 2).then_some(Failure::Writes(u64::from(self.failure_after), ERROR))
    }
}

/// Some bytes at some place.
#[derive(Debug, Arbitrary)]
struct Change {
    place: u8,
    offset: u16,
    bytes: [u8; 4],
}

impl Change {
    fn apply(&self, template: &Template, disk: &mut RamDisk) {
        let offset = usize::from(self.offset);
        let slot = |count: usize| offset / 8 % count * SLOT_BYTES + FIELDS[offset % 8];
        let entry = offset % 64 * 2;
        let root_slots = template.root_bytes / SLOT_BYTES;
        let places = match self.place & 7 {
            0 => [Some(offset % 64), None],
            1 => [Some(template.tables[0] + entry), None],
            2 => [Some(template.tables[1] + entry), None],
            3 => template.tables.map(|table| Some(table + entry)),
            4 => [Some(template.root + slot(root_slots)), None],
            5 => [Some(template.data + slot(16 * 8)), None],
            6 => [Some(template.root + offset % template.root_bytes), None],
            _ => [
                Some(template.data + offset % (24 * SECTOR_SIZE_BYTES)),
                None,
            ],
        };
        let length = usize::from(self.place >> 3 & 3) + 1;
        for place in places.into_iter().flatten() {
            for (offset, byte) in (place..).zip(&self.bytes[..length]) {
                let number = (offset / SECTOR_SIZE_BYTES) as u64;
                let mut sector = [0; SECTOR_SIZE_BYTES];
                disk.read(number, &mut sector)
                    .expect("the disk does not fail yet");
                sector[offset % SECTOR_SIZE_BYTES] = *byte;
                disk.apply(number, &sector);
            }
        }
    }
}

/// The slots of folders, by their first clusters.
type Slots = BTreeMap<u16, Vec<[u8; SLOT_BYTES]>>;

/// A folder or file that can be reached by its name.
struct Reached {
    folder: Folder,
    /// The first cluster of the folder; 0 for the root.
    folder_cluster: u16,
    slot: usize,
    entry: Entry,
}

/// A volume is mounted exactly when it is good; what is done with it changes what it is meant to and nothing else.
pub(crate) fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(script) = Script::arbitrary(&mut input) else {
        return;
    };
    let template = &TEMPLATES[usize::from(script.template) % TEMPLATES.len()];
    let mut disk = template.disk.clone();
    for _ in 0..MOST_CHANGES {
        if input.is_empty() {
            break;
        }
        let Ok(change) = Change::arbitrary(&mut input) else {
            break;
        };
        change.apply(template, &mut disk);
    }
    let tree = Tree::read(&mut disk);
    disk.fail(script.failure_of_reads());
    let result = mount(disk, tree.as_ref());
    let Some(tree) = tree else {
        return;
    };
    let mut volume = match result {
        Ok(volume) => volume,
        Err(reason) => {
            let is_made_up = reason == VolumeError::Device(ERROR);
            assert!(
                is_made_up && script.failure_of_reads().is_some(),
                "{reason}"
            );
            return;
        }
    };
    volume.device().disk.fail(None);
    list(&mut volume, &tree);
    let slots = tree.slots(&mut volume.device().disk);

    let needed = volume.recovery().is_needed();
    assert_eq!(volume.recover().map(|found| found.is_needed()), Ok(needed));
    let changed = written(&mut volume);
    assert_eq!(changed.is_empty(), !needed);
    assert_no_file_is_written(&tree, &changed);
    let disk = &mut volume.device().disk;
    let recovered = Tree::read(disk).expect("recovery does no damage");
    assert!(recovered.items == tree.items, "recovery changes files");
    recovered.assert_is_tidy(disk);
    assert_only_folders_are_written(disk, &tree, &changed);
    assert_only_names_are_deleted(&tree, &slots, &recovered.slots(disk));
    assert_tables_change_for(&tree, &recovered, &loose_clusters(&tree));

    let before = list(&mut volume, &recovered);
    let (tree, new) = create(&mut volume, &script, &recovered, &before);
    let tree = delete(&mut volume, &script, tree, &before, new.as_ref());
    let disk = volume.into_device().disk;
    let mut volume = mount(disk, Some(&tree)).expect("it is good");
    assert!(!volume.recovery().is_needed());
    list(&mut volume, &tree);
}

/// Mounts; the memory for it is bounded, and nothing is written.
fn mount(disk: RamDisk, tree: Option<&Tree>) -> Result<Volume<Meter>, VolumeError> {
    let mut meter = Meter { disk, sectors: 0 };
    let Some(tree) = tree else {
        let most_bytes = 24 * meter.disk.sector_count() * SECTOR_SIZE_BYTES as u64;
        let (peak_bytes, result) = peak_bytes_of(|| Volume::mount(&mut meter).map(drop));
        assert!(peak_bytes <= most_bytes, "{peak_bytes} bytes");
        let reason = result.expect_err("a bad volume is mounted");
        assert_is_reason(&reason);
        assert_eq!(meter.disk.take_operations(), []);
        return Err(reason);
    };
    let most_bytes = 24 * (usize::from(tree.layout.clusters) + tree.folder_bytes) + 4096;
    let (peak_bytes, result) = peak_bytes_of(|| Volume::mount(meter));
    assert!(peak_bytes <= most_bytes as u64, "{peak_bytes} bytes");
    let mut volume = result?;
    assert_eq!(volume.device().disk.take_operations(), []);
    Ok(volume)
}

/// All that names lead to: exactly what the tree has, with the same contents.
fn list(volume: &mut Volume<Meter>, tree: &Tree) -> Vec<Reached> {
    let mut reached = Vec::new();
    let mut folders = vec![(String::new(), volume.root(), 0)];
    while let Some((path, folder, cluster)) = folders.pop() {
        let entries = volume
            .list(folder)
            .expect("it was read when it was mounted");
        let items = tree.names_in(cluster);
        assert_eq!(entries.len(), items.len());
        for (entry, (slot, item)) in entries.into_iter().zip(items) {
            assert_eq!(entry.is_folder(), item.is_folder());
            assert_eq!(entry.size_bytes() as usize, item.size());
            if let Some((_, name)) = &item.long_name {
                assert_eq!(entry.name(), name);
            }
            // What it leads to is looked at by its new name.
            if tree.old_names.contains_key(&(cluster, slot)) {
                continue;
            }
            if !entry.is_folder() {
                let (peak_bytes, bytes) = peak_bytes_of(|| volume.read(&entry));
                let most_bytes = item.size() + tree.layout.cluster_bytes() + 8 * item.chain.len();
                assert!(peak_bytes <= most_bytes as u64 + 64, "{peak_bytes} bytes");
                let expected = tree.contents(&mut volume.device().disk, item);
                assert_eq!(bytes.as_ref(), Ok(&expected));
            }
            // A damaged folder may have a name twice, or one that has no path.
            let name = entry.name();
            if name.is_empty()
                || name.contains('/')
                || volume.find(folder, name).as_ref() != Ok(&entry)
            {
                continue;
            }
            if entry.is_folder() {
                let path = format!("{path}/{name}");
                let inner = volume.open_folder(&path).expect("it was found");
                folders.push((path, inner, item.first_cluster()));
            }
            reached.push(Reached {
                folder,
                folder_cluster: cluster,
                slot,
                entry,
            });
        }
    }
    assert_eq!(volume.device().disk.take_operations(), []);
    reached
}

/// The sectors that were written since the last time.
fn written(volume: &mut Volume<Meter>) -> BTreeSet<u64> {
    let operations = volume.device().disk.take_operations();
    let sectors = operations.iter().filter_map(|operation| match operation {
        Operation::Write(sector, _) => Some(*sector),
        Operation::Flush => None,
    });
    sectors.collect()
}

/// Nothing was written but tables, folders and what is nobody's.
fn assert_no_file_is_written(tree: &Tree, sectors: &BTreeSet<u64>) {
    let folders: BTreeSet<u16> = tree
        .items
        .values()
        .filter(|item| item.is_folder())
        .map(Item::first_cluster)
        .collect();
    for sector in sectors {
        assert!(
            *sector >= tree.layout.table_start,
            "sector {sector} is written"
        );
        let cluster = tree.layout.cluster_of(*sector);
        let owner = tree.owners[usize::from(cluster)];
        let is_right = owner == 0 || folders.contains(&owner);
        assert!(is_right, "sector {sector} of another file is written");
    }
}

/// Behind the tables recovery writes to folders only, where it deletes names. The disk is the one with recovery.
fn assert_only_folders_are_written(disk: &mut RamDisk, before: &Tree, changed: &BTreeSet<u64>) {
    for sector in changed.range(before.layout.root_start..) {
        let cluster = before.layout.cluster_of(*sector);
        let is_folder = cluster == 0 || before.owners[usize::from(cluster)] != 0;
        assert!(
            is_folder,
            "recovery writes to sector {sector}, which is nobody's"
        );
        let bytes = sectors(disk, *sector, 1);
        let slots = bytes.as_chunks::<SLOT_BYTES>().0;
        assert!(slots.iter().any(|slot| slot[0] == 0xe5));
    }
}

/// In folders, slots are as they were; or they are marked as deleted, and are old names or parts of long names.
fn assert_only_names_are_deleted(tree: &Tree, before: &Slots, after: &Slots) {
    assert!(before.keys().eq(after.keys()));
    for ((folder, before), after) in before.iter().zip(after.values()) {
        assert_eq!(before.len(), after.len());
        for (index, (old, new)) in before.iter().zip(after).enumerate() {
            if old == new {
                continue;
            }
            let is_name = old[11] & 0x3f == 0x0f || tree.old_names.contains_key(&(*folder, index));
            let is_deleted = new[0] == 0xe5 && old[1..] == new[1..];
            assert!(is_name && is_deleted, "slot {index} of {folder} changes");
        }
    }
}

/// What recovery may change in the tables: what is nobody's, and where a file ends and its chain does not.
fn loose_clusters(tree: &Tree) -> BTreeSet<u16> {
    let clusters = 2..2 + tree.layout.clusters;
    let lost = clusters.filter(|cluster| tree.owners[usize::from(*cluster)] == 0);
    lost.chain(tree.overlong.iter().copied()).collect()
}

/// What a folder was before, to compare with what it is.
fn assert_slots_are_kept(before: &[u8], after: &[u8], own: std::ops::Range<usize>) {
    let slots = |bytes: &[u8]| bytes.as_chunks::<SLOT_BYTES>().0.to_vec();
    let (before, after) = (slots(before), slots(after));
    let end = before.iter().position(|slot| slot[0] == 0);
    let end = end.unwrap_or(before.len());
    for (index, slot) in after.iter().enumerate() {
        if own.contains(&index) {
            continue;
        }
        let is_cleared = index >= end && *slot == [0; SLOT_BYTES];
        let is_kept = before.get(index) == Some(slot);
        assert!(is_kept || is_cleared, "slot {index} changes");
    }
}

/// Entries of the tables change for these clusters only.
fn assert_tables_change_for(before: &Tree, after: &Tree, clusters: &BTreeSet<u16>) {
    if before.table == after.table {
        return;
    }
    let count = before.table.len() / 2;
    for cluster in (0..count).map(|number| number as u16) {
        let is_same = table_entry(&before.table, cluster) == table_entry(&after.table, cluster);
        assert!(
            is_same || clusters.contains(&cluster),
            "cluster {cluster} changes"
        );
    }
}

/// Makes a file; returns the tree afterwards, and the file if there is one.
fn create(
    volume: &mut Volume<Meter>,
    script: &Script,
    before: &Tree,
    reached: &[Reached],
) -> (Tree, Option<Reached>) {
    let folders: Vec<&Reached> = reached.iter().filter(|one| one.entry.is_folder()).collect();
    // The root folder is the one more.
    let (folder, cluster) = match folders.get(usize::from(script.folder) % (folders.len() + 1)) {
        None => (volume.root(), 0),
        Some(one) => {
            let item = &before.items[&(one.folder_cluster, one.slot)];
            let path = path_of(reached, one, before);
            (
                volume.open_folder(&path).expect("it was opened"),
                item.first_cluster(),
            )
        }
    };
    let name = NAMES[usize::from(script.name) % NAMES.len()];
    let bytes = vec![0xc5; usize::from(script.size) % (6 * SECTOR_SIZE_BYTES)];
    let folder_before = before.folder(&mut volume.device().disk, cluster);
    volume.device().disk.fail(script.failure_of_writes());
    let result = volume.create(folder, name, &bytes, Timestamp::FIRST);
    volume.device().disk.fail(None);
    let changed = written(volume);
    assert_no_file_is_written(before, &changed);
    match result {
        Ok(()) => (),
        Err(VolumeError::Device(error)) => {
            assert!(error == ERROR && script.failure_of_writes().is_some());
            assert_eq!(
                volume.create(folder, "LATER", &[], Timestamp::FIRST),
                Err(VolumeError::MustRemount)
            );
            assert_eq!(volume.recover(), Err(VolumeError::MustRemount));
            let disk = volume.device().disk.clone();
            return (after_failure(volume, disk, before, cluster), None);
        }
        Err(reason) => {
            let is_refusal = matches!(
                reason,
                VolumeError::BadName
                    | VolumeError::AlreadyExists
                    | VolumeError::Full { .. }
                    | VolumeError::FolderFull
            );
            assert!(is_refusal, "{reason}");
            assert_is_reason(&reason);
            assert!(changed.is_empty(), "{reason}, after writes");
            let disk = &mut volume.device().disk;
            return (Tree::read(disk).expect("nothing was written"), None);
        }
    }
    let entry = volume.find(folder, name).expect("it was made");
    assert_eq!(volume.read(&entry).as_ref(), Ok(&bytes));
    let disk = &mut volume.device().disk;
    let after = Tree::read(disk).expect("creating does no damage");
    after.assert_is_tidy(disk);
    let added: Vec<_> = after
        .items
        .keys()
        .filter(|key| !before.items.contains_key(key))
        .collect();
    assert_eq!(added.len(), 1, "files appear");
    let (_, slot) = *added[0];
    assert_eq!(added[0].0, cluster);
    let item = &after.items[added[0]];
    assert_eq!(after.contents(disk, item), bytes);
    let mut touched: BTreeSet<u16> = item.chain.iter().copied().collect();
    for (key, old) in &before.items {
        let new = &after.items[key];
        if *old == *new {
            continue;
        }
        // The folder may have grown.
        let is_parent = old.is_folder() && old.first_cluster() == cluster;
        let has_grown = is_parent && old.slot == new.slot && new.chain.starts_with(&old.chain);
        assert!(has_grown, "another file changes");
        touched.extend(&new.chain[old.chain.len() - 1..]);
    }
    assert_tables_change_for(before, &after, &touched);
    let slots = slot + 1 - slots_of(name)..slot + 1;
    assert_slots_are_kept(&folder_before, &after.folder(disk, cluster), slots);
    for sector in changed {
        let owner = after.owners[usize::from(after.layout.cluster_of(sector))];
        let is_right = sector < after.layout.root_start
            || owner == cluster
            || owner != 0 && owner == item.first_cluster();
        assert!(is_right, "sector {sector} is written");
    }
    let new = Reached {
        folder,
        folder_cluster: cluster,
        slot,
        entry,
    };
    (after, Some(new))
}

/// How many slots a name takes: one, and with a long name one for each 13 UTF-16 units.
fn slots_of(name: &str) -> usize {
    match name {
        "NEW.TXT" => 1,
        _ => 1 + name.encode_utf16().count().div_ceil(13),
    }
}

/// The path of a folder that was reached.
fn path_of(reached: &[Reached], one: &Reached, tree: &Tree) -> String {
    let parent = reached.iter().find(|other| {
        let item = &tree.items[&(other.folder_cluster, other.slot)];
        other.entry.is_folder() && item.first_cluster() == one.folder_cluster
    });
    let path = parent.map_or(String::new(), |parent| path_of(reached, parent, tree));
    format!("{path}/{}", one.entry.name())
}

/// After a failed write everything that was there is there after the next mount, which goes on as ever.
fn after_failure(volume: &mut Volume<Meter>, disk: RamDisk, before: &Tree, folder: u16) -> Tree {
    let meter = Meter { disk, sectors: 0 };
    *volume = Volume::mount(meter).expect("a failure does no damage");
    volume.recover().expect("the disk does not fail any more");
    let disk = &mut volume.device().disk;
    disk.take_operations();
    let after = Tree::read(disk).expect("recovery does no damage");
    after.assert_is_tidy(disk);
    for (key, old) in &before.items {
        let new = after.items.get(key).expect("nothing is lost");
        let is_parent = old.is_folder() && old.first_cluster() == folder;
        let is_kept = old.slot == new.slot && new.chain.starts_with(&old.chain);
        assert!(old == new || is_parent && is_kept, "another file changes");
    }
    assert!(after.items.len() <= before.items.len() + 1);
    after
}

/// Deletes a file, if there is one; returns the tree afterwards.
fn delete(
    volume: &mut Volume<Meter>,
    script: &Script,
    before: Tree,
    reached: &[Reached],
    new: Option<&Reached>,
) -> Tree {
    let files = reached.iter().chain(new);
    let files: Vec<&Reached> = files.filter(|one| !one.entry.is_folder()).collect();
    let Some(count) = std::num::NonZeroUsize::new(files.len()) else {
        return before;
    };
    let victim = files[usize::from(script.victim) % count];
    let cluster = victim.folder_cluster;
    let folder_before = before.folder(&mut volume.device().disk, cluster);
    // A new file may have a short name that an old one has as its long name.
    if volume.find(victim.folder, victim.entry.name()).as_ref() != Ok(&victim.entry) {
        return before;
    }
    volume
        .delete(victim.folder, victim.entry.name())
        .expect("it was found");
    let changed = written(volume);
    let disk = &mut volume.device().disk;
    let after = Tree::read(disk).expect("deleting does no damage");
    after.assert_is_tidy(disk);
    let mut rest = before.items.clone();
    let item = rest.remove(&(cluster, victim.slot)).expect("it is there");
    assert!(rest == after.items, "another file changes");
    assert_tables_change_for(&before, &after, &item.chain.iter().copied().collect());
    assert_slots_are_kept(
        &folder_before,
        &after.folder(disk, cluster),
        victim.slot - item.long_name.map_or(0, |(parts, _)| parts)..victim.slot + 1,
    );
    for sector in changed {
        let owner = after.owners[usize::from(after.layout.cluster_of(sector))];
        let is_right = sector < after.layout.root_start
            || sector < after.layout.first_sector_of(2) && cluster == 0
            || owner != 0 && owner == cluster;
        assert!(is_right, "sector {sector} is written");
    }
    after
}

/// Every volume as it is, and with the damages that have names.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let script = |template: u8, folder: u8, name: u8| {
        let size = 1300_u16.to_le_bytes();
        vec![template, folder, name, size[0], size[1], 1, 0, 0]
    };
    let change = |place: u8, offset: u16, value: u16| {
        let offset = offset.to_le_bytes();
        let value = value.to_le_bytes();
        [
            place | 1 << 3,
            offset[0],
            offset[1],
            value[0],
            value[1],
            0,
            0,
        ]
    };
    let mut seeds = Vec::new();
    for template in 0..TEMPLATES.len() as u8 {
        for (folder, name) in [(0, 0), (1, 1), (2, 4), (3, 2)] {
            seeds.push(script(template, folder, name));
        }
    }
    let damages = [
        change(3, 2, 3),
        change(3, 5, 6),
        change(3, 6, 5),
        change(1, 5, 0),
        change(2, 7, 0xffff),
        change(3, 20, 21),
        change(4, 8 + 4, 3),
        change(4, 3 * 8 + 6, 9000),
        change(5, 2 * 8 + 4, 2),
        change(0, 13, 2),
        // One sector more than the disk has.
        change(0, 19, 4121),
        // The last cluster, and the one behind it.
        change(3, 7, 4086),
        change(3, 7, 4087),
        // Parts of a long name that are not in order.
        change(5, 35 * 8, 0x6101),
        change(6, 96, 0xe5),
        // A file that needs fewer clusters than it has, and one that may have an old name.
        change(4, 3 * 8 + 6, 100),
        change(4, 3 * 8 + 3, 0x00ff),
    ];
    for (index, damage) in damages.iter().enumerate() {
        let mut seed = script(index as u8 % 5, 1, index as u8);
        seed.extend_from_slice(damage);
        seeds.push(seed);
    }
    for failing in [1, 2] {
        for after in [0, 3, 40] {
            let mut seed = script(failing, after, 4);
            seed[6] = failing;
            seed[7] = after;
            seeds.push(seed);
        }
    }
    seeds
}
