//! The FAT16 volume and its files.

use bareflow_snapshot::{Region, inspect};
use bareflow_volume::{BlockDevice, Folder, SECTOR_SIZE_BYTES};

use super::Part;
use bareflow_image::disk::ImageVolume;

/// The volume: its files with their sizes as they occupy the disk, what is free, and its own tables and folders.
pub fn part(volume: &mut ImageVolume) -> Part {
    let bytes = volume.device().sector_count() * SECTOR_SIZE_BYTES as u64;
    let mut parts = Vec::new();
    let root = volume.root();
    add_files(volume, root, "", &mut parts);
    let free = volume.free_bytes();
    let files: u64 = parts.iter().map(|part| part.bytes).sum();
    parts.push(Part::new("free", free));
    parts.push(Part::new(
        "tables and folders",
        bytes.saturating_sub(files + free),
    ));
    Part {
        parts,
        ..Part::new("FAT16 volume", bytes)
    }
}

fn add_files(volume: &mut ImageVolume, folder: Folder, path: &str, parts: &mut Vec<Part>) {
    // Mounting has read every folder.
    for entry in volume.list(folder).unwrap_or_default() {
        let path = format!("{path}/{}", entry.name());
        if entry.is_folder() {
            if let Ok(folder) = volume.open_folder(&path) {
                add_files(volume, folder, &path, parts);
            }
            continue;
        }
        let mut part = Part::new(&path, volume.occupied_bytes(entry.size_bytes().into()));
        if path.ends_with(".snap")
            && let Ok(bytes) = volume.read(&entry)
        {
            part.parts = snapshot_parts(&bytes);
        }
        parts.push(part);
    }
}

/// What a snapshot consists of; a damaged one has no parts.
fn snapshot_parts(bytes: &[u8]) -> Vec<Part> {
    let Ok(snapshot) = inspect(bytes) else {
        return Vec::new();
    };
    let sum = |regions: &[Region]| -> u64 {
        regions.iter().map(|region| region.bytes.len() as u64).sum()
    };
    let (code, data) = (sum(&snapshot.code), sum(&snapshot.data));
    vec![
        Part::new("code", code),
        Part::new("data", data),
        Part::new(
            "functions, imports and profile",
            bytes.len() as u64 - code - data,
        ),
    ]
}
