//! Images without LLVM, for `cargo xtask bench generators`: how large their kernels are, when the first output is there,
//! and how fast the code is that is compiled there.

use std::fs;
use std::path::{Path, PathBuf};

use bareflow_build::kernel::JitGenerator;
use bareflow_bundle::Bundle;
use bareflow_image::context::Context;
use bareflow_image::error::Result;
use bareflow_image::export::{self, DEFAULT_PROMOTION, JitProgram};
use bareflow_image::program::{Program, Tier};
use bareflow_report::tables::{digits, geometric_mean, render, verdict};
use bareflow_run::qemu::{Boot, Console, Machine, Processors};
use bareflow_run::say;
use object::{Object, ObjectSegment};

use super::boot::{Measurement, measure, megabytes};
use super::hosted::{Hosted, Setup};
use super::rounds::{Limits, NAMES, RoundsProgram, announce};

const SMALLEST: &str = "examples/hello.ll";
const MEMORY_MIB: u32 = 64;
/// What is compiled while the program runs is compiled by the optimiser by then.
const LIMITS: Limits = Limits::ms(1500);

/// What the plan expects of an image, and of its size by the generator.
const MOST_MEGABYTES: [(JitGenerator, f64); 3] = [
    (JitGenerator::Qbe, 1.0),
    (JitGenerator::Mir, 1.0),
    (JitGenerator::Cranelift, 5.0),
];
const MOST_SECONDS: f64 = 0.3;
const MOST_OVER_AHEAD: f64 = 2.0;

/// Measures and prints; `reference` has the seconds of a round that `clang -O2` has made.
///
/// # Errors
/// Whatever kept an image from being made or run.
pub fn run(context: &Context, reference: &[f64], repetitions: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut rows = Vec::new();
    let mut means = Vec::new();
    for (generator, _) in MOST_MEGABYTES {
        let ratios = ratios(context, generator, reference, repetitions, folder.path())?;
        let mean = geometric_mean(&ratios);
        let mut cells = vec![generator.name().to_owned()];
        cells.extend(ratios.iter().map(|ratio| digits(*ratio)));
        cells.push(digits(mean));
        rows.push(cells);
        means.push(mean);
    }
    say!("\nImages without LLVM: time of a round in the steady state, over clang -O2");
    let header = [&["generator"], &NAMES[..], &["geom. mean"]].concat();
    say!("{}", render(&header, rows));
    for ((generator, most_mb), mean) in MOST_MEGABYTES.into_iter().zip(means) {
        say!("\nimages with {}", generator.name());
        tell(
            "time over clang -O2, geometric mean",
            mean,
            "",
            MOST_OVER_AHEAD,
        );
        smallest(context, generator, most_mb, folder.path(), repetitions)?;
    }
    Ok(())
}

/// Of all programs with a generator.
fn ratios(
    context: &Context,
    generator: JitGenerator,
    reference: &[f64],
    repetitions: usize,
    folder: &Path,
) -> Result<Vec<f64>> {
    let mut ratios = Vec::new();
    for (name, ahead) in NAMES.into_iter().zip(reference) {
        announce(&format!("{name}, {} without LLVM", generator.name()));
        let program = RoundsProgram::build(name, context, folder)?;
        let kernel = kernel(context, generator, &program.program, folder, true)?;
        let hosted = Hosted::with_executable(kernel)?;
        let mut steady_s = f64::INFINITY;
        for _ in 0..repetitions {
            let (rounds, _) = program.run_hosted(&hosted, &Setup::from(Tier::Auto), LIMITS)?;
            steady_s = steady_s.min(rounds.steady_s());
        }
        ratios.push(steady_s / ahead);
    }
    Ok(ratios)
}

fn tell(what: &str, found: f64, unit: &str, most: f64) {
    let text = |number: f64| format!("{number:.2}{unit}");
    let line = verdict(
        what,
        &text(found),
        &format!("at most {}", text(most)),
        found <= most,
    );
    say!("{line}");
}

/// The least that such an image is.
fn smallest(
    context: &Context,
    generator: JitGenerator,
    most_mb: f64,
    folder: &Path,
    repetitions: usize,
) -> Result<()> {
    announce(&format!("{SMALLEST}, {} in the machine", generator.name()));
    let program = Program::build(&[context.root.join(SMALLEST)], &context.program_compiler())?;
    let kernel = kernel(context, generator, &program, folder, false)?;
    let size_mb = megabytes(loaded_bytes(&kernel)?);
    let bundle = folder.join("bundle");
    let whole = program.bundle(&[], Tier::Auto);
    let opened = Bundle::open(&whole).expect("it was just built");
    fs::write(&bundle, export::without_modules(&opened))?;
    let machine = Machine {
        qemu: context.tools.qemu.clone(),
        memory_mib: MEMORY_MIB,
        processors: Processors::default(),
        counts_instructions: false,
        console: Console::Serial,
        boot: Boot::Microvm { kernel, bundle },
    };
    let runs: Vec<Measurement> = (0..repetitions)
        .map(|_| measure(&machine))
        .collect::<Result<_>>()?;
    // The same on every host.
    let counting = Machine {
        counts_instructions: true,
        ..machine
    };
    let instructions = measure(&counting)?.counters.first_output_cycles;
    let times = runs.iter().map(|run| run.first_output.as_secs_f64());
    let first_s = times.fold(f64::INFINITY, f64::min);
    let peak = runs.iter().map(|run| run.counters.peak_memory_bytes).max();
    tell("kernel with the generator", size_mb, " MB", most_mb);
    let what = format!("first output of {SMALLEST}, QEMU's microvm, {MEMORY_MIB} MiB");
    tell(&what, first_s, " s", MOST_SECONDS);
    let memory_mib = peak.unwrap_or_default() as f64 / f64::from(1 << 20);
    let millions = instructions as f64 / 1e6;
    say!("instructions from the kernel's start to the first output: {millions:.1} million");
    say!("most memory in use: {memory_mib:.1} MiB");
    Ok(())
}

fn kernel(
    context: &Context,
    generator: JitGenerator,
    program: &Program,
    folder: &Path,
    is_hosted: bool,
) -> Result<PathBuf> {
    let bytes = program.bundle(&[], Tier::Auto);
    let request = JitProgram {
        bundle: &Bundle::open(&bytes).expect("it was just built"),
        generator,
        promotion: DEFAULT_PROMOTION,
        is_hosted,
    };
    let kernel = folder.join("kernel");
    export::build_jit_kernel(context, &request, &kernel)?;
    Ok(kernel)
}

/// What a loader reads of a kernel.
fn loaded_bytes(kernel: &Path) -> Result<u64> {
    let bytes = fs::read(kernel)?;
    let file = object::File::parse(&*bytes).map_err(std::io::Error::other)?;
    Ok(file.segments().map(|segment| segment.file_range().1).sum())
}
