//! The tier manager: runs a program in all tiers at once, and decides with the policy what is compiled.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::ops::Range;
use core::{ptr, slice};

use bareflow_guest::report_note;
use bareflow_profile::{Failure, Steps};
use bareflow_snapshot::{Function, seen};
use bareflow_tiers::exchange::Request;
use bareflow_tiers::{Config, Kind, LEVELS, Learnt, Level, Policy, Rules, Size, Tier, Unit};

use crate::background::Background;
use crate::bindings::{
    LLVM_ERROR_INTERNAL, LLVM_OK, LLVM_OPT_O0, LLVM_OPT_O1, LLVM_OPT_O2, LLVM_OPT_O3,
    llvm_compilation_t, llvm_error_t, llvm_flow_visitor_t, llvm_object_t, llvm_opt_level_t,
    llvm_profile_t, llvm_tier_hooks_t, llvm_tiered_attach, llvm_tiered_cannot_compile,
    llvm_tiered_compile, llvm_tiered_create, llvm_tiered_destroy, llvm_tiered_find_reachable,
    llvm_tiered_is_intact, llvm_tiered_link_object, llvm_tiered_measure, llvm_tiered_message,
    llvm_tiered_profile, llvm_tiered_recall, llvm_tiered_restore, llvm_tiered_t, llvm_tiered_unit,
    llvm_tiered_unit_count, llvm_tiered_visit_flow, llvm_unit_info_t, llvm_unit_size_t,
    llvm_unit_t,
};
use crate::clock::{Start, now};
use crate::guard;
use crate::jail;
use crate::memory::{self, Contents, Memory, Tables};
use crate::outcome::kind_of;
use crate::session::{CArguments, Session};
use crate::{FailureKind, Outcome, POOL_ADDRESS, POOL_SIZE_BYTES, RunRequest};

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
    earlier_count: u64,
    counters: *mut llvm_unit_t,
    /// What was written into the counters.
    limits: Cell<[u64; LEVELS.len()]>,
}

impl Record {
    /// The counters as they are now.
    pub(crate) fn counters(&self) -> llvm_unit_t {
        // SAFETY: the counters live as long as the program, which outlives the record.
        unsafe { ptr::read_volatile(self.counters) }
    }

    /// Continues what earlier boots have counted.
    fn count_from(&self, function: &Function) {
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

    fn set_limits(&self, rules: &Rules) {
        let mut versions = core::iter::once(Tier::Interpreter).chain(LEVELS.map(Tier::Native));
        let limits = [(); LEVELS.len()].map(|()| match versions.next() {
            Some(version) => self.policy.limit(rules, version),
            None => u64::MAX,
        });
        self.write_limits(limits);
        self.limits.set(limits);
    }

    fn write_limits(&self, limits: [u64; LEVELS.len()]) {
        // SAFETY: the counters live as long as the program, which reads the limits and never holds a reference.
        let place = unsafe { &raw mut (*self.counters).limits };
        for (index, limit) in limits.into_iter().enumerate() {
            // SAFETY: there is a limit for each version that counts.
            unsafe { ptr::write_volatile((place as *mut u64).add(index), limit) };
        }
    }

    fn has_its_limits(&self) -> bool {
        self.counters().limits == self.limits.get()
    }

    /// Whether its code calls at its next count: what is made beside the program is ready.
    fn is_called(&self) -> bool {
        self.counters().limits == CALLED
    }
}

/// A program that runs in all tiers at once.
pub(crate) struct Manager<'a> {
    /// Dropped before the session that it may belong to.
    program: Program,
    /// `None` as long as a restored program has not needed the compiler.
    session: Option<Session>,
    /// The compiler was needed and could not be had.
    is_stuck: bool,
    request: &'a RunRequest<'a>,
    rules: Rules,
    /// When the program was opened.
    start: Start,
    records: Vec<Record>,
    memory: Option<Memory<'a>>,
    /// Of a restored program.
    tables: Option<Tables>,
    /// Where code is made beside the program, if it may be.
    pub(crate) background: Option<Background>,
}

/// The library's program; closed when dropped.
#[derive(Debug)]
struct Program(*mut llvm_tiered_t);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: null is allowed; nothing of the program runs any more.
        unsafe { llvm_tiered_destroy(self.0) };
    }
}

