//! Error numbers (Linux's values, as in the overlay's `errno.h`) and their messages.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int};

#[repr(transparent)]
struct Errno(UnsafeCell<c_int>);

// SAFETY: there is one thread.
unsafe impl Sync for Errno {}

// llvm-libc's internal functions name the variable itself.
#[cfg_attr(not(test), unsafe(export_name = "__llvmlibc_internal_errno"))]
static ERRNO: Errno = Errno(UnsafeCell::new(0));

/// `errno` of the C library is `*__errno_location()`.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __errno_location() -> *mut c_int {
    ERRNO.0.get()
}

/// Sets `errno`.
pub fn set(number: c_int) {
    // SAFETY: the cell lives as long as the program, and there is one thread.
    unsafe { *ERRNO.0.get() = number };
}

/// The current `errno`.
#[must_use]
pub fn get() -> c_int {
    // SAFETY: the cell lives as long as the program, and there is one thread.
    unsafe { *ERRNO.0.get() }
}

/// Sets `errno` and returns -1, as most failing POSIX calls do.
pub(crate) fn fail(number: c_int) -> c_int {
    set(number);
    -1
}

macro_rules! errors {
    ($($name:ident = $number:literal, $message:literal;)*) => {
        $(#[doc = $message] pub const $name: c_int = $number;)*
        const MESSAGES: &[(c_int, &CStr)] = &[$(($number, match CStr::from_bytes_with_nul(concat!($message, "\0").as_bytes()) { Ok(text) => text, Err(_) => panic!() })),*];
    };
}

errors! {
    EPERM = 1, "Operation not permitted";
    ENOENT = 2, "No such file or directory";
    ESRCH = 3, "No such process";
    EINTR = 4, "Interrupted system call";
    EIO = 5, "Input/output error";
    ENXIO = 6, "No such device or address";
    E2BIG = 7, "Argument list too long";
    ENOEXEC = 8, "Exec format error";
    EBADF = 9, "Bad file descriptor";
    ECHILD = 10, "No child processes";
    EAGAIN = 11, "Resource temporarily unavailable";
    ENOMEM = 12, "Cannot allocate memory";
    EACCES = 13, "Permission denied";
    EFAULT = 14, "Bad address";
    ENOTBLK = 15, "Block device required";
    EBUSY = 16, "Device or resource busy";
    EEXIST = 17, "File exists";
    EXDEV = 18, "Invalid cross-device link";
    ENODEV = 19, "No such device";
    ENOTDIR = 20, "Not a directory";
    EISDIR = 21, "Is a directory";
    EINVAL = 22, "Invalid argument";
    ENFILE = 23, "Too many open files in system";
    EMFILE = 24, "Too many open files";
    ENOTTY = 25, "Inappropriate ioctl for device";
    ETXTBSY = 26, "Text file busy";
    EFBIG = 27, "File too large";
    ENOSPC = 28, "No space left on device";
    ESPIPE = 29, "Illegal seek";
    EROFS = 30, "Read-only file system";
    EMLINK = 31, "Too many links";
    EPIPE = 32, "Broken pipe";
    EDOM = 33, "Numerical argument out of domain";
    ERANGE = 34, "Numerical result out of range";
    EDEADLK = 35, "Resource deadlock avoided";
    ENAMETOOLONG = 36, "File name too long";
    ENOLCK = 37, "No locks available";
    ENOSYS = 38, "Function not implemented";
    ENOTEMPTY = 39, "Directory not empty";
    ELOOP = 40, "Too many levels of symbolic links";
    ENOMSG = 42, "No message of desired type";
    EIDRM = 43, "Identifier removed";
    ENOSTR = 60, "Device not a stream";
    ENODATA = 61, "No data available";
    ETIME = 62, "Timer expired";
    ENOSR = 63, "Out of streams resources";
    ENOLINK = 67, "Link has been severed";
    EPROTO = 71, "Protocol error";
    EBADMSG = 74, "Bad message";
    EOVERFLOW = 75, "Value too large for defined data type";
    EILSEQ = 84, "Invalid or incomplete multibyte or wide character";
    ENOTSOCK = 88, "Socket operation on non-socket";
    EDESTADDRREQ = 89, "Destination address required";
    EMSGSIZE = 90, "Message too long";
    EPROTOTYPE = 91, "Protocol wrong type for socket";
    ENOPROTOOPT = 92, "Protocol not available";
    EPROTONOSUPPORT = 93, "Protocol not supported";
    ENOTSUP = 95, "Operation not supported";
    EAFNOSUPPORT = 97, "Address family not supported by protocol";
    EADDRINUSE = 98, "Address already in use";
    EADDRNOTAVAIL = 99, "Cannot assign requested address";
    ENETDOWN = 100, "Network is down";
    ENETUNREACH = 101, "Network is unreachable";
    ENETRESET = 102, "Network dropped connection on reset";
    ECONNABORTED = 103, "Software caused connection abort";
    ECONNRESET = 104, "Connection reset by peer";
    ENOBUFS = 105, "No buffer space available";
    EISCONN = 106, "Transport endpoint is already connected";
    ENOTCONN = 107, "Transport endpoint is not connected";
    ETIMEDOUT = 110, "Connection timed out";
    ECONNREFUSED = 111, "Connection refused";
    EHOSTUNREACH = 113, "No route to host";
    EALREADY = 114, "Operation already in progress";
    EINPROGRESS = 115, "Operation now in progress";
    ECANCELED = 125, "Operation canceled";
    EOWNERDEAD = 130, "Owner died";
    ENOTRECOVERABLE = 131, "State not recoverable";
}

fn known_message(number: c_int) -> Option<&'static CStr> {
    match MESSAGES.iter().find(|(known, _)| *known == number) {
        Some((_, text)) => Some(text),
        None if number == 0 => Some(c"Success"),
        None => None,
    }
}

