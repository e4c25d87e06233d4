//! The second processor's way from its reset to the kernel.

use core::arch::global_asm;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use bareflow_memory::PAGE_SIZE_BYTES;

use super::apic;
use crate::clock;

// It ends in `second_main`.
global_asm!(include_str!("second.S"), options(att_syntax, raw));

/// The page below 1 MiB where the second processor begins. The loaders' memory is not used any more.
const START_PAGE: u8 = 0x10;
/// A processor that has not answered then will not. One of a busy host's may take long to be given time.
const ANSWER_LIMIT_NS: u64 = 500_000_000;
/// A start-up interrupt comes to nothing while the reset is under way: it is sent again.
const STARTUP_INTERVAL_NS: u64 = 1_000_000;

/// What the second processor begins with, all below 4 GiB: its tables or 0, its stack, and its free frames, from and
/// to.
#[unsafe(export_name = "second_orders")]
static ORDERS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

/// How often it has begun.
#[unsafe(export_name = "second_answers")]
static ANSWERS: AtomicU32 = AtomicU32::new(0);

/// What the second processor is to begin with.
pub(crate) struct Orders {
    /// Where its tables are.
    pub(crate) tables: usize,
    /// Where its stack begins.
    pub(crate) stack: usize,
    /// Its free frames.
    pub(crate) free: Range<usize>,
}

/// Makes the second processor reachable; `map` maps memory of devices. False if it cannot be.
pub(crate) fn open(map: impl Fn(u64, usize) -> Option<usize>) -> bool {
    apic::open(&map) && place_start(map)
}

/// Puts the first instructions where the second processor begins.
fn place_start(map: impl FnOnce(u64, usize) -> Option<usize>) -> bool {
    unsafe extern "C" {
        static second_real_mode: u8;
        static second_real_mode_end: u8;
    }
    let physical = u64::from(START_PAGE) * PAGE_SIZE_BYTES as u64;
    let Some(place) = map(physical, PAGE_SIZE_BYTES) else {
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

/// Resets the processor with this number, and has it begin with these orders; without any it waits. False if it does
/// not answer.
pub(crate) fn restart(number: u32, orders: Option<&Orders>) -> bool {
    let orders = orders.map_or([0; 4], |orders| {
        [
            orders.tables,
            orders.stack,
            orders.free.start,
            orders.free.end,
        ]
    });
    for (place, order) in ORDERS.iter().zip(orders) {
        // All of these are below 2 GiB.
        place.store(order as u32, SeqCst);
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
