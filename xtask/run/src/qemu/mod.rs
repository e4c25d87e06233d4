//! Booting the machine in QEMU and judging what came of it.
//!
//! The machine has three serial ports: the first is the log (with the program's stderr), the second
//! reports how the run ended, the third carries the program's output and nothing else. Beside them it has fast
//! ports, by virtio, for the program's output, errors and input, which the kernel prefers. A verdict needs
//! both the report and the exit code that the debug-exit device gives; a run that is missing either is
//! not a success.

mod command;
mod input;
#[cfg(test)]
mod tests;
mod trace;
mod verdict;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use input::QemuInput;

use bareflow_build::process::{Input, Output, Streams, supervise_with};
use bareflow_build::temporary::TemporaryFolder;

pub use command::{
    Boot, Console, DEFAULT_MEMORY_MIB, Drive, Interface, Machine, Processors, ReadError, Writes,
};
pub use trace::trace;
pub use verdict::{Report, Verdict};

/// Why QEMU could not be run.
#[derive(Debug, thiserror::Error)]
pub enum QemuError {
    /// It cannot be started.
    #[error("cannot start {program}: {source}; `cargo xtask doctor` says how to install it")]
    NotStarted {
        /// The emulator.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A temporary file cannot be used.
    #[error("cannot use a temporary file: {0}; is the disk full?")]
    TemporaryFile(#[from] io::Error),
}

/// Boots `machine` without input; the program's output goes to `output`, everything else to `log`.
///
/// # Errors
/// [`QemuError`]; what happens in the machine is in the verdict, with the rest of the machine's report.
pub fn boot(
    machine: &Machine,
    timeout: Duration,
    output: impl Write + Send,
    log: impl Write + Send,
) -> Result<(Verdict, Report), QemuError> {
    let streams = Streams {
        input: Input::Empty,
        output: Output::To(output),
        errors: Output::To(log),
    };
    boot_with(machine, timeout, streams)
}

/// As [`boot`], with these streams.
///
/// # Errors
/// As of [`boot`].
pub fn boot_with<O: Write + Send, E: Write + Send>(
    machine: &Machine,
    timeout: Duration,
    streams: Streams<O, E>,
) -> Result<(Verdict, Report), QemuError> {
    boot_with_words(machine, &[], timeout, streams)
}

/// As [`boot_with`], with more arguments of QEMU.
///
/// # Errors
/// As of [`boot`].
pub fn boot_with_words<O: Write + Send, E: Write + Send>(
    machine: &Machine,
    words: &[OsString],
    timeout: Duration,
    streams: Streams<O, E>,
) -> Result<(Verdict, Report), QemuError> {
    let folder = TemporaryFolder::new("qemu")?;
    run(machine, folder.path(), words, timeout, streams)
}

/// Boots `machine` with more arguments of QEMU; files that it needs go to `folder`.
fn run<O: Write + Send, E: Write + Send>(
    machine: &Machine,
    folder: &Path,
    arguments: &[OsString],
    timeout: Duration,
    streams: Streams<O, E>,
) -> Result<(Verdict, Report), QemuError> {
    let report = folder.join("report");
    fs::write(&report, "")?;
    let (_restored, input) = QemuInput::of(streams.input)?;
    let streams = Streams { input, ..streams };
    let mut command = machine.command(folder, &report)?;
    command.args(arguments);
    let end =
        supervise_with(&mut command, timeout, streams).map_err(|source| QemuError::NotStarted {
            program: machine.qemu.clone(),
            source,
        })?;
    let report = fs::read(&report)?;
    let report = String::from_utf8_lossy(&report);
    Ok((Verdict::of(end, &report), Report::of(&report)))
}
