//! Every example, booted several times with the same disk.

use std::io;
use std::sync::Arc;

use super::machine::{Booted, Machine, Remembered};
use crate::examples::{self, Example};
use crate::runner::{Outcome, Test};
use crate::subject::Subject;

/// Everything goes up at the first occasions, and every boot writes what it has.
const STEP_BY_STEP: &[&str] = &[
    "settle-ms=0",
    "snapshot-every=0",
    "calls=1,2,3,4",
    "iterations=1,2,3,4",
];
/// Only the first boot writes: every later one compiles what has become due meanwhile.
const LATER: &[&str] = &["calls=2,4,6,8", "settle-ms=0"];

pub fn tests(subject: &Arc<Subject>) -> io::Result<Vec<Test>> {
    let examples = examples::find(&subject.context.root.join("examples"))?;
    let tests = examples.into_iter().map(|example| {
        let subject = Arc::clone(subject);
        let name = format!("snapshots::examples::{}", example.name);
        Test::new(name, move || Outcome::from(check(&subject, &example)))
    });
    Ok(tests.collect())
}

fn check(subject: &Subject, example: &Example) -> Result<(), String> {
    let program = Remembered::of_sources(subject, &example.sources, example.expected.clone(), 0)?;
    let of = |name: &'static str| move |error: String| format!("{name}: {error}");
    check_default(subject, &program).map_err(of("by default"))?;
    check_step_by_step(subject, &program).map_err(of("step by step"))?;
    check_later(subject, &program).map_err(of("compiling later"))
}

/// The first boot makes a snapshot; the others need nothing else.
fn check_default(subject: &Subject, program: &Remembered) -> Result<(), String> {
    let machine = Machine::new(subject, &[])?;
    let mut before = machine.boot(program)?;
    before.expect_notes(&["boot 1: without a snapshot, saved as snapshot 1"])?;
    for _ in 0..2 {
        let booted = machine.boot(program)?;
        booted.expect_notes(&["boot 2: from snapshot 1, nothing new"])?;
        booted.expect_restored(1)?;
        booted.expect_more_than(&before)?;
        before = booted;
    }
    Ok(())
}

fn check_step_by_step(subject: &Subject, program: &Remembered) -> Result<(), String> {
    let boots = boot_four_times(&Machine::new(subject, STEP_BY_STEP)?, program)?;
    for (number, booted) in (1..).zip(&boots) {
        let from = booted.boot.snapshot.unwrap_or(0);
        if (from, booted.boot.saved) != (number - 1, Some(number)) {
            return Err(format!(
                "boot {number} is from {from} and saved {:?}",
                booted.boot.saved
            ));
        }
    }
    Ok(())
}

fn check_later(subject: &Subject, program: &Remembered) -> Result<(), String> {
    let boots = boot_four_times(&Machine::new(subject, LATER)?, program)?;
    let mut newest = None;
    for booted in &boots {
        if booted.boot.snapshot != newest {
            return Err(format!(
                "not from snapshot {newest:?}\n{}",
                booted.run.describe()
            ));
        }
        // What was compiled is not compiled again.
        let has_saved = booted.boot.saved.is_some();
        if has_saved != (booted.compilation_count() > 0) {
            return Err(format!(
                "saved: {has_saved}, compiled: {}\n{}",
                booted.compilation_count(),
                booted.run.describe()
            ));
        }
        newest = booted.boot.saved.or(newest);
    }
    // main is called once a boot, and is due at the second call and at the fourth.
    if boots[1..]
        .iter()
        .all(|booted| booted.compilation_count() == 0)
    {
        return Err(format!("LLVM was not opened\n{}", boots[3].run.describe()));
    }
    Ok(())
}

fn boot_four_times(machine: &Machine, program: &Remembered) -> Result<Vec<Booted>, String> {
    let mut boots: Vec<Booted> = Vec::new();
    for number in 1..=4 {
        let booted = machine
            .boot(program)
            .map_err(|error| format!("boot {number}: {error}"))?;
        if let Some(before) = boots.last() {
            booted.expect_more_than(before)?;
        }
        boots.push(booted);
    }
    Ok(boots)
}
