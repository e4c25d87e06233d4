//! Volumes that others made, and what others say about volumes.

use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::Command;

use bareflow_volume::SECTOR_SIZE_BYTES;
use hadris_fat::format::{FatFormatOptions, FatTypeSelection, FatVolumeFormatter};
use hadris_fat::tool::verify::FatVerifyExt;
use hadris_fat::{FatDir, FatVolume, FatVolumeWriteExt};

/// Few clusters, but enough for FAT16.
pub const SMALL_SECTORS: u32 = 8400;

/// An empty volume of this type with the folder of snapshots, as `cargo xtask image` makes it.
pub fn format_as(sectors: u32, sectors_per_cluster: u8, kind: FatTypeSelection) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0; sectors as usize * SECTOR_SIZE_BYTES]);
    let options = FatFormatOptions::new(disk.get_ref().len() as u64)
        .fat_type(kind)
        .sectors_per_cluster(sectors_per_cluster)
        .volume_label("BAREFLOW");
    drop(FatVolumeFormatter::format(&mut disk, options).unwrap());
    disk.into_inner()
}

/// An empty FAT16 volume.
pub fn format(sectors: u32, sectors_per_cluster: u8) -> Vec<u8> {
    format_as(sectors, sectors_per_cluster, FatTypeSelection::Fat16)
}

/// Lets hadris-fat make a file, and its folders.
pub fn add_file(disk: &mut Vec<u8>, path: &str, contents: &[u8]) {
    let mut cursor = Cursor::new(std::mem::take(disk));
    {
        let volume = FatVolume::open(&mut cursor).unwrap();
        let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
        let file = volume
            .create_file(&make_folder(&volume, parents), name)
            .unwrap();
        let mut writer = volume.write_file(&file).unwrap();
        let mut rest = contents;
        while !rest.is_empty() {
            let written = writer.write(rest).unwrap();
            rest = &rest[written..];
        }
        writer.finish().unwrap();
        volume.sync().unwrap();
    }
    *disk = cursor.into_inner();
}

/// Lets hadris-fat make a folder, and those that it is in.
pub fn add_folder(disk: &mut Vec<u8>, path: &str) {
    let mut cursor = Cursor::new(std::mem::take(disk));
    make_folder(&FatVolume::open(&mut cursor).unwrap(), path);
    *disk = cursor.into_inner();
}

fn make_folder<'a, T: Read + Write + std::io::Seek>(
    volume: &'a FatVolume<T>,
    path: &str,
) -> FatDir<'a, T> {
    let mut folder = volume.root_dir();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        folder = match folder.find(name).unwrap() {
            Some(_) => folder.open_dir(name).unwrap(),
            None => volume.create_dir(&folder, name).unwrap(),
        };
    }
    folder
}

/// What hadris-fat finds wrong with a volume.
pub fn hadris_complaints(disk: Vec<u8>) -> Vec<String> {
    let volume = FatVolume::open(Cursor::new(disk)).unwrap();
    let report = volume.verify().unwrap();
    let issues = report.issues.iter();
    issues.map(|issue| format!("{issue:?}")).collect()
}

/// What a tool did with a volume.
pub struct Run {
    pub is_success: bool,
    /// What it printed.
    pub text: String,
    /// The volume afterwards.
    pub disk: Vec<u8>,
}

/// Runs a tool on a volume, with the arguments before and behind its name; `None` if there is no such tool.
pub fn run(tool: &str, before: &[&str], disk: &[u8], behind: &[&str]) -> Option<Run> {
    let paths = std::env::var_os("PATH")?;
    let path = std::env::split_paths(&paths)
        .chain([Path::new("/usr/sbin").into(), Path::new("/sbin").into()])
        .map(|folder| folder.join(tool))
        .find(|path| path.exists());
    let Some(path) = path else {
        eprintln!("skipped: {tool} is not installed (packages dosfstools, mtools)");
        return None;
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(disk).unwrap();
    let output = Command::new(path)
        .args(before)
        .arg(file.path())
        .args(behind)
        .output()
        .unwrap();
    Some(Run {
        is_success: output.status.success(),
        text: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        disk: std::fs::read(file.path()).unwrap(),
    })
}

/// Requires that `fsck.fat -n` finds nothing, if it is installed.
pub fn assert_fsck_is_silent(disk: &[u8]) {
    if let Some(run) = run("fsck.fat", &["-n"], disk, &[]) {
        assert!(run.is_success, "fsck.fat: {}", run.text);
    }
}
