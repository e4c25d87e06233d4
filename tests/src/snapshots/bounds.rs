//! Compilations that fail, bounds that are too narrow, and a code pool that is full, in boots that go on from others.

use super::Check;
use super::machine::{Machine, Remembered};
use crate::limits::few_functions;
use crate::subject::Subject;

pub const CASES: &[(&str, Check)] = &[
    ("failures", check_failures),
    ("narrow", check_narrow),
    ("full_pool", check_full_pool),
];

const STEP_BY_STEP: [&str; 4] = [
    "calls=1,2,3,4",
    "iterations=-,1,2,3",
    "settle-ms=0",
    "snapshot-every=0",
];
const BOOTS: usize = 4;

fn boot_often(machine: &Machine, program: &Remembered, count: usize) -> Result<(), String> {
    for number in 1..=count {
        let settings = machine.options.settings.join(" ");
        machine
            .boot(program)
            .map_err(|error| format!("{settings}, boot {number}: {error}"))?;
    }
    Ok(())
}

/// Two compilations of three fail, in every way.
fn check_failures(subject: &Subject) -> Result<(), String> {
    const SEEDS: u64 = 6;
    let program = Remembered::build(subject, &few_functions(10, 0))?;
    for seed in 1..=SEEDS {
        let mut machine = Machine::new(subject, &STEP_BY_STEP)?;
        let inject = format!("inject={seed}");
        let settings = [inject, "compile-ms=200".into()];
        machine.options.settings.extend(settings);
        boot_often(&machine, &program, BOOTS)?;
    }
    Ok(())
}

/// Restored programs that may not compile what has become due.
fn check_narrow(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, &few_functions(10, 0))?;
    for bound in [
        "budget=0",
        "compile-ms=0",
        "compile-mib=0",
        "compile-mib=1",
        "calls=-,-,-,-",
        "calls=0,0,0,0",
    ] {
        let mut machine = Machine::new(subject, &["calls=4,8,12,16", "settle-ms=0"])?;
        boot_often(&machine, &program, 1)?;
        let settings = ["snapshot-every=1".into(), bound.to_owned()];
        machine.options.settings.extend(settings);
        boot_often(&machine, &program, BOOTS)?;
    }
    Ok(())
}

/// Code of earlier boots is freed for better code, and what is in use is not.
fn check_full_pool(subject: &Subject) -> Result<(), String> {
    const DATA_KIB: usize = 810;
    let program = Remembered::build(subject, &few_functions(24, DATA_KIB))?;
    for settings in [
        ["calls=1,2,3,4", "iterations=-,5,-,50"],
        ["calls=8,16,24,32", "iterations=-,100,-,300"],
    ] {
        let mut machine = Machine::new(subject, &settings)?;
        for setting in ["pool-mib=1", "settle-ms=0", "snapshot-every=0"] {
            machine.options.settings.push(setting.into());
        }
        boot_often(&machine, &program, BOOTS)?;
    }
    Ok(())
}
