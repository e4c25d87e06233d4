//! Disks on which nothing can be remembered, or not any more: the program runs nevertheless.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};

use super::disk::{DataDisk, SIZE_MIB};
use super::machine::{Machine, Remembered, expect_notes, notes};
use super::{COUNTING, Check, SAMPLE};
use crate::downstream::finish;
use crate::matrix::expect;
use crate::subject::Subject;
use bareflow_build::tools;

pub const CASES: &[(&str, Check)] = &[
    ("no_disk", check_no_disk),
    ("other_file_systems", check_other_file_systems),
    ("no_folder", check_no_folder),
    ("full", check_full),
    ("too_small", check_too_small),
    ("read_only", check_read_only),
    ("locked", check_locked),
];

const USAGE: u8 = 105;

/// Boots with a file that is no disk for snapshots; the program must run all the same.
fn expect_useless(
    subject: &Subject,
    program: &Remembered,
    path: PathBuf,
    expected: &[&str],
) -> Result<(), String> {
    let before = fs::read(&path).map_err(|error| error.to_string())?;
    let machine = Machine::with_disk(subject, &[], DataDisk::at(path.clone()))?;
    let run = machine.run(program)?;
    expect(&run, program.status, &program.expected)?;
    expect_notes(&run, expected)?;
    let after = fs::read(&path).map_err(|error| error.to_string())?;
    if before != after {
        return Err("the file was changed".into());
    }
    Ok(())
}

fn empty_file(subject: &Subject, size_bytes: u64) -> Result<PathBuf, String> {
    let path = subject.fresh_path("file.img");
    File::create(&path)
        .and_then(|file| file.set_len(size_bytes))
        .map_err(|error| error.to_string())?;
    Ok(path)
}

fn check_no_disk(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    for (size_bytes, reason) in [
        (0, "the sectors are not on the disk"),
        (511, "the sectors are not on the disk"),
        (512, "the disk has no partition table"),
        (1 << 20, "the disk has no partition table"),
    ] {
        let path = empty_file(subject, size_bytes)?;
        let note = format!("nothing is remembered: {reason}");
        expect_useless(subject, &program, path, &[&note])
            .map_err(|error| format!("{size_bytes} bytes: {error}"))?;
    }
    Ok(())
}

/// Makes a file system, on the whole disk or in its partition.
fn format(path: &PathBuf, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(tools::which("mkfs.fat").unwrap_or("mkfs.fat".into()))
        .args(arguments)
        .arg(path)
        .output();
    finish(output, "mkfs.fat").map(drop)
}

fn check_other_file_systems(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    // The partition is at 1 MiB.
    for (arguments, kind) in [
        (["-F", "12", "-s", "32"], "12"),
        (["-F", "32", "-s", "1"], "32"),
    ] {
        let disk = DataDisk::new(subject, SIZE_MIB)?;
        let path = disk.path().to_owned();
        format(&path, &[&arguments[..], &["--offset", "2048"]].concat())?;
        let note =
            format!("nothing is remembered: the volume is refused: it is FAT{kind}, not FAT16");
        expect_useless(subject, &program, path, &[&note])?;
    }
    // No partitions: the file system is the whole disk.
    let path = empty_file(subject, SIZE_MIB << 20)?;
    format(&path, &["-F", "16"])?;
    let machine = Machine::with_disk(subject, &[], DataDisk::at(path))?;
    let run = machine.run(&program)?;
    expect(&run, 0, &program.expected)?;
    match notes(&run)[..] {
        [note] if note.starts_with("nothing is remembered: ") => Ok(()),
        ref found => Err(format!("{found:?}")),
    }
}

fn check_no_folder(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let disk = DataDisk::new(subject, SIZE_MIB)?;
    format(
        &disk.path().to_owned(),
        &["-F", "16", "--offset", "2048", "-s", "1", "-S", "512"],
    )?;
    let note = "nothing is remembered: there is no folder /boot/snapshots";
    expect_useless(subject, &program, disk.path().to_owned(), &[note])
}

/// A snapshot does not fit, and the one in use stays.
fn check_full(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let mut machine = Machine::new(subject, &["snapshot-every=-"])?;
    machine.boot_and_save(&program)?;
    machine.disk.fill(2048)?;
    machine.options.snapshot = true;
    for _ in 0..2 {
        let booted = machine.boot(&program)?;
        booted.expect_restored(1)?;
        let notes = booted.notes();
        let is_right = notes.len() == 2
            && notes[0].starts_with("nothing was saved: the volume is full: ")
            && notes[0].ends_with(" bytes are needed, 2048 are free")
            && notes[1] == "boot 2: from snapshot 1";
        if !is_right {
            return Err(format!("{notes:?}"));
        }
    }
    Ok(())
}

/// The first snapshot does not fit.
fn check_too_small(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let machine = Machine::new(subject, &[])?;
    machine.disk.fill(4096)?;
    for _ in 0..2 {
        let booted = machine.boot(&program)?;
        let notes = booted.notes();
        let is_right = notes.len() == 2
            && notes[0].starts_with("nothing was saved: the volume is full: ")
            && notes[1] == "boot 1: without a snapshot";
        if !is_right || booted.boot.snapshot.is_some() {
            return Err(format!("{notes:?}"));
        }
    }
    Ok(())
}

fn check_read_only(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let mut machine = Machine::new(subject, &[COUNTING, &["snapshot-every=-"]].concat())?;
    machine.boot_and_save(&program)?;
    fs::set_permissions(machine.disk.path(), Permissions::from_mode(0o444))
        .map_err(|error| error.to_string())?;
    // The permissions mean nothing to root, but for a root without its capabilities.
    let kernel = machine.kernel.display();
    let script = format!(
        "#!/bin/sh\ntest $(id -u) -ne 0 && exec {kernel} \"$@\"\n\
         exec setpriv --bounding-set=-dac_override --inh-caps=-dac_override {kernel} \"$@\"\n"
    );
    let wrapper = subject.fresh_path("kernel");
    fs::write(&wrapper, script)
        .and_then(|()| fs::set_permissions(&wrapper, Permissions::from_mode(0o755)))
        .map_err(|error| error.to_string())?;
    machine.kernel = wrapper;
    for _ in 0..2 {
        let booted = machine.boot(&program)?;
        booted.expect_restored(1)?;
        booted.expect_notes(&[
            "nothing was saved: the disk cannot be written",
            "boot 2: from snapshot 1",
        ])?;
    }
    Ok(())
}

/// Two kernels must not write the same volume.
fn check_locked(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let machine = Machine::new(subject, &[])?;
    let file = File::open(machine.disk.path()).map_err(|error| error.to_string())?;
    let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, error)| error.to_string())?;
    let run = machine.run(&program)?;
    let message = format!(
        "bareflow: error: {} is in use by another process\n",
        machine.disk.path().display()
    );
    if run.ending.code != USAGE || !run.log.ends_with(&message) {
        return Err(format!("expected {message}found {}", run.describe()));
    }
    drop(lock);
    machine.boot(&program).map(drop)
}
