//! A copy of the process, for the compiler.
//!
//! 1. Linux copies pages when one of both writes them; what both must see is mapped as shared before.
//! 2. The copy ends with the process: by `exit`, which all ways out lead through, or else because Linux kills it.
//! 3. It has no open files: not the lock on a disk, nor a pipe at whose other end somebody waits. It has no timer either:
//!    Linux copies none.

use core::ffi::c_void;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

use bareflow_engine::Companion;

use crate::linux::{
    self, Clock, MAP_ANONYMOUS, MAP_NORESERVE, MAP_SHARED, PROT_READ, PROT_WRITE, Patience,
    ProcessId,
};
use crate::{address_space, arch, signals};

/// There is one process, and so one companion.
pub(crate) static COMPANION: Process = Process;

/// The copy's number; 0 is none.
static COPY: AtomicI32 = AtomicI32::new(0);

/// See [`COMPANION`].
#[derive(Debug)]
pub(crate) struct Process;

/// Ends the copy, if there is one.
fn end(patience: Patience) {
    let copy = COPY.load(Relaxed);
    if copy > 0 {
        linux::kill(copy);
        if linux::has_ended(copy, patience) {
            COPY.store(0, Relaxed);
        }
    }
}

/// Ends the copy with the process, whose end does not wait until all of the copy's memory has been given back.
pub(crate) fn end_with_process() {
    end(Patience::None);
}

/// What the copy does.
#[derive(Clone, Copy, Debug)]
struct Task {
    run: unsafe extern "C" fn(*mut c_void),
    user: *mut c_void,
    parent: ProcessId,
}

/// The rest of the copy's life. Returns only if it cannot begin.
fn live_as_copy(task: &Task) {
    COPY.store(0, Relaxed);
    // A parent that has ended already is seen afterwards.
    if linux::die_with_parent().is_err() || linux::parent_id() != task.parent {
        return;
    }
    linux::close_from(0);
    let Ok(stack) = address_space::map_stack() else {
        return;
    };
    if signals::install(&stack.guard).is_err() {
        return;
    }
    // SAFETY: the new stack is fresh and aligned; the task stays on the old one, which nobody else uses in this process.
    unsafe { arch::switch_stack(stack.top, go_on, core::ptr::from_ref(task)) }
}

unsafe extern "C" fn go_on(task: *const Task) -> ! {
    // SAFETY: `live_as_copy` passes its task; the rest is its caller's promise.
    unsafe {
        let task = *task;
        (task.run)(task.user);
    }
    linux::exit(0)
}

impl Companion for Process {
    fn processor_count(&self) -> usize {
        linux::processor_count()
    }

    fn ring_size_bytes(&self) -> usize {
        // The object of a unit of 100,000 instructions has some MiB. Linux gives memory when it is used.
        32 << 20
    }

    fn map_shared(&self, size_bytes: usize) -> Option<usize> {
        let flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
        linux::map(0, size_bytes, PROT_READ | PROT_WRITE, flags, None).ok()
    }

    unsafe fn share(&self, address: usize, size_bytes: usize) -> bool {
        let Some(shared) = self.map_shared(size_bytes) else {
            return false;
        };
        // SAFETY: both are as large as that, and nobody writes there: there is one thread, and handlers of signals leave
        // the pages alone. They look afterwards as they did before.
        unsafe {
            core::ptr::copy_nonoverlapping(address as *const u8, shared as *mut u8, size_bytes);
            let is_there = linux::put_pages_at(shared, size_bytes, address).is_ok();
            if !is_there {
                let _ = linux::unmap(shared, size_bytes);
            }
            is_there
        }
    }

    unsafe fn start(&self, run: unsafe extern "C" fn(*mut c_void), user: *mut c_void) -> bool {
        let task = Task {
            run,
            user,
            parent: linux::process_id(),
        };
        // SAFETY: the copy does nothing but its task.
        match unsafe { linux::fork() } {
            Ok(0) => {
                live_as_copy(&task);
                linux::exit(0)
            }
            Ok(copy) => {
                COPY.store(copy, Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    fn is_running(&self) -> bool {
        let copy = COPY.load(Relaxed);
        let is_running = copy > 0 && !linux::has_ended(copy, Patience::None);
        if !is_running {
            COPY.store(0, Relaxed);
        }
        is_running
    }

    fn stop(&self) {
        end(Patience::Endless);
    }

    fn abandon(&self) {
        end(Patience::None);
    }

    fn wait(&self, word: &AtomicU32, seen: u32) {
        linux::wait_for_word(word, seen);
    }

    fn wake(&self, word: &AtomicU32) {
        linux::wake_for_word(word);
    }

    fn processor_ns(&self) -> u64 {
        linux::clock_ns(Clock::Process)
    }
}
