//! A unit, and what is to be done with it.

use crate::config::due;
use crate::{Counting, LEVELS, Level, LevelSet, Policy, Rules, Size, Thresholds, Tier};

/// How much of the stack a call of an interpreter may take at O0, in bytes. Programs in its language call each other, and
/// interpreters watch the stack: where clang's code at O0 lets QuickJS's programs call 28 deep, that at O2 does 277.
const MOST_FRAME_BYTES: u32 = 6 << 10;
/// Of a unit that jumps by labels: how soon the code that stays is asked for where it is made beside the program. It is
/// most likely what runs longest.
const SOON: [u64; 2] = [2, 10_000];
/// With fewer iterations, a loop of it makes do with the code of another one.
const OWN_ITERATIONS: u64 = 1_000_000;

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function: its calls count.
    Function,
    /// A loop: its iterations count.
    Loop,
}

/// What the policy remembers of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    kind: Kind,
    size: Option<Size>,
    tier: Tier,
    /// Compiled, or failed to.
    tried: [bool; LEVELS.len()],
    /// The highest level that a loop of the function has reached.
    loops: Option<Level>,
    /// The level that it is to have instead of one whose generator has refused it.
    instead: Option<Level>,
    /// Of a loop: which levels have been put off.
    put_off: [bool; LEVELS.len()],
    /// The count at which it is due again.
    not_before: u64,
    /// If it jumps by labels: its frame at O0, in bytes.
    jumps: Option<u32>,
    /// Whether it is a loop that does not count where [flat loops](Counting::NotFlatLoops) do not.
    is_flat: bool,
}

