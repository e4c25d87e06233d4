//! From the process's entry to [`crate::main`]: thread-locals, the code pool and a stack of our own.

use core::arch::{asm, global_asm};

use crate::platform::LINUX;
use crate::system::{self, PROT_READ, PROT_WRITE};

/// Where the engine's stack ends; the page below its start is a guard.
pub const STACK_TOP: usize = 0x0800_0000;
/// LLVM needs a deep stack, and programs recurse.
pub const STACK_SIZE_BYTES: usize = 16 << 20;
/// Pages below the stack that catch an overflow.
pub const GUARD_SIZE_BYTES: usize = 1 << 20;

// The system enters with the argument count at the stack pointer and no return address.
global_asm!(
    ".pushsection .text._start, \"ax\", @progbits",
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    ".popsection",
    start = sym start,
);

extern "C" fn start(process_arguments: *const usize) -> ! {
    let stack = STACK_TOP - STACK_SIZE_BYTES;
    let mapped = system::map_at(stack, STACK_SIZE_BYTES, PROT_READ | PROT_WRITE)
        && LINUX.reserve(stack - GUARD_SIZE_BYTES, GUARD_SIZE_BYTES)
        && LINUX.reserve(
            bareflow_engine::POOL_ADDRESS,
            bareflow_engine::POOL_SIZE_BYTES,
        );
    if !mapped {
        system::write_all(
            2,
            b"bareflow: error: the memory for the stack and the code pool is not available\n",
        );
        system::exit(112);
    }
    set_up_thread_locals();
    // SAFETY: the stack is mapped, aligned and unused, and `on_own_stack` never returns.
    unsafe {
        asm!(
            "mov rsp, {stack}",
            "call {function}",
            "ud2",
            stack = in(reg) STACK_TOP,
            function = sym on_own_stack,
            in("rdi") process_arguments,
            options(noreturn),
        );
    }
}

extern "C" fn on_own_stack(process_arguments: *const usize) -> ! {
    // SAFETY: the system passes the count and as many C strings.
    let arguments =
        unsafe { core::slice::from_raw_parts(process_arguments.add(1).cast(), *process_arguments) };
    crate::main(arguments)
}

/// Thread-locals of the initial image, right below the thread pointer (ELF TLS ABI, variant II).
fn set_up_thread_locals() {
    unsafe extern "C" {
        static __tls_start: [u8; 0];
        static __tdata_end: [u8; 0];
        static __tls_end: [u8; 0];
    }
    /// Alignment of the TLS segment in the linker script.
    const ALIGNMENT: usize = 64;
    #[repr(C, align(64))]
    struct Block([u8; BLOCK_BYTES]);
    const BLOCK_BYTES: usize = 4096;
    static mut BLOCK: Block = Block([0; BLOCK_BYTES]);

    let (start, data_end, end) = (
        &raw const __tls_start as usize,
        &raw const __tdata_end as usize,
        &raw const __tls_end as usize,
    );
    let size = (end - start).next_multiple_of(ALIGNMENT);
    assert!(
        size + size_of::<usize>() <= BLOCK_BYTES,
        "the thread-locals do not fit their block"
    );
    let block = &raw mut BLOCK as usize;
    let thread_pointer = block + BLOCK_BYTES - ALIGNMENT;
    // SAFETY: the block is ours alone; the image's initial data is copied to where the ABI wants it, and
    // the word at the thread pointer points at itself.
    unsafe {
        core::ptr::copy_nonoverlapping(
            start as *const u8,
            (thread_pointer - size) as *mut u8,
            data_end - start,
        );
        *(thread_pointer as *mut usize) = thread_pointer;
        system::set_thread_pointer(thread_pointer);
    }
}
