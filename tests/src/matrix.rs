//! Every example, in every kernel and at every tier, against its expected output and against clang
//! for Linux.

use std::io;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::examples::{self, Example};
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Run, Subject};
use bareflow_image::program::{Program, Tier};

/// How many of the combinations are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    Full,
    /// The slowest and one compiled tier hosted, and one example in the machine.
    Quick,
}

impl Extent {
    fn covers(self, name: &str, place: Place, tier: Tier) -> bool {
        match (self, place) {
            (Self::Full, _) => true,
            (Self::Quick, Place::Hosted) => matches!(tier, Tier::Interpreter | Tier::O2),
            (Self::Quick, Place::Disk | Place::Pvh) => {
                name == "fib" && matches!(tier, Tier::Interpreter | Tier::O2)
            }
        }
    }
}

/// An example that is compiled when the first test wants it, and not again.
struct Prepared {
    example: Example,
    program: OnceLock<Result<Program, String>>,
}

impl Prepared {
    fn program(&self, subject: &Subject) -> Result<&Program, String> {
        self.program
            .get_or_init(|| {
                Program::build(&self.example.sources, &subject.compiler)
                    .map_err(|error| error.to_string())
            })
            .as_ref()
            .map_err(Clone::clone)
    }
}

/// The tests of the examples.
///
/// # Errors
/// That the examples cannot be read.
pub fn tests(subject: &Arc<Subject>, extent: Extent) -> io::Result<Vec<Test>> {
    let examples = examples::find(&subject.context.root.join("examples"))?;
    let mut tests = Vec::new();
    let prepared: Vec<Arc<Prepared>> = examples
        .into_iter()
        .map(|example| {
            Arc::new(Prepared {
                example,
                program: OnceLock::new(),
            })
        })
        .collect();
    for item in &prepared {
        let (subject, item) = (Arc::clone(subject), Arc::clone(item));
        let name = format!("examples::{}::linux", item.example.name);
        tests.push(Test::new(name, move || {
            Outcome::from(check_linux(&subject, &item.example))
        }));
    }
    for place in [Place::Hosted, Place::Disk] {
        for item in &prepared {
            for tier in Tier::ALL {
                let name = &item.example.name;
                if !extent.covers(name, place, tier) {
                    continue;
                }
                let name = format!("examples::{name}::{}::{}", place.name(), tier.name());
                let (subject, item) = (Arc::clone(subject), Arc::clone(item));
                tests.push(Test::new(name, move || {
                    Outcome::from(check(&subject, &item, place, tier))
                }));
            }
        }
    }
    tests.extend(argument_tests(subject, &prepared));
    Ok(tests)
}

/// The reference itself: what the repository expects is what clang for Linux makes of the program.
fn check_linux(subject: &Subject, example: &Example) -> Result<(), String> {
    let executable = subject.fresh_path(&example.name);
    examples::build_for_linux(
        &subject.context.tools.program_clang,
        &example.sources,
        &executable,
    )?;
    let output = Command::new(&executable)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("on Linux it ended with {}", output.status));
    }
    examples::difference(&example.expected, &output.stdout).map_or(Ok(()), Err)
}

fn check(subject: &Subject, item: &Prepared, place: Place, tier: Tier) -> Result<(), String> {
    let program = item.program(subject)?;
    let run = subject.run(place, &program.bundle(&[], tier), Conditions::default())?;
    expect(&run, 0, &item.example.expected)
}

/// Checks how a run ended and what it printed.
pub fn expect(run: &Run, code: u8, output: &[u8]) -> Result<(), String> {
    let difference = examples::difference(output, &run.output);
    if run.ending.code == code && run.ending.note.is_none() && difference.is_none() {
        return Ok(());
    }
    let difference = difference.map_or(String::new(), |text| format!("{text}\n"));
    Err(format!(
        "expected status {code}\n{difference}{}",
        run.describe()
    ))
}

/// Arguments arrive as they are, and the program's status is passed on.
fn argument_tests(subject: &Arc<Subject>, prepared: &[Arc<Prepared>]) -> Vec<Test> {
    let Some(item) = prepared
        .iter()
        .find(|item| item.example.name == "c_library")
    else {
        return Vec::new();
    };
    [
        (Place::Hosted, Tier::Interpreter),
        (Place::Hosted, Tier::O2),
        (Place::Pvh, Tier::O1),
    ]
    .into_iter()
    .map(|(place, tier)| {
        let (subject, item) = (Arc::clone(subject), Arc::clone(item));
        let name = format!("arguments::{}::{}", place.name(), tier.name());
        Test::new(name, move || {
            Outcome::from(check_arguments(&subject, &item, place, tier))
        })
    })
    .collect()
}

fn check_arguments(
    subject: &Subject,
    item: &Prepared,
    place: Place,
    tier: Tier,
) -> Result<(), String> {
    let arguments = ["one", "two words", "", "--four", "ünïcode"].map(String::from);
    let executable = subject.fresh_path("arguments");
    examples::build_for_linux(
        &subject.context.tools.program_clang,
        &item.example.sources,
        &executable,
    )?;
    let linux = Command::new(&executable)
        .args(&arguments)
        .output()
        .map_err(|error| error.to_string())?;
    if linux.status.code() != Some(5) {
        return Err(format!("on Linux it ended with {}", linux.status));
    }
    let bundle = item.program(subject)?.bundle(&arguments, tier);
    let run = subject.run(place, &bundle, Conditions::default())?;
    expect(&run, 5, &linux.stdout)
}
