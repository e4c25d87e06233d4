//! Plots as SVG text, for inlining into a page.
//!
//! Colours are of medium lightness, so that they show on white and on black; the page gives texts their colour.

use std::io;
use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Why a plot cannot be drawn.
pub type PlotError = DrawingAreaErrorKind<io::Error>;

/// One bar of a bar chart.
#[derive(Debug)]
pub struct Bar {
    /// What stands before it.
    pub label: String,
    /// Its length, in any unit that the chart's bars share.
    pub value: f64,
    /// What stands after it: the value with its unit.
    pub note: String,
    /// Its colour.
    pub color: RGBColor,
}

/// A line that keeps its value until the next point.
#[derive(Debug)]
pub struct StepLine {
    /// Times and values from then on; times do not decrease.
    pub points: Vec<(f64, f64)>,
    /// Its colour.
    pub color: RGBColor,
}

const WIDTH: u32 = 860;
const STEPS_HEIGHT: u32 = 340;
const BAR_HEIGHT: u32 = 26;
const LABEL_WIDTH: u32 = 230;
/// About what fits into the width of labels.
const LABEL_LIMIT: usize = 28;
const MARGIN: u32 = 8;
const FONT: (&str, u32) = ("sans-serif", 16);
const LINE_COLOR: RGBColor = RGBColor(128, 128, 128);

/// Horizontal bars, the first one at the top.
///
/// # Errors
/// When the library cannot draw them.
pub fn bars(bars: &[Bar]) -> Result<String, PlotError> {
    let mut svg = String::new();
    let count = bars.len();
    {
        let area =
            SVGBackend::with_string(&mut svg, (WIDTH, BAR_HEIGHT * count as u32 + 2 * MARGIN))
                .into_drawing_area();
        let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        // The last third is for the notes.
        let range = 0.0..positive(most) * 1.5;
        let mut chart = ChartBuilder::on(&area)
            .margin(MARGIN)
            .y_label_area_size(LABEL_WIDTH)
            .build_cartesian_2d(range, Rows(count))?;
        // The axis grows upwards.
        let label = |centre: &f64| {
            let row = count - 1 - (*centre as usize).min(count - 1);
            shortened(&bars[row].label)
        };
        chart
            .configure_mesh()
            .disable_mesh()
            .disable_x_axis()
            .axis_style(LINE_COLOR)
            .label_style(FONT)
            .y_labels(count)
            .y_label_formatter(&label)
            .draw()?;
        for (row, bar) in bars.iter().rev().enumerate() {
            let bottom = row as f64;
            chart.draw_series([Rectangle::new(
                [(0.0, bottom + 0.2), (bar.value, bottom + 0.8)],
                bar.color.filled(),
            )])?;
            let style = FONT
                .into_text_style(&area)
                .pos(Pos::new(HPos::Left, VPos::Center));
            chart.draw_series([EmptyElement::at((bar.value, bottom + 0.5))
                + Text::new(bar.note.clone(), (6, 0), style)])?;
        }
        area.present()?;
    }
    Ok(svg)
}

/// An axis of rows of height 1, with a label at the middle of each.
#[derive(Clone)]
struct Rows(usize);

impl Ranged for Rows {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * value / self.0 as f64).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        (0..self.0).map(|row| row as f64 + 0.5).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.0 as f64
    }
}

/// Step lines over time, until `end`, of counts.
///
/// Each line is drawn two pixels above the one before it, so that lines with the same values all show.
///
/// # Errors
/// When the library cannot draw them.
pub fn steps(
    lines: &[StepLine],
    end: f64,
    time_axis: &str,
    value_axis: &str,
) -> Result<String, PlotError> {
    let axes = Axes {
        range: 0.0..positive(end),
        names: [time_axis, value_axis],
        label: &|time| format!("{time:.1}"),
    };
    draw(lines, axes, |points| corners(points, end))
}

/// Lines from one number of a row to the next, the first of which is 1; drawn as those of [`steps`].
///
/// # Errors
/// When the library cannot draw them.
pub fn numbered(lines: &[StepLine], axis: &str, value_axis: &str) -> Result<String, PlotError> {
    let points = lines.iter().flat_map(|line| &line.points);
    let last = points.map(|(number, _)| *number).fold(2.0, f64::max);
    let axes = Axes {
        range: 1.0..last,
        names: [axis, value_axis],
        label: &count_label,
    };
    draw(lines, axes, <[_]>::to_vec)
}

