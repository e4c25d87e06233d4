//! `cargo xtask bench compile`: what compilations cost, of whole programs and of single functions, against clang's of the
//! same bitcode.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bareflow_run::say;
use bareflow_tier_policy::{Level, LevelSet};

use super::cpu_time_of;
use super::hosted::{Hosted, Setup};
use super::rounds::announce;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, ProgramFile, Tier, TierOptions, Transfer};
use bareflow_report::profile::RunProfile;
use bareflow_report::tables::{digits, render, verdict};
use bareflow_targets::DEFAULT;
use bareflow_tests::real::build::{self, Built};
use bareflow_tests::real::table::{self, Run};

const REPETITIONS: usize = 3;
/// What takes more seconds is not repeated: little disturbs it.
const LONG_S: f64 = 2.0;
/// What clang does in less is lost in its start.
const LEAST_MS: f64 = 1.0;
/// Those whose compilations are compared with clang's, of each program and level.
const COSTLIEST: usize = 3;
/// What the engine offers the inliner where nothing is known of calls: of one function, as LLVM's threshold is 250 and
/// an instruction counts 5; and in all.
const LARGEST_INLINED: usize = 50;
const INLINING_BUDGET: usize = 4000;
/// A function of at most so many instructions is small.
const SMALL: usize = 30;
/// A function of Lua's that once took 300 ms at O3.
const NAMED: &str = "luaV_objlen";

const MOST_WHOLE_O0: f64 = 1.1;
const MOST_SMALL_MS: f64 = 0.25;
const MOST_FIRST_MS: f64 = 1.0;
const MOST_O3: f64 = 1.3;
const MOST_NAMED_MS: f64 = 5.0;
const MOST_MIB: f64 = 100.0;

const WHOLE_HEADER: [&str; 5] = ["whole programs", "level", "clang, s", "engine, s", "ratio"];
const LEVELS_HEADER: [&str; 12] = [
    "each function that a script calls",
    "level",
    "functions",
    "in all, ms",
    "median",
    "largest",
    "us per instruction",
    "cut, %",
    "optimise, %",
    "generate, %",
    "link, %",
    "memory, MiB",
];
const FUNCTIONS_HEADER: [&str; 6] = [
    "single functions",
    "level",
    "instructions",
    "clang, ms",
    "engine, ms",
    "ratio",
];

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// Of each program and level so many functions, beside the costliest; whole programs at O0.
    Sample(usize),
    /// Everything.
    All,
}

/// A program as bitcode in one file, and what it consists of.
struct Subject {
    name: &'static str,
    program: Program,
    bitcode: PathBuf,
    functions: BTreeMap<String, Function>,
    arguments: Vec<String>,
    /// Arguments with which it ends at once.
    idle: Vec<String>,
    stdin: PathBuf,
}

/// Of a function whose variables have registers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Function {
    instructions: usize,
    callees: Vec<String>,
    /// Whether it has computed goto: of a function that is alone in a file, without the tables of its labels, nothing
    /// remains.
    has_labels: bool,
}

/// A function's compilation by the engine.
struct Compiled {
    name: String,
    milliseconds: f64,
    /// Of these: cutting out, optimising, generating and linking.
    steps: [f64; 4],
    at: u64,
}

/// Figures that have a target.
#[derive(Default)]
struct Findings {
    whole_o0: f64,
    small: Vec<f64>,
    first: f64,
    largest_o3: f64,
    named: f64,
    mebibytes: f64,
}

