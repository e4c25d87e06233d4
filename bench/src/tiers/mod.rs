//! `cargo xtask bench tiers`: programs in every tier, against the code that clang makes ahead of time.

pub mod hosted;
pub mod machine;

use bareflow_image::program::Tier;

use super::rounds::NAMES;
use bareflow_report::tables::{digits, geometric_mean, render};

/// What other implementations had, of the time of code compiled ahead of time.
const PRIOR_INTERPRETER: &str = "498";
const PRIOR_JIT: &str = "1.25";
const PRIOR_O3: &str = "1.17";
/// Its interpreter's time over the time of its O3.
const PRIOR_SPEED_UP: &str = "399";

/// Of the time of `clang -O2`, in the steady state of the automatic tiers, as a geometric mean.
const MOST_RATIO: f64 = 1.0;
/// The time of the interpreter over that of O3, on fib.
const LEAST_SPEED_UP: f64 = 300.0;

fn prior(tier: Tier) -> &'static str {
    match tier {
        Tier::Interpreter => PRIOR_INTERPRETER,
        Tier::Auto => PRIOR_JIT,
        Tier::O3 => PRIOR_O3,
        _ => "",
    }
}

/// What a tier is called in the tables.
pub fn tier_title(tier: Tier) -> &'static str {
    match tier {
        Tier::Auto => "automatic",
        _ => tier.name(),
    }
}

/// The tiers in the order of the tables.
pub const TIERS: [Tier; 6] = [
    Tier::Interpreter,
    Tier::O0,
    Tier::O1,
    Tier::O2,
    Tier::O3,
    Tier::Auto,
];

/// One number for each program, and what the row is called.
struct Row {
    title: String,
    numbers: Vec<f64>,
    prior: &'static str,
}

/// Ratios, a row for each way of running.
fn ratio_table(rows: &[Row]) -> String {
    let header = [&["times clang -O2"], &NAMES[..], &["geom. mean", "prior"]].concat();
    let rows = rows
        .iter()
        .map(|row| {
            let mut cells = vec![row.title.clone()];
            cells.extend(row.numbers.iter().map(|number| digits(*number)));
            cells.push(digits(geometric_mean(&row.numbers)));
            cells.push(row.prior.to_owned());
            cells
        })
        .collect();
    render(&header, rows)
}

/// The steady state of `tiers` over that of `clang -O2`, and of the interpreter over O3.
fn rows_of_tiers(reference: &[f64], of_tier: impl Fn(Tier) -> Vec<f64>) -> Vec<Row> {
    let mut rows: Vec<Row> = TIERS
        .iter()
        .map(|tier| Row {
            title: tier_title(*tier).to_owned(),
            numbers: divide(&of_tier(*tier), reference),
            prior: prior(*tier),
        })
        .collect();
    rows.push(Row {
        title: "interpreter / O3".into(),
        numbers: divide(&of_tier(Tier::Interpreter), &of_tier(Tier::O3)),
        prior: PRIOR_SPEED_UP,
    });
    rows
}

fn divide(numbers: &[f64], by: &[f64]) -> Vec<f64> {
    numbers.iter().zip(by).map(|(a, b)| a / b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_ratios_with_the_prior_figure_beside() {
        let rows = rows_of_tiers(&[2.0; 8], |tier| match tier {
            Tier::Interpreter => vec![800.0; 8],
            _ => vec![2.0; 8],
        });
        let text = ratio_table(&rows);
        let row = |name: &str| {
            let line = text.lines().find(|line| line.trim().starts_with(name));
            line.unwrap()
                .split_whitespace()
                .rev()
                .take(2)
                .collect::<Vec<_>>()
        };
        assert_eq!(row("interpreter "), ["498", "400"]);
        assert_eq!(row("automatic"), ["1.25", "1.00"]);
        assert_eq!(row("interpreter / O3"), ["399", "400"]);
    }
}
