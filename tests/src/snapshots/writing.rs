//! When snapshots are written, and which are kept.

use super::machine::{Machine, Remembered, expect_notes};
use super::{COUNTING, Check, SAMPLE};
use crate::matrix::expect;
use crate::subject::Subject;

pub const CASES: &[(&str, Check)] = &[
    ("every_third_boot", check_every_third),
    ("never", check_never),
    ("nothing_new", check_nothing_new),
    ("asked_for", check_asked_for),
    ("pruning", check_pruning),
    ("by_the_program", check_by_the_program),
    ("at_any_time", check_at_any_time),
    ("with_another_status", check_with_another_status),
    ("not_after_a_fault", check_fault),
    ("without_a_volume", check_without_a_volume),
];

const ABORTED: u8 = 114;
const GUEST_FAULT: u8 = 111;

fn check_every_third(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let machine = Machine::new(subject, &[COUNTING, &["snapshot-every=3"]].concat())?;
    let saved = [1, 0, 0, 2, 0, 0, 3];
    let used = [0, 1, 1, 1, 2, 2, 2];
    for (number, (saved, used)) in (1..).zip(saved.into_iter().zip(used)) {
        let booted = machine.boot(&program)?;
        let found = (
            booted.boot.saved.unwrap_or(0),
            booted.boot.snapshot.unwrap_or(0),
        );
        if found != (saved, used) || booted.boot.number != number {
            return Err(format!("boot {number}: {:?}", booted.boot));
        }
    }
    expect_names(
        &machine,
        &[
            "boot_001.snap",
            "boot_002.snap",
            "boot_003.snap",
            "counts_004.snap",
        ],
    )
}

fn expect_names(machine: &Machine, expected: &[&str]) -> Result<(), String> {
    let names = machine.disk.names()?;
    if names == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, found {names:?}"))
}

fn check_never(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let machine = Machine::new(subject, &["snapshot-every=-"])?;
    for number in 1..=3 {
        let note = format!("boot {number}: without a snapshot");
        machine.boot(&program)?.expect_notes(&[&note])?;
    }
    expect_names(&machine, &["counts_003.snap"])
}

/// Not a byte of the disk changes, however many boots do what was done before; not before everything is settled.
fn check_nothing_new(subject: &Subject) -> Result<(), String> {
    let read = |machine: &Machine| {
        std::fs::read(machine.disk.path()).map_err(|error| format!("cannot read the disk: {error}"))
    };
    let program = Remembered::build(subject, SAMPLE)?;
    let machine = Machine::new(subject, &[])?;
    machine.boot(&program)?;
    let before = read(&machine)?;
    for _ in 0..3 {
        machine
            .boot(&program)?
            .expect_notes(&["boot 2: from snapshot 1, nothing new"])?;
        if read(&machine)? != before {
            return Err("a boot without news has changed the disk".into());
        }
    }
    // Functions that come nearer to their next level with each boot get there.
    let machine = Machine::new(subject, COUNTING)?;
    const MOST_BOOTS: usize = 30;
    let (mut changes, mut is_compiled) = (0, false);
    let mut before = Vec::new();
    for _ in 0..MOST_BOOTS {
        let booted = machine.boot(&program)?;
        let after = read(&machine)?;
        if booted.has_learnt_nothing() != (after == before) {
            return Err(format!(
                "the disk is not as it says\n{}",
                booted.run.describe()
            ));
        }
        changes += usize::from(after != before);
        is_compiled |= booted.compilation_count() > 0 && booted.boot.number > 1;
        before = after;
    }
    if is_compiled && (2..MOST_BOOTS).contains(&changes) {
        return Ok(());
    }
    Err(format!(
        "{changes} of {MOST_BOOTS} boots have written something; compiled: {is_compiled}"
    ))
}

fn check_asked_for(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let mut machine = Machine::new(subject, &[])?;
    machine.boot(&program)?;
    machine
        .boot_and_save(&program)?
        .expect_notes(&["boot 2: from snapshot 1, saved as snapshot 2"])?;
    machine.boot(&program)?.expect_restored(2)
}

fn check_pruning(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let mut machine = Machine::new(subject, &["snapshot-keep=2"])?;
    for _ in 0..4 {
        machine.boot_and_save(&program)?;
    }
    expect_names(&machine, &["boot_003.snap", "boot_004.snap"])?;
    machine.options.settings.clear();
    for _ in 0..4 {
        machine.boot_and_save(&program)?;
    }
    expect_names(
        &machine,
        &[
            "boot_005.snap",
            "boot_006.snap",
            "boot_007.snap",
            "boot_008.snap",
        ],
    )?;
    machine.options.settings.push("snapshot-keep=1".into());
    machine.boot_and_save(&program)?;
    expect_names(&machine, &["boot_009.snap"])?;
    machine.boot(&program)?.expect_restored(9)
}

/// Asks for a snapshot in the middle of everything, with variables that are not as they were.
const ASKING: &str = r#"
#include <stdio.h>
#include <stdlib.h>
int bareflow_snapshot(void);
static int depth, asked;
static int list[3] = {3, 2, 1};
static int compare(const void *a, const void *b) {
    if (!asked) { asked = 1; printf("snapshot: %d\n", bareflow_snapshot()); }
    return *(const int *)a - *(const int *)b;
}
int down(int n) {
    depth++;
    if (n > 0) return 1 + down(n - 1);
    qsort(list, 3, sizeof *list, compare);
    return list[0] * 100 + list[1] * 10 + list[2];
}
int after(int x) { return x * 2 + depth; }
int main(void) {
    printf("%d %d\n", depth, list[0]);
    printf("%d\n", down(5));
    printf("%d\n", after(depth));
    printf("%d\n", bareflow_snapshot());
    fflush(stdout);
    abort();
}
"#;
const ASKING_OUTPUT: &str = "0 3\nsnapshot: 0\n128\n18\n0\n";

