//! `cargo xtask bench snapshot`: what it takes to go on from a snapshot, and how fast the code in it is.
//!
//! - *Loading*: a program of many functions, all of which have code. Measured are the cycles before its start in which
//!   the kernel finds, reads, checks and maps the snapshot, in milliseconds for each MiB of code.
//! - *Restored code*: the programs of `bench tiers`, run from a snapshot that an earlier run has written, against the
//!   same programs compiled by `clang -O2` for Linux; beside it, the automatic tiers without a snapshot.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::ahead_of_time::Optimisation;
use super::hosted::{Hosted, Setup};
use super::rounds::{Limits, NAMES, RoundsProgram, announce};
use bareflow_image::context::Context;
use bareflow_image::disk::{DATA_DISK_SIZE_BYTES, write_data_disk};
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_report::tables::{digits, geometric_mean, render, verdict};
use bareflow_run::say;

const MIB: f64 = (1 << 20) as f64;
/// Programs of so many functions; the smallest has more than 1 MiB of code.
const FUNCTION_COUNTS: [usize; 3] = [1500, 3000, 6000];
/// Boots from the snapshot; the fastest counts.
const BOOTS: usize = 10;
/// Milliseconds for each MiB of code.
const MOST_LOAD_MS: f64 = 10.0;
const REPETITIONS: usize = 3;
/// Long enough for the functions to get hot, and for many rounds.
const LEARNING: Limits = Limits::ms(500);
const NATIVE: Limits = Limits::ms(300);
/// Without a snapshot, to get where the code stays.
const AUTOMATIC: Limits = Limits::ms(1500);
/// The time of a round over that of `clang -O2`.
const MOST_RATIO: f64 = 1.05;

/// Measures and prints.
///
/// # Errors
/// Whatever kept a program from being built or run.
pub fn run(context: &Context) -> Result<()> {
    let kernel = Hosted::build(context)?;
    let folder = tempfile::tempdir()?;
    let mut loads = Vec::new();
    for count in FUNCTION_COUNTS {
        announce(&format!("{count} functions, hosted"));
        loads.push(measure_load(context, &kernel, folder.path(), count)?);
    }
    print_loads(&loads);
    let mut ratios = Vec::new();
    for name in NAMES {
        announce(&format!("{name}, hosted"));
        let program = RoundsProgram::build(name, context, folder.path())?;
        ratios.push(measure_code(&program, &kernel, folder.path())?);
    }
    print_code(&ratios);
    Ok(())
}

/// What loading a program took.
struct Load {
    functions: usize,
    code_bytes: u64,
    snapshot_bytes: u64,
    seconds: f64,
}

impl Load {
    fn ms_per_mib(&self) -> f64 {
        self.seconds * 1e3 / (self.code_bytes as f64 / MIB)
    }
}

fn measure_load(context: &Context, kernel: &Hosted, folder: &Path, count: usize) -> Result<Load> {
    let source = folder.join(format!("functions{count}.c"));
    fs::write(&source, many_functions(count))?;
    let program = Program::build(&[source], &context.program_compiler())?;
    let options = TierOptions {
        // Everything has code after its first call, and nothing is compiled twice.
        settings: ["calls=0,-,-,-", "iterations=-,-,-,-", "settle-ms=0"]
            .map(String::from)
            .to_vec(),
        profile: true,
        ..TierOptions::default()
    };
    let disk = folder.join(format!("functions{count}.img"));
    write_data_disk(&disk, DATA_DISK_SIZE_BYTES)?;
    let setup = Setup {
        tier: Tier::Auto,
        options,
        disk: Some(disk),
    };
    let boot = || kernel.run(&program, &setup, &[]);
    boot()?;
    let mut least: Option<Load> = None;
    for _ in 0..BOOTS {
        let profile = boot()?.profile;
        let profile = profile.ok_or_else(|| Error::build("there is no profile"))?;
        let boot = profile.boot.filter(|boot| boot.snapshot == Some(1));
        let boot = boot.ok_or_else(|| Error::build("the snapshot was not used"))?;
        let load = Load {
            functions: count,
            code_bytes: profile
                .functions
                .iter()
                .map(|function| function.code_bytes)
                .sum(),
            snapshot_bytes: boot.snapshot_bytes,
            seconds: boot.load_cycles as f64 / profile.cycles_per_second as f64,
        };
        if least
            .as_ref()
            .is_none_or(|least| load.seconds < least.seconds)
        {
            least = Some(load);
        }
    }
    least.ok_or_else(|| Error::build("there was no boot"))
}

