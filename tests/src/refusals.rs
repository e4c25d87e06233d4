//! What code generators refuse, as profiles say: how many of the functions that they were asked for, by kind.

use std::collections::BTreeMap;
use std::fmt;

use bareflow_image::program::Tier;
use bareflow_report::profile::{Function, RunProfile};
use bareflow_tier_policy::{LEVELS, Level, LevelSet};
use clap::ValueEnum;

/// The levels whose generators may refuse.
pub fn refusing_levels() -> impl Iterator<Item = Level> {
    LEVELS.into_iter().filter(|level| level.can().may_refuse)
}

/// All of them, for a kernel that has all generators.
///
/// # Panics
/// There is none.
pub fn set_of_refusing_levels() -> LevelSet {
    let names: Vec<&str> = refusing_levels().map(Level::name).collect();
    LevelSet::from_names(&names.join(",")).expect("levels are named in their order")
}

/// All of a program at this level.
///
/// # Panics
/// Programs cannot be run so.
pub fn tier_of(level: Level) -> Tier {
    let mut tiers = Tier::value_variants().iter();
    let found = tiers.find(|tier| tier.name() == level.name());
    *found.expect("programs run at each level")
}

/// Of one level, in any number of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    asked: usize,
    by_kind: BTreeMap<String, usize>,
}

impl Refusals {
    /// Counts those of a run.
    pub fn add(&mut self, level: Level, profile: &RunProfile) {
        for function in &profile.functions {
            let refusal = refusal_of(level, function);
            let is_made = function.compilations.iter().any(|one| one.level == level);
            self.asked += usize::from(is_made || refusal.is_some());
            if let Some(reason) = refusal {
                *self.by_kind.entry(kind_of(reason)).or_default() += 1;
            }
        }
    }

    /// Counts those of other runs.
    pub fn add_all(&mut self, others: &Self) {
        self.asked += others.asked;
        for (kind, count) in &others.by_kind {
            *self.by_kind.entry(kind.clone()).or_default() += count;
        }
    }

    /// How many functions the generator was asked for.
    pub fn asked(&self) -> usize {
        self.asked
    }

    /// How many it has refused.
    pub fn refused(&self) -> usize {
        self.by_kind.values().sum()
    }

    /// The same in percent of those that it was asked for.
    pub fn percent(&self) -> f64 {
        self.refused() as f64 * 100.0 / self.asked.max(1) as f64
    }

    /// How many of each kind, the most frequent first.
    pub fn by_kind(&self) -> Vec<(&str, usize)> {
        let kinds = self.by_kind.iter();
        let mut kinds: Vec<_> = kinds.map(|(kind, count)| (kind.as_str(), *count)).collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        kinds
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (refused, asked) = (self.refused(), self.asked);
        let percent = self.percent();
        write!(
            formatter,
            "{refused} of {asked} functions refused ({percent:.1} %)"
        )?;
        for (index, (kind, count)) in self.by_kind().into_iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(formatter, "{separator}{count} {kind}")?;
        }
        Ok(())
    }
}

/// Why the level's generator has refused the function.
pub fn refusal_of(level: Level, function: &Function) -> Option<&str> {
    let mut failures = function.failures.iter();
    let refusal = failures.find(|one| one.level == level && one.refused)?;
    Some(&refusal.reason)
}

/// A reason is a symbol, a kind, and what it is about; that of a generator itself is of no kind.
fn kind_of(reason: &str) -> String {
    let (_, rest) = reason.split_once(": ").unwrap_or(("", reason));
    let (kind, _) = rest.split_once(": ").unwrap_or((rest, ""));
    kind.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_kinds() {
        for (reason, kind) in [
            (
                "f: variadic function: a definition in f",
                "variadic function",
            ),
            ("f: a switch over 128 bits", "a switch over 128 bits"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(kind_of(reason), kind);
        }
    }

    #[test]
    fn counts_are_told_by_kind() {
        let mut all = Refusals::default();
        assert_eq!(all.percent(), 0.0);
        let some = Refusals {
            asked: 20,
            by_kind: BTreeMap::from([("a".into(), 1), ("b".into(), 2)]),
        };
        all.add_all(&some);
        all.add_all(&some);
        assert_eq!(
            all.to_string(),
            "6 of 40 functions refused (15.0 %): 4 b, 2 a"
        );
    }

    #[test]
    fn there_are_levels_that_may_refuse() {
        let set = set_of_refusing_levels();
        assert!(refusing_levels().all(|level| set.contains(level)));
        assert!(refusing_levels().all(|level| tier_of(level).name() == level.name()));
        assert!(!set.contains(Level::O3));
    }
}
