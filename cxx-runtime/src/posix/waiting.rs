//! What waits: sleeps, the interval timers, `select` and `poll`.
//!
//! A timer that has expired is delivered by the next function that waits or that reads a clock.

use core::ffi::{c_int, c_long, c_uint, c_void};
use core::ptr;

use super::one_thread::OneThread;
use super::signals::{self, Origin};
use super::wait_for_ever;
use crate::arena;
use crate::errno::{self, fail};
use crate::files::{PipeEnd, pipe_end};
use crate::runtime::platform;

const NANOSECONDS: u64 = 1_000_000_000;

/// `struct timespec`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct TimeSpec {
    pub(super) seconds: i64,
    pub(super) nanoseconds: c_long,
}

impl TimeSpec {
    pub(super) fn of_ns(ns: u64) -> Self {
        Self {
            seconds: (ns / NANOSECONDS) as i64,
            nanoseconds: (ns % NANOSECONDS) as c_long,
        }
    }

    /// None if it is no duration.
    pub(super) fn to_ns(self) -> Option<u64> {
        let seconds = u64::try_from(self.seconds).ok()?;
        let nanoseconds = u64::try_from(self.nanoseconds)
            .ok()
            .filter(|nanoseconds| *nanoseconds < NANOSECONDS)?;
        Some(
            seconds
                .saturating_mul(NANOSECONDS)
                .saturating_add(nanoseconds),
        )
    }
}

/// `struct timeval`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct TimeVal {
    pub(super) seconds: i64,
    pub(super) microseconds: i32,
}

impl TimeVal {
    pub(super) fn of_ns(ns: u64) -> Self {
        Self {
            seconds: (ns / NANOSECONDS) as i64,
            microseconds: (ns % NANOSECONDS / 1000) as i32,
        }
    }

    fn to_ns(self) -> Option<u64> {
        let microseconds = u64::try_from(self.microseconds)
            .ok()
            .filter(|microseconds| *microseconds < 1_000_000)?;
        let seconds = u64::try_from(self.seconds).ok()?;
        Some(
            seconds
                .saturating_mul(NANOSECONDS)
                .saturating_add(microseconds * 1000),
        )
    }
}

/// `struct itimerval`.
#[repr(C)]
#[derive(Clone, Copy)]
struct TimerValue {
    interval: TimeVal,
    left: TimeVal,
}

#[derive(Clone, Copy)]
struct Timer {
    /// When it expires, by the monotonic clock.
    deadline_ns: Option<u64>,
    interval_ns: u64,
}

const STOPPED: Timer = Timer {
    deadline_ns: None,
    interval_ns: 0,
};

/// SIGALRM, SIGVTALRM and SIGPROF: the process has the processor for itself, so all count the same time.
const SIGNALS: [c_int; 3] = [14, 26, 27];

static TIMERS: OneThread<[Timer; 3]> = OneThread::new([STOPPED; 3]);

/// As at the start of a program.
pub(super) fn reset() {
    TIMERS.set([STOPPED; 3]);
}

/// When the next timer expires.
pub(super) fn next_timer_ns() -> Option<u64> {
    TIMERS.with(|timers| timers.iter().filter_map(|timer| timer.deadline_ns).min())
}

/// Sends the signals of the timers that have expired. Returns whether a handler was called.
pub(crate) fn deliver_expired() -> bool {
    // A compiler reads clocks too, and must not be interrupted.
    if next_timer_ns().is_none() || arena::is_selected() {
        return false;
    }
    let now = platform().monotonic_ns();
    let mut has_called = false;
    for (index, signal) in SIGNALS.into_iter().enumerate() {
        let has_expired = TIMERS.with(|timers| {
            let timer = &mut timers[index];
            let Some(deadline) = timer.deadline_ns.filter(|deadline| *deadline <= now) else {
                return false;
            };
            timer.deadline_ns = (timer.interval_ns != 0).then(|| {
                let missed = (now - deadline) / timer.interval_ns + 1;
                deadline.saturating_add(missed.saturating_mul(timer.interval_ns))
            });
            true
        });
        if has_expired {
            has_called |= signals::send(signal, Origin::Timer);
        }
    }
    has_called
}

/// Waits until the next timer expires, and says whether a handler was called; none if no timer runs.
pub(super) fn wait_for_timer() -> Option<bool> {
    sleep_until(next_timer_ns()?);
    Some(deliver_expired())
}

