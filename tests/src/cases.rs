//! Small programs that meet what is easily got wrong, under `tests/fixtures/cases`: each prints what C promises, in
//! every tier, in a mixture of them, over boots, and exported.

use std::ffi::OsString;
use std::io;
use std::sync::{Arc, OnceLock};

use super::examples::{self, Example, difference};
use super::exported::Exported;
use super::matrix::expect;
use super::runner::{Outcome, Test};
use super::snapshots::{Machine, Remembered};
use super::subject::{Conditions, Place, Subject};
use bareflow_image::program::{Program, Sources, Tier, TierOptions};

/// Those about the engine, which are run in the machine too; the others are about the C library, which is the same there.
const OF_THE_ENGINE: &[&str] = &[
    "character_search",
    "conservative_collector",
    "frame_addresses",
    "large_data",
    "naked",
    "naked_kinds",
    "own_library",
    "own_memset",
    "stack_order",
    "strchr_high",
    "vla_loop",
];
/// Those that are booted again and again.
const OVER_BOOTS: &[&str] = &[
    "conservative_collector",
    "large_data",
    "naked_kinds",
    "own_library",
    "vla_loop",
];
const BOOTS: u64 = 3;
/// Of the machine that exported cases run in.
const MEMORY_MIB: u32 = 20;
/// The case that wants more, there and in the engine.
const LARGE: &str = "large_data";
const LARGE_MEMORY_MIB: u32 = 512;

/// Those that the interpreter does not take long for in the machine.
const SHORT: &[&str] = &["frame_addresses", "naked", "naked_kinds", "stack_order"];

/// Settings with which a short program is in several tiers at once.
const MIXTURES: &[&[&str]] = &[
    &["calls=1,2,3,4", "iterations=2,3,4,5"],
    &["calls=3,50,700,2000", "iterations=-,10,100,1000"],
    &["calls=0,-,-,100"],
];

/// A case that is compiled when the first test wants it, and not again.
pub(super) struct Case {
    example: Example,
    /// The compiler's flags.
    flags: &'static [&'static str],
    program: OnceLock<Result<Program, String>>,
}

impl Case {
    /// Of a program with its expected output, and the flags that it is compiled with.
    pub(super) fn new(example: Example, flags: &'static [&'static str]) -> Self {
        Self {
            example,
            flags,
            program: OnceLock::new(),
        }
    }

    fn program(&self, subject: &Subject) -> Result<&Program, String> {
        self.program
            .get_or_init(|| {
                let mut sources = Sources::of_files(&self.example.sources);
                sources.words.extend(self.flags.iter().map(OsString::from));
                Program::build_from(&sources, &subject.compiler).map_err(|error| error.to_string())
            })
            .as_ref()
            .map_err(Clone::clone)
    }
}

/// The tests of the cases.
///
/// # Errors
/// That the cases cannot be read.
pub fn tests(subject: &Arc<Subject>) -> io::Result<Vec<Test>> {
    let mut tests = Vec::new();
    for example in examples::find(&subject.context.root.join("tests/fixtures/cases"))? {
        let name = example.name.clone();
        let is_of_engine = OF_THE_ENGINE.contains(&name.as_str());
        let case = Arc::new(Case::new(example, &[]));
        let mut add = |kind: &str, check: fn(&Subject, &Case) -> Result<(), String>| {
            let (subject, case) = (Arc::clone(subject), Arc::clone(&case));
            tests.push(Test::new(format!("cases::{name}::{kind}"), move || {
                Outcome::from(check(&subject, &case))
            }));
        };
        add("hosted", check_hosted);
        if is_of_engine {
            add("machine", check_machine);
            add("exported", check_exported);
        }
        if OVER_BOOTS.contains(&name.as_str()) {
            add("boots", check_boots);
        }
    }
    Ok(tests)
}

/// Runs the case in one place and tier.
pub(super) fn check_run(
    subject: &Subject,
    case: &Case,
    place: Place,
    tier: Tier,
) -> Result<(), String> {
    let bundle = case.program(subject)?.bundle(&[], tier);
    let is_large = place != Place::Hosted && case.example.name == LARGE;
    let conditions = Conditions {
        memory_mib: is_large.then_some(LARGE_MEMORY_MIB),
        ..Conditions::default()
    };
    let run = subject.run(place, &bundle, conditions)?;
    expect(&run, 0, &case.example.expected).map_err(|error| format!("{}: {error}", tier.name()))
}

fn check_hosted(subject: &Subject, case: &Case) -> Result<(), String> {
    for tier in Tier::ALL {
        check_run(subject, case, Place::Hosted, tier)?;
    }
    for settings in MIXTURES {
        let options = TierOptions {
            settings: settings.iter().copied().map(str::to_owned).collect(),
            ..TierOptions::default()
        };
        let bundle = case
            .program(subject)?
            .bundle_with(&[], Tier::Auto, &options);
        let run = subject.run(Place::Hosted, &bundle, Conditions::default())?;
        expect(&run, 0, &case.example.expected)
            .map_err(|error| format!("{}: {error}", settings.join(" ")))?;
    }
    Ok(())
}

fn check_machine(subject: &Subject, case: &Case) -> Result<(), String> {
    let tiers: &[Tier] = if SHORT.contains(&case.example.name.as_str()) {
        &[Tier::Auto, Tier::Interpreter, Tier::O2]
    } else {
        &[Tier::Auto]
    };
    for &tier in tiers {
        check_run(subject, case, Place::Pvh, tier)?;
    }
    Ok(())
}

/// Runs the case without the engine.
pub(super) fn check_exported(subject: &Subject, case: &Case) -> Result<(), String> {
    let bundle = case.program(subject)?.bundle(&[], Tier::Auto);
    let exported = Exported::of(subject, &bundle, None).map_err(|error| error.to_string())?;
    let memory_mib = if case.example.name == LARGE {
        LARGE_MEMORY_MIB
    } else {
        MEMORY_MIB
    };
    let (run, _) = exported.run(subject, memory_mib)?;
    if run.ending.code != 0 {
        return Err(run.describe());
    }
    difference(&case.example.expected, &run.output).map_or(Ok(()), Err)
}

/// Runs the case over boots that start from what the boots before have compiled.
pub(super) fn check_boots(subject: &Subject, case: &Case) -> Result<(), String> {
    let program = Remembered {
        program: case.program(subject)?.clone(),
        arguments: Vec::new(),
        expected: case.example.expected.clone(),
        status: 0,
    };
    for settings in [&[][..], MIXTURES[0]] {
        let mut settings = settings.to_vec();
        settings.push("snapshot-every=0");
        let machine = Machine::new(subject, &settings)?;
        for number in 1..=BOOTS {
            machine
                .boot(&program)
                .map_err(|error| format!("{}, boot {number}: {error}", settings.join(" ")))?;
        }
    }
    Ok(())
}
