//! Small good volumes to damage.

use std::sync::LazyLock;

use bareflow_volume::ram_disk::RamDisk;
use bareflow_volume::{SECTOR_SIZE_BYTES, Timestamp, Volume};

pub(super) const SLOT_BYTES: usize = 32;
const BAD: u16 = 0xfff7;
const END: u16 = 0xffff;
const MEDIA: u8 = 0xf8;
/// The fewest that a FAT16 volume has.
const CLUSTERS: u16 = 4085;
const SECTORS_PER_TABLE: usize = 16;
/// The folders `BOOT` and `SNAPSHOT`, a folder of another system, and what nothing leads to.
const BOOT: u16 = 2;
const SNAPSHOTS: u16 = 3;
const OTHER: u16 = 4;
const LOST: u16 = 30;

/// How volumes differ.
struct Shape {
    sectors_per_cluster: usize,
    table_count: usize,
    root_sectors: usize,
    /// The first cluster that cannot be used; all behind it cannot either.
    first_bad: Option<u16>,
    /// Whether a power cut has left something behind.
    was_cut: bool,
}

const PLAIN: Shape = Shape {
    sectors_per_cluster: 1,
    table_count: 2,
    root_sectors: 2,
    first_bad: None,
    was_cut: false,
};

const SHAPES: [Shape; 5] = [
    PLAIN,
    Shape {
        table_count: 1,
        root_sectors: 1,
        ..PLAIN
    },
    Shape {
        sectors_per_cluster: 2,
        ..PLAIN
    },
    Shape {
        first_bad: Some(24),
        ..PLAIN
    },
    Shape {
        was_cut: true,
        ..PLAIN
    },
];

/// A disk, and where things are on it.
#[derive(Clone)]
pub(super) struct Template {
    pub(super) disk: RamDisk,
    /// Offsets in bytes.
    pub(super) tables: [usize; 2],
    pub(super) root: usize,
    pub(super) root_bytes: usize,
    pub(super) data: usize,
}

pub(super) static TEMPLATES: LazyLock<Vec<Template>> =
    LazyLock::new(|| SHAPES.iter().map(make).collect());

fn slot(name: &[u8; 11], attributes: u8, cluster: u16, size: u32) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    slot[..11].copy_from_slice(name);
    slot[11] = attributes;
    slot[26..28].copy_from_slice(&cluster.to_le_bytes());
    slot[28..].copy_from_slice(&size.to_le_bytes());
    slot
}

