//! `cargo xtask export`: the final image of a program, native code without LLVM.

use std::path::PathBuf;
use std::process::ExitCode;

use bareflow_bundle::Bundle;
use bareflow_run::say;
use clap::Args;

use super::files::FileArgs;
use super::image::parse_size;
use super::program::ProgramArgs;
use super::training::TrainingArgs;
use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::tools::Installation;
use bareflow_image::context::Context;
use bareflow_image::disk::{ImageFile, ImageSize};
use bareflow_image::error::{Error, Result};
use bareflow_image::export::{self, Guidance};
use bareflow_image::outputs::{OutputFile, Replace};
use bareflow_image::program::{Tier, Transfer};
use bareflow_image::training::control_flow;

/// Make the final image of a program: whole-program native code with a kernel without LLVM.
///
/// The program comes from its files, or from the image that `--from` names; what was learnt of it comes from the
/// newest snapshot in that image.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// An image of `cargo xtask image` that has run: its snapshots, and its program if no files are named
    #[arg(long, value_name = "IMAGE")]
    from: Option<PathBuf>,
    /// The processor, as clang's -march calls it [default: that of the snapshot, else x86-64]
    #[arg(long, value_name = "CPU")]
    cpu: Option<String>,
    /// Size of the image, such as 16M, with a FAT16 partition [default: as small as possible, without one]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    size: Option<u64>,
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "native.img")]
    out: PathBuf,
    /// Replace the file even if it is a disk with snapshots
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    train: TrainingArgs,
    /// Install missing tools with apt first
    #[arg(long)]
    install_tools: bool,
    #[command(flatten)]
    program: ProgramArgs,
    #[command(flatten)]
    files: FileArgs,
    /// Arguments of the program, instead of those in the image
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

impl ExportArgs {
    /// Writes the image and prints its path.
    ///
    /// # Errors
    /// Whatever kept it from being made.
    pub fn run(self) -> Result<ExitCode> {
        let image = match &self.from {
            Some(path) => Some(ImageFile::open(path)?),
            None if self.program.is_empty() => {
                return Err(Error::usage(
                    "no program was named; name its files, or an image with --from IMAGE",
                ));
            }
            None => None,
        };
        let inputs = self.from.iter().cloned().chain(self.program.inputs()?);
        let inputs = inputs.chain(self.train.inputs());
        OutputFile::new(&self.out, "--out")?
            .other_than(inputs.chain(self.files.inputs()?))?
            .replaces(Replace::from_flag(self.force))?;
        let learnt = match self.train.is_empty() {
            true => image.as_ref().map(learnt).transpose()?.flatten(),
            false => None,
        };
        let context = Context::prepare(Installation::from_flag(self.install_tools))?;
        let bytes = self.bundle(&context, image.as_ref())?;
        let bundle = Bundle::open(&bytes).expect("the bundle was made or checked here");
        let guidance = self.guidance(&context, &bytes, learnt)?;
        let kernel = context.exported_kernel(&self.out);
        let guided_functions = export::build_kernel(
            &context,
            &bundle,
            guidance.as_ref(),
            self.cpu.as_deref(),
            KernelKind::Native,
            &kernel,
        )?;
        let size = self.size.map_or(ImageSize::Smallest, ImageSize::Bytes);
        context.write_image(&kernel, &export::without_modules(&bundle), size, &self.out)?;
        if let Some(guidance) = &guidance {
            eprintln!("profile: {guidance}; used for {guided_functions} functions");
        }
        say!("{}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }

    /// What training or an image's snapshots know of the program.
    fn guidance(
        &self,
        context: &Context,
        bytes: &[u8],
        learnt: Option<Guidance>,
    ) -> Result<Option<Guidance>> {
        if learnt.is_none() && self.train.is_empty() {
            return Ok(None);
        }
        let bundle = Bundle::open(bytes).expect("the bundle was made or checked here");
        let builder = context.kernel_builder();
        let hosted = || builder.build(KernelKind::Hosted, LlvmExtent::Full);
        let mut guidance = match learnt {
            None => {
                let runs = self.train.runs(None);
                Guidance::of_training(&runs.counts(bytes, &hosted()?)?)
            }
            Some(learnt) if learnt.is_of(&bundle) => learnt,
            Some(_) => {
                eprintln!(
                    "bareflow: note: the snapshots are of another program, which is exported without a profile"
                );
                return Ok(None);
            }
        };
        let timeout = self.train.timeout();
        guidance.take(control_flow(
            bytes,
            guidance.snapshot(),
            &hosted()?,
            timeout,
        )?);
        Ok(Some(guidance))
    }

    fn bundle(&self, context: &Context, image: Option<&ImageFile>) -> Result<Vec<u8>> {
        if !self.program.is_empty() {
            let project = self.program.project()?;
            let files = self.files.files(&project.files)?;
            let mut program = project.build(context)?;
            program.add_files(files, Transfer::ByPath)?;
            let arguments = if self.arguments.is_empty() {
                &project.arguments
            } else {
                &self.arguments
            };
            return Ok(program.bundle(arguments, Tier::Auto));
        }
        let image = image.expect("without files there is an image");
        let bytes = export::bundle_of(image)?;
        if self.arguments.is_empty() {
            return Ok(bytes);
        }
        let bundle = Bundle::open(&bytes).expect("the bundle was checked when it was read");
        Ok(export::with_arguments(&bundle, &self.arguments))
    }
}

/// What the snapshots of an image know.
fn learnt(image: &ImageFile) -> Result<Option<Guidance>> {
    let guidance = Guidance::of_image(image)?;
    if guidance.is_none() {
        eprintln!(
            "bareflow: note: {} has no snapshot: the program is exported without a profile",
            image.path.display()
        );
    }
    Ok(guidance)
}
