//! The machine's second processor, on which code is made beside the program: the program does not notice, whatever
//! becomes of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use super::background::{BESIDE, INTERPRETER, LOST, beside, rounds};
use super::generated::Generated;
use super::runner::{Check, Test};
use super::subject::{Conditions, Place, Run, Subject};
use bareflow_build::process::Recorder;
use bareflow_run::launch::Runner;
use bareflow_run::qemu::{Boot, Drive, Machine, Processors};

const TWO: Processors = Processors::Count(2);
/// Levels that are so far apart that code is due while the second processor works at other.
const COUNTS: [&str; 3] = ["calls=1,20,200,2000", "iterations=-,100,-,10000", BESIDE];
/// Some seconds in the emulator.
const LONG: usize = 10_000;
const SHORT: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(300);

/// The tests of the second processor.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 8] = [
        ("output", check_output),
        ("counts", check_counts),
        ("failures", check_failures),
        ("ends", check_ends),
        ("snapshots", check_snapshots),
        ("memory", check_memory),
        ("silent", check_silent),
        ("absent", check_absent),
    ];
    Test::of_checks("second_processor", subject, &checks)
}

fn run_on(
    subject: &Subject,
    program: &Generated,
    (place, processors, memory_mib): (Place, Processors, Option<u32>),
    settings: &[&str],
) -> Result<Run, String> {
    let conditions = Conditions {
        processors,
        memory_mib,
        ..Conditions::default()
    };
    subject.run(place, &program.bundle(settings), conditions)
}

/// Runs it on two processors; says how much code was made beside it.
fn run_on_two(
    subject: &Subject,
    source: &str,
    place: Place,
    settings: &[&str],
) -> Result<usize, String> {
    let program = Generated::build(subject, source)?;
    let run = run_on(subject, &program, (place, TWO, None), settings)?;
    Ok(beside(program.examine(&run)?).len())
}

fn check_output(subject: &Subject) -> Result<(), String> {
    let mut made = 0;
    for place in [Place::Disk, Place::Pvh] {
        made += run_on_two(subject, &rounds(LONG), place, &[BESIDE])?;
    }
    if made == 0 {
        return Err("nothing was compiled beside it".into());
    }
    run_on_two(subject, INTERPRETER, Place::Disk, &[BESIDE]).map(drop)
}

fn check_counts(subject: &Subject) -> Result<(), String> {
    // On a busy host the program may have taken back all that it has asked for before the second processor begins.
    run_on_two(subject, &rounds(LONG), Place::Disk, &COUNTS).map(drop)
}

fn check_failures(subject: &Subject) -> Result<(), String> {
    let program = Generated::build(subject, &rounds(LONG))?;
    let mut failures = 0;
    for seed in 1..=2 {
        let inject = format!("inject={seed}");
        let settings = [&COUNTS[..], &["compile-ms=2000", &inject]].concat();
        let run = run_on(subject, &program, (Place::Disk, TWO, None), &settings)?;
        let profile = program
            .examine(&run)
            .map_err(|text| format!("{inject}: {text}"))?;
        if run.log.contains(LOST) {
            return Err(format!(
                "{inject}: a failure ended the second processor's work\n{}",
                run.describe()
            ));
        }
        let functions = profile.functions.iter();
        failures += functions
            .map(|function| function.failures.len())
            .sum::<usize>();
    }
    match failures {
        0 => Err("no compilation failed".into()),
        _ => Ok(()),
    }
}

/// The program ends while the second processor starts, works, or has just worked.
fn check_ends(subject: &Subject) -> Result<(), String> {
    for count in [SHORT / 10, SHORT, SHORT * 5] {
        run_on_two(subject, &rounds(count), Place::Disk, &COUNTS)?;
    }
    Ok(())
}

