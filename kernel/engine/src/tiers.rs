//! The tier manager: runs a program in all tiers at once, and decides with the policy what is compiled.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;

use bareflow_profile::Failure;
use bareflow_tiers::{Config, Kind, LEVELS, Level, Tier, Unit};

use crate::Outcome;
use crate::bindings::{
    LLVM_OK, LLVM_OPT_O0, LLVM_OPT_O1, LLVM_OPT_O2, LLVM_OPT_O3, llvm_compilation_t, llvm_module_t,
    llvm_opt_level_t, llvm_tier_hooks_t, llvm_tier_t, llvm_tiered_compile, llvm_tiered_create,
    llvm_tiered_destroy, llvm_tiered_t, llvm_tiered_unit, llvm_tiered_unit_count, llvm_unit_info_t,
    llvm_unit_t,
};
use crate::jail;
use crate::session::Session;

/// One compilation, for the profile.
#[derive(Clone, Debug)]
pub(crate) struct Compilation {
    pub(crate) level: Level,
    /// When it ended, by the time stamp counter.
    pub(crate) at: u64,
    pub(crate) cycles: u64,
    pub(crate) code_bytes: usize,
}

/// A unit with its counters and its history.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: String,
    /// The number of its function's record; a function's own.
    pub(crate) function: usize,
    pub(crate) policy: Unit,
    pub(crate) compilations: Vec<Compilation>,
    pub(crate) failures: Vec<Failure>,
    counters: *mut llvm_unit_t,
}

impl Record {
    /// The counters as they are now.
    pub(crate) fn counters(&self) -> llvm_unit_t {
        // SAFETY: the counters live as long as the program, which outlives the record.
        unsafe { ptr::read_volatile(self.counters) }
    }

    fn set_limits(&self, config: &Config, spent_cycles: u64) {
        let versions = core::iter::once(Tier::Interpreter).chain(LEVELS.map(Tier::Native));
        // SAFETY: as above; the program reads the limits and never holds a reference.
        let limits = unsafe { &raw mut (*self.counters).limits };
        for (index, version) in versions.enumerate().take(LEVELS.len()) {
            let limit = self.policy.limit(config, version, spent_cycles);
            // SAFETY: there is a limit for each version that counts.
            unsafe { ptr::write_volatile((limits as *mut u64).add(index), limit) };
        }
    }
}

/// A program that runs in all tiers at once.
#[derive(Debug)]
pub(crate) struct Manager<'a> {
    session: &'a Session,
    program: *mut llvm_tiered_t,
    config: Config,
    records: Vec<Record>,
    spent_cycles: u64,
}

const fn level_code(level: Level) -> llvm_opt_level_t {
    match level {
        Level::O0 => LLVM_OPT_O0,
        Level::O1 => LLVM_OPT_O1,
        Level::O2 => LLVM_OPT_O2,
        Level::O3 => LLVM_OPT_O3,
    }
}

/// The time stamp counter.
pub(crate) fn now() -> u64 {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { core::arch::x86_64::_rdtsc() }
}

unsafe extern "C" fn hot(user: *mut c_void, unit: u32, _version: llvm_tier_t) {
    // SAFETY: the hooks are only called while the manager runs the program, which then borrows nothing of
    // it.
    unsafe { (*user.cast::<Manager>()).promote(unit as usize) };
}

unsafe extern "C" fn wanted(user: *mut c_void, unit: u32) {
    // SAFETY: as for `hot`.
    unsafe { (*user.cast::<Manager>()).make_first_code(unit as usize) };
}

impl<'a> Manager<'a> {
    /// Prepares a module.
    pub(crate) fn open(
        session: &'a Session,
        module: *mut llvm_module_t,
        config: Config,
    ) -> Result<Box<Self>, Outcome> {
        let mut manager = Box::new(Self {
            session,
            program: ptr::null_mut(),
            config,
            records: Vec::new(),
            spent_cycles: 0,
        });
        let hooks = llvm_tier_hooks_t {
            size: size_of::<llvm_tier_hooks_t>(),
            hot: Some(hot),
            wanted: Some(wanted),
            user: (&raw mut *manager).cast(),
        };
        // SAFETY: the module belongs to the open session; the manager stays where it is until it has
        // closed the program.
        session.check(unsafe { llvm_tiered_create(module, &hooks, &mut manager.program) })?;
        manager.read_units()?;
        Ok(manager)
    }

