//! How a program's boots converge: figures of each boot, as a table, as JSON and as a page with plots.

mod measure;
pub mod page;
mod steady;
pub mod table;

use bareflow_tier_policy::TIERS;
use serde::Serialize;

pub use measure::{Subject, measure};
pub use steady::{Course, Steady, steady};

/// The version of the JSON.
pub const SCHEMA: u64 = 3;

/// A program's boots.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Convergence {
    /// [`SCHEMA`].
    pub schema: u64,
    /// The program's name.
    pub program: String,
    /// RAM of the machine, in MiB.
    pub memory_mib: u32,
    /// Bytes of LLVM in the image.
    pub llvm_bytes: u64,
    /// Boots, the first one first.
    pub boots: Vec<Boot>,
    /// When the boots' instructions are steady.
    pub steady: Steady,
    /// The same with those pages of LLVM only that the boots have used, made by `cargo xtask shrink` after the last.
    pub used_only: UsedOnly,
    /// The program as native code without LLVM, made by `cargo xtask export` after the last boot.
    pub native: Native,
}

/// One boot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Boot {
    /// Its number, from 1 on.
    pub number: u64,
    /// From the start of QEMU to the program's first output, in seconds of the host.
    pub first_output_s: f64,
    /// From the start of QEMU to its end, in seconds of the host.
    pub end_s: f64,
    /// Instructions from power-on to the first output.
    pub first_output_instructions: u64,
    /// Instructions from power-on to power-off.
    pub instructions: u64,
    /// Instructions of the program, with the engine's work meanwhile.
    pub program_instructions: u64,
    /// Instructions of the compiler, settling at the end included.
    pub compile_instructions: u64,
    /// Bytes that were read from the disk, by the BIOS or by the kernel.
    pub disk_bytes_read: u64,
    /// Of these, bytes of LLVM.
    pub llvm_bytes_read: u64,
    /// Memory in use when most was, in bytes.
    pub memory_bytes: u64,
    /// Functions in the interpreter and at O0, O1, O2 and O3 at the end.
    pub functions: [usize; TIERS.len()],
    /// The number of the snapshot that it ran from.
    pub snapshot: Option<u64>,
    /// The size of the newest snapshot afterwards, in bytes.
    pub snapshot_bytes: u64,
    /// Instructions of the program over those of [`Native`].
    pub relative_to_native: f64,
}

/// The used-only image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsedOnly {
    /// Bytes of LLVM in it.
    pub llvm_bytes: u64,
    /// Its first boot without any snapshot.
    pub fresh: UsedOnlyBoot,
    /// Its first boot from the snapshots of the other image.
    pub grown: UsedOnlyBoot,
}

/// A boot of the used-only image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsedOnlyBoot {
    /// From the start of QEMU to the program's first output, in seconds of the host.
    pub first_output_s: f64,
    /// Bytes of LLVM that were read.
    pub llvm_bytes_read: u64,
    /// Memory in use when most was, in bytes.
    pub memory_bytes: u64,
}

/// The final image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Native {
    /// Its size, in bytes.
    pub image_bytes: u64,
    /// From the start of QEMU to the program's first output, in seconds of the host.
    pub first_output_s: f64,
    /// Instructions from power-on to power-off.
    pub instructions: u64,
    /// Instructions of the program.
    pub program_instructions: u64,
    /// Memory in use when most was, in bytes.
    pub memory_bytes: u64,
}

impl Convergence {
    /// The last boot, which stands for all that follow.
    pub fn last(&self) -> Option<&Boot> {
        self.boots.last()
    }
}

/// When boots have become steady.
fn steady_from(boots: &[Boot]) -> Steady {
    let instructions: Vec<f64> = boots.iter().map(|boot| boot.instructions as f64).collect();
    steady(&instructions)
}

/// Boots that get better, for tests.
#[cfg(test)]
fn fixture(count: u64) -> Convergence {
    let boot = |number: u64| Boot {
        number,
        first_output_s: 2.0 / number as f64,
        end_s: 4.0 / number as f64,
        first_output_instructions: 4_000_000_000 / number,
        instructions: 6_000_000_000 / number,
        program_instructions: 100_000 / number,
        compile_instructions: 0,
        disk_bytes_read: 20 << 20,
        llvm_bytes_read: if number == 1 { 20 << 20 } else { 0 },
        memory_bytes: 60 << 20,
        functions: [1, 0, 0, 0, 0, 0, 2, 0, 3],
        snapshot: (number > 1).then_some(1),
        snapshot_bytes: 100_000,
        relative_to_native: 1.0,
    };
    let boots: Vec<Boot> = (1..=count).map(boot).collect();
    Convergence {
        schema: SCHEMA,
        program: "a<b".into(),
        memory_mib: 256,
        llvm_bytes: 36 << 20,
        steady: steady_from(&boots),
        boots,
        used_only: UsedOnly {
            llvm_bytes: 19 << 20,
            fresh: UsedOnlyBoot {
                first_output_s: 1.5,
                llvm_bytes_read: 15 << 20,
                memory_bytes: 55 << 20,
            },
            grown: UsedOnlyBoot {
                first_output_s: 0.3,
                llvm_bytes_read: 0,
                memory_bytes: 25 << 20,
            },
        },
        native: Native {
            image_bytes: 500_000,
            first_output_s: 0.1,
            instructions: 1000,
            program_instructions: 100,
            memory_bytes: 30 << 20,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_loud() {
        let lines = table::verdicts(&fixture(4));
        let missed: Vec<&String> = lines
            .iter()
            .filter(|line| line.starts_with("MISSED"))
            .collect();
        let expected = [
            "steady state",
            "last boot, RAM",
            "used-only image",
            "native image, RAM",
        ];
        assert_eq!(missed.len(), expected.len(), "{missed:?}");
        assert!(
            missed
                .iter()
                .zip(expected)
                .all(|(line, what)| line.contains(what))
        );
        assert!(lines.iter().all(|line| line.contains("target: ")));
        assert!(table::boots(&fixture(2)).contains("1 interpreter, 2 O1, 3 O3"));
    }
}
