//! When a series of costs is steady: change points, and the segments between them.
//!
//! The method is that of Barrett, Bolz-Tereick, Killick, Mount and Tratt, "Virtual machine warmup blows hot and cold"
//! (OOPSLA 2017): change points are found by PELT (Killick, Fearnhead and Eckley, "Optimal detection of changepoints with
//! a linear computational cost", 2012), segments whose means are as good as equal are one, and a series is steady from
//! where the last such segment begins, if that segment is long enough.
#![forbid(unsafe_code)]

use serde::Serialize;

/// What each further change point must explain, in logarithms of the number of values: more than Schwarz's criterion has
/// it for a place and a mean, because series are short.
const PENALTY_LOGARITHMS: f64 = 3.0;
/// Costs that differ by less are the same: waiting for the disk takes some instructions more or less in each boot.
const TOLERANCE: f64 = 0.02;
/// The steady part has at least so many values, and at least one of so many.
const LEAST_VALUES: usize = 3;
const LEAST_PART: usize = 4;

/// What became of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// It was steady from the first value on.
    Flat,
    /// It ended with the least costs.
    Warmup,
    /// It was less once than it was in the end.
    Slowdown,
    /// It was still changing.
    NoSteadyState,
}

/// Where a series is steady.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Steady {
    /// What became of it.
    pub course: Course,
    /// The first value of the steady part, counted from 1; none without a steady part.
    pub from: Option<u64>,
}

/// The first index of each segment; the first is 0.
///
/// PELT with the cost of a normal distribution whose mean changes.
pub fn segments(values: &[f64]) -> Vec<usize> {
    let count = values.len();
    if count < 2 {
        return vec![0];
    }
    let variance = variance(values);
    let penalty = PENALTY_LOGARITHMS * (count as f64).ln();
    let mut sums = vec![(0.0, 0.0)];
    for value in values {
        let (sum, squares) = sums[sums.len() - 1];
        sums.push((sum + value, squares + value * value));
    }
    // Of the values from `start` to before `end`, in units of the variance.
    let cost = |start: usize, end: usize| {
        let (sum, squares) = (sums[end].0 - sums[start].0, sums[end].1 - sums[start].1);
        (squares - sum * sum / (end - start) as f64).max(0.0) / variance
    };
    let mut least = vec![-penalty];
    let mut last_change = vec![0];
    let mut candidates = vec![0];
    for end in 1..=count {
        let total = |start: &usize| least[*start] + cost(*start, end);
        let best = candidates
            .iter()
            .copied()
            .min_by(|left, right| total(left).total_cmp(&total(right)))
            .unwrap_or(0);
        let found = total(&best) + penalty;
        // What is worse by a penalty now will never be better.
        candidates.retain(|start| total(start) <= found);
        least.push(found);
        last_change.push(best);
        candidates.push(end);
    }
    let mut starts = Vec::new();
    let mut end = count;
    while end > 0 {
        end = last_change[end];
        starts.push(end);
    }
    starts.reverse();
    starts
}

/// Counts of instructions are the same when nothing has changed, but for what waiting for devices takes: half of what is
/// tolerated is taken for the deviation, instead of one that few values would have to tell.
fn variance(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    (TOLERANCE / 2.0 * median).powi(2).max(f64::MIN_POSITIVE)
}

