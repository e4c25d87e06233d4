//! The compiler service: LLVM, opened when it is needed, and what comes of each compilation.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use bareflow_profile::Failure;
use bareflow_program_env::report_note;
use bareflow_tier_policy::{Candidate, Company, Learnt, Level, LevelSet, Rules, Size, Tier};

use crate::bindings::{
    LLVM_ERROR_INTERNAL, LLVM_ERROR_REFUSED, LLVM_OK, llvm_compilation_t, llvm_error_t,
    llvm_object_t, llvm_successor_t, llvm_tier_hooks_t, llvm_tiered_compile,
    llvm_tiered_link_object, llvm_tiered_measure, llvm_tiered_successors, llvm_unit_size_t,
};
use crate::clock::{Start, now};
use crate::compile_guard;
use crate::manager::background::Background;
use crate::manager::program::Program;
use crate::manager::record::Compilation;
use crate::session::{Session, level_code};
use crate::{Config, Outcome, RunRequest};

/// A unit that is not due after so many boots costs each of them less than a tenth of its compilation.
pub(super) const HORIZON_BOOTS: u64 = 10;

const NOTHING_MADE: llvm_compilation_t = llvm_compilation_t {
    cycles: 0,
    cut: 0,
    optimise: 0,
    generate: 0,
    link: 0,
    bytes: 0,
    instructions: 0,
};

/// What has come of a compilation.
pub(super) enum Made {
    /// The unit has the code.
    Code,
    /// It has none of this level.
    Nothing,
    /// The level's code generator refuses it; it is due for this level instead, if there is one.
    Refused(Option<Level>),
}

/// Why there is no code of a level.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Failed,
    TookTooLong,
    Refused,
}

impl Cause {
    /// Of the compilation that has just ended with this error.
    pub(super) fn of(error: llvm_error_t) -> Self {
        match error {
            LLVM_ERROR_REFUSED => Self::Refused,
            _ if compile_guard::took_too_long() => Self::TookTooLong,
            _ => Self::Failed,
        }
    }
}

/// What compiles the program's units, here and beside the program.
pub(crate) struct CompilerService<'a> {
    /// `None` as long as a restored program has not needed the compiler.
    session: Option<Session>,
    /// The compiler was needed and could not be had.
    is_stuck: bool,
    request: &'a RunRequest<'a>,
    pub(super) rules: Rules,
    company: Company,
    /// What was compiled only because it stands near something else, and has not been called yet.
    neighbours: Vec<u32>,
    /// When the program was opened.
    pub(super) start: Start,
    /// Where code is made beside the program, if it may be.
    pub(super) background: Option<Background>,
}

impl<'a> CompilerService<'a> {
    /// Nothing is opened yet.
    pub(super) fn new(
        request: &'a RunRequest<'a>,
        config: Config,
        background: Option<Background>,
    ) -> Self {
        let mut rules = Rules::new(config);
        rules.is_beside = background.is_some();
        Self {
            session: None,
            is_stuck: false,
            request,
            rules,
            company: Company::default(),
            neighbours: Vec::new(),
            start: Start::now(),
            background,
        }
    }

    /// What all units are judged by.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The open session, if the compiler was needed.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Whether the program is compiled for another kernel and not run.
    pub(crate) fn is_for_another_kernel(&self) -> bool {
        self.request.destination.is_some()
    }

    /// What is known of the costs of compilations.
    pub(crate) fn learnt(&self) -> Learnt {
        self.rules.costs.all_learnt()
    }

    /// What all compilations took that the program waited for.
    pub(crate) fn waited_cycles(&self) -> u64 {
        self.rules.spent_cycles - self.rules.beside_cycles
    }

    /// How long what has run may be compiled at a boot's end, which is now.
    pub(crate) fn warm_up_ns(&self) -> u64 {
        if self.is_for_another_kernel() {
            return 0;
        }
        let (_, elapsed_ns) = self.start.elapsed();
        self.rules.config.settle_ns(elapsed_ns)
    }

