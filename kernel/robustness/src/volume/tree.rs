//! What is on a volume, read by a second, simple implementation. It shares nothing with the first but the document:
//! Microsoft's "FAT: General Overview of On-Disk Format", version 1.03, and the page "Reference: snapshots".

use std::collections::{BTreeMap, BTreeSet};

use bareflow_volume::ram_disk::RamDisk;
use bareflow_volume::{BlockDevice, SECTOR_SIZE_BYTES};

use super::template::SLOT_BYTES;

const BAD: u16 = 0xfff7;
/// Paths have fewer folders.
const DEEPEST: usize = 128;

/// The numbers of the boot sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) sectors_per_cluster: u64,
    pub(super) clusters: u16,
    pub(super) table_start: u64,
    pub(super) table_count: u64,
    pub(super) table_sectors: u64,
    pub(super) root_start: u64,
    pub(super) root_sectors: u64,
    media: u8,
}

impl Layout {
    /// `None` if the volume must be refused.
    fn read(disk: &mut RamDisk) -> Option<Self> {
        let sector = sectors(disk, 0, 1);
        let word = |at: usize| u64::from(sector[at]) | u64::from(sector[at + 1]) << 8;
        let is_fat = sector[510..] == [0x55, 0xaa]
            && (sector[0] == 0xe9 || sector[0] == 0xeb && sector[2] == 0x90);
        let media = sector[21];
        let (per_cluster, table_start) = (u64::from(sector[13]), word(14));
        let (table_count, slots, table_sectors) = (u64::from(sector[16]), word(17), word(22));
        let is_sane = is_fat
            && word(11) == 512
            && [1, 2, 4, 8, 16, 32, 64, 128].contains(&per_cluster)
            && table_start != 0
            && (table_count == 1 || table_count == 2)
            && slots != 0
            && slots % 16 == 0
            && table_sectors != 0
            && (media == 0xf0 || media >= 0xf8);
        let total = if word(19) == 0 {
            word(32) | word(34) << 16
        } else {
            word(19)
        };
        let root_start = table_start + table_count * table_sectors;
        let data = root_start + slots / 16;
        if !is_sane || total < data || total > disk.sector_count() {
            return None;
        }
        let clusters = (total - data) / per_cluster;
        let is_fat16 = (4085..65_525).contains(&clusters);
        (is_fat16 && table_sectors * 256 >= clusters + 2).then_some(Self {
            sectors_per_cluster: per_cluster,
            clusters: clusters as u16,
            table_start,
            table_count,
            table_sectors,
            root_start,
            root_sectors: slots / 16,
            media,
        })
    }

    pub(super) fn cluster_bytes(&self) -> usize {
        self.sectors_per_cluster as usize * SECTOR_SIZE_BYTES
    }

    pub(super) fn is_cluster(&self, number: u16) -> bool {
        number >= 2 && number < 2 + self.clusters
    }

    pub(super) fn first_sector_of(&self, cluster: u16) -> u64 {
        self.root_start + self.root_sectors + u64::from(cluster - 2) * self.sectors_per_cluster
    }

    /// The cluster of a sector; 0 for what comes before the first.
    pub(super) fn cluster_of(&self, sector: u64) -> u16 {
        match sector.checked_sub(self.root_start + self.root_sectors) {
            Some(offset) => (offset / self.sectors_per_cluster + 2) as u16,
            None => 0,
        }
    }

    fn used_table_bytes(&self) -> usize {
        (usize::from(self.clusters) + 2) * 2
    }

    pub(super) fn read_table(&self, disk: &mut RamDisk, copy: u64) -> Vec<u8> {
        let bytes = self.used_table_bytes();
        let start = self.table_start + copy * self.table_sectors;
        // The rest of the last sector counts too: it must stay as it is.
        sectors(disk, start, bytes.div_ceil(SECTOR_SIZE_BYTES))
    }
}

pub(super) fn sectors(disk: &mut RamDisk, first: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count * SECTOR_SIZE_BYTES];
    disk.read(first, &mut bytes)
        .expect("the sectors are on the disk");
    bytes
}

/// The entry of a table for a cluster.
pub(super) fn table_entry(table: &[u8], cluster: u16) -> u16 {
    let at = usize::from(cluster) * 2;
    u16::from(table[at]) | u16::from(table[at + 1]) << 8
}

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its 32 bytes.
    pub(super) slot: [u8; SLOT_BYTES],
    /// How many slots before have its long name, and the name.
    pub(super) long_name: Option<(usize, String)>,
    /// Its clusters; those of a file that are behind its last byte are not among them, but for the first.
    pub(super) chain: Vec<u16>,
}

impl Item {
    pub(super) fn is_folder(&self) -> bool {
        self.slot[11] & 0x10 != 0
    }

    pub(super) fn first_cluster(&self) -> u16 {
        u16::from(self.slot[26]) | u16::from(self.slot[27]) << 8
    }

