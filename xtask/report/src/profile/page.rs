//! The profile as one page of HTML that needs no other file.

use indicatif::{HumanBytes, HumanCount};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use plotters::style::RGBColor;

use super::figures::Figures;
use super::figures::{LevelFigures, Measure, percent};
use super::plot::{self, Bar, PlotError, StepLine};
use super::{RunProfile, printable};
use bareflow_tier_policy::{LEVELS, Tier};

const FUNCTION_LIMIT: usize = 20;
const SYMBOL_LIMIT: usize = 30;

/// The page of a profile.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn render(profile: &RunProfile) -> Result<String, PlotError> {
    let title = format!("Profile of {}", printable(&profile.program));
    let body = html! {
        (summary(profile))
        h2 { "Functions in each tier over time" }
        p { "Lines are drawn slightly apart, so that those of the same number all show." }
        (legend(&profile.tiers()))
        figure { (PreEscaped(tier_plot(profile)?)) }
        (function_section(profile)?)
        h2 { "Compile time of each level" }
        (level_plot(profile, |figures| figures.cycles, |cycles| {
            format!("{:.2?}", profile.duration(cycles))
        })?)
        h2 { "Code made at each level, replaced code included" }
        (level_plot(profile, |figures| figures.code_bytes, |bytes| {
            HumanBytes(bytes).to_string()
        })?)
        h2 { "Where the program was found" }
        (part_table(profile))
        h2 { "Symbols with the most samples" }
        (symbol_table(profile))
    };
    Ok(document(&title, &body))
}

/// A whole page around its body.
pub fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                h1 { (title) }
                (body)
            }
        }
    };
    page.into_string()
}

fn summary(profile: &RunProfile) -> Markup {
    let mut entries = vec![
        ("Kernel", profile.kernel.name().to_owned()),
        ("Compiled for", printable(&profile.processor)),
        (
            "Time",
            format!("{:.2?}", profile.duration(profile.total_cycles)),
        ),
        (
            "Compile time",
            format!(
                "{:.2?} ({:.1} %)",
                profile.duration(profile.compile_cycles),
                percent(profile.compile_cycles, profile.total_cycles)
            ),
        ),
        (
            "Samples",
            format!(
                "{}, {} a second",
                HumanCount(profile.sample_count()),
                profile.samples.per_second
            ),
        ),
        ("Heap", HumanBytes(profile.memory.heap_bytes).to_string()),
        (
            "Compiler",
            HumanBytes(profile.memory.compiler_bytes).to_string(),
        ),
        (
            "Code pool",
            HumanBytes(profile.memory.pool_bytes).to_string(),
        ),
        ("Schema", profile.schema.to_string()),
    ];
    if let Some(boot) = &profile.boot {
        entries.push(("Boot", profile.describe_boot(boot)));
    }
    html! {
        dl {
            @for (name, value) in entries {
                dt { (name) }
                dd { (value) }
            }
        }
    }
}

/// Those of the levels, the lowest first; with more levels they come again.
const LEVEL_COLORS: [RGBColor; LEVELS.len()] = [
    RGBColor(64, 156, 160),
    RGBColor(122, 92, 190),
    RGBColor(47, 134, 209),
    RGBColor(140, 140, 60),
    RGBColor(171, 99, 163),
    RGBColor(10, 154, 115),
    RGBColor(199, 125, 10),
    RGBColor(209, 73, 91),
];

/// The colour of a tier in plots.
pub fn tier_color(tier: Tier) -> RGBColor {
    match tier {
        Tier::Interpreter => RGBColor(138, 138, 138),
        Tier::Native(level) => LEVEL_COLORS[level.index()],
    }
}

/// What the colours mean.
pub fn legend(tiers: &[Tier]) -> Markup {
    html! {
        p class="legend" {
            @for tier in tiers {
                @let RGBColor(red, green, blue) = tier_color(*tier);
                span {
                    i style=(format!("background: rgb({red}, {green}, {blue})")) {}
                    (tier.name())
                }
            }
        }
    }
}

fn tier_plot(profile: &RunProfile) -> Result<String, PlotError> {
    let history = profile.tier_history();
    let last_cycles = history.last().map_or(0, |last| last.at);
    let end_cycles = profile.total_cycles.max(last_cycles);
    let end_seconds = profile.duration(end_cycles).as_secs_f64();
    let (factor, unit) = match end_seconds {
        1.0.. => (1.0, "s"),
        1e-3..1.0 => (1e3, "ms"),
        _ => (1e6, "µs"),
    };
    let time = |cycles| profile.duration(cycles).as_secs_f64() * factor;
    let lines: Vec<StepLine> = profile
        .tiers()
        .into_iter()
        .map(|tier| StepLine {
            points: history
                .iter()
                .map(|step| (time(step.at), step.counts[tier.index()] as f64))
                .collect(),
            color: tier_color(tier),
        })
        .collect();
    plot::steps(
        &lines,
        time(end_cycles),
        &format!("time since the start [{unit}]"),
        "functions",
    )
}