    /// Opens LLVM for a program that comes from its modules.
    pub(super) fn create(
        &mut self,
        program: &mut Program,
        hooks: &llvm_tier_hooks_t,
    ) -> Result<(), Outcome> {
        let (session, module) = Session::with_program(&self.rules.config, self.request)?;
        program.create(&session, module, hooks)?;
        program.remember_skips(&self.rules);
        self.session = Some(session);
        Ok(())
    }

    fn attach(&mut self, program: &mut Program) -> Result<(), Outcome> {
        let start = now();
        let (session, module) = Session::with_program(&self.rules.config, self.request)?;
        program.attach(&session, module)?;
        // The program refers to it from now on.
        let session = self.session.insert(session);
        program.take_units(session)?;
        self.rules.spent_cycles += now() - start;
        Ok(())
    }

    /// Opens LLVM for a program that was restored without it. False if that cannot be done.
    pub(super) fn reach(&mut self, program: &mut Program) -> bool {
        if self.is_stuck {
            return false;
        }
        if self.session.is_some() {
            return true;
        }
        let Err(outcome) = self.attach(program) else {
            return true;
        };
        self.is_stuck = true;
        if let Outcome::Failed { message, .. } = outcome {
            report_note(&format!("nothing can be compiled: {message}"));
            program.cannot_compile(message);
        }
        // Nobody needs to ask again.
        self.rules.config.budget_cycles = Some(0);
        program.set_all_limits(&self.rules);
        false
    }

    /// Looks at how large a unit is, if nobody has looked.
    pub(super) fn measure(&self, program: &mut Program, unit: usize) {
        if program.record(unit).policy.size().is_some() {
            return;
        }
        let mut size = llvm_unit_size_t {
            compiled: 0,
            executed: 0,
            is_flat: 0,
        };
        let error = match &self.session {
            // SAFETY: the program is open and has this unit.
            Some(_) => unsafe { llvm_tiered_measure(program.handle(), unit as u32, &mut size) },
            None => LLVM_ERROR_INTERNAL,
        };
        let found = if error == LLVM_OK {
            Size {
                compiled: size.compiled,
                executed: size.executed,
            }
        } else {
            program.guess_size(unit)
        };
        let policy = &mut program.record_mut(unit).policy;
        policy.set_flat(size.is_flat != 0);
        policy.set_size(found);
    }

    /// Looks at all units, for a profile.
    pub(super) fn measure_all(&self, program: &mut Program) {
        if self.session.is_some() {
            for unit in 0..program.records().len() {
                self.measure(program, unit);
            }
        }
    }

    /// The program has called the unit, which has no code.
    pub(super) fn make_first_code(&mut self, program: &mut Program, unit: usize) {
        self.take_objects(program);
        if program.record(unit).policy.tier() != Tier::Interpreter || !self.reach(program) {
            return;
        }
        self.measure(program, unit);
        loop {
            let record = program.record(unit);
            let count = record.counters().count;
            let Some(level) = record.policy.first_code(&self.rules, count) else {
                // The program cannot go on without: once more, with no bounds.
                for level in self.rules.config.levels.from_lowest() {
                    match self.compile(program, unit, level) {
                        Made::Refused(_) => {}
                        Made::Code | Made::Nothing => break,
                    }
                }
                return;
            };
            if self.compile_in_company(program, unit, level) {
                program.record(unit).set_limits(&self.rules);
                return;
            }
        }
    }

