//! How Linux is called on x86-64.

use core::arch::asm;

use crate::linux::Errno;

/// `arch/x86/entry/syscalls/syscall_64.tbl`.
pub(crate) mod number {
    pub(crate) const READ: usize = 0;
    pub(crate) const WRITE: usize = 1;
    pub(crate) const OPEN: usize = 2;
    pub(crate) const CLOSE: usize = 3;
    pub(crate) const FSTAT: usize = 5;
    pub(crate) const POLL: usize = 7;
    pub(crate) const MMAP: usize = 9;
    pub(crate) const MPROTECT: usize = 10;
    pub(crate) const MUNMAP: usize = 11;
    pub(crate) const RT_SIGACTION: usize = 13;
    pub(crate) const IOCTL: usize = 16;
    pub(crate) const PREAD64: usize = 17;
    pub(crate) const PWRITE64: usize = 18;
    pub(crate) const MREMAP: usize = 25;
    pub(crate) const NANOSLEEP: usize = 35;
    pub(crate) const SETITIMER: usize = 38;
    pub(crate) const GETPID: usize = 39;
    pub(crate) const FORK: usize = 57;
    pub(crate) const WAIT4: usize = 61;
    pub(crate) const KILL: usize = 62;
    pub(crate) const FLOCK: usize = 73;
    pub(crate) const FDATASYNC: usize = 75;
    pub(crate) const GETPPID: usize = 110;
    pub(crate) const SIGALTSTACK: usize = 131;
    pub(crate) const PRCTL: usize = 157;
    pub(crate) const FUTEX: usize = 202;
    pub(crate) const SCHED_GETAFFINITY: usize = 204;
    pub(crate) const CLOCK_GETTIME: usize = 228;
    pub(crate) const EXIT_GROUP: usize = 231;
    pub(crate) const GETRANDOM: usize = 318;
    pub(crate) const CLOSE_RANGE: usize = 436;
}

/// Makes a system call with up to six arguments.
///
/// # Safety
/// The arguments must be what the call expects; the memory that it writes must be the caller's.
pub(crate) unsafe fn call(number: usize, arguments: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    // SAFETY: Linux preserves all registers but rax, rcx and r11; the rest is the caller's promise.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            in("r9") arguments[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    // Linux returns -1 to -4095 for errors.
    if (-4095..0).contains(&result) {
        Err(Errno((-result) as i32))
    } else {
        Ok(result as usize)
    }
}

/// # Safety
/// `address` must be a thread control block.
pub(crate) unsafe fn set_thread_pointer(address: usize) -> Result<(), Errno> {
    const ARCH_PRCTL: usize = 158;
    const ARCH_SET_FS: usize = 0x1002;
    // SAFETY: the caller's promise.
    unsafe { call(ARCH_PRCTL, [ARCH_SET_FS, address, 0, 0, 0, 0]) }.map(drop)
}
