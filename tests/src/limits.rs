//! What must not get the tiers out of their bounds: absurd settings, huge programs, and a code pool that is full.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use bareflow_tier_policy::{Level, Tier};

use super::bad_input::messages;
use super::generated::Generated;
use super::paging;
use super::runner::{Outcome, Test};
use super::snapshots::{Machine, Remembered};
use super::subject::{Conditions, Place, Run, Subject};
use bareflow_image::program::{Program, Tier as RunTier};
use bareflow_report::profile::RunProfile;
use bareflow_run::qemu::{Boot, Drive, Verdict};

type Check = fn(&Subject, Place) -> Result<(), String>;

const BOTH: &[Place] = &[Place::Hosted, Place::Disk];
const HOSTED: &[Place] = &[Place::Hosted];

const CASES: &[(&str, &[Place], Check)] = &[
    ("bad_settings", BOTH, check_bad_settings),
    ("absurd_settings", HOSTED, check_absurd_settings),
    ("zero_thresholds", BOTH, check_zero_thresholds),
    ("recompiled_for_ever", BOTH, check_bounded_compilations),
    ("dead_code_is_freed", BOTH, check_dead_code_is_freed),
    ("nothing_is_dead", BOTH, check_nothing_is_dead),
    ("no_room_for_code", BOTH, check_no_room_for_code),
    ("no_room_for_data", BOTH, check_no_room_for_data),
    ("large_data", BOTH, check_large_data),
    (
        "large_data_in_snapshots",
        BOTH,
        check_large_data_in_snapshots,
    ),
    ("large_function", HOSTED, check_large_function),
    ("many_functions", HOSTED, check_many_functions),
    ("unused_functions", HOSTED, check_unused_functions),
    ("huge_function", HOSTED, check_huge_function),
];

/// The tests of limits.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    for &(name, places, check) in CASES {
        for &place in places {
            let subject = Arc::clone(subject);
            let name = format!("limits::{name}::{}", place.name());
            tests.push(Test::new(name, move || {
                Outcome::from(check(&subject, place))
            }));
        }
    }
    tests
}

const BAD_PROGRAM: u8 = 110;
const OUT_OF_MEMORY: u8 = 112;

/// The run must have ended with this status and one message with this in it.
fn expect_failure(run: &Run, code: u8, words: &str) -> Result<(), String> {
    let messages = messages(run);
    if run.ending.code == code && messages.len() == 1 && messages[0].contains(words) {
        return Ok(());
    }
    Err(format!(
        "expected status {code} and one message with \"{words}\"\n{}",
        run.describe()
    ))
}

/// A setting that is refused, and what the message says.
const BAD_SETTINGS: &[(&str, &str)] = &[
    ("calls=-5,1,2,3", "whole number"),
    ("calls=99999999999999999999,-,-,-", "whole number"),
    ("calls=9223372036854775808,-,-,-", "whole number"),
    ("calls=1,2", "one for each level"),
    ("calls=1,2,3,4,5", "one for each level"),
    ("calls=", "one for each level"),
    ("calls=10,9,8,7", "earlier"),
    ("iterations=1;2;3;4", "one for each level"),
    ("budget=1e9", "whole number"),
    ("compile-ms=abc", "whole number"),
    ("compile-ms=-1", "whole number"),
    ("compile-mib=0x10", "whole number"),
    ("pool-mib=0", "at least 1 MiB"),
    ("inject=", "whole number"),
    ("levels=C9", "levels are interpreter"),
    ("levels=interpreter", "levels are interpreter"),
    ("levels=O3,O0", "levels are interpreter"),
    ("refuse=O3", "what refuses"),
    ("speed=11", "unknown setting"),
    ("calls", "unknown setting"),
    ("", "unknown setting"),
];

fn check_bad_settings(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &few_functions(1, 0))?;
    let count = if place == Place::Hosted {
        BAD_SETTINGS.len()
    } else {
        1
    };
    for (setting, words) in &BAD_SETTINGS[..count] {
        let run = program.run(subject, place, &[setting])?;
        expect_failure(&run, BAD_PROGRAM, words)
            .map_err(|error| format!("with {setting}: {error}"))?;
    }
    Ok(())
}

