//! From the entry to the engine.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::ops::Range;

use bareflow_cxx_runtime::platform::Protection;
use bareflow_cxx_runtime::thread_local;
use bareflow_engine::Surroundings;
use bareflow_memory::PAGE_SIZE_BYTES;
use x86_64::VirtAddr;
use x86_64::instructions::interrupts as processor_interrupts;
use x86_64::registers::model_specific::FsBase;

use crate::console::{keyboard, serial};
use crate::host::MachineHost;
use crate::processor::{features, segments};
use crate::start_info::StartInfo;
use crate::{clock, exit, fault, interrupts, memory, pager, platform};

global_asm!(
    include_str!("../boot/entry.S"),
    include_str!("../boot/report.S"),
    include_str!("../boot/entry_end.S"),
    include_str!("../boot/reload.S"),
    options(att_syntax, raw)
);

/// What [`run`] needs from [`machine_start`], whose stack is gone by then.
struct Bundle(UnsafeCell<Range<usize>>);

// SAFETY: it is written before it is read, on one thread.
unsafe impl Sync for Bundle {}

static BUNDLE: Bundle = Bundle(UnsafeCell::new(0..0));

/// The first Rust: sets the machine up and changes to the big stack.
///
/// # Safety
/// Called by the entry, once, with the address of the start-of-day structure and the first 4 GiB mapped.
#[unsafe(no_mangle)]
unsafe extern "C" fn machine_start(start_info: usize) -> ! {
    segments::load();
    interrupts::load();
    features::enable();
    serial::initialise();
    // SAFETY: the entry's promise.
    let layout = unsafe { memory::initialise(&StartInfo::read(start_info)) };
    segments::set_handler_stacks(layout.handler_stack_tops);
    // SAFETY: the table is readable, in memory or from the disk, and nothing writes to it.
    unsafe { fault::set_table(layout.symbols) };
    platform::install();
    set_up_thread_locals();
    if pager::initialise(layout.llvm, &layout.llvm_source).is_err() {
        // SAFETY: the stack lies at its physical address; the interrupt controllers and the timer are as the
        // BIOS left them, and so is low memory.
        unsafe { reload_by_bios() };
    }
    interrupts::initialise_controller();
    clock::initialise();
    keyboard::drain();
    processor_interrupts::enable();
    // SAFETY: 1. nothing reads the bundle's place yet; 2. the new stack is mapped and aligned, and nothing
    // on the old one is needed any more.
    unsafe {
        *BUNDLE.0.get() = layout.bundle;
        asm!(
            "mov rsp, {top}",
            "xor ebp, ebp",
            "call {run}",
            "ud2",
            top = in(reg) layout.stack_top,
            run = sym run,
            options(noreturn),
        )
    }
}

unsafe extern "C" {
    /// Has the BIOS load everything, with LLVM, and starts anew.
    fn reload_by_bios() -> !;
}

fn set_up_thread_locals() {
    let size_bytes = thread_local::block_size_bytes().next_multiple_of(PAGE_SIZE_BYTES);
    let Ok(block) = memory::map(size_bytes, Protection::READ | Protection::WRITE) else {
        exit::fail(
            exit::OUT_OF_MEMORY,
            format_args!("there is no memory for thread-local data"),
        );
    };
    // SAFETY: the pages are fresh, zeroed and large enough, and stay for ever.
    let pointer =
        unsafe { thread_local::initialise_block(core::ptr::with_exposed_provenance_mut(block)) };
    FsBase::write(VirtAddr::from_ptr(pointer));
}

/// The rest of the kernel's life, on its own stack.
extern "C" fn run() -> ! {
    // SAFETY: `machine_start` has written it, and the bundle is mapped for reading for ever.
    let bundle: &'static [u8] = unsafe {
        let place = &*BUNDLE.0.get();
        core::slice::from_raw_parts(core::ptr::with_exposed_provenance(place.start), place.len())
    };
    if bundle.is_empty() {
        exit::fail(
            exit::BOOT_FAILURE,
            format_args!("the loader gave no program (-initrd BUNDLE)"),
        );
    }
    // A bundle that cannot be read is refused by the engine, with the reason.
    platform::set_surroundings(Surroundings::of_bundle(bundle));
    // SAFETY: once, with the platform installed; the linker script delimits the constructors.
    unsafe { bareflow_cxx_runtime::run_constructors() };
    let mut host = MachineHost::default();
    let code = bareflow_engine::run_bundle(bundle, &mut host);
    pager::remember(&mut host);
    exit::end(code)
}