/// Waits until the monotonic clock shows this.
pub(super) fn sleep_until(deadline_ns: u64) {
    let left = deadline_ns.saturating_sub(platform().monotonic_ns());
    if left != 0 {
        crate::stdio::flush();
        platform().sleep_ns(left);
    }
}

/// Sleeps until the deadline or until a handler was called; returns what is left of the time then.
pub(super) fn sleep_interruptibly(deadline_ns: u64) -> Result<(), u64> {
    loop {
        match next_timer_ns() {
            Some(timer) if timer < deadline_ns => {
                sleep_until(timer);
                if deliver_expired() {
                    return Err(deadline_ns.saturating_sub(platform().monotonic_ns()));
                }
            }
            _ => {
                sleep_until(deadline_ns);
                return Ok(());
            }
        }
    }
}

/// Sets the timer of `alarm`; returns what was left of it.
pub(super) fn alarm(duration_ns: u64) -> u64 {
    set_timer(0, duration_ns, 0).left.to_ns().unwrap_or(0)
}

fn timer_value(index: usize) -> TimerValue {
    let timer = TIMERS.with(|timers| timers[index]);
    let left = timer.deadline_ns.map_or(0, |deadline| {
        // A running timer never shows 0.
        deadline.saturating_sub(platform().monotonic_ns()).max(1000)
    });
    TimerValue {
        interval: TimeVal::of_ns(timer.interval_ns),
        left: TimeVal::of_ns(left),
    }
}

fn set_timer(index: usize, duration_ns: u64, interval_ns: u64) -> TimerValue {
    deliver_expired();
    let before = timer_value(index);
    let deadline_ns =
        (duration_ns != 0).then(|| platform().monotonic_ns().saturating_add(duration_ns));
    TIMERS.with(|timers| {
        timers[index] = Timer {
            deadline_ns,
            interval_ns,
        };
    });
    before
}

