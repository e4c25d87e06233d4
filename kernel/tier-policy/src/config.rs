//! Settings, and the text form in which programs bring them along.

use core::fmt;

use crate::{LEVELS, Level, LevelSet, TABLE};

/// At which count each level is due; `None` is never. Where both are set, a higher level has the higher
/// threshold or the same.
pub type Thresholds = [Option<u64>; LEVELS.len()];

/// What decides about promotions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A compilation must be worth what it costs: see [`crate::Costs`].
    Costs,
    /// The thresholds of the settings.
    Counts,
}

/// The settings of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// What decides about promotions.
    pub policy: Policy,
    /// Which tiers there are.
    pub levels: LevelSet,
    /// For functions, in calls; they and those for loops count by [`Policy::Counts`].
    pub calls: Thresholds,
    /// For loops, in iterations.
    pub iterations: Thresholds,
    /// What all compilations together may take, in time stamp counter cycles.
    pub budget_cycles: Option<u64>,
    /// What one compilation may take, in milliseconds.
    pub compile_ms: Option<u64>,
    /// What the compiler may use, in MiB.
    pub compile_mib: Option<u64>,
    /// How much of the code pool may be used, in MiB; not 0.
    pub pool_mib: Option<u64>,
    /// After so many boots there is a new snapshot; 0 is after every boot, `None` never.
    pub snapshot_every: Option<u64>,
    /// How many snapshots are kept; not 0.
    pub snapshot_keep: u64,
    /// How long functions that have run are compiled at O3 before a snapshot is written, in milliseconds. After that
    /// only those that have no code at all are compiled.
    pub settle_ms: Option<u64>,
    /// The same, in hundredths of the time that the boot has taken until then.
    pub settle_percent: Option<u64>,
    /// Whether code at O0 and O1 notes its control flow and where its calls by address lead, and O2 and O3 make use of
    /// it.
    pub is_guided: bool,
    /// Whether the compiler works beside the program, on a processor of its own; `None` is if there is one.
    pub background: Option<bool>,
    /// Makes compilations fail, for tests: the seed of a generator that chooses which, where and how.
    pub injection: Option<u64>,
    /// Levels that refuse everything, for tests; never the best.
    pub refusing: [bool; LEVELS.len()],
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Not `NAME=...` with a name that is known.
    UnknownSetting,
    /// Not a policy that is known.
    UnknownPolicy,
    /// Not levels that can refuse.
    UnknownLevel,
    /// Not levels, the lowest first.
    NoLevels,
    /// Not a threshold for each level, or one number for the budget.
    WrongCount,
    /// Neither 0 nor 1.
    NotASwitch,
    /// Not a number from 0 to 2^63 - 1, or `-`.
    NotANumber,
    /// A higher level is due earlier than a lower one.
    Decreasing,
    /// A code pool in which nothing has room.
    NoPool,
    /// The newest snapshot is always kept.
    KeepsNothing,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownSetting => {
                "unknown setting; the settings are policy=costs|counts, levels=TIER,..., calls=N,..., iterations=N,..., \
                 budget=CYCLES, \
                 compile-ms=N, compile-mib=N, pool-mib=N, snapshot-every=N, snapshot-keep=N, settle-ms=N, \
                 settle-percent=N, guided=0|1, background=0|1, inject=SEED and refuse=LEVEL,..."
            }
            Self::UnknownPolicy => "the policies are costs and counts",
            Self::UnknownLevel => "what refuses is some of the levels QBE, C0, O0, MIR, C1, O1 and O2, or -",
            Self::NoLevels => {
                "levels are interpreter, if the program starts there, and some of QBE, C0, O0, MIR, C1, O1, O2 and O3, in this \
                 order"
            }
            Self::WrongCount => "thresholds are one for each level in use, as O0, O1, O2 and O3, with - for never",
            Self::NotASwitch => "a switch is 0 or 1",
            Self::NotANumber => "a value is a whole number from 0 to 9223372036854775807, or -",
            Self::Decreasing => "a higher level cannot be due earlier than a lower one",
            Self::NoPool => "the code pool needs at least 1 MiB",
            Self::KeepsNothing => "at least one snapshot is kept",
        })
    }
}

