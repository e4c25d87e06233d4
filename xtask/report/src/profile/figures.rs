//! What is computed from a profile: the terminal's table and the page show the same figures.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use bareflow_tier_policy::{LEVELS, Level, TIERS, Tier};
use indicatif::HumanBytes;

use super::{Boot, Compilation, Function, Part, RunProfile, SampledSymbol};

/// The figures of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelFigures {
    /// The level.
    pub level: Level,
    /// Calls or iterations after which code is compiled at it.
    pub threshold: Option<u64>,
    /// How many functions were at this tier at the end.
    pub function_count: usize,
    /// How many compilations of functions and loops there were.
    pub compilation_count: usize,
    /// Cycles that they took.
    pub cycles: u64,
    /// Bytes of code that they made, replaced code included.
    pub code_bytes: u64,
}

/// How many functions were in each tier from one time on; the tiers are ordered as in [`TIERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierCounts {
    /// Since when, in cycles since the program's start.
    pub at: u64,
    /// How many functions.
    pub counts: [usize; TIERS.len()],
}

/// By what functions are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Ticks of the timer that found the function itself running.
    Samples,
    /// Cycles of measured calls, with the functions that they called.
    Cycles,
}

/// Functions by the time that they took, the longest first.
#[derive(Debug)]
pub struct Ranking<'a> {
    /// What the numbers are.
    pub measure: Measure,
    /// The functions, all of them.
    pub rows: Vec<(&'a Function, u64)>,
}

/// The compilations of a function and of its loops.
fn all_compilations(function: &Function) -> impl Iterator<Item = &Compilation> {
    let of_loops = function.loops.iter().flat_map(|part| &part.compilations);
    function.compilations.iter().chain(of_loops)
}

/// What follows from the numbers of a profile.
pub trait Figures {
    /// How long so many cycles are.
    fn duration(&self, cycles: u64) -> Duration;

    /// What a boot took and left, in a line.
    fn describe_boot(&self, boot: &Boot) -> String;

    /// How long so many samples stand for.
    fn sampled_duration(&self, count: u64) -> Duration;

    /// How long a number of the ranking is.
    fn ranked_duration(&self, measure: Measure, number: u64) -> Duration;

    /// The figures of the levels that were in use, and of those that code was made at in their place.
    fn levels(&self) -> Vec<LevelFigures>;

    /// The tiers that functions can have been in: the interpreter, and these levels.
    fn tiers(&self) -> Vec<Tier>;

    /// How many functions were in each tier, from the start on and after every compilation of a function.
    ///
    /// A function starts in the interpreter; one without compilations was in the tier of its end all the time.
    fn tier_history(&self) -> Vec<TierCounts>;

    /// The functions by samples; by measured cycles when no sample was in any of them.
    fn ranking(&self) -> Ranking<'_>;

    /// All samples.
    fn sample_count(&self) -> u64;

    /// The samples of each part, ordered as in [`Part::ALL`].
    fn samples_by_part(&self) -> [(Part, u64); Part::ALL.len()];

    /// The symbols with the most samples, the most frequent one first.
    fn top_symbols(&self, limit: usize) -> Vec<&SampledSymbol>;
}

impl Figures for RunProfile {
    fn duration(&self, cycles: u64) -> Duration {
        duration(cycles as f64 / self.cycles_per_second as f64)
    }

    fn describe_boot(&self, boot: &Boot) -> String {
        let with_size = |number, bytes| format!("snapshot {number} of {}", HumanBytes(bytes));
        let used = boot.snapshot.map_or("no snapshot".to_owned(), |number| {
            with_size(number, boot.snapshot_bytes)
        });
        let mut text = format!(
            "{}, from {used}, {:.2?} to load",
            boot.number,
            self.duration(boot.load_cycles)
        );
        if let Some(number) = boot.saved {
            text += &format!("; saved {}", with_size(number, boot.saved_bytes));
        }
        for (bytes, what) in [
            (boot.llvm_bytes_read, "of LLVM read"),
            (boot.memory_bytes, "of memory in use"),
        ] {
            if let Some(bytes) = bytes {
                text += &format!("; {} {what}", HumanBytes(bytes));
            }
        }
        text
    }

    fn sampled_duration(&self, count: u64) -> Duration {
        duration(count as f64 / self.samples.per_second.max(1) as f64)
    }