/// Prints the figures.
///
/// # Errors
/// What kept a program from being built, compiled or run.
pub fn run(context: &Context, extent: Extent) -> Result<()> {
    let hosted = Hosted::build(context)?;
    let folder = TemporaryFolder::new("bench")?;
    let subjects = [
        Subject::build(context, "lua", 1, &["-v"], folder.path())?,
        Subject::build(context, "sqlite", 0, &[":memory:"], folder.path())?,
    ];
    let mut findings = Findings::default();
    let (mut whole, mut levels, mut functions) = (Vec::new(), Vec::new(), Vec::new());
    for subject in &subjects {
        let tiers = [(Tier::O0, "-O0"), (Tier::O2, "-O2"), (Tier::O3, "-O3")];
        let count = match extent {
            Extent::Sample(_) => 1,
            Extent::All => tiers.len(),
        };
        for (tier, level) in tiers.into_iter().take(count) {
            announce(&format!("{}, whole, {level}", subject.name));
            let clang = best(|| clang(context, &subject.bitcode, level))?;
            let setup = Setup::from(tier);
            let engine = best(|| {
                Ok(hosted
                    .run(&subject.program, &setup, &subject.idle)?
                    .cpu_time
                    .as_secs_f64())
            })?;
            if tier == Tier::O0 && subject.name == "sqlite" {
                findings.whole_o0 = engine / clang;
            }
            let row = [
                subject.name.into(),
                level.into(),
                seconds(clang),
                seconds(engine),
                digits(engine / clang),
            ];
            whole.push(row.to_vec());
        }
        for level in LevelSet::LLVM.iter() {
            announce(&format!("{}, one by one, {}", subject.name, level.name()));
            let (compiled, mebibytes) = compile_singly(&hosted, subject, level)?;
            levels.push(subject.level_row(&compiled, level, mebibytes));
            subject.note(&compiled, level, &mut findings);
            announce(&format!("{}, beside clang, {}", subject.name, level.name()));
            let chosen = subject.worth_comparing(&compiled, extent);
            functions.extend(compare(
                context,
                subject,
                &chosen,
                level,
                folder.path(),
                &mut findings,
            )?);
        }
        announce(&format!("{}, automatic", subject.name));
        let mebibytes = memory_in_automatic_tiers(&hosted, subject)?;
        findings.mebibytes = findings.mebibytes.max(mebibytes);
    }
    say!("{}\n", render(&WHOLE_HEADER, whole));
    say!("{}\n", render(&LEVELS_HEADER, levels));
    say!("{}\n", render(&FUNCTIONS_HEADER, functions));
    say!(
        "Clang's time is processor time, for the same bitcode: of a function at O2 and O3, with the callees that the engine"
    );
    say!(
        "offers for inlining, and without what an empty file takes. The engine's time of a function is by the clock, and is"
    );
    say!(
        "corrected by the part of its run in which the process had a processor. Whole programs, in processor time, include"
    );
    say!(
        "the start of each. Instructions are those of the function when its variables have registers."
    );
    findings.judge();
    Ok(())
}

impl Subject {
    fn build(
        context: &Context,
        name: &'static str,
        run: usize,
        idle: &[&str],
        folder: &Path,
    ) -> Result<Self> {
        let known = table::read().map_err(Error::build)?.project;
        let project = known
            .into_iter()
            .find(|project| project.name == name)
            .ok_or_else(|| Error::build(format!("no real project is called {name}")))?;
        let built = build::build(context, &project).map_err(Error::build)?;
        let run = &project.run[run];
        let mut program = Program::build(
            &[built.bareflow.join(&run.program)],
            &context.program_compiler(),
        )?;
        let [module] = program.modules.as_slice() else {
            return Err(Error::build(format!("{name} is not one module")));
        };
        let bitcode = folder.join(format!("{name}.bc"));
        fs::write(&bitcode, &module.bytes)?;
        let functions = functions_of(&text_of(context, &bitcode)?);
        program.add_files(files_of(&built, run)?, Transfer::Embedded)?;
        Ok(Self {
            name,
            program,
            bitcode,
            functions,
            arguments: run.arguments.clone(),
            idle: idle.iter().map(|&word| word.into()).collect(),
            stdin: built.stdin(run),
        })
    }

    fn size(&self, function: &str) -> usize {
        self.functions
            .get(function)
            .map_or(0, |function| function.instructions)
    }

    fn level_row(&self, compiled: &[Compiled], level: Level, mebibytes: f64) -> Vec<String> {
        let mut times: Vec<f64> = compiled.iter().map(|one| one.milliseconds).collect();
        times.sort_by(f64::total_cmp);
        let total: f64 = times.iter().sum();
        let instructions: usize = compiled.iter().map(|one| self.size(&one.name)).sum();
        let share = |step: usize| {
            let part: f64 = compiled.iter().map(|one| one.steps[step]).sum();
            digits(part * 100.0 / total.max(f64::EPSILON))
        };
        vec![
            self.name.into(),
            level.name().into(),
            compiled.len().to_string(),
            digits(total),
            digits(median(&times)),
            digits(times.last().copied().unwrap_or_default()),
            digits(total * 1000.0 / instructions.max(1) as f64),
            share(0),
            share(1),
            share(2),
            share(3),
            digits(mebibytes),
        ]
    }

