//! `select` and `poll`: what is ready without waiting.

use core::ffi::{c_int, c_void};
use core::ptr;

use super::signals;
use super::waiting::{TimeSpec, TimeVal, deliver_expired, sleep_interruptibly, wait_for_handler};
use crate::errno::{self, fail};
use crate::files::{PipeEnd, pipe_end};
use crate::runtime::platform;

/// Whether the descriptor can be read and written without waiting; none if it is not open. Input from the console
/// counts as ready: whether bytes have come cannot be asked, and its end is ready too.
fn is_open(descriptor: c_int) -> bool {
    // SAFETY: F_GETFD takes no argument.
    unsafe { fcntl(descriptor, F_GETFD, ptr::null_mut()) >= 0 }
}

const F_GETFD: c_int = 1;

unsafe extern "C" {
    fn fcntl(descriptor: c_int, command: c_int, argument: *mut c_void) -> c_int;
}

const POLL_READ: i16 = 0x001 | 0x040;
const POLL_WRITE: i16 = 0x004 | 0x100;
const POLL_ERROR: i16 = 0x008;
const POLL_HANG_UP: i16 = 0x010;
const POLL_INVALID: i16 = 0x020;

/// `struct pollfd`.
#[repr(C)]
struct PollEntry {
    descriptor: c_int,
    events: i16,
    found: i16,
}

/// What can happen on a descriptor without waiting: of files, reading from all but the console's output and writing to
/// all but its input.
fn ready_events(descriptor: c_int) -> i16 {
    match pipe_end(descriptor) {
        Some(PipeEnd::Reading {
            has_bytes,
            has_writer,
        }) => {
            let read = if has_bytes { POLL_READ } else { 0 };
            return read | if has_writer { 0 } else { POLL_HANG_UP };
        }
        Some(PipeEnd::Writing {
            has_room,
            has_reader,
        }) => {
            let write = if has_room { POLL_WRITE } else { 0 };
            return write | if has_reader { 0 } else { POLL_ERROR };
        }
        None => {}
    }
    match descriptor {
        0 => POLL_READ,
        1 | 2 => POLL_WRITE,
        _ => POLL_READ | POLL_WRITE,
    }
}

/// Waits for a time in which nothing can become ready.
fn wait_without_events(timeout_ns: Option<u64>, what: &str) -> c_int {
    match timeout_ns {
        Some(0) => 0,
        Some(timeout) => {
            let deadline = platform().monotonic_ns().saturating_add(timeout);
            match sleep_interruptibly(deadline) {
                Ok(()) => 0,
                Err(_) => fail(errno::EINTR),
            }
        }
        None => {
            wait_for_handler(what);
            fail(errno::EINTR)
        }
    }
}

