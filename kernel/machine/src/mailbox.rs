//! What both processors see beside what the engine shares, and what the second one does with it.

use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicUsize};

use crate::arch::{cpu, second};

/// It has pages of its own.
#[repr(C, align(4096))]
pub(crate) struct Mailbox {
    pub(crate) is_running: AtomicBool,
    /// The page that the second one waits for; 0 is none.
    pub(crate) wanted: AtomicUsize,
    /// The frame of it; 0 if there is none.
    pub(crate) found: AtomicUsize,
}

pub(crate) static MAILBOX: Mailbox = Mailbox {
    is_running: AtomicBool::new(false),
    wanted: AtomicUsize::new(0),
    found: AtomicUsize::new(0),
};

/// On the second processor: its work is over, for whatever reason. The machine goes on.
pub(crate) fn end() -> ! {
    MAILBOX.is_running.store(false, SeqCst);
    loop {
        cpu::disable_interrupts();
        cpu::wait_for_interrupt();
    }
}

/// On the second processor: has the first bring a page of LLVM. Returns its frame.
pub(crate) fn fetch(page: usize) -> Option<usize> {
    MAILBOX.wanted.store(page, SeqCst);
    second::request();
    // Whoever does not get an answer is stopped.
    while MAILBOX.wanted.load(Acquire) != 0 {
        core::hint::spin_loop();
    }
    Some(MAILBOX.found.load(Relaxed)).filter(|frame| *frame != 0)
}