impl core::error::Error for ConfigError {}

/// What the table of levels says of calls and of iterations.
const fn counts_of_table() -> (Thresholds, Thresholds) {
    let (mut calls, mut iterations) = ([None; LEVELS.len()], [None; LEVELS.len()]);
    let mut index = 0;
    while index < TABLE.len() {
        calls[index] = Some(TABLE[index].due.calls);
        iterations[index] = TABLE[index].due.iterations;
        index += 1;
    }
    (calls, iterations)
}

/// Calls after which code is due, if nothing but the best is ever made.
const BEST_AT_ONCE: Thresholds = {
    let mut calls = [None; LEVELS.len()];
    calls[Level::BEST.index()] = Some(0);
    calls
};

impl Default for Config {
    fn default() -> Self {
        Self::AUTOMATIC
    }
}

impl Config {
    /// Everything starts in the interpreter and goes up as it gets hot.
    pub const AUTOMATIC: Self = Self {
        policy: Policy::Costs,
        levels: LevelSet::LLVM,
        calls: counts_of_table().0,
        iterations: counts_of_table().1,
        budget_cycles: None,
        compile_ms: Some(60_000),
        compile_mib: Some(1024),
        pool_mib: None,
        snapshot_every: Some(10),
        snapshot_keep: 4,
        settle_ms: Some(2_000),
        settle_percent: Some(10),
        is_guided: true,
        background: Some(false),
        injection: None,
        refusing: [false; LEVELS.len()],
    };

    /// Nothing is ever compiled, but for what cannot be interpreted.
    pub const INTERPRETER_ONLY: Self = Self {
        policy: Policy::Counts,
        calls: [None; LEVELS.len()],
        iterations: [None; LEVELS.len()],
        ..Self::AUTOMATIC
    };

    /// Everything is compiled at the best level when it is first called.
    pub const BEST_AT_ONCE: Self = Self {
        policy: Policy::Counts,
        calls: BEST_AT_ONCE,
        iterations: [None; LEVELS.len()],
        ..Self::AUTOMATIC
    };

    /// Everything is compiled at this level when it is first called, and stays there.
    #[must_use]
    pub fn at_once(level: Level) -> Self {
        let mut calls = Thresholds::default();
        calls[level.index()] = Some(0);
        Self {
            policy: Policy::Counts,
            levels: LevelSet::of(level),
            calls,
            iterations: Thresholds::default(),
            is_guided: false,
            ..Self::AUTOMATIC
        }
    }

    /// Whether a program starts in the interpreter: nothing is due at the very first call.
    #[must_use]
    pub fn starts_interpreted(&self) -> bool {
        let is_due_at_once = |level: Level| self.calls[level.index()] == Some(0);
        self.levels.has_interpreter()
            && (self.policy == Policy::Costs || !self.levels.iter().any(is_due_at_once))
    }

    /// How long functions that have run may be compiled at O3 at the end of a boot that has taken `elapsed_ns` so far.
    #[must_use]
    pub fn settle_ns(&self, elapsed_ns: u64) -> u64 {
        let share = self
            .settle_percent
            .map(|percent| elapsed_ns.saturating_mul(percent) / 100);
        share.unwrap_or(u64::MAX).min(self.settle_limit_ns())
    }

    /// How long anything may be compiled at the end of a boot, however long that has taken.
    #[must_use]
    pub fn settle_limit_ns(&self) -> u64 {
        const NS_PER_MS: u64 = 1_000_000;
        self.settle_ms
            .map_or(u64::MAX, |ms| ms.saturating_mul(NS_PER_MS))
    }

