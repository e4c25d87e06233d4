//! Signals that a program sends itself, by `raise`, `kill`, `abort`, a fault, or a timer.
//!
//! A handler is called at once, by the function that sends the signal or that finds that a timer has expired;
//! a blocked signal stays pending until it is unblocked. Signals are not queued. The rules of faults are in
//! [`super::faults`].

use alloc::format;
use core::ffi::{c_int, c_uint, c_void};

use super::single_thread_cell::SingleThreadCell;
use super::system::write_error;
use super::{faults, wait_for_ever, waiting};
use crate::errno::{self, fail};
use crate::runtime::platform;
use crate::termination::{Termination, terminate};

const SIGABRT: c_int = 6;
const SIGKILL: c_int = 9;
const SIGCHLD: c_int = 17;
const SIGCONT: c_int = 18;
const SIGSTOP: c_int = 19;
const SIGTSTP: c_int = 20;
const SIGTTIN: c_int = 21;
const SIGTTOU: c_int = 22;
const SIGURG: c_int = 23;
const SIGWINCH: c_int = 28;
const LAST: c_int = 64;

const DEFAULT: usize = 0;
const IGNORE: usize = 1;
const SIG_ERR: usize = usize::MAX;

const SA_SIGINFO: c_int = 4;
const SA_RESTART: c_int = 0x1000_0000;
const SA_NODEFER: c_int = 0x4000_0000;
const SA_RESETHAND: c_int = 0x8000_0000_u32.cast_signed();

/// What a shell adds to the number of the signal that ended a process.
const ENDED_BY_SIGNAL: c_int = 128;

/// `struct sigaction`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Action {
    handler: usize,
    mask: u64,
    pub(super) flags: c_int,
}

impl Action {
    /// Whether a function of the program's is called.
    pub(super) fn has_handler(&self) -> bool {
        self.handler > IGNORE
    }
}

const NO_ACTION: Action = Action {
    handler: DEFAULT,
    mask: 0,
    flags: 0,
};

/// `siginfo_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Information {
    pub(super) signal: c_int,
    error: c_int,
    code: c_int,
    _padding: c_int,
    /// An address, or the sender's process and user.
    value: u64,
    rest: [u64; 13],
}

/// Why a signal is sent: `si_code`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    User,
    Queue(u64),
    Thread,
    Timer,
    /// A timer of `timer_create`, with its value.
    ClockTimer(u64),
    /// A fault: its code, and the address of what was accessed or of the instruction.
    Fault(c_int, u64),
}

impl Information {
    fn new(signal: c_int, origin: Origin) -> Self {
        let process = u64::from(crate::process::getpid().cast_unsigned());
        let (code, value, queued) = match origin {
            Origin::User => (0, process, 0),
            Origin::Queue(value) => (-1, process, value),
            Origin::Thread => (-6, process, 0),
            Origin::Timer => (0x80, 0, 0),
            Origin::ClockTimer(value) => (-2, 0, value),
            Origin::Fault(code, address) => (code, address, 0),
        };
        let mut rest = [0; 13];
        rest[0] = queued;
        Self {
            signal,
            error: 0,
            code,
            _padding: 0,
            value,
            rest,
        }
    }
}

static ACTIONS: SingleThreadCell<[Action; LAST as usize + 1]> =
    SingleThreadCell::new([NO_ACTION; LAST as usize + 1]);

/// Also read by `sigsetjmp`.
#[cfg_attr(not(test), unsafe(export_name = "bareflow_blocked_signals"))]
static BLOCKED: SingleThreadCell<u64> = SingleThreadCell::new(0);
static PENDING: SingleThreadCell<u64> = SingleThreadCell::new(0);
/// Where a pending signal comes from.
static ORIGINS: SingleThreadCell<[Origin; LAST as usize + 1]> =
    SingleThreadCell::new([Origin::User; LAST as usize + 1]);

/// As at the start of a program.
pub(super) fn reset() {
    ACTIONS.set([NO_ACTION; LAST as usize + 1]);
    BLOCKED.set(0);
    PENDING.set(0);
    waiting::reset();
    faults::reset();
}

pub(super) fn bit(signal: c_int) -> u64 {
    1 << (signal - 1)
}

const UNBLOCKABLE: u64 = 1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1);

pub(super) fn is_signal(signal: c_int) -> bool {
    (1..=LAST).contains(&signal)
}

