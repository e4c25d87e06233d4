//! Running tools: the command is echoed, its output goes to a log, a failure names both.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nix::sys::signal::Signal;

use xshell::{Cmd, Shell};

use crate::error::{Error, Result, says_full, system};
use crate::process::dies_with_us;

/// A shell in the folder of this process: its errors name the file or the command.
///
/// # Errors
/// That the folder is not there any more.
pub fn shell() -> xshell::Result<Shell> {
    Shell::new()
}

/// The command as one would type it.
pub fn display(command: &Command) -> String {
    let mut line = String::new();
    for word in std::iter::once(command.get_program()).chain(command.get_args()) {
        let word = word.to_string_lossy();
        let separator = if line.is_empty() { "" } else { " " };
        if word.contains([' ', '"', '$', '\'', '>', '&', ';']) {
            let _ = write!(line, "{separator}'{}'", word.replace('\'', "'\\''"));
        } else {
            let _ = write!(line, "{separator}{word}");
        }
    }
    line
}

/// The standard output of a command, as text; `None` when it cannot be run or fails.
pub fn output_of(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A log file of one step.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// Starts the log anew.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn start(path: PathBuf) -> Result<Self> {
        shell()?.write_file(&path, "")?;
        Ok(Self { path })
    }

    fn append(&self) -> Result<File> {
        OpenOptions::new()
            .append(true)
            .open(&self.path)
            .map_err(system(format!("cannot write {}", self.path.display())))
    }

    /// Runs a command with its output in the log.
    ///
    /// # Errors
    /// [`Error::Build`] with the last lines of the log; [`Error::DiskFull`] when they say so.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        let line = display(command);
        eprintln!("$ {}", shortened(&line));
        let mut log = self.append()?;
        writeln!(log, "$ {line}").map_err(system("cannot write the log"))?;
        let status = dies_with_us(command, Signal::SIGTERM)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .map_err(system(format!(
                "cannot run {}",
                command.get_program().to_string_lossy()
            )))?;
        if status.success() {
            Ok(())
        } else {
            Err(self.failure(&line))
        }
    }

    /// The same of a shell's command.
    ///
    /// # Errors
    /// As [`Log::run`].
    pub fn run_cmd(&self, command: Cmd) -> Result<()> {
        self.run(&mut command.into())
    }

    /// Runs ninja with a progress bar; on a stream that is no terminal, a line now and then.
    ///
    /// # Errors
    /// As [`Log::run`].
    pub fn run_ninja(&self, title: &str, command: &mut Command) -> Result<()> {
        let line = display(command);
        eprintln!("$ {}", shortened(&line));
        let mut log = self.append()?;
        writeln!(log, "$ {line}").map_err(system("cannot write the log"))?;
        let mut child = dies_with_us(command, Signal::SIGTERM)
            .env_remove("NINJA_STATUS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .spawn()
            .map_err(system("cannot run ninja"))?;
        let mut progress = Progress::new(title);
        let output = child.stdout.take().expect("the output is piped");
        for text in BufReader::new(output).split(b'\n') {
            let text = text?;
            log.write_all(&text)?;
            log.write_all(b"\n")?;
            if let Some((done, total)) = ninja_status(&String::from_utf8_lossy(&text)) {
                progress.update(done, total);
            }
        }
        let status = child.wait()?;
        progress.finish();
        if status.success() {
            Ok(())
        } else {
            Err(self.failure(&line))
        }
    }

    fn failure(&self, line: &str) -> Error {
        let text = fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        if says_full(&text) {
            return Error::DiskFull {
                folder: self.path.clone(),
                details: "a tool found no space left".to_owned(),
            };
        }
        let lines: Vec<&str> = text.lines().collect();
        let from = lines
            .iter()
            .position(|line| {
                // Not the command itself, which may name a flag with this word.
                !line.starts_with("$ ")
                    && (line.starts_with("FAILED: ")
                        || line.contains("error:")
                        || line.contains("CMake Error"))
            })
            .unwrap_or(lines.len().saturating_sub(12));
        let excerpt: Vec<String> = lines[from..]
            .iter()
            .take(12)
            .map(|line| format!("    {}", shortened(line)))
            .collect();
        Error::Build(format!(
            "a build step failed; the command was\n  {}\nthe log is {}:\n{}",
            shortened(line),
            self.path.display(),
            excerpt.join("\n")
        ))
    }
}