struct Axes<'a> {
    /// Of the horizontal one.
    range: Range<f64>,
    names: [&'a str; 2],
    /// A label of the horizontal one.
    label: &'a dyn Fn(&f64) -> String,
}

fn draw(
    lines: &[StepLine],
    axes: Axes,
    shape: impl Fn(&[(f64, f64)]) -> Vec<(f64, f64)>,
) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, STEPS_HEIGHT)).into_drawing_area();
        let values = lines.iter().flat_map(|line| &line.points);
        let most = values.map(|(_, value)| *value).fold(0.0, f64::max);
        let mut chart = ChartBuilder::on(&area)
            .margin(MARGIN)
            .x_label_area_size(48)
            .y_label_area_size(72)
            .build_cartesian_2d(axes.range, 0.0..positive(most) * 1.05)?;
        chart
            .configure_mesh()
            .axis_style(LINE_COLOR)
            .bold_line_style(LINE_COLOR.mix(0.35))
            .light_line_style(TRANSPARENT)
            .label_style(FONT)
            .axis_desc_style(FONT)
            .x_label_formatter(&axes.label)
            .y_label_formatter(&count_label)
            .x_desc(axes.names[0])
            .y_desc(axes.names[1])
            .draw()?;
        let shift = positive(most) / 130.0;
        for (index, line) in lines.iter().enumerate() {
            let corners = shape(&line.points).into_iter();
            chart.draw_series(LineSeries::new(
                corners.map(|(time, value)| (time, value + shift * index as f64)),
                line.color.stroke_width(2),
            ))?;
        }
        area.present()?;
    }
    Ok(svg)
}

/// The label of a count; there is none between two counts.
fn count_label(value: &f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        String::new()
    }
}

/// The corners of a step line that goes on until `end`.
fn corners(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for &(time, value) in points {
        if let Some(&(_, before)) = corners.last() {
            corners.push((time, before));
        }
        corners.push((time, value));
    }
    if let Some(&(_, last)) = corners.last() {
        corners.push((end, last));
    }
    corners
}

/// The length of an axis: one without values has a length too.
fn positive(length: f64) -> f64 {
    if length > 0.0 { length } else { 1.0 }
}

fn shortened(label: &str) -> String {
    match label.char_indices().nth(LABEL_LIMIT) {
        Some(_) => label.chars().take(LABEL_LIMIT - 1).chain(['…']).collect(),
        None => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, value: f64) -> Bar {
        Bar {
            label: label.to_owned(),
            value,
            note: format!("{value} s"),
            color: LINE_COLOR,
        }
    }

    #[test]
    fn every_bar_has_its_label_and_its_note() {
        for count in [1, 2, 7, 20] {
            let all: Vec<Bar> = (0..count)
                .map(|index| bar(&format!("name{index}"), f64::from(index)))
                .collect();
            let svg = bars(&all).unwrap();
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
            assert_eq!(svg.matches("<rect ").count(), all.len());
            for Bar { label, note, .. } in &all {
                assert_eq!(svg.matches(&format!("\n{label}\n")).count(), 1, "{label}");
                assert_eq!(svg.matches(&format!("\n{note}\n")).count(), 1, "{note}");
            }
        }
    }

    #[test]
    fn labels_are_escaped_and_shortened() {
        let svg = bars(&[bar("<b>&", 1.0), bar(&"ä".repeat(99), 2.0)]).unwrap();
        assert!(svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>"));
        assert!(svg.contains(&format!("\n{}…\n", "ä".repeat(LABEL_LIMIT - 1))));
    }

    #[test]
    fn steps_keep_their_value_until_the_next_point() {
        assert_eq!(
            corners(&[(0.0, 3.0), (2.0, 1.0)], 5.0),
            [(0.0, 3.0), (2.0, 3.0), (2.0, 1.0), (5.0, 1.0)]
        );
    }

    #[test]
    fn only_counts_have_labels() {
        assert_eq!(count_label(&3.0), "3");
        assert_eq!(count_label(&0.5), "");
    }

    #[test]
    fn extreme_values_are_drawn() {
        for value in [0.0, 1e-12, u64::MAX as f64] {
            assert!(bars(&[bar("a", value)]).is_ok());
            let line = StepLine {
                points: vec![(0.0, value)],
                color: LINE_COLOR,
            };
            assert!(numbered(std::slice::from_ref(&line), "boot", "s").is_ok());
            assert!(steps(&[line], value, "time", "count").is_ok());
        }
    }
}
