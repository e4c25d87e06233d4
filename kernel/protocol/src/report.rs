//! The lines that the machine writes to its second serial port.

use core::fmt;

/// Starts the line that says how the run ended: the exit code follows.
pub const EXIT: &str = "BAREFLOW-EXIT ";
/// Starts the line with [`Counters`].
pub const COUNTERS: &str = "BAREFLOW-COUNTERS ";
/// Starts the line with the profile: JSON follows.
pub const PROFILE: &str = "BAREFLOW-PROFILE ";
/// The descriptor that the hosted kernel writes the same JSON to, if whoever started the process has opened it.
pub const PROFILE_DESCRIPTOR: i32 = 3;

/// What the machine has counted when it ends.
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
    /// Of the first such line in a report, if there is one.
    #[must_use]
    pub fn of(report: &str) -> Option<Self> {
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

/// The line, without its end.
impl fmt::Display for Counters {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(
            formatter,
            "{COUNTERS}{} {} {} {} {}",
            self.first_output_cycles,
            self.cycles,
            self.peak_memory_bytes,
            self.program_cycles,
            self.disk_bytes_read,
        )?;
        match self.llvm {
            Some(llvm) => write!(formatter, " {} {}", llvm.bytes, llvm.reads),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let paged = Counters {
            llvm: Some(LlvmRead {
                bytes: 65536,
                reads: 2,
            }),
            ..loaded
        };
        for (counters, line) in [
            (loaded, "BAREFLOW-COUNTERS 10 20 4096 5 512"),
            (paged, "BAREFLOW-COUNTERS 10 20 4096 5 512 65536 2"),
        ] {
            assert_eq!(counters.to_string(), line);
            let report = format!("noise\n{line}\n{EXIT}0\n");
            assert_eq!(Counters::of(&report), Some(counters));
        }
        assert_eq!(Counters::of("BAREFLOW-COUNTERS 10 20 4096\n"), None);
        assert_eq!(Counters::of("BAREFLOW-EXIT 0\n"), None);
    }
}