    /// Whether it was being renamed: another with its clusters is the same thing by its new name.
    fn may_be_old_name(&self) -> bool {
        self.slot[13] == 0xff
    }

    pub(super) fn size(&self) -> usize {
        match self.is_folder() {
            true => 0,
            false => u32::from_le_bytes(*self.slot.last_chunk().expect("32 bytes")) as usize,
        }
    }
}

/// The name in the slots before the one at `index`, if they are of that one: the parts of the name backwards, the
/// last part with a mark.
fn long_name(slots: &[[u8; SLOT_BYTES]], index: usize) -> Option<(usize, String)> {
    let short = &slots[index][..11];
    let sum = short
        .iter()
        .fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
    let mut units = Vec::new();
    for part in 1..=20 {
        let slot = &slots[index.checked_sub(part)?];
        if slot[11] & 0x3f != 0x0f || slot[13] != sum || usize::from(slot[0] & 0xbf) != part {
            return None;
        }
        let bytes = [&slot[1..11], &slot[14..26], &slot[28..]].concat();
        let pairs = bytes.as_chunks().0.iter();
        units.extend(pairs.map(|pair| u16::from_le_bytes(*pair)));
        if slot[0] & 0x40 != 0 {
            let end = units.iter().position(|unit| *unit == 0);
            units.truncate(end.unwrap_or(units.len()));
            return Some((part, String::from_utf16_lossy(&units)));
        }
    }
    None
}

/// The files and folders in a folder, without what is known of their clusters.
fn items_of(bytes: &[u8]) -> Vec<(usize, Item)> {
    let slots = bytes.as_chunks::<SLOT_BYTES>().0;
    let mut items = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        match slot {
            [0, ..] => break,
            [0xe5, ..] => continue,
            [.., _] if slot[11] & 0x08 != 0 => continue,
            [b'.', b' ', ..] | [b'.', b'.', b' ', ..] => continue,
            _ => (),
        }
        let item = Item {
            slot: *slot,
            long_name: long_name(slots, index),
            chain: Vec::new(),
        };
        items.push((index, item));
    }
    items
}

/// A good volume.
pub(super) struct Tree {
    pub(super) layout: Layout,
    pub(super) table: Vec<u8>,
    /// By the first cluster of the folder that they are in, 0 for the root, and their slot there.
    pub(super) items: BTreeMap<(u16, usize), Item>,
    /// In the same way, the old names of what is in `items` by its new name. They have no chains.
    pub(super) old_names: BTreeMap<(u16, usize), Item>,
    /// The last clusters of files whose chains do not end there.
    pub(super) overlong: BTreeSet<u16>,
    /// Whose each cluster is: the first cluster of a file or folder; 0 for nobody's.
    pub(super) owners: Vec<u16>,
    /// Bytes of all folders.
    pub(super) folder_bytes: usize,
}

impl Tree {
    /// `None` if the volume must be refused.
    pub(super) fn read(disk: &mut RamDisk) -> Option<Self> {
        let layout = Layout::read(disk)?;
        (0..layout.table_count).find_map(|copy| Self::read_copy(disk, layout, copy))
    }

    fn read_copy(disk: &mut RamDisk, layout: Layout, copy: u64) -> Option<Self> {
        let table = layout.read_table(disk, copy);
        if table[..2] != [layout.media, 0xff] {
            return None;
        }
        let mut tree = Self {
            layout,
            table,
            items: BTreeMap::new(),
            old_names: BTreeMap::new(),
            overlong: BTreeSet::new(),
            owners: vec![0; usize::from(layout.clusters) + 2],
            folder_bytes: 0,
        };
        let mut folders = vec![(0, 0)];
        // Whether these are old names is known when all others are. Of two that may be the old name of each other
        // the one that was met last is kept.
        let mut doubtful = Vec::new();
        loop {
            if let Some((folder, depth)) = folders.pop() {
                let bytes = tree.folder(disk, folder);
                tree.folder_bytes += bytes.len();
                for (index, item) in items_of(&bytes) {
                    if item.may_be_old_name() {
                        doubtful.push(((folder, index), depth, item));
                    } else {
                        folders.extend(tree.meet((folder, index), depth, item)?);
                    }
                }
            } else if let Some((place, depth, item)) = doubtful.pop() {
                if tree.has_name_for(item.first_cluster()) {
                    tree.old_names.insert(place, item);
                } else {
                    folders.extend(tree.meet(place, depth, item)?);
                }
            } else {
                break;
            }
        }
        let is_good = tree.overlong.iter().all(|last| tree.rest_is_nobodys(*last));
        is_good.then_some(tree)
    }

