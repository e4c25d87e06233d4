//! `cargo xtask shrink`: an image with those pages of LLVM only that were used.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::HumanBytes;

use bareflow_image::disk::{ImageFile, Snapshots, shrink};
use bareflow_image::error::Result;
use bareflow_image::outputs::{OutputFile, Replace};
use bareflow_run::say;

/// Make a used-only image: of LLVM it has only those pages that boots of another image have used.
///
/// Program, settings and the FAT16 partition with its snapshots stay. A compilation that needs another page fails, and
/// the function stays in its tier.
#[derive(Args, Debug)]
pub struct ShrinkArgs {
    /// An image of `cargo xtask image` that was booted
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// Leave the snapshots out: the first boot starts without
    #[arg(long)]
    without_snapshots: bool,
    /// Where to write the used-only image
    #[arg(long, value_name = "FILE", default_value = "used.img")]
    out: PathBuf,
    /// Replace the file even if it is a disk with snapshots
    #[arg(long)]
    force: bool,
}

impl ShrinkArgs {
    /// Writes the image and prints its path.
    ///
    /// # Errors
    /// That nothing is known of the image's boots, or whatever kept the new one from being made.
    pub fn run(self) -> Result<ExitCode> {
        OutputFile::new(&self.out, "--out")?
            .other_than([&self.image])?
            .replaces(Replace::from_flag(self.force))?;
        let snapshots = match self.without_snapshots {
            true => Snapshots::Dropped,
            false => Snapshots::Kept,
        };
        let shrunk = shrink(&ImageFile::open(&self.image)?, &self.out, snapshots)?;
        eprintln!(
            "LLVM: {} of {} ({:.1} %)",
            HumanBytes(shrunk.kept_bytes),
            HumanBytes(shrunk.bytes),
            shrunk.kept_bytes as f64 * 100.0 / shrunk.bytes.max(1) as f64
        );
        say!("{}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}
