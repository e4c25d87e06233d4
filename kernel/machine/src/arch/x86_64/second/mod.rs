//! The second processor: how it is known, started, stopped and called.

mod apic;
mod start;

use x86_64::VirtAddr;
use x86_64::registers::model_specific::GsBase;

pub(super) use apic::end_of_interrupt;
pub(crate) use apic::initial_id;
pub(crate) use start::{Orders, open, restart};

/// The vectors of the processors' own interrupts, behind the devices': the second one wants a page; its timer; it is
/// called because there is something to do.
pub(super) const REQUEST: usize = 0x30;
pub(super) const TICK: usize = 0x31;
pub(super) const CALL: usize = 0x32;

/// What the second processor has in a register that nothing else uses: a program that overwrites the kernel's variables
/// does not make the first one the second.
const MARK: VirtAddr = VirtAddr::new(0x5ec0_0d00);

/// Whether this is the second processor.
pub(crate) fn is_second() -> bool {
    GsBase::read() == MARK
}

/// Says that this is the second processor.
pub(crate) fn become_second() {
    GsBase::write(MARK);
}

/// Interrupts the second processor, because there is something to do.
pub(crate) fn call(number: u32) {
    apic::interrupt(number, CALL);
}

/// Interrupts the first processor, because the second one wants something.
pub(crate) fn request() {
    apic::interrupt(apic::first(), REQUEST);
}

/// On the second processor: starts its timer.
pub(crate) fn start_ticks(interval_ns: u64) {
    apic::start_timer(TICK, interval_ns);
}
