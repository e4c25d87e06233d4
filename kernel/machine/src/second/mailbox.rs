//! What both processors see beside what the engine shares.

use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::SeqCst;

use crate::arch::cpu;

/// It has pages of its own.
#[repr(C, align(4096))]
pub(super) struct Mailbox {
    pub(super) is_running: AtomicBool,
    /// The page that the second one waits for; 0 is none.
    pub(super) wanted: AtomicUsize,
    /// The frame of it; 0 if there is none.
    pub(super) found: AtomicUsize,
}

pub(super) static MAILBOX: Mailbox = Mailbox {
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