impl Unit {
    /// A unit that has no code yet.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            size: None,
            tier: Tier::Interpreter,
            tried: [false; LEVELS.len()],
            loops: None,
            instead: None,
            put_off: [false; LEVELS.len()],
            not_before: 0,
            jumps: None,
            is_flat: false,
        }
    }

    /// A unit with a history: its code, at which levels it was compiled or failed to, and the highest level that one
    /// of its loops has reached.
    #[must_use]
    pub const fn with_history(
        kind: Kind,
        tier: Tier,
        tried: [bool; LEVELS.len()],
        loops: Option<Level>,
    ) -> Self {
        Self {
            tier,
            tried,
            loops,
            ..Self::new(kind)
        }
    }

    /// Whether it is a function or a loop.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The levels at which it was compiled or failed to.
    #[must_use]
    pub const fn tried(&self) -> [bool; LEVELS.len()] {
        self.tried
    }

    /// The levels above its tier at which it failed to be compiled.
    #[must_use]
    pub fn failures(&self) -> [bool; LEVELS.len()] {
        LEVELS.map(|level| Tier::Native(level) > self.tier && self.tried[level.index()])
    }

    /// The highest level that one of its loops has reached.
    #[must_use]
    pub const fn loops(&self) -> Option<Level> {
        self.loops
    }

    /// Whether its next promotion needs a place in the share of time that promotions have: every one but that from the
    /// interpreter.
    #[must_use]
    pub fn takes_share(&self) -> bool {
        self.tier != Tier::Interpreter
    }

    /// How it runs.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// How large it is, if anybody has looked.
    #[must_use]
    pub const fn size(&self) -> Option<Size> {
        self.size
    }

    /// Notes how large it is.
    pub fn set_size(&mut self, size: Size) {
        self.size = Some(size);
    }

    /// Notes whether it jumps by labels, as interpreters do: with about so many bytes of the stack for a call at O0.
    pub const fn set_jumps(&mut self, frame_bytes: Option<u32>) {
        self.jumps = frame_bytes;
    }

    /// Notes whether it is a [flat loop](Counting::NotFlatLoops), without calls and other loops.
    pub const fn set_flat(&mut self, is_flat: bool) {
        self.is_flat = is_flat;
    }

    /// Where costs decide, what jumps by labels is not compiled at a level that optimises its counters: at O1 that takes
    /// longer than O2. And a loop that would not leave a level goes past it.
    fn skips(&self, rules: &Rules, level: Level) -> bool {
        let is_skipped = match level.can().counts {
            Counting::Everything => level.can().optimises && self.jumps.is_some(),
            Counting::NotFlatLoops => self.is_flat && self.jumps.is_none(),
            Counting::Nothing => false,
        };
        is_skipped && rules.config.policy == Policy::Costs
    }

    /// Notes the levels that it goes past as if they had failed: a boot from a snapshot, without its IR, does not know why.
    pub fn remember_skips(&mut self, rules: &Rules) {
        for level in LEVELS {
            self.tried[level.index()] |= self.skips(rules, level);
        }
    }

    fn first_level(&self, rules: &Rules) -> Level {
        let by_costs = rules.config.policy == Policy::Costs;
        let is_deep = self.jumps.is_some_and(|bytes| bytes > MOST_FRAME_BYTES);
        match self.kind {
            Kind::Function if is_deep && by_costs => self.lowest_optimising(rules),
            Kind::Function => rules.config.levels.lowest(),
            Kind::Loop => self.lowest_optimising(rules),
        }
    }

    fn lowest_optimising(&self, rules: &Rules) -> Level {
        let levels = rules.config.levels;
        levels.lowest_where(|level| level.can().optimises && !self.skips(rules, level))
    }

    fn is_wanted_soon(&self, rules: &Rules) -> bool {
        rules.is_beside && self.jumps.is_some() && rules.config.policy == Policy::Costs
    }

    /// Whether the code of another loop of its function may do for it.
    #[must_use]
    pub fn is_covered_by_siblings(&self, rules: &Rules, count: u64) -> bool {
        self.kind == Kind::Loop && self.is_wanted_soon(rules) && count < OWN_ITERATIONS
    }

    fn thresholds(&self, rules: &Rules) -> Thresholds {
        let mut thresholds =
            rules.thresholds(self.kind, self.size, |level| !self.skips(rules, level));
        if self.is_wanted_soon(rules) {
            let soon = match self.kind {
                Kind::Function => SOON[0],
                Kind::Loop => SOON[1],
            };
            let threshold = &mut thresholds[self.lowest_optimising(rules).index()];
            *threshold = Some(threshold.map_or(soon, |count| count.min(soon)));
        }
        thresholds
    }

    /// The count at which the level would pay for itself, or the level that comes before it.
    #[must_use]
    pub fn worth(&self, rules: &Rules, level: Level) -> u64 {
        let thresholds = self.thresholds(&rules.here());
        let up_to = thresholds[..=level.index()].iter().rev();
        up_to.flatten().next().copied().unwrap_or(1)
    }

    /// Whether compiling it at the level is still to be tried, and would be an improvement.
    #[must_use]
    pub fn may_become(&self, level: Level) -> bool {
        Tier::Native(level) > self.tier && !self.tried[level.index()]
    }

    /// The level to compile the unit at now that it counts `count`; `None` is not now.
    #[must_use]
    pub fn promotion(&self, rules: &Rules, count: u64) -> Option<Level> {
        if rules.is_spent() || count < self.not_before {
            return None;
        }
        let by_count = due(&self.thresholds(rules), count);
        by_count
            .max(self.loops)
            .max(self.instead)
            .filter(|level| self.may_become(*level))
    }

    /// The level that the unit's count makes it due for, whether or not there is time for it now.
    #[must_use]
    pub fn due(&self, rules: &Rules, count: u64) -> Option<Level> {
        due(&self.thresholds(rules), count).filter(|level| self.may_become(*level))
    }

    /// The level that its count makes it due for, of those that make a difference: it runs in code of `runs_in`, its own or
    /// its function's, and its first code is never of the levels below that.
    #[must_use]
    pub fn due_beyond(&self, rules: &Rules, count: u64, runs_in: Tier) -> Option<Level> {
        let first = self.first_level(rules);
        self.due(rules, count)
            .filter(|level| *level >= first && Tier::Native(*level) > runs_in)
    }

    /// The level to compile at when native code is about to be entered and there is none; `None` when
    /// every level has failed. The budget does not count: without code the program cannot go on.
    #[must_use]
    pub fn first_code(&self, rules: &Rules, count: u64) -> Option<Level> {
        let lowest = self.first_level(rules);
        // Better code is made beside the program.
        let is_light = rules.is_beside && rules.config.policy == Policy::Costs;
        let wanted = due(&self.thresholds(rules), count)
            .max(self.loops)
            .filter(|_| !is_light)
            .map_or(lowest, |level| level.max(lowest));
        // What is wanted, else the nearest below, else the nearest above.
        let levels = rules.config.levels;
        let below = levels.iter().rev().filter(move |level| *level <= wanted);
        below
            .chain(levels.above(wanted))
            .find(|level| self.may_become(*level))
    }

    /// At which count the unit's version in `version` must ask again; `u64::MAX` is never.
    #[must_use]
    pub fn limit(&self, rules: &Rules, version: Tier) -> u64 {
        if rules.is_spent() {
            return u64::MAX;
        }
        let is_due = |level| self.may_become(level);
        if self.loops.is_some_and(is_due) || self.instead.is_some_and(is_due) {
            return self.not_before;
        }
        let thresholds = self.thresholds(rules);
        let next = LEVELS
            .into_iter()
            // A loop's old version leaves for the loop's newest code, whatever that is by now.
            .filter(|level| match self.kind {
                Kind::Function => self.may_become(*level),
                Kind::Loop => !self.tried[level.index()] || self.tier >= Tier::Native(*level),
            })
            .filter(|level| Tier::Native(*level) > version)
            .find_map(|level| thresholds[level.index()]);
        next.unwrap_or(u64::MAX).max(self.not_before)
    }

    /// Notes a compilation at `level`.
    pub fn compiled(&mut self, level: Level) {
        self.tried[level.index()] = true;
        self.tier = self.tier.max(Tier::Native(level));
    }

    /// Notes that a compilation at `level` failed.
    pub fn failed(&mut self, level: Level) {
        self.tried[level.index()] = true;
    }

    /// Notes that the code generator of `level` refuses it. Returns the next level, for which it is due now, if there is
    /// one.
    pub fn refused(&mut self, levels: &LevelSet, level: Level) -> Option<Level> {
        self.failed(level);
        let next = levels.above(level).find(|above| self.may_become(*above));
        self.instead = self.instead.max(next);
        next
    }

    /// Notes that compilations at these levels have failed in an earlier boot.
    pub fn remember_failures(&mut self, failures: [bool; LEVELS.len()]) {
        for level in LEVELS.into_iter().filter(|level| failures[level.index()]) {
            self.failed(level);
        }
    }

    /// Notes that a compilation at `level` took too long: those above would take longer.
    pub fn took_too_long(&mut self, level: Level) {
        self.tried[level.index()..].fill(true);
    }

    /// Whether the loop, which is due at `level`, can wait: its function has been called again and again, and will
    /// get to the level by its next call, for less than what a continuation costs. A call that stays in the loop
    /// until it counts twice as much does not wait any longer.
    pub fn can_wait(&mut self, level: Level, count: u64, function: &Self, calls: u64) -> bool {
        if calls < 2 || self.put_off[level.index()] || !function.may_become(level) {
            return false;
        }
        self.put_off[level.index()] = true;
        self.not_before = count.saturating_mul(2).max(1);
        true
    }

    /// Notes that there is no time for a promotion now: the unit is due again when it counts an eighth more.
    pub fn postpone(&mut self, count: u64) {
        self.not_before = count.saturating_add(count / 8).saturating_add(1);
    }

    /// Notes that a loop of the function has reached `level`.
    pub fn loop_reached(&mut self, level: Level) {
        self.loops = self.loops.max(Some(level));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Policy};
    use proptest::prelude::*;
    use std::vec::Vec;

    extern crate std;

    fn counts() -> Config {
        Config {
            policy: Policy::Counts,
            ..Config::AUTOMATIC
        }
    }

    fn plan() -> Rules {
        Rules::new(counts())
    }

    fn thresholds() -> impl Strategy<Value = Thresholds> {
        prop::collection::vec(prop::option::of(0_u64..50), 4).prop_map(|of_llvm| {
            let mut found = Thresholds::default();
            for (level, threshold) in LevelSet::LLVM.iter().zip(of_llvm) {
                found[level.index()] = threshold;
            }
            let mut set: Vec<u64> = found.iter().flatten().copied().collect();
            set.sort_unstable();
            let mut next = set.into_iter();
            for threshold in found.iter_mut().flatten() {
                *threshold = next.next().unwrap();
            }
            found
        })
    }

    fn config() -> impl Strategy<Value = Config> {
        (thresholds(), thresholds(), prop::option::of(0_u64..1_000)).prop_map(
            |(calls, iterations, budget_cycles)| Config {
                calls,
                iterations,
                budget_cycles,
                ..counts()
            },
        )
    }

    #[derive(Clone, Debug)]
    enum Event {
        /// So many calls more, and whether a compilation would succeed.
        Calls(u64, bool),
        Wanted(bool),
        LoopReached(Level),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (1_u64..20, any::<bool>()).prop_map(|(calls, works)| Event::Calls(calls, works)),
            any::<bool>().prop_map(Event::Wanted),
            prop::sample::select(LevelSet::LLVM.iter().collect::<Vec<_>>())
                .prop_map(Event::LoopReached),
        ]
    }

    const COMPILE_CYCLES: u64 = 100;

    proptest! {
        #[test]
        fn never_down_never_twice_never_early_never_beyond_the_budget(
            config in config(),
            is_loop in any::<bool>(),
            events in prop::collection::vec(event(), 0..60),
        ) {
            let kind = if is_loop { Kind::Loop } else { Kind::Function };
            let mut unit = Unit::new(kind);
            let mut rules = Rules::new(config);
            let mut count = 0;
            let mut tried = Vec::new();
            let mut loops = None;
            for event in events {
                let before = unit.tier();
                let (level, works, is_needed) = match event {
                    Event::Calls(calls, works) => {
                        count += calls;
                        (unit.promotion(&rules, count), works, false)
                    }
                    Event::Wanted(works) => {
                        if before != Tier::Interpreter {
                            continue;
                        }
                        (unit.first_code(&rules, count), works, true)
                    }
                    Event::LoopReached(level) => {
                        unit.loop_reached(level);
                        loops = loops.max(Some(level));
                        (None, false, false)
                    }
                };
                let Some(level) = level else { continue };
                prop_assert!(Tier::Native(level) > before);
                prop_assert!(!tried.contains(&level), "{level:?} twice");
                tried.push(level);
                if !is_needed {
                    let of_kind = if is_loop { config.iterations } else { config.calls };
                    let is_due = of_kind[level.index()].is_some_and(|needed| needed <= count);
                    prop_assert!(is_due || loops == Some(level));
                    prop_assert!(!rules.is_spent());
                }
                rules.spent_cycles += COMPILE_CYCLES;
                if works { unit.compiled(level) } else { unit.failed(level) }
                prop_assert!(unit.tier() >= before);
            }
            prop_assert!(tried.len() <= LEVELS.len());
        }

        #[test]
        fn the_limit_is_where_a_promotion_is_due(config in config(), count in 0_u64..60) {
            let unit = Unit::new(Kind::Function);
            let rules = Rules::new(config);
            let limit = unit.limit(&rules, Tier::Interpreter);
            prop_assert_eq!(count >= limit, unit.promotion(&rules, count).is_some());
        }

        #[test]
        fn code_is_always_found_until_every_level_has_failed(config in config(), count in 0_u64..60) {
            let rules = Rules::new(config);
            let mut unit = Unit::new(Kind::Function);
            for _ in rules.config.levels.iter() {
                let level = unit.first_code(&rules, count);
                prop_assert!(level.is_some_and(|level| rules.config.levels.contains(level)));
                unit.failed(level.unwrap());
            }
            LEVELS.into_iter().for_each(|level| unit.failed(level));
            prop_assert_eq!(unit.first_code(&rules, count), None);
        }
    }

    #[test]
    fn the_plan_is_ten_a_hundred_a_thousand_ten_thousand() {
        let mut unit = Unit::new(Kind::Function);
        let mut path = Vec::new();
        for count in 1..=20_000 {
            if count >= unit.limit(&plan(), unit.tier())
                && let Some(level) = unit.promotion(&plan(), count)
            {
                unit.compiled(level);
                path.push((count, level.name()));
            }
        }
        assert_eq!(
            path,
            [(10, "O0"), (100, "O1"), (1_000, "O2"), (10_000, "O3")]
        );
        assert_eq!(unit.limit(&plan(), unit.tier()), u64::MAX);
    }

    #[test]
    fn a_function_with_a_hot_loop_follows_it_at_its_next_call() {
        let mut unit = Unit::new(Kind::Function);
        unit.loop_reached(Level::O3);
        assert_eq!(unit.limit(&plan(), Tier::Interpreter), 0);
        assert_eq!(unit.promotion(&plan(), 1), Some(Level::O3));
    }

    #[test]
    fn a_loop_waits_once_for_the_next_call_of_its_function() {
        let mut unit = Unit::new(Kind::Loop);
        let mut function = Unit::new(Kind::Function);
        let config = plan();
        assert!(!unit.can_wait(Level::O1, 1_000, &function, 1));
        assert!(unit.can_wait(Level::O1, 1_000, &function, 2));
        assert_eq!(unit.limit(&config, Tier::Interpreter), 2_000);
        assert_eq!(unit.promotion(&config, 1_999), None);
        assert_eq!(unit.promotion(&config, 2_000), Some(Level::O1));
        assert!(!unit.can_wait(Level::O1, 2_000, &function, 3));

        // It would wait in vain.
        function.compiled(Level::O3);
        assert!(!unit.can_wait(Level::O3, 100_000, &function, 3));
    }

    #[test]
    fn an_old_version_of_a_loop_still_leaves_for_the_newest() {
        let mut unit = Unit::new(Kind::Loop);
        unit.compiled(Level::O1);
        unit.compiled(Level::O3);
        let limit = |tier| unit.limit(&plan(), tier);
        assert_eq!(limit(Tier::Interpreter), 1_000);
        assert_eq!(limit(Tier::Native(Level::O1)), 100_000);
    }

    #[test]
    fn an_interpreter_skips_o1_and_one_with_a_large_frame_starts_at_o2() {
        let rules = Rules::new(Config::AUTOMATIC);
        let size = Size {
            compiled: 6_000,
            executed: 60,
        };
        for kind in [Kind::Function, Kind::Loop] {
            let mut unit = Unit::new(kind);
            unit.set_size(size);
            unit.compiled(Level::O0);
            let all: Vec<Level> = (0..40)
                .filter_map(|bits| unit.promotion(&rules, 1 << bits))
                .collect();
            assert!(all.contains(&Level::O1), "{all:?}");
            unit.set_jumps(Some(100));
            let some: Vec<Level> = (0..40)
                .filter_map(|bits| unit.promotion(&rules, 1 << bits))
                .collect();
            assert!(
                !some.contains(&Level::O1) && some.contains(&Level::O2),
                "{some:?}"
            );
        }
        let mut unit = Unit::new(Kind::Function);
        unit.set_jumps(Some(MOST_FRAME_BYTES));
        assert_eq!(unit.first_code(&rules, 1), Some(Level::O0));
        unit.set_jumps(Some(MOST_FRAME_BYTES + 1));
        assert_eq!(unit.first_code(&rules, 1), Some(Level::O2));
        assert_eq!(unit.first_code(&plan(), 1), Some(Level::O0));
        unit.failed(Level::O2);
        assert_eq!(unit.first_code(&rules, 1), Some(Level::O1));
    }

    #[test]
    fn a_later_boot_goes_past_what_an_interpreter_skips() {
        let rules = Rules::new(Config::AUTOMATIC);
        let mut unit = Unit::new(Kind::Function);
        unit.compiled(Level::O0);
        unit.set_jumps(Some(100));
        unit.remember_skips(&rules);
        let mut later = Unit::with_history(Kind::Function, unit.tier(), unit.tried(), None);
        later.set_size(Size {
            compiled: 6_000,
            executed: 25,
        });
        let due: Vec<Level> = (0..40)
            .filter_map(|bits| later.due(&rules, 1 << bits))
            .collect();
        assert!(!due.contains(&Level::O1) && due.contains(&Level::O2));
    }

    #[test]
    fn a_loop_that_does_not_count_at_o2_goes_past_it() {
        let rules = Rules::new(Config::AUTOMATIC);
        let mut unit = Unit::new(Kind::Loop);
        unit.set_size(Size {
            compiled: 30,
            executed: 5,
        });
        unit.set_flat(true);
        let levels: Vec<Level> = (0..40)
            .filter_map(|bits| unit.promotion(&rules, 1 << bits))
            .collect();
        assert!(!levels.contains(&Level::O2), "{levels:?}");
        assert_eq!(levels.last(), Some(&Level::O3));
    }

    #[test]
    fn a_level_makes_a_difference_above_the_code_that_a_unit_runs_in() {
        let rules = Rules::new(Config::AUTOMATIC);
        let mut unit = Unit::new(Kind::Loop);
        unit.set_size(Size {
            compiled: 30,
            executed: 5,
        });
        for bits in 0..40 {
            let count = 1 << bits;
            let due = unit.due(&rules, count);
            // No loop has code that is not optimised.
            let first = due.filter(|level| level.can().optimises);
            assert_eq!(unit.due_beyond(&rules, count, Tier::Interpreter), first);
            let best = due.filter(|level| *level == Level::O3);
            assert_eq!(
                unit.due_beyond(&rules, count, Tier::Native(Level::O2)),
                best
            );
            let none = unit.due_beyond(&rules, count, Tier::Native(Level::BEST));
            assert_eq!(none, None);
        }
    }

    #[test]
    fn beside_an_interpreter_the_code_that_stays_is_made_at_once() {
        let mut rules = Rules::new(Config::AUTOMATIC);
        rules.is_beside = true;
        let mut unit = Unit::new(Kind::Function);
        unit.set_jumps(Some(100));
        unit.set_size(Size {
            compiled: 10_000,
            executed: 20,
        });
        assert_eq!(unit.first_code(&rules, 1), Some(Level::O0));
        unit.compiled(Level::O0);
        assert_eq!(unit.promotion(&rules, 1), None);
        assert_eq!(unit.promotion(&rules, 2), Some(Level::O2));
        rules.is_beside = false;
        assert_eq!(unit.promotion(&rules, 2), None);
    }

    #[test]
    fn what_took_too_long_is_not_tried_at_higher_levels() {
        let mut unit = Unit::new(Kind::Function);
        unit.compiled(Level::O0);
        unit.took_too_long(Level::O1);
        assert_eq!(unit.promotion(&plan(), 1 << 40), None);
        assert_eq!(unit.limit(&plan(), unit.tier()), u64::MAX);

        let mut unit = Unit::new(Kind::Function);
        unit.took_too_long(Level::O2);
        assert_eq!(
            unit.first_code(&Rules::new(Config::BEST_AT_ONCE), 0),
            Some(Level::O1)
        );
    }

    #[test]
    fn what_has_failed_is_remembered_and_not_tried_by_the_next_boot() {
        let mut unit = Unit::new(Kind::Function);
        unit.failed(Level::O0);
        unit.compiled(Level::O1);
        unit.failed(Level::O3);
        assert_eq!(unit.failures(), LEVELS.map(|level| level == Level::O3));

        // Its code was not kept.
        let mut next = Unit::new(Kind::Function);
        next.remember_failures(unit.failures());
        assert!(!next.may_become(Level::BEST));
        assert_eq!(
            next.first_code(&Rules::new(Config::BEST_AT_ONCE), 0),
            Some(Level::O2)
        );
    }

    #[test]
    fn the_two_extreme_settings() {
        let unit = Unit::new(Kind::Function);
        assert_eq!(
            unit.promotion(&Rules::new(Config::INTERPRETER_ONLY), u64::MAX),
            None
        );
        assert_eq!(
            unit.first_code(&Rules::new(Config::INTERPRETER_ONLY), 5),
            Some(Level::O0)
        );
        assert_eq!(
            unit.first_code(&Rules::new(Config::BEST_AT_ONCE), 0),
            Some(Level::O3)
        );
    }

    #[test]
    fn what_is_refused_goes_to_the_next_level() {
        let mut unit = Unit::new(Kind::Function);
        unit.set_size(Size {
            compiled: 100,
            executed: 10,
        });
        for rules in [plan(), Rules::new(Config::AUTOMATIC)] {
            let mut unit = unit.clone();
            assert_eq!(unit.promotion(&rules, 0), None);
            assert_eq!(unit.refused(&LevelSet::LLVM, Level::O0), Some(Level::O1));
            assert_eq!(unit.promotion(&rules, 0), Some(Level::O1));
            assert_eq!(unit.limit(&rules, Tier::Interpreter), 0);
            assert_eq!(unit.refused(&LevelSet::LLVM, Level::O1), Some(Level::O2));
            assert_eq!(unit.promotion(&rules, 0), Some(Level::O2));
            unit.compiled(Level::O2);
            assert_eq!(unit.promotion(&rules, 0), None);
            assert_eq!(unit.refused(&LevelSet::LLVM, Level::O3), None);
            assert_eq!(unit.promotion(&rules, u64::MAX), None);
        }
    }

    #[test]
    fn first_code_goes_past_what_is_refused() {
        let rules = plan();
        let mut unit = Unit::new(Kind::Function);
        assert_eq!(unit.first_code(&rules, 0), Some(Level::O0));
        assert_eq!(unit.refused(&LevelSet::LLVM, Level::O0), Some(Level::O1));
        assert_eq!(unit.first_code(&rules, 0), Some(Level::O1));
    }
}
