//! The program: what the library has of it, its units, and whether it has left alone what it runs by.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::{ptr, slice};

use bareflow_snapshot::{Snapshot, seen};
use bareflow_tier_policy::{Kind, Rules, Size, Unit};

use crate::bindings::{
    LLVM_ERROR_INTERNAL, LLVM_OK, llvm_error_t, llvm_flow_visitor_t, llvm_module_t, llvm_profile_t,
    llvm_tier_hooks_t, llvm_tiered_attach, llvm_tiered_cannot_compile, llvm_tiered_create,
    llvm_tiered_destroy, llvm_tiered_find_reachable, llvm_tiered_is_intact, llvm_tiered_message,
    llvm_tiered_profile, llvm_tiered_recall, llvm_tiered_restore, llvm_tiered_t, llvm_tiered_unit,
    llvm_tiered_unit_count, llvm_tiered_visit_flow, llvm_unit_info_t,
};
use crate::manager::record::{Record, jumps_of, size_of_code};
use crate::session::Session;
use crate::snapshot::{self, Contents, Tables};
use crate::{FailureKind, Outcome, POOL_ADDRESS, POOL_SIZE_BYTES};

/// The library's program; closed when dropped.
#[derive(Debug)]
struct Handle(*mut llvm_tiered_t);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: null is allowed; nothing of the program runs any more.
        unsafe { llvm_tiered_destroy(self.0) };
    }
}

/// A program that runs in all tiers at once.
#[derive(Debug)]
pub(crate) struct Program {
    /// Dropped before the tables, which it refers to.
    handle: Handle,
    records: Vec<Record>,
    /// Of a restored program.
    tables: Option<Tables>,
}

impl Program {
    /// One that is still to be loaded.
    pub(super) const fn new() -> Self {
        Self {
            handle: Handle(ptr::null_mut()),
            records: Vec::new(),
            tables: None,
        }
    }

    /// Takes a module of the open session: places its data and finds its units.
    ///
    /// # Errors
    /// What the library says.
    pub(super) fn create(
        &mut self,
        session: &Session,
        module: *mut llvm_module_t,
        hooks: &llvm_tier_hooks_t,
    ) -> Result<(), Outcome> {
        // SAFETY: the module belongs to the open session; the hooks are copied, and what they are about outlives the
        // program.
        session.check(unsafe { llvm_tiered_create(module, hooks, &mut self.handle.0) })?;
        for (name, info) in self.units(session)? {
            let function = info.function as usize;
            let kind = match function == self.records.len() {
                true => Kind::Function,
                false => Kind::Loop,
            };
            let mut policy = Unit::new(kind);
            policy.set_jumps(jumps_of(&info));
            self.records
                .push(Record::new(name, function, policy, info.counters));
        }
        Ok(())
    }

    /// Maps a snapshot where it was.
    ///
    /// # Errors
    /// Why it is of no use.
    pub(super) fn restore(
        &mut self,
        snapshot: &Snapshot,
        hooks: &llvm_tier_hooks_t,
    ) -> Result<(), String> {
        let tables = Tables::new(snapshot)?;
        snapshot::map(snapshot, tables.slots())?;
        let mut owner = 0;
        let functions = snapshot.functions.iter().enumerate();
        let records = functions.map(|(unit, function)| {
            if function.kind == Kind::Function {
                owner = unit;
            }
            let policy =
                Unit::with_history(function.kind, function.tier, function.tried, function.loops);
            let counters = tables.counters_of(unit);
            let mut record = Record::new(function.name.into(), owner, policy, counters);
            record.restored_bytes = function.code_bytes;
            record
        });
        let records = records.collect();
        let restored = tables.restored();
        // SAFETY: the snapshot is mapped; the tables live as long as the program.
        let error = unsafe { llvm_tiered_restore(&restored, hooks, &mut self.handle.0) };
        if error != LLVM_OK {
            return Err("the library does not take it".into());
        }
        self.records = records;
        self.tables = Some(tables);
        Ok(())
    }

