//! What later boots are to find done: code for another kernel, code that is worth it by the counts of this boot, and
//! whether those counts say anything new.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use bareflow_tier_policy::{Kind, Level, Size, Tier};

use crate::manager::compiler::{CompilerService, HORIZON_BOOTS};
use crate::manager::program::Program;
use crate::manager::record::{Record, size_of_code};

/// For what is compiled ahead: so that nothing comes of the next boots' counts.
const EXPECTED_BOOTS: u64 = 2 * HORIZON_BOOTS;

/// What has taken longest comes first.
fn heat_of(program: &Program, unit: usize) -> Reverse<u64> {
    Reverse(program.record(unit).counters().total_cycles)
}

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
                level = level
                    .max(due)
                    .max(Some(self.rules.config.levels.lowest_optimising()));
            }
            let function = program.record(unit).function;
            wanted.push(None);
            wanted[function] = wanted[function].max(level);
        }
        for (unit, level) in wanted.into_iter().enumerate() {
            let mut level = level;
            while let Some(next) = level {
                let levels = self.rules.config.levels.iter().rev();
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
        let mut policy = record.policy.clone();
        policy.set_size(size?);
        policy.due(
            &self.rules,
            record.counters().count.saturating_mul(EXPECTED_BOOTS),
        )
    }

    /// Whether counts are worth being kept: some boots more like this one would have a unit compiled at a level above that
    /// of the code that it runs in. Otherwise the next boots do the same from the counts that are kept already.
    pub(crate) fn has_counted_news(&self, program: &Program) -> bool {
        (0..program.records().len()).any(|unit| {
            let earlier = program.record(unit).earlier_count;
            self.due_in_boots(program, unit, HORIZON_BOOTS)
                > self.due_beyond(program, unit, earlier)
        })
    }

    /// For what level a unit would be due after so many boots more like this one, in which it has run.
    fn due_in_boots(&self, program: &Program, unit: usize, boots: u64) -> Option<Level> {
        let record = program.record(unit);
        let count = record.counters().count;
        let more = count.saturating_sub(record.earlier_count);
        if more == 0 {
            return None;
        }
        let expected = count.saturating_add(more.saturating_mul(boots));
        self.due_beyond(program, unit, expected)
    }

    /// The next boots know of a unit with code how large that is, and LLVM is not asked for what only they need to know.
    fn due_beyond(&self, program: &Program, unit: usize, count: u64) -> Option<Level> {
        let record = program.record(unit);
        let runs_in = program.record(record.function).policy.tier();
        let mut policy = record.policy.clone();
        if policy.tier().max(runs_in) != Tier::Interpreter {
            policy.set_size(program.guess_size(unit));
        }
        policy.due_beyond(&self.rules, count, runs_in)
    }

    /// The best level that a function, or one of its loops, would be due for after so many boots more like this one, of
    /// those that it may still get.
    fn wanted_in_boots(&self, program: &Program, function: usize, boots: u64) -> Option<Level> {
        let units = function..program.records().len();
        let due = units
            .take_while(|unit| program.record(*unit).function == function)
            .filter_map(|unit| self.due_in_boots(program, unit, boots))
            .max()?;
        let policy = &program.record(function).policy;
        let levels = self.rules.config.levels.iter().rev();
        let mut levels = levels.filter(|level| *level <= due);
        levels.find(|level| policy.may_become(*level))
    }

    /// At the end of a boot from a snapshot: compiles at once what more such boots would make due, if there is anything.
    /// Each of them would open LLVM for a unit or two, and write counts until then. A loop gets there by its function's
    /// next call.
    pub(crate) fn compile_for_next_boots(&mut self, program: &mut Program) {
        let functions = 0..program.records().len();
        let functions = functions.filter(|unit| program.record(*unit).function == *unit);
        let mut open: Vec<(Reverse<u64>, usize)> = functions
            .map(|function| (heat_of(program, function), function))
            .collect();
        let is_wanted = |(_, function): &(Reverse<u64>, usize)| {
            self.wanted_in_boots(program, *function, HORIZON_BOOTS)
                .is_some()
        };
        let limit_ns = self.rules.config.settle_limit_ns();
        let is_possible = self.rules.needs_sizes() && !self.rules.is_spent() && limit_ns > 0;
        let has_reason = program.has_compiled() || open.iter().any(is_wanted);
        if !is_possible || !has_reason || !self.reach(program) {
            return;
        }
        open.sort_unstable();
        let platform = bareflow_cxx_runtime::platform();
        let start_ns = platform.monotonic_ns();
        for (_, function) in open {
            while let Some(level) = self.wanted_in_boots(program, function, EXPECTED_BOOTS) {
                if platform.monotonic_ns() - start_ns >= limit_ns {
                    return;
                }
                self.compile_guarded(program, function, level);
            }
        }
    }

    /// Compiles what has run, so that the next boots need no compiler: the hottest functions at the best level in use, for as
    /// long as the settings allow; those that have no code at all in any case.
    ///
    /// # Errors
    /// The name of a function that has run and cannot be compiled.
    pub(crate) fn warm_up(&mut self, program: &mut Program) -> Result<(), String> {
        let best = self.rules.config.levels.best();
        let mut open: Vec<(Reverse<u64>, Reverse<u64>, usize)> = Vec::new();
        for (unit, record) in program.records().iter().enumerate() {
            let counters = record.counters();
            if record.policy.kind() == Kind::Function
                && counters.count > 0
                && record.policy.may_become(best)
            {
                let heat = (Reverse(counters.total_cycles), Reverse(counters.count));
                open.push((heat.0, heat.1, unit));
            }
        }
        open.sort_unstable();
        let platform = bareflow_cxx_runtime::platform();
        let start_ns = platform.monotonic_ns();
        // What pays for the best level in boots to come has it by now, in a boot that knows of others.
        let limit_ns = match program.is_restored() && self.rules.needs_sizes() {
            true => 0,
            false => self.warm_up_ns(),
        };
        for (_, _, unit) in &open {
            if platform.monotonic_ns() - start_ns >= limit_ns {
                break;
            }
            self.compile_for_later(program, *unit, best);
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
