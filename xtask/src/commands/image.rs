//! `cargo xtask image`: a disk image that boots into a program.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bareflow_bundle::{Builder, Bundle, INPUT, INPUT_FILE};
use bareflow_run::say;
use bareflow_snapshot::{BASELINE, levels};
use bareflow_tier_policy::{LEVELS, Level};
use clap::{ArgGroup, Args};

use super::guest::{Guest, RunRequests, open_input};
use super::training::TrainingArgs;
use bareflow_build::kernel::{JitGenerator, KernelKind};
use bareflow_image::disk::{DEFAULT_SIZE_BYTES, ImageOptions, ImageSize, Storage};
use bareflow_image::error::{Error, Result, system};
use bareflow_image::export::{self, DEFAULT_PROMOTION, JitProgram};
use bareflow_image::outputs::{OutputFile, Replace};
use bareflow_image::training::Training;

/// The arguments for which code is made with the image.
const AHEAD: &str = "ahead";

/// Make a disk image: boot stages, the kernel with LLVM, the program, and a FAT16 partition.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new(AHEAD).args(["train", "precompile"]).multiple(true)))]
pub struct ImageArgs {
    /// Size of the image, such as 545M or 1G; the file is sparse [default: 545M; with --generator as small as possible]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    size: Option<u64>,
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "bareflow.img")]
    out: PathBuf,
    /// Replace the file even if it is a disk with snapshots
    #[arg(long)]
    force: bool,
    /// Compress LLVM in the image, which makes it half as large; a machine needs a virtio or ATA disk then
    #[arg(long)]
    compress: bool,
    /// What the program reads from its standard input: the image carries it
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    #[command(flatten)]
    train: TrainingArgs,
    /// Compile everything that the program may call at this level while the image is made
    #[arg(long, value_name = "LEVEL", value_parser = parse_level)]
    precompile: Option<Level>,
    /// The processor that --train and --precompile make code for: a machine without what this level has starts without
    /// that code [default: x86-64]
    #[arg(long, value_name = "LEVEL", value_parser = levels().collect::<Vec<_>>(), requires = AHEAD)]
    cpu: Option<String>,
    /// A kernel without LLVM: this code generator compiles the program while it runs. The program is translated into the
    /// generator's form while the image is made
    #[arg(long, value_enum, conflicts_with_all = [AHEAD, "tier", "levels", "settings", "secret", "llvm", "stdin", "compress"])]
    generator: Option<JitGenerator>,
    /// How many calls of a function, and rounds of its loops, there are before the generator's optimiser compiles it
    /// [default: 10000]
    #[arg(long, value_name = "N", requires = "generator", value_parser = clap::value_parser!(u32).range(..=i64::from(i32::MAX)))]
    promotion: Option<u32>,
    #[command(flatten)]
    guest: Guest,
}

