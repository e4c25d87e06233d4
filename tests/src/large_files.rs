//! Files that are larger than the machine's memory: they are on the disk once, and read when the program asks, with
//! every kind of disk, in shrunk and exported images, and with damage.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bareflow_boot_layout::files::BLOCK_SIZE_BYTES;
use bareflow_boot_layout::{BOOT_PARTITION_SECTOR, SECTOR_SIZE_BYTES};
use bareflow_bundle::{Builder, Bundle, INPUT_FILE};

use super::exported::Exported;
use super::paging::{Booted, boot, boot_drive, open};
use super::runner::{Check, Test};
use super::subject::{Subject, overwrite};
use bareflow_image::disk::{Snapshots, shrink};
use bareflow_image::export;
use bareflow_image::program::{Program, ProgramFile, Tier, Transfer, without_snapshots};
use bareflow_run::qemu::{Boot, Drive, Interface, Verdict};

const FIXTURE: &str = "tests/fixtures/files/large.c";
const INPUT_FIXTURE: &str = "tests/fixtures/files/input.c";
/// Larger than the machine's memory, and no multiple of anything.
const LARGE_BYTES: u64 = 200_000_013;
/// As much as a BIOS loads in a short time.
const SMALLER_BYTES: u64 = 9_000_013;
const IMAGE_BYTES: u64 = 256 << 20;
const MEMORY_MIB: u32 = 128;
/// What the program reads at once.
const COUNT: u64 = 16;

/// The tests of large files.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 8] = [
        ("virtio", |subject| reads_parts(subject, Interface::Virtio)),
        ("ide", |subject| reads_parts(subject, Interface::Ide)),
        ("disk_without_a_driver", loads_all),
        ("nothing_is_read_unasked", reads_nothing),
        ("shrunk", shrunk),
        ("exported", exported),
        ("damage", damage),
        ("standard_input", standard_input),
    ];
    Test::of_checks("files::large", subject, &checks)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Where the file has text: at its ends, at the end of a block, and in its middle.
fn places(size_bytes: u64) -> [u64; 4] {
    let block = BLOCK_SIZE_BYTES as u64;
    [0, block - 6, size_bytes / 2, size_bytes - COUNT]
}

fn words(place: u64) -> String {
    format!("at {place:013}")
}

/// A file that has zeros but for its places.
fn large_file(subject: &Subject, size_bytes: u64) -> Result<PathBuf, String> {
    let path = subject.fresh_path("large");
    let file = File::create(&path).map_err(text)?;
    file.set_len(size_bytes).map_err(text)?;
    for place in places(size_bytes) {
        file.write_all_at(words(place).as_bytes(), place)
            .map_err(text)?;
    }
    Ok(path)
}

fn bundle(subject: &Subject, file: Option<&Path>, places: &[u64]) -> Result<Vec<u8>, String> {
    let source = subject.context.root.join(FIXTURE);
    let mut program = Program::build(&[source], &subject.compiler).map_err(text)?;
    let files = file.map(|path| ProgramFile::new(path, "large"));
    let files = files.transpose().map_err(text)?.into_iter().collect();
    program.add_files(files, Transfer::ByPath).map_err(text)?;
    let arguments: Vec<String> = places.iter().map(u64::to_string).collect();
    Ok(without_snapshots(&program.bundle(&arguments, Tier::Auto)))
}

/// An image with such a file, and what the program prints of it.
fn image(subject: &Subject, size_bytes: u64) -> Result<(PathBuf, String), String> {
    let file = large_file(subject, size_bytes)?;
    let bundle = bundle(subject, Some(&file), &places(size_bytes))?;
    let image = subject.fresh_path("large.img");
    subject.write_image(&image, &bundle, IMAGE_BYTES)?;
    fs::remove_file(file).map_err(text)?;
    Ok((image, expected(size_bytes)))
}