    fn ranked_duration(&self, measure: Measure, number: u64) -> Duration {
        match measure {
            Measure::Samples => self.sampled_duration(number),
            Measure::Cycles => self.duration(number),
        }
    }

    fn levels(&self) -> Vec<LevelFigures> {
        let mut figures = LEVELS.map(|level| LevelFigures {
            level,
            threshold: None,
            function_count: 0,
            compilation_count: 0,
            cycles: 0,
            code_bytes: 0,
        });
        let mut is_shown = [false; LEVELS.len()];
        for used in &self.levels {
            is_shown[used.level.index()] = true;
            figures[used.level.index()].threshold = used.calls;
        }
        for function in &self.functions {
            if let Tier::Native(level) = function.tier {
                is_shown[level.index()] = true;
                figures[level.index()].function_count += 1;
            }
        }
        for compilation in self.functions.iter().flat_map(all_compilations) {
            is_shown[compilation.level.index()] = true;
            let figures = &mut figures[compilation.level.index()];
            figures.compilation_count += 1;
            figures.cycles = figures.cycles.saturating_add(compilation.cycles);
            figures.code_bytes = figures.code_bytes.saturating_add(compilation.code_bytes);
        }
        let mut shown = is_shown.into_iter();
        let figures = figures.into_iter();
        figures.filter(|_| shown.next() == Some(true)).collect()
    }

    fn tiers(&self) -> Vec<Tier> {
        let levels = Figures::levels(self).into_iter();
        let levels = levels.map(|figures| Tier::Native(figures.level));
        core::iter::once(Tier::Interpreter).chain(levels).collect()
    }

    fn tier_history(&self) -> Vec<TierCounts> {
        let mut counts = [0; TIERS.len()];
        let mut changes = Vec::new();
        for function in &self.functions {
            let mut tier = match function.compilations.first() {
                Some(_) => Tier::Interpreter,
                None => function.tier,
            };
            counts[tier.index()] += 1;
            let mut compilations: Vec<&Compilation> = function.compilations.iter().collect();
            compilations.sort_by_key(|compilation| compilation.at);
            for compilation in compilations {
                changes.push((compilation.at, tier, Tier::Native(compilation.level)));
                tier = Tier::Native(compilation.level);
            }
        }
        // The sort is stable, so a function's changes at one time keep their order.
        changes.sort_by_key(|&(at, ..)| at);
        let mut history = vec![TierCounts { at: 0, counts }];
        for (at, from, to) in changes {
            counts[from.index()] -= 1;
            counts[to.index()] += 1;
            match history.last_mut() {
                Some(last) if last.at == at => last.counts = counts,
                _ => history.push(TierCounts { at, counts }),
            }
        }
        history
    }

    fn ranking(&self) -> Ranking<'_> {
        let mut samples: HashMap<&str, u64> = self
            .functions
            .iter()
            .map(|function| (function.name.as_str(), 0))
            .collect();
        for sampled in &self.samples.symbols {
            if sampled.part == Part::Program
                && let Some(name) = function_name(&sampled.symbol, &samples)
                && let Some(count) = samples.get_mut(name)
            {
                *count = count.saturating_add(sampled.count);
            }
        }
        let measure = if samples.values().any(|count| *count > 0) {
            Measure::Samples
        } else {
            Measure::Cycles
        };
        let mut rows: Vec<(&Function, u64)> = self
            .functions
            .iter()
            .map(|function| {
                let number = match measure {
                    Measure::Samples => samples[function.name.as_str()],
                    Measure::Cycles => function.cycles.as_ref().map_or(0, |cycles| cycles.total),
                };
                (function, number)
            })
            .collect();
        rows.sort_by_key(|&(_, number)| Reverse(number));
        Ranking { measure, rows }
    }

    fn sample_count(&self) -> u64 {
        total(self.samples.symbols.iter())
    }

    fn samples_by_part(&self) -> [(Part, u64); Part::ALL.len()] {
        Part::ALL.map(|part| {
            let symbols = self.samples.symbols.iter();
            (part, total(symbols.filter(|symbol| symbol.part == part)))
        })
    }

    fn top_symbols(&self, limit: usize) -> Vec<&SampledSymbol> {
        let mut symbols: Vec<&SampledSymbol> = self.samples.symbols.iter().collect();
        symbols.sort_by_key(|symbol| Reverse(symbol.count));
        symbols.truncate(limit);
        symbols
    }
}

