//! What was measured, in all boots since the first.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bareflow_tier_policy::Learnt;

pub use bareflow_profile::{CallCycles, Part};

/// A symbol that ticks of a timer found running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Its name.
    pub symbol: &'a str,
    /// Whose code it is.
    pub part: Part,
    /// How many ticks.
    pub count: u64,
}

/// What was measured of the whole program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile<'a> {
    /// How many boots it is of.
    pub boots: u64,
    /// Cycles of the program.
    pub total_cycles: u64,
    /// Cycles of the compiler.
    pub compile_cycles: u64,
    /// Ticks of the timer in a second; 0 without samples.
    pub samples_per_second: u64,
    /// What the ticks found.
    pub samples: Vec<Sample<'a>>,
    /// What the last of the boots has learnt of what compiling costs.
    pub learnt: Learnt,
}

impl<'a> Profile<'a> {
    /// Adds an earlier profile. Samples of another rate do not count any more.
    pub fn accumulate(&mut self, earlier: &Profile<'a>) {
        self.boots = self.boots.saturating_add(earlier.boots);
        self.total_cycles = self.total_cycles.saturating_add(earlier.total_cycles);
        self.compile_cycles = self.compile_cycles.saturating_add(earlier.compile_cycles);
        if self.samples.is_empty() {
            self.samples_per_second = earlier.samples_per_second;
        }
        if self.samples_per_second != earlier.samples_per_second {
            return;
        }
        let mut counts: BTreeMap<(&str, Part), u64> = BTreeMap::new();
        for sample in self.samples.iter().chain(&earlier.samples) {
            let count = counts.entry((sample.symbol, sample.part)).or_default();
            *count = count.saturating_add(sample.count);
        }
        let samples = counts.into_iter();
        self.samples = samples
            .map(|((symbol, part), count)| Sample {
                symbol,
                part,
                count,
            })
            .collect();
    }
}