    fn note(&self, compiled: &[Compiled], level: Level, findings: &mut Findings) {
        let small = |one: &&Compiled| self.size(&one.name) <= SMALL;
        if level == Level::O0 {
            let first = compiled.iter().filter(small).min_by_key(|one| one.at);
            findings.first = findings
                .first
                .max(first.map_or(0.0, |one| one.milliseconds));
            findings
                .small
                .extend(compiled.iter().filter(small).map(|one| one.milliseconds));
        }
        if level == Level::O3
            && let Some(one) = compiled.iter().find(|one| one.name == NAMED)
        {
            findings.named = one.milliseconds;
        }
    }

    /// The costliest first, and then by name, so that it is the same ones from run to run.
    fn worth_comparing<'a>(&self, compiled: &'a [Compiled], extent: Extent) -> Vec<&'a Compiled> {
        let mut known: Vec<&Compiled> = compiled
            .iter()
            .filter(|one| {
                let known = self.functions.get(&one.name);
                known.is_some_and(|function| !function.has_labels)
            })
            .collect();
        known.sort_by(|left, right| right.milliseconds.total_cmp(&left.milliseconds));
        let mut others = known.split_off(COSTLIEST.min(known.len()));
        others.sort_by(|left, right| left.name.cmp(&right.name));
        let count = match extent {
            Extent::Sample(count) => count.min(others.len()),
            Extent::All => others.len(),
        };
        let sample = spread(others.len(), count);
        let named = others
            .iter()
            .enumerate()
            .filter(|(place, one)| one.name == NAMED && !sample.contains(place))
            .map(|(_, one)| *one);
        known.extend(named);
        known.extend(sample.iter().map(|&place| others[place]));
        known
    }

    /// The function and, at O3, the callees that the engine offers the inliner, nearest first.
    fn with_inlinees(&self, name: &str, level: Level) -> Vec<String> {
        let mut found = vec![name.to_owned()];
        if level < Level::O2 {
            return found;
        }
        let mut budget = INLINING_BUDGET;
        let mut seen: HashSet<&str> = HashSet::from([name]);
        let mut open = VecDeque::from([name]);
        while let Some(function) = open.pop_front() {
            for callee in self
                .functions
                .get(function)
                .map_or(&[][..], |function| &function.callees)
            {
                let size = self.size(callee);
                if seen.insert(callee) && size > 0 && size <= LARGEST_INLINED.min(budget) {
                    budget -= size;
                    found.push(callee.clone());
                    open.push_back(callee);
                }
            }
        }
        found
    }
}

impl Findings {
    fn judge(&mut self) {
        self.small.sort_by(f64::total_cmp);
        let print = |what: &str, found: f64, unit: &str, most: f64| {
            let target = format!("at most {}{unit}", digits(most));
            say!(
                "{}",
                verdict(
                    what,
                    &format!("{}{unit}", digits(found)),
                    &target,
                    found <= most
                )
            );
        };
        print(
            "SQLite at fixed O0 over clang -O0",
            self.whole_o0,
            "",
            MOST_WHOLE_O0,
        );
        print(
            "O0 of a small function, median",
            median(&self.small),
            " ms",
            MOST_SMALL_MS,
        );
        print(
            "O0 of the first small function",
            self.first,
            " ms",
            MOST_FIRST_MS,
        );
        print(
            "O3 of a function over clang -O3, worst",
            self.largest_o3,
            "",
            MOST_O3,
        );
        print(&format!("{NAMED} at O3"), self.named, " ms", MOST_NAMED_MS);
        print(
            "the compiler's memory, worst",
            self.mebibytes,
            " MiB",
            MOST_MIB,
        );
    }
}

