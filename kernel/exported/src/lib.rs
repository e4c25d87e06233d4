//! The kernels of an exported program: the bare machine, or a Linux process, without the engine and without LLVM, and
//! the program linked with it, as native code or in the form of a code generator that the kernel has.
//!
//! 1. What a program prints and how it ends is what the engine makes of it; `kernel/engine/cpp/program.cpp` is the
//!    model.
//! 2. The kernel is the same: entry, console, clock, faults. Only the address space has no code pool.
//! 3. The program's `exit`, `abort` and the like arrive here: `program.c` is linked into the program.
//!
//! It needs no bundle but for arguments, environment and files.
#![no_std]

extern crate alloc;

mod compiling;
mod ending;
mod indirect;
mod program;

#[cfg(feature = "hosted")]
use bareflow_hosted as kernel;
#[cfg(not(feature = "hosted"))]
use bareflow_machine as kernel;

/// Called by the entry.
///
/// # Safety
/// As of [`bareflow_machine::start`].
#[cfg(not(feature = "hosted"))]
#[unsafe(no_mangle)]
unsafe extern "C" fn machine_start(loader_info: usize) -> ! {
    // SAFETY: the caller's promise.
    unsafe { kernel::start(loader_info, &program::LinkedProgram) }
}

/// Called by the entry.
///
/// # Safety
/// As of [`bareflow_hosted::start`].
#[cfg(feature = "hosted")]
#[unsafe(no_mangle)]
unsafe extern "C" fn hosted_start(initial: *const usize) -> ! {
    // SAFETY: the caller's promise.
    unsafe { kernel::start(initial, &program::LinkedProgram) }
}
