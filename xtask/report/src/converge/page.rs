//! The figures as one page of HTML that needs no other file.

use bareflow_tier_policy::{TIERS, Tier};
use indicatif::HumanBytes;
use maud::{Markup, PreEscaped, html};
use plotters::style::RGBColor;

use super::{Boot, Convergence, table};
use crate::profile::page::{document, legend, tier_color};
use crate::profile::plot::{self, PlotError, StepLine};
use crate::profile::printable;

const LINE: RGBColor = RGBColor(0x2f, 0x82, 0xd0);
const MB: f64 = 1e6;

/// A plot: its title, the axis of values, and the value of a boot.
type Plot = (&'static str, &'static str, fn(&Boot) -> f64);

const PLOTS: [Plot; 8] = [
    ("Time to the first output", "s", |boot| boot.first_output_s),
    ("Instructions to the end", "millions", |boot| {
        boot.instructions as f64 / 1e6
    }),
    ("Instructions of the compiler", "millions", |boot| {
        boot.compile_instructions as f64 / 1e6
    }),
    ("Read from the disk", "MB", |boot| {
        boot.disk_bytes_read as f64 / MB
    }),
    ("Read of LLVM", "MB", |boot| {
        boot.llvm_bytes_read as f64 / MB
    }),
    ("RAM", "MiB", |boot| {
        boot.memory_bytes as f64 / f64::from(1 << 20)
    }),
    ("Size of the snapshot", "KiB", |boot| {
        boot.snapshot_bytes as f64 / 1024.0
    }),
    (
        "The program's instructions over those of native code",
        "ratio",
        |boot| boot.relative_to_native,
    ),
];

/// The page.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn render(convergence: &Convergence) -> Result<String, PlotError> {
    let title = format!("Boots of {}", printable(&convergence.program));
    let plots: Vec<(&str, String)> = PLOTS
        .iter()
        .map(|(title, unit, value)| {
            let line = line(convergence, LINE, value);
            Ok((*title, plot::numbered(&[line], "boot", unit)?))
        })
        .collect::<Result<_, PlotError>>()?;
    let is_used = |tier: &Tier| {
        let mut boots = convergence.boots.iter();
        boots.any(|boot| boot.functions[tier.index()] > 0)
    };
    let used: Vec<Tier> = TIERS.into_iter().filter(is_used).collect();
    let tiers: Vec<StepLine> = used
        .iter()
        .map(|tier| {
            line(convergence, tier_color(*tier), &|boot| {
                boot.functions[tier.index()] as f64
            })
        })
        .collect();
    let tiers = plot::numbered(&tiers, "boot", "functions")?;
    let body = html! {
        (summary(convergence))
        h2 { "What was aimed at" }
        table {
            @for line in table::verdicts(convergence) {
                tr { td { (line) } }
            }
        }
        h2 { "Functions in each tier" }
        p { "Lines are drawn slightly apart, so that those of the same number all show." }
        (legend(&used))
        figure { (PreEscaped(tiers)) }
        @for (title, plot) in plots {
            h2 { (title) }
            figure { (PreEscaped(plot)) }
        }
        h2 { "Boot by boot" }
        (boot_table(convergence))
    };
    Ok(document(&title, &body))
}

fn line(convergence: &Convergence, color: RGBColor, value: &dyn Fn(&Boot) -> f64) -> StepLine {
    StepLine {
        points: convergence
            .boots
            .iter()
            .map(|boot| (boot.number as f64, value(boot)))
            .collect(),
        color,
    }
}

fn summary(convergence: &Convergence) -> Markup {
    let native = &convergence.native;
    let mut entries = vec![
        (
            "Machine",
            format!("QEMU without KVM, {} MiB of RAM", convergence.memory_mib),
        ),
        (
            "LLVM in the image",
            HumanBytes(convergence.llvm_bytes).to_string(),
        ),
        (
            "LLVM in the used-only image",
            HumanBytes(convergence.used_only.llvm_bytes).to_string(),
        ),
    ];
    entries.extend(table::used_only(&convergence.used_only));
    entries.push((
        "Native image",
        format!(
            "{}, {} of RAM, first output after {:.2} s",
            HumanBytes(native.image_bytes),
            HumanBytes(native.memory_bytes),
            native.first_output_s
        ),
    ));
    html! {
        dl {
            @for (name, value) in entries {
                dt { (name) }
                dd { (value) }
            }
        }
    }
}

fn boot_table(convergence: &Convergence) -> Markup {
    html! {
        table {
            tr {
                th { "boot" }
                th class="number" { "first output" }
                th class="number" { "instructions" }
                th class="number" { "LLVM read" }
                th class="number" { "RAM" }
                th { "functions" }
                th class="number" { "snapshot" }
                th class="number" { "x native" }
            }
            @for boot in &convergence.boots {
                tr {
                    td { (boot.number) }
                    td class="number" { (format!("{:.2} s", boot.first_output_s)) }
                    td class="number" { (format!("{:.0} M", boot.instructions as f64 / 1e6)) }
                    td class="number" { (HumanBytes(boot.llvm_bytes_read).to_string()) }
                    td class="number" { (HumanBytes(boot.memory_bytes).to_string()) }
                    td { (table::tiers(boot)) }
                    td class="number" { (HumanBytes(boot.snapshot_bytes).to_string()) }
                    td class="number" { (format!("{:.2}", boot.relative_to_native)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn every_boot_and_every_plot_is_on_the_page() {
        let page = render(&fixture(3)).unwrap();
        assert_eq!(page.matches("<svg ").count(), PLOTS.len() + 1);
        for boot in 1..=3 {
            assert!(page.contains(&format!("<td>{boot}</td>")));
        }
        assert!(page.contains("Boots of a&lt;b"));
        assert!(render(&fixture(1)).is_ok() && render(&fixture(0)).is_ok());
    }
}