fn expected(size_bytes: u64) -> String {
    let mut output = format!("{size_bytes} bytes\n");
    for place in places(size_bytes) {
        let words = words(place);
        for line in [
            format!("pread {place}: 16 '{words}'\n"),
            format!("fread {place}: 16 '{words}'\n"),
            format!("mmap {place}: '{words}'\n"),
        ] {
            output.push_str(&line);
        }
    }
    output.push_str("pread 0: 3 'new'\n");
    output
}

fn drive(image: &Path, interface: Interface) -> Drive {
    Drive {
        interface,
        ..Drive::new(image)
    }
}

fn expect(booted: Booted, output: &str) -> Result<Booted, String> {
    let holds = booted.verdict == Verdict::Ended(0) && booted.output == output;
    booted.expect(holds, &format!("expected {output:?}"))
}

fn reads_parts(subject: &Subject, interface: Interface) -> Result<(), String> {
    let (image, output) = image(subject, LARGE_BYTES)?;
    let allocated_bytes = fs::metadata(&image).map_err(text)?.blocks() * 512;
    if allocated_bytes > LARGE_BYTES / 2 {
        return Err(format!("the sparse image takes {allocated_bytes} bytes"));
    }
    let way = Boot::Disk(drive(&image, interface));
    let booted = expect(boot(subject, way, Some(MEMORY_MIB))?, &output)?;
    let holds = booted
        .disk_bytes_read()
        .is_some_and(|bytes| bytes < 40 << 20);
    booted.expect(holds, "parts should be read").map(drop)
}

/// The BIOS loads everything, or says that it has no room.
fn loads_all(subject: &Subject) -> Result<(), String> {
    let (image, output) = image(subject, SMALLER_BYTES)?;
    expect(
        boot_drive(subject, drive(&image, Interface::Ahci))?,
        &output,
    )?;
    let (image, _) = self::image(subject, LARGE_BYTES)?;
    let way = Boot::Disk(drive(&image, Interface::Ahci));
    boot(subject, way, Some(MEMORY_MIB))?
        .expect_failure(112, &["memory", "needed"])
        .map(drop)
}

/// A program that does not ask for the file is as quick as one without it.
fn reads_nothing(subject: &Subject) -> Result<(), String> {
    let file = large_file(subject, LARGE_BYTES)?;
    let mut read = Vec::new();
    for file in [None, Some(file.as_path())] {
        let image = subject.fresh_path("nothing.img");
        subject.write_image(&image, &bundle(subject, file, &[])?, IMAGE_BYTES)?;
        let booted = expect(boot_drive(subject, Drive::new(image))?, "nothing\n")?;
        read.push(booted.disk_bytes_read().unwrap_or(u64::MAX));
    }
    let more = read[1].saturating_sub(read[0]);
    if more > 1 << 20 {
        return Err(format!("{read:?} bytes are read without and with the file"));
    }
    Ok(())
}

fn shrunk(subject: &Subject) -> Result<(), String> {
    let (image, output) = image(subject, SMALLER_BYTES)?;
    expect(boot_drive(subject, Drive::new(&image))?, &output)?;
    let used = subject.fresh_path("used.img");
    shrink(&open(&image)?, &used, Snapshots::Kept).map_err(text)?;
    expect(boot_drive(subject, Drive::new(&used))?, &output).map(drop)
}

/// From the image, whose file is beside the bundle.
fn exported(subject: &Subject) -> Result<(), String> {
    let (image, output) = image(subject, SMALLER_BYTES)?;
    let bytes = export::bundle_of(&open(&image)?).map_err(text)?;
    Bundle::open(&bytes).map_err(text)?;
    let exported = Exported::of(subject, &bytes, None).map_err(text)?;
    let (run, _) = exported.run(subject, MEMORY_MIB)?;
    if run.ending.code != 0 || run.output != output.as_bytes() {
        return Err(run.describe());
    }
    Ok(())
}

