//! Sets of signals, the texts of signals, and the functions of System V and BSD that change the mask by one signal.

use core::ffi::{c_char, c_int};

use super::signals::{self, Information, bit, blocked, is_signal, set_blocked};
use super::system::write_error;
use crate::cstr;
use crate::errno::{self, fail};

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigemptyset(set: *mut u64) -> c_int {
    // SAFETY: the caller gives a signal set, which is one word.
    unsafe { *set = 0 };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigfillset(set: *mut u64) -> c_int {
    // SAFETY: the caller gives a signal set, which is one word.
    unsafe { *set = u64::MAX };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigaddset(set: *mut u64, signal: c_int) -> c_int {
    if !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller gives a signal set, which is one word.
    unsafe { *set |= bit(signal) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigdelset(set: *mut u64, signal: c_int) -> c_int {
    if !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller gives a signal set, which is one word.
    unsafe { *set &= !bit(signal) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigismember(set: *const u64, signal: c_int) -> c_int {
    if !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller gives a signal set, which is one word.
    c_int::from(unsafe { *set } & bit(signal) != 0)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn psignal(signal: c_int, prefix: *const c_char) {
    let prefix = if prefix.is_null() {
        b""
    } else {
        // SAFETY: the caller passes a C string or null.
        unsafe { cstr::bytes(prefix) }
    };
    let separator: &[u8] = if prefix.is_empty() { b"" } else { b": " };
    let text = errno::signal_text(signal).to_bytes();
    write_error(&[prefix, separator, text, b"\n"]);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn psiginfo(information: *const Information, prefix: *const c_char) {
    // SAFETY: the caller passes an information, and a C string or null.
    unsafe { psignal((*information).signal, prefix) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigisemptyset(set: *const u64) -> c_int {
    // SAFETY: the caller gives a signal set, which is one word.
    c_int::from(unsafe { *set } == 0)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigorset(result: *mut u64, left: *const u64, right: *const u64) -> c_int {
    // SAFETY: the caller gives signal sets, which are words.
    unsafe { *result = *left | *right };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigandset(result: *mut u64, left: *const u64, right: *const u64) -> c_int {
    // SAFETY: the caller gives signal sets, which are words.
    unsafe { *result = *left & *right };
    0
}

/// Sets the mask to what `change` makes of it and of the signal's bit.
fn change_mask(signal: c_int, change: fn(u64, u64) -> u64) -> c_int {
    if !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    set_blocked(change(blocked(), bit(signal)));
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sighold(signal: c_int) -> c_int {
    change_mask(signal, |mask, bit| mask | bit)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigrelse(signal: c_int) -> c_int {
    change_mask(signal, |mask, bit| mask & !bit)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigignore(signal: c_int) -> c_int {
    const SIG_IGN: usize = 1;
    match signals::signal(signal, SIG_IGN) {
        usize::MAX => -1,
        _ => 0,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigpause(signal: c_int) -> c_int {
    if !is_signal(signal) {
        return fail(errno::EINVAL);
    }
    signals::suspend(blocked() & !bit(signal))
}

/// System V's `signal`, which can also hold a signal.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigset(signal: c_int, disposition: usize) -> usize {
    const SIG_ERR: usize = usize::MAX;
    const SIG_HOLD: usize = 2;
    if !is_signal(signal) {
        errno::set(errno::EINVAL);
        return SIG_ERR;
    }
    let was_held = blocked() & bit(signal) != 0;
    let before = if disposition == SIG_HOLD {
        sighold(signal);
        signals::handler(signal)
    } else {
        let before = signals::signal(signal, disposition);
        if before != SIG_ERR {
            sigrelse(signal);
        }
        before
    };
    if was_held && before != SIG_ERR {
        SIG_HOLD
    } else {
        before
    }
}

fn exchange_mask(mask: u64) -> c_int {
    let before = blocked();
    set_blocked(mask);
    before as c_int
}

/// BSD's masks have the signals of an `int`.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigblock(mask: c_int) -> c_int {
    exchange_mask(blocked() | u64::from(mask.cast_unsigned()))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigsetmask(mask: c_int) -> c_int {
    exchange_mask(u64::from(mask.cast_unsigned()))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn siggetmask() -> c_int {
    blocked() as c_int
}