/// Settings that make no sense, and do no harm.
const ABSURD_SETTINGS: &[&[&str]] = &[
    &["calls=-,-,-,-", "iterations=-,-,-,-"],
    &["calls=9223372036854775807,9223372036854775807,9223372036854775807,9223372036854775807"],
    &["iterations=0,0,0,0"],
    &["calls=0,1,2,3", "budget=0"],
    &["calls=1,2,3,4", "compile-ms=0"],
    &["calls=1,2,3,4", "compile-ms=9223372036854775807"],
    &["calls=1,2,3,4", "compile-mib=0"],
    &["calls=1,2,3,4", "compile-mib=9223372036854775807"],
    &["calls=1,2,3,4", "pool-mib=9223372036854775807"],
    &[
        "calls=1,2,3,4",
        "compile-ms=-",
        "compile-mib=-",
        "pool-mib=-",
    ],
    &["calls=5,6,7,8", "calls=1,2,3,4"],
];

fn check_absurd_settings(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &few_functions(3, 0))?;
    for settings in ABSURD_SETTINGS {
        let run = program.run(subject, place, settings)?;
        program
            .examine(&run)
            .map_err(|error| format!("with {}: {error}", settings.join(" ")))?;
    }
    Ok(())
}

fn check_zero_thresholds(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &few_functions(3, 0))?;
    let settings = ["calls=0,0,0,0", "iterations=0,0,0,0"];
    let run = program.run(subject, place, &settings)?;
    for function in &program.examine(&run)?.functions {
        if function.calls > 0 && function.tier != Tier::Native(Level::O3) {
            return Err(format!("{} is in {}", function.name, function.tier.name()));
        }
    }
    Ok(())
}

/// Each level once, whatever is asked for.
fn check_bounded_compilations(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &few_functions(5, 0))?;
    let settings = ["calls=1,1,1,1", "iterations=0,1,2,3"];
    for settings in [&settings[..], &["calls=1,2,3,4", "iterations=1,1,1,1"]] {
        let run = program.run(subject, place, settings)?;
        check_levels(program.examine(&run)?)?;
    }
    Ok(())
}

fn check_levels(profile: &RunProfile) -> Result<(), String> {
    for function in &profile.functions {
        let loops = function.loops.iter().map(|part| &part.compilations);
        for compilations in std::iter::once(&function.compilations).chain(loops) {
            let levels: BTreeSet<Level> = compilations.iter().map(|made| made.level).collect();
            if levels.len() != compilations.len() {
                return Err(format!("{} has a level twice", function.name));
            }
        }
    }
    Ok(())
}

const POOL_KIB: usize = 1024;
/// What promotions leave free.
const SPARE_KIB: usize = POOL_KIB / 8;
const SMALLEST_POOL: &str = "pool-mib=1";

fn check_dead_code_is_freed(subject: &Subject, place: Place) -> Result<(), String> {
    const DATA_KIB: usize = 810;
    let program = Generated::build(subject, &few_functions(24, DATA_KIB))?;
    // Notes of control flow take room in the pool as well, and make code smaller.
    let settings = [
        "calls=1,2,3,4",
        "iterations=-,5,-,50",
        "guided=0",
        SMALLEST_POOL,
    ];
    let run = program.run(subject, place, &settings)?;
    let profile = program.examine(&run)?;
    let made: u64 = compiled_bytes(profile);
    let room = ((POOL_KIB - SPARE_KIB - DATA_KIB) << 10) as u64;
    if made <= room {
        return Err(format!("{made} bytes of code do not fill {room}"));
    }
    let is_best = |name: &str| {
        profile
            .functions
            .iter()
            .any(|function| function.name == name && function.tier == Tier::Native(Level::O3))
    };
    if !is_best("f23") || !is_best("descend") {
        return Err("the last functions have not reached O3".into());
    }
    Ok(())
}

fn compiled_bytes(profile: &RunProfile) -> u64 {
    profile
        .functions
        .iter()
        .flat_map(|function| {
            let loops = function.loops.iter().map(|part| &part.compilations);
            std::iter::once(&function.compilations).chain(loops)
        })
        .flatten()
        .map(|made| made.code_bytes)
        .sum()
}

