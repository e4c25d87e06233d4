//! What is compiled when: units that have reached their limits, as the policy sees them.

use bareflow_tier_policy::exchange::Request;
use bareflow_tier_policy::{Level, Policy, Rules, Tier};

use crate::manager::background::Background;
use crate::manager::compiler::CompilerService;
use crate::manager::program::Program;

impl CompilerService<'_> {
    /// The unit, which runs in code of this tier, has reached its limit.
    pub(super) fn promote(&mut self, program: &mut Program, unit: usize, version: Tier) {
        self.take_objects(program);
        let count = program.count_of(unit);
        if self.rules.needs_sizes() {
            self.measure(program, unit);
        }
        let policy = &program.record(unit).policy;
        // A loop without code of its own may run in code of its function.
        let due = policy.promotion(&self.rules, count);
        if let Some(level) = due.filter(|level| Tier::Native(*level) > version) {
            let (takes_share, size) = (policy.takes_share(), policy.size());
            let (elapsed_cycles, elapsed_ns) = self.start.elapsed();
            if can_wait(program, unit, level, count) {
                let function = program.record(unit).function;
                self.loop_reached(program, function, level);
            } else if takes_share
                && !self
                    .rules_now(program)
                    .has_time_for(level, size, elapsed_cycles, elapsed_ns)
            {
                program.record_mut(unit).policy.postpone(count);
            } else if self.reach(program) {
                self.promote_to(program, unit, level, count, version);
            }
        }
        program.record(unit).set_limits(&self.rules);
    }

    /// The rules, with what has been asked for.
    fn rules_now(&mut self, program: &Program) -> &Rules {
        let cost = |request: Request| {
            let record = program.records().get(request.unit as usize)?;
            let size = record.policy.size()?;
            Some(self.rules.costs.prediction(request.level, size))
        };
        let background = self.background.iter();
        let asked = background.flat_map(Background::asked).filter_map(cost);
        self.rules.asked_cycles = asked.sum();
        &self.rules
    }

    /// Compiles the unit, or has it compiled beside the program, which then goes on with the code that it has; what is
    /// interpreted gets some at once, since interpreting takes a hundred times longer.
    fn promote_to(
        &mut self,
        program: &mut Program,
        unit: usize,
        level: Level,
        count: u64,
        version: Tier,
    ) {
        let takes_share = program.record(unit).policy.takes_share();
        if self.rules.is_beside {
            let policy = &program.record(unit).policy;
            let is_interpreted = version == Tier::Interpreter && policy.tier() == version;
            let lowest = self.rules.config.levels.lowest();
            if is_interpreted && !policy.tried()[lowest.index()] {
                self.compile_in_company(program, unit, lowest);
            }
            let policy = &program.record(unit).policy;
            let is_interpreted = version == Tier::Interpreter && policy.tier() == version;
            if policy.tier() >= Tier::Native(level) {
                return;
            }
            let request = Request {
                unit: unit as u32,
                level,
                due: policy.worth(&self.rules, level),
            };
            if !is_interpreted {
                if let Some(level) = self.due_here(program, unit, count) {
                    self.compile_in_share(program, unit, level);
                    return;
                }
                if self.is_covered(program, unit, level, count) || self.ask_for(program, request) {
                    program.record_mut(unit).policy.postpone(count);
                    return;
                }
            }
        }
        if takes_share {
            self.compile_in_share(program, unit, level);
        } else {
            self.compile_in_company(program, unit, level);
        }
    }

    fn compile_in_share(&mut self, program: &mut Program, unit: usize, level: Level) {
        let before = self.rules.spent_cycles;
        self.compile_guarded(program, unit, level);
        self.rules.promotion_cycles += self.rules.spent_cycles - before;
    }

    /// The level that the program compiles the unit at itself, because it has been asked for, is worth being waited for by
    /// now, and the copy has not begun with it: it works at something large, or not at all.
    fn due_here(&self, program: &Program, unit: usize, count: u64) -> Option<Level> {
        let rules = self.rules.here();
        let policy = &program.record(unit).policy;
        let level = policy.promotion(&rules, count)?;
        let (elapsed_cycles, elapsed_ns) = self.start.elapsed();
        let is_due = rules.config.policy == Policy::Costs
            && rules.has_time_for(level, policy.size(), elapsed_cycles, elapsed_ns);
        let background = self.background.as_ref().filter(|_| is_due)?;
        background.withdraw(unit).then_some(level)
    }

    /// Whether the code of another loop, which is there or has been asked for, may do for this one: what can be reached
    /// from any loop of an interpreter is all of it, and takes as long to compile.
    fn is_covered(&self, program: &Program, unit: usize, level: Level, count: u64) -> bool {
        let record = program.record(unit);
        let is_loop = |other: &usize| *other != unit && *other != record.function;
        let records = program.records();
        record.policy.is_covered_by_siblings(&self.rules, count)
            && (record.function..records.len())
                .take_while(|other| records[*other].function == record.function)
                .filter(is_loop)
                .any(|other| {
                    records[other].policy.tier() >= Tier::Native(level) || self.is_asked_for(other)
                })
    }

    /// Whether the unit's code is being made beside the program.
    fn is_asked_for(&self, unit: usize) -> bool {
        let mut background = self.background.iter();
        background.any(|background| background.is_asked_for(unit))
    }
}

fn can_wait(program: &mut Program, unit: usize, level: Level, count: u64) -> bool {
    let function = program.record(unit).function;
    if function == unit {
        return false;
    }
    let policy = program.record(function).policy.clone();
    let calls = program.count_of(function);
    let record = program.record_mut(unit);
    record.policy.can_wait(level, count, &policy, calls)
}