fn make(shape: &Shape) -> Template {
    let table = SECTOR_SIZE_BYTES;
    let table_bytes = SECTORS_PER_TABLE * SECTOR_SIZE_BYTES;
    let root = table + shape.table_count * table_bytes;
    let root_bytes = shape.root_sectors * SECTOR_SIZE_BYTES;
    let data = root + root_bytes;
    let cluster_bytes = shape.sectors_per_cluster * SECTOR_SIZE_BYTES;
    let size = data + usize::from(CLUSTERS) * cluster_bytes;
    let mut bytes = vec![0; size];
    let mut put = |offset: usize, part: &[u8]| {
        bytes[offset..offset + part.len()].copy_from_slice(part);
    };
    put(0, &[0xeb, 0x3c, 0x90]);
    put(11, &(SECTOR_SIZE_BYTES as u16).to_le_bytes());
    put(
        13,
        &[
            shape.sectors_per_cluster as u8,
            1,
            0,
            shape.table_count as u8,
        ],
    );
    put(17, &((root_bytes / SLOT_BYTES) as u16).to_le_bytes());
    put(19, &((size / SECTOR_SIZE_BYTES) as u16).to_le_bytes());
    put(21, &[MEDIA, SECTORS_PER_TABLE as u8, 0]);
    put(510, &[0x55, 0xaa]);

    let mut entries = vec![(0, 0xff00 | u16::from(MEDIA)), (1, END)];
    entries.extend([
        (BOOT, END),
        (SNAPSHOTS, END),
        (OTHER, OTHER + 4),
        (OTHER + 4, END),
    ]);
    // Behind the last cluster the table means nothing; here it looks as if there were more clusters.
    let behind = CLUSTERS + 2..(table_bytes / 2) as u16;
    entries.extend(behind.map(|cluster| (cluster, END)));
    if let Some(first) = shape.first_bad {
        entries.extend((first..CLUSTERS + 2).map(|cluster| (cluster, BAD)));
    }
    for copy in 0..shape.table_count {
        let start = table + copy * table_bytes;
        for (cluster, next) in &entries {
            put(start + usize::from(*cluster) * 2, &next.to_le_bytes());
        }
    }
    let at = |cluster: u16| data + usize::from(cluster - 2) * cluster_bytes;
    put(root, &slot(b"BAREFLOW   ", 0x08, 0, 0));
    put(root + SLOT_BYTES, &slot(b"BOOT       ", 0x10, BOOT, 0));
    put(root + 2 * SLOT_BYTES, &slot(b"OTHER      ", 0x10, OTHER, 0));
    put(
        at(BOOT) + 2 * SLOT_BYTES,
        &slot(b"SNAPSHOT   ", 0x10, SNAPSHOTS, 0),
    );
    for (own, parent) in [(BOOT, 0), (SNAPSHOTS, BOOT), (OTHER, 0)] {
        put(at(own), &slot(b".          ", 0x10, own, 0));
        put(at(own) + SLOT_BYTES, &slot(b"..         ", 0x10, parent, 0));
    }

    let mut volume = Volume::mount(RamDisk::new(bytes)).expect("the volume is good");
    let files = [
        ("/", "FIRST.TXT", 700),
        ("/BOOT/SNAPSHOT", "boot_001.snap", 1500),
        ("/BOOT", "EMPTY", 0),
        ("/BOOT/SNAPSHOT", "boot_002.snap", 400),
        ("/OTHER", "a long name of more than thirteen.data", 1100),
        ("/", "GONE.TXT", 600),
        ("/", "LAST.TXT", 513),
    ];
    for (index, (folder, name, size)) in files.iter().enumerate() {
        let folder = volume.open_folder(folder).expect("the folder is there");
        volume
            .create(
                folder,
                name,
                &vec![index as u8 + 1; *size],
                Timestamp::FIRST,
            )
            .expect("there is room");
    }
    volume
        .delete(volume.root(), "GONE.TXT")
        .expect("it is there");
    let mut bytes = volume.into_device().contents();
    if shape.was_cut {
        let lost = table + usize::from(LOST) * 2;
        bytes[lost..lost + 2].copy_from_slice(&(LOST + 1).to_le_bytes());
        bytes[lost + 2..lost + 4].copy_from_slice(&END.to_le_bytes());
        let mut part = slot(b"\x42l\0o\0n\0g\0 \0", 0x0f, 0, 0);
        part[13] = 77;
        let free = at(SNAPSHOTS) + SLOT_BYTES * 7;
        assert_eq!(bytes[free], 0);
        bytes[free..free + SLOT_BYTES].copy_from_slice(&part);
        // The first file was growing, and another name of it was being made.
        let slots = || (root..data).step_by(SLOT_BYTES);
        let file = slots().find(|at| bytes[*at..].starts_with(b"FIRST   TXT"));
        let mut old: [u8; SLOT_BYTES] = bytes[file.expect("it is there")..][..SLOT_BYTES]
            .try_into()
            .expect("a slot");
        old[..3].copy_from_slice(b"OLD");
        old[13] = 0xff;
        let last = table + (usize::from(u16::from_le_bytes([old[26], old[27]])) + 1) * 2;
        assert_eq!(bytes[last..last + 2], END.to_le_bytes());
        bytes[last..last + 2].copy_from_slice(&LOST.to_le_bytes());
        let free = slots().find(|at| bytes[*at] == 0).expect("there is room");
        bytes[free..free + SLOT_BYTES].copy_from_slice(&old);
    }
    Template {
        disk: RamDisk::new(bytes),
        tables: [table, table + (shape.table_count - 1) * table_bytes],
        root,
        root_bytes,
        data,
    }
}