/// Compiles each function that the program calls at this level, at its first call.
fn compile_singly(
    hosted: &Hosted,
    subject: &Subject,
    level: Level,
) -> Result<(Vec<Compiled>, f64)> {
    let thresholds = LevelSet::LLVM
        .iter()
        .map(|other| if other == level { "0" } else { "-" });
    let thresholds = thresholds.collect::<Vec<_>>().join(",");
    let settings = vec![format!("calls={thresholds}"), "iterations=-,-,-,-".into()];
    let setup = Setup {
        options: TierOptions {
            settings,
            profile: true,
            ..TierOptions::default()
        },
        ..Setup::from(Tier::Auto)
    };
    let mut best: BTreeMap<String, Compiled> = BTreeMap::new();
    let mut mebibytes = 0.0;
    for _ in 0..REPETITIONS {
        let (profile, cpu_time) = profile_of(hosted, subject, &setup)?;
        mebibytes = mebibytes_of(&profile);
        let total = profile.total_cycles as f64 / profile.cycles_per_second as f64;
        // The part of the time that the process had a processor; what is before the program's start makes it too large.
        let share = (cpu_time.as_secs_f64() / total).min(1.0);
        let milliseconds = share * 1000.0 / profile.cycles_per_second as f64;
        let is_long = profile.total_cycles as f64 * milliseconds > LONG_S * 1000.0;
        for function in profile.functions {
            let Some(made) = function
                .compilations
                .iter()
                .find(|made| made.level == level)
            else {
                continue;
            };
            let one = Compiled {
                name: function.name.clone(),
                milliseconds: made.cycles as f64 * milliseconds,
                steps: [
                    made.steps.cut,
                    made.steps.optimise,
                    made.steps.generate,
                    made.steps.link,
                ]
                .map(|cycles| cycles as f64 * milliseconds),
                at: made.at,
            };
            match best.get_mut(&function.name) {
                Some(known) if known.milliseconds <= one.milliseconds => {}
                _ => {
                    best.insert(function.name, one);
                }
            }
        }
        if is_long {
            break;
        }
    }
    Ok((best.into_values().collect(), mebibytes))
}

fn memory_in_automatic_tiers(hosted: &Hosted, subject: &Subject) -> Result<f64> {
    let setup = Setup {
        options: TierOptions {
            profile: true,
            ..TierOptions::default()
        },
        ..Setup::from(Tier::Auto)
    };
    Ok(mebibytes_of(&profile_of(hosted, subject, &setup)?.0))
}

/// With the processor time of the whole process.
fn profile_of(hosted: &Hosted, subject: &Subject, setup: &Setup) -> Result<(RunProfile, Duration)> {
    let input = File::open(&subject.stdin)?;
    let run = hosted.run_with_input(&subject.program, setup, &subject.arguments, input)?;
    let profile = run
        .profile
        .ok_or_else(|| Error::build("there is no profile"))?;
    Ok((profile, run.cpu_time))
}

fn mebibytes_of(profile: &RunProfile) -> f64 {
    profile.memory.compiler_bytes as f64 / f64::from(1 << 20)
}

fn compare(
    context: &Context,
    subject: &Subject,
    compiled: &[&Compiled],
    level: Level,
    folder: &Path,
    findings: &mut Findings,
) -> Result<Vec<Vec<String>>> {
    let flag = format!("-{}", level.name());
    let extracted = folder.join("extracted.bc");
    let empty = folder.join("empty.ll");
    fs::write(&empty, format!("target triple = \"{}\"\n", DEFAULT.triple))?;
    let start = best(|| clang(context, &empty, &flag))?;
    let row = |name: &str, instructions: usize, clang: f64, engine: f64| {
        vec![
            format!("{}, {name}", subject.name),
            level.name().into(),
            instructions.to_string(),
            digits(clang),
            digits(engine),
            if clang >= LEAST_MS {
                digits(engine / clang)
            } else {
                "-".into()
            },
        ]
    };
    let (mut rows, mut instructions, mut clangs, mut engines) = (Vec::new(), 0, 0.0, 0.0);
    for one in compiled {
        let names = subject.with_inlinees(&one.name, level);
        extract(context, &subject.bitcode, &names, &extracted)?;
        let all = best(|| clang(context, &extracted, &flag))?;
        let milliseconds = ((all - start) * 1000.0).max(0.0);
        if level == Level::O3 && milliseconds >= LEAST_MS {
            findings.largest_o3 = findings.largest_o3.max(one.milliseconds / milliseconds);
        }
        let size = subject.size(&one.name);
        rows.push(row(&one.name, size, milliseconds, one.milliseconds));
        instructions += size;
        clangs += milliseconds;
        engines += one.milliseconds;
    }
    rows.push(row("these together", instructions, clangs, engines));
    Ok(rows)
}