/// `part` of `whole` in percent; 0 of nothing.
pub fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn total<'a>(symbols: impl Iterator<Item = &'a SampledSymbol>) -> u64 {
    symbols.fold(0, |sum: u64, symbol| sum.saturating_add(symbol.count))
}

/// The longest duration stands for all that are longer.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// The function that a symbol of the program belongs to. Code of a second compilation is called
/// `name.O<level>`.
fn function_name<'a>(symbol: &'a str, functions: &HashMap<&str, u64>) -> Option<&'a str> {
    if functions.contains_key(symbol) {
        return Some(symbol);
    }
    let (name, suffix) = symbol.rsplit_once('.')?;
    Level::from_name(suffix).map(|_| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{fixture, fixture_with};
    use super::*;

    fn of_tiers(step: &TierCounts) -> Vec<usize> {
        let tiers = fixture().tiers().into_iter();
        tiers.map(|tier| step.counts[tier.index()]).collect()
    }

    #[test]
    fn levels_count_functions_and_loops() {
        let levels = Figures::levels(&fixture());
        let of_each =
            |number: fn(&LevelFigures) -> usize| levels.iter().map(number).collect::<Vec<_>>();
        assert_eq!(of_each(|level| level.function_count), [1, 1, 1, 1]);
        assert_eq!(of_each(|level| level.compilation_count), [4, 3, 3, 1]);
        assert_eq!(levels[3].cycles, 33_840_000);
        assert_eq!(levels[2].code_bytes, 322 + 508 + 198);
        assert_eq!(levels[0].threshold, Some(2));
    }

    #[test]
    fn every_function_is_in_one_tier_at_any_time() {
        let history = fixture().tier_history();
        assert_eq!(of_tiers(&history[0]), [6, 0, 0, 0, 0]);
        assert!(history.is_sorted_by(|earlier, later| earlier.at < later.at));
        for step in &history {
            assert_eq!(step.counts.iter().sum::<usize>(), 6);
        }
        assert_eq!(of_tiers(history.last().unwrap()), [2, 1, 1, 1, 1]);
    }

    #[test]
    fn a_function_that_was_never_compiled_stays_in_its_tier() {
        let profile = fixture_with("/functions/4/tier", json!("O3")).unwrap();
        assert_eq!(of_tiers(&profile.tier_history()[0]), [5, 0, 0, 0, 1]);
    }

    #[test]
    fn functions_are_ranked_by_the_samples_of_all_their_code() {
        let profile = fixture();
        let ranking = profile.ranking();
        assert_eq!(ranking.measure, Measure::Samples);
        let first: Vec<(&str, u64)> = ranking
            .rows
            .iter()
            .take(3)
            .map(|(function, count)| (function.name.as_str(), *count))
            .collect();
        assert_eq!(
            first,
            [
                ("fib", 688 + 41),
                ("checksum<int&>", 120),
                ("print_row", 44)
            ]
        );
        assert_eq!(ranking.rows.len(), 6);
    }

    #[test]
    fn without_samples_functions_are_ranked_by_cycles() {
        let profile = fixture_with("/samples/symbols", json!([])).unwrap();
        let ranking = profile.ranking();
        assert_eq!(ranking.measure, Measure::Cycles);
        assert_eq!(ranking.rows[0].0.name, "main");
    }

    #[test]
    fn parts_share_all_samples() {
        let profile = fixture();
        let parts = profile.samples_by_part();
        assert_eq!(parts.map(|(_, count)| count), [893, 173, 39, 95]);
        assert_eq!(profile.sample_count(), 1200);
        assert_eq!(percent(300, 1200), 25.0);
        assert_eq!(percent(0, 0), 0.0);
        assert_eq!(profile.top_symbols(2)[1].symbol, "checksum<int&>");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let symbols = json!([
            {"symbol": "fib", "part": "program", "count": u64::MAX},
            {"symbol": "fib.O1", "part": "program", "count": u64::MAX},
        ]);
        let profile = fixture_with("/samples/symbols", symbols).unwrap();
        assert_eq!(profile.ranking().rows[0].1, u64::MAX);
        assert_eq!(profile.sample_count(), u64::MAX);
        let profile = fixture_with("/cycles_per_second", json!(1)).unwrap();
        assert!(profile.duration(u64::MAX) > Duration::from_secs(1));
    }
}