const UNKNOWN: &[u8] = b"Unknown error ";
/// With a sign, ten digits and the end.
const UNKNOWN_BYTES: usize = UNKNOWN.len() + 12;

#[repr(transparent)]
struct UnknownText(UnsafeCell<[u8; UNKNOWN_BYTES]>);

// SAFETY: there is one thread.
unsafe impl Sync for UnknownText {}

/// The text of the last number that has none of its own: it may change with the next (C11 7.24.6.2).
static UNKNOWN_TEXT: UnknownText = UnknownText(UnsafeCell::new([0; UNKNOWN_BYTES]));

fn message(number: c_int) -> &'static CStr {
    known_message(number).unwrap_or_else(|| {
        // SAFETY: there is one thread, and nobody keeps the text across calls.
        unknown_message(number, unsafe { &mut *UNKNOWN_TEXT.0.get() })
    })
}

fn unknown_message(number: c_int, text: &mut [u8; UNKNOWN_BYTES]) -> &CStr {
    let mut digits = [0; 11];
    let mut start = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    let end = UNKNOWN.len() + digits.len() - start;
    text[..UNKNOWN.len()].copy_from_slice(UNKNOWN);
    text[UNKNOWN.len()..end].copy_from_slice(&digits[start..]);
    text[end..].fill(0);
    CStr::from_bytes_until_nul(text).unwrap_or(c"Unknown error")
}

/// The message of an error number, for messages of a kernel.
#[must_use]
pub fn description(number: c_int) -> &'static str {
    message(number).to_str().unwrap_or("Unknown error")
}

/// The message of an error number.
pub(crate) fn text(number: c_int) -> &'static [u8] {
    message(number).to_bytes()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn strerror(number: c_int) -> *const c_char {
    message(number).as_ptr()
}

/// The form of POSIX: 0, or an error number where there is no message or it does not fit.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __xpg_strerror_r(number: c_int, buffer: *mut c_char, size: usize) -> c_int {
    // What `strerror` has given stays as it is.
    let mut unknown = [0; UNKNOWN_BYTES];
    let known = known_message(number);
    let text = known.unwrap_or_else(|| unknown_message(number, &mut unknown));
    // SAFETY: the caller gives `size` bytes.
    let fits = unsafe { crate::cstr::store(text.to_bytes(), buffer, size) };
    match known {
        None => EINVAL,
        Some(_) if fits => 0,
        Some(_) => ERANGE,
    }
}

/// The form of GNU, which LLVM's headers declare, too: the whole text. It is in the buffer as well, as far as it fits,
/// since LLVM looks there.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strerror_r(number: c_int, buffer: *mut c_char, size: usize) -> *const c_char {
    // SAFETY: the caller gives `size` bytes.
    unsafe { crate::cstr::store(message(number).to_bytes(), buffer, size) };
    known_message(number).map_or(buffer.cast_const(), CStr::as_ptr)
}

/// The text of a signal.
pub(crate) fn signal_text(number: c_int) -> &'static CStr {
    match number {
        1 => c"Hangup",
        2 => c"Interrupt",
        3 => c"Quit",
        4 => c"Illegal instruction",
        5 => c"Trace/breakpoint trap",
        6 => c"Aborted",
        7 => c"Bus error",
        8 => c"Floating point exception",
        9 => c"Killed",
        10 => c"User defined signal 1",
        11 => c"Segmentation fault",
        12 => c"User defined signal 2",
        13 => c"Broken pipe",
        14 => c"Alarm clock",
        15 => c"Terminated",
        16 => c"Stack fault",
        17 => c"Child exited",
        18 => c"Continued",
        19 => c"Stopped (signal)",
        20 => c"Stopped",
        21 => c"Stopped (tty input)",
        22 => c"Stopped (tty output)",
        23 => c"Urgent I/O condition",
        24 => c"CPU time limit exceeded",
        25 => c"File size limit exceeded",
        26 => c"Virtual timer expired",
        27 => c"Profiling timer expired",
        28 => c"Window changed",
        29 => c"I/O possible",
        30 => c"Power failure",
        31 => c"Bad system call",
        _ => c"Unknown signal",
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn strsignal(number: c_int) -> *const c_char {
    signal_text(number).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_message() {
        for (index, (number, _)) in MESSAGES.iter().enumerate() {
            assert!(
                MESSAGES[index + 1..]
                    .iter()
                    .all(|(other, _)| other != number)
            );
        }
        assert_eq!(message(ENOENT), c"No such file or directory");
        assert_eq!(message(0), c"Success");
        assert_eq!(message(4711), c"Unknown error 4711");
        assert_eq!(message(-1), c"Unknown error -1");
        assert_eq!(message(c_int::MIN), c"Unknown error -2147483648");
    }

    #[test]
    fn a_message_that_does_not_fit_is_an_error() {
        let mut buffer = [0x7f as c_char; 8];
        // SAFETY: the buffer has the size that is given.
        let result = unsafe { __xpg_strerror_r(ENOENT, buffer.as_mut_ptr(), buffer.len()) };
        assert_eq!(result, ERANGE);
        assert_eq!(buffer[7], 0);
    }
}
