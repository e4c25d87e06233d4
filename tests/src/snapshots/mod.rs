//! Programs that are booted again and again, hosted, with a disk that keeps their snapshots.
//!
//! In every boot, the output and the status must be the program's own.

mod bounds;
mod data;
mod disk;
mod examples;
mod forged;
mod language;
mod machine;
mod outside;
mod random;
mod refusals;
mod seen;
mod volumes;
mod writing;

use std::io;
use std::sync::Arc;

pub use disk::{DataDisk, SIZE_MIB};
pub use machine::{Machine, Remembered};

use super::random::Random;
use super::runner::{self, Test};
use super::subject::Subject;

type Check = runner::Check<Subject>;

/// A program that has a bit of everything, and prints the same in every boot.
pub const SAMPLE: &str = r#"
#include <stdio.h>
#include <stdlib.h>
static int runs;
static int values[64];
static int triple(int x) { return 3 * x; }
static int square(int x) { return x * x; }
static int (*const operations[])(int) = {triple, square};
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
__attribute__((noinline)) int step(int x) {
    for (int i = 0; i < 5; i++) x = operations[i & 1](x) % 1009;
    return x;
}
int main(void) {
    int x = 7;
    runs++;
    for (int i = 0; i < 64; i++) values[i] = x = step(x + i);
    qsort(values, 64, sizeof *values, compare);
    printf("run %d: %d %d %d\n", runs, values[0], values[31], values[63]);
    return 0;
}
"#;

/// Settings with which [`SAMPLE`]'s functions have code at O0 and are due for O1 after ten boots or so: each boot before
/// that has counts to keep, and compiles nothing.
const COUNTING: &[&str] = &["calls=1,3000,-,-", "iterations=-,-,-,-", "settle-ms=0"];

/// The tests of snapshots.
///
/// # Errors
/// That the examples cannot be read.
pub fn tests(subject: &Arc<Subject>, random: Random) -> io::Result<Vec<Test>> {
    let mut tests = examples::tests(subject)?;
    let groups = [
        ("refusals", refusals::CASES),
        ("forged", forged::CASES),
        ("volumes", volumes::CASES),
        ("writing", writing::CASES),
        ("data", data::CASES),
        ("bounds", bounds::CASES),
        ("language", language::CASES),
        ("outside", outside::CASES),
        ("seen", seen::CASES),
    ];
    for (group, cases) in groups {
        let group = format!("snapshots::{group}");
        tests.extend(Test::of_checks(&group, subject, cases));
    }
    tests.extend(random::tests(subject, random));
    Ok(tests)
}
