//! What keeps a compilation within its bounds: a budget of time and of memory, and, for tests, faults that
//! are injected into it.
//!
//! A compilation that fails in any way is left by the library's recovery, which puts the compiler's memory
//! back; the manager then leaves the unit where it is.

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering::Relaxed};

use bareflow_cxx_runtime::arena;
use bareflow_program_env::{Fault, FaultCause, Resume};
use bareflow_tier_policy::Config;

use crate::bindings::{
    LLVM_INJECT_ABORT, LLVM_INJECT_ENDLESS_LOOP, LLVM_INJECT_FATAL_ERROR,
    LLVM_INJECT_OUT_OF_MEMORY, LLVM_INJECT_PAGE_FAULT, LLVM_INJECT_STACK_OVERFLOW, llvm_inject,
    llvm_injection_t,
};
use crate::fault::resume_after;
use crate::integrity;
use crate::sampler;

/// How often a compilation's time is looked at: 10 ms.
pub(crate) const WATCH_INTERVAL_US: u32 = 10_000;

/// When the running compilation must have ended, by the platform's clock, in nanoseconds; 0 is no
/// compilation, or no bound.
static DEADLINE_NS: AtomicU64 = AtomicU64::new(0);

/// Whether the last compilation was ended because it took too long.
static TOOK_TOO_LONG: AtomicBool = AtomicBool::new(false);

/// Of the process that compiles: what its ticks are counted in.
static PULSE: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());

/// Has each tick counted there.
pub(crate) fn set_pulse(pulse: &'static AtomicU64) {
    PULSE.store(ptr::from_ref(pulse).cast_mut(), Relaxed);
}

/// For the timer's handler: counts the tick for the profile; if a compilation has used up its time, returns
/// where the handler must return to instead of to the instruction.
#[must_use]
pub fn tick(instruction: usize) -> Option<Resume> {
    sampler::sample(instruction);
    // SAFETY: `set_pulse` was given a word that stays for ever.
    if let Some(pulse) = unsafe { PULSE.load(Relaxed).as_ref() } {
        pulse.fetch_add(1, Relaxed);
    }
    if integrity::has_dead_canary() {
        return resume_after(&Fault {
            cause: FaultCause::Other(integrity::OVERWRITTEN_KERNEL),
            instruction,
            stack: 0,
        });
    }
    let deadline = DEADLINE_NS.load(Relaxed);
    // Outside the arena something is being changed that must stay whole: the next tick will do.
    if deadline == 0
        || !arena::is_selected()
        || bareflow_cxx_runtime::platform().monotonic_ns() < deadline
    {
        return None;
    }
    DEADLINE_NS.store(0, Relaxed);
    TOOK_TOO_LONG.store(true, Relaxed);
    resume_after(&Fault {
        cause: FaultCause::Other("the compilation took longer than its budget allows"),
        instruction,
        stack: 0,
    })
}

/// Whether the compilation that has just failed was ended because it took too long.
pub(crate) fn took_too_long() -> bool {
    TOOK_TOO_LONG.load(Relaxed)
}

/// Runs one compilation within its bounds.
pub(crate) fn run<T>(config: &Config, compile: impl FnOnce() -> T) -> T {
    TOOK_TOO_LONG.store(false, Relaxed);
    if let Some(limit_ms) = config.compile_ms {
        let now = bareflow_cxx_runtime::platform().monotonic_ns();
        DEADLINE_NS.store(
            now.saturating_add(limit_ms.saturating_mul(1_000_000)),
            Relaxed,
        );
    }
    if let Some(limit_mib) = config.compile_mib {
        let limit =
            usize::try_from(limit_mib).map_or(usize::MAX, |mib| mib.saturating_mul(1 << 20));
        arena::set_limit_bytes(limit);
    }
    injection::arm();
    let result = compile();
    DEADLINE_NS.store(0, Relaxed);
    arena::set_hook(None);
    arena::set_limit_bytes(usize::MAX);
    result
}

/// Starts the injection of faults, if the settings ask for it.
pub(crate) fn prepare(config: &Config) {
    injection::STATE.store(config.injection.unwrap_or(0), Relaxed);
}

mod injection {
    use super::*;

    /// The state of the generator; 0 is no injection.
    pub(super) static STATE: AtomicU64 = AtomicU64::new(0);
    /// How many allocations there will be before the fault.
    static COUNTDOWN: AtomicU32 = AtomicU32::new(0);

    /// `None` is a panic, as a code generator in Rust may have it.
    const KINDS: [Option<llvm_injection_t>; 7] = [
        Some(LLVM_INJECT_FATAL_ERROR),
        Some(LLVM_INJECT_ABORT),
        Some(LLVM_INJECT_OUT_OF_MEMORY),
        Some(LLVM_INJECT_STACK_OVERFLOW),
        Some(LLVM_INJECT_PAGE_FAULT),
        Some(LLVM_INJECT_ENDLESS_LOOP),
        None,
    ];
    /// Two compilations of three are chosen to fail.
    const CHOSEN: (u64, u64) = (2, 3);
    /// The fault comes within so many allocations: a small compilation has some thousands.
    const LARGEST_COUNT: u64 = 6000;

    /// Marsaglia's xorshift64.
    fn random() -> u64 {
        let mut state = STATE.load(Relaxed);
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        STATE.store(state, Relaxed);
        state
    }

    pub(super) fn arm() {
        if STATE.load(Relaxed) == 0 || random() % CHOSEN.1 >= CHOSEN.0 {
            return;
        }
        COUNTDOWN.store((random() % LARGEST_COUNT) as u32, Relaxed);
        arena::set_hook(Some(count));
    }

    fn count() {
        let left = COUNTDOWN.load(Relaxed);
        if left > 0 {
            COUNTDOWN.store(left - 1, Relaxed);
            return;
        }
        arena::set_hook(None);
        match KINDS[(random() % KINDS.len() as u64) as usize] {
            // SAFETY: the compiler is running: it is what allocates from the arena.
            Some(kind) => unsafe { llvm_inject(kind) },
            None => panic!("injected panic"),
        }
    }
}
