//! The system calls of Linux that the kernel makes, each as a function of safe types where that is possible. Structures:
//! `include/uapi` of Linux; numbers are the architecture's.

use core::ffi::CStr;
use core::fmt;
use core::sync::atomic::AtomicU32;

use bareflow_protocol::exit_code;

use crate::arch::{call, number};

/// An error number of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

impl Errno {
    pub(crate) const EINTR: Self = Self(4);
    pub(crate) const EWOULDBLOCK: Self = Self(11);
    pub(crate) const ENOMEM: Self = Self(12);
    pub(crate) const EACCES: Self = Self(13);
    pub(crate) const EFBIG: Self = Self(27);
    pub(crate) const ENOSPC: Self = Self(28);
    pub(crate) const EROFS: Self = Self(30);
    pub(crate) const EPIPE: Self = Self(32);
    pub(crate) const EDQUOT: Self = Self(122);
}

/// Ends the process, and the copy of it that there may be.
pub(crate) fn exit(status: impl Into<i32>) -> ! {
    #[cfg(feature = "engine")]
    crate::companion::end_with_process();
    let status = status.into() as usize;
    loop {
        // SAFETY: the call takes a number and does not return.
        let _ = unsafe { call(number::EXIT_GROUP, [status, 0, 0, 0, 0, 0]) };
    }
}

/// What one waits for with [`wait_for`]: Linux's `POLLIN` and `POLLOUT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Input = 1,
    Output = 4,
}

/// Waits until a descriptor that another process has made non-blocking is ready.
fn wait_for(descriptor: usize, readiness: Readiness) {
    /// `struct pollfd`: the descriptor, the events that are asked for, those that happened.
    #[repr(C)]
    struct Poll(i32, u16, u16);
    let mut poll = Poll(descriptor as i32, readiness as u16, 0);
    let address = core::ptr::from_mut(&mut poll) as usize;
    // SAFETY: the structure has its place. When the call fails, the descriptor is simply tried again.
    let _ = unsafe { call(number::POLL, [address, 1, usize::MAX, 0, 0, 0]) };
}

/// Whether the descriptor is a terminal.
pub(crate) fn is_terminal(descriptor: usize) -> bool {
    const TCGETS: usize = 0x5401;
    // Larger than `struct termios`.
    let mut settings = [0_u64; 16];
    let address = settings.as_mut_ptr() as usize;
    // SAFETY: the structure has its place.
    unsafe { call(number::IOCTL, [descriptor, TCGETS, address, 0, 0, 0]) }.is_ok()
}

