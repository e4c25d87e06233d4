//! What is counted, by those who count, for whoever reports it.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use bareflow_protocol::report::{Counters, LlvmRead};

static FIRST_OUTPUT_CYCLES: AtomicU64 = AtomicU64::new(0);
static PROGRAM_CYCLES: AtomicU64 = AtomicU64::new(0);
static PEAK_MEMORY_BYTES: AtomicU64 = AtomicU64::new(0);
static DISK_BYTES_READ: AtomicU64 = AtomicU64::new(0);
static IS_LLVM_ON_DISK: AtomicBool = AtomicBool::new(false);
static LLVM_BYTES_READ: AtomicU64 = AtomicU64::new(0);
static LLVM_READS: AtomicU64 = AtomicU64::new(0);

/// The program prints: what counts is when it did so first.
pub(crate) fn note_output(cycles: impl FnOnce() -> u64) {
    if FIRST_OUTPUT_CYCLES.load(Relaxed) == 0 {
        FIRST_OUTPUT_CYCLES.store(cycles(), Relaxed);
    }
}

/// How long the program ran.
pub(crate) fn set_program_cycles(cycles: u64) {
    PROGRAM_CYCLES.store(cycles, Relaxed);
}

/// The most memory that was in use at once: the kernel's image and everything else.
pub(crate) fn set_peak_memory(size_bytes: usize) {
    PEAK_MEMORY_BYTES.store(size_bytes as u64, Relaxed);
}

/// So much was read from the disk.
pub(crate) fn add_disk_bytes(size_bytes: usize) {
    DISK_BYTES_READ.fetch_add(size_bytes as u64, Relaxed);
}

/// LLVM is read when it is touched.
pub(crate) fn llvm_is_on_disk() {
    IS_LLVM_ON_DISK.store(true, Relaxed);
}

/// So much of LLVM was read, in one read.
pub(crate) fn add_llvm_read(size_bytes: usize) {
    LLVM_READS.fetch_add(1, Relaxed);
    LLVM_BYTES_READ.fetch_add(size_bytes as u64, Relaxed);
}

/// What was counted up to now, with the time stamp.
pub(crate) fn at(cycles: u64) -> Counters {
    Counters {
        first_output_cycles: FIRST_OUTPUT_CYCLES.load(Relaxed),
        cycles,
        peak_memory_bytes: PEAK_MEMORY_BYTES.load(Relaxed),
        program_cycles: PROGRAM_CYCLES.load(Relaxed),
        disk_bytes_read: DISK_BYTES_READ.load(Relaxed),
        llvm: IS_LLVM_ON_DISK.load(Relaxed).then(|| LlvmRead {
            bytes: LLVM_BYTES_READ.load(Relaxed),
            reads: LLVM_READS.load(Relaxed),
        }),
    }
}
