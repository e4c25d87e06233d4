//! What later boots are to find done: code for another kernel, code that is worth it by the counts of this boot, and
//! whether those counts say anything new.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use bareflow_tier_policy::{Kind, LEVELS, Level, Size, Tier};

use crate::manager::compiler::{CompilerService, HORIZON_BOOTS};
use crate::manager::program::Program;
use crate::manager::record::{Record, size_of_code};

impl CompilerService<'_> {
    /// Compiles for another kernel what is worth it by the counts of all runs, and what is wanted besides.
    pub(super) fn compile_ahead(&mut self, program: &mut Program, precompile: Option<Level>) {
        let reachable = program.reachable();
        let mut wanted: Vec<Option<Level>> = Vec::new();
        for (unit, is_reachable) in reachable.into_iter().enumerate() {
            let mut level = precompile.filter(|_| is_reachable);
            if program.count_of(unit) > 0 {
                self.measure(program, unit);
                let policy = &program.record(unit).policy;
                let (size, loops) = match policy.kind() {
                    Kind::Function => (policy.size(), policy.loops()),
                    // What has no code tells nothing of its size.
                    Kind::Loop => (Some(size_of_code(0)), None),
                };
                // Nobody waits: what is not worth more has at least code that is small.
                let due = self.due_soon(program.record(unit), size).max(loops);
                level = level.max(due).max(Some(Level::lowest_optimising()));
            }
            let function = program.record(unit).function;
            wanted.push(None);
            wanted[function] = wanted[function].max(level);
        }
        for (unit, level) in wanted.into_iter().enumerate() {
            let mut level = level;
            while let Some(next) = level {
                let levels = LEVELS.into_iter().rev();
                let mut levels = levels.filter(|lower| *lower <= next);
                // What fails at a level may have code at a lower one.
                levels.any(|level| self.compile_guarded(program, unit, level));
                let made = program.record(unit).compilations.last();
                let size = made.map(|made| size_of_code(made.code_bytes as u64));
                level = self.due_soon(program.record(unit), size);
            }
        }
    }

    /// For what level the first boots would find a unit of this size due: they are to find everything done, and that
    /// nothing comes of ten more like them.
    fn due_soon(&self, record: &Record, size: Option<Size>) -> Option<Level> {
        const EXPECTED_RUNS: u64 = 2 * HORIZON_BOOTS;
        let mut policy = record.policy.clone();
        policy.set_size(size?);
        policy.due(
            &self.rules,
            record.counters().count.saturating_mul(EXPECTED_RUNS),
        )
    }

    /// Whether counts are worth being kept: some boots more like this one would have a unit compiled at a level above that
    /// of the code that it runs in. Otherwise the next boots do the same from the counts that are kept already.
    pub(crate) fn has_counted_news(&self, program: &Program) -> bool {
        let mut records = program.records().iter().enumerate();
        records.any(|(unit, record)| {
            let (count, earlier) = (record.counters().count, record.earlier_count);
            let runs_in = program.record(record.function).policy.tier();
            // LLVM is not asked for what only the next boots need to know.
            let mut policy = record.policy.clone();
            if policy.size().is_none() && policy.tier().max(runs_in) != Tier::Interpreter {
                policy.set_size(program.guess_size(unit));
            }
            policy.gets_nearer(&self.rules, earlier, count, HORIZON_BOOTS, runs_in)
        })
    }

    /// Compiles what has run, so that the next boots need no compiler: the hottest functions at the best level, for as
    /// long as the settings allow; those that have no code at all in any case.
    ///
    /// # Errors
    /// The name of a function that has run and cannot be compiled.
    pub(crate) fn warm_up(&mut self, program: &mut Program) -> Result<(), String> {
        let mut open: Vec<(Reverse<u64>, Reverse<u64>, usize)> = Vec::new();
        for (unit, record) in program.records().iter().enumerate() {
            let counters = record.counters();
            if record.policy.kind() == Kind::Function
                && counters.count > 0
                && record.policy.can_become_best()
            {
                let heat = (Reverse(counters.total_cycles), Reverse(counters.count));
                open.push((heat.0, heat.1, unit));
            }
        }
        open.sort_unstable();
        let platform = bareflow_cxx_runtime::platform();
        let start_ns = platform.monotonic_ns();
        let limit_ns = self.warm_up_ns();
        for (_, _, unit) in &open {
            if platform.monotonic_ns() - start_ns >= limit_ns {
                break;
            }
            self.compile_for_later(program, *unit, Level::BEST);
        }
        let has_code = |record: &Record| {
            record.policy.kind() == Kind::Loop
                || record.counters().count == 0
                || record.policy.tier() != Tier::Interpreter
        };
        for unit in 0..program.records().len() {
            if !has_code(program.record(unit)) {
                self.compile_first(program, unit);
            }
        }
        let missing = program.records().iter().find(|record| !has_code(record));
        missing.map_or(Ok(()), |record| Err(record.name.clone()))
    }
}
