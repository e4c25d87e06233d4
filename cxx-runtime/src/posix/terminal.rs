//! Terminals: no file is one whose modes can be asked for or set.

use core::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

use super::single_thread_cell::SingleThreadCell;
use crate::errno::{self, fail};

macro_rules! no_terminal {
    ($($name:ident($($argument:ty),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($(_: $argument),*) -> c_int {
                fail(errno::ENOTTY)
            }
        )*
    };
}

no_terminal! {
    tcgetattr(c_int, *mut c_void);
    tcsetattr(c_int, c_int, *const c_void);
    tcdrain(c_int);
    tcflow(c_int, c_int);
    tcflush(c_int, c_int);
    tcsendbreak(c_int, c_int);
    tcgetsid(c_int);
    tcgetpgrp(c_int);
    tcsetpgrp(c_int, c_int);
    grantpt(c_int);
    unlockpt(c_int);
}

/// `struct termios`.
#[repr(C)]
struct Modes {
    input: c_uint,
    output: c_uint,
    control: c_uint,
    local: c_uint,
    line: u8,
    characters: [u8; 32],
    input_speed: c_uint,
    output_speed: c_uint,
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn cfgetispeed(modes: *const Modes) -> c_uint {
    // SAFETY: the caller passes modes.
    unsafe { (*modes).input_speed }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn cfgetospeed(modes: *const Modes) -> c_uint {
    // SAFETY: the caller passes modes.
    unsafe { (*modes).output_speed }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn cfsetispeed(modes: *mut Modes, speed: c_uint) -> c_int {
    // SAFETY: the caller passes modes.
    unsafe { (*modes).input_speed = speed };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn cfsetospeed(modes: *mut Modes, speed: c_uint) -> c_int {
    // SAFETY: the caller passes modes.
    unsafe { (*modes).output_speed = speed };
    0
}

/// The modes of 4.4BSD's `cfmakeraw`, by the values of `termios.h`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn cfmakeraw(modes: *mut Modes) {
    const VTIME: usize = 5;
    const VMIN: usize = 6;
    // SAFETY: the caller passes modes.
    let modes = unsafe { &mut *modes };
    // IGNBRK, BRKINT, PARMRK, ISTRIP, INLCR, IGNCR, ICRNL, IXON.
    modes.input &= !0o2753;
    // OPOST.
    modes.output &= !0o1;
    // ECHO, ECHONL, ICANON, ISIG, IEXTEN.
    modes.local &= !0o100_113;
    // CSIZE and PARENB, then CS8.
    modes.control = modes.control & !0o460 | 0o60;
    modes.characters[VMIN] = 1;
    modes.characters[VTIME] = 0;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ttyname(_descriptor: c_int) -> *mut c_char {
    errno::set(errno::ENOTTY);
    core::ptr::null_mut()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ttyname_r(_descriptor: c_int, _buffer: *mut c_char, _size: usize) -> c_int {
    errno::ENOTTY
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ptsname(_descriptor: c_int) -> *mut c_char {
    errno::set(errno::ENOTTY);
    core::ptr::null_mut()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn posix_openpt(_flags: c_int) -> c_int {
    fail(errno::ENOSYS)
}

const TERMINAL_NAME: &[u8; 9] = b"/dev/tty\0";
static OWN_NAME: SingleThreadCell<[u8; 9]> = SingleThreadCell::new(*TERMINAL_NAME);

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ctermid(buffer: *mut c_char) -> *mut c_char {
    let place: *mut c_char = if buffer.is_null() {
        OWN_NAME.get().cast()
    } else {
        buffer
    };
    // SAFETY: the caller gives null or L_ctermid bytes, which are enough.
    unsafe { place.cast::<[u8; 9]>().write(*TERMINAL_NAME) };
    place
}

unsafe extern "C" {
    fn fstat(descriptor: c_int, result: *mut c_void) -> c_int;
    fn lseek(descriptor: c_int, offset: i64, whence: c_int) -> i64;
}

/// `FIONREAD` of a file is what lies behind its position; all else is for terminals.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ioctl(descriptor: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    const FIONREAD: c_ulong = 0x541b;
    const FIONBIO: c_ulong = 0x5421;
    const SEEK_SET: c_int = 0;
    const SEEK_CUR: c_int = 1;
    const SEEK_END: c_int = 2;
    /// More than a `struct stat`.
    const STATUS_WORDS: usize = 32;
    let mut status = [0_u64; STATUS_WORDS];
    // SAFETY: the status has room; seeking changes nothing but the position, which is put back; the caller gives a
    // place for the number.
    unsafe {
        if fstat(descriptor, status.as_mut_ptr().cast()) < 0 {
            return fail(errno::EBADF);
        }
        match request {
            FIONREAD => {
                let position = lseek(descriptor, 0, SEEK_CUR);
                if position < 0 {
                    return fail(errno::ENOTTY);
                }
                let end = lseek(descriptor, 0, SEEK_END);
                lseek(descriptor, position, SEEK_SET);
                let left = (end - position).max(0);
                *argument.cast::<c_int>() = c_int::try_from(left).unwrap_or(c_int::MAX);
                0
            }
            // Nothing blocks but the console, whose input cannot be asked whether it would.
            FIONBIO if descriptor != 0 => 0,
            _ => fail(errno::ENOTTY),
        }
    }
}
