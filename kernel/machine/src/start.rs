//! From the entry to the payload.

use core::cell::UnsafeCell;
use core::ops::Range;

use bareflow_boot_info::Screen;
use bareflow_boot_layout::clusters::Storage;
use bareflow_cxx_runtime::platform::Protection;
use bareflow_cxx_runtime::thread_local;
use bareflow_memory::PAGE_SIZE_BYTES;
use bareflow_program_env::{Environment, Payload, payload, set_payload};
use bareflow_protocol::exit_code;

use crate::arch::{cpu, trap};
use crate::drivers::console::{display, keyboard, serial};
use crate::drivers::firmware::overlay;
use crate::{boot, clock, console, demand_paging, exit, fault, memory, platform, storage};

/// What [`run`] needs from [`start`], whose stack is gone by then.
struct Bundle(UnsafeCell<Range<usize>>);

// SAFETY: it is written before it is read, on one thread.
unsafe impl Sync for Bundle {}

static BUNDLE: Bundle = Bundle(UnsafeCell::new(0..0));

/// Sets the machine up and changes to the big stack, where `payload` runs to the machine's end.
///
/// # Safety
/// To be called by `machine_start`, which the entry calls once, with the address of what the loader has told and the
/// first 4 GiB mapped.
pub unsafe fn start(loader_info: usize, payload: &'static dyn Payload) -> ! {
    set_payload(payload);
    trap::load();
    cpu::enable_features();
    serial::initialise();
    // SAFETY: the entry's promise; the kernel takes no memory before it has its own tables.
    let info = unsafe { boot::read(loader_info) };
    let info =
        info.unwrap_or_else(|error| exit::fail(exit_code::BOOT_FAILURE, format_args!("{error}")));
    if info.screen == Screen::VgaText {
        display::initialise();
    }
    // SAFETY: the entry's tables are in use.
    let layout = unsafe {
        #[cfg(feature = "engine")]
        crate::second::find(&info.firmware_tables);
        memory::initialise(&info)
    };
    let layout = layout
        .unwrap_or_else(|error| exit::fail(exit_code::OUT_OF_MEMORY, format_args!("{error}")));
    trap::set_handler_stacks(layout.handler_stack_tops);
    // SAFETY: the table is readable, in memory or from the disk, and nothing writes to it.
    unsafe { fault::set_table(layout.symbols) };
    platform::install();
    set_up_thread_locals();
    let Ok(partition) = storage::initialise(layout.header) else {
        let no_driver = |what_else| -> ! {
            exit::fail(
                exit_code::BOOT_FAILURE,
                format_args!(
                    "there is no driver for the disk that the machine was started from{what_else}"
                ),
            )
        };
        let Some(reload) = info.reload else {
            no_driver("");
        };
        // Stage 2 loads pages as they are on the disk.
        let extent = layout.header.map(|header| header.llvm_extent());
        if extent.is_some_and(|extent| extent.storage() == Storage::Compressed) {
            no_driver(", and LLVM is compressed: make the image without --compress");
        }
        // SAFETY: the stack lies at its physical address; the interrupt controllers and the timer are as the
        // loader has left them, and so is low memory.
        unsafe { reload() }
    };
    demand_paging::initialise(layout.llvm, partition.as_ref());
    trap::initialise_controller();
    clock::initialise();
    console::find_ports();
    keyboard::drain();
    cpu::enable_interrupts();
    // SAFETY: 1. nothing reads the bundle's and the files' places yet, which are mapped; 2. the new stack is mapped and
    // aligned, and nothing on the old one is needed any more.
    unsafe {
        *BUNDLE.0.get() = layout.bundle;
        storage::files_are_loaded(layout.files);
        cpu::run_on_stack(layout.stack_top, run)
    }
}

fn set_up_thread_locals() {
    let size_bytes = thread_local::block_size_bytes().next_multiple_of(PAGE_SIZE_BYTES);
    let Ok(block) = memory::map(size_bytes, Protection::READ | Protection::WRITE) else {
        exit::fail(
            exit_code::OUT_OF_MEMORY,
            format_args!("there is no memory for thread-local data"),
        );
    };
    // SAFETY: the pages are fresh, zeroed and large enough, and stay for ever.
    let pointer =
        unsafe { thread_local::initialise_block(core::ptr::with_exposed_provenance_mut(block)) };
    cpu::set_thread_pointer(pointer.expose_provenance());
}

/// The rest of the kernel's life, on its own stack.
extern "C" fn run() -> ! {
    // SAFETY: `start` has written it, and the bundle is mapped for reading for ever.
    let bundle: &'static [u8] = unsafe {
        let place = &*BUNDLE.0.get();
        core::slice::from_raw_parts(core::ptr::with_exposed_provenance(place.start), place.len())
    };
    // A bundle that cannot be read is refused by the payload, with the reason.
    let overlay = overlay();
    platform::set_environment(Environment::of_bundle(bundle, overlay, &storage::FILES));
    let payload = payload().expect("the machine was started with a payload");
    exit::end(payload.run(bundle))
}
