//! LLVM read from the disk when it is touched: with every kind of disk, with damage, and with what earlier boots
//! have recorded.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bareflow_boot_layout::{BOOT_PARTITION_SECTOR, SECTOR_SIZE_BYTES, clusters};
use bareflow_bundle::{Builder, TIER};
use bareflow_pager::Record;
use bareflow_protocol::report::Counters;

use super::runner::{Check, Test};
use super::subject::{Subject, overwrite};
use super::volume;
use bareflow_build::process::Recorder;
use bareflow_image::disk::ImageFile;
use bareflow_image::program::{Program, Tier, without_snapshots};
use bareflow_run::qemu::{self, Boot, Drive, Interface, ReadError, Verdict};

const SIZE_BYTES: u64 = 128 << 20;
const TIMEOUT: Duration = Duration::from_secs(240);
const RECORD_LIMIT_BYTES: usize = 1 << 20;
const OUTPUT: &str = "fib(20) = 6765";
/// A record of touches.
const RECORD: &str = "boot/touch_a.rec";
/// Little, for a program that takes all of it.
const LITTLE_MEMORY_MIB: u32 = 80;

/// The tests of paging.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 10] = [
        ("virtio", |subject| reads_some(subject, Interface::Virtio)),
        ("ide", |subject| reads_some(subject, Interface::Ide)),
        ("disk_without_a_driver", |subject| {
            loads_all(subject, Interface::Ahci)
        }),
        ("pvh", pvh),
        ("nothing_is_read_without_llvm", reads_none),
        ("little_memory", little_memory),
        ("damaged_page", damaged_page),
        ("read_error", read_error),
        ("second_boot", second_boot),
        ("damaged_record", damaged_record),
    ];
    Test::of_checks("paging", subject, &checks)
}

/// A boot, as a test sees it.
pub(super) struct Booted {
    pub(super) verdict: Verdict,
    counters: Option<Counters>,
    pub(super) output: String,
    pub(super) log: String,
}

impl Booted {
    fn describe(&self, what: &str) -> String {
        let Self {
            verdict,
            counters,
            output,
            log,
        } = self;
        format!("{what}: {verdict}\n{counters:?}\noutput: {output}\nlog: {log}")
    }

    pub(super) fn expect(self, holds: bool, what: &str) -> Result<Self, String> {
        if holds {
            return Ok(self);
        }
        Err(self.describe(what))
    }

    pub(super) fn expect_output(self) -> Result<Self, String> {
        let holds = self.verdict == Verdict::Ended(0) && self.output.contains(OUTPUT);
        self.expect(holds, "the program did not run")
    }

    /// The status of a failure, and its one message with these words.
    pub(super) fn expect_failure(self, status: u8, words: &[&str]) -> Result<Self, String> {
        let messages: Vec<&str> = self
            .log
            .lines()
            .filter(|line| line.starts_with("bareflow: error: "))
            .collect();
        let holds = self.verdict == Verdict::Ended(status)
            && messages.len() == 1
            && words.iter().all(|word| messages[0].contains(word));
        self.expect(holds, &format!("expected {status} with {words:?}"))
    }

    /// What was read of the disk.
    pub(super) fn disk_bytes_read(&self) -> Option<u64> {
        Some(self.counters?.disk_bytes_read)
    }

    /// Bytes and reads of LLVM.
    pub(super) fn llvm(&self) -> Option<(u64, u64)> {
        let llvm = self.counters?.llvm?;
        Some((llvm.bytes, llvm.reads))
    }
}

pub(super) fn boot(
    subject: &Subject,
    way: Boot,
    memory_mib: Option<u32>,
) -> Result<Booted, String> {
    let machine = subject.emulated(way, memory_mib);
    let output = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
    let log = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
    let (verdict, report) = qemu::boot(&machine, TIMEOUT, output.clone(), log.clone())
        .map_err(|error| error.to_string())?;
    let text = |recorder: Recorder<_>| String::from_utf8_lossy(&recorder.bytes()).into_owned();
    Ok(Booted {
        verdict,
        counters: report.counters,
        output: text(output),
        log: text(log),
    })
}

pub(super) fn boot_drive(subject: &Subject, drive: Drive) -> Result<Booted, String> {
    boot(subject, Boot::Disk(drive), None)
}

fn bundle(subject: &Subject) -> Result<Vec<u8>, String> {
    bundle_of(subject, "examples/fib.c")
}

fn bundle_of(subject: &Subject, source: &str) -> Result<Vec<u8>, String> {
    let source = subject.context.root.join(source);
    let program =
        Program::build(&[source], &subject.compiler).map_err(|error| error.to_string())?;
    // From a snapshot it would not need LLVM a second time.
    Ok(without_snapshots(&program.bundle(&[], Tier::Auto)))
}

fn image(subject: &Subject) -> Result<PathBuf, String> {
    let path = subject.fresh_path("paging.img");
    subject.write_image(&path, &bundle(subject)?, SIZE_BYTES)?;
    Ok(path)
}

pub(super) fn open(image: &Path) -> Result<ImageFile, String> {
    ImageFile::open(image).map_err(|error| error.to_string())
}

fn reads_some(subject: &Subject, interface: Interface) -> Result<(), String> {
    let image = image(subject)?;
    let all = open(&image)?.llvm_bytes();
    let drive = Drive {
        interface,
        ..Drive::new(image)
    };
    let booted = boot_drive(subject, drive)?.expect_output()?;
    let holds = booted
        .llvm()
        .is_some_and(|(bytes, _)| bytes > 0 && bytes < all);
    booted
        .expect(holds, "a part of LLVM should be read")
        .map(drop)
}