    /// Whether it is as a snapshot had it.
    pub(super) fn is_restored(&self) -> bool {
        self.tables.is_some()
    }

    /// Makes it possible to compile units of a restored program, from the module that it was made of. From then on it
    /// refers to the session.
    ///
    /// # Errors
    /// What the library says.
    pub(super) fn attach(
        &mut self,
        session: &Session,
        module: *mut llvm_module_t,
    ) -> Result<(), Outcome> {
        let contents = self.tables.as_ref().map(Tables::contents);
        let contents = contents.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the program is open, and the module is what it was made of: the snapshot's keys say so.
        session.check(unsafe { llvm_tiered_attach(self.handle.0, module, contents) })
    }

    /// What only the module says of the units of a restored program.
    ///
    /// # Errors
    /// That it has other units.
    pub(super) fn take_units(&mut self, session: &Session) -> Result<(), Outcome> {
        let units = self.units(session)?;
        let mut pairs = units.iter().zip(&self.records);
        let is_same = units.len() == self.records.len()
            && pairs.all(|((name, _), record)| *name == record.name);
        for (record, (_, info)) in self.records.iter_mut().zip(&units) {
            record.policy.set_jumps(jumps_of(info));
        }
        match is_same {
            true => Ok(()),
            false => Err(Outcome::Failed {
                kind: FailureKind::Internal,
                message: String::from("the snapshot has other functions than the program"),
            }),
        }
    }

    /// Tells whoever waits for code that there will be none.
    pub(super) fn cannot_compile(&self, message: String) {
        let message = CString::new(message).unwrap_or_default();
        // SAFETY: the program is open; the text ends with a zero and is copied.
        unsafe {
            llvm_tiered_cannot_compile(self.handle.0, LLVM_ERROR_INTERNAL, message.as_ptr());
        }
    }

    /// The name and the place of each unit.
    fn units(&self, session: &Session) -> Result<Vec<(String, llvm_unit_info_t)>, Outcome> {
        // SAFETY: the program is open.
        let count = unsafe { llvm_tiered_unit_count(self.handle.0) };
        let read = |unit| {
            let mut info = MaybeUninit::<llvm_unit_info_t>::uninit();
            // SAFETY: as above; the library fills `info` in if there is no error, and the name ends with a zero.
            let (info, name) = unsafe {
                session.check(llvm_tiered_unit(self.handle.0, unit, info.as_mut_ptr()))?;
                let info = info.assume_init();
                (info, CStr::from_ptr(info.name))
            };
            Ok((name.to_string_lossy().into_owned(), info))
        };
        (0..count).map(read).collect()
    }

    /// The library's program.
    pub(crate) fn handle(&self) -> *mut llvm_tiered_t {
        self.handle.0
    }

    /// Every unit, a function before its loops.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// One of them.
    pub(super) fn record(&self, unit: usize) -> &Record {
        &self.records[unit]
    }

    /// As above, for writing.
    pub(super) fn record_mut(&mut self, unit: usize) -> &mut Record {
        &mut self.records[unit]
    }

    /// How large a unit is by its code, which keeps LLVM closed. A loop without code of its own would get that of the rest of
    /// its function.
    pub(super) fn guess_size(&self, unit: usize) -> Size {
        let record = self.record(unit);
        match record.code_bytes() {
            0 => size_of_code(self.record(record.function).code_bytes()),
            bytes => size_of_code(bytes),
        }
    }

    /// Has later boots know what levels units go past.
    pub(super) fn remember_skips(&mut self, rules: &Rules) {
        for record in &mut self.records {
            record.policy.remember_skips(rules);
        }
    }

    /// Sets the limits of all units.
    pub(super) fn set_all_limits(&self, rules: &Rules) {
        for record in &self.records {
            record.set_limits(rules);
        }
    }

