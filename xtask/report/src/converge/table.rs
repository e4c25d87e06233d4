//! The figures as tables for the terminal, with what was aimed at.

use bareflow_tier_policy::TIERS;

use super::{Boot, Convergence, Course, UsedOnly, UsedOnlyBoot};
use crate::tables::{digits, render, verdict};

const MIB: f64 = (1 << 20) as f64;

/// One boot in a line, as it comes.
pub fn line(boot: &Boot) -> String {
    format!(
        "boot {}: first output {:.2} s, {:.1} MB of LLVM read, {:.1} MiB of RAM",
        boot.number,
        boot.first_output_s,
        boot.llvm_bytes_read as f64 / 1e6,
        boot.memory_bytes as f64 / MIB
    )
}

/// The table of boots.
pub fn boots(convergence: &Convergence) -> String {
    let header = [
        "boot",
        "first output s",
        "end s",
        "Minstr. to output",
        "Minstr. in all",
        "Minstr. compiling",
        "disk MB",
        "LLVM MB",
        "RAM MiB",
        "functions by tier",
        "snapshot KiB",
        "x native",
    ];
    let rows = convergence.boots.iter().map(|boot| {
        vec![
            boot.number.to_string(),
            format!("{:.2}", boot.first_output_s),
            format!("{:.2}", boot.end_s),
            millions(boot.first_output_instructions),
            millions(boot.instructions),
            millions(boot.compile_instructions),
            format!("{:.1}", boot.disk_bytes_read as f64 / 1e6),
            format!("{:.1}", boot.llvm_bytes_read as f64 / 1e6),
            format!("{:.1}", boot.memory_bytes as f64 / MIB),
            tiers(boot),
            format!("{:.1}", boot.snapshot_bytes as f64 / 1024.0),
            digits(boot.relative_to_native),
        ]
    });
    render(&header, rows.collect())
}

fn millions(count: u64) -> String {
    format!("{:.1}", count as f64 / 1e6)
}

/// The boots of the used-only image, and what each was like.
pub fn used_only(used_only: &UsedOnly) -> [(&'static str, String); 2] {
    let figures = |boot: &UsedOnlyBoot| {
        format!(
            "first output {:.2} s, {:.1} MB of LLVM read, {:.1} MiB of RAM",
            boot.first_output_s,
            boot.llvm_bytes_read as f64 / 1e6,
            boot.memory_bytes as f64 / MIB
        )
    };
    [
        (
            "Used-only image, first boot without snapshots",
            figures(&used_only.fresh),
        ),
        (
            "Used-only image, first boot with snapshots",
            figures(&used_only.grown),
        ),
    ]
}

/// Functions by tier, the lowest first, without empty tiers.
pub fn tiers(boot: &Boot) -> String {
    let counts = TIERS.iter().zip(boot.functions);
    let parts: Vec<String> = counts
        .filter(|(_, count)| *count > 0)
        .map(|(tier, count)| format!("{count} {}", tier.name()))
        .collect();
    parts.join(", ")
}

/// What is aimed at, and what the plan of the project said of such a boot.
pub fn verdicts(convergence: &Convergence) -> Vec<String> {
    let mut lines = Vec::new();
    let mut judge = |what: &str, found: String, target: &str, plan: &str, is_met: bool| {
        let target = match plan {
            "" => target.to_owned(),
            plan => format!("{target} (plan: {plan})"),
        };
        lines.push(verdict(what, &found, &target, is_met));
    };
    if let Some(first) = convergence.boots.first() {
        judge(
            "boot 1, first output",
            format!("{:.2} s", first.first_output_s),
            "at most 3 s",
            "30 to 60 s",
            first.first_output_s <= 3.0,
        );
    }
    let steady = convergence.steady;
    judge(
        "steady state",
        match (steady.from, steady.course) {
            (Some(boot), Course::Flat) => format!("from boot {boot} on, flat"),
            (Some(boot), Course::Slowdown) => format!("from boot {boot} on, after better ones"),
            (Some(boot), _) => format!("from boot {boot} on"),
            (None, _) => "none in these boots".to_owned(),
        },
        "within 10 boots",
        "",
        steady.from.is_some_and(|boot| boot <= 10),
    );
    if let Some(last) = convergence.last() {
        judge(
            "last boot, first output",
            format!("{:.2} s", last.first_output_s),
            "at most 1 s",
            "less than 1 s at boot 1000",
            last.first_output_s <= 1.0,
        );
        judge(
            "last boot, RAM",
            mib(last.memory_bytes),
            "at most 40 MiB",
            "20 MB at boot 1000",
            last.memory_bytes <= 40 << 20,
        );
        judge(
            "last boot, LLVM read",
            format!("{} bytes", last.llvm_bytes_read),
            "0 bytes",
            "",
            last.llvm_bytes_read == 0,
        );
        judge(
            "last boot, the program's instructions over native code's",
            digits(last.relative_to_native),
            "at most 1.05",
            "1.2 at boot 500, 1 at boot 1000",
            last.relative_to_native <= 1.05,
        );
    }
    let used_only = &convergence.used_only;
    judge(
        "used-only image, LLVM's bytes over those of the full one",
        digits(used_only.llvm_bytes as f64 / convergence.llvm_bytes.max(1) as f64),
        "at most 0.5",
        "200 of 545 MB at boot 100",
        2 * used_only.llvm_bytes <= convergence.llvm_bytes,
    );
    let native = &convergence.native;
    judge(
        "native image",
        format!("{:.2} MB", native.image_bytes as f64 / 1e6),
        "at most 1 MB",
        "5 to 10 MB at boot 1000",
        native.image_bytes <= 1_000_000,
    );
    judge(
        "native image, RAM",
        mib(native.memory_bytes),
        "at most 20 MiB",
        "20 MB at boot 1000",
        native.memory_bytes <= 20 << 20,
    );
    lines
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / MIB)
}