/// Functions that are called once, and then a loop that is long enough to measure the clock's rate.
fn many_functions(count: usize) -> String {
    let mut text = String::from("#include <stdio.h>\nstatic volatile unsigned x = 1;\n");
    for number in 0..count {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "__attribute__((noinline)) unsigned f{number}(unsigned a, unsigned b) {{\n\
             unsigned values[16];\n\
             for (unsigned i = 0; i < 16; i++) values[i] = a * i + b;"
        );
        for step in 0..8 {
            let (from, to) = ((number + step) % 16, (number * 7 + step * 3) % 16);
            let _ = writeln!(
                text,
                "values[{to}] = values[{from}] % {} ? values[{to}] ^ b << {step} : a - values[{from}] * {number};",
                step + 2
            );
        }
        let _ = writeln!(text, "return values[a % 16] + values[b % 16];\n}}");
    }
    text.push_str("int main(void) {\nunsigned sum = 0;\n");
    for number in 0..count {
        let _ = writeln!(text, "sum = f{number}(sum, {number});");
    }
    text.push_str("for (unsigned i = 0; i < 20000000; i++) x += i;\n");
    text.push_str("printf(\"%u %u\\n\", sum, x);\nreturn 0;\n}\n");
    text
}

fn print_loads(loads: &[Load]) {
    say!("Loading a snapshot, hosted; the fastest of {BOOTS} boots");
    let header = [
        "functions",
        "KiB of code",
        "KiB of snapshot",
        "ms",
        "ms / MiB of code",
    ];
    let rows = loads.iter().map(|load| {
        vec![
            load.functions.to_string(),
            (load.code_bytes >> 10).to_string(),
            (load.snapshot_bytes >> 10).to_string(),
            digits(load.seconds * 1e3),
            digits(load.ms_per_mib()),
        ]
    });
    say!("{}\n", render(&header, rows.collect()));
    let worst = loads.iter().map(Load::ms_per_mib).fold(0.0, f64::max);
    say!(
        "{}\n",
        verdict(
            "loading, per MiB of code",
            &format!("{} ms", digits(worst)),
            &format!("at most {MOST_LOAD_MS:.0} ms"),
            worst <= MOST_LOAD_MS,
        )
    );
}

/// Seconds of a round: restored, in the automatic tiers without a snapshot, and by clang.
fn measure_code(program: &RoundsProgram, kernel: &Hosted, folder: &Path) -> Result<[f64; 3]> {
    let disk = folder.join(format!("{}.img", program.program.name));
    write_data_disk(&disk, DATA_DISK_SIZE_BYTES)?;
    let executable = program.build_for_linux(Optimisation::O2)?;
    let setup = Setup {
        disk: Some(disk),
        ..Setup::from(Tier::Auto)
    };
    program.run_hosted(kernel, &setup, LEARNING)?;
    let mut least = [f64::INFINITY; 3];
    for _ in 0..REPETITIONS {
        let (restored, _) = program.run_hosted(kernel, &setup, NATIVE)?;
        let (automatic, _) = program.run_hosted(kernel, &Setup::from(Tier::Auto), AUTOMATIC)?;
        let (ahead, _) = program.run_on_linux(&executable.path, NATIVE)?;
        for (least, rounds) in least.iter_mut().zip([restored, automatic, ahead]) {
            *least = least.min(rounds.steady_s());
        }
    }
    Ok(least)
}

fn print_code(times: &[[f64; 3]]) {
    say!("Time of a round from a snapshot, hosted; best of {REPETITIONS} runs");
    let column = |index: usize| -> Vec<f64> {
        let ratios = times.iter().map(|row| row[index] / row[2]);
        ratios.collect()
    };
    let columns = [column(0), column(1)];
    let mut rows: Vec<Vec<String>> = NAMES.map(|name| vec![name.to_owned()]).to_vec();
    rows.push(vec!["geom. mean".to_owned()]);
    for column in &columns {
        let numbers = column.iter().copied();
        let numbers = numbers.chain([geometric_mean(column)]);
        for (row, number) in rows.iter_mut().zip(numbers) {
            row.push(format!("{number:.3}"));
        }
    }
    let header = ["program", "restored / clang -O2", "automatic / clang -O2"];
    say!("{}\n", render(&header, rows));
    let mean = geometric_mean(&columns[0]);
    say!(
        "{}",
        verdict(
            "restored code over clang -O2, geometric mean",
            &format!("{mean:.3}"),
            &format!("at most {MOST_RATIO:.2}"),
            mean <= MOST_RATIO,
        )
    );
}
