//! A unit of the program, with its counters and its history.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ptr;

use bareflow_profile::{Failure, Steps};
use bareflow_snapshot::Function;
use bareflow_tier_policy::{LEVELS, Level, Rules, Size, Tier, Unit};

use crate::bindings::{llvm_compilation_t, llvm_unit_info_t, llvm_unit_t};
use crate::clock::now;

/// One compilation, for the profile.
#[derive(Clone, Debug)]
pub(crate) struct Compilation {
    pub(crate) level: Level,
    /// When it ended, by the time stamp counter.
    pub(crate) at: u64,
    pub(crate) cycles: u64,
    /// What was done in the program's own process.
    pub(crate) steps: Steps,
    pub(crate) code_bytes: usize,
    /// Whether it was made beside the program.
    pub(crate) is_beside: bool,
}

impl Compilation {
    /// One that has just ended.
    pub(super) fn of(level: Level, made: &llvm_compilation_t) -> Self {
        Self {
            level,
            at: now(),
            cycles: made.cycles,
            steps: Steps {
                cut: made.cut,
                optimise: made.optimise,
                generate: made.generate,
                link: made.link,
            },
            code_bytes: made.bytes,
            is_beside: false,
        }
    }
}

/// The limits of a unit that is to call at its next count.
const CALLED: [u64; LEVELS.len()] = [0; LEVELS.len()];

/// A unit with its counters and its history.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: String,
    /// The number of its function's record; a function's own.
    pub(crate) function: usize,
    pub(crate) policy: Unit,
    pub(crate) compilations: Vec<Compilation>,
    pub(crate) failures: Vec<Failure>,
    /// The size of the code that came from a snapshot.
    pub(crate) restored_bytes: u64,
    /// What earlier boots had counted.
    pub(crate) earlier_count: u64,
    counters: *mut llvm_unit_t,
    /// What was written into the counters.
    limits: Cell<[u64; LEVELS.len()]>,
}

impl Record {
    /// One of a program that is open, where its counters are.
    pub(crate) fn new(
        name: String,
        function: usize,
        policy: Unit,
        counters: *mut llvm_unit_t,
    ) -> Self {
        Self {
            name,
            function,
            policy,
            compilations: Vec::new(),
            failures: Vec::new(),
            restored_bytes: 0,
            earlier_count: 0,
            counters,
            limits: Cell::default(),
        }
    }

    /// The counters as they are now.
    pub(crate) fn counters(&self) -> llvm_unit_t {
        // SAFETY: the counters live as long as the program, which outlives the record.
        unsafe { ptr::read_volatile(self.counters) }
    }

    /// The size of its newest code, or 0.
    pub(super) fn code_bytes(&self) -> u64 {
        let made = self.compilations.last();
        made.map_or(self.restored_bytes, |made| made.code_bytes as u64)
    }

    /// Where the counters are.
    pub(crate) fn counters_place(&self) -> *mut llvm_unit_t {
        self.counters
    }

    /// Continues what earlier boots have counted.
    pub(crate) fn count_from(&self, function: &Function) {
        let mut counters = self.counters();
        counters.count = function.calls;
        if let Some(cycles) = function.cycles {
            counters.timed_calls = cycles.calls;
            counters.total_cycles = cycles.total;
            counters.least_cycles = cycles.least;
            counters.most_cycles = cycles.most;
        } else {
            counters.timed_calls = 0;
            counters.total_cycles = 0;
            counters.least_cycles = u64::MAX;
            counters.most_cycles = 0;
        }
        // SAFETY: the counters live as long as the program, which has not started.
        unsafe { ptr::write_volatile(self.counters, counters) };
    }

    /// Sets the limits that follow from its history.
    pub(crate) fn set_limits(&self, rules: &Rules) {
        let mut versions = core::iter::once(Tier::Interpreter).chain(LEVELS.map(Tier::Native));
        let limits = [(); LEVELS.len()].map(|()| match versions.next() {
            Some(version) => self.policy.limit(rules, version),
            None => u64::MAX,
        });
        self.write_limits(limits);
        self.limits.set(limits);
    }

    /// Has its code call when it counts next. Its limits are as they were for whoever asks.
    pub(crate) fn call_at_next_count(&self) {
        self.write_limits(CALLED);
    }

    fn write_limits(&self, limits: [u64; LEVELS.len()]) {
        // SAFETY: the counters live as long as the program, which reads the limits and never holds a reference.
        let place = unsafe { &raw mut (*self.counters).limits };
        for (index, limit) in limits.into_iter().enumerate() {
            // SAFETY: there is a limit for each version that counts.
            unsafe { ptr::write_volatile((place as *mut u64).add(index), limit) };
        }
    }

    /// Whether nobody else has written its limits.
    pub(crate) fn has_its_limits(&self) -> bool {
        self.counters().limits == self.limits.get()
    }

    /// Whether its code calls at its next count: what is made beside the program is ready.
    pub(crate) fn is_called(&self) -> bool {
        self.counters().limits == CALLED
    }
}

/// A guess at what code from a snapshot was made of, which keeps LLVM closed.
pub(crate) fn size_of_code(bytes: u64) -> Size {
    const BYTES_PER_INSTRUCTION: u64 = 5;
    /// Of units of 50 to 1,000 instructions, one call or iteration runs 20 to 33, by the median of each size in the traces
    /// of the policy's tests.
    const MOST_EXECUTED: u32 = 25;
    let compiled = u32::try_from(bytes / BYTES_PER_INSTRUCTION).unwrap_or(u32::MAX);
    Size {
        compiled: compiled.max(1),
        executed: compiled.clamp(1, MOST_EXECUTED),
    }
}

/// What [`Unit::set_jumps`] wants to know.
pub(super) fn jumps_of(info: &llvm_unit_info_t) -> Option<u32> {
    (info.jumps != 0).then_some(info.frame_bytes)
}
