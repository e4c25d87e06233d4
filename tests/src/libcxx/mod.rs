//! libc++'s own tests, from the sources of LLVM: those of the standard's library that need neither exceptions nor
//! threads nor other locales. Each is a program that ends with 0 unless an assertion fails.

mod known;
mod markers;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use self::known::KNOWN;
use self::markers::Recipe;
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Subject, with_files};
use bareflow_build::error::Error;
use bareflow_build::llvm::{Request, source};
use bareflow_image::program::{Program, Sources, Tier};

/// How many are compiled and run in one test.
const BATCH: usize = 5;
/// How many of them are run in the machine besides.
const MACHINE_COUNT: usize = 2;
/// The fewest that there are to choose from.
const LEAST: usize = 4000;
/// The folder of the tests of what the standard describes.
const STANDARD_FOLDER: &str = "std";
const SUFFIX: &str = ".pass.cpp";
/// Those that are compiled and not run.
const COMPILED_ALONE: &str = ".compile.pass.cpp";
/// What the tests are compiled with. Their warnings are libc++'s business.
const FLAGS: &[&str] = &["-w", "-ftemplate-depth=270"];
/// Tests that include this make and remove folders with commands of a shell.
const SHELL_USER: &str = "filesystem_test_helper.h";
/// What does for them what the shell would.
const SHELL: &str = "tests/fixtures/libcxx_shell.cpp";
const ERROR_LINES: usize = 4;

/// A test of libc++.
#[derive(Clone, Debug)]
struct Case {
    /// Its path below the folder of tests.
    name: String,
    recipe: Recipe,
    uses_shell: bool,
}

/// All that there are to choose from.
#[derive(Debug)]
struct Library {
    folder: PathBuf,
    cases: Vec<Case>,
    /// How many each marker leaves out.
    left_out: BTreeMap<String, usize>,
}

type Found = OnceLock<Result<Library, Outcome>>;

/// The tests of this group: `count` of libc++'s, spread over all.
pub fn tests(subject: &Arc<Subject>, count: usize) -> Vec<Test> {
    let found = Arc::new(Found::new());
    let add = |name: String, check: fn(&Subject, &Library, Part) -> Outcome, part: Part| {
        let (subject, found) = (Arc::clone(subject), Arc::clone(&found));
        Test::new(format!("libcxx::{name}"), move || {
            match found.get_or_init(|| find(&subject)) {
                Ok(library) => check(&subject, library, part),
                Err(outcome) => outcome.clone(),
            }
        })
    };
    let part = |indices, place| Part {
        indices,
        count,
        place,
    };
    let mut tests = Vec::new();
    if count > 0 {
        let all = part(0..=count - 1, Place::Hosted);
        tests.push(add("chosen".into(), check_choice, all));
    }
    for first in (0..count).step_by(BATCH) {
        let last = count.min(first + BATCH) - 1;
        let name = format!("hosted::{first}-{last}");
        tests.push(add(name, check_part, part(first..=last, Place::Hosted)));
    }
    for index in (0..count).step_by(count.div_ceil(MACHINE_COUNT).max(1)) {
        let name = format!("machine::{index}");
        tests.push(add(name, check_part, part(index..=index, Place::Pvh)));
    }
    tests
}

/// Some of the chosen tests, and where they run.
#[derive(Clone, Debug)]
struct Part {
    indices: RangeInclusive<usize>,
    /// How many are chosen in all.
    count: usize,
    place: Place,
}

/// Unpacks the tests, and finds those for this target.
fn find(subject: &Subject) -> Result<Library, Outcome> {
    let folder = match source::libcxx_tests(subject.context.cache(), &Request::default()) {
        Ok(folder) => folder,
        Err(error @ Error::Network { .. }) => return Err(Outcome::Skipped(error.to_string())),
        Err(error) => return Err(Outcome::Failed(error.to_string())),
    };
    collect(folder).map_err(|error| Outcome::Failed(error.to_string()))
}

fn collect(folder: PathBuf) -> io::Result<Library> {
    let mut library = Library {
        folder,
        cases: Vec::new(),
        left_out: BTreeMap::new(),
    };
    let mut folders = vec![library.folder.join(STANDARD_FOLDER)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                library.add(&path)?;
            }
        }
    }
    library
        .cases
        .sort_by(|first, second| first.name.cmp(&second.name));
    Ok(library)
}