/// A line that fits a few lines of a terminal; the log has it whole.
fn shortened(line: &str) -> String {
    const LIMIT: usize = 300;
    match line.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line.to_owned(),
    }
}

/// Steps done and steps in all, from ninja's `[done/total]`.
fn ninja_status(line: &str) -> Option<(u64, u64)> {
    let (done, rest) = line.strip_prefix('[')?.split_once('/')?;
    let (total, _) = rest.split_once(']')?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

/// How far a step is, on stderr.
#[derive(Debug)]
pub struct Progress {
    title: String,
    bar: ProgressBar,
    started: Instant,
    told: Instant,
    plain: bool,
}

const PLAIN_INTERVAL: Duration = Duration::from_secs(20);

impl Progress {
    /// Of a step with this title.
    pub fn new(title: &str) -> Self {
        let plain = !stderr().is_terminal();
        let bar = if plain {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        bar.set_style(
            ProgressStyle::with_template(
                "{prefix:>14} [{bar:40}] {pos}/{len} {elapsed} (remaining {eta})",
            )
            .expect("the template is well formed")
            .progress_chars("=> "),
        );
        bar.set_prefix(title.to_owned());
        Self {
            title: title.to_owned(),
            bar,
            started: Instant::now(),
            told: Instant::now(),
            plain,
        }
    }

    /// `done` of `total` units are done.
    pub fn update(&mut self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        if self.plain && self.told.elapsed() >= PLAIN_INTERVAL {
            self.told = Instant::now();
            let elapsed = self.started.elapsed();
            let remaining = elapsed.mul_f64((total - done.min(total)) as f64 / done.max(1) as f64);
            eprintln!(
                "{}: {done}/{total}, {} s elapsed, about {} s remaining",
                self.title,
                elapsed.as_secs(),
                remaining.as_secs()
            );
        }
    }

    /// The step is done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
        eprintln!(
            "{}: done in {:.1} s",
            self.title,
            self.started.elapsed().as_secs_f64()
        );
    }
}

/// Writes a file so that it is whole or not there.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    shell()?.create_dir(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .map_err(system(format!("cannot write in {}", folder.display())))?;
    file.write_all(bytes)
        .map_err(system(format!("cannot write {}", path.display())))?;
    file.persist(path)
        .map_err(|error| system(format!("cannot write {}", path.display()))(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninja_lines_are_read() {
        assert_eq!(
            ninja_status("[12/1838] Building CXX object a.o"),
            Some((12, 1838))
        );
        assert_eq!(ninja_status("ninja: no work to do."), None);
        assert_eq!(ninja_status("[x/3] a"), None);
    }

    #[test]
    fn a_failing_command_names_its_log_and_shows_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::start(folder.path().join("step.log")).unwrap();
        let error = log
            .run(Command::new("sh").args(["-c", "echo fine; echo 'a.c:1: error: no' >&2; exit 3"]))
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("step.log") && text.contains("a.c:1: error: no"),
            "{text}"
        );
        assert!(!text.contains("\n    fine"), "{text}");
        assert_eq!(error.exit_code(), 100);
    }

    #[test]
    fn a_full_disk_is_recognised_in_a_tools_output() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::start(folder.path().join("step.log")).unwrap();
        let error = log
            .run(
                Command::new("sh")
                    .args(["-c", "echo 'cc: error: No space left on device'; exit 1"]),
            )
            .unwrap_err();
        assert_eq!(error.exit_code(), 102);
    }
}