fn loads_all(subject: &Subject, interface: Interface) -> Result<(), String> {
    let drive = Drive {
        interface,
        ..Drive::new(image(subject)?)
    };
    let booted = boot_drive(subject, drive)?.expect_output()?;
    let holds = booted.llvm().is_none();
    booted
        .expect(holds, "all of LLVM should be loaded")
        .map(drop)
}

fn pvh(subject: &Subject) -> Result<(), String> {
    let path = subject.fresh_path("bundle");
    fs::write(&path, bundle(subject)?).map_err(|error| error.to_string())?;
    let way = Boot::Pvh {
        kernel: subject.machine_kernel()?,
        bundle: path,
    };
    let booted = boot(subject, way, None)?.expect_output()?;
    let holds = booted.llvm().is_none();
    booted
        .expect(holds, "all of LLVM should be loaded")
        .map(drop)
}

/// A bundle that is refused before LLVM is asked.
fn reads_none(subject: &Subject) -> Result<(), String> {
    let mut builder = Builder::default();
    builder.add(TIER, b"no such tier");
    let path = subject.fresh_path("paging.img");
    subject.write_image(&path, &builder.finish(), SIZE_BYTES)?;
    let booted = boot_drive(subject, Drive::new(path))?.expect_failure(110, &["tier"])?;
    let holds = booted.llvm() == Some((0, 0));
    booted
        .expect(holds, "nothing of LLVM should be read")
        .map(drop)
}

fn little_memory(subject: &Subject) -> Result<(), String> {
    let path = subject.fresh_path("paging.img");
    let bundle = bundle_of(subject, "tests/fixtures/all_memory.c")?;
    subject.write_image(&path, &bundle, SIZE_BYTES)?;
    let way = Boot::Disk(Drive::new(path));
    boot(subject, way, Some(LITTLE_MEMORY_MIB))?
        .expect_failure(112, &["memory"])
        .map(drop)
}

/// An image that has been booted once, and which clusters that has touched.
fn booted_image(subject: &Subject) -> Result<(PathBuf, Booted, Vec<u16>), String> {
    let image = image(subject)?;
    let booted = boot_drive(subject, Drive::new(&image))?.expect_output()?;
    let touched = touched(&image)?;
    Ok((image, booted, touched))
}

/// What the image's boots have touched.
pub(super) fn record(image: &Path) -> Result<Record, String> {
    let record = open(image)?.record().map_err(|error| error.to_string())?;
    record.ok_or_else(|| "there is no record of touches".into())
}

fn touched(image: &Path) -> Result<Vec<u16>, String> {
    Ok(record(image)?.clusters)
}

/// The sector of the cluster of LLVM that is touched first.
fn first_touched_sector(subject: &Subject) -> Result<u64, String> {
    let (image, _, touched) = booted_image(subject)?;
    let cluster = u32::from(*touched.first().ok_or("the record is empty")?);
    let offset = cluster * (clusters::SIZE_BYTES / SECTOR_SIZE_BYTES) as u32;
    Ok(u64::from(
        BOOT_PARTITION_SECTOR + open(&image)?.header.llvm_sector() + offset,
    ))
}

fn damaged_page(subject: &Subject) -> Result<(), String> {
    let sector = first_touched_sector(subject)?;
    let image = image(subject)?;
    let offset = sector * SECTOR_SIZE_BYTES as u64 + 100;
    overwrite(&image, offset, b"damaged").map_err(|error| error.to_string())?;
    boot_drive(subject, Drive::new(image))?
        .expect_failure(115, &["LLVM", "damaged", "checksum"])
        .map(drop)
}

fn read_error(subject: &Subject) -> Result<(), String> {
    let sector = first_touched_sector(subject)?;
    for interface in [Interface::Virtio, Interface::Ide] {
        let drive = Drive {
            interface,
            read_error: Some(ReadError { sector }),
            ..Drive::new(image(subject)?)
        };
        boot_drive(subject, drive)?.expect_failure(115, &["LLVM", "cannot be read", "sector"])?;
    }
    Ok(())
}

fn second_boot(subject: &Subject) -> Result<(), String> {
    let (image, first, before) = booted_image(subject)?;
    volume::check_file_system(&image, &subject.fresh_path("volume"))?;
    let second = boot_drive(subject, Drive::new(&image))?.expect_output()?;
    let fewer = match (first.llvm(), second.llvm()) {
        (Some((_, first)), Some((_, second))) => second > 0 && second < first / 2,
        _ => false,
    };
    let second = second.expect(
        fewer,
        &first.describe("expected half as many reads as here"),
    )?;
    let unchanged = touched(&image)? == before;
    second
        .expect(unchanged, "the record should be complete")
        .map(drop)
}

fn damaged_record(subject: &Subject) -> Result<(), String> {
    let (image, ..) = booted_image(subject)?;
    let mut record = volume::read_file(&image, RECORD)?;
    let middle = record.len() / 2;
    record[middle] ^= 1;
    volume::write_file(&image, RECORD, &record, &subject.fresh_path("record"))?;
    let booted = boot_drive(subject, Drive::new(&image))?.expect_output()?;
    let holds = booted.log.contains("record of touches is ignored");
    booted.expect(holds, "the record should be refused")?;
    let booted = boot_drive(subject, Drive::new(&image))?.expect_output()?;
    let holds = !booted.log.contains("record of touches is ignored");
    booted.expect(holds, "a new record should have been written")?;
    volume::check_file_system(&image, &subject.fresh_path("volume"))
}
