//! Random programs, booted several times: functions are at other tiers in every boot.

use std::fs;
use std::ops::Range;
use std::sync::Arc;

use super::machine::{Machine, Remembered};
use crate::csmith::{self, OPTIONS};
use crate::random::{Random, batches, candidates, name_of, seeds, test};
use crate::runner::Test;
use crate::subject::Subject;
use bareflow_image::program::Program;

const BOOTS: u64 = 4;
/// Of the usual random programs, one in so many is booted again and again as well.
const PART: u32 = 4;
/// Every level in turn, and one level a boot.
const SETTINGS: &[&[&str]] = &[
    &[
        "calls=1,2,3,4",
        "iterations=1,2,3,4",
        "settle-ms=0",
        "snapshot-every=0",
    ],
    &[
        "calls=2,4,6,8",
        "iterations=-,1,2,3",
        "settle-ms=0",
        "snapshot-every=0",
    ],
];

pub fn tests(subject: &Arc<Subject>, random: Random) -> Vec<Test> {
    let random = Random {
        count: random.count.div_ceil(PART),
        ..random
    };
    let batches = batches(seeds(random)).into_iter();
    batches
        .map(|batch| {
            let subject = Arc::clone(subject);
            let name = format!("snapshots::random::{}", name_of(&batch));
            test(name, move || check_batch(&subject, batch))
        })
        .collect()
}

fn check_batch(subject: &Subject, seeds: Range<u32>) -> Result<(), String> {
    let failures: Vec<String> = seeds
        .filter_map(|seed| check_seed(subject, seed).err())
        .collect();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

/// Checks the program of `seed`, or of the first candidate that is of use.
fn check_seed(subject: &Subject, seed: u32) -> Result<(), String> {
    for candidate in candidates(seed) {
        if check_program(subject, candidate)
            .map_err(|error| format!("seed {candidate}: {error}"))?
        {
            return Ok(());
        }
    }
    Err(format!("no seed from {seed} on is of use"))
}

/// False if the seed is of no use.
fn check_program(subject: &Subject, seed: u32) -> Result<bool, String> {
    let clang = &subject.context.tools.program_clang;
    let folder = subject.fresh_path("random");
    fs::create_dir(&folder).map_err(|error| error.to_string())?;
    let Ok(random) = csmith::make(clang, seed, OPTIONS, &folder)? else {
        return Ok(false);
    };
    let program = Remembered {
        program: Program::build(std::slice::from_ref(&random.source), &subject.compiler)
            .map_err(|error| error.to_string())?,
        arguments: vec![csmith::ARGUMENT.into()],
        expected: random.expected.clone(),
        status: random.status,
    };
    for settings in SETTINGS {
        let Err(details) = check_boots(subject, &program, settings) else {
            continue;
        };
        if random.check_meaning(clang)?.is_err() {
            return Ok(false);
        }
        return Err(format!("{}: {details}", settings.join(" ")));
    }
    // What is left goes with the subject's folder.
    let _ = fs::remove_dir_all(&folder);
    Ok(true)
}

fn check_boots(subject: &Subject, program: &Remembered, settings: &[&str]) -> Result<(), String> {
    let machine = Machine::new(subject, settings)?;
    for number in 1..=BOOTS {
        let booted = machine
            .boot(program)
            .map_err(|error| format!("boot {number}: {error}"))?;
        let expected = (
            Some(number - 1).filter(|earlier| *earlier > 0),
            Some(number),
        );
        if (booted.boot.snapshot, booted.boot.saved) != expected {
            return Err(format!("boot {number}:\n{}", booted.run.describe()));
        }
    }
    // What is left goes with the subject's folder.
    let _ = fs::remove_file(machine.disk.path());
    Ok(())
}
