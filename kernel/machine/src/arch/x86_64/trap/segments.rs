//! The global descriptor table and the task state segment with the handlers' stacks.

use core::cell::UnsafeCell;

use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::tss::TaskStateSegment;

use crate::single_thread_cell::SingleThreadCell;

/// Which stack a handler runs on: none may be entered again while one of the others is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum HandlerStack {
    /// Exceptions that have no stack of their own.
    Exception,
    /// Page faults.
    PageFault,
    /// Double faults.
    DoubleFault,
    /// Non-maskable interrupts.
    NonMaskable,
    /// Machine checks.
    MachineCheck,
    /// Debug exceptions.
    Debug,
    /// Devices.
    Device,
}

/// How many handler stacks there are: as many as the task state segment can name.
pub(crate) const HANDLER_STACKS: usize = 7;
/// Room for a report, and for the page faults on LLVM's pages that it may cause.
pub(crate) const HANDLER_STACK_SIZE_BYTES: usize = 32 << 10;

const EARLY_STACK_SIZE_BYTES: usize = 8192;

#[repr(C, align(16))]
struct EarlyStack(UnsafeCell<[u8; EARLY_STACK_SIZE_BYTES]>);

// SAFETY: only the processor uses it, as a stack.
unsafe impl Sync for EarlyStack {}

/// The stack of all handlers until there are stacks with guards: what comes there ends the machine.
static EARLY_STACK: EarlyStack = EarlyStack(UnsafeCell::new([0; EARLY_STACK_SIZE_BYTES]));

struct Task(UnsafeCell<TaskStateSegment>);

// SAFETY: only this module writes to it, before interrupts are on; the processor reads it.
unsafe impl Sync for Task {}

static TASK: Task = Task(UnsafeCell::new(TaskStateSegment::new()));
static TABLE: SingleThreadCell<GlobalDescriptorTable> =
    SingleThreadCell::new(GlobalDescriptorTable::empty());

/// Loads both tables, with one early stack for all handlers.
pub(crate) fn load() {
    let top = EARLY_STACK.0.get() as usize + EARLY_STACK_SIZE_BYTES;
    set_handler_stacks([top; HANDLER_STACKS]);
    let mut table = TABLE.borrow();
    *table = GlobalDescriptorTable::new();
    let code = table.append(Descriptor::kernel_code_segment());
    let data = table.append(Descriptor::kernel_data_segment());
    // SAFETY: 1. both tables are static and the descriptor table is not changed any more; 2. the segments
    // are flat 64-bit segments like those in use; 3. the task segment is not busy.
    unsafe {
        let task = table.append(Descriptor::tss_segment_unchecked(TASK.0.get()));
        table.load_unsafe();
        CS::set_reg(code);
        DS::set_reg(data);
        ES::set_reg(data);
        SS::set_reg(data);
        load_tss(task);
    }
}

/// Loads both tables on a processor whose memory is a copy of this one's, the handlers' stacks with it.
#[cfg(feature = "engine")]
pub(crate) fn load_again() {
    // SAFETY: see `Task`; no handler runs.
    let stacks = unsafe { (&raw const (*TASK.0.get()).interrupt_stack_table).read_unaligned() };
    load();
    set_handler_stacks(stacks.map(|top| top.as_u64() as usize));
}

/// Sets where the handlers' stacks begin, in the order of [`HandlerStack`].
pub(crate) fn set_handler_stacks(tops: [usize; HANDLER_STACKS]) {
    let stacks = tops.map(|top| VirtAddr::new(top as u64));
    // SAFETY: no handler runs; the processor reads the table only when one starts.
    unsafe { (*TASK.0.get()).interrupt_stack_table = stacks };
}

/// Runs a page fault's report with another part of its stack for page faults of the report's own.
pub(crate) fn with_nested_page_faults<T>(action: impl FnOnce() -> T) -> T {
    move_page_fault_stack(|top| top - NESTED_OFFSET_BYTES);
    let result = action();
    move_page_fault_stack(|top| top + NESTED_OFFSET_BYTES);
    result
}

/// Half of a handler's stack.
const NESTED_OFFSET_BYTES: u64 = HANDLER_STACK_SIZE_BYTES as u64 / 2;

fn move_page_fault_stack(change: impl FnOnce(u64) -> u64) {
    // SAFETY: interrupts are off in handlers; the processor reads the table only when a handler starts.
    unsafe {
        let index = HandlerStack::PageFault as usize;
        let table = &raw mut (*TASK.0.get()).interrupt_stack_table;
        let mut stacks = table.read_unaligned();
        stacks[index] = VirtAddr::new(change(stacks[index].as_u64()));
        table.write_unaligned(stacks);
    }
}