    /// Compiles a unit that has no code, and at the lowest level what it is going to call soon along with it. If that
    /// fails, for whatever reason, it is compiled alone.
    pub(super) fn compile_in_company(
        &mut self,
        program: &mut Program,
        unit: usize,
        level: Level,
    ) -> bool {
        let has_company = level == self.rules.config.levels.lowest() && self.rules.needs_sizes();
        let company = if has_company {
            self.company_of(program, unit)
        } else {
            Vec::new()
        };
        if company.is_empty() {
            return self.compile_guarded(program, unit, level);
        }
        let mut units = vec![unit as u32];
        units.extend(company.iter().map(|candidate| candidate.unit));
        let config = self.rules.config;
        let start = now();
        let made = compile_guard::run(&config, || self.compile_units(program, &units, level));
        let Some(made) = made else {
            self.rules.spent_cycles += now() - start;
            return self.compile_guarded(program, unit, level);
        };
        let neighbours = company.iter().filter(|one| one.likelihood.is_none());
        let before = self.neighbours.len();
        self.neighbours.extend(neighbours.map(|one| one.unit));
        let more = self.neighbours.len() - before;
        self.company.neighbours_compiled(more as u32);
        let instructions = made.iter().map(|made| made.instructions).sum();
        let cycles = made.iter().map(|made| made.cycles).sum();
        self.rules.spent_cycles += cycles;
        let size = Size {
            compiled: instructions,
            executed: 1,
        };
        self.rules.costs.learn(level, size, cycles);
        let at = now();
        for (unit, made) in units.into_iter().zip(&made) {
            let unit = unit as usize;
            let made = Compilation {
                at,
                ..Compilation::of(level, made)
            };
            self.note_code(program, unit, made);
            program.record(unit).set_limits(&self.rules);
        }
        true
    }

    /// What is compiled along with the unit, all of it without code.
    fn company_of(&mut self, program: &Program, unit: usize) -> Vec<Candidate> {
        const MOST: usize = 64;
        let before = self.neighbours.len();
        self.neighbours
            .retain(|unit| program.count_of(*unit as usize) == 0);
        let called = before - self.neighbours.len();
        self.company.neighbours_called(called as u32);

        let mut found = Vec::<llvm_successor_t>::with_capacity(MOST);
        // SAFETY: the program is open and has this unit; there is room for so many, of which the library says how many it
        // has written.
        unsafe {
            let count = llvm_tiered_successors(
                program.handle(),
                unit as u32,
                found.as_mut_ptr(),
                found.capacity(),
            );
            found.set_len(count);
        }
        let lowest = self.rules.config.levels.lowest();
        let is_untried = |found: &llvm_successor_t| {
            let policy = &program.record(found.unit as usize).policy;
            !policy.tried()[lowest.index()]
        };
        let candidates = found.into_iter().filter(is_untried).map(|found| Candidate {
            unit: found.unit,
            instructions: found.instructions,
            likelihood: (found.likelihood != 0).then(|| f64::from(found.likelihood) / 1000.0),
        });
        let size = program.record(unit).policy.size();
        let instructions = size.map_or(0, |size| size.compiled);
        self.company
            .choose(lowest, instructions, candidates)
            .collect()
    }

    /// What compiling the units together has taken; `None` if it has failed.
    fn compile_units(
        &self,
        program: &Program,
        units: &[u32],
        level: Level,
    ) -> Option<Vec<llvm_compilation_t>> {
        let mut made = vec![NOTHING_MADE; units.len()];
        // SAFETY: the program is open and has these units, and there is room for what each has taken.
        let error = unsafe {
            llvm_tiered_compile(
                program.handle(),
                units.as_ptr(),
                units.len(),
                level_code(level),
                made.as_mut_ptr(),
            )
        };
        (error == LLVM_OK).then_some(made)
    }

    /// Compiles a unit ahead of its time, if the compiler can be had.
    pub(crate) fn compile_for_later(&mut self, program: &mut Program, unit: usize, level: Level) {
        if self.reach(program) {
            self.compile_guarded(program, unit, level);
        }
    }

    /// Compiles a unit that has no code, at the lowest level that works.
    pub(crate) fn compile_first(&mut self, program: &mut Program, unit: usize) {
        for level in self.rules.config.levels.from_lowest() {
            if program.record(unit).policy.tried()[level.index()] {
                continue;
            }
            if !self.reach(program) || self.compile_guarded(program, unit, level) {
                return;
            }
        }
    }

