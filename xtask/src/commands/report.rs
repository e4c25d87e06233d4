//! `cargo xtask report`: what a kernel measured, as a table and as a page with plots.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use bareflow_image::error::{Error, Result, system};
use bareflow_image::outputs::{OutputFile, write_output};
use bareflow_report::profile::{self, RunProfile, page, printable, table, trace};
use bareflow_run::say;

const HTML: &str = "--html";
const TRACE: &str = "--trace";

/// Show a profile: a table here, and with --html a page with plots
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The profile that a kernel wrote
    #[arg(value_name = "PROFILE.json")]
    profile: PathBuf,
    /// Also write one HTML page that needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also write the sizes and counts of all units, to try policies of the tiers on
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

impl ReportArgs {
    /// Writes the page, then prints the table.
    ///
    /// # Errors
    /// [`Error::Usage`] for a file that is no profile; [`Error::System`] for a page that cannot be written.
    pub fn run(self) -> Result<ExitCode> {
        let table = self.draw()?;
        say!("{}", table.trim_end_matches('\n'));
        Ok(ExitCode::SUCCESS)
    }

    /// Writes the page and gives the table.
    fn draw(&self) -> Result<String> {
        if let Some(path) = &self.html {
            OutputFile::new(path, HTML)?.other_than([&self.profile])?;
        }
        if let Some(path) = &self.trace {
            let others = [Some(&self.profile), self.html.as_ref()];
            OutputFile::new(path, TRACE)?.other_than(others.into_iter().flatten())?;
        }
        let profile = read(&self.profile)?;
        if let Some(path) = &self.html {
            let page = page::render(&profile)
                .map_err(io::Error::other)
                .map_err(system("cannot draw the plots"))?;
            write_output(path, HTML, page.as_bytes())?;
            eprintln!("wrote {}", shown(path));
        }
        if let Some(path) = &self.trace {
            write_output(path, TRACE, trace::render(&profile).as_bytes())?;
            eprintln!("wrote {}", shown(path));
        }
        Ok(table::render(&profile))
    }
}

fn read(path: &Path) -> Result<RunProfile> {
    let text = fs::read(path)
        .map_err(|error| Error::usage(format!("cannot read {}: {error}", shown(path))))?;
    profile::parse(&text).map_err(|error| Error::usage(format!("{}: {error}", shown(path))))
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../report/fixtures/profile.json");

    fn report(profile: &Path, html: &Path) -> Result<String> {
        ReportArgs {
            profile: profile.to_owned(),
            html: Some(html.to_owned()),
            trace: None,
        }
        .draw()
    }

    #[test]
    fn the_page_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("profile.json");
        let html = folder.path().join("page.html");
        fs::write(&profile, FIXTURE).unwrap();
        assert!(!report(&profile, &html).unwrap().is_empty());
        let page = fs::read_to_string(&html).unwrap();
        assert!(page.ends_with("</html>"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn bad_profiles_are_usage_errors_and_leave_no_page() {
        let folder = tempfile::tempdir().unwrap();
        let html = folder.path().join("page.html");
        let missing = folder.path().join("missing.json");
        let mut profiles = vec![missing, folder.path().to_owned()];
        for (name, text) in [
            ("empty", String::new()),
            ("text", "no JSON\n".to_owned()),
            ("schema", FIXTURE.replace("\"schema\": 4", "\"schema\": 9")),
            ("short", FIXTURE[..FIXTURE.len() / 2].to_owned()),
            ("field", FIXTURE.replace("heap_bytes", "heap")),
            ("negative", FIXTURE.replace("31457280", "-31457280")),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            profiles.push(path);
        }
        for profile in profiles {
            let error = report(&profile, &html).unwrap_err();
            assert_eq!(error.exit_code(), 105);
            let text = error.to_string();
            assert!(text.contains(&*profile.to_string_lossy()), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(!html.exists());
        }
    }

    #[test]
    fn the_profile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("profile.json");
        fs::write(&profile, FIXTURE).unwrap();
        assert_eq!(report(&profile, &profile).unwrap_err().exit_code(), 105);
        assert_eq!(fs::read_to_string(&profile).unwrap(), FIXTURE);
    }
}
