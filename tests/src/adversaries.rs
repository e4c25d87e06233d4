//! Programs that behave as no policy of promotions would like: right output, and compile time within its bounds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use bareflow_tier_policy::Level;

use super::generated::Generated;
use super::runner::{Outcome, Test};
use super::subject::{Place, Subject};
use bareflow_report::profile::{Compilation, RunProfile};

type Check = fn(&Subject) -> Result<(), String>;

const CASES: &[(&str, Check)] = &[
    ("each_function_once", check_each_function_once),
    ("a_few_calls_each", check_a_few_calls_each),
    ("another_hot_set", check_another_hot_set),
];

/// Their tests.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let test = |&(name, check): &(&'static str, Check)| {
        let subject = Arc::clone(subject);
        Test::new(format!("adversaries::{name}"), move || {
            Outcome::from(check(&subject))
        })
    };
    CASES.iter().map(test).collect()
}

/// So many functions with a loop and a few branches, which the optimiser keeps apart.
fn functions(count: usize) -> String {
    let mut text = String::from("#include <stdio.h>\n#include <time.h>\n");
    for index in 0..count {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "__attribute__((noinline)) static unsigned f{index}(unsigned x) {{\n  \
               for (unsigned i = 0; i < (x & 7) + 8; i++) x = x & {}u ? x * {}u + i : x ^ (x >> {}) ^ i;\n  \
               return x + {index}u;\n}}",
            1 << (index % 20),
            2 * index + 3,
            index % 11 + 1
        );
    }
    let _ = writeln!(text, "static unsigned (*const all[])(unsigned) = {{");
    for index in 0..count {
        let _ = writeln!(text, "f{index},");
    }
    text + "};\n"
}

/// Every function `calls` times, one round after the other.
fn rounds(count: usize, calls: usize) -> String {
    functions(count)
        + &format!(
            "int main(void) {{\n  unsigned x = 1;\n  for (int round = 0; round < {calls}; round++)\n    \
               for (int i = 0; i < {count}; i++) x = all[i](x);\n  printf(\"%u\\n\", x);\n}}\n"
        )
}

/// The compilations of what [`functions`] made and of their loops, those of one unit together.
fn compilations(profile: &RunProfile) -> impl Iterator<Item = &[Compilation]> {
    let is_ours = |name: &str| {
        name.strip_prefix('f')
            .is_some_and(|number| number.parse::<usize>().is_ok())
    };
    let ours = profile
        .functions
        .iter()
        .filter(move |function| is_ours(&function.name));
    ours.flat_map(|function| {
        let loops = function.loops.iter().map(|own| &*own.compilations);
        std::iter::once(&*function.compilations).chain(loops)
    })
}

fn levels(profile: &RunProfile) -> impl Iterator<Item = Level> {
    compilations(profile).flatten().map(|made| made.level)
}

/// The loop that calls them is native code before long, and what native code calls has the simplest code, most often
/// together with its neighbours: they are called one after the other.
fn check_each_function_once(subject: &Subject) -> Result<(), String> {
    const COUNT: usize = 3_000;
    let program = Generated::build(subject, &rounds(COUNT, 1))?;
    let run = program.run(subject, Place::Hosted, &[])?;
    let profile = program.examine(&run)?;
    let made: Vec<Level> = levels(profile).collect();
    let ends: BTreeSet<u64> = compilations(profile)
        .flatten()
        .map(|made| made.at)
        .collect();
    if ends.len() > COUNT / 4 {
        return Err(format!(
            "{} functions were compiled in {} pieces\n{}",
            made.len(),
            ends.len(),
            run.describe()
        ));
    }
    if made.len() > COUNT || made.iter().any(|level| *level > Level::O0) {
        return Err(format!(
            "{} compilations of what is called once\n{}",
            made.len(),
            run.describe()
        ));
    }
    Ok(())
}

/// Enough to leave the interpreter, and no more: nothing is worth more than the simplest code.
fn check_a_few_calls_each(subject: &Subject) -> Result<(), String> {
    const COUNT: usize = 1_000;
    let program = Generated::build(subject, &rounds(COUNT, 20))?;
    let run = program.run(subject, Place::Hosted, &[])?;
    let made: Vec<Level> = levels(program.examine(&run)?).collect();
    let better = made.iter().filter(|level| **level > Level::O0).count();
    if made.len() > 2 * COUNT || better > COUNT / 100 {
        return Err(format!(
            "{} compilations, {better} of them above O0\n{}",
            made.len(),
            run.describe()
        ));
    }
    Ok(())
}

/// Each of these sets is all that runs, for half a second.
const SETS: usize = 6;
const IN_A_SET: usize = 40;

fn changing_sets() -> String {
    functions(SETS * IN_A_SET)
        + &format!(
            "int main(void) {{\n  unsigned sum = 0;\n  for (int set = 0; set < {SETS}; set++) {{\n    \
               unsigned x = set, first = 0;\n    \
               for (clock_t start = clock(); clock() - start < CLOCKS_PER_SEC / 2;) {{\n      \
                 x = set;\n      \
                 for (int round = 0; round < 50; round++)\n        \
                   for (int i = 0; i < {IN_A_SET}; i++) x = all[set * {IN_A_SET} + i](x);\n      \
                 if (first && first != x) return 1;\n      first = x;\n    }}\n    \
               sum += x;\n  }}\n  printf(\"%u\\n\", sum);\n}}\n"
        )
}

/// That each set has its share of promotions is tested where time is not the host's: in the policy.
fn check_another_hot_set(subject: &Subject) -> Result<(), String> {
    let program = Generated::build(subject, &changing_sets())?;
    let run = program.run(subject, Place::Hosted, &[])?;
    let profile = program.examine(&run)?;
    // What leaves the interpreter has no share, and nor has what it starts with.
    let promotions = compilations(profile).flat_map(|unit| unit.iter().skip(1));
    let (total, compiling) = (
        profile.total_cycles,
        promotions.map(|made| made.cycles).sum::<u64>(),
    );
    if compiling > total / 2 {
        return Err(format!(
            "{compiling} of {total} cycles went to promotions\n{}",
            run.describe()
        ));
    }
    Ok(())
}