pub(super) fn action(signal: c_int) -> Action {
    ACTIONS.with(|actions| actions[signal as usize])
}

/// What `signal` would return.
pub(super) fn handler(signal: c_int) -> usize {
    action(signal).handler
}

/// Whether the signal does something when it arrives.
pub(super) fn is_ignored(signal: c_int) -> bool {
    match action(signal).handler {
        IGNORE => true,
        DEFAULT => matches!(
            signal,
            SIGCHLD | SIGCONT | SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU | SIGURG | SIGWINCH
        ),
        _ => false,
    }
}

/// Sends a signal: calls its handler, or does its default action, or leaves it pending. Returns whether a
/// handler was called.
pub(super) fn send(signal: c_int, origin: Origin) -> bool {
    if is_ignored(signal) {
        return false;
    }
    if BLOCKED.read() & bit(signal) != 0 {
        PENDING.with(|pending| *pending |= bit(signal));
        ORIGINS.with(|origins| origins[signal as usize] = origin);
        return false;
    }
    deliver(signal, origin);
    true
}

pub(super) fn deliver(signal: c_int, origin: Origin) {
    let action = action(signal);
    if action.handler == DEFAULT {
        end_by(signal);
    }
    if action.flags & SA_RESETHAND != 0 {
        ACTIONS.with(|actions| actions[signal as usize].handler = DEFAULT);
    }
    let outer = BLOCKED.read();
    let own = if action.flags & SA_NODEFER == 0 {
        bit(signal)
    } else {
        0
    };
    BLOCKED.set((outer | action.mask | own) & !UNBLOCKABLE);
    call(&action, signal, origin);
    set_blocked(outer);
}

fn call(action: &Action, signal: c_int, origin: Origin) {
    let mut information = Information::new(signal, origin);
    // SAFETY: the program gave a handler of the type that the flag says; a handler that ignores the other arguments
    // does not see them.
    unsafe {
        if action.flags & SA_SIGINFO != 0 {
            let handler: extern "C" fn(c_int, *mut Information, *mut c_void) =
                core::mem::transmute(action.handler);
            handler(signal, &raw mut information, faults::context());
        } else {
            let handler: extern "C" fn(c_int) = core::mem::transmute(action.handler);
            handler(signal);
        }
    }
}

/// The default action of a signal that ends the program.
fn end_by(signal: c_int) -> ! {
    if signal == SIGABRT {
        terminate(Termination::Abort("the program raised SIGABRT".into()));
    }
    let name = errno::signal_text(signal).to_string_lossy();
    let message = format!("the program was ended by signal {signal}: {name}\n");
    write_error(&[message.as_bytes()]);
    terminate(Termination::ImmediateExit(ENDED_BY_SIGNAL + signal))
}

/// Sets the mask and delivers what is no longer blocked. Returns whether a handler was called.
pub(super) fn set_blocked(mask: u64) -> bool {
    BLOCKED.set(mask & !UNBLOCKABLE);
    let mut has_called = false;
    while let Some(signal) = take_pending(!BLOCKED.read()) {
        has_called |= send(signal, ORIGINS.with(|origins| origins[signal as usize]));
    }
    has_called
}

/// The lowest pending signal of a set, which is no longer pending then.
fn take_pending(set: u64) -> Option<c_int> {
    let found = PENDING.read() & set;
    if found == 0 {
        return None;
    }
    let signal = found.trailing_zeros().cast_signed() + 1;
    PENDING.with(|pending| *pending &= !bit(signal));
    Some(signal)
}

pub(super) fn blocked() -> u64 {
    BLOCKED.read()
}

