//! What came of a boot.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;

use crate::supervise::End;

/// The exit status of QEMU after the guest has written 0x10 to the debug-exit port: 0x10 * 2 + 1.
const DEBUG_EXIT_STATUS: i32 = 33;
/// Starts the line on the second serial port that says how the run ended.
const REPORT: &str = "BAREFLOW-EXIT ";

/// Starts the line with the machine's counters.
const COUNTERS: &str = "BAREFLOW-COUNTERS ";

/// Starts the line with the profile.
const PROFILE: &str = "BAREFLOW-PROFILE ";

/// What the machine reports beside how the run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What it counted.
    pub counters: Option<Counters>,
    /// The profile, if one was asked for.
    pub profile: Option<String>,
}

impl Report {
    /// Of what came over the second serial port.
    pub fn of(report: &str) -> Self {
        let profile = report.lines().find_map(|line| line.strip_prefix(PROFILE));
        Self {
            counters: Counters::of(report),
            profile: profile.map(str::to_owned),
        }
    }
}

/// What the machine counted, as it reports at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// The time stamp counter at the program's first output; 0 without output. With `-icount shift=0` it
    /// counts instructions since power-on.
    pub first_output_cycles: u64,
    /// The time stamp counter at the end.
    pub cycles: u64,
    /// The most memory that was in use at once, in bytes.
    pub peak_memory_bytes: u64,
    /// How long the program ran, in cycles; 0 if it did not come to its end.
    pub program_cycles: u64,
    /// What the kernel has read from the disk, in bytes.
    pub disk_bytes_read: u64,
    /// What was read of LLVM; `None` if all of it was loaded when the kernel started.
    pub llvm: Option<LlvmRead>,
}

/// What the machine has read of LLVM, because it was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LlvmRead {
    /// How much.
    pub bytes: u64,
    /// In how many reads.
    pub reads: u64,
}

impl Counters {
    fn of(report: &str) -> Option<Self> {
        let line = report
            .lines()
            .find_map(|line| line.strip_prefix(COUNTERS))?;
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            first_output_cycles: next()?,
            cycles: next()?,
            peak_memory_bytes: next()?,
            program_cycles: next()?,
            disk_bytes_read: next()?,
            llvm: next().and_then(|bytes| {
                let reads = next()?;
                Some(LlvmRead { bytes, reads })
            }),
        })
    }
}

/// What came of a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The machine ran to its end: the program's status, or the reserved code of a failure that the
    /// machine has explained in its log.
    Ended(u8),
    /// It was stopped from outside when its time was up.
    TimedOut,
    /// It was stopped from outside when its output could not be handed on.
    OutputLost(io::ErrorKind),
    /// It reset or shut itself down without a report: a triple fault, as a rule.
    Reset,
    /// It stopped by the debug-exit device, but its report is missing or torn.
    NoReport,
    /// QEMU itself failed with this status.
    QemuFailed(i32),
    /// QEMU was ended by this signal.
    QemuKilled(i32),
}

impl Verdict {
    /// Of the way QEMU ended and what came over the second serial port.
    pub fn of(end: End, report: &str) -> Self {
        let status = match end {
            End::Exited(status) => status,
            End::TimedOut => return Self::TimedOut,
            End::OutputLost(why) => return Self::OutputLost(why),
        };
        match (status.code(), parse_report(report)) {
            (Some(DEBUG_EXIT_STATUS), Some(code)) => Self::Ended(code),
            (Some(DEBUG_EXIT_STATUS), None) => Self::NoReport,
            (Some(0), _) => Self::Reset,
            (Some(code), _) => Self::QemuFailed(code),
            (None, _) => Self::QemuKilled(status.signal().unwrap_or(0)),
        }
    }
}

/// Only a whole line counts: a machine that dies while it reports has not reported.
fn parse_report(report: &str) -> Option<u8> {
    let line = report
        .split_inclusive('\n')
        .find_map(|line| line.strip_prefix(REPORT))?;
    line.strip_suffix('\n')?.trim_end_matches('\r').parse().ok()
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(code) => write!(formatter, "the run ended with status {code}"),
            Self::TimedOut => formatter.write_str("the time was up and the machine was stopped"),
            Self::OutputLost(why) => write!(formatter, "the output cannot be written: {why}"),
            Self::Reset => {
                formatter.write_str("the machine reset itself without a report (a triple fault?)")
            }
            Self::NoReport => formatter.write_str("the machine stopped without a report"),
            Self::QemuFailed(code) => write!(formatter, "QEMU failed with status {code}"),
            Self::QemuKilled(signal) => write!(formatter, "QEMU was killed by signal {signal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::ExitStatus;

    fn exited(code: i32) -> End {
        End::Exited(ExitStatus::from_raw(code << 8))
    }

    #[test]
    fn counters_are_five_numbers_and_two_of_llvm() {
        let loaded = Counters {
            first_output_cycles: 10,
            cycles: 20,
            peak_memory_bytes: 4096,
            program_cycles: 5,
            disk_bytes_read: 512,
            llvm: None,
        };
        let counters = Counters::of("BAREFLOW-COUNTERS 10 20 4096 5 512\nBAREFLOW-EXIT 0\n");
        assert_eq!(counters, Some(loaded));
        let counters = Counters::of("BAREFLOW-COUNTERS 10 20 4096 5 512 65536 2\n");
        let llvm = Some(LlvmRead {
            bytes: 65536,
            reads: 2,
        });
        assert_eq!(counters, Some(Counters { llvm, ..loaded }));
        assert_eq!(Counters::of("BAREFLOW-COUNTERS 10 20 4096\n"), None);
        assert_eq!(Counters::of("BAREFLOW-EXIT 0\n"), None);
    }

    #[test]
    fn success_needs_the_report_and_the_status() {
        assert_eq!(
            Verdict::of(exited(33), "BAREFLOW-EXIT 0\n"),
            Verdict::Ended(0)
        );
        assert_eq!(
            Verdict::of(exited(33), "noise\nBAREFLOW-EXIT 255\r\n"),
            Verdict::Ended(255)
        );
        assert_eq!(Verdict::of(exited(33), ""), Verdict::NoReport);
        assert_eq!(
            Verdict::of(exited(33), "BAREFLOW-EXIT 1"),
            Verdict::NoReport
        );
        assert_eq!(
            Verdict::of(exited(33), "BAREFLOW-EXIT 256\n"),
            Verdict::NoReport
        );
        assert_eq!(Verdict::of(exited(0), "BAREFLOW-EXIT 0\n"), Verdict::Reset);
        assert_eq!(
            Verdict::of(exited(1), "BAREFLOW-EXIT 0\n"),
            Verdict::QemuFailed(1)
        );
    }

    #[test]
    fn a_timeout_and_a_signal_are_their_own_results() {
        assert_eq!(
            Verdict::of(End::TimedOut, "BAREFLOW-EXIT 0\n"),
            Verdict::TimedOut
        );
        let killed = End::Exited(ExitStatus::from_raw(9));
        assert_eq!(
            Verdict::of(killed, "BAREFLOW-EXIT 0\n"),
            Verdict::QemuKilled(9)
        );
    }
}
