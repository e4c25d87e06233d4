//! What all units are judged by.

use crate::{Config, Costs, Kind, LEVELS, Level, Policy, Size, Thresholds};

/// The settings, and what has been learnt and spent since the program was opened.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The settings.
    pub config: Config,
    /// Whether what has code gets better code beside the program, which does not wait for it.
    pub is_beside: bool,
    /// What compiling costs on this machine.
    pub costs: Costs,
    /// What all compilations have taken, in cycles.
    pub spent_cycles: u64,
    /// What those promotions have taken of it that [take a share](crate::Unit::takes_share), and for which the program
    /// has waited.
    pub promotion_cycles: u64,
    /// What those have taken that were made beside the program.
    pub beside_cycles: u64,
    /// What those are going to take that have been asked for.
    pub asked_cycles: u64,
}

/// How often a unit has to be counted, interpreted and in native code, before its size is worth being looked at.
const FIRST_LOOK: [[u64; 2]; 2] = [[4, 100], [100, 1_000]];

/// What promotions may take of the first second, and of the time after it. A function that leaves the interpreter is
/// none of them: its first code costs little, and what a program runs has it sooner or later.
const FIRST_SHARE: f64 = 0.5;
const LATER_SHARE: f64 = 0.1;
/// The same for compiling beside the program, where it takes nothing from it but memory's attention and power. It has
/// all of the first second, whenever that is.
const SHARE_BESIDE: f64 = 0.5;
const NS_PER_SECOND: f64 = 1e9;

