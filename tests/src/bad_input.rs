//! What must not run, or not run to its end: each case has its exit code and one message that says what
//! is wrong, in every kernel.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::runner::{Outcome, Test};
use super::subject::{Conditions, Damage, Place, Run, Subject};
use bareflow_image::program::{Module, Program, Tier};

/// Starts every message of a kernel.
const MESSAGE: &str = "bareflow: error: ";

/// Where a case's program comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// A file under `tests/fixtures`.
    Fixture(&'static str),
    /// An example.
    Example(&'static str),
    /// The first half of an example's bitcode.
    HalfOf(&'static str),
}

/// One bad input, and what must come of it.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    source: Source,
    code: u8,
    /// All of them must be in the message.
    words: &'static [&'static str],
    places: &'static [Place],
    tiers: &'static [Tier],
    memory_mib: Option<u32>,
    timeout_s: Option<[u64; 2]>,
    damage: Option<Damage>,
}

const EVERYWHERE: &[Place] = &[Place::Hosted, Place::Disk];
const INTERPRETED: &[Tier] = &[Tier::Interpreter];
const ALL_WAYS: &[Tier] = &[Tier::Auto, Tier::Interpreter, Tier::O0, Tier::O2];

impl Case {
    const fn new(
        name: &'static str,
        source: Source,
        code: u8,
        words: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            source,
            code,
            words,
            places: EVERYWHERE,
            tiers: INTERPRETED,
            memory_mib: None,
            timeout_s: None,
            damage: None,
        }
    }

    const fn fault(
        name: &'static str,
        fixture: &'static str,
        words: &'static [&'static str],
    ) -> Self {
        Self {
            tiers: ALL_WAYS,
            ..Self::new(name, Source::Fixture(fixture), 111, words)
        }
    }

    const fn damaged(name: &'static str, damage: Damage, words: &'static [&'static str]) -> Self {
        Self {
            places: &[Place::Disk],
            damage: Some(damage),
            timeout_s: Some([60, 60]),
            ..Self::new(name, Source::Example("fib"), 115, words)
        }
    }
}

const CASES: &[Case] = &[
    Case::new(
        "malformed_ir",
        Source::Fixture("malformed.ll"),
        110,
        &["malformed.ll:3:", "malformed"],
    ),
    Case::new(
        "truncated_bitcode",
        Source::HalfOf("fib"),
        110,
        &["fib.c", "truncated"],
    ),
    Case::new(
        "newer_bitcode",
        Source::Fixture("newer.bc"),
        110,
        &["newer.bc", "LLVM19", "18.1.8"],
    ),
    Case::new(
        "other_target",
        Source::Fixture("other_target.ll"),
        110,
        &["aarch64-unknown-linux-gnu"],
    ),
    Case::new(
        "other_data_layout",
        Source::Fixture("other_layout.ll"),
        110,
        &["data layout", "E-m:e"],
    ),
    Case::new("no_main", Source::Fixture("no_main.c"), 110, &["main"]),
    Case::new(
        "unresolved_symbols",
        Source::Fixture("unresolved.c"),
        110,
        &["first_missing", "second_missing", "missing_variable"],
    ),
    Case::fault(
        "null_dereference",
        "null_dereference.c",
        &["null", "in function 'look_at"],
    ),
    Case::fault(
        "division_by_zero",
        "division_by_zero.c",
        &["division by zero", "in function 'divide"],
    ),
    Case::fault(
        "stack_overflow",
        "stack_overflow.c",
        &["stack overflow", "in function 'recurse"],
    ),
    Case::fault("trap", "trap.c", &["in function 'give_up"]),
    Case {
        tiers: &[Tier::Auto, Tier::Interpreter],
        ..Case::fault(
            "library_fault",
            "library_fault.c",
            &["null", "in what function 'main' called"],
        )
    },
    Case {
        code: 114,
        ..Case::fault("abort", "abort.c", &["abort"])
    },
    Case {
        code: 114,
        ..Case::fault(
            "failed_assertion",
            "assertion.c",
            &["argc == 1000", "assertion.c"],
        )
    },
    Case {
        tiers: ALL_WAYS,
        timeout_s: Some([3, 30]),
        ..Case::new(
            "endless_loop",
            Source::Fixture("endless_loop.c"),
            113,
            &["timeout"],
        )
    },
    Case::damaged("wrong_signature", Damage::WrongSignature, &["signature"]),
    Case::damaged("damaged_stage_2", Damage::Stage2, &["stage 2"]),
    Case::damaged("disk_read_error", Damage::ReadError, &["read"]),
    Case {
        places: &[Place::Disk, Place::Pvh],
        memory_mib: Some(24),
        timeout_s: Some([60, 60]),
        ..Case::new(
            "too_little_memory",
            Source::Example("fib"),
            112,
            &["memory"],
        )
    },
    Case {
        places: &[Place::Disk, Place::Pvh],
        memory_mib: Some(64),
        timeout_s: Some([60, 60]),
        ..Case::new(
            "too_little_memory_for_a_program",
            Source::Example("fib"),
            112,
            &["memory"],
        )
    },
    Case {
        places: &[Place::Hosted],
        memory_mib: Some(150),
        ..Case::new(
            "too_little_address_space",
            Source::Example("fib"),
            112,
            &["memory"],
        )
    },
];

