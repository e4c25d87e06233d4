//! `cargo xtask doctor`: the tools, and how to get what is missing.

use std::process::ExitCode;

use clap::Args;
use comfy_table::{Table, presets};
use serde::Serialize;

use bareflow_build::installation::OsRelease;
use bareflow_build::tools::{self, Finding, Installation};
use bareflow_image::error::{Error, Result};
use bareflow_run::say;

/// List every host tool, its version, what is accepted, and how to install what is missing.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Install missing tools with apt first
    #[arg(long)]
    install_tools: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    /// This system's name for people.
    system: String,
    /// Every tool.
    tools: &'a [Finding],
    /// Whether everything is there that is needed.
    complete: bool,
    /// The command that installs what is needed and missing.
    install: Option<String>,
    /// The command that installs the rest.
    install_optional: Option<String>,
}

impl<'a> Report<'a> {
    fn of(tools: &'a [Finding]) -> Self {
        let command = |packages: Vec<String>| {
            (!packages.is_empty()).then(|| tools::install_command(&packages))
        };
        Self {
            system: OsRelease::of_this_system().name,
            tools,
            complete: tools::are_complete(tools),
            install: command(tools::missing_packages(tools)),
            install_optional: command(tools::optional_packages(tools)),
        }
    }
}

impl DoctorArgs {
    /// Prints the table.
    ///
    /// # Errors
    /// [`Error::MissingTools`] when something is missing.
    pub fn run(self) -> Result<ExitCode> {
        let findings = tools::examine_after(Installation::from_flag(self.install_tools))?;
        if self.json {
            let report = serde_json::to_string_pretty(&Report::of(&findings));
            say!(
                "{}",
                report.map_err(|error| Error::build(error.to_string()))?
            );
            return if tools::are_complete(&findings) {
                Ok(ExitCode::SUCCESS)
            } else {
                Err(tools::missing(&findings).into())
            };
        }
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
        if tools::are_complete(&findings) {
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
