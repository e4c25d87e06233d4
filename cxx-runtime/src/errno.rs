//! Error numbers (Linux's values, as in the overlay's `errno.h`) and their messages.

use alloc::format;
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int};

use crate::posix::single_thread_cell::SingleThreadCell;

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
        /// Number, name and message.
        const ERRORS: &[(c_int, &CStr, &CStr)] = &[$((
            $number,
            c_text(concat!(stringify!($name), "\0")),
            c_text(concat!($message, "\0")),
        )),*];
    };
}

const fn c_text(text: &str) -> &CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!(),
    }
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
    ECHRNG = 44, "Channel number out of range";
    EL2NSYNC = 45, "Level 2 not synchronized";
    EL3HLT = 46, "Level 3 halted";
    EL3RST = 47, "Level 3 reset";
    ELNRNG = 48, "Link number out of range";
    EUNATCH = 49, "Protocol driver not attached";
    ENOCSI = 50, "No CSI structure available";
    EL2HLT = 51, "Level 2 halted";
    EBADE = 52, "Invalid exchange";
    EBADR = 53, "Invalid request descriptor";
    EXFULL = 54, "Exchange full";
    ENOANO = 55, "No anode";
    EBADRQC = 56, "Invalid request code";
    EBADSLT = 57, "Invalid slot";
    EBFONT = 59, "Bad font file format";
    ENOSTR = 60, "Device not a stream";
    ENODATA = 61, "No data available";
    ETIME = 62, "Timer expired";
    ENOSR = 63, "Out of streams resources";
    ENONET = 64, "Machine is not on the network";
    ENOPKG = 65, "Package not installed";
    EREMOTE = 66, "Object is remote";
    ENOLINK = 67, "Link has been severed";
    EADV = 68, "Advertise error";
    ESRMNT = 69, "Srmount error";
    ECOMM = 70, "Communication error on send";
    EPROTO = 71, "Protocol error";
    EMULTIHOP = 72, "Multihop attempted";
    EDOTDOT = 73, "RFS specific error";
    EBADMSG = 74, "Bad message";
    EOVERFLOW = 75, "Value too large for defined data type";
    ENOTUNIQ = 76, "Name not unique on network";
    EBADFD = 77, "File descriptor in bad state";
    EREMCHG = 78, "Remote address changed";
    ELIBACC = 79, "Can not access a needed shared library";
    ELIBBAD = 80, "Accessing a corrupted shared library";
    ELIBSCN = 81, ".lib section in a.out corrupted";
    ELIBMAX = 82, "Attempting to link in too many shared libraries";
    ELIBEXEC = 83, "Cannot exec a shared library directly";
    EILSEQ = 84, "Invalid or incomplete multibyte or wide character";
    ERESTART = 85, "Interrupted system call should be restarted";
    ESTRPIPE = 86, "Streams pipe error";
    EUSERS = 87, "Too many users";
    ENOTSOCK = 88, "Socket operation on non-socket";
    EDESTADDRREQ = 89, "Destination address required";
    EMSGSIZE = 90, "Message too long";
    EPROTOTYPE = 91, "Protocol wrong type for socket";
    ENOPROTOOPT = 92, "Protocol not available";
    EPROTONOSUPPORT = 93, "Protocol not supported";
    ESOCKTNOSUPPORT = 94, "Socket type not supported";
    ENOTSUP = 95, "Operation not supported";
    EPFNOSUPPORT = 96, "Protocol family not supported";
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
    ESHUTDOWN = 108, "Cannot send after transport endpoint shutdown";
    ETOOMANYREFS = 109, "Too many references: cannot splice";
    ETIMEDOUT = 110, "Connection timed out";
    ECONNREFUSED = 111, "Connection refused";
    EHOSTDOWN = 112, "Host is down";
    EHOSTUNREACH = 113, "No route to host";
    EALREADY = 114, "Operation already in progress";
    EINPROGRESS = 115, "Operation now in progress";
    ESTALE = 116, "Stale file handle";
    EUCLEAN = 117, "Structure needs cleaning";
    ENOTNAM = 118, "Not a XENIX named type file";
    ENAVAIL = 119, "No XENIX semaphores available";
    EISNAM = 120, "Is a named type file";
    EREMOTEIO = 121, "Remote I/O error";
    EDQUOT = 122, "Disk quota exceeded";
    ENOMEDIUM = 123, "No medium found";
    EMEDIUMTYPE = 124, "Wrong medium type";
    ECANCELED = 125, "Operation canceled";
    ENOKEY = 126, "Required key not available";
    EKEYEXPIRED = 127, "Key has expired";
    EKEYREVOKED = 128, "Key has been revoked";
    EKEYREJECTED = 129, "Key was rejected by service";
    EOWNERDEAD = 130, "Owner died";
    ENOTRECOVERABLE = 131, "State not recoverable";
    ERFKILL = 132, "Operation not possible due to RF-kill";
    EHWPOISON = 133, "Memory page has hardware error";
}

/// Room for a text with a number of 32 bits.
const UNKNOWN_BYTES: usize = 48;

const UNKNOWN: &str = "Unknown error";

static UNKNOWN_ERROR: SingleThreadCell<[u8; UNKNOWN_BYTES]> =
    SingleThreadCell::new([0; UNKNOWN_BYTES]);
static UNKNOWN_SIGNAL: SingleThreadCell<[u8; UNKNOWN_BYTES]> =
    SingleThreadCell::new([0; UNKNOWN_BYTES]);