fn check_nothing_is_dead(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &few_functions(24, 890))?;
    let run = program.run(subject, place, &["calls=1,2,3,4", SMALLEST_POOL])?;
    let profile = program.examine(&run)?;
    let failures: Vec<&str> = profile
        .functions
        .iter()
        .flat_map(|function| &function.failures)
        .map(|failure| failure.reason.as_str())
        .collect();
    if failures.is_empty() || !failures.iter().all(|reason| reason.contains("code pool")) {
        return Err(format!("compilations failed by: {failures:?}"));
    }
    Ok(())
}

fn check_no_room_for_code(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &few_functions(24, 1000))?;
    let run = program.run(subject, place, &["calls=0,-,-,-", SMALLEST_POOL])?;
    expect_failure(
        &run,
        OUT_OF_MEMORY,
        "has no native code: out of memory: the code pool",
    )
}

fn check_no_room_for_data(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &few_functions(1, 2 * POOL_KIB))?;
    let run = program.run(subject, place, &[SMALLEST_POOL])?;
    expect_failure(&run, OUT_OF_MEMORY, "the code pool has no room")
}

const LARGE_DATA_FIXTURE: &str = "tests/fixtures/big_data.c";
const LARGE_DATA_OUTPUT: &str =
    "0 0 0\n1 2 3 10\n0.5 7 1010101\n50529029 50529029 33686021 33686022\n";
const LARGE_DATA_MEMORY_MIB: u32 = 2048;

/// Data that the pool does not take is where there is memory.
fn check_large_data(subject: &Subject, place: Place) -> Result<(), String> {
    let source = subject.context.root.join(LARGE_DATA_FIXTURE);
    let program =
        Program::build(&[source], &subject.compiler).map_err(|error| error.to_string())?;
    let (tiers, memory_mib, too_little_mib): (&[RunTier], _, _) = match place {
        // The bound is one of addresses, of which the pool takes 512 MiB.
        Place::Hosted => (
            &[
                RunTier::Auto,
                RunTier::Interpreter,
                RunTier::O0,
                RunTier::O2,
            ],
            None,
            1024,
        ),
        Place::Disk | Place::Pvh => (&[RunTier::Auto], Some(LARGE_DATA_MEMORY_MIB), 512),
    };
    let run = |tier, memory_mib| {
        let conditions = Conditions {
            memory_mib,
            ..Conditions::default()
        };
        subject.run(place, &program.bundle(&[], tier), conditions)
    };
    for tier in tiers {
        let run = run(*tier, memory_mib)?;
        if run.ending.code != 0 || run.output != LARGE_DATA_OUTPUT.as_bytes() {
            return Err(format!("{}: {}", tier.name(), run.describe()));
        }
    }
    expect_failure(
        &run(RunTier::Auto, Some(too_little_mib))?,
        OUT_OF_MEMORY,
        "of variables",
    )
}

/// Code that knows where such data lies is used in later boots, and is compiled on there.
fn check_large_data_in_snapshots(subject: &Subject, place: Place) -> Result<(), String> {
    const SLOW: [&str; 2] = ["calls=-,-,-,-", "iterations=-,-,-,-"];
    const FAST: [&str; 2] = ["calls=1,2,3,4", "iterations=1,2,3,4"];
    let source = subject.context.root.join(LARGE_DATA_FIXTURE);
    if place != Place::Hosted {
        let program =
            Program::build(&[source], &subject.compiler).map_err(|error| error.to_string())?;
        let image = subject.fresh_path("large-data.img");
        subject.write_image(&image, &program.bundle(&[], RunTier::Auto), 64 << 20)?;
        for words in ["saved as snapshot 1", "from snapshot 1"] {
            let way = Boot::Disk(Drive::new(&image));
            let booted = paging::boot(subject, way, Some(LARGE_DATA_MEMORY_MIB))?;
            let holds = booted.verdict == Verdict::Ended(0)
                && booted.output == LARGE_DATA_OUTPUT
                && booted.log.contains(words);
            booted.expect(holds, words)?;
        }
        return Ok(());
    }
    let program = Remembered::of_sources(subject, &[source], LARGE_DATA_OUTPUT.into(), 0)?;
    let mut machine = Machine::new(subject, &["settle-ms=0"])?;
    let slow = SLOW.map(str::to_owned);
    machine.options.settings.extend(slow);
    machine.boot_and_save(&program)?;
    machine.boot(&program)?.expect_restored(1)?;
    machine.options.settings = FAST.map(str::to_owned).into();
    let booted = machine.boot(&program)?;
    if booted.boot.snapshot == Some(1) && booted.compilation_count() > 0 {
        return Ok(());
    }
    Err(format!(
        "nothing is compiled on from a snapshot\n{}",
        booted.run.describe()
    ))
}

