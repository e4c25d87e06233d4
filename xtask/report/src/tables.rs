//! What benchmarks print.

use comfy_table::{CellAlignment, Table, presets};

/// A table with a header; every column but the first goes to the right.
pub fn render(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Of positive numbers.
pub fn geometric_mean(numbers: &[f64]) -> f64 {
    let sum: f64 = numbers.iter().map(|number| number.ln()).sum();
    (sum / numbers.len() as f64).exp()
}

/// Three digits, as far as the number has them.
pub fn digits(number: f64) -> String {
    match number {
        number if number >= 100.0 => format!("{number:.0}"),
        number if number >= 10.0 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

/// One line: whether a figure is what it should be.
pub fn verdict(what: &str, found: &str, target: &str, is_met: bool) -> String {
    let word = if is_met { "met" } else { "MISSED" };
    format!("{word:6}  {what}: {found}; target: {target}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_geometric() {
        assert!((geometric_mean(&[1.0, 4.0]) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(digits(0.987_6), "0.99");
        assert_eq!(digits(12.34), "12.3");
        assert_eq!(digits(1234.5), "1234");
    }

    #[test]
    fn a_missed_target_is_loud() {
        assert!(verdict("a", "2", "at most 1", false).starts_with("MISSED"));
    }
}
