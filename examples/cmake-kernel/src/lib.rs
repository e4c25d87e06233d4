//! The floor under `cpp/squares.cpp`: the same machine as that of `examples/own-kernel`.
#![no_std]

#[path = "../../own-kernel/src/machine.rs"]
mod machine;

use core::fmt::Write;

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
        fn squares_main() -> i32;
    }
    // SAFETY: the machine is set up and this is the only call.
    let status = unsafe { squares_main() };
    bareflow_cxx_runtime::flush_streams();
    status
}
