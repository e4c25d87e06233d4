//! What compiling a unit costs, and what its code wins: rent or buy.
//!
//! A unit is compiled at a level as soon as the level's code would have saved, so far, what compiling it costs: whoever
//! runs a program knows no more of its future than its past (the cost-benefit model of Arnold, Fink, Grove, Hind and
//! Sweeney, "Adaptive optimization in the Jalapeño JVM", 2000). So what waiting for one level has lost is at most what
//! compiling at it costs, and both together are at most twice the best choice in hindsight.
//!
//! Leaving the interpreter is a bet on more: see [`BET`].

use serde::{Deserialize, Serialize};

use crate::{Kind, LEVELS, Level, Thresholds, Tier};

/// How large a unit is, in instructions of its IR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// What is compiled when it is.
    pub compiled: u32,
    /// What runs for one more in its count.
    pub executed: u32,
}

/// Cycles that grow with a number of instructions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) base: f64,
    pub(crate) each: f64,
}

impl Line {
    fn at(self, instructions: u32) -> f64 {
        self.base + self.each * f64::from(instructions)
    }
}

/// What one more in the count of a unit takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Running {
    /// Of a function, whose calls go through stubs, count and are timed below O2.
    pub(crate) call: Line,
    /// Of a loop.
    pub(crate) iteration: Line,
}

/// In the interpreter; the table of levels says it of the others.
const INTERPRETING: Running = Running {
    call: Line {
        base: 3000.0,
        each: 300.0,
    },
    iteration: Line {
        base: 500.0,
        each: 300.0,
    },
};

/// What one more in the count takes in this tier, on the machine that the table is from.
fn running(kind: Kind, tier: Tier) -> Line {
    let running = match tier {
        Tier::Interpreter => INTERPRETING,
        Tier::Native(level) => level.row().running,
    };
    match kind {
        Kind::Function => running.call,
        Kind::Loop => running.iteration,
    }
}

/// What compiling so many instructions by themselves takes, on the machine that the table is from.
pub(crate) fn compiled_alone(level: Level, instructions: u32) -> f64 {
    level.row().compiling.at(instructions)
}

/// The same, together with others.
pub(crate) fn compiled_in_company(level: Level, instructions: u32) -> f64 {
    level.row().compiling.each * f64::from(instructions)
}

/// How many times its past a unit is going to run that runs in the interpreter. Of the functions that a script calls in
/// SQLite once, ten and a hundred times, 53, 32 and 66 of a hundred are called ten times more: who waits in the
/// interpreter, a hundred times slower than the simplest code, until that code has paid for itself, often runs twice as
/// long as who does not.
const BET: f64 = 8.0;

/// The same of a unit that has code, when better code is made beside the program: nobody waits for a compilation that turns
/// out not to have been worth it, and code that is asked for early is there in time.
const BET_BESIDE: f64 = 4.0;

/// How much less or more a level may turn out to cost, beside the others, than the table of levels says.
const MOST_LEARNT: f64 = 4.0;
/// A prediction weighs as much as so many compilations of nothing.
const PRIOR: f64 = 8.0;

/// How many times more each level costs than predicted, beside all levels, in thousandths; 0 is not known.
pub type Learnt = [u32; LEVELS.len()];

/// What is known of this machine's compilations.
#[derive(Clone, Debug)]
pub struct Costs {
    predicted: [f64; LEVELS.len()],
    taken: [f64; LEVELS.len()],
    /// What earlier boots have learnt of the levels.
    expected: [f64; LEVELS.len()],
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            predicted: [0.0; LEVELS.len()],
            taken: [0.0; LEVELS.len()],
            expected: [1.0; LEVELS.len()],
        }
    }
}

impl Costs {
    /// Starts from what an earlier boot has [learnt](Self::all_learnt). Of how slow the machine was, nothing is known.
    pub fn expect(&mut self, learnt: Learnt) {
        for (expected, thousandths) in self.expected.iter_mut().zip(learnt) {
            if thousandths != 0 {
                *expected = (f64::from(thousandths) / 1000.0).clamp(1.0 / MOST_LEARNT, MOST_LEARNT);
            }
        }
    }