    /// Changes one setting, given as `policy=counts`, `levels=interpreter,C0,O2,O3`, `calls=10,100,1000,10000`, `iterations=-,1000,-,100000`,
    /// `budget=1000000000`, `compile-ms=1000`, `compile-mib=64`, `pool-mib=16`, `snapshot-every=10`,
    /// `snapshot-keep=4`, `settle-ms=2000`, `settle-percent=10`, `guided=1`, `background=0`, `inject=1` or
    /// `refuse=O0,O1`.
    ///
    /// Thresholds make the policy one of counts.
    ///
    /// # Errors
    /// [`ConfigError`]; the settings stay as they were.
    pub fn set(&mut self, text: &str) -> Result<(), ConfigError> {
        let (name, value) = text.split_once('=').ok_or(ConfigError::UnknownSetting)?;
        match name {
            "policy" => {
                self.policy = match value {
                    "costs" => Policy::Costs,
                    "counts" => Policy::Counts,
                    _ => return Err(ConfigError::UnknownPolicy),
                }
            }
            "levels" => {
                self.levels = LevelSet::from_names(value).ok_or(ConfigError::NoLevels)?;
            }
            "calls" => {
                self.calls = thresholds(value, &self.levels)?;
                self.policy = Policy::Counts;
            }
            "iterations" => {
                self.iterations = thresholds(value, &self.levels)?;
                self.policy = Policy::Counts;
            }
            "budget" => self.budget_cycles = number(value)?,
            "compile-ms" => self.compile_ms = number(value)?,
            "compile-mib" => self.compile_mib = number(value)?,
            "pool-mib" => self.pool_mib = pool(value)?,
            "snapshot-every" => self.snapshot_every = number(value)?,
            "snapshot-keep" => {
                self.snapshot_keep = match number(value)? {
                    Some(0) | None => return Err(ConfigError::KeepsNothing),
                    Some(count) => count,
                }
            }
            "settle-ms" => self.settle_ms = number(value)?,
            "settle-percent" => self.settle_percent = number(value)?,
            "guided" => self.is_guided = switch(value)?,
            "background" => {
                self.background = match value {
                    "-" => None,
                    _ => Some(switch(value)?),
                }
            }
            "inject" => self.injection = number(value)?,
            "refuse" => self.refusing = refusing(value)?,
            _ => return Err(ConfigError::UnknownSetting),
        }
        Ok(())
    }
}

fn switch(text: &str) -> Result<bool, ConfigError> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(ConfigError::NotASwitch),
    }
}

fn refusing(text: &str) -> Result<[bool; LEVELS.len()], ConfigError> {
    let mut found = [false; LEVELS.len()];
    for name in text.split(',').filter(|name| *name != "-") {
        let level = Level::from_name(name).filter(|level| *level != Level::BEST);
        found[level.ok_or(ConfigError::UnknownLevel)?.index()] = true;
    }
    Ok(found)
}

fn number(text: &str) -> Result<Option<u64>, ConfigError> {
    if text == "-" {
        return Ok(None);
    }
    match text.parse::<i64>() {
        Ok(number @ 0..) => Ok(Some(number.unsigned_abs())),
        _ => Err(ConfigError::NotANumber),
    }
}

fn pool(text: &str) -> Result<Option<u64>, ConfigError> {
    match number(text)? {
        Some(0) => Err(ConfigError::NoPool),
        size_mib => Ok(size_mib),
    }
}

fn thresholds(text: &str, levels: &LevelSet) -> Result<Thresholds, ConfigError> {
    let mut found = [None; LEVELS.len()];
    if text.split(',').count() != levels.iter().count() {
        return Err(ConfigError::WrongCount);
    }
    for (level, word) in levels.iter().zip(text.split(',')) {
        found[level.index()] = number(word)?;
    }
    if found.iter().flatten().is_sorted() {
        Ok(found)
    } else {
        Err(ConfigError::Decreasing)
    }
}