/// The tests of bad input.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    for case in CASES {
        for &place in case.places {
            for &tier in case.tiers {
                let name = format!(
                    "bad_input::{}::{}::{}",
                    case.name,
                    place.name(),
                    tier.name()
                );
                let subject = Arc::clone(subject);
                tests.push(Test::new(name, move || {
                    Outcome::from(check(&subject, case, place, tier))
                }));
            }
        }
    }
    tests
}

fn check(subject: &Subject, case: &Case, place: Place, tier: Tier) -> Result<(), String> {
    let bundle = program(subject, case.source)?.bundle(&[], tier);
    let timeout_s = case.timeout_s.map(|[hosted, machine]| {
        if place == Place::Hosted {
            hosted
        } else {
            machine
        }
    });
    let conditions = Conditions {
        memory_mib: case.memory_mib,
        timeout: timeout_s.map(Duration::from_secs),
        damage: case.damage,
        ..Conditions::default()
    };
    let run = subject.run(place, &bundle, conditions)?;
    judge(case, &run)
}

fn program(subject: &Subject, source: Source) -> Result<Program, String> {
    let build = |path: PathBuf| {
        Program::build(&[path], &subject.compiler).map_err(|error| error.to_string())
    };
    let example = |name: &str| {
        build(
            subject
                .context
                .root
                .join("examples")
                .join(format!("{name}.c")),
        )
    };
    match source {
        Source::Fixture(name) => build(subject.context.root.join("tests/fixtures").join(name)),
        Source::Example(name) => example(name),
        Source::HalfOf(name) => {
            let mut program = example(name)?;
            for Module { bytes, .. } in &mut program.modules {
                // Bitcode is made of 32-bit words; a whole number of them is the harder case.
                bytes.truncate(bytes.len() / 8 * 4);
            }
            Ok(program)
        }
    }
}

/// The messages of a run.
pub fn messages(run: &Run) -> Vec<&str> {
    run.log
        .lines()
        .filter_map(|line| line.trim_end().strip_prefix(MESSAGE))
        .chain(run.ending.note.as_deref())
        .collect()
}

fn judge(case: &Case, run: &Run) -> Result<(), String> {
    let messages = messages(run);
    let mut faults = Vec::new();
    if run.ending.code != case.code {
        faults.push(format!("expected status {}", case.code));
    }
    if messages.len() != 1 {
        faults.push(format!("expected one message, found {}", messages.len()));
    }
    let text = messages.join("\n");
    for word in case.words {
        if !text.to_lowercase().contains(&word.to_lowercase()) {
            faults.push(format!("the message does not contain \"{word}\""));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n{}", faults.join("\n"), run.describe()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bareflow_run::launch::Ending;

    fn run(code: u8, note: Option<&str>, log: &str) -> Run {
        let ending = Ending {
            code,
            note: note.map(str::to_owned),
        };
        Run {
            ending,
            output: Vec::new(),
            log: log.into(),
            profile: None,
        }
    }

    #[test]
    fn a_case_needs_the_code_and_exactly_one_message_with_every_word() {
        let case = Case::new("x", Source::Fixture("x"), 110, &["one", "TWO"]);
        let message = "booting\r\nbareflow: error: one and two\r\n";
        assert_eq!(judge(&case, &run(110, None, message)), Ok(()));
        assert!(judge(&case, &run(111, None, message)).is_err());
        assert!(judge(&case, &run(110, None, "bareflow: error: one\n")).is_err());
        assert!(judge(&case, &run(110, None, "")).is_err());
        assert!(judge(&case, &run(110, None, &message.repeat(2))).is_err());
        assert!(judge(&case, &run(110, Some("and a note"), message)).is_err());
    }

    #[test]
    fn every_fixture_exists() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        for case in CASES {
            let path = match case.source {
                Source::Fixture(name) => root.join("fixtures").join(name),
                Source::Example(name) | Source::HalfOf(name) => {
                    root.join("../examples").join(format!("{name}.c"))
                }
            };
            assert!(path.is_file(), "{}", path.display());
        }
    }
}
