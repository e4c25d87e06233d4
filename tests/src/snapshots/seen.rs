//! What code has seen of its control flow goes on from boot to boot.

use std::fs;
use std::iter::repeat_with;

use bareflow_snapshot::{Authentication, encode, seen};

use super::Check;
use super::forged::contents_of;
use super::machine::{Machine, Remembered};
use crate::profile_guided::{SEEN_CALLS, USUAL_CALLS};
use crate::subject::Subject;

pub const CASES: &[(&str, Check)] = &[
    ("with_counts", check_with_counts),
    ("with_code", check_with_code),
    ("wrong", check_wrong),
];

/// Functions and loops count in the first boot; at the second, each loop is optimised when it is reached.
const SETTINGS: [&str; 3] = ["calls=-,5,-,-", "iterations=-,100,-,20001", "settle-ms=0"];

fn build(subject: &Subject) -> Result<Remembered, String> {
    let path = subject.context.root.join("tests/fixtures/seen_ways.c");
    let source = fs::read_to_string(path).map_err(|error| error.to_string())?;
    Remembered::build(subject, &source)
}

fn check(subject: &Subject, snapshots: &str) -> Result<(), String> {
    let program = build(subject)?;
    let calls_of_second_boot = |switch: &str| {
        let settings = [SETTINGS[0], SETTINGS[1], SETTINGS[2], snapshots, switch];
        let machine = Machine::new(subject, &settings)?;
        let first = machine.boot(&program)?.function("add")?.calls;
        let both = machine.boot(&program)?.function("add")?.calls;
        Ok::<u64, String>(both - first)
    };
    let (without, with) = (
        calls_of_second_boot("guided=0")?,
        calls_of_second_boot("guided=1")?,
    );
    // What the first boot has seen is inlined in the second, and counted no more.
    if without < USUAL_CALLS || with > without - USUAL_CALLS + SEEN_CALLS {
        return Err(format!(
            "in the second boot, add was called {without} times, and {with} times with the profile"
        ));
    }
    Ok(())
}

fn check_with_counts(subject: &Subject) -> Result<(), String> {
    check(subject, "snapshot-every=-")
}

fn check_with_code(subject: &Subject) -> Result<(), String> {
    check(subject, "snapshot-every=0")
}

/// Numbers of all sizes, as many as there were.
fn other_numbers(seed: u64, bytes: &[u8]) -> Vec<u8> {
    let mut number = seed;
    let next = || {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        number >> (number >> 58)
    };
    let count = seen::decode(bytes).map_or(0, |words| words.len());
    let numbers: Vec<u64> = repeat_with(next).take(count).collect();
    seen::encode(&numbers)
}

fn check_wrong(subject: &Subject) -> Result<(), String> {
    let program = build(subject)?;
    let settings = [SETTINGS[0], SETTINGS[1], SETTINGS[2], "snapshot-every=-"];
    let machine = Machine::new(subject, &settings)?;
    machine.boot(&program)?;
    let [name] = &machine.disk.names()?[..] else {
        return Err("there is not one file of counts".to_owned());
    };
    let good = machine.disk.read(name)?;
    for seed in 0..10 {
        let mut snapshot = contents_of(&good)?;
        let wrong: Vec<Vec<u8>> = snapshot
            .functions
            .iter()
            .map(|function| other_numbers(seed, function.seen))
            .collect();
        if wrong.iter().all(Vec::is_empty) {
            return Err("no function has seen anything".to_owned());
        }
        for (function, seen) in snapshot.functions.iter_mut().zip(&wrong) {
            function.seen = seen;
        }
        for name in machine.disk.names()? {
            let bytes = encode(&snapshot, Authentication::None);
            machine.disk.replace(&name, &bytes)?;
        }
        machine.boot(&program)?;
    }
    Ok(())
}
