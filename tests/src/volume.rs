//! The image's FAT16 volume, as others read it: `fsck.fat` and mtools.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::downstream::finish;
use super::runner::{Outcome, Test};
use super::subject::Subject;
use bareflow_build::tools;
use bareflow_image::program::{Program, Tier};

/// Small, and with room for a kernel with all of LLVM.
const SIZE_BYTES: u64 = 128 << 20;
const SECTOR_SIZE_BYTES: u64 = 512;
/// The table of partitions in the first sector, its entries' size, and the types of FAT16.
const TABLE: usize = 446;
const ENTRY_SIZE_BYTES: usize = 16;
const FAT16_TYPES: [u8; 2] = [0x06, 0x0e];

/// The tests of the volume.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let subject = Arc::clone(subject);
    vec![Test::new("image::volume", move || {
        check(&subject).map_or_else(Outcome::Failed, |()| Outcome::Passed)
    })]
}

fn check(subject: &Subject) -> Result<(), String> {
    let source = subject.context.root.join("examples/hello.ll");
    let program =
        Program::build(&[source], &subject.compiler).map_err(|error| error.to_string())?;
    let bundle = program.bundle(&[], Tier::Interpreter);
    let image = subject.fresh_path("image");
    subject.write_image(&image, &bundle, SIZE_BYTES)?;
    let volume = subject.fresh_path("volume");
    check_file_system(&image, &volume)?;
    let list = |folder: &str| {
        let output = Command::new("mdir")
            .args(["-b", "-i"])
            .arg(&volume)
            .arg(folder)
            .output();
        finish(output, "mdir")
    };
    for (folder, name) in [("::/", "boot"), ("::/", "data"), ("::/boot", "snapshots")] {
        let names = list(folder)?.to_lowercase();
        if !names.lines().any(|line| line.contains(name)) {
            return Err(format!("mdir does not list {name} in {folder}:\n{names}"));
        }
    }
    let names = list("::/data")?;
    if names.trim().is_empty() {
        Ok(())
    } else {
        Err(format!("a new volume has files already:\n{names}"))
    }
}

/// Copies the volume out of an image, and has `fsck.fat` look at the copy.
///
/// # Errors
/// What is wrong with it.
pub fn check_file_system(image: &Path, copy: &Path) -> Result<(), String> {
    copy_volume(image, copy).map_err(|error| format!("cannot copy the volume: {error}"))?;
    let output = Command::new(tools::which("fsck.fat").unwrap_or("fsck.fat".into()))
        .arg("-n")
        .arg(copy)
        .output();
    finish(output, "fsck.fat -n").map(drop)
}

/// The volume in an image, for mtools.
fn in_image(image: &Path) -> Result<String, String> {
    let partition = File::open(image).and_then(|mut file| find_volume(&mut file));
    let (start, _) = partition.map_err(|error| format!("cannot find the volume: {error}"))?;
    Ok(format!("{}@@{start}", image.display()))
}

/// The contents of a file on the volume of an image.
///
/// # Errors
/// That there is none.
pub fn read_file(image: &Path, path: &str) -> Result<Vec<u8>, String> {
    let output = Command::new("mtype")
        .args(["-i", &in_image(image)?])
        .arg(format!("::/{path}"))
        .output()
        .map_err(|error| format!("cannot start mtype: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Replaces a file on the volume of an image; `temporary` is a path that nothing else uses.
///
/// # Errors
/// What kept it from being written.
pub fn write_file(image: &Path, path: &str, bytes: &[u8], temporary: &Path) -> Result<(), String> {
    fs::write(temporary, bytes).map_err(|error| error.to_string())?;
    let output = Command::new("mcopy")
        .args(["-o", "-i", &in_image(image)?])
        .arg(temporary)
        .arg(format!("::/{path}"))
        .output();
    finish(output, "mcopy").map(drop)
}

/// Where the first partition of FAT16 begins in an image, and its size, in bytes.
fn find_volume(file: &mut File) -> io::Result<(u64, u64)> {
    let mut sector = [0; SECTOR_SIZE_BYTES as usize];
    file.read_exact(&mut sector)?;
    let entry = sector[TABLE..]
        .chunks_exact(ENTRY_SIZE_BYTES)
        .take(4)
        .find(|entry| FAT16_TYPES.contains(&entry[4]))
        .ok_or(io::ErrorKind::NotFound)?;
    let number = |offset: usize| {
        let bytes = [0, 1, 2, 3].map(|index| entry[offset + index]);
        u64::from(u32::from_le_bytes(bytes)) * SECTOR_SIZE_BYTES
    };
    Ok((number(8), number(12)))
}

/// Copies the first partition of FAT16 out of an image.
pub fn copy_volume(image: &Path, volume: &Path) -> io::Result<()> {
    let mut file = File::open(image)?;
    let (start, size) = find_volume(&mut file)?;
    file.seek(SeekFrom::Start(start))?;
    let copied = io::copy(&mut file.take(size), &mut File::create(volume)?)?;
    if copied == size {
        Ok(())
    } else {
        fs::remove_file(volume)?;
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
