//! The system calls that are used, each with its contract. Numbers: `asm/unistd_64.h` of Linux.

use core::arch::asm;
use core::ffi::CStr;

pub const PROT_NONE: usize = 0;
pub const PROT_READ: usize = 1;
pub const PROT_WRITE: usize = 2;
pub const PROT_EXEC: usize = 4;
const MAP_PRIVATE: usize = 0x02;
const MAP_ANONYMOUS: usize = 0x20;
const MAP_NORESERVE: usize = 0x4000;
const MAP_FIXED_NOREPLACE: usize = 0x10_0000;

const READ: usize = 0;
const WRITE: usize = 1;
const OPEN: usize = 2;
const CLOSE: usize = 3;
const MMAP: usize = 9;
const MPROTECT: usize = 10;
const MUNMAP: usize = 11;
const RT_SIGACTION: usize = 13;
const SIGALTSTACK: usize = 131;
const LSEEK: usize = 8;
const ARCH_PRCTL: usize = 158;
const CLOCK_GETTIME: usize = 228;
const EXIT_GROUP: usize = 231;
const GETRANDOM: usize = 318;

/// A system call with up to six arguments; a value in -4095..0 is a negated error number.
///
/// # Safety
/// The arguments must be what the call's contract asks for.
unsafe fn call(number: usize, arguments: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the instruction's contract is that of the call, which the caller keeps.
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
        );
    }
    result
}

pub fn exit(status: i32) -> ! {
    loop {
        // SAFETY: the call has no precondition and does not return.
        unsafe { call(EXIT_GROUP, [status as usize, 0, 0, 0, 0, 0]) };
    }
}

/// Writes all of `bytes`; an error ends the attempt, as there is nobody to tell.
pub fn write_all(descriptor: usize, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the slice gives the address and the size.
        let written = unsafe {
            call(
                WRITE,
                [descriptor, bytes.as_ptr() as usize, bytes.len(), 0, 0, 0],
            )
        };
        match usize::try_from(written) {
            Ok(count) => bytes = &bytes[count.min(bytes.len())..],
            Err(_) if written == -4 => {}
            Err(_) => return,
        }
    }
}

pub fn read(descriptor: usize, buffer: &mut [u8]) -> usize {
    // SAFETY: the slice gives the address and the size.
    let count = unsafe {
        call(
            READ,
            [
                descriptor,
                buffer.as_mut_ptr() as usize,
                buffer.len(),
                0,
                0,
                0,
            ],
        )
    };
    usize::try_from(count).unwrap_or(0)
}

/// Maps zeroed memory at exactly `address`; false when something is there or memory is short.
pub fn map_at(address: usize, size_bytes: usize, protection: usize) -> bool {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    // SAFETY: the call replaces no mapping.
    let result = unsafe {
        call(
            MMAP,
            [address, size_bytes, protection, flags, usize::MAX, 0],
        )
    };
    result as usize == address
}

/// # Safety
/// Nothing may use the range afterwards.
pub unsafe fn unmap(address: usize, size_bytes: usize) -> bool {
    // SAFETY: the caller gives the range up.
    unsafe { call(MUNMAP, [address, size_bytes, 0, 0, 0, 0]) == 0 }
}

/// # Safety
/// Nothing may rely on accesses that the new protection forbids.
pub unsafe fn protect(address: usize, size_bytes: usize, protection: usize) -> bool {
    // SAFETY: the caller answers for the range.
    unsafe { call(MPROTECT, [address, size_bytes, protection, 0, 0, 0]) == 0 }
}

/// Maps a whole file for reading, for the life of the process.
pub fn map_file(path: &CStr) -> Option<&'static [u8]> {
    const SEEK_END: usize = 2;
    // SAFETY: the path is a C string; the mapping is fresh, private and never given back.
    unsafe {
        let descriptor =
            usize::try_from(call(OPEN, [path.as_ptr() as usize, 0, 0, 0, 0, 0])).ok()?;
        let size = usize::try_from(call(LSEEK, [descriptor, 0, SEEK_END, 0, 0, 0])).ok()?;
        if size == 0 {
            return Some(&[]);
        }
        let address = call(MMAP, [0, size, PROT_READ, MAP_PRIVATE, descriptor, 0]);
        call(CLOSE, [descriptor, 0, 0, 0, 0, 0]);
        (address > 0).then(|| core::slice::from_raw_parts(address as *const u8, size))
    }
}

/// Seconds and nanoseconds of a clock (0: real time, 1: monotonic).
pub fn clock_ns(clock: usize) -> u64 {
    let mut time = [0_u64; 2];
    // SAFETY: the array has the layout of `struct timespec`.
    unsafe {
        call(
            CLOCK_GETTIME,
            [clock, time.as_mut_ptr() as usize, 0, 0, 0, 0],
        )
    };
    time[0] * 1_000_000_000 + time[1]
}

pub fn random(buffer: &mut [u8]) {
    // SAFETY: the slice gives the address and the size.
    unsafe {
        call(
            GETRANDOM,
            [buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0, 0],
        )
    };
}

/// Sets the base of the FS segment, where thread-locals are found.
///
/// # Safety
/// `base` must be the thread pointer of an initialised TLS block that is never freed.
pub unsafe fn set_thread_pointer(base: usize) {
    const ARCH_SET_FS: usize = 0x1002;
    // SAFETY: the caller answers for the base.
    unsafe { call(ARCH_PRCTL, [ARCH_SET_FS, base, 0, 0, 0, 0]) };
}

/// `struct sigaction` of the kernel.
#[repr(C)]
pub struct SignalAction {
    pub handler: usize,
    pub flags: u64,
    pub restorer: usize,
    pub mask: u64,
}

/// # Safety
/// The action's handler and restorer must be what the kernel's contract asks for.
pub unsafe fn set_signal_action(signal: usize, action: &SignalAction) {
    // SAFETY: the action has the kernel's layout; the caller answers for its functions.
    unsafe {
        call(
            RT_SIGACTION,
            [signal, core::ptr::from_ref(action) as usize, 0, 8, 0, 0],
        )
    };
}

/// # Safety
/// The memory must be writable and used for nothing else for the life of the process.
pub unsafe fn set_signal_stack(address: usize, size_bytes: usize) {
    let stack = [address, 0, size_bytes];
    // SAFETY: the array has the layout of `stack_t`; the caller answers for the memory.
    unsafe { call(SIGALTSTACK, [stack.as_ptr() as usize, 0, 0, 0, 0, 0]) };
}
