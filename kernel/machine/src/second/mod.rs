//! The second processor, on which LLVM can work beside the program: with a copy of all memory that can be written, as a
//! process that Linux has forked has one.
//!
//! 1. What both see is the exchange, the counters and the mailbox. All else that the second processor writes is its own:
//!    whatever it destroys, the program is whole.
//! 2. Its frames come from a part of memory that it has when it starts. The first processor's tables are not its own: so
//!    neither has to tell the other what it maps.
//! 3. Devices are the first one's. A page of LLVM that is not in memory is brought by the first one.
//! 4. It is stopped by a reset, whatever it does.

#[cfg(feature = "engine")]
mod apic;
#[cfg(feature = "engine")]
mod companion;
#[cfg(feature = "engine")]
mod find;

use x86_64::VirtAddr;
use x86_64::registers::model_specific::GsBase;

#[cfg(feature = "engine")]
pub(crate) use apic::end_of_interrupt;
#[cfg(feature = "engine")]
pub(crate) use companion::{CALL, REQUEST, TICK, answer_request, companion, fetch, give_back};
#[cfg(feature = "engine")]
pub(crate) use find::find;

/// What the second processor has in a register that nothing else uses: a program that overwrites the kernel's variables
/// does not make the first one the second.
const MARK: VirtAddr = VirtAddr::new(0x5ec0_0d00);

/// Whether this is the second processor.
pub(crate) fn is_second() -> bool {
    GsBase::read() == MARK
}

/// Says that this is the second processor.
#[cfg(feature = "engine")]
fn become_second() {
    GsBase::write(MARK);
}

/// The second processor's work is over, for whatever reason. The machine goes on.
pub(crate) fn end() -> ! {
    #[cfg(feature = "engine")]
    companion::note_end();
    loop {
        x86_64::instructions::interrupts::disable();
        x86_64::instructions::hlt();
    }
}
