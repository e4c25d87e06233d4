//! Interrupts and exceptions: the descriptor table, and who handles what.

mod controller;

use core::arch::global_asm;

use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::registers::control::Cr2;
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::idt::Entry;

use bareflow_guest::guest;

use crate::console;
use crate::drivers::console::{display, keyboard};
use crate::processor::segments::{self, HandlerStack};
#[cfg(feature = "engine")]
use crate::second;
use crate::single_thread_cell::SingleThreadCell;
use crate::{demand_paging, fault};

pub(crate) use controller::initialise as initialise_controller;

global_asm!(include_str!("vectors.S"), options(att_syntax, raw));

/// What the entries have pushed, and the processor before them.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct TrapFrame {
    pub(crate) r15: u64,
    pub(crate) r14: u64,
    pub(crate) r13: u64,
    pub(crate) r12: u64,
    pub(crate) r11: u64,
    pub(crate) r10: u64,
    pub(crate) r9: u64,
    pub(crate) r8: u64,
    pub(crate) rbp: u64,
    pub(crate) rdi: u64,
    pub(crate) rsi: u64,
    pub(crate) rdx: u64,
    pub(crate) rcx: u64,
    pub(crate) rbx: u64,
    pub(crate) rax: u64,
    pub(crate) vector: u64,
    pub(crate) error_code: u64,
    pub(crate) rip: u64,
    pub(crate) cs: u64,
    pub(crate) rflags: u64,
    pub(crate) rsp: u64,
    pub(crate) ss: u64,
}

const VECTORS: usize = 256;
const ENTRY_STRIDE_BYTES: usize = 16;

/// Exceptions with a stack of their own (Intel SDM volume 3, table 6-1).
const DEBUG: usize = 1;
const NON_MASKABLE: usize = 2;
const DOUBLE_FAULT: usize = 8;
pub(crate) const PAGE_FAULT: usize = 14;
/// In a page fault's error code: the page is there, and does not allow the access.
const PAGE_FAULT_PRESENT: u64 = 1 << 0;
const MACHINE_CHECK: usize = 18;
const EXCEPTIONS: usize = 32;

/// The devices' vectors, behind the exceptions.
const DEVICES: usize = EXCEPTIONS;
const TIMER: usize = DEVICES;
const KEYBOARD: usize = DEVICES + 1;
const DEVICES_END: usize = DEVICES + controller::LINES;
/// Of the processor's own controller.
const SPURIOUS: usize = 0xff;

/// How many timer interrupts there are between two refreshes of the display.
const REFRESH_INTERVAL: u64 = 4;

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

/// Fills and loads the table. The segments must be loaded.
pub(crate) fn load() {
    fill(&mut TABLE.borrow());
    load_again();
}

/// Loads the table, which is filled.
pub(crate) fn load_again() {
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
    // A vector is below 256.
    match frame.vector as usize {
        TIMER => {
            on_timer();
            controller::end_of_interrupt(TIMER - DEVICES);
            tick(frame);
        }
        #[cfg(feature = "engine")]
        second::TICK => {
            second::end_of_interrupt();
            tick(frame);
        }
        #[cfg(feature = "engine")]
        second::REQUEST => {
            second::answer_request();
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
        PAGE_FAULT => on_page_fault(frame),
        _ => fault::handle(frame),
    }
}

fn tick(frame: &mut TrapFrame) {
    // Nothing that runs lies above the address space.
    let resume = guest().and_then(|guest| guest.tick(frame.rip as usize));
    if let Some(resume) = resume {
        fault::go_to(resume, frame);
    }
}

fn on_page_fault(frame: &mut TrapFrame) {
    let address = Cr2::read_raw() as usize;
    let is_missing = frame.error_code & PAGE_FAULT_PRESENT == 0;
    let found = match is_missing {
        true => demand_paging::resolve(address),
        false => demand_paging::Fault::Foreign,
    };
    match found {
        demand_paging::Fault::Resolved => {}
        demand_paging::Fault::Absent => {
            segments::with_nested_page_faults(|| fault::handle_absent_page(frame, address));
        }
        demand_paging::Fault::Foreign => segments::with_nested_page_faults(|| fault::handle(frame)),
    }
}

fn on_timer() {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static TICKS: AtomicU64 = AtomicU64::new(0);
    let ticks = TICKS.load(Relaxed) + 1;
    TICKS.store(ticks, Relaxed);
    console::on_tick();
    #[cfg(feature = "engine")]
    second::answer_request();
    if ticks.is_multiple_of(REFRESH_INTERVAL) {
        display::refresh();
    }
}