/// Writes all of `bytes`.
pub(crate) fn write_all(descriptor: usize, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the slice gives address and size.
        let written = unsafe {
            call(
                number::WRITE,
                [descriptor, bytes.as_ptr() as usize, bytes.len(), 0, 0, 0],
            )
        };
        match written {
            Ok(count) => bytes = &bytes[count.min(bytes.len())..],
            Err(Errno::EINTR) => {}
            Err(Errno::EWOULDBLOCK) => wait_for(descriptor, Readiness::Output),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads what is there, at most the size of `buffer`; 0 at the end.
pub(crate) fn read(descriptor: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
    let (address, size_bytes) = (buffer.as_mut_ptr() as usize, buffer.len());
    loop {
        // SAFETY: the slice gives address and size.
        let result =
            retried(|| unsafe { call(number::READ, [descriptor, address, size_bytes, 0, 0, 0]) });
        match result {
            Err(Errno::EWOULDBLOCK) => wait_for(descriptor, Readiness::Input),
            result => return result,
        }
    }
}

/// What an open file is for: Linux's `O_RDONLY` and `O_RDWR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    ReadOnly = 0,
    ReadWrite = 2,
}

/// Opens a file.
pub(crate) fn open(path: &CStr, access: Access) -> Result<usize, Errno> {
    const O_CLOEXEC: usize = 0o2_000_000;
    let flags = O_CLOEXEC | access as usize;
    // SAFETY: the path is a C string.
    unsafe { call(number::OPEN, [path.as_ptr() as usize, flags, 0, 0, 0, 0]) }
}

/// Locks an open file for this process, or fails at once.
pub(crate) fn lock(descriptor: usize) -> Result<(), Errno> {
    const LOCK_EX: usize = 2;
    const LOCK_NB: usize = 4;
    // SAFETY: the call takes numbers.
    unsafe { call(number::FLOCK, [descriptor, LOCK_EX | LOCK_NB, 0, 0, 0, 0]) }.map(drop)
}

/// Reads from a place in a file; returns how much.
pub(crate) fn read_at(descriptor: usize, buffer: &mut [u8], offset: usize) -> Result<usize, Errno> {
    let (address, size_bytes) = (buffer.as_mut_ptr() as usize, buffer.len());
    // SAFETY: the slice gives address and size.
    retried(|| unsafe {
        call(
            number::PREAD64,
            [descriptor, address, size_bytes, offset, 0, 0],
        )
    })
}

/// Writes to a place in a file; returns how much.
pub(crate) fn write_at(descriptor: usize, bytes: &[u8], offset: usize) -> Result<usize, Errno> {
    let (address, size_bytes) = (bytes.as_ptr() as usize, bytes.len());
    // SAFETY: the slice gives address and size.
    retried(|| unsafe {
        call(
            number::PWRITE64,
            [descriptor, address, size_bytes, offset, 0, 0],
        )
    })
}

/// Returns when what was written is on the disk.
pub(crate) fn synchronise(descriptor: usize) -> Result<(), Errno> {
    // SAFETY: the call takes a number.
    retried(|| unsafe { call(number::FDATASYNC, [descriptor, 0, 0, 0, 0, 0]) }).map(drop)
}

/// Calls again when a signal has interrupted the call.
fn retried(mut action: impl FnMut() -> Result<usize, Errno>) -> Result<usize, Errno> {
    loop {
        let result = action();
        if result != Err(Errno::EINTR) {
            return result;
        }
    }
}

/// Closes a file.
pub(crate) fn close(descriptor: usize) {
    // SAFETY: the call takes a number. An error says that the descriptor was not open.
    let _ = unsafe { call(number::CLOSE, [descriptor, 0, 0, 0, 0, 0]) };
}

/// Size of an open file, in bytes.
pub(crate) fn file_size_bytes(descriptor: usize) -> Result<usize, Errno> {
    /// `struct stat` has 144 bytes; `st_size` is the seventh word.
    const SIZE_WORD: usize = 6;
    let mut status = [0_usize; 18];
    // SAFETY: the structure has its place.
    unsafe {
        call(
            number::FSTAT,
            [descriptor, status.as_mut_ptr() as usize, 0, 0, 0, 0],
        )?
    };
    Ok(status[SIZE_WORD])
}

pub(crate) const PROT_READ: usize = 1;
pub(crate) const PROT_WRITE: usize = 2;
pub(crate) const PROT_EXEC: usize = 4;

pub(crate) const MAP_SHARED: usize = 0x1;
pub(crate) const MAP_PRIVATE: usize = 0x2;
pub(crate) const MAP_ANONYMOUS: usize = 0x20;
/// Within the lowest 2 GiB.
pub(crate) const MAP_32BIT: usize = 0x40;
pub(crate) const MAP_NORESERVE: usize = 0x4000;
/// At exactly the address, which must be free.
pub(crate) const MAP_FIXED_NOREPLACE: usize = 0x10_0000;

/// Maps pages; `file` is for mappings that are not anonymous.
///
/// # Errors
/// Linux's.
pub(crate) fn map(
    address: usize,
    size_bytes: usize,
    protection: usize,
    flags: usize,
    file: Option<usize>,
) -> Result<usize, Errno> {
    let descriptor = file.unwrap_or(usize::MAX);
    // SAFETY: a mapping that is fixed does not replace another, so nothing that is in use changes.
    unsafe {
        call(
            number::MMAP,
            [address, size_bytes, protection, flags, descriptor, 0],
        )
    }
}

/// # Safety
/// Nothing may use the pages afterwards.
pub(crate) unsafe fn unmap(address: usize, size_bytes: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { call(number::MUNMAP, [address, size_bytes, 0, 0, 0, 0]) }.map(drop)
}

/// # Safety
/// Nothing may rely on an access that the new protection forbids.
pub(crate) unsafe fn protect(
    address: usize,
    size_bytes: usize,
    protection: usize,
) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { call(number::MPROTECT, [address, size_bytes, protection, 0, 0, 0]) }.map(drop)
}

