//! `cargo xtask converge`: boots a program again and again, and shows how it converges to native code.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::guest::{Guest, RunRequests};
use bareflow_build::kernel::KernelKind;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::disk::{DEFAULT_SIZE_BYTES, ImageSize};
use bareflow_image::error::{Error, Result, system};
use bareflow_image::outputs::{OutputFile, write_output};
use bareflow_report::converge::{self, Subject, page, table};
use bareflow_run::say;

/// Boot a program again and again from one image, and show how it converges to native code
///
/// Every boot is made twice, once with its instructions counted. Afterwards the used-only image and the final image
/// are made and booted, too.
#[derive(Args, Debug)]
pub struct ConvergeArgs {
    /// How many boots
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    boots: u64,
    /// RAM of the machine
    #[arg(long, value_name = "N", default_value_t = 256)]
    memory_mib: u32,
    /// Where to write the page with plots
    #[arg(long, value_name = "FILE", default_value = "converge.html")]
    html: PathBuf,
    /// Where to write the figures
    #[arg(long, value_name = "FILE", default_value = "converge.json")]
    json: PathBuf,
    #[command(flatten)]
    guest: Guest,
}

impl ConvergeArgs {
    /// Measures, writes both files and prints the tables.
    ///
    /// # Errors
    /// Whatever kept the program from being booted.
    pub fn run(self) -> Result<ExitCode> {
        let inputs = self.guest.inputs()?;
        for (path, option) in [(&self.json, "--json"), (&self.html, "--html")] {
            OutputFile::new(path, option)?.other_than(&inputs)?;
        }
        let (context, bundle) = self.guest.prepare(RunRequests {
            profile: true,
            snapshot: false,
            ..RunRequests::default()
        })?;
        let kernel = context
            .kernel_builder()
            .build(KernelKind::Machine, self.guest.llvm)?;
        let folder = TemporaryFolder::new("converge")?;
        let image = folder.path().join("disk.img");
        let size = ImageSize::AtLeast(DEFAULT_SIZE_BYTES);
        context.write_image(&kernel, &bundle, size, &image)?;
        let subject = Subject {
            context: &context,
            image: &image,
            used_image: folder.path().join("used.img"),
            native_image: folder.path().join("native.img"),
            program: self.guest.name(),
            memory_mib: self.memory_mib,
            boots: self.boots,
        };
        let found = converge::measure(&subject, |boot| eprintln!("{}", table::line(boot)))?;
        let json = serde_json::to_vec_pretty(&found)
            .map_err(|error| Error::build(format!("cannot write the figures: {error}")))?;
        write_output(&self.json, "--json", &json)?;
        let page = page::render(&found)
            .map_err(io::Error::other)
            .map_err(system("cannot draw the plots"))?;
        write_output(&self.html, "--html", page.as_bytes())?;
        say!("{}", table::boots(&found));
        for (what, figures) in table::used_only(&found.used_only) {
            say!("{what}: {figures}");
        }
        for line in table::verdicts(&found) {
            say!("{line}");
        }
        eprintln!("wrote {} and {}", self.html.display(), self.json.display());
        Ok(ExitCode::SUCCESS)
    }
}