impl Library {
    fn add(&mut self, path: &Path) -> io::Result<()> {
        let relative = path.strip_prefix(&self.folder).unwrap_or(path);
        let name = relative.to_string_lossy().into_owned();
        if !name.ends_with(SUFFIX) || name.ends_with(COMPILED_ALONE) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        let known = KNOWN.iter().find(|(start, _)| name.starts_with(start));
        let recipe = match known {
            Some((_, reason)) => Err((*reason).to_owned()),
            None => markers::recipe(&text).map_err(|marker| marker.to_string()),
        };
        match recipe {
            Ok(recipe) => self.cases.push(Case {
                name,
                recipe,
                uses_shell: text.contains(SHELL_USER),
            }),
            Err(reason) => *self.left_out.entry(reason).or_default() += 1,
        }
        Ok(())
    }

    /// The case of this number among `count` that are spread over all.
    fn spread(&self, index: usize, count: usize) -> Option<&Case> {
        let count = count.min(self.cases.len());
        (index < count).then(|| &self.cases[index * self.cases.len() / count])
    }
}

/// There is enough to choose from. Says what is left out.
fn check_choice(_: &Subject, library: &Library, part: Part) -> Outcome {
    let mut reasons: Vec<_> = library.left_out.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let left_out: usize = reasons.iter().map(|(_, count)| **count).sum();
    let mut text = format!(
        "libc++'s own tests: {} of {}; {left_out} left out:\n",
        part.count.min(library.cases.len()),
        library.cases.len(),
    );
    for (reason, count) in reasons {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {count:5} {reason}");
    }
    if library.cases.len() < LEAST {
        return Outcome::Failed(text);
    }
    eprint!("{text}");
    Outcome::Passed
}

fn check_part(subject: &Subject, library: &Library, part: Part) -> Outcome {
    let mut failures = String::new();
    for case in part
        .indices
        .filter_map(|index| library.spread(index, part.count))
    {
        if let Err(details) = check(subject, library, case, part.place) {
            // Writing to a String cannot fail.
            let _ = writeln!(failures, "{}: {}", case.name, details.trim_end());
        }
    }
    if failures.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(failures)
    }
}

fn check(subject: &Subject, library: &Library, case: &Case, place: Place) -> Result<(), String> {
    let path = library.folder.join(&case.name);
    let folder = path.parent().unwrap_or(&library.folder);
    let mut words: Vec<OsString> = FLAGS.iter().map(OsString::from).collect();
    words.extend(case.recipe.flags.iter().map(OsString::from));
    words.push("-I".into());
    words.push(library.folder.join("support").into());
    words.push("-I".into());
    words.push(folder.into());
    words.push(path.clone().into());
    if case.uses_shell {
        words.push(subject.context.root.join(SHELL).into());
    }
    let sources = Sources {
        words,
        ..Sources::default()
    };
    let program = Program::build_from(&sources, &subject.compiler)
        .map_err(|error| format!("not built\n{}", first_errors(&error.to_string())))?;
    let mut files = Vec::new();
    for name in &case.recipe.files {
        let contents = fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        files.push((name.clone(), contents));
    }
    let bundle = with_files(&program.bundle(&[], Tier::Auto), &files);
    let run = subject.run(place, &bundle, Conditions::default())?;
    if run.ending.code == 0 {
        return Ok(());
    }
    Err(run.describe())
}

/// The lines that say what is wrong.
fn first_errors(text: &str) -> String {
    let is_error = |line: &&str| line.contains("error:") || line.contains("wanted by");
    let lines: Vec<&str> = text.lines().filter(is_error).take(ERROR_LINES).collect();
    if lines.is_empty() {
        text.into()
    } else {
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_are_spread_and_no_more_than_there_are() {
        let case = |number: usize| Case {
            name: number.to_string(),
            recipe: markers::recipe("").unwrap(),
            uses_shell: false,
        };
        let library = Library {
            folder: PathBuf::new(),
            cases: (0..10).map(case).collect(),
            left_out: BTreeMap::new(),
        };
        let names = |count: usize| -> Vec<&str> {
            (0..count)
                .filter_map(|index| library.spread(index, count))
                .map(|case| case.name.as_str())
                .collect()
        };
        assert_eq!(names(3), ["0", "3", "6"]);
        assert_eq!(names(12).len(), 10);
        assert!(names(0).is_empty());
    }

    #[test]
    fn only_what_says_the_error_is_shown() {
        let text =
            "a.cpp:1:1: error: no\nnote: x\nld: error: undefined symbol: f\n>>> wanted by a.o\n";
        assert_eq!(first_errors(text).lines().count(), 3);
        assert_eq!(first_errors("cannot start clang"), "cannot start clang");
    }
}