/// Puts pages in the place of others, which are gone.
///
/// # Safety
/// Nothing may refer to the pages where they were, and what lay in their new place must be allowed to change.
pub(crate) unsafe fn put_pages_at(
    from: usize,
    size_bytes: usize,
    address: usize,
) -> Result<(), Errno> {
    const MREMAP_MAYMOVE: usize = 1;
    const MREMAP_FIXED: usize = 2;
    let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    // SAFETY: the caller's promise.
    unsafe {
        call(
            number::MREMAP,
            [from, size_bytes, size_bytes, flags, address, 0],
        )
    }
    .map(drop)
}

/// A process of Linux.
pub(crate) type ProcessId = i32;

/// This process.
pub(crate) fn process_id() -> ProcessId {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { call(number::GETPID, [0; 6]) }.unwrap_or(0) as ProcessId
}

/// The process that has made this one.
pub(crate) fn parent_id() -> ProcessId {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { call(number::GETPPID, [0; 6]) }.unwrap_or(0) as ProcessId
}

/// Makes a copy of the process, in which 0 is returned; here it is the copy's number.
///
/// # Safety
/// The copy must not do what only one of both may do.
pub(crate) unsafe fn fork() -> Result<ProcessId, Errno> {
    // SAFETY: the caller's promise.
    unsafe { call(number::FORK, [0; 6]) }.map(|id| id as ProcessId)
}

/// Has Linux kill this process when the thread that made it ends.
pub(crate) fn die_with_parent() -> Result<(), Errno> {
    const PR_SET_PDEATHSIG: usize = 1;
    // SAFETY: the call takes numbers.
    unsafe { call(number::PRCTL, [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0]) }.map(drop)
}

const SIGKILL: usize = 9;

/// Kills a process that this one has made.
pub(crate) fn kill(process: ProcessId) {
    // SAFETY: the call takes numbers. An error says that it has ended.
    let _ = unsafe { call(number::KILL, [process as usize, SIGKILL, 0, 0, 0, 0]) };
}

/// Whether one waits until a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    None = 1,
    Endless = 0,
}

/// Whether a process that this one has made has ended; it is gone then.
pub(crate) fn has_ended(process: ProcessId, patience: Patience) -> bool {
    // SAFETY: the call takes numbers; the status is not asked for.
    let ended = retried(|| unsafe {
        call(
            number::WAIT4,
            [process as usize, 0, patience as usize, 0, 0, 0],
        )
    });
    // An error says that there is no such process.
    ended != Ok(0)
}

/// Waits until the word is no longer what it was seen as, in whichever process it is changed; may return early.
pub(crate) fn wait_for_word(word: &AtomicU32, seen: u32) {
    const FUTEX_WAIT: usize = 0;
    let address = word.as_ptr() as usize;
    // SAFETY: the word has its place. Whoever is woken looks again.
    let _ = unsafe { call(number::FUTEX, [address, FUTEX_WAIT, seen as usize, 0, 0, 0]) };
}

/// Wakes who waits for the word.
pub(crate) fn wake_for_word(word: &AtomicU32) {
    const FUTEX_WAKE: usize = 1;
    let address = word.as_ptr() as usize;
    // SAFETY: the word has its place.
    let _ = unsafe { call(number::FUTEX, [address, FUTEX_WAKE, 1, 0, 0, 0]) };
}

/// How many processors this process may use.
pub(crate) fn processor_count() -> usize {
    // Linux has at most 8192 processors.
    let mut mask = [0_u64; 128];
    let address = mask.as_mut_ptr() as usize;
    // SAFETY: the mask has its place.
    let filled = unsafe {
        call(
            number::SCHED_GETAFFINITY,
            [0, size_of_val(&mask), address, 0, 0, 0],
        )
    };
    match filled {
        Ok(_) => mask.iter().map(|word| word.count_ones() as usize).sum(),
        Err(_) => 1,
    }
}