/// When the series is steady.
pub fn steady(values: &[f64]) -> Steady {
    let starts = segments(values);
    let ends = starts.iter().skip(1).copied().chain([values.len()]);
    let parts: Vec<(usize, f64)> = starts
        .iter()
        .zip(ends)
        .filter(|(start, end)| *start < end)
        .map(|(start, end)| {
            let part = &values[*start..end];
            (*start, part.iter().sum::<f64>() / part.len() as f64)
        })
        .collect();
    let Some((_, mean)) = parts.last().copied() else {
        return Steady {
            course: Course::NoSteadyState,
            from: None,
        };
    };
    let is_same = |other: f64| (other - mean).abs() <= TOLERANCE * mean.abs();
    let same = parts.iter().rev().take_while(|(_, other)| is_same(*other));
    let start = same.last().map_or(0, |(start, _)| *start);
    let length = values.len() - start;
    if length < LEAST_VALUES || length * LEAST_PART < values.len() {
        return Steady {
            course: Course::NoSteadyState,
            from: None,
        };
    }
    let mut others = parts.iter().filter(|(other, _)| *other < start);
    let course = if start == 0 {
        Course::Flat
    } else if others.all(|(_, other)| *other > mean || is_same(*other)) {
        Course::Warmup
    } else {
        Course::Slowdown
    };
    Steady {
        course,
        from: Some(start as u64 + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The best segments of all, found by trying every way.
    fn exhaustive(values: &[f64]) -> f64 {
        let count = values.len();
        (0..1_u32 << (count - 1))
            .map(|cuts| {
                let is_cut = |index: &usize| cuts >> (index - 1) & 1 != 0;
                let starts: Vec<usize> = std::iter::once(0)
                    .chain((1..count).filter(is_cut))
                    .collect();
                price(values, &starts)
            })
            .fold(f64::INFINITY, f64::min)
    }

    fn price(values: &[f64], starts: &[usize]) -> f64 {
        let variance = variance(values);
        let ends = starts.iter().skip(1).copied().chain([values.len()]);
        let squares: f64 = starts
            .iter()
            .zip(ends)
            .map(|(start, end)| {
                let part = &values[*start..end];
                let mean = part.iter().sum::<f64>() / part.len() as f64;
                part.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
            })
            .sum();
        let penalty = PENALTY_LOGARITHMS * (values.len() as f64).ln();
        squares / variance + penalty * (starts.len() - 1) as f64
    }

    proptest! {
        #[test]
        fn no_other_segments_are_better(values in prop::collection::vec(0.0_f64..100.0, 2..10)) {
            let starts = segments(&values);
            prop_assert!(starts.is_sorted() && starts[0] == 0);
            let (found, best) = (price(&values, &starts), exhaustive(&values));
            prop_assert!(found <= best + best.abs() * 1e-9 + 1e-6, "{} {}", found, best);
        }

        #[test]
        fn a_step_is_found_where_it_is(
            before in 3_usize..20,
            after in 3_usize..20,
            noise in prop::collection::vec(-1.0_f64..1.0, 40),
        ) {
            let level = |index: usize| if index < before { 1000.0 } else { 700.0 };
            let values: Vec<f64> = (0..before + after)
                .map(|index| level(index) + noise[index])
                .collect();
            prop_assert_eq!(segments(&values), [0, before]);
        }
    }

    fn course(values: &[f64]) -> (Course, Option<u64>) {
        let found = steady(values);
        (found.course, found.from)
    }

    #[test]
    fn courses_have_their_names() {
        assert_eq!(course(&[5.0; 10]), (Course::Flat, Some(1)));
        let warmup = [900.0, 300.0, 120.0, 100.0, 100.1, 100.0, 99.9, 100.0];
        assert_eq!(course(&warmup), (Course::Warmup, Some(4)));
        let slowdown = [100.0, 100.0, 100.0, 150.0, 150.0, 150.0, 150.0];
        assert_eq!(course(&slowdown), (Course::Slowdown, Some(4)));
        let falling: Vec<f64> = (0..10).map(|boot| 1000.0 / f64::from(boot + 1)).collect();
        assert_eq!(course(&falling), (Course::NoSteadyState, None));
        // What happens at the end may go on happening.
        let late = [100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 300.0];
        assert_eq!(course(&late), (Course::NoSteadyState, None));
    }

    #[test]
    fn single_boots_that_compile_are_no_steady_state() {
        // One boot of ten settles, and those after it are as before.
        let mut values = vec![900.0];
        values.extend([100.0; 9]);
        values.push(400.0);
        values.extend([100.0; 4]);
        assert_eq!(course(&values), (Course::Warmup, Some(12)));
        values.truncate(11);
        assert_eq!(course(&values), (Course::NoSteadyState, None));
    }

    /// Millions of instructions of ten boots that compile nothing after the first.
    #[test]
    fn what_devices_take_is_no_change() {
        let values = [
            665.6, 169.9, 166.5, 165.3, 166.5, 171.0, 166.0, 165.6, 165.9, 167.8,
        ];
        assert_eq!(course(&values), (Course::Warmup, Some(2)));
    }

    #[test]
    fn short_series_are_not_judged() {
        assert_eq!(course(&[]), (Course::NoSteadyState, None));
        assert_eq!(course(&[1.0]), (Course::NoSteadyState, None));
        assert_eq!(course(&[1.0, 1.0]), (Course::NoSteadyState, None));
        assert_eq!(course(&[0.0; 5]), (Course::Flat, Some(1)));
    }
}
