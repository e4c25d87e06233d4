//! The tier manager: a program that runs in all tiers at once, and the two services that work for it.
//!
//! - [`Program`] is what the library has of the program, with its units.
//! - [`CompilerService`] decides with the policy what is compiled when, and compiles it, here or beside the program.
//! - [`SnapshotService`] keeps what was compiled and counted from boot to boot.
//!
//! Services borrow the program for as long as one of their calls takes; [`Running`] lends the manager to what comes from
//! the middle of the program.

mod ahead;
mod background;
mod compiler;
mod program;
mod promotion;
mod record;
mod running;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::c_int;

use bareflow_cxx_runtime::program::Arguments;
use bareflow_profile::Samples;
use bareflow_snapshot::{Destination, Function, seen};
use bareflow_tier_policy::Tier;

use crate::bindings::{
    LLVM_OK, llvm_error_t, llvm_flow_visitor_t, llvm_tier_hooks_t, llvm_tiered_t,
};
use crate::clock::now;
use crate::integrity;
use crate::outcome::kind_of;
use crate::session::{Session, c_arguments};
use crate::snapshot::{Contents, SnapshotService};
use crate::{Config, FailureKind, Outcome, RunRequest};

pub(crate) use background::Background;
pub(crate) use compiler::CompilerService;
pub(crate) use program::Program;
pub(crate) use record::{Compilation, Record};
pub(crate) use running::{Running, with_manager};

/// A program that runs in all tiers at once, and what works for it.
pub(crate) struct Manager<'a> {
    /// Dropped before the compiler's session, which it may belong to.
    program: Program,
    compiler: CompilerService<'a>,
    /// `None` if nothing is remembered.
    snapshots: Option<SnapshotService<'a>>,
    request: &'a RunRequest<'a>,
}

impl<'a> Manager<'a> {
    /// Of a program that is still to be loaded.
    fn new(
        request: &'a RunRequest<'a>,
        config: Config,
        snapshots: Option<SnapshotService<'a>>,
        background: Option<Background>,
    ) -> Self {
        Self {
            program: Program::new(),
            compiler: CompilerService::new(request, config, background),
            snapshots,
            request,
        }
    }

    /// Takes the program as a snapshot has it, or from its modules. It calls the hooks when it runs.
    fn load(&mut self, hooks: &llvm_tier_hooks_t) -> Result<(), Outcome> {
        let start = now();
        let is_restored = self.request.destination.is_none() && self.restore(hooks);
        if !is_restored {
            self.create(hooks)?;
        }
        self.take_counts();
        if let Some(snapshots) = &mut self.snapshots
            && is_restored
        {
            snapshots.add_load_cycles(now() - start);
        }
        Ok(())
    }

    /// Parses the modules and places the program's data.
    fn create(&mut self, hooks: &llvm_tier_hooks_t) -> Result<(), Outcome> {
        self.compiler.create(&mut self.program, hooks)?;
        if let Some(snapshots) = &mut self.snapshots
            && let Some(contents) = Contents::of_program(self.program.handle())
        {
            snapshots.keep_variables(contents.read_variables());
        }
        Ok(())
    }

    /// Takes the newest snapshot that is of use. False if there is none.
    fn restore(&mut self, hooks: &llvm_tier_hooks_t) -> bool {
        let Some(snapshots) = &mut self.snapshots else {
            return false;
        };
        loop {
            let Some(snapshot) = snapshots.code() else {
                return false;
            };
            match self.program.restore(&snapshot, hooks) {
                Ok(()) => return true,
                Err(reason) => snapshots.refuse_code(&reason),
            }
        }
    }

    /// What earlier boots have counted, and the limits that follow from it.
    fn take_counts(&mut self) {
        let earlier = match self.request.seen {
            Some(seen) => Some(seen.clone()),
            None => self.snapshots.as_ref().and_then(SnapshotService::counts),
        };
        let rules = &mut self.compiler.rules;
        if let Some(earlier) = &earlier {
            rules.costs.expect(earlier.profile.learnt);
        }
        let functions = earlier.map_or(Vec::new(), |earlier| earlier.functions);
        for unit in 0..self.program.records().len() {
            let record = self.program.record(unit);
            let is_same = |function: &&Function| {
                function.kind == record.policy.kind() && function.name == record.name
            };
            // The same program has them in the same order.
            if let Some(function) = functions.get(unit).filter(is_same) {
                record.count_from(function);
                if let Some(words) = seen::decode(function.seen) {
                    self.program.recall(unit, &words);
                }
                let policy = &mut self.program.record_mut(unit).policy;
                if let Some(level) = function.loops {
                    policy.loop_reached(level);
                }
                policy.remember_failures(function.tried);
            }
            let record = self.program.record_mut(unit);
            record.earlier_count = record.counters().count;
            record.set_limits(rules);
        }
    }

