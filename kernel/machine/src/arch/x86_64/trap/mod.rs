//! Interrupts and exceptions: the descriptor table, and which vector is what.

mod controller;
mod frame;
mod segments;

use core::arch::global_asm;

use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::idt::Entry;

#[cfg(feature = "engine")]
use super::second;
use crate::single_thread_cell::SingleThreadCell;

pub(crate) use controller::initialise as initialise_controller;
pub(crate) use frame::{LONGEST_CALL_BYTES, TrapFrame, ends_call};
use segments::HandlerStack;
pub(crate) use segments::{
    HANDLER_STACK_SIZE_BYTES, HANDLER_STACKS, set_handler_stacks, with_nested_page_faults,
};

global_asm!(include_str!("vectors.S"), options(att_syntax, raw));

const VECTORS: usize = 256;
const ENTRY_STRIDE_BYTES: usize = 16;

/// Exceptions with a stack of their own (Intel SDM volume 3, table 6-1).
const DEBUG: usize = 1;
const NON_MASKABLE: usize = 2;
const DOUBLE_FAULT: usize = 8;
const PAGE_FAULT: usize = 14;
const MACHINE_CHECK: usize = 18;
const EXCEPTIONS: usize = 32;

/// The devices' vectors, behind the exceptions.
const DEVICES: usize = EXCEPTIONS;
const TIMER: usize = DEVICES;
const KEYBOARD: usize = DEVICES + 1;
const DEVICES_END: usize = DEVICES + controller::LINES;
/// Of the processor's own controller.
const SPURIOUS: usize = 0xff;

type Gate = Entry<extern "C" fn()>;

static TABLE: SingleThreadCell<[Gate; VECTORS]> =
    SingleThreadCell::new([const { Gate::missing() }; VECTORS]);

const fn stack_of(vector: usize) -> HandlerStack {
    match vector {
        DEBUG => HandlerStack::Debug,
        NON_MASKABLE => HandlerStack::NonMaskable,
        DOUBLE_FAULT => HandlerStack::DoubleFault,
        PAGE_FAULT => HandlerStack::PageFault,
        MACHINE_CHECK => HandlerStack::MachineCheck,
        DEVICES.. => HandlerStack::Device,
        _ => HandlerStack::Exception,
    }
}

/// Fills and loads the tables, with one early stack for all handlers.
pub(crate) fn load() {
    segments::load();
    fill(&mut TABLE.borrow());
    load_table();
}

/// Loads the tables on a processor whose memory is a copy of this one's, the handlers' stacks with it.
#[cfg(feature = "engine")]
pub(crate) fn load_again() {
    segments::load_again();
    load_table();
}

fn load_table() {
    let table = TABLE.borrow();
    let pointer = DescriptorTablePointer {
        limit: (size_of_val(&*table) - 1) as u16,
        base: VirtAddr::from_ptr(&raw const *table),
    };
    // SAFETY: the table is static and not changed any more.
    unsafe { lidt(&pointer) };
}

fn fill(table: &mut [Gate; VECTORS]) {
    unsafe extern "C" {
        fn trap_entries();
    }
    for (vector, gate) in table.iter_mut().enumerate() {
        let entry = trap_entries as *const () as usize + vector * ENTRY_STRIDE_BYTES;
        // SAFETY: each entry saves and restores what it uses; the task segment names all the stacks.
        unsafe {
            gate.set_handler_addr(VirtAddr::new(entry as u64))
                .set_stack_index(stack_of(vector) as u16);
        }
    }
}

/// What has come. The entries call `handle_trap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trap {
    /// The timer, which the first processor has.
    Timer,
    /// The keyboard.
    Keyboard,
    /// The second processor's own timer.
    #[cfg(feature = "engine")]
    SecondTimer,
    /// The second processor wants something.
    #[cfg(feature = "engine")]
    Request,
    /// There is something to do for the second processor.
    #[cfg(feature = "engine")]
    Call,
    /// A page that is not there was touched.
    MissingPage {
        /// Where.
        address: usize,
    },
    /// A page was accessed as it may not be.
    ForbiddenAccess {
        /// Where.
        address: usize,
    },
    /// Any other exception.
    Exception,
    /// Nothing.
    Spurious,
}

impl TrapFrame {
    /// What has come.
    pub(crate) fn trap(&self) -> Trap {
        match self.vector() {
            TIMER => Trap::Timer,
            KEYBOARD => Trap::Keyboard,
            #[cfg(feature = "engine")]
            second::TICK => Trap::SecondTimer,
            #[cfg(feature = "engine")]
            second::REQUEST => Trap::Request,
            #[cfg(feature = "engine")]
            second::CALL => Trap::Call,
            PAGE_FAULT => {
                let address = frame::faulting_address();
                match self.is_page_missing() {
                    true => Trap::MissingPage { address },
                    false => Trap::ForbiddenAccess { address },
                }
            }
            // Only a spurious interrupt comes from the other lines: they are masked.
            SPURIOUS | DEVICES..DEVICES_END => Trap::Spurious,
            _ => Trap::Exception,
        }
    }
}

/// Lets an interrupt come again, whose handler has done its work.
pub(crate) fn acknowledge(trap: Trap) {
    match trap {
        Trap::Timer => controller::end_of_interrupt(TIMER - DEVICES),
        Trap::Keyboard => controller::end_of_interrupt(KEYBOARD - DEVICES),
        #[cfg(feature = "engine")]
        Trap::SecondTimer | Trap::Request | Trap::Call => second::end_of_interrupt(),
        Trap::MissingPage { .. }
        | Trap::ForbiddenAccess { .. }
        | Trap::Exception
        | Trap::Spurious => {}
    }
}
