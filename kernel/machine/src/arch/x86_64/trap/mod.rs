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
use crate::drivers::console::keyboard;
use crate::single_thread_cell::SingleThreadCell;
use crate::{fault, interrupts};

pub(crate) use controller::initialise as initialise_controller;
pub(crate) use frame::{LONGEST_CALL_BYTES, TrapFrame, ends_call};
use segments::HandlerStack;
pub(crate) use segments::{HANDLER_STACKS, set_handler_stacks, with_nested_page_faults};

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

/// Called by the entries.
#[unsafe(no_mangle)]
extern "C" fn handle_trap(frame: &mut TrapFrame) {
    match frame.vector() {
        TIMER => {
            interrupts::on_timer();
            controller::end_of_interrupt(TIMER - DEVICES);
            interrupts::on_tick(frame);
        }
        #[cfg(feature = "engine")]
        second::TICK => {
            second::end_of_interrupt();
            interrupts::on_tick(frame);
        }
        #[cfg(feature = "engine")]
        second::REQUEST => {
            interrupts::on_request();
            second::end_of_interrupt();
        }
        #[cfg(feature = "engine")]
        second::CALL => second::end_of_interrupt(),
        SPURIOUS => {}
        KEYBOARD => {
            keyboard::on_interrupt();
            controller::end_of_interrupt(KEYBOARD - DEVICES);
        }
        // Only a spurious interrupt comes here: the other lines are masked.
        vector if (DEVICES..DEVICES_END).contains(&vector) => {}
        PAGE_FAULT => {
            let address = frame::faulting_address();
            match frame.is_page_missing() {
                true => interrupts::on_missing_page(frame, address),
                false => with_nested_page_faults(|| fault::handle(frame, address)),
            }
        }
        // The address is not one of these exceptions'.
        _ => fault::handle(frame, frame::faulting_address()),
    }
}