    fn read_units(&mut self) -> Result<(), Outcome> {
        // SAFETY: the program is open.
        let count = unsafe { llvm_tiered_unit_count(self.program) };
        for unit in 0..count {
            let mut info = MaybeUninit::<llvm_unit_info_t>::uninit();
            // SAFETY: as above; the library fills `info` in if there is no error, and the name ends with a
            // zero.
            let (info, name) = unsafe {
                self.session
                    .check(llvm_tiered_unit(self.program, unit, info.as_mut_ptr()))?;
                let info = info.assume_init();
                (info, core::ffi::CStr::from_ptr(info.name))
            };
            let kind = if info.function == unit {
                Kind::Function
            } else {
                Kind::Loop
            };
            let record = Record {
                name: name.to_string_lossy().into_owned(),
                function: info.function as usize,
                policy: Unit::new(kind),
                compilations: Vec::new(),
                failures: Vec::new(),
                counters: info.counters,
            };
            record.set_limits(&self.config, self.spent_cycles);
            self.records.push(record);
        }
        Ok(())
    }

    /// The program, for running it.
    pub(crate) fn program(&self) -> *mut llvm_tiered_t {
        self.program
    }

    /// Every unit, a function before its loops.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// What all compilations took.
    pub(crate) fn spent_cycles(&self) -> u64 {
        self.spent_cycles
    }

    fn promote(&mut self, unit: usize) {
        let record = &self.records[unit];
        let count = record.counters().count;
        if let Some(level) = record
            .policy
            .promotion(&self.config, count, self.spent_cycles)
        {
            if self.can_wait(unit, level, count) {
                let function = self.records[unit].function;
                self.loop_reached(function, level);
            } else {
                self.compile_confined(unit, level);
            }
        }
        self.records[unit].set_limits(&self.config, self.spent_cycles);
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
        self.records[function].set_limits(&self.config, self.spent_cycles);
    }

    fn make_first_code(&mut self, unit: usize) {
        loop {
            let record = &self.records[unit];
            let count = record.counters().count;
            let Some(level) = record.policy.first_code(&self.config, count) else {
                // The program cannot go on without: once more, with no bounds.
                self.compile(unit, Level::O0);
                return;
            };
            if self.compile_confined(unit, level) {
                self.records[unit].set_limits(&self.config, self.spent_cycles);
                return;
            }
        }
    }

    fn compile_confined(&mut self, unit: usize, level: Level) -> bool {
        let config = self.config;
        jail::confine(&config, || self.compile(unit, level))
    }

    fn compile(&mut self, unit: usize, level: Level) -> bool {
        let start = now();
        let mut made = llvm_compilation_t {
            cycles: 0,
            bytes: 0,
        };
        // SAFETY: the program is open and has this unit.
        let error =
            unsafe { llvm_tiered_compile(self.program, unit as u32, level_code(level), &mut made) };
        let record = &mut self.records[unit];
        if error != LLVM_OK {
            self.spent_cycles += now() - start;
            if jail::took_too_long() {
                record.policy.took_too_long(level);
            } else {
                record.policy.failed(level);
            }
            record.failures.push(Failure {
                level,
                reason: self.session.last_error(),
            });
            return false;
        }
        self.spent_cycles += made.cycles;
        record.policy.compiled(level);
        record.compilations.push(Compilation {
            level,
            at: now(),
            cycles: made.cycles,
            code_bytes: made.bytes,
        });
        let function = record.function;
        if function != unit {
            self.loop_reached(function, level);
        }
        true
    }
}

impl Drop for Manager<'_> {
    fn drop(&mut self) {
        // SAFETY: null is allowed; nothing of the program runs any more.
        unsafe { llvm_tiered_destroy(self.program) };
    }
}
