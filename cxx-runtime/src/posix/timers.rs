//! The timers of `timer_create`. Like all timers they are looked at by what waits or reads a clock.

use alloc::vec::Vec;
use core::ffi::{c_int, c_void};

use super::signals::{self, Origin};
use super::single_thread_cell::SingleThreadCell;
use super::waiting::{self, STOPPED, TimeSpec, Timer, is_clock, monotonic_deadline};
use crate::errno::{self, fail};
use crate::runtime::platform;

/// `struct sigevent`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Event {
    value: u64,
    signal: c_int,
    notification: c_int,
    function: Option<unsafe extern "C" fn(u64)>,
    attributes: *mut c_void,
}

/// `struct itimerspec`.
#[repr(C)]
struct TimerSpec {
    interval: TimeSpec,
    left: TimeSpec,
}

#[derive(Clone, Copy)]
struct ClockTimer {
    clock: c_int,
    event: Event,
    timer: Timer,
    overrun: c_int,
}

const SIGALRM: c_int = 14;
const SIGEV_SIGNAL: c_int = 0;
const SIGEV_THREAD: c_int = 2;
const TIMER_ABSTIME: c_int = 1;

static TIMERS: SingleThreadCell<Vec<Option<ClockTimer>>> = SingleThreadCell::new(Vec::new());

/// As at the start of a program.
pub(super) fn reset() {
    TIMERS.with(Vec::clear);
}

/// When the next timer expires.
pub(super) fn next_ns() -> Option<u64> {
    TIMERS.with(|timers| {
        let running = timers.iter().flatten();
        running.filter_map(|one| one.timer.deadline_ns).min()
    })
}

/// Tells of the timers that have expired. Returns whether a handler was called.
pub(super) fn deliver_expired(now: u64) -> bool {
    let count = TIMERS.with(|timers| timers.len());
    let mut has_called = false;
    for index in 0..count {
        let expired = TIMERS.with(|timers| {
            let one = timers.get_mut(index)?.as_mut()?;
            let times = one.timer.expire(now)?;
            one.overrun = c_int::try_from(times - 1).unwrap_or(c_int::MAX);
            Some(one.event)
        });
        match expired {
            Some(event) if event.notification == SIGEV_SIGNAL => {
                has_called |= signals::send(event.signal, Origin::ClockTimer(event.value));
            }
            // There is one thread, which does what a second one would.
            Some(Event {
                notification: SIGEV_THREAD,
                function: Some(function),
                value,
                ..
            }) => {
                // SAFETY: the program has given the function to be called so.
                unsafe { function(value) };
                has_called = true;
            }
            _ => {}
        }
    }
    has_called
}

/// Timers are their places in the table and one: null is none.
fn with_timer<R>(
    timer: *mut c_void,
    action: impl FnOnce(&mut Option<ClockTimer>) -> R,
) -> Option<R> {
    TIMERS.with(|timers| {
        let place = timers.get_mut((timer as usize).checked_sub(1)?)?;
        place.is_some().then(|| action(place))
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn timer_create(
    clock: c_int,
    event: *const Event,
    result: *mut *mut c_void,
) -> c_int {
    if !is_clock(clock) {
        return fail(errno::EINVAL);
    }
    TIMERS.with(|timers| {
        let index = timers
            .iter()
            .position(Option::is_none)
            .unwrap_or(timers.len());
        let number = index + 1;
        let event = if event.is_null() {
            Event {
                value: number as u64,
                signal: SIGALRM,
                notification: SIGEV_SIGNAL,
                function: None,
                attributes: core::ptr::null_mut(),
            }
        } else {
            // SAFETY: the caller passes null or an event.
            unsafe { *event }
        };
        if event.notification == SIGEV_SIGNAL && !signals::is_signal(event.signal) {
            return fail(errno::EINVAL);
        }
        let timer = Some(ClockTimer {
            clock,
            event,
            timer: STOPPED,
            overrun: 0,
        });
        match timers.get_mut(index) {
            Some(place) => *place = timer,
            None => timers.push(timer),
        }
        // SAFETY: the caller gives a place for the timer.
        unsafe { *result = core::ptr::without_provenance_mut(number) };
        0
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn timer_delete(timer: *mut c_void) -> c_int {
    match with_timer(timer, |place| *place = None) {
        Some(()) => 0,
        None => fail(errno::EINVAL),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn timer_getoverrun(timer: *mut c_void) -> c_int {
    let overrun = with_timer(timer, |place| place.map_or(0, |one| one.overrun));
    overrun.unwrap_or_else(|| fail(errno::EINVAL))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn timer_gettime(timer: *mut c_void, value: *mut TimerSpec) -> c_int {
    waiting::deliver_expired();
    let Some(timer) = with_timer(timer, |place| place.map_or(STOPPED, |one| one.timer)) else {
        return fail(errno::EINVAL);
    };
    // SAFETY: the caller gives a place for the value.
    unsafe {
        *value = TimerSpec {
            interval: TimeSpec::of_ns(timer.interval_ns),
            left: TimeSpec::of_ns(timer.left_ns()),
        };
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn timer_settime(
    timer: *mut c_void,
    flags: c_int,
    value: *const TimerSpec,
    old: *mut TimerSpec,
) -> c_int {
    // SAFETY: the caller passes a value.
    let (interval, left) = unsafe { ((*value).interval.to_ns(), (*value).left.to_ns()) };
    let (Some(interval_ns), Some(left)) = (interval, left) else {
        return fail(errno::EINVAL);
    };
    // SAFETY: the caller gives null or a place for the old value.
    if !old.is_null() && unsafe { timer_gettime(timer, old) } != 0 {
        return -1;
    }
    let set = with_timer(timer, |place| {
        if let Some(one) = place {
            let deadline_ns = (left != 0).then(|| {
                if flags & TIMER_ABSTIME == 0 {
                    platform().monotonic_ns().saturating_add(left)
                } else {
                    monotonic_deadline(one.clock, left)
                }
            });
            one.timer = Timer {
                deadline_ns,
                interval_ns,
            };
            one.overrun = 0;
        }
    });
    match set {
        Some(()) => 0,
        None => fail(errno::EINVAL),
    }
}
