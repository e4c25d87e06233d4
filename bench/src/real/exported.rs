//! Programs as `export` makes them, with a profile of the run that is measured, as Linux processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bareflow_bundle::Bundle;

use super::Program;
use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::export::{self, Guidance};
use bareflow_image::program::{Program as Bitcode, ProgramFile, Tier, Transfer};
use bareflow_image::training::{Runs, TrainingRun, control_flow};
use bareflow_tests::real::build::Built;
use bareflow_tests::real::table::Run;

/// What `clang -march` calls the processor at hand.
const PROCESSOR: &str = "native";
/// How long a run may take that counts.
const TIMEOUT: Duration = Duration::from_secs(600);

/// An exported program.
pub struct Exported {
    kernel: PathBuf,
    bundle: PathBuf,
    input: PathBuf,
}

impl Exported {
    /// Exports the program into this folder.
    ///
    /// # Errors
    /// Why it cannot be exported.
    pub fn of(context: &Context, program: &Program, run: &Run, folder: &Path) -> Result<Self> {
        let built = &program.built;
        let bytes = bundle(context, built, run)?;
        let hosted = context
            .kernel_builder()
            .build(KernelKind::Hosted, LlvmExtent::Full)?;
        let input = built.stdin(run);
        let runs = Runs {
            runs: vec![TrainingRun {
                arguments: run.arguments.clone(),
                input: Some(input.clone()),
            }],
            timeout: TIMEOUT,
        };
        let mut guidance = Guidance::of_training(&runs.counts(&bytes, &hosted)?);
        let flow = control_flow(&bytes, guidance.snapshot(), &hosted, TIMEOUT)?;
        guidance.take(flow);
        let bundle = Bundle::open(&bytes).expect("it was just built");
        let exported = Self {
            kernel: folder.join("exported"),
            bundle: folder.join("bundle"),
            input,
        };
        export::build_kernel(
            context,
            &bundle,
            Some(&guidance),
            Some(PROCESSOR),
            KernelKind::NativeHosted,
            &exported.kernel,
        )?;
        fs::write(&exported.bundle, export::without_modules(&bundle))?;
        Ok(exported)
    }

    /// The run, started as those of other compilers are.
    pub fn command(&self) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", "input=$1; shift; exec \"$@\" < \"$input\"", "sh"])
            .arg(&self.input)
            .arg(&self.kernel)
            .arg(&self.bundle);
        command
    }
}

fn bundle(context: &Context, built: &Built, run: &Run) -> Result<Vec<u8>> {
    let refused = |error: &dyn std::fmt::Display| Error::build(error.to_string());
    let path = built.bareflow.join(&run.program);
    let mut bitcode =
        Bitcode::build(&[path], &context.program_compiler()).map_err(|error| refused(&error))?;
    let files = run.files.iter().map(|file| {
        let path = built.input(file).display().to_string();
        ProgramFile::parse(&path).map_err(|error| refused(&error))
    });
    bitcode
        .add_files(files.collect::<Result<_>>()?, Transfer::ByPath)
        .map_err(|error| refused(&error))?;
    Ok(bitcode.bundle(&run.arguments, Tier::Auto))
}