/// A block that is not what it was is an error of the program's, with a note, and others are read.
fn damage(subject: &Subject) -> Result<(), String> {
    let (image, output) = image(subject, LARGE_BYTES)?;
    let middle = places(LARGE_BYTES)[2];
    let start = BOOT_PARTITION_SECTOR + open(&image)?.header.files_sector();
    let start = u64::from(start) * SECTOR_SIZE_BYTES as u64;
    overwrite(&image, start + middle + COUNT, b"damaged").map_err(text)?;
    let mut expected = String::new();
    for line in output.lines() {
        let error = if line.starts_with(&format!("pread {middle}:")) {
            format!("pread {middle}: Input/output error\n")
        } else if line.starts_with(&format!("fread {middle}:")) {
            format!("fread {middle}: error\n")
        } else if line.starts_with(&format!("mmap {middle}:")) {
            format!("mmap {middle}: Input/output error\n")
        } else {
            format!("{line}\n")
        };
        expected.push_str(&error);
    }
    let booted = expect(boot_drive(subject, Drive::new(&image))?, &expected)?;
    let notes = booted.log.matches("/large cannot be read").count();
    let holds = notes == 1 && booted.log.contains("checksum");
    booted.expect(holds, "expected one note").map(drop)
}

/// Input that the image carries is read as files are, in every boot, and damage in it is an error of the program's.
fn standard_input(subject: &Subject) -> Result<(), String> {
    let image = image_with_input(subject, LARGE_BYTES)?;
    let output = expected_of_input(LARGE_BYTES, u64::MAX, "all");
    for _ in 0..2 {
        let way = Boot::Disk(Drive::new(&image));
        expect(boot(subject, way, Some(MEMORY_MIB))?, &output)?;
    }
    let image = image_with_input(subject, SMALLER_BYTES)?;
    let bytes = export::bundle_of(&open(&image)?).map_err(text)?;
    let exported = Exported::of(subject, &bytes, None).map_err(text)?;
    let output = expected_of_input(SMALLER_BYTES, u64::MAX, "all");
    let (run, _) = exported.run(subject, MEMORY_MIB)?;
    if run.ending.code != 0 || run.output != output.as_bytes() {
        return Err(run.describe());
    }
    let middle = places(SMALLER_BYTES)[2];
    let start = BOOT_PARTITION_SECTOR + open(&image)?.header.files_sector();
    let start = u64::from(start) * SECTOR_SIZE_BYTES as u64;
    overwrite(&image, start + middle + COUNT, b"damaged").map_err(text)?;
    let readable = middle - middle % BLOCK_SIZE_BYTES as u64;
    let output = expected_of_input(SMALLER_BYTES, readable, "Input/output error");
    let booted = expect(boot_drive(subject, Drive::new(&image))?, &output)?;
    let holds = booted.log.contains("standard input cannot be read");
    booted.expect(holds, "expected a note").map(drop)
}

fn image_with_input(subject: &Subject, size_bytes: u64) -> Result<PathBuf, String> {
    let source = subject.context.root.join(INPUT_FIXTURE);
    let program = Program::build(&[source], &subject.compiler).map_err(text)?;
    let file = large_file(subject, size_bytes)?;
    let bundle = program.bundle(&[], Tier::Auto);
    let mut builder = Builder::of(&bundle).map_err(text)?;
    builder.add(INPUT_FILE, file.as_os_str().as_encoded_bytes());
    let image = subject.fresh_path("input.img");
    subject.write_image(&image, &builder.finish(), IMAGE_BYTES)?;
    fs::remove_file(file).map_err(text)?;
    Ok(image)
}

/// What the program prints that can read so many bytes.
fn expected_of_input(size_bytes: u64, readable_bytes: u64, end: &str) -> String {
    let mut output = "terminal: 0\n".to_owned();
    for place in places(size_bytes)
        .into_iter()
        .filter(|place| *place < readable_bytes)
    {
        output += &format!("{place}: '{}'\n", words(place));
    }
    output + &format!("{} bytes: {end}\n", size_bytes.min(readable_bytes))
}