impl Rules {
    /// The rules of a program that starts.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// Whether the budget of compile time is spent.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        let budget = self.config.budget_cycles;
        budget.is_some_and(|budget| self.spent_cycles >= budget)
    }

    /// The same rules for what the program compiles itself.
    #[must_use]
    pub fn here(&self) -> Self {
        Self {
            is_beside: false,
            ..self.clone()
        }
    }

    /// Whether a unit's size must be known before it can be promoted.
    #[must_use]
    pub fn needs_sizes(&self) -> bool {
        self.config.policy == Policy::Costs
    }

    /// The thresholds of a unit that may be compiled at some levels; those of one whose size is not known say when to
    /// look at it.
    #[must_use]
    pub fn thresholds(
        &self,
        kind: Kind,
        size: Option<Size>,
        is_allowed: impl Fn(Level) -> bool,
    ) -> Thresholds {
        let levels = self.config.levels;
        let is_allowed = |level| levels.contains(level) && is_allowed(level);
        let (counts, first_look) = match kind {
            Kind::Function => (&self.config.calls, FIRST_LOOK[0]),
            Kind::Loop => (&self.config.iterations, FIRST_LOOK[1]),
        };
        match (self.config.policy, size) {
            (Policy::Counts, _) => {
                let mut counts = *counts;
                for level in LEVELS
                    .into_iter()
                    .filter(|level| !self.config.levels.contains(*level))
                {
                    counts[level.index()] = None;
                }
                counts
            }
            (Policy::Costs, Some(size)) if self.is_beside => {
                self.costs.thresholds_beside(kind, size, is_allowed)
            }
            (Policy::Costs, Some(size)) => self.costs.thresholds(kind, size, is_allowed),
            (Policy::Costs, None) => {
                let mut thresholds = Thresholds::default();
                thresholds[levels.lowest_optimising().index()] = Some(first_look[1]);
                thresholds[levels.lowest().index()] = Some(first_look[0]);
                thresholds
            }
        }
    }

    /// Whether a promotion at `level` fits into the share of time that promotions have, so long after the start. The
    /// first second is as long as this machine takes for what others do in one.
    #[must_use]
    pub fn has_time_for(
        &self,
        level: Level,
        size: Option<Size>,
        elapsed_cycles: u64,
        elapsed_ns: u64,
    ) -> bool {
        let (Policy::Costs, Some(size)) = (self.config.policy, size) else {
            return true;
        };
        let second_ns = NS_PER_SECOND * self.costs.slowness().max(1.0);
        let first = (second_ns / (elapsed_ns as f64).max(second_ns)).min(1.0);
        let elapsed = elapsed_cycles as f64;
        let (spent, share) = if self.is_beside {
            let cycles_per_ns = elapsed / (elapsed_ns as f64).max(1.0);
            let share = elapsed * SHARE_BESIDE + second_ns * cycles_per_ns;
            (self.beside_cycles + self.asked_cycles, share)
        } else {
            let share = FIRST_SHARE * first + LATER_SHARE * (1.0 - first);
            (self.promotion_cycles, elapsed * share)
        };
        (spent + self.costs.prediction(level, size)) as f64 <= share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tier, Unit};
    use proptest::prelude::*;
    use std::vec::Vec;

    extern crate std;

    const SECOND: u64 = NS_PER_SECOND as u64;

    proptest! {
        #[test]
        fn promotions_keep_to_their_share(
            units in prop::collection::vec((1_u32..100_000, 0..LEVELS.len(), 0_u64..1 << 28), 0..200),
        ) {
            let mut rules = Rules::new(Config::AUTOMATIC);
            let mut elapsed = 0;
            for (compiled, level, ran) in units {
                elapsed += ran;
                let size = Size { compiled, executed: 1 };
                let level = LEVELS[level];
                if rules.has_time_for(level, Some(size), elapsed, elapsed) {
                    let cycles = rules.costs.prediction(level, size);
                    rules.promotion_cycles += cycles;
                    elapsed += cycles;
                }
                let (first, later) = (elapsed.min(SECOND), elapsed.saturating_sub(SECOND));
                prop_assert!(rules.promotion_cycles <= first / 2 + later / 10 + 1);
            }
        }
    }

    const SETS: usize = 6;
    const IN_A_SET: usize = 10;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Another set of functions is all that runs in each half second, and compilations take half of what is predicted
        /// up to one and a half times as much.
        #[test]
        fn every_hot_set_has_its_share_of_promotions(noise in prop::collection::vec(0.5..1.5_f64, 1..100)) {
            const COUNTS: u64 = 1_000;
            const CYCLES_PER_COUNT: u64 = 175;
            let size = Size { compiled: 40, executed: 40 };
            let mut rules = Rules::new(Config::AUTOMATIC);
            let mut noise = noise.iter().cycle();
            let mut elapsed = 0;
            for set in 0..SETS {
                let mut units: Vec<Unit> = std::iter::repeat_n(Unit::new(Kind::Function), IN_A_SET).collect();
                units.iter_mut().for_each(|unit| unit.set_size(size));
                let end = elapsed + SECOND / 2;
                let mut count = 0;
                while elapsed < end {
                    count += COUNTS;
                    for unit in &mut units {
                        elapsed += COUNTS * CYCLES_PER_COUNT;
                        let Some(level) = unit.promotion(&rules, count) else {
                            continue;
                        };
                        let takes_share = unit.takes_share();
                        if takes_share && !rules.has_time_for(level, Some(size), elapsed, elapsed) {
                            unit.postpone(count);
                            continue;
                        }
                        let predicted = rules.costs.prediction(level, size) as f64;
                        let cycles = (predicted * noise.next().unwrap()) as u64;
                        elapsed += cycles;
                        rules.promotion_cycles += if takes_share { cycles } else { 0 };
                        rules.costs.learn(level, size, cycles);
                        unit.compiled(level);
                    }
                }
                let better = units.iter().filter(|unit| unit.tier() > Tier::Native(Level::O0)).count();
                prop_assert!(better > 0, "{better} of set {set}");
            }
        }
    }

    #[test]
    fn beside_the_program_there_is_a_second_and_half_of_the_time() {
        let mut rules = Rules::new(Config::AUTOMATIC);
        rules.is_beside = true;
        let size = Some(Size {
            compiled: 1000,
            executed: 1,
        });
        for (spent, elapsed, has_time) in [
            (SECOND / 10 * 9, SECOND / 100, true),
            (SECOND * 2, SECOND, false),
            (SECOND * 5, SECOND * 10, true),
            (SECOND * 7, SECOND * 10, false),
        ] {
            rules.beside_cycles = spent;
            let found = rules.has_time_for(Level::O1, size, elapsed, elapsed);
            assert_eq!(found, has_time, "{spent} of {elapsed}");
        }
    }

    #[test]
    fn counts_know_no_share() {
        let mut config = Config::AUTOMATIC;
        config.set("policy=counts").unwrap();
        let size = Size {
            compiled: 1 << 30,
            executed: 1,
        };
        assert!(Rules::new(config).has_time_for(Level::O3, Some(size), 0, SECOND));
        assert!(!Rules::new(Config::AUTOMATIC).has_time_for(Level::O3, Some(size), 0, SECOND));
    }
}
