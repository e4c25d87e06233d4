//! The entries of a folder, as bytes (Microsoft, "FAT: General Overview of On-Disk Format", 1.03, "FAT Directory
//! Structure").

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::take;
use core::ops::Range;

use crate::boot_sector::{Geometry, SLOT_SIZE_BYTES, SLOTS_PER_SECTOR};
use crate::device::{BlockDevice, DeviceError, SECTOR_SIZE_BYTES};
use crate::names::{self, ShortName};
use crate::timestamp::Timestamp;

const END: u8 = 0x00;
const DELETED: u8 = 0xe5;
const ATTRIBUTES: usize = 11;
const CASE: usize = 12;
const CHECKSUM: usize = 13;
/// Tenths of a second of the creation, below 200.
const TENTHS: usize = 13;
/// There: what the entry names is being renamed.
const OLD_NAME: u8 = 0xff;
const CREATED: usize = 14;
const ACCESSED: usize = 18;
const MODIFIED: usize = 22;
const FIRST_CLUSTER: usize = 26;
const SIZE: usize = 28;

const LABEL: u8 = 0x08;
const FOLDER: u8 = 0x10;
const ARCHIVE: u8 = 0x20;
/// Read-only, hidden, system and label at once: a part of a long name.
const LONG_NAME: u8 = 0x0f;
const LONG_NAME_MASK: u8 = 0x3f;
/// In a part's number: it is the last part of the name, which comes first.
const LAST_PART: u8 = 0x40;
/// Where a part has its 13 UTF-16 units.
const UNITS: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
const MOST_PARTS: u8 = 20;

/// A file or a folder, as its folder describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    name: String,
    short_name: ShortName,
    is_folder: bool,
    first_cluster: u16,
    size_bytes: u32,
    modified: Timestamp,
    may_be_old_name: bool,
    /// In the folder, those of the long name included.
    slots: Range<usize>,
}

impl Entry {
    /// Its long name, or the short one if it has no other.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// How long the file is; 0 for folders.
    pub fn size_bytes(&self) -> u32 {
        self.size_bytes
    }

    /// When it was written last.
    pub fn modified(&self) -> Timestamp {
        self.modified
    }

    /// Whether it was being renamed.
    pub(crate) fn may_be_old_name(&self) -> bool {
        self.may_be_old_name
    }

    pub(crate) fn short_name(&self) -> &ShortName {
        &self.short_name
    }

    /// 0 for a file without clusters.
    pub(crate) fn first_cluster(&self) -> u16 {
        self.first_cluster
    }

    pub(crate) fn slots(&self) -> Range<usize> {
        self.slots.clone()
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        names::same(&self.name, name)
            || names::same(&names::short_to_text(&self.short_name, 0), name)
    }
}

/// A folder's contents in memory.
pub(crate) struct Contents {
    /// Where each sector of `bytes` is on the volume.
    sectors: Vec<u64>,
    bytes: Vec<u8>,
}

/// What a folder's slots are.
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    /// Parts of long names whose entry is missing.
    pub(crate) orphans: Vec<usize>,
    /// The first slot behind all that are in use.
    pub(crate) end: usize,
}

impl Contents {
    /// Reads the clusters of a folder, or the root folder.
    pub(crate) fn read(
        device: &mut impl BlockDevice,
        geometry: &Geometry,
        chain: Option<&[u16]>,
    ) -> Result<Self, DeviceError> {
        let sectors: Vec<u64> = match chain {
            None => (geometry.root_start..geometry.root_start + geometry.root_sectors).collect(),
            Some(chain) => chain
                .iter()
                .map(|cluster| geometry.sector_of(*cluster))
                .flat_map(|first| first..first + geometry.sectors_per_cluster)
                .collect(),
        };
        let mut bytes = vec![0; sectors.len() * SECTOR_SIZE_BYTES];
        let run = match chain {
            None => bytes.len(),
            Some(_) => geometry.cluster_size_bytes(),
        };
        for (index, part) in bytes.chunks_mut(run).enumerate() {
            device.read(sectors[index * run / SECTOR_SIZE_BYTES], part)?;
        }
        Ok(Self { sectors, bytes })
    }

    /// Makes room for the slots of another, empty cluster.
    pub(crate) fn extend(&mut self, geometry: &Geometry, cluster: u16) {
        let first = geometry.sector_of(cluster);
        self.sectors
            .extend(first..first + geometry.sectors_per_cluster);
        self.bytes
            .resize(self.sectors.len() * SECTOR_SIZE_BYTES, END);
    }

    pub(crate) fn slot_count(&self) -> usize {
        self.bytes.len() / SLOT_SIZE_BYTES
    }

    fn slot(&self, index: usize) -> &[u8] {
        &self.bytes[index * SLOT_SIZE_BYTES..][..SLOT_SIZE_BYTES]
    }