pub(crate) const fn level_code(level: Level) -> llvm_opt_level_t {
    match level {
        Level::O0 => LLVM_OPT_O0,
        Level::O1 => LLVM_OPT_O1,
        Level::O2 => LLVM_OPT_O2,
        Level::O3 => LLVM_OPT_O3,
    }
}

/// A unit that is not due after so many boots costs each of them less than a tenth of its compilation.
const HORIZON_BOOTS: u64 = 10;

impl<'a> Manager<'a> {
    /// Of a program that is still to be loaded.
    pub(crate) fn new(
        request: &'a RunRequest<'a>,
        config: Config,
        memory: Option<Memory<'a>>,
        background: Option<Background>,
    ) -> Self {
        Self {
            program: Program(ptr::null_mut()),
            session: None,
            is_stuck: false,
            request,
            rules: Rules::new(config),
            start: Start::now(),
            records: Vec::new(),
            memory,
            tables: None,
            background,
        }
    }

    /// Takes the program as a snapshot has it, or from its modules. It calls the hooks when it runs.
    pub(crate) fn load(&mut self, hooks: &llvm_tier_hooks_t) -> Result<(), Outcome> {
        self.rules.is_beside = self.background.is_some();
        let start = now();
        let is_restored = self.request.destination.is_none() && self.restore(hooks);
        if !is_restored {
            self.prepare(hooks)?;
        }
        self.take_counts();
        if let Some(memory) = &mut self.memory
            && is_restored
        {
            memory.add_load_cycles(now() - start);
        }
        Ok(())
    }

    /// Parses the modules and places the program's data.
    fn prepare(&mut self, hooks: &llvm_tier_hooks_t) -> Result<(), Outcome> {
        let (session, module) = Session::with_program(&self.rules.config, self.request)?;
        // SAFETY: the module belongs to the open session; the hooks are copied, and what they are about outlives the
        // program.
        session.check(unsafe { llvm_tiered_create(module, hooks, &mut self.program.0) })?;
        for (name, info) in units_of(&session, self.program.0)? {
            let kind = unit_kind(&info, self.records.len());
            let mut policy = Unit::new(kind);
            policy.set_jumps(jumps_of(&info));
            self.records.push(Record {
                name,
                function: info.function as usize,
                policy,
                compilations: Vec::new(),
                failures: Vec::new(),
                restored_bytes: 0,
                earlier_count: 0,
                counters: info.counters,
                limits: Cell::default(),
            });
        }
        self.session = Some(session);
        if let Some(memory) = &mut self.memory
            && let Some(contents) = Contents::of_program(self.program.0)
        {
            memory.keep_variables(contents.read_variables());
        }
        Ok(())
    }

    /// Takes the newest snapshot that is of use. False if there is none.
    fn restore(&mut self, hooks: &llvm_tier_hooks_t) -> bool {
        loop {
            match self.restore_newest(hooks) {
                Ok(is_there) => return is_there,
                Err(reason) => {
                    if let Some(memory) = &mut self.memory {
                        memory.refuse_code(&reason);
                    }
                }
            }
        }
    }

    fn restore_newest(&mut self, hooks: &llvm_tier_hooks_t) -> Result<bool, String> {
        let Some(snapshot) = self.memory.as_ref().and_then(Memory::code) else {
            return Ok(false);
        };
        let tables = Tables::new(&snapshot)?;
        memory::map(&snapshot, tables.slots())?;
        let mut owner = 0;
        let records = snapshot
            .functions
            .iter()
            .enumerate()
            .map(|(unit, function)| {
                if function.kind == Kind::Function {
                    owner = unit;
                }
                Record {
                    name: function.name.into(),
                    function: owner,
                    policy: Unit::with_history(
                        function.kind,
                        function.tier,
                        function.tried,
                        function.loops,
                    ),
                    compilations: Vec::new(),
                    failures: Vec::new(),
                    restored_bytes: function.code_bytes,
                    earlier_count: 0,
                    counters: tables.counters_of(unit),
                    limits: Cell::default(),
                }
            });
        let records = records.collect();
        let restored = tables.restored();
        // SAFETY: the snapshot is mapped; the tables live as long as the program.
        let error = unsafe { llvm_tiered_restore(&restored, hooks, &mut self.program.0) };
        if error != LLVM_OK {
            return Err("the library does not take it".into());
        }
        self.records = records;
        self.tables = Some(tables);
        Ok(true)
    }