fn function_section(profile: &RunProfile) -> Result<Markup, PlotError> {
    let ranking = profile.ranking();
    let (title, whole) = match ranking.measure {
        Measure::Samples => (
            "Time of each function, sampled, without what it called",
            profile.sample_count(),
        ),
        Measure::Cycles => (
            "Time of each function's measured calls, with what they called",
            profile.total_cycles,
        ),
    };
    let bars: Vec<Bar> = ranking
        .rows
        .iter()
        .filter(|(_, number)| *number > 0)
        .take(FUNCTION_LIMIT)
        .map(|(function, number)| Bar {
            label: printable(&function.name),
            value: *number as f64,
            note: format!(
                "{:.2?} ({:.1} %)",
                profile.ranked_duration(ranking.measure, *number),
                percent(*number, whole)
            ),
            color: tier_color(function.tier),
        })
        .collect();
    Ok(html! {
        h2 { (title) }
        @if bars.is_empty() {
            p { "No time was measured." }
        } @else {
            p { "The colour is that of the tier at the end; the share is that of the whole run." }
            figure { (PreEscaped(plot::bars(&bars)?)) }
        }
    })
}

fn level_plot(
    profile: &RunProfile,
    number: impl Fn(&LevelFigures) -> u64,
    text: impl Fn(u64) -> String,
) -> Result<Markup, PlotError> {
    let figures = Figures::levels(profile).into_iter();
    let bars: Vec<Bar> = figures
        .map(|figures| {
            let tier = Tier::Native(figures.level);
            let number = number(&figures);
            Bar {
                label: format!("{} ({})", tier.name(), figures.compilation_count),
                value: number as f64,
                note: text(number),
                color: tier_color(tier),
            }
        })
        .collect();
    Ok(html! {
        p { "The number of compilations, of functions and of loops, is in parentheses." }
        figure { (PreEscaped(plot::bars(&bars)?)) }
    })
}

fn part_table(profile: &RunProfile) -> Markup {
    html! {
        table {
            tr { th { "part" } th class="number" { "samples" } th class="number" { "share" } }
            @for (part, count) in profile.samples_by_part() {
                tr {
                    td { (part.name()) }
                    (sample_cells(profile, count))
                }
            }
        }
    }
}

fn symbol_table(profile: &RunProfile) -> Markup {
    let symbols = profile.top_symbols(SYMBOL_LIMIT);
    if symbols.is_empty() {
        return html! { p { "No sample was taken." } };
    }
    html! {
        table {
            tr {
                th { "symbol" }
                th class="word" { "part" }
                th class="number" { "samples" }
                th class="number" { "share" }
            }
            @for symbol in symbols {
                tr {
                    td { (printable(&symbol.symbol)) }
                    td class="word" { (symbol.part.name()) }
                    (sample_cells(profile, symbol.count))
                }
            }
        }
    }
}

fn sample_cells(profile: &RunProfile, count: u64) -> Markup {
    html! {
        td class="number" { (HumanCount(count).to_string()) }
        td class="number" { (format!("{:.1} %", percent(count, profile.sample_count()))) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{FIXTURE, fixture, fixture_with};
    use super::*;

    #[test]
    fn the_page_has_four_plots_and_two_tables() {
        let page = render(&fixture()).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>"));
        assert_eq!(page.matches("<svg ").count(), 4);
        assert!(page.matches("<polyline ").count() >= fixture().tiers().len());
        assert_eq!(page.matches("<table>").count(), 2);
        for text in ["729.00ms (60.8 %)", "14.10ms", "serial_write", "74.4 %"] {
            assert!(page.contains(text), "{text}");
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = render(&fixture())
            .unwrap()
            .replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for word in ["http", "src=", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn every_text_is_escaped() {
        const BAD: &str = "<script>alert('&\"')</script>";
        let mut document: Value = serde_json::from_str(FIXTURE).unwrap();
        for pointer in ["/program", "/processor", "/functions/0/name"] {
            *document.pointer_mut(pointer).unwrap() = json!(BAD);
        }
        for symbol in ["/samples/symbols/0/symbol", "/samples/symbols/2/symbol"] {
            *document.pointer_mut(symbol).unwrap() = json!(BAD);
        }
        let profile = crate::profile::parse(document.to_string().as_bytes()).unwrap();
        let page = render(&profile).unwrap();
        assert!(!page.contains("<script"));
        assert!(page.matches("&lt;script&gt;").count() >= 6);
    }

    #[test]
    fn a_program_that_measured_nothing_has_a_page() {
        let mut document: Value = serde_json::from_str(FIXTURE).unwrap();
        document["samples"]["symbols"] = json!([]);
        document["total_cycles"] = json!(0);
        let function = document["functions"][4].clone();
        document["functions"] = json!([function]);
        let profile = crate::profile::parse(document.to_string().as_bytes()).unwrap();
        let page = render(&profile).unwrap();
        assert!(page.contains("No time was measured.") && page.contains("No sample was taken."));
    }

    #[test]
    fn the_largest_numbers_have_a_page() {
        for pointer in [
            "/total_cycles",
            "/compile_cycles",
            "/functions/0/compilations/0/cycles",
            "/functions/0/compilations/0/at",
            "/samples/symbols/0/count",
        ] {
            let profile = fixture_with(pointer, json!(u64::MAX)).unwrap();
            assert!(render(&profile).is_ok(), "{pointer}");
        }
    }
}
