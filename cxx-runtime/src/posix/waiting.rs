//! What waits: sleeps and the interval timers.
//!
//! A timer that has expired is delivered by the next function that waits or that reads a clock.

use core::ffi::{c_int, c_long, c_uint};
use core::ptr;

use super::signals::{self, Origin};
use super::single_thread_cell::SingleThreadCell;
use super::{timers, wait_for_ever};
use crate::arena;
use crate::errno::{self, fail};
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
    pub(super) microseconds: c_long,
}

impl TimeVal {
    pub(super) fn of_ns(ns: u64) -> Self {
        Self {
            seconds: (ns / NANOSECONDS) as i64,
            microseconds: (ns % NANOSECONDS / 1000) as c_long,
        }
    }

    pub(super) fn to_ns(self) -> Option<u64> {
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

/// When something expires, once or again and again.
#[derive(Clone, Copy)]
pub(super) struct Timer {
    /// When it expires, by the monotonic clock.
    pub(super) deadline_ns: Option<u64>,
    pub(super) interval_ns: u64,
}

pub(super) const STOPPED: Timer = Timer {
    deadline_ns: None,
    interval_ns: 0,
};

impl Timer {
    /// Sets the next deadline if the timer has expired; returns how often it has done so since then.
    pub(super) fn expire(&mut self, now: u64) -> Option<u64> {
        let deadline = self.deadline_ns.filter(|deadline| *deadline <= now)?;
        let missed = (now - deadline).checked_div(self.interval_ns).unwrap_or(0);
        self.deadline_ns = (self.interval_ns != 0)
            .then(|| deadline.saturating_add((missed + 1).saturating_mul(self.interval_ns)));
        Some(missed + 1)
    }

    /// What is left of the time; 0 if it does not run.
    pub(super) fn left_ns(&self) -> u64 {
        self.deadline_ns.map_or(0, |deadline| {
            // A running timer never shows 0.
            deadline.saturating_sub(platform().monotonic_ns()).max(1000)
        })
    }
}

/// SIGALRM, SIGVTALRM and SIGPROF: the process has the processor for itself, so all count the same time.
const SIGNALS: [c_int; 3] = [14, 26, 27];

static TIMERS: SingleThreadCell<[Timer; 3]> = SingleThreadCell::new([STOPPED; 3]);

/// As at the start of a program.
pub(super) fn reset() {
    TIMERS.set([STOPPED; 3]);
    timers::reset();
}

/// When the next timer expires.
pub(super) fn next_timer_ns() -> Option<u64> {
    let interval_timers =
        TIMERS.with(|timers| timers.iter().filter_map(|timer| timer.deadline_ns).min());
    interval_timers.into_iter().chain(timers::next_ns()).min()
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
        let expired = TIMERS.with(|timers| timers[index].expire(now));
        if expired.is_some() {
            has_called |= signals::send(signal, Origin::Timer);
        }
    }
    has_called | timers::deliver_expired(now)
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
    TimerValue {
        interval: TimeVal::of_ns(timer.interval_ns),
        left: TimeVal::of_ns(timer.left_ns()),
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
