//! `cargo xtask fuzz`: the readers of disks and snapshots on made-up input.

use std::process::ExitCode;

use clap::Args;
use comfy_table::{Table, presets};

use bareflow_build::fuzz::{Fuzzer, Target};
use bareflow_build::paths;
use bareflow_build::tools::Installation;
use bareflow_image::error::Result;
use bareflow_run::say;

/// Run the readers of partition tables, volumes and snapshots on made-up input, under libFuzzer.
#[derive(Args, Debug)]
pub struct FuzzArgs {
    /// Install cargo-fuzz first if it is missing
    #[arg(long)]
    install_tools: bool,
    /// How many inputs each target gets
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    runs: u64,
    /// Only this target
    target: Option<Target>,
}

impl FuzzArgs {
    /// Runs the targets one after the other; fails if one of them has found something.
    ///
    /// # Errors
    /// Whatever kept them from being run.
    pub fn run(self) -> Result<ExitCode> {
        let fuzzer = Fuzzer::prepare(
            &paths::repository(),
            Installation::from_flag(self.install_tools),
        )?;
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header([
            "target",
            "executions",
            "seconds",
            "edges",
            "features",
            "findings",
        ]);
        let mut findings = Vec::new();
        for target in self.target.map_or(Target::ALL.to_vec(), |one| vec![one]) {
            let report = fuzzer.run(target, self.runs)?;
            table.add_row([
                target.name().to_owned(),
                report.executions.to_string(),
                report.elapsed.as_secs().to_string(),
                report.edges.to_string(),
                report.features.to_string(),
                report.findings.len().to_string(),
            ]);
            findings.extend(report.findings.into_iter().map(|path| (target, path)));
        }
        say!("{table}");
        for (target, path) in &findings {
            say!("\n{} fails; to repeat it:", target.name());
            say!("  {}", fuzzer.repeat_command(*target, path));
        }
        Ok(if findings.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