    /// What earlier boots have counted, and the limits that follow from it.
    fn take_counts(&mut self) {
        let earlier = match self.request.seen {
            Some(seen) => Some(seen.clone()),
            None => self.memory.as_ref().and_then(Memory::counts),
        };
        if let Some(earlier) = &earlier {
            self.rules.costs.expect(earlier.profile.learnt);
        }
        let functions = earlier.map_or(Vec::new(), |earlier| earlier.functions);
        for (unit, record) in self.records.iter_mut().enumerate() {
            let is_same = |function: &&Function| {
                function.kind == record.policy.kind() && function.name == record.name
            };
            // The same program has them in the same order.
            if let Some(function) = functions.get(unit).filter(is_same) {
                record.count_from(function);
                if let Some(words) = seen::decode(function.seen) {
                    // SAFETY: the program is open and has not started; the words are copied.
                    unsafe {
                        llvm_tiered_recall(
                            self.program.0,
                            unit as u32,
                            words.as_ptr(),
                            words.len(),
                        );
                    }
                }
                if let Some(level) = function.loops {
                    record.policy.loop_reached(level);
                }
                record.policy.remember_failures(function.tried);
            }
            record.earlier_count = record.counters().count;
            record.set_limits(&self.rules);
        }
    }

    /// Opens LLVM for a program that was restored without it. False if that cannot be done.
    fn reach_compiler(&mut self) -> bool {
        if self.session.is_some() {
            return true;
        }
        if self.is_stuck {
            return false;
        }
        let Err(outcome) = self.attach() else {
            return true;
        };
        self.is_stuck = true;
        if let Outcome::Failed { message, .. } = outcome {
            report_note(&format!("nothing can be compiled: {message}"));
            let message = CString::new(message).unwrap_or_default();
            // SAFETY: the program is open; the text ends with a zero and is copied.
            unsafe {
                llvm_tiered_cannot_compile(self.program.0, LLVM_ERROR_INTERNAL, message.as_ptr());
            }
        }
        // Nobody needs to ask again.
        self.rules.config.budget_cycles = Some(0);
        for record in &self.records {
            record.set_limits(&self.rules);
        }
        false
    }

    fn attach(&mut self) -> Result<(), Outcome> {
        let start = now();
        let (session, module) = Session::with_program(&self.rules.config, self.request)?;
        let contents = self.tables.as_ref().map(Tables::contents);
        let contents = contents.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the program is open, and the module is what it was made of: the snapshot's keys say so.
        session.check(unsafe { llvm_tiered_attach(self.program.0, module, contents) })?;
        let units = units_of(&session, self.program.0)?;
        let is_same = units.len() == self.records.len()
            && units
                .iter()
                .zip(&self.records)
                .all(|((name, _), record)| *name == record.name);
        self.session = Some(session);
        for (record, (_, info)) in self.records.iter_mut().zip(&units) {
            record.policy.set_jumps(jumps_of(info));
        }
        self.rules.spent_cycles += now() - start;
        if is_same {
            Ok(())
        } else {
            Err(Outcome::Failed {
                kind: FailureKind::Internal,
                message: String::from("the snapshot has other functions than the program"),
            })
        }
    }

    /// main's arguments.
    ///
    /// # Errors
    /// That C cannot have them.
    pub(crate) fn arguments(&self) -> Result<CArguments, Outcome> {
        CArguments::new(self.request.arguments)
    }

    /// What has come of the program, which has ended with a status or an error.
    pub(crate) fn ended(&mut self, error: llvm_error_t, status: c_int) -> Result<i32, Outcome> {
        self.stop_background();
        if error == LLVM_OK {
            return if self.is_intact() {
                Ok(status)
            } else {
                Err(Outcome::Failed {
                    kind: FailureKind::GuestFault,
                    message: String::from(guard::OVERWRITTEN_TABLES),
                })
            };
        }
        let is_restored = self.tables.is_some();
        Err(match &self.session {
            Some(session) if !is_restored => session.failure(error),
            _ => Outcome::Failed {
                kind: kind_of(error),
                message: self.message(),
            },
        })
    }