    fn slot_mut(&mut self, index: usize) -> &mut [u8] {
        &mut self.bytes[index * SLOT_SIZE_BYTES..][..SLOT_SIZE_BYTES]
    }

    pub(crate) fn list(&self) -> Listing {
        let mut listing = Listing {
            entries: Vec::new(),
            orphans: Vec::new(),
            end: self.slot_count(),
        };
        let mut long_name = LongName::default();
        for index in 0..self.slot_count() {
            let slot = self.slot(index);
            match slot[0] {
                END => {
                    listing.end = index;
                    break;
                }
                DELETED => listing.orphans.append(&mut take(&mut long_name).slots),
                _ if slot[ATTRIBUTES] & LONG_NAME_MASK == LONG_NAME => {
                    if !long_name.add(slot) {
                        listing.orphans.append(&mut take(&mut long_name).slots);
                        if !long_name.add(slot) {
                            listing.orphans.push(index);
                            continue;
                        }
                    }
                    long_name.slots.push(index);
                }
                _ => {
                    let text = long_name.text(slot);
                    if text.is_none() {
                        listing.orphans.append(&mut long_name.slots);
                    }
                    let first_slot = long_name.slots.first().copied().unwrap_or(index);
                    long_name = LongName::default();
                    if slot[ATTRIBUTES] & LABEL == 0 {
                        listing
                            .entries
                            .push(parse_entry(slot, text, first_slot..index + 1));
                    }
                }
            }
        }
        listing.orphans.append(&mut long_name.slots);
        listing
    }

    /// So many free slots in a row, the first such row.
    pub(crate) fn free_slots(&self, count: usize) -> Option<Range<usize>> {
        let end = self.list().end;
        let mut start = 0;
        for index in 0..self.slot_count() {
            if index < end && self.slot(index)[0] != DELETED {
                start = index + 1;
            } else if index + 1 - start == count {
                return Some(start..index + 1);
            }
        }
        None
    }

    /// How many slots at the folder's end are free.
    pub(crate) fn free_slots_at_end(&self) -> usize {
        let used = (0..self.list().end)
            .rev()
            .find(|index| self.slot(*index)[0] != DELETED);
        self.slot_count() - used.map_or(0, |last| last + 1)
    }

    /// Clears what other systems have left behind the end, up to the slot behind `slots`; returns the sectors
    /// that change.
    pub(crate) fn clear_behind_end(&mut self, slots: &Range<usize>) -> BTreeSet<usize> {
        let end = self.list().end;
        let limit = (slots.end + 1).min(self.slot_count());
        let mut changed = BTreeSet::new();
        for index in end..limit {
            if self.slot(index)[0] != END {
                self.slot_mut(index).fill(0);
                changed.insert(index / SLOTS_PER_SECTOR);
            }
        }
        changed
    }

    /// Puts a file into free slots, as many as [`slots_for`] says.
    pub(crate) fn put(&mut self, slots: &Range<usize>, entry: &NewEntry) {
        let checksum = names::checksum(&entry.short_name);
        let parts = slots.len() - 1;
        for (index, number) in slots.clone().zip((1..=parts).rev()) {
            let slot = self.slot_mut(index);
            slot.fill(0);
            slot[0] = number as u8 | if number == parts { LAST_PART } else { 0 };
            slot[ATTRIBUTES] = LONG_NAME;
            slot[CHECKSUM] = checksum;
            for (offset, place) in UNITS.iter().zip((number - 1) * UNITS.len()..) {
                // The name ends with a zero if there is room, and is padded with ones.
                let unit = match entry.long_name.get(place) {
                    Some(unit) => *unit,
                    None if place == entry.long_name.len() => 0,
                    None => 0xffff,
                };
                slot[*offset..][..2].copy_from_slice(&unit.to_le_bytes());
            }
        }
        let slot = self.slot_mut(slots.end - 1);
        slot.fill(0);
        slot[..entry.short_name.len()].copy_from_slice(&entry.short_name);
        slot[ATTRIBUTES] = match entry.kind {
            Kind::File => ARCHIVE,
            Kind::Folder => FOLDER,
        };
        let (date, time) = entry.timestamp.to_fat();
        slot[CREATED..][..2].copy_from_slice(&time.to_le_bytes());
        slot[CREATED + 2..][..2].copy_from_slice(&date.to_le_bytes());
        describe(slot, entry.first_cluster, entry.size_bytes, entry.timestamp);
    }

    /// Marks slots as deleted.
    pub(crate) fn delete(&mut self, slots: impl IntoIterator<Item = usize>) {
        for index in slots {
            self.slot_mut(index)[0] = DELETED;
        }
    }

    /// Writes some of its sectors.
    pub(crate) fn write(
        &self,
        device: &mut impl BlockDevice,
        sectors: impl IntoIterator<Item = usize>,
    ) -> Result<(), DeviceError> {
        for index in sectors {
            let bytes = &self.bytes[index * SECTOR_SIZE_BYTES..][..SECTOR_SIZE_BYTES];
            device.write(self.sectors[index], bytes)?;
        }
        Ok(())
    }
}

