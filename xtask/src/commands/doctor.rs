//! `cargo xtask doctor`: the tools, and how to get what is missing.

use std::process::ExitCode;

use clap::Args;
use comfy_table::{Table, presets};

use bareflow_build::tools::{self, Installation};
use bareflow_image::error::Result;
use bareflow_run::say;

/// List every host tool, its version, what is accepted, and how to install what is missing.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Install missing tools with apt first
    #[arg(long)]
    install_tools: bool,
}

impl DoctorArgs {
    /// Prints the table.
    ///
    /// # Errors
    /// [`Error::MissingTools`] when something is missing.
    pub fn run(self) -> Result<ExitCode> {
        let findings = tools::examine_after(Installation::from_flag(self.install_tools))?;
        let mut table = Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_header(["tool", "found", "accepted", "where"]);
        for finding in &findings {
            let found = match (&finding.path, &finding.version) {
                (None, _) if finding.optional => "missing, optional".to_owned(),
                (None, _) => "missing".to_owned(),
                (Some(_), Some(version)) => version.clone(),
                (Some(_), None) => "yes".to_owned(),
            };
            let place = finding
                .path
                .as_ref()
                .map(|path| path.display().to_string())
                .unwrap_or_default();
            table.add_row([
                finding.name.clone(),
                found,
                finding.accepted.to_owned(),
                place,
            ]);
        }
        say!("{table}");
        let packages = tools::missing_packages(&findings);
        if packages.is_empty() {
            say!("\nEverything that is needed is installed.");
            let optional = tools::optional_packages(&findings);
            if !optional.is_empty() {
                say!("For the rest: {}", tools::install_command(&optional));
            }
            return Ok(ExitCode::SUCCESS);
        }
        Err(tools::missing(&findings).into())
    }
}
