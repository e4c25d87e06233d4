//! The floor under `kernel.c`: the same machine as that of `examples/own-kernel`, and the engine, whose
//! C interface is all that the program uses.
#![no_std]

#[path = "../../own-kernel/src/machine.rs"]
mod machine;

use core::fmt::Write;

// Its C and C++ are what is linked.
use bareflow_engine as _;

#[global_allocator]
static HEAP: bareflow_cxx_runtime::GlobalHeap = bareflow_cxx_runtime::GlobalHeap;

#[panic_handler]
fn panic(information: &core::panic::PanicInfo) -> ! {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(machine::ErrorStream, "{information}");
    machine::exit(101)
}

fn main() -> i32 {
    unsafe extern "C" {
        fn kernel_main() -> i32;
    }
    // SAFETY: the machine is set up and this is the only call.
    let status = unsafe { kernel_main() };
    bareflow_cxx_runtime::flush_streams();
    status
}