/// The highest level whose threshold is at most `count`.
pub(crate) fn due(thresholds: &Thresholds, count: u64) -> Option<Level> {
    LEVELS
        .into_iter()
        .rev()
        .find(|level| thresholds[level.index()].is_some_and(|threshold| threshold <= count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    extern crate std;

    #[test]
    fn settings_are_read() {
        let mut config = Config::AUTOMATIC;
        config.set("calls=0,-,5,5").unwrap();
        let of_llvm = |thresholds: Thresholds| {
            LevelSet::LLVM
                .iter()
                .map(|level| thresholds[level.index()])
                .collect::<Vec<_>>()
        };
        assert_eq!(of_llvm(config.calls), [Some(0), None, Some(5), Some(5)]);
        assert!(!config.starts_interpreted());
        config.set("iterations=-,-,-,-").unwrap();
        assert_eq!(config.iterations, Thresholds::default());
        config.set("refuse=O0,O2").unwrap();
        let refusing: Vec<Level> = LEVELS
            .into_iter()
            .filter(|level| config.refusing[level.index()])
            .collect();
        assert_eq!(refusing, [Level::O0, Level::O2]);
        config.set("refuse=-").unwrap();
        assert!(!config.refusing.contains(&true));
        config.set("levels=C0,O2").unwrap();
        assert!(!config.starts_interpreted());
        config.set("calls=3,4").unwrap();
        assert_eq!(config.calls[Level::O2.index()], Some(4));
        config.set("budget=7").unwrap();
        assert_eq!(config.budget_cycles, Some(7));
        config.set("budget=-").unwrap();
        assert_eq!(config.budget_cycles, None);
    }

    #[test]
    fn bad_settings_are_refused_and_change_nothing() {
        for (text, error) in [
            ("", ConfigError::UnknownSetting),
            ("calls", ConfigError::UnknownSetting),
            ("call=1,2,3,4", ConfigError::UnknownSetting),
            ("calls=1,2,3", ConfigError::WrongCount),
            ("calls=1,2,3,4,5", ConfigError::WrongCount),
            ("calls=", ConfigError::WrongCount),
            ("calls=1,2,3,-4", ConfigError::NotANumber),
            ("calls=1,2,3,x", ConfigError::NotANumber),
            ("calls=1,2,3,9223372036854775808", ConfigError::NotANumber),
            ("calls=4,3,2,1", ConfigError::Decreasing),
            ("iterations=4,-,-,1", ConfigError::Decreasing),
            ("budget=-1", ConfigError::NotANumber),
            ("compile-ms=abc", ConfigError::NotANumber),
            ("compile-mib=", ConfigError::NotANumber),
            ("guided=2", ConfigError::NotASwitch),
            ("inject=0x1", ConfigError::NotANumber),
            ("pool-mib=1.5", ConfigError::NotANumber),
            ("refuse=O3", ConfigError::UnknownLevel),
            ("levels=", ConfigError::NoLevels),
            ("levels=interpreter", ConfigError::NoLevels),
            ("levels=O3,O2", ConfigError::NoLevels),
            ("levels=interpreter,C7", ConfigError::NoLevels),
            ("refuse=O0;O1", ConfigError::UnknownLevel),
            ("pool-mib=0", ConfigError::NoPool),
            ("snapshot-every=x", ConfigError::NotANumber),
            ("snapshot-keep=0", ConfigError::KeepsNothing),
            ("snapshot-keep=-", ConfigError::KeepsNothing),
            ("settle-ms=1s", ConfigError::NotANumber),
            ("settle-percent=10%", ConfigError::NotANumber),
            ("background=2", ConfigError::NotASwitch),
        ] {
            let mut config = Config::AUTOMATIC;
            assert_eq!(config.set(text), Err(error), "{text}");
            assert_eq!(config, Config::AUTOMATIC);
        }
    }

    #[test]
    fn settling_takes_a_share_and_has_a_bound() {
        let second = 1_000_000_000;
        let mut config = Config::AUTOMATIC;
        assert_eq!(config.settle_ns(second), second / 10);
        assert_eq!(config.settle_ns(100 * second), 2 * second);
        config.set("settle-percent=-").unwrap();
        assert_eq!(config.settle_ns(second), 2 * second);
        config.set("settle-ms=-").unwrap();
        assert_eq!(config.settle_ns(second), u64::MAX);
    }

    #[test]
    fn only_what_is_due_at_the_first_call_keeps_a_program_out_of_the_interpreter() {
        assert!(Config::AUTOMATIC.starts_interpreted());
        assert!(Config::INTERPRETER_ONLY.starts_interpreted());
        assert!(!Config::BEST_AT_ONCE.starts_interpreted());
    }
}