/// What `abort` does before it ends the program: SIGABRT is unblocked and its handler is called.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn bareflow_before_abort() {
    BLOCKED.with(|blocked| *blocked &= !bit(SIGABRT));
    if action(SIGABRT).has_handler() {
        deliver(SIGABRT, Origin::Thread);
        // A second `abort`, in the handler or after it, does not call it again.
        ACTIONS.with(|actions| actions[SIGABRT as usize] = NO_ACTION);
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn raise(signal: c_int) -> c_int {
    if signal == 0 {
        return 0;
    }
    if !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    send(signal, Origin::Thread);
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn kill(process: c_int, signal: c_int) -> c_int {
    let own = crate::process::getpid();
    // 0, -1 and the own group's number are the process itself: there is no other.
    if ![own, 0, -1, -own].contains(&process) {
        return fail(errno::ESRCH);
    }
    if signal == 0 {
        return 0;
    }
    if !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    send(signal, Origin::User);
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn killpg(group: c_int, signal: c_int) -> c_int {
    if group < 0 {
        return fail(errno::EINVAL);
    }
    kill(-group, signal)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigqueue(process: c_int, signal: c_int, value: u64) -> c_int {
    if process != crate::process::getpid() {
        return fail(errno::ESRCH);
    }
    if signal != 0 && !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    if signal != 0 {
        send(signal, Origin::Queue(value));
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigaction(signal: c_int, new: *const Action, old: *mut Action) -> c_int {
    let is_fixed = matches!(signal, SIGKILL | SIGSTOP);
    if !is_signal(signal) || (is_fixed && !new.is_null()) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller passes null or an action, and null or a place for one; they may be the same.
    unsafe {
        let before = action(signal);
        let new = (!new.is_null()).then(|| new.read());
        if !old.is_null() {
            old.write(before);
        }
        if let Some(new) = new {
            install(signal, new);
        }
    }
    0
}

fn install(signal: c_int, new: Action) {
    ACTIONS.with(|actions| actions[signal as usize] = new);
    // POSIX 2.4.3: a pending signal that is set to be ignored is discarded.
    if is_ignored(signal) {
        PENDING.with(|pending| *pending &= !bit(signal));
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn signal(signal: c_int, handler: usize) -> usize {
    if !is_signal(signal) || matches!(signal, SIGKILL | SIGSTOP) || handler == SIG_ERR {
        errno::set(errno::EINVAL);
        return SIG_ERR;
    }
    let before = action(signal).handler;
    let new = Action {
        handler,
        mask: 0,
        flags: SA_RESTART,
    };
    install(signal, new);
    before
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn siginterrupt(signal: c_int, flag: c_int) -> c_int {
    if !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    ACTIONS.with(|actions| {
        let flags = &mut actions[signal as usize].flags;
        *flags = if flag == 0 {
            *flags | SA_RESTART
        } else {
            *flags & !SA_RESTART
        };
    });
    0
}

/// 0, or the error number.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_sigmask(how: c_int, set: *const u64, old: *mut u64) -> c_int {
    const SIG_BLOCK: c_int = 0;
    const SIG_UNBLOCK: c_int = 1;
    const SIG_SETMASK: c_int = 2;
    let before = BLOCKED.read();
    // SAFETY: the caller passes null or a set, and null or a place for one.
    let set = (!set.is_null()).then(|| unsafe { *set });
    if !old.is_null() {
        // SAFETY: as above.
        unsafe { *old = before };
    }
    if let Some(set) = set {
        let mask = match how {
            SIG_BLOCK => before | set,
            SIG_UNBLOCK => before & !set,
            SIG_SETMASK => set,
            _ => return errno::EINVAL,
        };
        set_blocked(mask);
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigprocmask(how: c_int, set: *const u64, old: *mut u64) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { pthread_sigmask(how, set, old) } {
        0 => 0,
        number => fail(number),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigpending(set: *mut u64) -> c_int {
    waiting::deliver_expired();
    // SAFETY: the caller gives a place for the set.
    unsafe { *set = PENDING.read() };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigsuspend(mask: *const u64) -> c_int {
    // SAFETY: the caller passes a set.
    suspend(unsafe { *mask })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pause() -> c_int {
    suspend(BLOCKED.read())
}

/// Waits with this mask until a handler was called.
pub(super) fn suspend(mask: u64) -> c_int {
    let outer = BLOCKED.read();
    let mut has_called = set_blocked(mask);
    while !has_called {
        has_called = waiting::wait_for_timer()
            .unwrap_or_else(|| wait_for_ever("for a signal that nobody can send"));
    }
    set_blocked(outer);
    fail(errno::EINTR)
}

/// The next pending signal of a set; timers are waited for until `deadline_ns` of the monotonic clock.
fn wait_in(set: u64, deadline_ns: Option<u64>) -> Option<c_int> {
    loop {
        if let Some(signal) = take_pending(set) {
            return Some(signal);
        }
        match (waiting::next_timer_ns(), deadline_ns) {
            (Some(timer), Some(deadline)) if timer > deadline => {
                waiting::sleep_until(deadline);
                return None;
            }
            (Some(_), _) => {
                waiting::wait_for_timer();
            }
            (None, Some(deadline)) => {
                waiting::sleep_until(deadline);
                return take_pending(set);
            }
            (None, None) => wait_for_ever("for a signal that nobody can send"),
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigwait(set: *const u64, result: *mut c_int) -> c_int {
    // SAFETY: the caller passes a set and a place for the signal.
    unsafe {
        if let Some(signal) = wait_in(*set, None) {
            *result = signal;
        }
    }
    0
}

unsafe fn informed(signal: Option<c_int>, information: *mut Information) -> c_int {
    let Some(signal) = signal else {
        return fail(errno::EAGAIN);
    };
    if !information.is_null() {
        let origin = ORIGINS.with(|origins| origins[signal as usize]);
        // SAFETY: the caller gives null or a place for the information.
        unsafe { *information = Information::new(signal, origin) };
    }
    signal
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigwaitinfo(set: *const u64, information: *mut Information) -> c_int {
    // SAFETY: the caller passes a set, and null or a place for the information.
    unsafe { informed(wait_in(*set, None), information) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigtimedwait(
    set: *const u64,
    information: *mut Information,
    timeout: *const waiting::TimeSpec,
) -> c_int {
    // SAFETY: the caller passes a set, null or a place for the information, and null or a duration.
    unsafe {
        let deadline = if timeout.is_null() {
            None
        } else {
            match (*timeout).to_ns() {
                Some(ns) => Some(platform().monotonic_ns().saturating_add(ns)),
                None => return fail(errno::EINVAL),
            }
        };
        informed(wait_in(*set, deadline), information)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_kill(_thread: u64, signal: c_int) -> c_int {
    match signal {
        0 => 0,
        signal if is_signal(signal) => {
            send(signal, Origin::Thread);
            0
        }
        _ => errno::EINVAL,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn alarm(seconds: c_uint) -> c_uint {
    waiting::alarm(u64::from(seconds) * 1_000_000_000)
        .div_ceil(1_000_000_000)
        .try_into()
        .unwrap_or(c_uint::MAX)
}

/// For `siglongjmp` and `setcontext`.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn bareflow_restore_signals(mask: u64) {
    set_blocked(mask);
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr;
    use core::sync::atomic::{AtomicI32, Ordering::Relaxed};
    use std::sync::{Mutex, PoisonError};

    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    static SEEN: AtomicI32 = AtomicI32::new(0);

    extern "C" fn note(signal: c_int) {
        SEEN.store(SEEN.load(Relaxed) * 100 + signal, Relaxed);
    }

    fn alone(test: impl FnOnce()) {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        crate::platform::test_platform::install();
        reset();
        SEEN.store(0, Relaxed);
        test();
    }

    #[test]
    fn handlers_are_called() {
        alone(|| {
            assert_eq!(signal(10, note as *const () as usize), DEFAULT);
            assert_eq!(raise(10), 0);
            assert_eq!(kill(1, 10), 0);
            assert_eq!(SEEN.load(Relaxed), 1010);
            assert_eq!(signal(SIGKILL, IGNORE), SIG_ERR);
            assert_eq!(kill(77, 10), -1);
            assert_eq!(errno::get(), errno::ESRCH);
            assert_eq!(raise(65), -1);
        });
    }

    #[test]
    fn blocked_signals_are_pending_until_they_are_unblocked() {
        alone(|| {
            signal(10, note as *const () as usize);
            signal(12, note as *const () as usize);
            let set = bit(10) | bit(12);
            let mut old = 0;
            // SAFETY: the sets are words.
            unsafe {
                assert_eq!(sigprocmask(0, &raw const set, &raw mut old), 0);
                raise(12);
                raise(10);
                raise(10);
                assert_eq!(SEEN.load(Relaxed), 0);
                let mut pending = 0;
                sigpending(&raw mut pending);
                assert_eq!(pending, set);
                assert_eq!(sigprocmask(2, &raw const old, ptr::null_mut()), 0);
            }
            assert_eq!(SEEN.load(Relaxed), 1012);
        });
    }

    #[test]
    fn ignored_signals_do_nothing_and_are_no_longer_pending() {
        alone(|| {
            set_blocked(bit(15));
            raise(15);
            signal(15, IGNORE);
            set_blocked(0);
            assert_eq!(raise(15), 0);
            assert_eq!(PENDING.read(), 0);
        });
    }

    #[test]
    #[should_panic(expected = "exit(143)")]
    fn the_default_action_ends_with_128_and_the_number() {
        crate::platform::test_platform::install();
        end_by(15);
    }
}