fn check_by_the_program(subject: &Subject) -> Result<(), String> {
    let program = Remembered::expecting(subject, ASKING, ASKING_OUTPUT, ABORTED)?;
    let machine = Machine::new(subject, &["calls=1,2,3,4"])?;
    let mut used = None;
    for number in 0..3 {
        let run = machine.run(&program)?;
        expect(&run, ABORTED, ASKING_OUTPUT.as_bytes())
            .map_err(|error| format!("boot {number}: {error}"))?;
        expect_notes(&run, &[])?;
        let profile = run.profile.as_ref().and_then(|profile| profile.boot);
        // A profile is written when a program aborts, too; if not, the disk tells.
        if let Some(boot) = profile
            && boot.snapshot != used
        {
            return Err(format!("boot {number}: {boot:?}"));
        }
        let newest = machine.disk.names()?.pop().unwrap_or_default();
        used = newest
            .strip_prefix("boot_")
            .and_then(|name| name.strip_suffix(".snap")?.parse().ok());
        if used != Some(2 * number + 2) {
            return Err(format!("boot {number} wrote {newest}"));
        }
    }
    Ok(())
}

/// Before main, in main again and again, and after it.
fn check_at_any_time(subject: &Subject) -> Result<(), String> {
    const SOURCE: &str = r#"
        #include <stdio.h>
        #include <stdlib.h>
        int bareflow_snapshot(void);
        static int order;
        static void ask(const char *when) { printf("%d %s %d\n", ++order, when, bareflow_snapshot()); }
        __attribute__((constructor)) static void before(void) { ask("before"); }
        __attribute__((destructor)) static void after(void) { ask("after"); }
        static void at_exit(void) { ask("at exit"); }
        static int twice(int x) { return 2 * x; }
        static int (*volatile function)(int) = twice;
        int main(void) {
            atexit(at_exit);
            int sum = 0;
            for (int i = 0; i < 20; i++) { sum += function(i); if (bareflow_snapshot() != 0) return 1; }
            printf("%d\n", sum);
            ask("last");
            return 3;
        }
    "#;
    const OUTPUT: &str = "1 before 0\n380\n2 last 0\n3 at exit 0\n4 after 0\n";
    const EACH: u64 = 24;
    let program = Remembered::expecting(subject, SOURCE, OUTPUT, 3)?;
    for settings in [
        &[][..],
        &["calls=1,2,3,4", "iterations=-,1,2,3", "settle-ms=0"],
    ] {
        let machine = Machine::new(subject, settings)?;
        for number in 1..=3 {
            let booted = machine.boot(&program)?;
            let used = Some(EACH * (number - 1)).filter(|number| *number > 0);
            if (booted.boot.number, booted.boot.snapshot) != (number, used)
                || booted.boot.saved != Some(EACH * number)
            {
                return Err(booted.run.describe());
            }
        }
    }
    Ok(())
}

/// How a program ends does not matter, as long as it does so itself.
fn check_with_another_status(subject: &Subject) -> Result<(), String> {
    const SOURCE: &str = r#"
        #include <stdio.h>
        #include <stdlib.h>
        static void last(void) { puts("last"); }
        int main(void) { atexit(last); puts("first"); exit(42); }
    "#;
    let program = Remembered::expecting(subject, SOURCE, "first\nlast\n", 42)?;
    let machine = Machine::new(subject, &[])?;
    machine
        .boot(&program)?
        .expect_notes(&["boot 1: without a snapshot, saved as snapshot 1"])?;
    machine.boot(&program)?.expect_restored(1)
}

fn check_fault(subject: &Subject) -> Result<(), String> {
    const SOURCE: &str = r#"
        #include <stdio.h>
        int main(int count, char **arguments) {
            printf("%d\n", count);
            fflush(stdout);
            if (count > 1) *(volatile int *)0 = 1;
            return 0;
        }
    "#;
    let good = Remembered::expecting(subject, SOURCE, "1\n", 0)?;
    let bad = Remembered {
        arguments: vec!["argument".into()],
        expected: b"2\n".to_vec(),
        status: GUEST_FAULT,
        ..good.clone()
    };
    let mut machine = Machine::new(subject, &["snapshot-every=0"])?;
    let fault = |machine: &Machine| {
        let run = machine.run(&bad)?;
        expect(&run, bad.status, &bad.expected)?;
        expect_notes(&run, &[])
    };
    fault(&machine)?;
    expect_names(&machine, &[])?;
    machine.boot(&good)?;
    machine.options.snapshot = true;
    fault(&machine)?;
    expect_names(&machine, &["boot_001.snap"])?;
    let booted = machine.boot(&good)?;
    booted.expect_restored(1)?;
    booted.expect_notes(&["boot 2: from snapshot 1, saved as snapshot 2"])
}

fn check_without_a_volume(subject: &Subject) -> Result<(), String> {
    const SOURCE: &str = r#"
        #include <stdio.h>
        int bareflow_snapshot(void);
        int main(void) { printf("%d\n", bareflow_snapshot()); return 0; }
    "#;
    let program = Remembered::expecting(subject, SOURCE, "-1\n", 0)?;
    let path = subject.fresh_path("file.img");
    std::fs::write(&path, [0; 512]).map_err(|error| error.to_string())?;
    let machine = Machine::with_disk(subject, &[], super::disk::DataDisk::at(path))?;
    let run = machine.run(&program)?;
    expect(&run, 0, b"-1\n")?;
    expect_notes(
        &run,
        &["nothing is remembered: the disk has no partition table"],
    )
}