/// What is too long to be optimised stays where it is.
fn check_large_function(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &large_function(25_000))?;
    let run = program.run(subject, place, &["calls=2,4,6,8", "compile-ms=5000"])?;
    let profile = program.examine(&run)?;
    for function in &profile.functions {
        for failure in &function.failures {
            if !failure.reason.contains("longer than its budget") {
                return Err(format!("{}: {}", function.name, failure.reason));
            }
        }
    }
    Ok(())
}

fn check_many_functions(subject: &Subject, place: Place) -> Result<(), String> {
    const COUNT: usize = 10_000;
    let program = Generated::build(subject, &many_functions(COUNT))?;
    // A page for each function and level would be twice the pool.
    let run = program.run(subject, place, &["calls=2,-,-,-"])?;
    let profile = program.examine(&run)?;
    let is_compiled = |level| {
        profile
            .functions
            .iter()
            .filter(|function| function.compilations.iter().any(|made| made.level == level))
            .count()
            >= COUNT
    };
    if !is_compiled(Level::O0) {
        return Err("not every function has been compiled".into());
    }
    Ok(())
}

/// What a compilation's bookkeeping may have of memory, however large the program is.
const MOST_COMPILER_BYTES: u64 = 400 << 20;

/// Of a program with 50,000 functions only what runs is compiled.
fn check_unused_functions(subject: &Subject, place: Place) -> Result<(), String> {
    const COUNT: usize = 50_000;
    const STRIDE: usize = 50;
    let program = Generated::build(subject, &unused_functions(COUNT, STRIDE))?;
    let run = program.run(subject, place, &[])?;
    let profile = program.examine(&run)?;
    check_memory(profile)?;
    let compiled = profile
        .functions
        .iter()
        .filter(|function| !function.compilations.is_empty())
        .count();
    // Neighbours come along until it is seen that nobody calls them.
    if compiled > COUNT / STRIDE * 11 / 10 {
        return Err(format!("{compiled} functions have been compiled"));
    }
    Ok(())
}

/// A function of 200,000 instructions is compiled as far as it pays.
fn check_huge_function(subject: &Subject, place: Place) -> Result<(), String> {
    let program = Generated::build(subject, &large_function(40_000))?;
    let run = program.run(subject, place, &[])?;
    let profile = program.examine(&run)?;
    check_memory(profile)?;
    let above = profile
        .functions
        .iter()
        .flat_map(|function| &function.compilations)
        .find(|made| made.level > Level::O1);
    match above {
        Some(made) => Err(format!("compiled at {}", made.level.name())),
        None => Ok(()),
    }
}

fn check_memory(profile: &RunProfile) -> Result<(), String> {
    let bytes = profile.memory.compiler_bytes;
    if bytes > MOST_COMPILER_BYTES {
        return Err(format!("the compiler has {} MiB", bytes >> 20));
    }
    Ok(())
}