fn check_snapshots(subject: &Subject) -> Result<(), String> {
    let program = Generated::build(subject, &rounds(LONG))?;
    let image = subject.fresh_path("second.img");
    let bundle = program.bundle(&[BESIDE, "snapshot-every=0", "settle-percent=-"]);
    subject.write_image(&image, &bundle, IMAGE_SIZE_BYTES)?;
    let boots = [
        (TWO, "without a snapshot"),
        (TWO, "from snapshot 1"),
        (Processors::default(), "from snapshot 2"),
    ];
    for (processors, start) in boots {
        let log = boot(subject, &image, processors, program.expected())?;
        if !log.contains(start) {
            return Err(format!("it does not start {start}: {log}"));
        }
    }
    // What is left goes with the folder.
    let _ = fs::remove_file(image);
    Ok(())
}

const IMAGE_SIZE_BYTES: u64 = 256 << 20;

fn boot(
    subject: &Subject,
    image: &Path,
    processors: Processors,
    expected: &[u8],
) -> Result<String, String> {
    let machine = Machine {
        processors,
        ..subject.emulated(Boot::Disk(Drive::new(image)), None)
    };
    let output = Recorder::new(1 << 16, io::sink());
    let log = Recorder::new(1 << 20, io::sink());
    let ending = Runner::Machine(machine)
        .run(TIMEOUT, output.clone(), log.clone(), None)
        .map_err(|error| error.to_string())?;
    let log = String::from_utf8_lossy(&log.bytes()).into_owned();
    if ending.code != 0 || output.bytes() != expected {
        return Err(format!("it ended so: {ending:?}\n{log}"));
    }
    Ok(log)
}

/// Takes all memory after code has been made beside it, and some of it again.
const GREEDY: &str = r#"
  static char *blocks[256];
  unsigned count = 0, mib = 0;
  while (count < 256 && (blocks[count] = malloc(1 << 20))) memset(blocks[count++], 1, 1 << 20);
  mib = count;
  while (count) free(blocks[--count]);
  fprintf(stderr, "%u MiB\n", mib);
"#;

fn check_memory(subject: &Subject) -> Result<(), String> {
    let source = rounds(LONG)
        .replacen(
            "#include <stdio.h>",
            "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>",
            1,
        )
        .replace("  printf", &format!("{GREEDY}  printf"));
    let program = Generated::build(subject, &source)?;
    let mut taken = Vec::new();
    for settings in [&["background=0"][..], &[BESIDE]] {
        let run = run_on(subject, &program, (Place::Disk, TWO, None), settings)?;
        program.examine(&run)?;
        let mib = run
            .log
            .lines()
            .find_map(|line| line.strip_suffix(" MiB")?.parse::<u32>().ok());
        taken.push(mib.ok_or_else(|| run.describe())?);
    }
    // What both processors share stays: some 10 MiB.
    if taken[1] + 16 < taken[0] {
        return Err(format!("it gets {} MiB instead of {}", taken[1], taken[0]));
    }
    // There is no memory for a second processor from the start.
    let small = Generated::build(subject, &rounds(LONG / 10))?;
    let run = run_on(subject, &small, (Place::Disk, TWO, Some(80)), &[BESIDE])?;
    small.examine(&run).map(drop)
}

/// What is said where the program compiles for itself.
fn expect_reason(subject: &Subject, processors: Processors, reason: &str) -> Result<(), String> {
    let program = Generated::build(subject, &rounds(LONG / 10))?;
    let run = run_on(
        subject,
        &program,
        (Place::Disk, processors, None),
        &[BESIDE],
    )?;
    let made = beside(program.examine(&run)?).len();
    let note = format!("background=1: {reason}: the program compiles for itself");
    if made > 0 || run.log.matches(&note).count() != 1 {
        return Err(format!("it does not say so once\n{}", run.describe()));
    }
    Ok(())
}

fn check_silent(subject: &Subject) -> Result<(), String> {
    let reason = "the second processor does not answer";
    expect_reason(subject, Processors::OneAnswers, reason)
}

fn check_absent(subject: &Subject) -> Result<(), String> {
    expect_reason(
        subject,
        Processors::Count(1),
        "this machine has one processor",
    )
}