    /// Whether the program has left alone what its code is found by, and what decides about it.
    pub(crate) fn is_intact(&self) -> bool {
        // SAFETY: the program is open.
        let is_intact = unsafe { llvm_tiered_is_intact(self.program.0) != 0 };
        let may_be_called = self.background.is_some();
        let mut records = self.records.iter();
        is_intact
            && records.all(|record| record.has_its_limits() || may_be_called && record.is_called())
    }

    fn message(&self) -> String {
        // SAFETY: the program is open; the text ends with a zero and is copied at once.
        let text = unsafe { CStr::from_ptr(llvm_tiered_message(self.program.0)) };
        text.to_string_lossy().into_owned()
    }

    /// The open session, if the compiler was needed.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// What the program remembers, if it can.
    pub(crate) fn memory(&self) -> Option<&Memory<'a>> {
        self.memory.as_ref()
    }

    /// As `memory`, for writing.
    pub(crate) fn memory_mut(&mut self) -> Option<&mut Memory<'a>> {
        self.memory.as_mut()
    }

    /// The library's program.
    pub(crate) fn program(&self) -> *mut llvm_tiered_t {
        self.program.0
    }

    /// Whether the program is compiled for another kernel and not run.
    pub(crate) fn is_for_another_kernel(&self) -> bool {
        self.request.destination.is_some()
    }

    /// How long what has run may be compiled at a boot's end, which is now.
    pub(crate) fn settle_ns(&self) -> u64 {
        if self.is_for_another_kernel() {
            return 0;
        }
        let (_, elapsed_ns) = self.start.elapsed();
        self.rules.config.settle_ns(elapsed_ns)
    }

    /// The address of the unit's newest code, or of what stands for none.
    pub(crate) fn slot(&self, unit: usize) -> u64 {
        let Some(first) = self.records.first() else {
            return 0;
        };
        let slots = first
            .counters
            .wrapping_add(self.records.len())
            .cast::<usize>();
        // SAFETY: the library keeps a word for each unit behind the counters of all.
        unsafe { ptr::read_volatile(slots.wrapping_add(unit)) as u64 }
    }

    /// Compiles for another kernel what is worth it by the counts of all runs, and what is wanted besides.
    pub(crate) fn compile_ahead(&mut self, precompile: Option<Level>) {
        let reachable = self.reachable();
        let mut wanted: Vec<Option<Level>> = Vec::new();
        for (unit, is_reachable) in reachable.into_iter().enumerate() {
            let mut level = precompile.filter(|_| is_reachable);
            if self.records[unit].counters().count > 0 {
                self.measure(unit);
                let policy = &self.records[unit].policy;
                let (size, loops) = match policy.kind() {
                    Kind::Function => (policy.size(), policy.loops()),
                    // What has no code tells nothing of its size.
                    Kind::Loop => (Some(size_of_code(0)), None),
                };
                // Nobody waits: what is not worth more has at least code that is small.
                let due = self.due_soon(unit, size).max(loops);
                level = level.max(due).max(Some(Level::O1));
            }
            let function = self.records[unit].function;
            wanted.push(None);
            wanted[function] = wanted[function].max(level);
        }
        for (unit, level) in wanted.into_iter().enumerate() {
            let mut level = level;
            while let Some(next) = level {
                let levels = LEVELS.into_iter().rev();
                let mut levels = levels.filter(|lower| *lower <= next);
                // What fails at a level may have code at a lower one.
                levels.any(|level| self.compile_confined(unit, level));
                let made = self.records[unit].compilations.last();
                let size = made.map(|made| size_of_code(made.code_bytes as u64));
                level = self.due_soon(unit, size);
            }
        }
    }

    /// For what level the first boots would find a unit of this size due: they are to find everything done, and that
    /// nothing comes of ten more like them.
    fn due_soon(&self, unit: usize, size: Option<Size>) -> Option<Level> {
        const EXPECTED_RUNS: u64 = 2 * HORIZON_BOOTS;
        let record = &self.records[unit];
        let mut policy = record.policy.clone();
        policy.set_size(size?);
        policy.due(
            &self.rules,
            record.counters().count.saturating_mul(EXPECTED_RUNS),
        )
    }

    /// Whether the program may come to each unit.
    fn reachable(&self) -> Vec<bool> {
        let mut reachable = vec![0; self.records.len()];
        // SAFETY: the program is open, and there is a byte for each of its units.
        unsafe { llvm_tiered_find_reachable(self.program.0, reachable.as_mut_ptr()) };
        reachable.into_iter().map(|byte| byte != 0).collect()
    }

    /// What the unit's code has noted of its control flow: where in the pool, or 0, and what.
    pub(crate) fn seen(&self, unit: usize) -> (u64, Vec<u8>) {
        let mut profile = llvm_profile_t {
            words: ptr::null_mut(),
            count: 0,
        };
        // SAFETY: the program is open and has this unit.
        let error = unsafe { llvm_tiered_profile(self.program.0, unit as u32, &mut profile) };
        if error != LLVM_OK || profile.words.is_null() {
            return (0, Vec::new());
        }
        // SAFETY: the library has so many words there, and no code runs that changes them.
        let words = unsafe { slice::from_raw_parts(profile.words, profile.count) };
        let address = profile.words.expose_provenance();
        let is_in_pool = (POOL_ADDRESS..POOL_ADDRESS + POOL_SIZE_BYTES).contains(&address);
        (
            if is_in_pool { address as u64 } else { 0 },
            seen::encode(words),
        )
    }

    /// Tells what was seen of the unit's control flow.
    ///
    /// # Errors
    /// What the library says.
    pub(crate) fn visit_flow(
        &self,
        unit: usize,
        visitor: &llvm_flow_visitor_t,
    ) -> Result<(), Outcome> {
        // SAFETY: the program is open and has this unit; what the visitor is given it takes while this runs.
        let error = unsafe { llvm_tiered_visit_flow(self.program.0, unit as u32, visitor) };
        match &self.session {
            Some(session) => session.check(error),
            None => Ok(()),
        }
    }

    /// Compiles a unit ahead of its time, if the compiler can be had.
    pub(crate) fn compile_for_later(&mut self, unit: usize, level: Level) {
        if self.reach_compiler() {
            self.compile_confined(unit, level);
        }
    }

    /// Compiles a unit that has no code, at the lowest level that works.
    pub(crate) fn compile_first(&mut self, unit: usize) {
        for level in LEVELS {
            if self.records[unit].policy.tried()[level.index()] {
                continue;
            }
            if !self.reach_compiler() || self.compile_confined(unit, level) {
                return;
            }
        }
    }

    /// Bytes of the code pool that are in use.
    pub(crate) fn pool_bytes(&self) -> usize {
        match &self.session {
            Some(session) => session.pool_bytes(),
            None => self.tables.as_ref().map_or(0, Tables::pool_bytes),
        }
    }

    /// The name of the compiled function around the address.
    pub(crate) fn function_at(&self, address: usize) -> Option<String> {
        match &self.session {
            Some(session) => session.function_at(address),
            None => self.tables.as_ref()?.function_at(address),
        }
    }

    /// Every unit, a function before its loops.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether anything was compiled in this boot.
    pub(crate) fn has_compiled(&self) -> bool {
        let mut records = self.records.iter();
        records.any(|record| !record.compilations.is_empty())
    }

    /// What is known of the costs of compilations.
    pub(crate) fn learnt(&self) -> Learnt {
        self.rules.costs.all_learnt()
    }

    /// Whether a compilation has failed in this boot: no later one tries it again.
    pub(crate) fn has_failed(&self) -> bool {
        let mut records = self.records.iter();
        records.any(|record| !record.failures.is_empty())
    }

    /// Whether counts are worth being kept: a unit has run that had not run before, or some boots more like this one
    /// would make one due for a level. Otherwise the next boots do the same from the counts that are kept already.
    pub(crate) fn has_counted_news(&self) -> bool {
        self.records.iter().any(|record| {
            let (count, earlier) = (record.counters().count, record.earlier_count);
            if count == earlier || earlier == 0 {
                return count > 0 && earlier == 0;
            }
            // LLVM is not asked for what only the next boots need to know.
            let mut policy = record.policy.clone();
            if policy.size().is_none() && policy.tier() != Tier::Interpreter {
                policy.set_size(size_of_code(record.restored_bytes));
            }
            let expected = count.saturating_add((count - earlier).saturating_mul(HORIZON_BOOTS));
            policy.due(&self.rules, expected) > policy.due(&self.rules, earlier)
        })
    }

    /// What all compilations took that the program waited for.
    pub(crate) fn waited_cycles(&self) -> u64 {
        self.rules.spent_cycles - self.rules.beside_cycles
    }

    /// Whether somebody else may have changed the unit's limits.
    fn is_asked_for(&self, unit: usize) -> bool {
        let mut background = self.background.iter();
        background.any(|background| background.is_asked_for(unit))
    }

    /// What all units are judged by.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether better code is made beside the program from now on.
    pub(crate) fn set_beside(&mut self, is_beside: bool) {
        self.rules.is_beside = is_beside;
    }

    /// What the unit counts now.
    pub(crate) fn count_of(&self, unit: usize) -> u64 {
        let record = self.records.get(unit);
        record.map_or(0, |record| record.counters().count)
    }

    /// Has the unit's code call when it counts next.
    pub(crate) fn call_at_next_count(&self, unit: usize) {
        self.records[unit].write_limits(CALLED);
    }

    /// Sets the unit's limits again.
    pub(crate) fn refresh_limits(&mut self, unit: usize) {
        self.records[unit].set_limits(&self.rules);
    }

    /// Notes what compiling beside the program has taken.
    pub(crate) fn count_cycles(&mut self, cycles: u64) {
        self.rules.spent_cycles += cycles;
        self.rules.beside_cycles += cycles;
    }

    /// The pages of the pool that the program counts in.
    pub(crate) fn counted_pages(&self) -> Vec<Range<usize>> {
        let contents = Contents::of_program(self.program.0);
        contents.map_or(Vec::new(), |contents| contents.reserved_data())
    }

    /// The unit, which runs in code of this tier, has reached its limit.
    pub(crate) fn promote(&mut self, unit: usize, version: Tier) {
        self.take_objects();
        let count = self.records[unit].counters().count;
        if self.rules.needs_sizes() {
            self.measure(unit);
        }
        let policy = &self.records[unit].policy;
        // A loop without code of its own may run in code of its function.
        let due = policy.promotion(&self.rules, count);
        if let Some(level) = due.filter(|level| Tier::Native(*level) > version) {
            let (takes_share, size) = (policy.takes_share(), policy.size());
            let (elapsed_cycles, elapsed_ns) = self.start.elapsed();
            if self.can_wait(unit, level, count) {
                let function = self.records[unit].function;
                self.loop_reached(function, level);
            } else if takes_share
                && !self
                    .rules_now()
                    .has_time_for(level, size, elapsed_cycles, elapsed_ns)
            {
                self.records[unit].policy.postpone(count);
            } else if self.reach_compiler() {
                self.promote_to(unit, level, count, version);
            }
        }
        self.records[unit].set_limits(&self.rules);
    }

    /// The rules, with what has been asked for.
    fn rules_now(&mut self) -> &Rules {
        let cost = |request: Request| {
            let size = self.records.get(request.unit as usize)?.policy.size()?;
            Some(self.rules.costs.prediction(request.level, size))
        };
        let background = self.background.iter();
        let asked = background.flat_map(Background::asked).filter_map(cost);
        self.rules.asked_cycles = asked.sum();
        &self.rules
    }

    /// Compiles the unit, or has it compiled beside the program, which then goes on with the code that it has; what is
    /// interpreted gets some at once, since interpreting takes a hundred times longer.
    fn promote_to(&mut self, unit: usize, level: Level, count: u64, version: Tier) {
        let policy = &self.records[unit].policy;
        let takes_share = policy.takes_share();
        if self.rules.is_beside {
            let is_interpreted = version == Tier::Interpreter && policy.tier() == version;
            if is_interpreted && !policy.tried()[Level::O0.index()] {
                self.compile_confined(unit, Level::O0);
            }
            let policy = &self.records[unit].policy;
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
                if let Some(level) = self.due_here(unit, count) {
                    self.compile_in_share(unit, level);
                    return;
                }
                if self.is_covered(unit, level, count) || self.ask_for(request) {
                    self.records[unit].policy.postpone(count);
                    return;
                }
            }
        }
        if takes_share {
            self.compile_in_share(unit, level);
        } else {
            self.compile_confined(unit, level);
        }
    }

    fn compile_in_share(&mut self, unit: usize, level: Level) {
        let before = self.rules.spent_cycles;
        self.compile_confined(unit, level);
        self.rules.promotion_cycles += self.rules.spent_cycles - before;
    }

    /// The level that the program compiles the unit at itself, because it has been asked for, is worth being waited for by
    /// now, and the copy has not begun with it: it works at something large, or not at all.
    fn due_here(&mut self, unit: usize, count: u64) -> Option<Level> {
        let rules = self.rules.here();
        let policy = &self.records[unit].policy;
        let level = policy.promotion(&rules, count)?;
        let (elapsed_cycles, elapsed_ns) = self.start.elapsed();
        let is_due = rules.config.policy == Policy::Costs
            && rules.has_time_for(level, policy.size(), elapsed_cycles, elapsed_ns);
        let background = self.background.as_ref().filter(|_| is_due)?;
        background.withdraw(unit).then_some(level)
    }

    /// Whether the code of another loop, which is there or has been asked for, may do for this one: what can be reached
    /// from any loop of an interpreter is all of it, and takes as long to compile.
    fn is_covered(&self, unit: usize, level: Level, count: u64) -> bool {
        let record = &self.records[unit];
        let is_loop = |other: &usize| *other != unit && *other != record.function;
        record.policy.is_covered_by_siblings(&self.rules, count)
            && (record.function..self.records.len())
                .take_while(|other| self.records[*other].function == record.function)
                .filter(is_loop)
                .any(|other| {
                    self.records[other].policy.tier() >= Tier::Native(level)
                        || self.is_asked_for(other)
                })
    }

    /// Looks at how large a unit is, if nobody has looked.
    fn measure(&mut self, unit: usize) {
        let record = &mut self.records[unit];
        if record.policy.size().is_some() {
            return;
        }
        let mut size = llvm_unit_size_t {
            compiled: 0,
            executed: 0,
            is_flat: 0,
        };
        let error = match &self.session {
            // SAFETY: the program is open and has this unit.
            Some(_) => unsafe { llvm_tiered_measure(self.program.0, unit as u32, &mut size) },
            None => LLVM_ERROR_INTERNAL,
        };
        record.policy.set_flat(size.is_flat != 0);
        record.policy.set_size(if error == LLVM_OK {
            Size {
                compiled: size.compiled,
                executed: size.executed,
            }
        } else {
            size_of_code(record.restored_bytes)
        });
    }

    /// Looks at all units, for a profile.
    pub(crate) fn measure_all(&mut self) {
        if self.session.is_some() {
            for unit in 0..self.records.len() {
                self.measure(unit);
            }
        }
    }

    fn can_wait(&mut self, unit: usize, level: Level, count: u64) -> bool {
        let function = self.records[unit].function;
        if function == unit {
            return false;
        }
        let policy = self.records[function].policy.clone();
        let calls = self.records[function].counters().count;
        self.records[unit]
            .policy
            .can_wait(level, count, &policy, calls)
    }

    fn loop_reached(&mut self, function: usize, level: Level) {
        self.records[function].policy.loop_reached(level);
        self.records[function].set_limits(&self.rules);
    }

    /// The program has called the unit, which has no code.
    pub(crate) fn make_first_code(&mut self, unit: usize) {
        self.take_objects();
        if self.records[unit].policy.tier() != Tier::Interpreter || !self.reach_compiler() {
            return;
        }
        self.measure(unit);
        loop {
            let record = &self.records[unit];
            let count = record.counters().count;
            let Some(level) = record.policy.first_code(&self.rules, count) else {
                // The program cannot go on without: once more, with no bounds.
                self.compile(unit, Level::O0);
                return;
            };
            if self.compile_confined(unit, level) {
                self.records[unit].set_limits(&self.rules);
                return;
            }
        }
    }

    fn compile_confined(&mut self, unit: usize, level: Level) -> bool {
        let config = self.rules.config;
        jail::confine(&config, || self.compile(unit, level))
    }

    fn compile(&mut self, unit: usize, level: Level) -> bool {
        let program = self.program.0;
        self.make_code(unit, level, None, |made| {
            // SAFETY: the program is open and has this unit.
            unsafe { llvm_tiered_compile(program, unit as u32, level_code(level), made) }
        })
    }

    /// Places code that has been made beside the program, unless there is better code already.
    pub(crate) fn link_confined(
        &mut self,
        unit: usize,
        level: Level,
        object: &llvm_object_t,
        cycles: u64,
    ) {
        if self.records[unit].policy.tier() >= Tier::Native(level) {
            return;
        }
        let config = self.rules.config;
        let program = self.program.0;
        jail::confine(&config, || {
            self.make_code(unit, level, Some(cycles), |made| {
                // SAFETY: the program is open and has this unit; the object is there for the call.
                unsafe {
                    llvm_tiered_link_object(program, unit as u32, level_code(level), object, made)
                }
            })
        });
    }

    /// Notes that a compilation has failed.
    pub(crate) fn note_failure(
        &mut self,
        unit: usize,
        level: Level,
        reason: String,
        took_too_long: bool,
    ) {
        let record = &mut self.records[unit];
        if took_too_long {
            record.policy.took_too_long(level);
        } else {
            record.policy.failed(level);
        }
        record.failures.push(Failure { level, reason });
    }

    /// Promotes the unit to code that `make` makes. `beside` is how many cycles more it has taken elsewhere.
    fn make_code(
        &mut self,
        unit: usize,
        level: Level,
        beside: Option<u64>,
        make: impl FnOnce(&mut llvm_compilation_t) -> llvm_error_t,
    ) -> bool {
        let Some(session) = &self.session else {
            return false;
        };
        let start = now();
        let mut made = llvm_compilation_t {
            cycles: 0,
            cut: 0,
            optimise: 0,
            generate: 0,
            link: 0,
            bytes: 0,
        };
        if make(&mut made) != LLVM_OK {
            self.rules.spent_cycles += now() - start;
            let reason = session.last_error();
            self.note_failure(unit, level, reason, jail::took_too_long());
            return false;
        }
        self.rules.spent_cycles += made.cycles;
        let cycles = made.cycles + beside.unwrap_or(0);
        let record = &mut self.records[unit];
        if let Some(size) = record.policy.size() {
            self.rules.costs.learn(level, size, cycles);
        }
        record.policy.compiled(level);
        record.compilations.push(Compilation {
            level,
            at: now(),
            cycles,
            steps: Steps {
                cut: made.cut,
                optimise: made.optimise,
                generate: made.generate,
                link: made.link,
            },
            code_bytes: made.bytes,
            is_beside: beside.is_some(),
        });
        let function = record.function;
        if function != unit {
            self.loop_reached(function, level);
        }
        true
    }
}