    /// main's arguments.
    ///
    /// # Errors
    /// That C cannot have them.
    fn arguments(&self) -> Result<Arguments, Outcome> {
        c_arguments(self.request.arguments)
    }

    /// What has come of the program, which has ended with a status or an error.
    fn ended(&mut self, error: llvm_error_t, status: c_int) -> Result<i32, Outcome> {
        self.compiler.stop_background(&mut self.program);
        if error == LLVM_OK {
            return if self.is_intact() {
                Ok(status)
            } else {
                Err(Outcome::Failed {
                    kind: FailureKind::GuestFault,
                    message: String::from(integrity::OVERWRITTEN_TABLES),
                })
            };
        }
        Err(match self.compiler.session() {
            Some(session) if !self.program.is_restored() => session.failure(error),
            _ => Outcome::Failed {
                kind: kind_of(error),
                message: self.program.message(),
            },
        })
    }

    /// Whether the program has left alone what its code is found by, and what decides about it.
    fn is_intact(&self) -> bool {
        let may_be_called = self.compiler.background.is_some();
        self.program.is_intact(may_be_called)
    }

    /// The unit, which runs in code of this tier, has reached its limit.
    fn promote(&mut self, unit: usize, version: Tier) {
        self.compiler.promote(&mut self.program, unit, version);
    }

    /// The program has called the unit, which has no code.
    fn make_first_code(&mut self, unit: usize) {
        self.compiler.make_first_code(&mut self.program, unit);
    }

    /// The library's program.
    fn handle(&self) -> *mut llvm_tiered_t {
        self.program.handle()
    }

    /// What compiles.
    pub(crate) fn compiler(&self) -> &CompilerService<'a> {
        &self.compiler
    }

    /// The open session, if the compiler was needed.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.compiler.session()
    }

    /// What is remembered, if anything can be.
    pub(crate) fn snapshots(&self) -> Option<&SnapshotService<'a>> {
        self.snapshots.as_ref()
    }

    /// Every unit, a function before its loops.
    pub(crate) fn records(&self) -> &[Record] {
        self.program.records()
    }

    /// Looks at all units, for a profile.
    pub(crate) fn measure_all(&mut self) {
        self.compiler.measure_all(&mut self.program);
    }

    /// Bytes of the code pool that are in use.
    pub(crate) fn pool_bytes(&self) -> usize {
        match self.session() {
            Some(session) => session.pool_bytes(),
            None => self.program.restored_pool_bytes(),
        }
    }

    /// The name of the compiled function around the address.
    pub(crate) fn function_at(&self, address: usize) -> Option<String> {
        match self.session() {
            Some(session) => session.function_at(address),
            None => self.program.restored_function_at(address),
        }
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
        let error = self.program.visit_flow(unit, visitor);
        match self.session() {
            Some(session) => session.check(error),
            None => Ok(()),
        }
    }

    /// At the end of a boot: writes the counts, and the code when it is due. A boot that has learnt nothing leaves the
    /// volume as it is. The program ran for `run_cycles`.
    pub(crate) fn persist(&mut self, run_cycles: u64, samples: Option<&Samples>) {
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.persist(&mut self.program, &mut self.compiler, run_cycles, samples);
        }
    }

    /// Writes a snapshot now, with what the program's code is. False if there is none; the console then says why.
    pub(crate) fn write_now(&mut self) -> bool {
        let is_intact = self.is_intact();
        let Some(snapshots) = &mut self.snapshots else {
            return false;
        };
        snapshots.write_now(&mut self.program, &mut self.compiler, is_intact)
    }

    /// Compiles the program for another kernel, and writes a snapshot for that one.
    ///
    /// # Errors
    /// That there is none; the console says why.
    pub(crate) fn compile_for(&mut self, destination: &Destination) -> Result<(), Outcome> {
        let compiler = &mut self.compiler;
        compiler.compile_ahead(&mut self.program, destination.precompile);
        let is_written = match &mut self.snapshots {
            Some(snapshots) => snapshots.write_now(&mut self.program, compiler, true),
            None => false,
        };
        is_written.then_some(()).ok_or_else(|| Outcome::Failed {
            kind: FailureKind::Internal,
            message: "the program has no snapshot".to_string(),
        })
    }
}
