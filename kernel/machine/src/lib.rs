//! The kernel of the bare machine: the engine, or a program that is linked with it, with nothing under it.
//!
//! 1. One image, and whoever starts it: what the loader has told is a `BootInfo`, and nothing behind `boot` knows which
//!    protocol it was.
//! 2. One address space, everything of it below 2 GiB; every address is the memory of the same address,
//!    but for the code pool, the stacks, devices and LLVM. No page is writable and executable, none is mapped that
//!    nobody uses, and page 0 never is.
//! 3. One thread, on one processor; a second one may work on a copy of its memory. Interrupt and exception handlers run
//!    on stacks of their own, because compiled code keeps data below its stack pointer.
//! 4. What goes wrong is said in one line and ends the machine with an exit code that the host sees.
//! 5. LLVM is read from the disk when it is touched, page by page; a boot that does not need it reads none.
//!
//! It writes to nothing of a disk but its FAT16 volume, and never returns.
#![no_std]

extern crate alloc;

mod arch;
mod boot;
mod clock;
mod console;
mod counters;
mod demand_paging;
mod drivers;
mod exit;
mod fault;
mod image;
mod interrupts;
mod layout;
#[cfg(feature = "engine")]
mod mailbox;
mod memory;
#[cfg(feature = "engine")]
mod payload;
mod platform;
#[cfg(feature = "engine")]
mod second;
mod single_thread_cell;
mod start;
mod storage;

pub use drivers::firmware::overlay;
pub use exit::{end, fail};
pub use fault::function_at;
pub use start::start;

#[global_allocator]
static HEAP: bareflow_cxx_runtime::GlobalHeap = bareflow_cxx_runtime::GlobalHeap;

#[panic_handler]
fn panic(information: &core::panic::PanicInfo) -> ! {
    let message = information.message();
    if let Some(payload) = bareflow_program_env::payload() {
        payload.leave_after_panic(format_args!("{message}"));
    }
    match information.location() {
        Some(place) => exit::fail(
            bareflow_protocol::exit_code::INTERNAL,
            format_args!(
                "internal error: {message} ({}:{})",
                place.file(),
                place.line()
            ),
        ),
        None => exit::fail(
            bareflow_protocol::exit_code::INTERNAL,
            format_args!("internal error: {message}"),
        ),
    }
}