fn timer_index(which: c_int) -> Option<usize> {
    usize::try_from(which)
        .ok()
        .filter(|index| *index < SIGNALS.len())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getitimer(which: c_int, result: *mut TimerValue) -> c_int {
    let Some(index) = timer_index(which) else {
        return fail(errno::EINVAL);
    };
    deliver_expired();
    // SAFETY: the caller gives a place for the value.
    unsafe { *result = timer_value(index) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn setitimer(
    which: c_int,
    value: *const TimerValue,
    old: *mut TimerValue,
) -> c_int {
    // SAFETY: the caller passes a value.
    let value = unsafe { *value };
    let (Some(index), Some(left), Some(interval)) = (
        timer_index(which),
        value.left.to_ns(),
        value.interval.to_ns(),
    ) else {
        return fail(errno::EINVAL);
    };
    let before = set_timer(index, left, interval);
    if !old.is_null() {
        // SAFETY: the caller gives null or a place for the old value.
        unsafe { *old = before };
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ualarm(microseconds: c_uint, interval: c_uint) -> c_uint {
    let before = set_timer(
        0,
        u64::from(microseconds) * 1000,
        u64::from(interval) * 1000,
    );
    (before.left.to_ns().unwrap_or(0) / 1000)
        .try_into()
        .unwrap_or(c_uint::MAX)
}

/// Sleeps, and leaves what is left when a handler was called.
unsafe fn sleep_for(duration_ns: u64, remaining: *mut TimeSpec) -> c_int {
    let deadline = platform().monotonic_ns().saturating_add(duration_ns);
    match sleep_interruptibly(deadline) {
        Ok(()) => 0,
        Err(left) => {
            if !remaining.is_null() {
                // SAFETY: the caller gives null or a place for the time.
                unsafe { *remaining = TimeSpec::of_ns(left) };
            }
            errno::EINTR
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn nanosleep(duration: *const TimeSpec, remaining: *mut TimeSpec) -> c_int {
    // SAFETY: the caller passes a duration.
    let Some(ns) = unsafe { *duration }.to_ns() else {
        return fail(errno::EINVAL);
    };
    // SAFETY: the caller gives null or a place for the time.
    match unsafe { sleep_for(ns, remaining) } {
        0 => 0,
        number => fail(number),
    }
}

pub(super) const CLOCK_REALTIME: c_int = 0;
const CLOCK_LAST: c_int = 9;

pub(super) fn is_clock(clock: c_int) -> bool {
    (0..=CLOCK_LAST).contains(&clock)
}

/// Of every clock, a nanosecond.
unsafe fn store_resolution(result: *mut TimeSpec) {
    if !result.is_null() {
        // SAFETY: the caller gives null or a place for the resolution.
        unsafe { *result = TimeSpec::of_ns(1) };
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn clock_getres(clock: c_int, result: *mut TimeSpec) -> c_int {
    if !is_clock(clock) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller's promise.
    unsafe { store_resolution(result) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn timespec_getres(result: *mut TimeSpec, base: c_int) -> c_int {
    const TIME_UTC: c_int = 1;
    if base != TIME_UTC {
        return 0;
    }
    // SAFETY: the caller's promise.
    unsafe { store_resolution(result) };
    base
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn clock_getcpuclockid(process: c_int, clock: *mut c_int) -> c_int {
    const CLOCK_PROCESS_CPUTIME_ID: c_int = 2;
    if !matches!(process, 0 | 1) {
        return errno::ESRCH;
    }
    // SAFETY: the caller gives a place for the clock.
    unsafe { *clock = CLOCK_PROCESS_CPUTIME_ID };
    0
}

/// The time of the monotonic clock when this clock shows that.
pub(super) fn monotonic_deadline(clock: c_int, deadline_ns: u64) -> u64 {
    if clock != CLOCK_REALTIME {
        return deadline_ns;
    }
    let left = deadline_ns.saturating_sub(platform().realtime_ns());
    platform().monotonic_ns().saturating_add(left)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn clock_nanosleep(
    clock: c_int,
    flags: c_int,
    duration: *const TimeSpec,
    remaining: *mut TimeSpec,
) -> c_int {
    const TIMER_ABSTIME: c_int = 1;
    if !is_clock(clock) {
        return errno::EINVAL;
    }
    // SAFETY: the caller passes a time.
    let Some(ns) = unsafe { *duration }.to_ns() else {
        return errno::EINVAL;
    };
    if flags & TIMER_ABSTIME != 0 {
        return match sleep_interruptibly(monotonic_deadline(clock, ns)) {
            Ok(()) => 0,
            Err(_) => errno::EINTR,
        };
    }
    // SAFETY: the caller gives null or a place for the time.
    unsafe { sleep_for(ns, remaining) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn usleep(microseconds: c_uint) -> c_int {
    // SAFETY: null is no place.
    match unsafe { sleep_for(u64::from(microseconds) * 1000, ptr::null_mut()) } {
        0 => 0,
        number => fail(number),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sleep(seconds: c_uint) -> c_uint {
    let deadline = platform()
        .monotonic_ns()
        .saturating_add(u64::from(seconds) * NANOSECONDS);
    match sleep_interruptibly(deadline) {
        Ok(()) => 0,
        Err(left) => left.div_ceil(NANOSECONDS).try_into().unwrap_or(c_uint::MAX),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn thrd_sleep(duration: *const TimeSpec, remaining: *mut TimeSpec) -> c_int {
    // SAFETY: the caller passes a duration, and null or a place for what is left.
    match unsafe { (*duration).to_ns().map(|ns| sleep_for(ns, remaining)) } {
        Some(0) => 0,
        Some(_) => -1,
        None => -2,
    }
}

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
const POLL_INVALID: i16 = 0x020;
const POLL_ERROR: i16 = 0x008;
const POLL_HANG_UP: i16 = 0x010;

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

/// Waits until a timer has called a handler; without one, that is for ever.
pub(crate) fn wait_for_handler(what: &str) {
    loop {
        match wait_for_timer() {
            Some(true) => return,
            Some(false) => {}
            None => wait_for_ever(what),
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
unsafe fn optional_ns(timeout: *const TimeSpec) -> Option<Option<u64>> {
    if timeout.is_null() {
        return Some(None);
    }
    // SAFETY: the caller passes null or a duration.
    unsafe { *timeout }.to_ns().map(Some)
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
        match optional_ns(timeout) {
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
        let timeout = if timeout.is_null() {
            None
        } else {
            match (*timeout).to_ns() {
                Some(ns) => Some(ns),
                None => return fail(errno::EINVAL),
            }
        };
        select_in(count, [readable, writable, exceptional], timeout)
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
        match optional_ns(timeout) {
            Some(timeout) => with_mask(mask, || {
                select_in(count, [readable, writable, exceptional], timeout)
            }),
            None => fail(errno::EINVAL),
        }
    }
}
