//! The second processor as the engine's companion.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ops::Range;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

use bareflow_cxx_runtime::platform::Protection;
use bareflow_engine::Companion;
use bareflow_memory::PAGE_SIZE_BYTES;
use x86_64::VirtAddr;
use x86_64::instructions::interrupts as processor_interrupts;
use x86_64::registers::model_specific::FsBase;

use super::{apic, become_second, find, is_second};
use crate::memory::{self, MemoryCopy};
use crate::processor::{features, segments};
use crate::single_thread_cell::SingleThreadCell;
use crate::{clock, demand_paging, interrupts};

global_asm!(include_str!("second.S"), options(att_syntax, raw));

/// The vectors of the processors' own interrupts, behind the devices': the second one wants a page; its timer; it is
/// called because there is something to do.
pub(crate) const REQUEST: usize = 0x30;
pub(crate) const TICK: usize = 0x31;
pub(crate) const CALL: usize = 0x32;

/// The page below 1 MiB where the second processor begins. The loaders' memory is not used any more.
const START_PAGE: u8 = 0x10;
/// A processor that has not answered then will not. One of a busy host's may take long to be given time.
const ANSWER_LIMIT_NS: u64 = 500_000_000;
/// A start-up interrupt comes to nothing while the reset is under way: it is sent again.
const STARTUP_INTERVAL_NS: u64 = 1_000_000;
const TICK_NS: u64 = 1_000_000_000 / clock::INTERRUPTS_PER_S;
/// Objects of 100,000 instructions have some MiB.
const RING_SIZE_BYTES: usize = 8 << 20;

/// What both processors see beside what the engine shares.
#[repr(C, align(4096))]
struct Mailbox {
    is_running: AtomicBool,
    /// The page that the second one waits for; 0 is none.
    wanted: AtomicUsize,
    /// The frame of it; 0 if there is none.
    found: AtomicUsize,
}

static MAILBOX: Mailbox = Mailbox {
    is_running: AtomicBool::new(false),
    wanted: AtomicUsize::new(0),
    found: AtomicUsize::new(0),
};

/// What the second processor begins with, all below 4 GiB: its tables or 0, its stack, and its free frames, from and to.
#[unsafe(export_name = "second_orders")]
static ORDERS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

/// How often it has begun.
#[unsafe(export_name = "second_answers")]
static ANSWERS: AtomicU32 = AtomicU32::new(0);

/// What it does.
#[derive(Clone, Copy)]
struct Task {
    run: unsafe extern "C" fn(*mut c_void),
    user: *mut c_void,
    thread_pointer: VirtAddr,
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
    if !apic::open() || !place_start() {
        return Err("the second processor cannot be reached");
    }
    SECOND.number.store(number, Relaxed);
    if !SECOND.restart([0; 4]) {
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

/// Puts the first instructions where the second processor begins.
fn place_start() -> bool {
    unsafe extern "C" {
        static second_real_mode: u8;
        static second_real_mode_end: u8;
    }
    let physical = u64::from(START_PAGE) * PAGE_SIZE_BYTES as u64;
    let Ok(place) = memory::map_device(physical, PAGE_SIZE_BYTES) else {
        return false;
    };
    let start = &raw const second_real_mode;
    let size_bytes = (&raw const second_real_mode_end) as usize - start as usize;
    // SAFETY: the symbols delimit some bytes; the page is memory that nobody uses.
    unsafe {
        core::ptr::copy_nonoverlapping(
            start,
            core::ptr::with_exposed_provenance_mut(place),
            size_bytes,
        );
    }
    true
}

impl SecondProcessor {
    /// Resets the processor, and has it begin with these orders. False if it does not answer.
    fn restart(&self, orders: [u32; 4]) -> bool {
        let number = self.number.load(Relaxed);
        for (place, order) in ORDERS.iter().zip(orders) {
            place.store(order, SeqCst);
        }
        let answers = ANSWERS.load(SeqCst);
        let start = clock::monotonic_ns();
        apic::send_init(number);
        while clock::monotonic_ns() - start < ANSWER_LIMIT_NS {
            apic::send_startup(number, START_PAGE);
            let sent = clock::monotonic_ns();
            while clock::monotonic_ns() - sent < STARTUP_INTERVAL_NS {
                if ANSWERS.load(SeqCst) != answers {
                    return true;
                }
                core::hint::spin_loop();
            }
        }
        false
    }

    /// Stops the processor and takes its memory back.
    fn halt(&self) {
        let Some(copy) = COPY.borrow().take() else {
            return;
        };
        MAILBOX.is_running.store(false, SeqCst);
        // Of a processor that does not answer nobody knows whether it still writes: its memory stays its own.
        if self.restart([0; 4]) {
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
                thread_pointer: FsBase::read(),
            });
        }
        MAILBOX.wanted.store(0, SeqCst);
        let stack: usize;
        // SAFETY: it reads a register.
        unsafe { asm!("mov {}, rsp", out(reg) stack, options(nomem, nostack, preserves_flags)) };
        // It goes on where this processor is, on a stack with the same addresses.
        let stack = (stack - PAGE_SIZE_BYTES) & !(PAGE_SIZE_BYTES - 1);
        let Some(copy) = memory::copy(stack) else {
            return false;
        };
        let orders = [copy.tables, stack, copy.free.start, copy.free.end];
        *COPY.borrow() = Some(copy);
        MAILBOX.is_running.store(true, SeqCst);
        // All of these are below 2 GiB.
        if self.restart(orders.map(|order| order as u32)) {
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
        processor_interrupts::disable();
        if word.load(Acquire) == seen {
            processor_interrupts::enable_and_hlt();
        } else {
            processor_interrupts::enable();
        }
    }

    fn wake(&self, _word: &AtomicU32) {
        if !is_second() && self.is_running() {
            apic::interrupt(self.number.load(Relaxed), CALL);
        }
    }

    fn processor_ns(&self) -> u64 {
        clock::monotonic_ns()
    }
}

/// The second processor's beginning, in its own memory.
#[unsafe(no_mangle)]
extern "C" fn second_main(free_start: usize, free_end: usize) -> ! {
    become_second();
    segments::load_again();
    interrupts::load_again();
    features::enable();
    memory::keep_free(free_start..free_end);
    // SAFETY: the first processor has written it before this memory was made.
    let Some(task) = (unsafe { *TASK.0.get() }) else {
        super::end();
    };
    FsBase::write(task.thread_pointer);
    apic::start_timer(TICK, TICK_NS);
    processor_interrupts::enable();
    // SAFETY: the promise of `start`'s caller.
    unsafe { (task.run)(task.user) };
    super::end()
}

/// On the second processor: there is nothing any more that it does.
pub(super) fn note_end() {
    MAILBOX.is_running.store(false, SeqCst);
}

/// On the second processor: has the first bring a page of LLVM. Returns its frame.
pub(crate) fn fetch(page: usize) -> Option<usize> {
    MAILBOX.wanted.store(page, SeqCst);
    apic::interrupt(apic::first(), REQUEST);
    // Whoever does not get an answer is stopped.
    while MAILBOX.wanted.load(Acquire) != 0 {
        core::hint::spin_loop();
    }
    Some(MAILBOX.found.load(Relaxed)).filter(|frame| *frame != 0)
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