    /// For later boots.
    #[must_use]
    pub fn all_learnt(&self) -> Learnt {
        LEVELS.map(|level| (self.learnt(level) * 1000.0) as u32)
    }

    /// Notes what a compilation has taken, in cycles.
    pub fn learn(&mut self, level: Level, size: Size, cycles: u64) {
        self.predicted[level.index()] += compiled_alone(level, size.compiled);
        self.taken[level.index()] += cycles as f64;
    }

    /// How many times longer this machine takes for what it compiles; LLVM being a program, for all that it runs.
    #[must_use]
    pub fn slowness(&self) -> f64 {
        let sum = |cycles: &[f64]| cycles.iter().sum::<f64>();
        let weight = PRIOR * Level::LOWEST_FOR_ALL.row().compiling.base;
        (sum(&self.taken) + weight) / (sum(&self.predicted) + weight)
    }

    /// How many times more a level costs than predicted, beside all levels.
    fn learnt(&self, level: Level) -> f64 {
        let weight = PRIOR * level.row().compiling.base;
        let all = self.slowness();
        let expected = weight * all * self.expected[level.index()];
        let own = (self.taken[level.index()] + expected) / (self.predicted[level.index()] + weight);
        (own / all).clamp(1.0 / MOST_LEARNT, MOST_LEARNT)
    }

    /// What compiling a unit is going to take on this machine, in cycles.
    #[must_use]
    pub fn prediction(&self, level: Level, size: Size) -> u64 {
        (self.cost(level, size) * self.slowness()) as u64
    }

    /// On a machine like the one that the tables are from.
    fn cost(&self, level: Level, size: Size) -> f64 {
        compiled_alone(level, size.compiled) * self.learnt(level)
    }

    /// How often a unit must be counted in `tier` until its code at `level` would have paid for itself; `None` if it never
    /// does.
    fn pays_at(&self, kind: Kind, size: Size, tier: Tier, level: Level) -> Option<f64> {
        let per_count = |tier: Tier| running(kind, tier).at(size.executed);
        let won = per_count(tier) - per_count(Tier::Native(level));
        (won > 0.0).then(|| self.cost(level, size) / won)
    }

    /// At which counts it pays to compile a unit, each level after the one below it that pays too. Both costs grow
    /// on a slow machine, so that counts do not depend on it.
    #[must_use]
    pub fn thresholds(
        &self,
        kind: Kind,
        size: Size,
        is_allowed: impl Fn(Level) -> bool,
    ) -> Thresholds {
        self.thresholds_with(kind, size, is_allowed, 1.0)
    }

    /// As above, for code that is made beside the program.
    #[must_use]
    pub fn thresholds_beside(
        &self,
        kind: Kind,
        size: Size,
        is_allowed: impl Fn(Level) -> bool,
    ) -> Thresholds {
        self.thresholds_with(kind, size, is_allowed, BET_BESIDE)
    }