    /// Compiles a unit within the bounds of the settings, at the level or at the next one that does not refuse it. False
    /// if there is no code.
    pub(super) fn compile_guarded(
        &mut self,
        program: &mut Program,
        unit: usize,
        level: Level,
    ) -> bool {
        let config = self.rules.config;
        let mut next = Some(level);
        while let Some(level) = next {
            next = match compile_guard::run(&config, || self.compile(program, unit, level)) {
                Made::Code => return true,
                Made::Nothing => None,
                Made::Refused(next) => next,
            };
        }
        false
    }

    fn compile(&mut self, program: &mut Program, unit: usize, level: Level) -> Made {
        let handle = program.handle();
        self.make_code(program, unit, level, None, |made| {
            // SAFETY: the program is open and has this unit.
            unsafe { llvm_tiered_compile(handle, &(unit as u32), 1, level_code(level), made) }
        })
    }

    /// Places code that has been made beside the program in so many cycles, unless there is better code already.
    pub(super) fn link_guarded(
        &mut self,
        program: &mut Program,
        unit: usize,
        level: Level,
        object: &llvm_object_t,
        cycles: u64,
    ) {
        if program.record(unit).policy.tier() >= Tier::Native(level) {
            return;
        }
        let config = self.rules.config;
        let handle = program.handle();
        compile_guard::run(&config, || {
            self.make_code(program, unit, level, Some(cycles), |made| {
                // SAFETY: the program is open and has this unit; the object is there meanwhile.
                unsafe {
                    llvm_tiered_link_object(handle, unit as u32, level_code(level), object, made)
                }
            })
        });
    }

    /// Notes that a compilation has failed. Returns what that means for the unit.
    pub(super) fn note_failure(
        levels: &LevelSet,
        program: &mut Program,
        unit: usize,
        level: Level,
        reason: String,
        cause: Cause,
    ) -> Made {
        let record = program.record_mut(unit);
        let made = match cause {
            Cause::Failed => {
                record.policy.failed(level);
                Made::Nothing
            }
            Cause::TookTooLong => {
                record.policy.took_too_long(level);
                Made::Nothing
            }
            Cause::Refused => Made::Refused(record.policy.refused(levels, level)),
        };
        record.failures.push(Failure {
            level,
            refused: cause == Cause::Refused,
            reason,
        });
        made
    }

    /// Promotes the unit to code that `make` makes. `beside` is how many cycles more it has taken elsewhere.
    fn make_code(
        &mut self,
        program: &mut Program,
        unit: usize,
        level: Level,
        beside: Option<u64>,
        make: impl FnOnce(&mut llvm_compilation_t) -> llvm_error_t,
    ) -> Made {
        let Some(session) = &self.session else {
            return Made::Nothing;
        };
        let start = now();
        let mut made = NOTHING_MADE;
        let error = make(&mut made);
        if error != LLVM_OK {
            self.rules.spent_cycles += now() - start;
            let reason = session.last_error();
            return Self::note_failure(
                &self.rules.config.levels,
                program,
                unit,
                level,
                reason,
                Cause::of(error),
            );
        }
        self.rules.spent_cycles += made.cycles;
        let cycles = made.cycles + beside.unwrap_or(0);
        if let Some(size) = program.record(unit).policy.size() {
            self.rules.costs.learn(level, size, cycles);
        }
        let made = Compilation {
            cycles,
            is_beside: beside.is_some(),
            ..Compilation::of(level, &made)
        };
        self.note_code(program, unit, made);
        Made::Code
    }

    /// Notes the unit's new code.
    fn note_code(&self, program: &mut Program, unit: usize, made: Compilation) {
        let level = made.level;
        let record = program.record_mut(unit);
        record.policy.compiled(level);
        record.compilations.push(made);
        let function = record.function;
        if function != unit {
            self.loop_reached(program, function, level);
        }
    }

    /// A loop of the function has reached the level.
    pub(super) fn loop_reached(&self, program: &mut Program, function: usize, level: Level) {
        let record = program.record_mut(function);
        record.policy.loop_reached(level);
        record.set_limits(&self.rules);
    }
}