    /// Lets the unit's code go on from what it has noted in an earlier boot. The program has not started.
    pub(super) fn recall(&self, unit: usize, words: &[u64]) {
        // SAFETY: the program is open; the words are copied.
        unsafe { llvm_tiered_recall(self.handle.0, unit as u32, words.as_ptr(), words.len()) };
    }

    /// Whether the program has left alone what its code is found by, and what decides about it. Somebody else may have
    /// asked units to call at their next count.
    pub(crate) fn is_intact(&self, may_be_called: bool) -> bool {
        // SAFETY: the program is open.
        let is_intact = unsafe { llvm_tiered_is_intact(self.handle.0) != 0 };
        let mut records = self.records.iter();
        is_intact
            && records.all(|record| record.has_its_limits() || may_be_called && record.is_called())
    }

    /// Why the last compilation, or the run without a context, failed.
    pub(super) fn message(&self) -> String {
        // SAFETY: the program is open; the text ends with a zero and is copied at once.
        let text = unsafe { CStr::from_ptr(llvm_tiered_message(self.handle.0)) };
        text.to_string_lossy().into_owned()
    }

    /// The address of the unit's newest code, or of what stands for none.
    pub(crate) fn slot(&self, unit: usize) -> u64 {
        let Some(first) = self.records.first() else {
            return 0;
        };
        let slots = first
            .counters_place()
            .wrapping_add(self.records.len())
            .cast::<usize>();
        // SAFETY: the library keeps a word for each unit behind the counters of all.
        unsafe { ptr::read_volatile(slots.wrapping_add(unit)) as u64 }
    }

    /// Whether the program may come to each unit.
    pub(super) fn reachable(&self) -> Vec<bool> {
        let mut reachable = vec![0; self.records.len()];
        // SAFETY: the program is open, and there is a byte for each of its units.
        unsafe { llvm_tiered_find_reachable(self.handle.0, reachable.as_mut_ptr()) };
        reachable.into_iter().map(|byte| byte != 0).collect()
    }

    /// What the unit's code has noted of its control flow: where in the pool, or 0, and what.
    pub(crate) fn seen(&self, unit: usize) -> (u64, Vec<u8>) {
        let mut profile = llvm_profile_t {
            words: ptr::null_mut(),
            count: 0,
        };
        // SAFETY: the program is open and has this unit.
        let error = unsafe { llvm_tiered_profile(self.handle.0, unit as u32, &mut profile) };
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

    /// Tells what was seen of the unit's control flow; returns an error of the library.
    pub(super) fn visit_flow(&self, unit: usize, visitor: &llvm_flow_visitor_t) -> llvm_error_t {
        // SAFETY: the program is open and has this unit; what the visitor is given it takes while this runs.
        unsafe { llvm_tiered_visit_flow(self.handle.0, unit as u32, visitor) }
    }

    /// What the unit counts now.
    pub(super) fn count_of(&self, unit: usize) -> u64 {
        let record = self.records.get(unit);
        record.map_or(0, |record| record.counters().count)
    }

    /// The pages of the pool that the program counts in.
    pub(super) fn counted_pages(&self) -> Vec<Range<usize>> {
        let contents = Contents::of_program(self.handle.0);
        contents.map_or(Vec::new(), |contents| contents.reserved_data())
    }

    /// Of a restored program: bytes of the code pool that are in use.
    pub(super) fn restored_pool_bytes(&self) -> usize {
        self.tables.as_ref().map_or(0, Tables::pool_bytes)
    }

    /// Of a restored program: the name of the function whose code is at the address.
    pub(super) fn restored_function_at(&self, address: usize) -> Option<String> {
        self.tables.as_ref()?.function_at(address)
    }

    /// Whether anything was compiled in this boot.
    pub(crate) fn has_compiled(&self) -> bool {
        let mut records = self.records.iter();
        records.any(|record| !record.compilations.is_empty())
    }

    /// Whether a compilation has failed in this boot: no later one tries it again.
    pub(crate) fn has_failed(&self) -> bool {
        let mut records = self.records.iter();
        records.any(|record| !record.failures.is_empty())
    }
}