    fn thresholds_with(
        &self,
        kind: Kind,
        size: Size,
        is_allowed: impl Fn(Level) -> bool,
        bet_on_code: f64,
    ) -> Thresholds {
        let mut thresholds = Thresholds::default();
        let mut tier = Tier::Interpreter;
        let mut least = 0.0_f64;
        loop {
            let bet = if tier == Tier::Interpreter {
                BET
            } else {
                bet_on_code
            };
            let pays_at = |level| Some((level, self.pays_at(kind, size, tier, level)? / bet));
            let next = LEVELS
                .into_iter()
                .filter(|level| Tier::Native(*level) > tier && is_allowed(*level))
                .filter_map(pays_at)
                .reduce(|best, other| if other.1 < best.1 { other } else { best });
            let Some((level, count)) = next else {
                return thresholds;
            };
            least = least.max(count);
            thresholds[level.index()] = Some(least as u64);
            tier = Tier::Native(level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    extern crate std;

    const MOST: u32 = 1 << 20;

    fn size() -> impl Strategy<Value = Size> {
        (1..MOST, 1..MOST).prop_map(|(compiled, executed)| Size { compiled, executed })
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Function), Just(Kind::Loop)]
    }

    /// What a run takes that ends at `count`, compiling at `thresholds`.
    fn run(costs: &Costs, kind: Kind, size: Size, thresholds: &Thresholds, count: u64) -> f64 {
        let takes = |tier| running(kind, tier).at(size.executed);
        let (mut cycles, mut at, mut tier) = (0.0, 0, Tier::Interpreter);
        for level in LEVELS {
            let Some(due) = thresholds[level.index()].filter(|due| *due < count) else {
                continue;
            };
            let next = thresholds[level.index()..][1..].iter().flatten().min();
            if next.is_some_and(|next| *next <= due) {
                continue;
            }
            cycles += (due - at) as f64 * takes(tier);
            cycles += costs.cost(level, size);
            (at, tier) = (due, Tier::Native(level));
        }
        cycles + (count - at) as f64 * takes(tier)
    }

    /// What it takes for whoever knows when the run will end, and compiles at once or never.
    fn best(costs: &Costs, kind: Kind, size: Size, count: u64) -> f64 {
        let takes = |tier| running(kind, tier).at(size.executed);
        let interpreted = takes(Tier::Interpreter) * count as f64;
        LEVELS
            .into_iter()
            .map(|level| costs.cost(level, size) + takes(Tier::Native(level)) * count as f64)
            .fold(interpreted, f64::min)
    }

    /// Units of whole runs at O0, where everything counts: the sizes and counts that `cargo xtask report --trace` writes
    /// of profiles with `--set calls=1,-,-,- --set iterations=1,-,-,-`.
    const TRACES: [(&str, &str); 6] = [
        ("Lua, fib", include_str!("../tests/traces/lua-fib.txt")),
        (
            "Lua, strings",
            include_str!("../tests/traces/lua-strings.txt"),
        ),
        ("Lua, mixed", include_str!("../tests/traces/lua-mixed.txt")),
        ("SQLite", include_str!("../tests/traces/sqlite.txt")),
        ("zlib", include_str!("../tests/traces/zlib.txt")),
        ("bzip2", include_str!("../tests/traces/bzip2.txt")),
    ];

    fn units(trace: &str) -> impl Iterator<Item = (Kind, Size, u64)> {
        trace.lines().map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let kind = match words[0] {
                "f" => Kind::Function,
                "l" => Kind::Loop,
                other => panic!("no kind: {other}"),
            };
            let number = |index: usize| words[index].parse::<u64>().unwrap();
            let size = Size {
                compiled: number(1) as u32,
                executed: number(2) as u32,
            };
            (kind, size, number(3))
        })
    }

    /// Over the best choices for all units of the trace, when the program ends after a part of it.
    fn competitive_ratio(trace: &str, part: f64) -> f64 {
        let costs = Costs::default();
        let (mut taken, mut least) = (0.0, 0.0);
        for (kind, size, count) in units(trace) {
            let count = ((count as f64 * part) as u64).max(1);
            let thresholds = costs.thresholds(kind, size, |_| true);
            taken += run(&costs, kind, size, &thresholds, count);
            least += best(&costs, kind, size, count);
        }
        taken / least
    }

    #[test]
    fn whole_runs_of_real_programs_cost_at_most_twice_the_best_choices() {
        for (name, trace) in TRACES {
            assert!(units(trace).count() > 50, "{name}");
            let ratio = competitive_ratio(trace, 1.0);
            assert!((1.0..2.0).contains(&ratio), "{name}: {ratio}");
        }
    }

    /// Wherever a program ends, its units have run as long as they have, and other choices are the best. Of a run that is
    /// over in milliseconds, lost bets are a large part.
    #[test]
    fn programs_that_end_early_cost_a_small_multiple_of_the_best_choices() {
        for (name, trace) in TRACES {
            let mut all: Vec<f64> = (1..=200)
                .map(|part| competitive_ratio(trace, f64::from(part) / 200.0))
                .collect();
            all.sort_by(f64::total_cmp);
            let (median, worst) = (all[all.len() / 2], all[all.len() - 1]);
            assert!(median < 2.0 && worst < 5.0, "{name}: {median}, {worst}");
        }
    }

    proptest! {
        /// Against whoever knows when the run will end, and compiles at once or never. A chain of levels pays at most
        /// twice for each step, and each step costs more than those before it. A bet that is lost costs what it
        /// is about.
        #[test]
        fn waiting_costs_at_most_a_small_multiple_of_the_best_choice(
            kind in kind(), size in size(), count in 1_u64..1 << 40,
        ) {
            let costs = Costs::default();
            let thresholds = costs.thresholds(kind, size, |_| true);
            let taken = run(&costs, kind, size, &thresholds, count);
            let best = best(&costs, kind, size, count);
            let is_bet = |due: &u64| *due <= count && count as f64 <= *due as f64 * BET;
            let most = if thresholds.iter().flatten().next().is_some_and(is_bet) {
                1.0 + BET
            } else {
                3.0
            };
            prop_assert!(taken <= most * best + 1e3, "{} times", taken / best);
        }

        #[test]
        fn code_made_beside_the_program_is_asked_for_no_later(kind in kind(), size in size()) {
            let costs = Costs::default();
            let beside = costs.thresholds_beside(kind, size, |_| true);
            let waited = costs.thresholds(kind, size, |_| true);
            prop_assert!(beside.iter().flatten().is_sorted());
            for (early, late) in beside.iter().zip(&waited) {
                prop_assert!(early.is_none() || late.is_none() || early <= late);
            }
        }

        #[test]
        fn thresholds_never_decrease(kind in kind(), size in size()) {
            let thresholds = Costs::default().thresholds(kind, size, |_| true);
            prop_assert!(thresholds.iter().flatten().is_sorted());
            prop_assert!(thresholds[Level::O3.index()].is_some());
        }

        #[test]
        fn a_slow_machine_changes_no_threshold(
            kind in kind(), size in size(), slowness in 1_u32..100, compiled in 1..MOST,
        ) {
            let mut costs = Costs::default();
            let measured = Size { compiled, executed: 1 };
            for level in LEVELS {
                let cycles = level.row().compiling.at(compiled) * f64::from(slowness);
                costs.learn(level, measured, cycles as u64);
            }
            prop_assert!(costs.slowness() <= f64::from(slowness) + 1e-3);
            let expected = Costs::default().thresholds(kind, size, |_| true);
            for (found, expected) in costs.thresholds(kind, size, |_| true).iter().flatten().zip(expected.iter().flatten()) {
                prop_assert!(found.abs_diff(*expected) <= expected / 10 + 1);
            }
        }
    }

    #[test]
    fn what_was_learnt_goes_on_and_nonsense_does_no_harm() {
        let size = Size {
            compiled: 100,
            executed: 50,
        };
        let mut costs = Costs::default();
        assert_eq!(costs.all_learnt(), [1000; LEVELS.len()]);
        for _ in 0..100 {
            costs.learn(Level::O2, size, 5 * costs.prediction(Level::O2, size));
        }
        let learnt = costs.all_learnt();
        let mut later = Costs::default();
        later.expect(learnt);
        let thresholds = |costs: &Costs| costs.thresholds(Kind::Function, size, |_| true);
        assert!(later.all_learnt()[Level::O2.index()].abs_diff(learnt[Level::O2.index()]) <= 1);
        assert_ne!(thresholds(&later), thresholds(&Costs::default()));
        let mut unknown = Costs::default();
        unknown.expect([0; LEVELS.len()]);
        assert_eq!(thresholds(&unknown), thresholds(&Costs::default()));
        let mut absurd = Costs::default();
        absurd.expect(LEVELS.map(|level| if level.index() % 2 == 0 { u32::MAX } else { 1 }));
        assert!(
            thresholds(&absurd)
                .iter()
                .flatten()
                .all(|count| *count < 1 << 40)
        );
    }

    #[test]
    fn what_costs_more_here_than_elsewhere_is_due_later() {
        let size = Size {
            compiled: 100,
            executed: 50,
        };
        let mut costs = Costs::default();
        let before = costs.thresholds(Kind::Function, size, |_| true);
        for _ in 0..100 {
            for level in LEVELS {
                let times = if level == Level::O3 { 3 } else { 1 };
                costs.learn(level, size, times * costs.prediction(level, size));
            }
        }
        let after = costs.thresholds(Kind::Function, size, |_| true);
        assert!(
            after[Level::O3.index()] > before[Level::O3.index()],
            "{before:?} {after:?}"
        );
    }
}