/// What a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
}

/// Writes into an entry's slot what changes when its file is written; it is not being renamed from then on.
pub(crate) fn describe(slot: &mut [u8], first_cluster: u16, size_bytes: u32, modified: Timestamp) {
    let (date, time) = modified.to_fat();
    slot[TENTHS] = 0;
    slot[ACCESSED..][..2].copy_from_slice(&date.to_le_bytes());
    slot[MODIFIED..][..2].copy_from_slice(&time.to_le_bytes());
    slot[MODIFIED + 2..][..2].copy_from_slice(&date.to_le_bytes());
    slot[FIRST_CLUSTER..][..2].copy_from_slice(&first_cluster.to_le_bytes());
    slot[SIZE..][..4].copy_from_slice(&size_bytes.to_le_bytes());
}

/// Marks an entry's slot: when another has the same clusters, this is the old name of what is being renamed.
pub(crate) fn mark_old_name(slot: &mut [u8]) {
    slot[TENTHS] = OLD_NAME;
}

/// The first slots of a new folder: its entry for itself and for the folder that it is in.
pub(crate) fn navigation(own_cluster: u16, parent_cluster: u16, timestamp: Timestamp) -> Vec<u8> {
    let mut bytes = vec![0; 2 * SLOT_SIZE_BYTES];
    let slots = bytes.chunks_exact_mut(SLOT_SIZE_BYTES);
    let entries: [(&[u8; 11], u16); 2] = [
        (b".          ", own_cluster),
        (b"..         ", parent_cluster),
    ];
    for (slot, (name, cluster)) in slots.zip(entries) {
        slot[..name.len()].copy_from_slice(name);
        slot[ATTRIBUTES] = FOLDER;
        describe(slot, cluster, 0, timestamp);
    }
    bytes
}

/// A file or folder that its folder does not have yet.
pub(crate) struct NewEntry {
    pub(crate) kind: Kind,
    pub(crate) short_name: ShortName,
    /// Empty when the short name says it all.
    pub(crate) long_name: Vec<u16>,
    pub(crate) first_cluster: u16,
    pub(crate) size_bytes: u32,
    pub(crate) timestamp: Timestamp,
}

/// How many slots a name of so many UTF-16 units takes.
pub(crate) fn slots_for(long_name_units: usize) -> usize {
    long_name_units.div_ceil(UNITS.len()) + 1
}

fn word(slot: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([slot[offset], slot[offset + 1]])
}

fn parse_entry(slot: &[u8], long_name: Option<String>, slots: Range<usize>) -> Entry {
    let short_name: ShortName = *slot.first_chunk().expect("a slot has 32 bytes");
    let is_folder = slot[ATTRIBUTES] & FOLDER != 0;
    Entry {
        name: long_name.unwrap_or_else(|| names::short_to_text(&short_name, slot[CASE])),
        short_name,
        is_folder,
        first_cluster: word(slot, FIRST_CLUSTER),
        size_bytes: if is_folder {
            0
        } else {
            u32::from(word(slot, SIZE)) | u32::from(word(slot, SIZE + 2)) << 16
        },
        modified: Timestamp::from_fat(word(slot, MODIFIED + 2), word(slot, MODIFIED)),
        may_be_old_name: slot[TENTHS] == OLD_NAME,
        slots,
    }
}

/// A long name that is being read, its last part first.
#[derive(Default)]
struct LongName {
    slots: Vec<usize>,
    units: Vec<u16>,
    checksum: u8,
    /// The number of the part that was read last.
    number: u8,
}

impl LongName {
    /// Adds a part; false if it is not the next one.
    fn add(&mut self, slot: &[u8]) -> bool {
        let number = slot[0] & !LAST_PART;
        let is_next = if slot[0] & LAST_PART != 0 {
            self.slots.is_empty() && (1..=MOST_PARTS).contains(&number)
        } else {
            number != 0 && number + 1 == self.number && slot[CHECKSUM] == self.checksum
        };
        if !is_next {
            return false;
        }
        self.number = number;
        self.checksum = slot[CHECKSUM];
        let units = UNITS.map(|offset| word(slot, offset));
        self.units.splice(..0, units);
        true
    }

    /// The whole name, if all of it was read and it belongs to this entry.
    fn text(&mut self, slot: &[u8]) -> Option<String> {
        let short_name = slot.first_chunk().expect("a slot has 32 bytes");
        if self.number != 1 || names::checksum(short_name) != self.checksum {
            return None;
        }
        let end = self.units.iter().position(|unit| *unit == 0);
        self.units.truncate(end.unwrap_or(self.units.len()));
        Some(String::from_utf16_lossy(&self.units))
    }
}
