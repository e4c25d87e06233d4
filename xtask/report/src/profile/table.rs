//! The profile on a terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{HumanBytes, HumanCount};

use super::figures::{Figures, Measure, percent};
use super::{CallCycles, Failure, RunProfile, printable};

/// How many functions are shown, those with the most time.
const FUNCTION_LIMIT: usize = 30;

/// The profile as text: a summary, the levels, and the functions with their loops.
pub fn render(profile: &RunProfile) -> String {
    let mut text = summary(profile);
    let _ = write!(text, "\n{}\n", levels(profile));
    let _ = write!(text, "\n{}\n", functions(profile));
    let hidden = profile.functions.len().saturating_sub(FUNCTION_LIMIT);
    if hidden > 0 {
        let _ = writeln!(text, "and {hidden} more functions");
    }
    text
}

fn summary(profile: &RunProfile) -> String {
    let compile_share = percent(profile.compile_cycles, profile.total_cycles);
    let parts = profile.samples_by_part().map(|(part, count)| {
        format!(
            "{} {:.1} %",
            part.name(),
            percent(count, profile.sample_count())
        )
    });
    format!(
        "{} in the {} kernel, compiled for {}\n\
         time     {:.2?}, of which {:.2?} ({compile_share:.1} %) compiling\n\
         samples  {}, {} a second: {}\n\
         memory   heap {}, compiler {}, code pool {}\n{}",
        printable(&profile.program),
        profile.kernel.name(),
        printable(&profile.processor),
        profile.duration(profile.total_cycles),
        profile.duration(profile.compile_cycles),
        HumanCount(profile.sample_count()),
        profile.samples.per_second,
        parts.join(", "),
        HumanBytes(profile.memory.heap_bytes),
        HumanBytes(profile.memory.compiler_bytes),
        HumanBytes(profile.memory.pool_bytes),
        profile.boot.map_or(String::new(), |boot| format!(
            "boot     {}\n",
            profile.describe_boot(&boot)
        )),
    )
}

fn levels(profile: &RunProfile) -> Table {
    let mut table = table(&[
        "level",
        "threshold",
        "functions",
        "compilations",
        "compile time",
        "code made",
    ]);
    // By the policy of costs, no level has a threshold that holds for all units.
    let has_thresholds = profile.levels.iter().any(|level| level.calls.is_some());
    let missing = match has_thresholds {
        false => "none",
        true => "unused",
    };
    for figures in Figures::levels(profile) {
        table.add_row([
            figures.level.name().to_owned(),
            figures
                .threshold
                .map_or(missing.to_owned(), |calls| HumanCount(calls).to_string()),
            figures.function_count.to_string(),
            figures.compilation_count.to_string(),
            format!("{:.2?}", profile.duration(figures.cycles)),
            HumanBytes(figures.code_bytes).to_string(),
        ]);
    }
    align_numbers(&mut table);
    table
}

fn functions(profile: &RunProfile) -> Table {
    let ranking = profile.ranking();
    let time = match ranking.measure {
        Measure::Samples => "sampled time",
        Measure::Cycles => "time of calls",
    };
    let mut table = table(&[
        "function",
        "tier",
        time,
        "calls",
        "cycles a call (least, mean, most)",
        "code",
        "compiled",
        "stays because",
    ]);
    for (function, number) in ranking.rows.iter().take(FUNCTION_LIMIT) {
        table.add_row([
            printable(&function.name),
            function.tier.name().to_owned(),
            format!("{:.2?}", profile.ranked_duration(ranking.measure, *number)),
            HumanCount(function.calls).to_string(),
            function.cycles.as_ref().map_or(String::new(), call_cycles),
            HumanBytes(function.code_bytes).to_string(),
            function.compilations.len().to_string(),
            reason(&function.failures),
        ]);
        for part in &function.loops {
            table.add_row([
                format!("  {}", printable(&part.name)),
                part.compilations
                    .last()
                    .map_or(String::new(), |last| last.level.name().to_owned()),
                String::new(),
                HumanCount(part.iterations).to_string(),
                String::new(),
                part.compilations.last().map_or(String::new(), |last| {
                    HumanBytes(last.code_bytes).to_string()
                }),
                part.compilations.len().to_string(),
                reason(&part.failures),
            ]);
        }
    }
    align_numbers(&mut table);
    for column in [1, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Left);
        }
    }
    table
}

fn call_cycles(cycles: &CallCycles) -> String {
    format!(
        "{}, {}, {}",
        HumanCount(cycles.least),
        HumanCount(cycles.total / cycles.calls.max(1)),
        HumanCount(cycles.most)
    )
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    table
}

/// Every column but the first goes to the right.
/// Why a unit stays at its tier, if something keeps it there.
fn reason(failures: &[Failure]) -> String {
    failures
        .last()
        .map_or(String::new(), |last| printable(&last.reason))
}

fn align_numbers(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{FIXTURE, fixture, fixture_with};
    use super::*;

    fn row<'a>(text: &'a str, name: &str) -> &'a str {
        text.lines()
            .find(|line| line.trim_start().starts_with(name))
            .unwrap_or_else(|| panic!("no row of {name} in\n{text}"))
    }

    #[test]
    fn the_summary_has_times_and_shares() {
        let text = render(&fixture());
        assert!(text.starts_with("fib in the machine kernel, compiled for x86-64\n"));
        assert!(row(&text, "time").contains("1.25s, of which 48.40ms (3.9 %)"));
        assert!(row(&text, "samples").contains("program 74.4 %"));
        assert!(
            row(&text, "memory")
                .contains("heap 30.00 MiB, compiler 24.00 MiB, code pool 64.00 KiB")
        );
    }

    #[test]
    fn a_boot_is_in_the_summary() {
        let text = render(&fixture());
        assert!(row(&text, "boot").contains("3, from snapshot 1 of 80.00 KiB, 1.00ms to load"));
        let text = render(&fixture_with("/boot", Value::Null).unwrap());
        assert!(!text.contains("\nboot"));
    }

    #[test]
    fn functions_have_their_loops_below() {
        let text = render(&fixture());
        let fib = row(&text, "fib  ");
        for part in [
            "O3",
            "729.00ms",
            "2,692,537",
            "210, 9,600, 31,000,000",
            "412 B",
        ] {
            assert!(fib.contains(part), "{part} in {fib}");
        }
        assert!(row(&text, "loop 1").contains("150,000"));
        assert!(row(&text, "weird").contains("inline assembly"));
    }

    #[test]
    fn a_level_without_a_threshold_is_unused() {
        let profile = fixture_with("/levels/3/calls", Value::Null).unwrap();
        assert!(row(&render(&profile), "O3").contains("unused"));
    }

    #[test]
    fn without_thresholds_no_level_is_called_unused() {
        let mut profile = fixture();
        for level in &mut profile.levels {
            level.calls = None;
        }
        let text = render(&profile);
        assert!(row(&text, "O3").contains("none"), "{text}");
        assert!(!text.contains("unused"), "{text}");
    }

    #[test]
    fn names_cannot_control_the_terminal() {
        let profile = fixture_with("/functions/0/name", json!("a\u{1b}[2Jb\nc")).unwrap();
        let text = render(&profile);
        assert!(text.contains("a\\u{1b}[2Jb\\nc"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn only_the_first_functions_are_shown() {
        let document: Value = serde_json::from_str(FIXTURE).unwrap();
        let many = vec![document["functions"][0].clone(); FUNCTION_LIMIT + 3];
        let text = render(&fixture_with("/functions", json!(many)).unwrap());
        assert!(text.ends_with("and 3 more functions\n"));
    }
}
