//! `cargo xtask bench memcpy`: what the optimiser makes of a copy whose size turns out to be always the same.

use std::collections::BTreeMap;

use super::hosted::{Hosted, Setup};
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, Tier};
use bareflow_run::say;

const PROGRAM: &str = "bench/programs/memcpy.c";
const BLOCK_BYTES: f64 = 512.0;
/// What a core moves between its first-level cache and its registers in one cycle: one store of 32 bytes.
const LIMIT_BYTES_PER_CYCLE: f64 = 32.0;
/// The least ratios that are wanted: the byte loop, and the generic function, to the specialised copy.
const BYTES_TARGET: f64 = 10.0;
const GENERIC_TARGET: f64 = 1.5;

/// Prints the figures.
///
/// # Errors
/// Whatever kept the program from being run to its end.
pub fn run(context: &Context) -> Result<()> {
    let program = Program::build(&[context.root.join(PROGRAM)], &context.program_compiler())?;
    let run = Hosted::build(context)?.run(&program, &Setup::from(Tier::Auto), &[])?;
    let text = String::from_utf8_lossy(&run.output);
    let figures =
        figures(&text).ok_or_else(|| Error::build(format!("{PROGRAM} printed {text:?}")))?;
    print(&figures);
    Ok(())
}

struct Figures {
    /// Cycles of the time stamp counter in a cycle of the core.
    core: f64,
    /// Cycles of the time stamp counter for a copy.
    bytes: f64,
    generic: f64,
    specialised: f64,
}

fn figures(text: &str) -> Option<Figures> {
    let values: BTreeMap<&str, f64> = text
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name, value.parse().ok()?))
        })
        .collect();
    Some(Figures {
        core: *values.get("core")?,
        bytes: *values.get("bytes")?,
        generic: *values.get("generic")?,
        specialised: *values.get("specialised")?,
    })
}

fn print(figures: &Figures) {
    say!(
        "copies of {BLOCK_BYTES} bytes, aligned, in the first-level cache; automatic tiers, hosted"
    );
    say!(
        "{:22} {:>12} {:>12} {:>13} {:>15}",
        "",
        "TSC cycles",
        "core cycles",
        "bytes a cycle",
        "to specialised"
    );
    let row = |name: &str, core_cycles: f64| {
        say!(
            "{name:22} {:12.1} {core_cycles:12.1} {:13.1} {:15.2}",
            core_cycles * figures.core,
            BLOCK_BYTES / core_cycles,
            core_cycles * figures.core / figures.specialised
        );
    };
    row("byte loop", figures.bytes / figures.core);
    row("generic function", figures.generic / figures.core);
    row("specialised", figures.specialised / figures.core);
    row("limit, 32 bytes/cycle", BLOCK_BYTES / LIMIT_BYTES_PER_CYCLE);
    for (name, ratio, target) in [
        (
            "byte loop",
            figures.bytes / figures.specialised,
            BYTES_TARGET,
        ),
        (
            "generic",
            figures.generic / figures.specialised,
            GENERIC_TARGET,
        ),
    ] {
        say!(
            "{name} to specialised: {ratio:.2}, target at least {target}: {}",
            if ratio >= target { "met" } else { "MISSED" }
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_figures_are_needed() {
        let text = "core 0.5\nbytes 100.25\ngeneric 30\nspecialised 10.5\n";
        let read = figures(text).unwrap();
        assert_eq!(read.bytes, 100.25);
        assert_eq!(read.specialised, 10.5);
        assert!(figures("core 0.5\nbytes 1\ngeneric x\nspecialised 1\n").is_none());
        assert!(figures("").is_none());
    }
}
