//! Running a program in a kernel, hosted or in the machine, and saying how it ended.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bareflow_protocol::exit_code;
use bareflow_protocol::report::PROFILE_DESCRIPTOR;
use nix::sys::signal::Signal;
use object::{Object, ObjectSegment};

use crate::qemu::{self, Machine, QemuError, Verdict};
use bareflow_build::process::{
    End, Input, Output, Streams, supervise_with, with_address_space, with_descriptor,
};

/// Why a program could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// QEMU, or a file for it.
    #[error(transparent)]
    Qemu(#[from] QemuError),
    /// The hosted kernel cannot be started.
    #[error("cannot start {kernel}: {source}")]
    Hosted {
        /// The kernel.
        kernel: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A temporary file cannot be written.
    #[error("cannot write a temporary file: {0}; is the disk full?")]
    TemporaryFile(#[from] std::io::Error),
}

/// What runs the program.
#[derive(Clone, Debug)]
pub enum Runner {
    /// The engine as a Linux process.
    Hosted {
        /// Its executable.
        executable: PathBuf,
        /// The program, as a file.
        bundle: PathBuf,
        /// Bound of the address space.
        memory_mib: Option<u32>,
        /// A file with a disk, for snapshots.
        disk: Option<PathBuf>,
    },
    /// The bare machine in QEMU.
    Machine(Machine),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The program's status, or a reserved code.
    pub code: u8,
    /// What the kernel could not say itself, and what to do about it.
    pub note: Option<String>,
}

impl Ending {
    fn noted(code: u8, note: impl Into<String>) -> Self {
        Self {
            code,
            note: Some(note.into()),
        }
    }

    fn timed_out(timeout: Duration) -> Self {
        Self::noted(
            exit_code::TIMEOUT,
            format!(
                "timeout: the program did not end within {} s; `--timeout-s` gives it more time",
                timeout.as_secs()
            ),
        )
    }

    /// Says on stderr what the kernel could not say itself.
    pub fn explain(&self) {
        if let Some(note) = &self.note {
            eprintln!("bareflow: error: {note}");
        }
    }

    /// Of a program whose output cannot be written.
    pub fn without_output(why: ErrorKind) -> Self {
        let code = match why {
            // As on Unix, there is nobody to tell.
            ErrorKind::BrokenPipe => {
                return Self {
                    code: exit_code::BROKEN_PIPE,
                    note: None,
                };
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                exit_code::DISK_FULL
            }
            _ => exit_code::OUTPUT_LOST,
        };
        Self::noted(code, format!("cannot write standard output: {why}"))
    }
}

impl Runner {
    /// Runs to the end, without input. The program's output goes to `output`, everything else to `log`; the profile
    /// that the kernel writes, if it does, goes to the file `profile`.
    ///
    /// # Errors
    /// [`LaunchError`] if it could not even start.
    pub fn run(
        &self,
        timeout: Duration,
        output: impl Write + Send,
        log: impl Write + Send,
        profile: Option<&Path>,
    ) -> Result<Ending, LaunchError> {
        let streams = Streams {
            input: Input::Empty,
            output: Output::To(output),
            errors: Output::To(log),
        };
        self.run_with(timeout, streams, profile)
    }

    /// As [`Runner::run`], with these streams.
    ///
    /// # Errors
    /// [`LaunchError`] if it could not even start.
    pub fn run_with<O: Write + Send, E: Write + Send>(
        &self,
        timeout: Duration,
        streams: Streams<O, E>,
        profile: Option<&Path>,
    ) -> Result<Ending, LaunchError> {
        if let Some(ending) = self.lacks_memory() {
            return Ok(ending);
        }
        match self {
            Self::Hosted {
                executable,
                bundle,
                memory_mib,
                disk,
            } => {
                let files: Vec<&Path> = [Some(bundle), disk.as_ref()]
                    .into_iter()
                    .flatten()
                    .map(PathBuf::as_path)
                    .collect();
                let mut command = hosted_command(executable, &files, *memory_mib, profile)?;
                let end = supervise_with(&mut command, timeout, streams).map_err(|source| {
                    LaunchError::Hosted {
                        kernel: executable.clone(),
                        source,
                    }
                })?;
                Ok(hosted_ending(end, timeout))
            }
            Self::Machine(machine) => {
                let (verdict, report) = qemu::boot_with(machine, timeout, streams)?;
                if let (Some(path), Some(text)) = (profile, report.profile) {
                    fs::write(path, text)?;
                }
                Ok(machine_ending(verdict, timeout))
            }
        }
    }
}

/// The least that a machine of a BIOS starts with.
const SMALLEST_MACHINE_MIB: u32 = 4;

impl Runner {
    /// Says so if the kernel cannot even begin.
    fn lacks_memory(&self) -> Option<Ending> {
        let (memory_mib, needed_mib) = match self {
            Self::Hosted {
                executable,
                memory_mib,
                ..
            } => ((*memory_mib)?, image_size_mib(executable)?),
            Self::Machine(machine) => (machine.memory_mib, SMALLEST_MACHINE_MIB),
        };
        (memory_mib < needed_mib).then(|| {
            Ending::noted(
                exit_code::OUT_OF_MEMORY,
                format!(
                    "--memory-mib {memory_mib} is too little: the kernel does not start with less than {needed_mib}"
                ),
            )
        })
    }
}

/// How much memory Linux needs to start an executable. `None` if it is none: then starting it says so.
fn image_size_mib(executable: &Path) -> Option<u32> {
    /// The stack that arguments are on, and what Linux adds.
    const SURROUNDINGS_MIB: u32 = 1;
    let data = fs::read(executable).ok()?;
    let file = object::File::parse(&*data).ok()?;
    let size_bytes: u64 = file.segments().map(|segment| segment.size()).sum();
    let size_mib = u32::try_from(size_bytes.div_ceil(1 << 20)).ok()?;
    Some(size_mib + SURROUNDINGS_MIB)
}

fn hosted_command(
    executable: &Path,
    files: &[&Path],
    memory_mib: Option<u32>,
    profile: Option<&Path>,
) -> io::Result<Command> {
    let mut command = Command::new(executable);
    command.args(files);
    if let Some(limit_mib) = memory_mib {
        with_address_space(&mut command, u64::from(limit_mib) << 20);
    }
    if let Some(path) = profile {
        with_descriptor(&mut command, File::create(path)?, PROFILE_DESCRIPTOR);
    }
    Ok(command)
}

fn hosted_ending(end: End, timeout: Duration) -> Ending {
    let status = match end {
        End::Exited(status) => status,
        End::TimedOut => return Ending::timed_out(timeout),
        End::OutputLost(why) => return Ending::without_output(why),
    };
    match status.code() {
        // Linux has no statuses above 255.
        Some(code) => Ending {
            code: u8::try_from(code).unwrap_or(u8::MAX),
            note: None,
        },
        None if status.signal() == Some(Signal::SIGPIPE as i32) => {
            Ending::without_output(ErrorKind::BrokenPipe)
        }
        None => Ending::noted(
            exit_code::GUEST_FAULT,
            format!(
                "the hosted kernel was killed by signal {}",
                status.signal().unwrap_or(0)
            ),
        ),
    }
}

fn machine_ending(verdict: Verdict, timeout: Duration) -> Ending {
    match verdict {
        Verdict::Ended(code) => Ending { code, note: None },
        Verdict::TimedOut => Ending::timed_out(timeout),
        Verdict::OutputLost(why) => Ending::without_output(why),
        Verdict::Reset => Ending::noted(exit_code::GUEST_FAULT, verdict.to_string()),
        Verdict::NoReport => Ending::noted(exit_code::INTERNAL, verdict.to_string()),
        Verdict::QemuFailed(_) | Verdict::QemuKilled(_) => {
            Ending::noted(exit_code::BOOT_FAILURE, verdict.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::sink;

    fn hosted(executable: &str, bundle: &str) -> Runner {
        Runner::Hosted {
            executable: executable.into(),
            bundle: bundle.into(),
            memory_mib: None,
            disk: None,
        }
    }

    #[test]
    fn the_status_of_the_process_is_the_programs() {
        let ending = hosted("true", "x")
            .run(Duration::from_secs(10), sink(), sink(), None)
            .unwrap();
        assert_eq!(
            ending,
            Ending {
                code: 0,
                note: None
            }
        );
    }

    #[test]
    fn a_timeout_says_how_to_get_more_time() {
        let ending = hosted("sleep", "60")
            .run(Duration::from_millis(200), sink(), sink(), None)
            .unwrap();
        assert_eq!(ending.code, exit_code::TIMEOUT);
        assert!(ending.note.unwrap().contains("--timeout-s"));
    }

    #[test]
    fn a_signal_is_not_a_status() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("dies");
        fs::write(&script, "kill -SEGV $$\n").unwrap();
        let ending = hosted("sh", script.to_str().unwrap())
            .run(Duration::from_secs(10), sink(), sink(), None)
            .unwrap();
        assert_eq!(ending.code, exit_code::GUEST_FAULT);
        assert!(ending.note.unwrap().contains("signal 11"));
    }

    #[test]
    fn verdicts_of_the_machine_have_different_codes() {
        let code = |verdict| machine_ending(verdict, Duration::ZERO).code;
        assert_eq!(code(Verdict::Ended(7)), 7);
        assert_eq!(code(Verdict::TimedOut), 113);
        assert_eq!(code(Verdict::Reset), 111);
        assert_eq!(code(Verdict::QemuFailed(1)), 115);
        assert_eq!(code(Verdict::NoReport), 116);
        assert_eq!(code(Verdict::OutputLost(ErrorKind::BrokenPipe)), 141);
        assert_eq!(code(Verdict::OutputLost(ErrorKind::StorageFull)), 102);
        assert_eq!(code(Verdict::OutputLost(ErrorKind::Other)), 106);
    }
}
