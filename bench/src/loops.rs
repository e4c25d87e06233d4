//! `cargo xtask bench loops`: programs that are one long call of `main`, against the same programs compiled at O3
//! before they start.

use std::fs;
use std::path::{Path, PathBuf};

use super::hosted::{Hosted, Setup};
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, Tier};
use bareflow_run::say;

const FOLDER: &str = "bench/programs/loops";
const REPETITIONS: usize = 3;
/// What getting to O3 while the loop runs may cost.
const TARGET: f64 = 1.3;

/// How each program is run.
pub const WAYS: [Tier; 2] = [Tier::O3, Tier::Auto];

/// The programs, in the order of their names.
///
/// # Errors
/// That their folder cannot be read.
pub fn sources(context: &Context) -> Result<Vec<PathBuf>> {
    let mut sources: Vec<_> = fs::read_dir(context.root.join(FOLDER))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    sources.sort();
    Ok(sources)
}

/// What a program is called.
pub fn name(source: &Path) -> String {
    let stem = source.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Compiles a program for the kernels.
///
/// # Errors
/// That it does not compile.
pub fn build(context: &Context, source: &Path) -> Result<Program> {
    let sources = [source.to_owned()];
    Ok(Program::build(&sources, &context.program_compiler())?)
}

/// Prints the figures.
///
/// # Errors
/// Whatever kept a program from being run to its end, and that its output depends on the tier.
pub fn run(context: &Context) -> Result<()> {
    let hosted = Hosted::build(context)?;
    say!("user time of whole runs, hosted, compilation included; best of {REPETITIONS}");
    say!(
        "{:14} {:>8} {:>8} {:>8}",
        "program",
        "O3 s",
        "auto s",
        "ratio"
    );
    let mut largest: f64 = 0.0;
    for source in sources(context)? {
        let name = name(&source);
        let program = build(context, &source)?;
        let mut times = [f64::INFINITY; 2];
        let mut outputs = [String::new(), String::new()];
        for _ in 0..REPETITIONS {
            for (index, tier) in WAYS.into_iter().enumerate() {
                let run = hosted.run(&program, &Setup::from(tier), &[])?;
                outputs[index] = String::from_utf8_lossy(&run.output).into_owned();
                times[index] = times[index].min(run.user_time.as_secs_f64());
            }
        }
        if outputs[0] != outputs[1] {
            return Err(Error::build(format!("{name} prints {outputs:?}")));
        }
        let ratio = times[1] / times[0];
        largest = largest.max(ratio);
        say!("{name:14} {:8.3} {:8.3} {ratio:8.3}", times[0], times[1]);
    }
    say!(
        "largest ratio {largest:.3}, target at most {TARGET}: {}",
        if largest <= TARGET { "met" } else { "MISSED" }
    );
    Ok(())
}