    /// Takes an item of a folder at this depth; returns what is to be read if it is a folder. `None` if it is damaged.
    fn meet(
        &mut self,
        place: (u16, usize),
        depth: usize,
        mut item: Item,
    ) -> Option<Option<(u16, usize)>> {
        let first = item.first_cluster();
        let mut folder = None;
        if item.is_folder() {
            if depth == DEEPEST {
                return None;
            }
            item.chain = self.claim(first, usize::MAX)?;
            folder = Some((first, depth + 1));
        } else {
            let needed = item.size().div_ceil(self.layout.cluster_bytes());
            if first != 0 {
                item.chain = self.claim(first, needed.max(1))?;
            }
            if item.chain.len() < needed {
                return None;
            }
            if let Some(last) = item.chain.last()
                && table_entry(&self.table, *last) <= BAD
            {
                self.overlong.insert(*last);
            }
        }
        self.items.insert(place, item);
        Some(folder)
    }

    /// Whether what begins with this cluster has been met.
    fn has_name_for(&self, first: u16) -> bool {
        first != 0
            && self
                .items
                .values()
                .any(|item| item.first_cluster() == first)
    }

    /// The clusters from this one on, so many at most, when they are nobody's yet.
    fn claim(&mut self, first: u16, most: usize) -> Option<Vec<u16>> {
        let mut chain = Vec::new();
        let mut cluster = first;
        loop {
            let is_free = self.layout.is_cluster(cluster) && self.owners[usize::from(cluster)] == 0;
            if !is_free {
                return None;
            }
            self.owners[usize::from(cluster)] = first;
            chain.push(cluster);
            cluster = table_entry(&self.table, cluster);
            if cluster > BAD || chain.len() == most {
                return Some(chain);
            }
        }
    }

    /// Whether what follows a file's last cluster comes to an end, or to where no chain goes on, before it comes to
    /// what is somebody's or where it was before.
    fn rest_is_nobodys(&self, last: u16) -> bool {
        let mut seen = BTreeSet::new();
        let mut cluster = table_entry(&self.table, last);
        while self.layout.is_cluster(cluster) {
            if self.owners[usize::from(cluster)] != 0 || !seen.insert(cluster) {
                return false;
            }
            cluster = table_entry(&self.table, cluster);
        }
        true
    }

    /// The bytes of a folder; 0 is the root folder.
    pub(super) fn folder(&self, disk: &mut RamDisk, first: u16) -> Vec<u8> {
        let layout = self.layout;
        if first == 0 {
            return sectors(disk, layout.root_start, layout.root_sectors as usize);
        }
        let mut bytes = Vec::new();
        let mut cluster = first;
        while cluster <= BAD {
            let sector = layout.first_sector_of(cluster);
            bytes.extend(sectors(disk, sector, layout.sectors_per_cluster as usize));
            cluster = table_entry(&self.table, cluster);
        }
        bytes
    }

    /// The contents of a file.
    pub(super) fn contents(&self, disk: &mut RamDisk, item: &Item) -> Vec<u8> {
        let needed = item.size().div_ceil(self.layout.cluster_bytes());
        let mut bytes = Vec::new();
        for cluster in &item.chain[..needed] {
            let sector = self.layout.first_sector_of(*cluster);
            bytes.extend(sectors(
                disk,
                sector,
                self.layout.sectors_per_cluster as usize,
            ));
        }
        bytes.truncate(item.size());
        bytes
    }

    /// The items of a folder and the old names there, in the order of their slots.
    pub(super) fn names_in(&self, folder: u16) -> BTreeMap<usize, &Item> {
        let range = (folder, 0)..=(folder, usize::MAX);
        let items = self.items.range(range.clone());
        let names = items.chain(self.old_names.range(range));
        names.map(|((_, slot), item)| (*slot, item)).collect()
    }

    /// The slots of each folder.
    pub(super) fn slots(&self, disk: &mut RamDisk) -> BTreeMap<u16, Vec<[u8; SLOT_BYTES]>> {
        let folders = self.items.values().filter(|item| item.is_folder());
        let clusters = folders.map(Item::first_cluster).chain([0]);
        clusters
            .map(|first| (first, self.folder(disk, first).as_chunks().0.to_vec()))
            .collect()
    }

    /// Both copies of the table are the same, nothing is in use that is nobody's, chains end where their files do,
    /// and nothing has an old name.
    pub(super) fn assert_is_tidy(&self, disk: &mut RamDisk) {
        assert!(self.old_names.is_empty(), "old names are kept");
        assert!(self.overlong.is_empty(), "chains go on behind their files");
        let used = self.layout.used_table_bytes();
        if self.layout.table_count == 2 {
            let copies = [0, 1].map(|copy| self.layout.read_table(disk, copy));
            assert!(copies[0][..used] == copies[1][..used], "the tables differ");
        }
        for cluster in 2..2 + self.layout.clusters {
            if self.owners[usize::from(cluster)] == 0 {
                let entry = table_entry(&self.table, cluster);
                assert!(
                    entry == 0 || entry == BAD,
                    "cluster {cluster} is lost: {entry:#x}"
                );
            }
        }
    }
}