fn extract(context: &Context, from: &Path, functions: &[String], to: &Path) -> Result<()> {
    // It is in the package of the other programs.
    let program = fs::canonicalize(&context.tools.program_opt)?.with_file_name("llvm-extract");
    let mut command = Command::new(program);
    command.args(functions.iter().map(|name| format!("--func={name}")));
    finish(command.arg("-o").arg(to).arg(from)).map(|_| ())
}

/// Seconds of processor time.
fn clang(context: &Context, source: &Path, level: &str) -> Result<f64> {
    let object = source.with_extension("o");
    let mut arguments: Vec<OsString> = ["-w", "-c", "-x", "ir", level, "-o"]
        .map(OsString::from)
        .to_vec();
    arguments.extend([object.into(), source.into()]);
    let time = cpu_time_of(|| {
        finish(Command::new(&context.tools.program_clang).args(arguments)).map(|_| ())
    })?;
    Ok(time.as_secs_f64())
}

fn text_of(context: &Context, bitcode: &Path) -> Result<String> {
    let mut command = Command::new(&context.tools.program_opt);
    let text = finish(
        command
            .args(["-passes=mem2reg", "-S", "-o", "-"])
            .arg(bitcode),
    )?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn finish(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::build(format!(
        "{} failed\n{}",
        bareflow_build::shell::display(command),
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// The functions of a module's text.
fn functions_of(text: &str) -> BTreeMap<String, Function> {
    let mut functions = BTreeMap::new();
    let mut open: Option<(String, Function)> = None;
    for line in text.lines() {
        if line.starts_with("define ") {
            open = name_in(line).map(|name| (name, Function::default()));
        } else if line == "}" {
            functions.extend(open.take());
        } else if let Some((_, function)) = &mut open
            && line.starts_with("  ")
            && !line.starts_with("   ")
            && line.trim() != "]"
        {
            function.instructions += 1;
            function.has_labels |= line.contains("indirectbr ");
            if line.contains("call ") {
                function.callees.extend(name_in(line));
            }
        }
    }
    functions
}

/// The first global name that arguments follow.
fn name_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('@')?;
    let (name, _) = rest.split_once('(')?;
    Some(name.trim_matches('"').to_owned())
}

fn files_of(built: &Built, run: &Run) -> Result<Vec<ProgramFile>> {
    let parse = |file: &String| {
        let path = built.input(file);
        ProgramFile::parse(&path.to_string_lossy()).map_err(|error| Error::build(error.to_string()))
    };
    run.files.iter().map(parse).collect()
}

fn best(mut measure: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..REPETITIONS {
        best = best.min(measure()?);
        if best > LONG_S {
            break;
        }
    }
    Ok(best)
}

/// So many places of a list, at equal distances.
fn spread(length: usize, count: usize) -> Vec<usize> {
    (0..count).map(|number| number * length / count).collect()
}

/// Of sorted numbers; 0 of none.
fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "define internal i32 @a(i32 %0) #0 {\nentry:\n  %1 = call i32 @b(i32 %0)\n  switch i32 %1, label %x [\n    i32 1, label %x\n  ]\n\nx:\n  ret i32 %1\n}\n\ndefine void @b() {\n  ret void\n}\n";

    #[test]
    fn functions_are_found_in_text() {
        let functions = functions_of(TEXT);
        assert_eq!(functions.len(), 2);
        assert_eq!(
            functions["a"],
            Function {
                instructions: 3,
                callees: vec!["b".into()],
                has_labels: false
            }
        );
        assert_eq!(functions["b"].instructions, 1);
    }

    #[test]
    fn a_sample_is_spread_evenly() {
        assert_eq!(spread(10, 4), [0, 2, 5, 7]);
        assert_eq!(spread(3, 3), [0, 1, 2]);
        assert!(spread(5, 0).is_empty());
    }

    #[test]
    fn the_median_of_nothing_is_nothing() {
        assert!(median(&[]).abs() < f64::EPSILON);
        assert!((median(&[1.0, 2.0, 9.0]) - 2.0).abs() < f64::EPSILON);
    }
}
