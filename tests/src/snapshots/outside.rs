//! The volume after boots, as others see it: `fsck.fat` and mtools.

use std::process::Command;

use super::machine::{Machine, Remembered};
use super::{COUNTING, Check, SAMPLE};
use crate::downstream::finish;
use crate::subject::Subject;
use crate::volume::copy_volume;
use bareflow_build::tools;

pub const CASES: &[(&str, Check)] = &[("tools", check_tools)];

fn check_tools(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let mut machine = Machine::new(subject, &[COUNTING, &["snapshot-keep=2"]].concat())?;
    // Snapshots have been written, and deleted.
    for _ in 0..4 {
        machine.boot_and_save(&program)?;
    }
    machine.boot(&program)?;
    let volume = subject.fresh_path("volume");
    copy_volume(machine.disk.path(), &volume)
        .map_err(|error| format!("cannot copy the volume: {error}"))?;
    let output = Command::new(tools::which("fsck.fat").unwrap_or("fsck.fat".into()))
        .arg("-n")
        .arg(&volume)
        .output();
    let checked = finish(output, "fsck.fat -n")?;
    // It says how many clusters are lost, and ends with 0 nevertheless.
    if checked.to_lowercase().contains("unused") || checked.contains("orphan") {
        return Err(checked);
    }
    let output = Command::new("mdir")
        .args(["-b", "-i"])
        .arg(&volume)
        .arg("::/boot/snapshots")
        .output();
    let listing = finish(output, "mdir")?.to_lowercase();
    for name in ["boot_003.snap", "boot_004.snap", "counts_001.snap"] {
        if !listing.contains(name) {
            return Err(format!("mdir does not list {name}:\n{listing}"));
        }
    }
    for name in machine.disk.names()? {
        let output = Command::new("mtype")
            .arg("-i")
            .arg(&volume)
            .arg(format!("::/boot/snapshots/{name}"))
            .output();
        let bytes = output.map_err(|error| error.to_string())?.stdout;
        if bytes != machine.disk.read(&name)? {
            return Err(format!("mtype prints something else than {name}"));
        }
    }
    Ok(())
}