/// The text about what has none, which stays until the next such text.
fn numbered(
    place: &'static SingleThreadCell<[u8; UNKNOWN_BYTES]>,
    kind: &str,
    number: c_int,
) -> &'static CStr {
    let text = format!("{kind} {number}");
    place.with(|place| {
        place.fill(0);
        place[..text.len()].copy_from_slice(text.as_bytes());
    });
    // SAFETY: the text is shorter than its place, of which the rest is zeros; C says that it is overwritten later.
    unsafe { CStr::from_ptr(place.get().cast()) }
}

fn known(number: c_int) -> Option<(&'static CStr, &'static CStr)> {
    let found = ERRORS.iter().find(|(known, ..)| *known == number);
    match found {
        Some((_, name, message)) => Some((name, message)),
        None => (number == 0).then_some((c"0", c"Success")),
    }
}

fn message(number: c_int) -> &'static CStr {
    known(number).map_or_else(
        || numbered(&UNKNOWN_ERROR, UNKNOWN, number),
        |(_, message)| message,
    )
}

/// The message of an error number, for messages of a kernel.
#[must_use]
pub fn description(number: c_int) -> &'static str {
    message(number).to_str().unwrap_or(UNKNOWN)
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
    let store = |text: &[u8]| {
        // SAFETY: the caller gives `size` bytes.
        unsafe { crate::cstr::store(text, buffer, size) }
    };
    match known(number) {
        Some((_, message)) if store(message.to_bytes()) => 0,
        Some(_) => ERANGE,
        None => {
            // What `strerror` has given stays as it is.
            store(format!("{UNKNOWN} {number}").as_bytes());
            EINVAL
        }
    }
}

/// The form of GNU, which LLVM's headers declare, too: the whole text. It is in the buffer as well, as far as it fits,
/// since LLVM looks there.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strerror_r(number: c_int, buffer: *mut c_char, size: usize) -> *const c_char {
    // SAFETY: the caller gives `size` bytes.
    unsafe { crate::cstr::store(message(number).to_bytes(), buffer, size) };
    known(number).map_or(buffer.cast_const(), |(_, message)| message.as_ptr())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn strerrorname_np(number: c_int) -> *const c_char {
    pointer_to(known(number).map(|(name, _)| name))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn strerrordesc_np(number: c_int) -> *const c_char {
    pointer_to(known(number).map(|(_, message)| message))
}

/// The text, or null.
fn pointer_to(text: Option<&'static CStr>) -> *const c_char {
    text.map_or(core::ptr::null(), CStr::as_ptr)
}

/// The text of a signal.
pub(crate) fn signal_text(number: c_int) -> &'static CStr {
    const REAL_TIME: c_int = 34;
    const LAST: c_int = 64;
    match known_signal(number) {
        Some((_, text)) => text,
        None if (REAL_TIME..=LAST).contains(&number) => {
            numbered(&UNKNOWN_SIGNAL, "Real-time signal", number - REAL_TIME)
        }
        None => numbered(&UNKNOWN_SIGNAL, "Unknown signal", number),
    }
}

/// Short names and texts of the signals from 1 on.
const SIGNALS: [(&CStr, &CStr); 31] = [
    (c"HUP", c"Hangup"),
    (c"INT", c"Interrupt"),
    (c"QUIT", c"Quit"),
    (c"ILL", c"Illegal instruction"),
    (c"TRAP", c"Trace/breakpoint trap"),
    (c"ABRT", c"Aborted"),
    (c"BUS", c"Bus error"),
    (c"FPE", c"Floating point exception"),
    (c"KILL", c"Killed"),
    (c"USR1", c"User defined signal 1"),
    (c"SEGV", c"Segmentation fault"),
    (c"USR2", c"User defined signal 2"),
    (c"PIPE", c"Broken pipe"),
    (c"ALRM", c"Alarm clock"),
    (c"TERM", c"Terminated"),
    (c"STKFLT", c"Stack fault"),
    (c"CHLD", c"Child exited"),
    (c"CONT", c"Continued"),
    (c"STOP", c"Stopped (signal)"),
    (c"TSTP", c"Stopped"),
    (c"TTIN", c"Stopped (tty input)"),
    (c"TTOU", c"Stopped (tty output)"),
    (c"URG", c"Urgent I/O condition"),
    (c"XCPU", c"CPU time limit exceeded"),
    (c"XFSZ", c"File size limit exceeded"),
    (c"VTALRM", c"Virtual timer expired"),
    (c"PROF", c"Profiling timer expired"),
    (c"WINCH", c"Window changed"),
    (c"POLL", c"I/O possible"),
    (c"PWR", c"Power failure"),
    (c"SYS", c"Bad system call"),
];

fn known_signal(number: c_int) -> Option<(&'static CStr, &'static CStr)> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    SIGNALS.get(index).copied()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigabbrev_np(number: c_int) -> *const c_char {
    pointer_to(known_signal(number).map(|(name, _)| name))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigdescr_np(number: c_int) -> *const c_char {
    pointer_to(known_signal(number).map(|(_, text)| text))
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
        for (index, (number, ..)) in ERRORS.iter().enumerate() {
            let mut others = ERRORS[index + 1..].iter();
            assert!(others.all(|(other, ..)| other != number));
        }
        assert_eq!(message(ENOENT), c"No such file or directory");
        assert_eq!(message(0), c"Success");
        assert_eq!(message(4711), c"Unknown error 4711");
        assert_eq!(message(-1), c"Unknown error -1");
        assert_eq!(message(c_int::MIN), c"Unknown error -2147483648");
        assert_eq!(signal_text(31), c"Bad system call");
        assert_eq!(signal_text(36), c"Real-time signal 2");
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
