//! The manager of a program that runs, for whoever comes from the middle of it.
//!
//! The program's code calls the manager: when a unit is hot, when it calls what has no code, when it asks for a snapshot.
//! It does so while [`Running::run_main`] waits for it. So that there is one reference at a time to what then changes,
//! the manager lies in a [`Reentrant`]: nobody has it while the program runs, and each of these calls has it until it
//! returns to the program. A call in the middle of another would end the kernel with a message: none is made, for no code
//! of the program runs while the manager works. A failure in the middle of a call, of memory or of what the program has
//! overwritten, ends the program and with it the call, which never goes on.
//!
//! A copy of the process that compiles beside the program goes on from the middle of such a call with references of its
//! own, to its own memory; the call itself goes on in the program's process alone.

use alloc::boxed::Box;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use bareflow_reentry::{Entered, Reentrant};
use bareflow_tier_policy::{Config, TIERS};

use crate::bindings::{llvm_tier_hooks_t, llvm_tier_t, llvm_tiered_run_main};
use crate::manager::{Background, Manager};
use crate::snapshot::SnapshotService;
use crate::{Outcome, RunRequest};

/// A program, loaded, that may run.
pub(crate) struct Running<'a>(Reentrant<Manager<'a>>);

/// The program that runs.
static NOW: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

unsafe extern "C" fn hot(user: *mut c_void, unit: u32, version: llvm_tier_t) {
    // SAFETY: the hooks are only called while the program runs, which outlives that.
    let running = unsafe { &*user.cast::<Running>() };
    running
        .manager()
        .promote(unit as usize, TIERS[version as usize]);
}

unsafe extern "C" fn wanted(user: *mut c_void, unit: u32) {
    // SAFETY: as for `hot`.
    let running = unsafe { &*user.cast::<Running>() };
    running.manager().make_first_code(unit as usize);
}

impl<'a> Running<'a> {
    /// Opens a program: as a snapshot has it, or from its modules.
    ///
    /// # Errors
    /// Why it cannot run.
    pub(crate) fn open(
        request: &'a RunRequest<'a>,
        config: Config,
        snapshots: Option<SnapshotService<'a>>,
        background: Option<Background>,
    ) -> Result<Box<Self>, Outcome> {
        let manager = Manager::new(request, config, snapshots, background);
        let running = Box::new(Self(Reentrant::new(manager)));
        let hooks = llvm_tier_hooks_t {
            size: size_of::<llvm_tier_hooks_t>(),
            hot: Some(hot),
            wanted: Some(wanted),
            is_guided: c_int::from(config.is_guided),
            user: ptr::from_ref(&*running).cast_mut().cast(),
        };
        running.manager().load(&hooks)?;
        Ok(running)
    }

    /// The manager, which nobody else has now.
    pub(crate) fn manager(&self) -> Entered<'_, Manager<'a>> {
        self.0.enter()
    }

    /// Runs main.
    ///
    /// # Errors
    /// Why it has not come to its end.
    pub(crate) fn run_main(&self) -> Result<i32, Outcome> {
        let (program, interpret, mut arguments) = {
            let manager = self.manager();
            let is_interpreted = manager.compiler().rules().config.starts_interpreted();
            (
                manager.handle(),
                c_int::from(is_interpreted),
                manager.arguments()?,
            )
        };
        let mut status = 0;
        let platform = bareflow_cxx_runtime::platform();
        NOW.store(ptr::from_ref(self).cast_mut().cast(), Relaxed);
        platform.program_starts();
        // SAFETY: the program is open; the strings live for the call, and the program gets copies of them. Calls of the
        // program that have the manager return to it, or are left with all of its frames.
        let error = unsafe {
            self.0.run(|| {
                llvm_tiered_run_main(
                    program,
                    interpret,
                    arguments.count(),
                    arguments.pointers().cast_const().cast(),
                    &mut status,
                )
            })
        };
        platform.program_ends();
        NOW.store(ptr::null_mut(), Relaxed);
        self.manager().ended(error, status)
    }
}

/// Hands the manager of the program that runs to `act`, for calls that the program makes by name; `None` if there is none.
pub(crate) fn with_manager<T>(act: impl FnOnce(&mut Manager) -> T) -> Option<T> {
    let running = NOW.load(Relaxed).cast_const().cast::<Running>();
    // SAFETY: it is null, or of a program that runs, which outlives that.
    let running = unsafe { running.as_ref() }?;
    Some(act(&mut running.manager()))
}
