//! What came of a boot.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;

use bareflow_protocol::debug_exit;
use bareflow_protocol::report::{self, Counters};

use bareflow_build::process::End;

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
        let profile = report
            .lines()
            .find_map(|line| line.strip_prefix(report::PROFILE));
        Self {
            counters: Counters::of(report),
            profile: profile.map(str::to_owned),
        }
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
            (Some(debug_exit::STATUS), Some(code)) => Self::Ended(code),
            (Some(debug_exit::STATUS), None) => Self::NoReport,
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
        .find_map(|line| line.strip_prefix(report::EXIT))?;
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