/// Functions of about 1 KiB of code that are called six times, an array of so many KiB, and a recursion that
/// calls all of them, so that old code of it is on the stack while they are compiled.
pub fn few_functions(count: usize, data_kib: usize) -> String {
    let mut text = String::from("#include <stdio.h>\n");
    let mut names = String::new();
    for index in 0..count {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "static unsigned f{index}(unsigned x) {{\n  unsigned y = {index};\n"
        );
        for step in 1..=20 {
            let _ = writeln!(
                text,
                "  y = y * {}u + (x >> {});\n  if (y & {}u) x ^= y + {}u;",
                2 * step + 1,
                step % 13 + 1,
                1 << step,
                index * step
            );
        }
        let _ = write!(
            text,
            "  for (unsigned i = 0; i < 20; ++i)\n    y = y * 31 + (x ^ i) % {};\n  return x ^ y;\n}}\n",
            index + 3
        );
        let _ = write!(names, "f{index}, ");
    }
    let _ = write!(
        text,
        "static unsigned (*const table[{count}])(unsigned) = {{{names}}};\n\
         static char data[{}];\n\
         static unsigned descend(unsigned depth, unsigned x) {{\n  \
           if (depth == 0)\n    return x;\n  \
           x = descend(depth - 1, x ^ depth);\n  \
           x ^= table[depth % {count}](x);\n  \
           return x * 3 + depth;\n}}\n\
         int main(void) {{\n  unsigned x = 1;\n  \
           for (int round = 0; round < 6; ++round) {{\n    \
             x ^= descend({count} + 10, x);\n    \
             data[x % sizeof data] += x;\n    \
             printf(\"%u %d\\n\", x, data[x % sizeof data]);\n  }}\n  \
           return 0;\n}}\n",
        (data_kib << 10).max(1)
    );
    text
}

/// A function of about four instructions for each statement, called 20 times.
fn large_function(statement_count: usize) -> String {
    let mut text = String::from(
        "#include <stdio.h>\n__attribute__((noinline)) static unsigned large(unsigned a, unsigned b) {\n",
    );
    for index in 0..statement_count {
        // Writing to a String cannot fail.
        let _ = if index % 10 == 0 {
            writeln!(text, "  if (a & {}u) b += a ^ {index}u;", 1 << (index % 20))
        } else {
            writeln!(
                text,
                "  a = (a ^ {index}u) + (b >> {}); b = b * 5u + a;",
                index % 13 + 1
            )
        };
    }
    text.push_str(
        "  return a ^ b;\n}\n\
         int main(void) {\n  unsigned x = 1;\n  \
           for (unsigned i = 0; i < 20; ++i)\n    x = large(x, i);\n  \
           printf(\"%u\\n\", x);\n  return 0;\n}\n",
    );
    text
}

/// Small functions in a table, of which each `stride`th is called once.
fn unused_functions(count: usize, stride: usize) -> String {
    let mut text = String::from("#include <stdio.h>\n");
    let mut names = String::new();
    for index in 0..count {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "static unsigned f{index}(unsigned x) {{ return (x ^ {index}u) * 2654435761u + (x >> {}); }}",
            index % 31 + 1
        );
        let _ = write!(names, "f{index}, ");
    }
    let _ = write!(
        text,
        "static unsigned (*const table[{count}])(unsigned) = {{{names}}};\n\
         int main(void) {{\n  unsigned x = 1;\n  \
           for (int i = 0; i < {count}; i += {stride})\n    x = table[i](x);\n  \
           printf(\"%u\\n\", x);\n  return 0;\n}}\n"
    );
    text
}

/// Small functions, half of them called by name and half through a table.
fn many_functions(count: usize) -> String {
    const GROUP: usize = 100;
    let mut text = String::from("#include <stdio.h>\n");
    for index in 0..count {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "__attribute__((noinline)) static unsigned f{index}(unsigned x) {{ \
               return (x ^ {index}u) * 2654435761u + (x >> {}); }}",
            index % 31 + 1
        );
    }
    let mut calls = String::new();
    for first in (0..count / 2).step_by(GROUP) {
        let _ = writeln!(text, "static unsigned g{first}(unsigned x) {{");
        for index in first..first + GROUP {
            let _ = writeln!(text, "  x = f{index}(x);");
        }
        text.push_str("  return x;\n}\n");
        let _ = writeln!(calls, "    x = g{first}(x);");
    }
    text.push_str("static unsigned (*const table[])(unsigned) = {\n");
    for index in count / 2..count {
        let _ = writeln!(text, "  f{index},");
    }
    let _ = write!(
        text,
        "}};\n\
         int main(void) {{\n  unsigned x = 1;\n  \
           for (int round = 0; round < 3; ++round) {{\n{calls}    \
             for (unsigned i = 0; i < sizeof table / sizeof *table; ++i)\n      \
               x = table[i](x);\n  }}\n  \
           printf(\"%u\\n\", x);\n  return 0;\n}}\n"
    );
    text
}
