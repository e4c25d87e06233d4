//! The second processor as the engine's companion.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ops::Range;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use bareflow_cxx_runtime::platform::Protection;
use bareflow_engine::Companion;
use bareflow_memory::PAGE_SIZE_BYTES;

use super::find;
use crate::arch::second::{Orders, is_second};
use crate::arch::{self, cpu};
use crate::mailbox::{self, MAILBOX, Mailbox};
use crate::memory::{self, MemoryCopy};
use crate::single_thread_cell::SingleThreadCell;
use crate::{clock, demand_paging};

const TICK_NS: u64 = 1_000_000_000 / clock::INTERRUPTS_PER_S;
/// Objects of 100,000 instructions have some MiB.
const RING_SIZE_BYTES: usize = 8 << 20;

/// What it does.
#[derive(Clone, Copy)]
struct Task {
    run: unsafe extern "C" fn(*mut c_void),
    user: *mut c_void,
    thread_pointer: usize,
}

struct TaskSlot(UnsafeCell<Option<Task>>);

// SAFETY: the first processor writes it before it makes a copy; the second reads the copy's.
unsafe impl Sync for TaskSlot {}

static TASK: TaskSlot = TaskSlot(UnsafeCell::new(None));

/// The memory of the second processor.
static COPY: SingleThreadCell<Option<MemoryCopy>> = SingleThreadCell::new(None);

/// What the machine offers.
#[derive(Debug)]
struct SecondProcessor {
    number: AtomicU32,
}

static SECOND: SecondProcessor = SecondProcessor {
    number: AtomicU32::new(0),
};

/// The second processor, if there is one that answers.
///
/// # Errors
/// Why there is none.
pub(crate) fn companion() -> Result<&'static dyn Companion, &'static str> {
    let number = find::found().ok_or("this machine has one processor")?;
    let map = |physical, size_bytes| memory::map_device(physical, size_bytes).ok();
    if !arch::second::open(map) {
        return Err("the second processor cannot be reached");
    }
    SECOND.number.store(number, Relaxed);
    if !SECOND.restart(None) {
        return Err("the second processor does not answer");
    }
    memory::share(page_range(
        &raw const MAILBOX as usize,
        size_of::<Mailbox>(),
    ));
    Ok(&SECOND)
}

fn page_range(address: usize, size_bytes: usize) -> Range<usize> {
    address / PAGE_SIZE_BYTES..(address + size_bytes).div_ceil(PAGE_SIZE_BYTES)
}

impl SecondProcessor {
    /// Resets the processor, and has it begin with these orders. False if it does not answer.
    fn restart(&self, orders: Option<&Orders>) -> bool {
        arch::second::restart(self.number.load(Relaxed), orders)
    }

    /// Stops the processor and takes its memory back.
    fn halt(&self) {
        let Some(copy) = COPY.borrow().take() else {
            return;
        };
        MAILBOX.is_running.store(false, SeqCst);
        // Of a processor that does not answer nobody knows whether it still writes: its memory stays its own.
        if self.restart(None) {
            memory::drop_copy(copy);
            MAILBOX.wanted.store(0, SeqCst);
        }
    }
}

impl Companion for SecondProcessor {
    fn processor_count(&self) -> usize {
        2
    }

    fn ring_size_bytes(&self) -> usize {
        RING_SIZE_BYTES
    }

    fn map_shared(&self, size_bytes: usize) -> Option<usize> {
        let size_bytes = size_bytes.next_multiple_of(PAGE_SIZE_BYTES);
        let start = memory::map(size_bytes, Protection::READ | Protection::WRITE).ok()?;
        memory::share(page_range(start, size_bytes));
        Some(start)
    }

    unsafe fn share(&self, address: usize, size_bytes: usize) -> bool {
        memory::share(page_range(address, size_bytes));
        true
    }

    unsafe fn start(&self, run: unsafe extern "C" fn(*mut c_void), user: *mut c_void) -> bool {
        demand_paging::bring_variables();
        // SAFETY: see TaskSlot.
        unsafe {
            *TASK.0.get() = Some(Task {
                run,
                user,
                thread_pointer: cpu::thread_pointer(),
            });
        }
        MAILBOX.wanted.store(0, SeqCst);
        // It goes on where this processor is, on a stack with the same addresses.
        let stack = (cpu::stack_pointer() - PAGE_SIZE_BYTES) & !(PAGE_SIZE_BYTES - 1);
        let Some(copy) = memory::copy(stack) else {
            return false;
        };
        let orders = Orders {
            tables: copy.tables,
            stack,
            free: copy.free.clone(),
        };
        *COPY.borrow() = Some(copy);
        MAILBOX.is_running.store(true, SeqCst);
        if self.restart(Some(&orders)) {
            return true;
        }
        self.halt();
        false
    }

    fn is_running(&self) -> bool {
        MAILBOX.is_running.load(SeqCst)
    }

    fn stop(&self) {
        self.halt();
    }

    fn abandon(&self) {
        self.halt();
    }

    fn wait(&self, word: &AtomicU32, seen: u32) {
        cpu::disable_interrupts();
        if word.load(Acquire) == seen {
            cpu::enable_interrupts_and_wait();
        } else {
            cpu::enable_interrupts();
        }
    }

    fn wake(&self, _word: &AtomicU32) {
        if !is_second() && self.is_running() {
            arch::second::call(self.number.load(Relaxed));
        }
    }

    fn processor_ns(&self) -> u64 {
        clock::monotonic_ns()
    }
}

/// The second processor's beginning, in its own memory.
#[unsafe(no_mangle)]
extern "C" fn second_main(free_start: usize, free_end: usize) -> ! {
    arch::second::become_second();
    arch::trap::load_again();
    cpu::enable_features();
    memory::keep_free(free_start..free_end);
    // SAFETY: the first processor has written it before this memory was made.
    let Some(task) = (unsafe { *TASK.0.get() }) else {
        mailbox::end();
    };
    cpu::set_thread_pointer(task.thread_pointer);
    arch::second::start_ticks(TICK_NS);
    cpu::enable_interrupts();
    // SAFETY: the promise of `start`'s caller.
    unsafe { (task.run)(task.user) };
    mailbox::end()
}

/// On the first processor, in a handler: brings the page that the second one waits for. What cannot be done now is done
/// at the next tick.
pub(crate) fn answer_request() {
    let page = MAILBOX.wanted.load(Acquire);
    if page == 0 || is_second() || demand_paging::is_busy() {
        return;
    }
    let address = page * PAGE_SIZE_BYTES;
    if memory::mapping(page).is_none() {
        demand_paging::resolve(address);
    }
    // Only what nobody can write may be in two places.
    let frame = memory::mapping(page).filter(|(_, is_writable)| !is_writable);
    MAILBOX
        .found
        .store(frame.map_or(0, |(frame, _)| frame), Relaxed);
    MAILBOX.wanted.store(0, Release);
}

/// There is no memory left for the program: takes the second processor's. False if it has none.
pub(crate) fn give_back() -> bool {
    if is_second() || COPY.try_borrow().is_none_or(|copy| copy.is_none()) {
        return false;
    }
    SECOND.halt();
    COPY.borrow().is_none()
}