/// The name and the place of each unit.
fn units_of(
    session: &Session,
    program: *mut llvm_tiered_t,
) -> Result<Vec<(String, llvm_unit_info_t)>, Outcome> {
    // SAFETY: the program is open.
    let count = unsafe { llvm_tiered_unit_count(program) };
    let read = |unit| {
        let mut info = MaybeUninit::<llvm_unit_info_t>::uninit();
        // SAFETY: as above; the library fills `info` in if there is no error, and the name ends with a zero.
        let (info, name) = unsafe {
            session.check(llvm_tiered_unit(program, unit, info.as_mut_ptr()))?;
            let info = info.assume_init();
            (info, CStr::from_ptr(info.name))
        };
        Ok((name.to_string_lossy().into_owned(), info))
    };
    (0..count).map(read).collect()
}

/// A guess at what code from a snapshot was made of, which keeps LLVM closed.
fn size_of_code(bytes: u64) -> Size {
    const BYTES_PER_INSTRUCTION: u64 = 5;
    let compiled = u32::try_from(bytes / BYTES_PER_INSTRUCTION).unwrap_or(u32::MAX);
    Size {
        compiled: compiled.max(1),
        executed: compiled.clamp(1, 50),
    }
}

/// What [`Unit::set_jumps`] wants to know.
fn jumps_of(info: &llvm_unit_info_t) -> Option<u32> {
    (info.jumps != 0).then_some(info.frame_bytes)
}

fn unit_kind(info: &llvm_unit_info_t, unit: usize) -> Kind {
    if info.function as usize == unit {
        Kind::Function
    } else {
        Kind::Loop
    }
}