/// Closes all files from `first` on.
pub(crate) fn close_from(first: usize) {
    /// Where Linux lacks the call, before 5.9: as many as the process can have opened itself, and some more.
    const FEW: usize = 64;
    // SAFETY: the call takes numbers.
    if unsafe { call(number::CLOSE_RANGE, [first, u32::MAX as usize, 0, 0, 0, 0]) }.is_err() {
        (first..FEW).for_each(close);
    }
}

/// `struct sigaction` as the kernel takes it.
#[repr(C)]
pub(crate) struct SignalAction {
    pub(crate) handler: usize,
    pub(crate) flags: usize,
    pub(crate) restorer: usize,
    pub(crate) mask: u64,
}

/// # Safety
/// The handler and the restorer must be functions fit for it.
pub(crate) unsafe fn set_signal_action(signal: usize, action: &SignalAction) -> Result<(), Errno> {
    let action = core::ptr::from_ref(action) as usize;
    // SAFETY: the caller's promise; the mask has 8 bytes.
    unsafe {
        call(
            number::RT_SIGACTION,
            [signal, action, 0, size_of::<u64>(), 0, 0],
        )
    }
    .map(drop)
}

/// Sends SIGPROF each time that the process has run for so long.
pub(crate) fn set_profiling_timer(interval_us: usize) -> Result<(), Errno> {
    const ITIMER_PROF: usize = 2;
    /// `struct itimerval`: the interval and the first expiry, each in seconds and microseconds.
    #[repr(C)]
    struct Interval([usize; 4]);
    let interval = Interval([0, interval_us, 0, interval_us]);
    let interval = core::ptr::from_ref(&interval) as usize;
    // SAFETY: Linux reads the structure and keeps nothing of it.
    unsafe { call(number::SETITIMER, [ITIMER_PROF, interval, 0, 0, 0, 0]) }.map(drop)
}

/// # Safety
/// Nothing else may use the memory, ever.
pub(crate) unsafe fn set_signal_stack(address: usize, size_bytes: usize) -> Result<(), Errno> {
    /// `stack_t`; flags 0.
    #[repr(C)]
    struct SignalStack(usize, usize, usize);
    let stack = SignalStack(address, 0, size_bytes);
    let stack = core::ptr::from_ref(&stack) as usize;
    // SAFETY: the caller's promise.
    unsafe { call(number::SIGALTSTACK, [stack, 0, 0, 0, 0, 0]) }.map(drop)
}

/// A clock of Linux.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    Realtime = 0,
    Monotonic = 1,
    /// The time that this process has had a processor.
    Process = 2,
}

/// What the clock shows, in nanoseconds.
pub(crate) fn clock_ns(clock: Clock) -> u64 {
    let mut time = [0_u64; 2];
    // SAFETY: `struct timespec` is two words. Both clocks exist on every Linux.
    let _ = unsafe {
        call(
            number::CLOCK_GETTIME,
            [clock as usize, time.as_mut_ptr() as usize, 0, 0, 0, 0],
        )
    };
    time[0] * 1_000_000_000 + time[1]
}

/// Waits; a signal may end it early.
pub(crate) fn sleep_ns(duration_ns: u64) {
    let time = [duration_ns / 1_000_000_000, duration_ns % 1_000_000_000];
    // SAFETY: `struct timespec` is two words; the rest is not asked for.
    let _ = unsafe { call(number::NANOSLEEP, [time.as_ptr() as usize, 0, 0, 0, 0, 0]) };
}

/// Fills `buffer` with random bytes.
pub(crate) fn fill_random(buffer: &mut [u8]) {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        // SAFETY: the slice gives address and size.
        let filled = unsafe {
            call(
                number::GETRANDOM,
                [rest.as_mut_ptr() as usize, rest.len(), 0, 0, 0, 0],
            )
        };
        match filled {
            Ok(count) => done += count,
            Err(Errno::EINTR) => {}
            Err(_) => exit(exit_code::INTERNAL),
        }
    }
}

/// Standard error, without a buffer and without the heap.
#[derive(Debug)]
pub(crate) struct ErrorStream;

impl fmt::Write for ErrorStream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_all(2, text.as_bytes()).map_err(|_| fmt::Error)
    }
}
