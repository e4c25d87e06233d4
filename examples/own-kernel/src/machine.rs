//! What a kernel brings along: the entry, a stack, the thread-local block, and a `Platform`.

use core::arch::{asm, global_asm};
use core::fmt;
use core::ptr;

use bareflow_cxx_runtime::platform::{Platform, PlatformError, Protection, Stream};
use bareflow_cxx_runtime::thread_local;
use rustix::io::Errno;
use rustix::mm::{self, MapFlags, MprotectFlags, ProtFlags};
use rustix::rand::GetRandomFlags;
use rustix::time::ClockId;
use rustix::{rand, stdio, time};

/// Linux on x86-64: an address below 2 GiB.
const MAP_32BIT: u32 = 0x40;
const ARCH_PRCTL: usize = 158;
const ARCH_SET_FS: usize = 0x1002;
const EXIT_GROUP: usize = 231;
/// LLVM recurses deeply.
const STACK_SIZE_BYTES: usize = 8 << 20;

global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "and rsp, -16",
    "call {enter}",
    "ud2",
    enter = sym enter,
);

unsafe extern "C" fn enter() -> ! {
    static LINUX: &dyn Platform = &Linux;
    bareflow_cxx_runtime::install(&LINUX);
    let size = thread_local::block_size_bytes();
    let accesses = Protection::READ | Protection::WRITE;
    let (Ok(block), Ok(stack)) = (
        LINUX.map_pages(size.next_multiple_of(4096), accesses),
        LINUX.map_pages(STACK_SIZE_BYTES, accesses),
    ) else {
        LINUX.out_of_memory()
    };
    // SAFETY: the pages are fresh, zeroed and large enough, and stay for the whole process; nothing on
    // the old stack is needed any more.
    unsafe {
        let thread_pointer = thread_local::initialise_block(block as *mut u8);
        system_call(ARCH_PRCTL, ARCH_SET_FS, thread_pointer as usize);
        asm!(
            "mov rsp, {top}",
            "xor ebp, ebp",
            "call {run}",
            "ud2",
            top = in(reg) stack + STACK_SIZE_BYTES,
            run = sym run,
            options(noreturn),
        )
    }
}

unsafe extern "C" fn run() -> ! {
    // SAFETY: once, with the platform installed; the linker script delimits the constructors.
    unsafe { bareflow_cxx_runtime::run_constructors() };
    exit(crate::main())
}

/// # Safety
/// That of the system call.
unsafe fn system_call(number: usize, first: usize, second: usize) {
    // SAFETY: the caller's promise; Linux overwrites these registers and no other.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => _,
            in("rdi") first,
            in("rsi") second,
            out("rcx") _,
            out("r11") _,
        );
    }
}

/// Ends the process.
pub(crate) fn exit(status: i32) -> ! {
    loop {
        // SAFETY: the call does not return, and nothing is left to be broken.
        unsafe { system_call(EXIT_GROUP, status as usize, 0) };
    }
}

fn write_all(stream: Stream, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the standard streams are open for as long as the process lives.
        let written = rustix::io::write(
            unsafe {
                match stream {
                    Stream::Output => stdio::stdout(),
                    Stream::Error => stdio::stderr(),
                }
            },
            bytes,
        );
        match written {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Standard error.
pub(crate) struct ErrorStream;

impl fmt::Write for ErrorStream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_all(Stream::Error, text.as_bytes()).map_err(|_| fmt::Error)
    }
}

struct Linux;

fn nanoseconds(clock: ClockId) -> u64 {
    let now = time::clock_gettime(clock);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

// SAFETY: Linux hands out fresh zeroed pages and keeps to their protection.
unsafe impl Platform for Linux {
    fn map_pages(&self, size_bytes: usize, protection: Protection) -> Result<usize, PlatformError> {
        let mut access = ProtFlags::empty();
        for (ours, linux) in [
            (Protection::READ, ProtFlags::READ),
            (Protection::WRITE, ProtFlags::WRITE),
            (Protection::EXECUTE, ProtFlags::EXEC),
        ] {
            access.set(linux, protection.contains(ours));
        }
        // Compiled code reaches the rest by 32-bit addresses.
        let flags = MapFlags::PRIVATE | MapFlags::from_bits_retain(MAP_32BIT);
        // SAFETY: new pages harm nobody.
        unsafe { mm::mmap_anonymous(ptr::null_mut(), size_bytes, access, flags) }
            .map(|pages| pages as usize)
            .map_err(|_| PlatformError::OutOfMemory)
    }

    unsafe fn unmap_pages(&self, address: usize, size_bytes: usize) -> Result<(), PlatformError> {
        // SAFETY: the caller's promise.
        unsafe { mm::munmap(address as *mut _, size_bytes) }
            .map_err(|_| PlatformError::InvalidRange)
    }

    unsafe fn protect_pages(
        &self,
        address: usize,
        size_bytes: usize,
        protection: Protection,
    ) -> Result<(), PlatformError> {
        let mut access = MprotectFlags::empty();
        access.set(MprotectFlags::READ, protection.contains(Protection::READ));
        access.set(MprotectFlags::WRITE, protection.contains(Protection::WRITE));
        access.set(
            MprotectFlags::EXEC,
            protection.contains(Protection::EXECUTE),
        );
        // SAFETY: the caller's promise.
        unsafe { mm::mprotect(address as *mut _, size_bytes, access) }
            .map_err(|_| PlatformError::InvalidRange)
    }

    fn console_write(&self, stream: Stream, bytes: &[u8]) {
        // A console does not fail.
        let _ = write_all(stream, bytes);
    }

    fn console_read(&self, _: &mut [u8]) -> usize {
        0
    }

    fn monotonic_ns(&self) -> u64 {
        nanoseconds(ClockId::Monotonic)
    }

    fn realtime_ns(&self) -> u64 {
        nanoseconds(ClockId::Realtime)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(256) {
            // Up to 256 bytes come whole.
            let _ = rand::getrandom(chunk, GetRandomFlags::empty());
        }
    }

    fn exit(&self, status: i32) -> ! {
        exit(status)
    }

    fn abort(&self, message: &str) -> ! {
        let _ = write_all(Stream::Error, message.as_bytes());
        exit(101)
    }
}