impl ImageArgs {
    /// Writes the image and prints its path.
    ///
    /// # Errors
    /// Whatever kept it from being made.
    pub fn run(self) -> Result<ExitCode> {
        let training = self.training();
        if let Some(level) = self.precompile
            && !self.guest.levels()?.contains(level)
        {
            let name = level.name();
            let text =
                format!("--precompile {name}: the program has no code of {name} (see --levels)");
            return Err(Error::usage(text));
        }
        let inputs = self.guest.inputs()?.into_iter().chain(self.stdin.clone());
        let inputs = inputs.chain(self.train.inputs());
        OutputFile::new(&self.out, "--out")?
            .other_than(inputs)?
            .replaces(Replace::from_flag(self.force))?;
        if let Some(generator) = self.generator {
            if self.promotion.is_some() && !generator.has_tiers() {
                let name = generator.name();
                return Err(Error::usage(format!(
                    "--promotion: {name} compiles each function once"
                )));
            }
            return self.run_without_llvm(generator);
        }
        let input = self.stdin.as_deref().map(input_entry).transpose()?;
        let (context, mut bundle) = self.guest.prepare(RunRequests::default())?;
        if let Some((name, contents)) = input {
            let mut builder = Builder::of(&bundle).expect("it was just built");
            builder.add(name, &contents);
            bundle = builder.finish();
        }
        let builder = self.guest.kernel_builder(&context)?;
        let kernel = builder.build(KernelKind::Machine, self.guest.llvm)?;
        let snapshot = match training.is_empty() {
            true => None,
            false => {
                let hosted = builder.build(KernelKind::Hosted, self.guest.llvm)?;
                Some(training.run(&bundle, &hosted, &kernel)?)
            }
        };
        let options = ImageOptions {
            llvm: storage(self.compress),
            snapshot: snapshot.as_deref(),
            ..self.size.unwrap_or(DEFAULT_SIZE_BYTES).into()
        };
        context.write_image(&kernel, &bundle, options, &self.out)?;
        say!("{}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }

    fn run_without_llvm(&self, generator: JitGenerator) -> Result<ExitCode> {
        let (context, bundle) = self.guest.prepare(RunRequests::default())?;
        let bundle = Bundle::open(&bundle).expect("it was just built");
        let kernel = context.exported_kernel(&self.out);
        let program = JitProgram {
            bundle: &bundle,
            generator,
            promotion: self.promotion.unwrap_or(DEFAULT_PROMOTION),
            is_hosted: false,
        };
        let translated = export::build_jit_kernel(&context, &program, &kernel)?;
        let size = self.size.map_or(ImageSize::Smallest, ImageSize::Bytes);
        context.write_image(&kernel, &export::without_modules(&bundle), size, &self.out)?;
        eprintln!("{translated}");
        say!("{}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}

impl ImageArgs {
    fn training(&self) -> Training {
        Training {
            runs: self.train.runs(self.stdin.as_deref()),
            precompile: self.precompile,
            processor: self.cpu.clone().unwrap_or_else(|| BASELINE.to_owned()),
        }
    }
}

/// How LLVM is stored, with `--compress` or without it.
pub fn storage(compress: bool) -> Storage {
    match compress {
        true => Storage::Compressed,
        false => Storage::Plain,
    }
}

fn parse_level(name: &str) -> std::result::Result<Level, String> {
    let names = LEVELS.map(Level::name).join(", ");
    Level::from_name(name).ok_or_else(|| format!("the levels are {names}"))
}

/// What the program is to read, as an entry of its bundle: a file by its path, and what a device or a pipe has.
fn input_entry(path: &Path) -> Result<(&'static str, Vec<u8>)> {
    let what = || format!("cannot read {}", path.display());
    let mut file = open_input(path)?;
    if file.metadata().map_err(system(what()))?.is_file() {
        let path = std::path::absolute(path).map_err(system(what()))?;
        return Ok((INPUT_FILE, path.into_os_string().into_encoded_bytes()));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(system(what()))?;
    Ok((INPUT, bytes))
}

/// Bytes from a number with an optional K, M or G (powers of 1024).
pub fn parse_size(text: &str) -> std::result::Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("{text} is no size; write for example 545M"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: ImageArgs,
    }

    #[test]
    fn a_processor_is_named_for_code_that_is_made() {
        let cpu = |more: &[&str]| {
            let line = ["image", "a.c", "--cpu", "x86-64-v2"].iter().chain(more);
            Line::try_parse_from(line).map(|line| line.arguments.training().processor)
        };
        assert!(cpu(&[]).is_err());
        for more in [
            &["--train", ""][..],
            &["--precompile", "O1"],
            &["--train", "", "--precompile", "O1"],
        ] {
            assert_eq!(cpu(more).unwrap(), "x86-64-v2");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("545M"), Ok(DEFAULT_SIZE_BYTES));
        assert_eq!(parse_size("1g"), Ok(1 << 30));
        assert_eq!(parse_size("4096"), Ok(4096));
        for bad in ["", "M", "-1M", "1.5G", "99999999999G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