unsafe fn poll_entries(entries: *mut PollEntry, count: u64, timeout_ns: Option<u64>) -> c_int {
    deliver_expired();
    crate::stdio::flush();
    let count = count as usize;
    let entries = if count == 0 {
        &mut []
    } else {
        // SAFETY: the caller gives `count` entries.
        unsafe { core::slice::from_raw_parts_mut(entries, count) }
    };
    let mut found = 0;
    for entry in entries {
        entry.found = match entry.descriptor {
            ..0 => 0,
            descriptor if is_open(descriptor) => {
                ready_events(descriptor) & (entry.events | POLL_ERROR | POLL_HANG_UP)
            }
            _ => POLL_INVALID,
        };
        found += c_int::from(entry.found != 0);
    }
    if found != 0 {
        return found;
    }
    wait_without_events(timeout_ns, "in poll, for what cannot become ready")
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn poll(entries: *mut PollEntry, count: u64, timeout_ms: c_int) -> c_int {
    let timeout = u64::try_from(timeout_ms).ok().map(|ms| ms * 1_000_000);
    // SAFETY: the caller gives `count` entries.
    unsafe { poll_entries(entries, count, timeout) }
}

/// Calls `action` with another signal mask.
unsafe fn with_mask(mask: *const u64, action: impl FnOnce() -> c_int) -> c_int {
    if mask.is_null() {
        return action();
    }
    let outer = signals::blocked();
    // SAFETY: the caller passes null or a set.
    let has_called = signals::set_blocked(unsafe { *mask });
    let result = if has_called {
        fail(errno::EINTR)
    } else {
        action()
    };
    signals::set_blocked(outer);
    result
}

/// A duration that may be absent; none if it is no duration.
unsafe fn optional_ns<T: Copy>(
    timeout: *const T,
    to_ns: impl Fn(T) -> Option<u64>,
) -> Option<Option<u64>> {
    if timeout.is_null() {
        return Some(None);
    }
    // SAFETY: the caller passes null or a duration.
    to_ns(unsafe { *timeout }).map(Some)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ppoll(
    entries: *mut PollEntry,
    count: u64,
    timeout: *const TimeSpec,
    mask: *const u64,
) -> c_int {
    // SAFETY: the caller gives `count` entries, null or a duration, null or a set.
    unsafe {
        match optional_ns(timeout, TimeSpec::to_ns) {
            Some(timeout) => with_mask(mask, || poll_entries(entries, count, timeout)),
            None => fail(errno::EINVAL),
        }
    }
}

const SET_WORDS: usize = 16;
type DescriptorSet = [u64; SET_WORDS];

unsafe fn select_in(count: c_int, sets: [*mut DescriptorSet; 3], timeout_ns: Option<u64>) -> c_int {
    deliver_expired();
    crate::stdio::flush();
    if !(0..=(SET_WORDS as c_int * 64)).contains(&count) {
        return fail(errno::EINVAL);
    }
    let mut results = [[0_u64; SET_WORDS]; 3];
    let mut found = 0;
    for descriptor in 0..count {
        let (word, bit) = (descriptor as usize / 64, 1_u64 << (descriptor % 64));
        for (index, set) in sets.into_iter().enumerate() {
            // SAFETY: the caller passes null or a set.
            if set.is_null() || unsafe { (*set)[word] } & bit == 0 {
                continue;
            }
            if !is_open(descriptor) {
                return fail(errno::EBADF);
            }
            // The end of a pipe is read without waiting, and so is its error written.
            let wanted = [POLL_READ | POLL_HANG_UP, POLL_WRITE | POLL_ERROR, 0][index];
            if ready_events(descriptor) & wanted != 0 {
                results[index][word] |= bit;
                found += 1;
            }
        }
    }
    if found == 0 {
        let result = wait_without_events(timeout_ns, "in select, for what cannot become ready");
        if result < 0 {
            return result;
        }
    }
    for (set, result) in sets.into_iter().zip(results) {
        if !set.is_null() {
            // SAFETY: as above.
            unsafe { *set = result };
        }
    }
    found
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn select(
    count: c_int,
    readable: *mut DescriptorSet,
    writable: *mut DescriptorSet,
    exceptional: *mut DescriptorSet,
    timeout: *const TimeVal,
) -> c_int {
    // SAFETY: the caller passes null or a duration, and null or sets.
    unsafe {
        match optional_ns(timeout, TimeVal::to_ns) {
            Some(timeout) => select_in(count, [readable, writable, exceptional], timeout),
            None => fail(errno::EINVAL),
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pselect(
    count: c_int,
    readable: *mut DescriptorSet,
    writable: *mut DescriptorSet,
    exceptional: *mut DescriptorSet,
    timeout: *const TimeSpec,
    mask: *const u64,
) -> c_int {
    // SAFETY: the caller passes null or a duration, and null or sets.
    unsafe {
        match optional_ns(timeout, TimeSpec::to_ns) {
            Some(timeout) => with_mask(mask, || {
                select_in(count, [readable, writable, exceptional], timeout)
            }),
            None => fail(errno::EINVAL),
        }
    }
}
