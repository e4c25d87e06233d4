//! Processes, users, signals and sockets: one process, no user, nothing to talk to.

use core::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};

use crate::cstr;
use crate::errno::{self, fail};
use crate::runtime::platform;
use crate::termination::{Termination, terminate};

macro_rules! not_implemented {
    ($($name:ident($($argument:ty),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($(_: $argument),*) -> c_int {
                fail(errno::ENOSYS)
            }
        )*
    };
}

not_implemented! {
    fork();
    execv(*const c_char, *const *const c_char);
    execve(*const c_char, *const *const c_char, *const *const c_char);
    socket(c_int, c_int, c_int);
    bind(c_int, *const c_void, c_uint);
    listen(c_int, c_int);
    accept(c_int, *mut c_void, *mut c_uint);
    connect(c_int, *const c_void, c_uint);
    system(*const c_char);
    sigaltstack(*const c_void, *mut c_void);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn wait(_status: *mut c_int) -> c_int {
    fail(errno::ECHILD)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn waitpid(_process: c_int, _status: *mut c_int, _options: c_int) -> c_int {
    fail(errno::ECHILD)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn wait4(
    _process: c_int,
    _status: *mut c_int,
    _options: c_int,
    _usage: *mut c_void,
) -> c_int {
    fail(errno::ECHILD)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getpid() -> c_int {
    1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getppid() -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getsid(_process: c_int) -> c_int {
    1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getuid() -> c_uint {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn geteuid() -> c_uint {
    0
}

/// There is nobody to yield to.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sched_yield() -> c_int {
    0
}

/// A signal that a program sends itself ends it; there is nobody else to send one to.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn raise(signal: c_int) -> c_int {
    if signal == 0 {
        return 0;
    }
    terminate(Termination::Abort(alloc::format!(
        "the program raised signal {signal}"
    )))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn kill(process: c_int, signal: c_int) -> c_int {
    if process == getpid() {
        raise(signal)
    } else {
        fail(errno::ESRCH)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn alarm(_seconds: c_uint) -> c_uint {
    0
}

/// Handlers can be set and are never called: faults end the program.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigaction(_signal: c_int, _action: *const c_void, _old: *mut c_void) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn signal(_signal: c_int, _handler: *const c_void) -> *const c_void {
    core::ptr::null()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sigprocmask(_how: c_int, _set: *const c_void, _old: *mut c_void) -> c_int {
    0
}

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
    if !(1..=64).contains(&signal) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller gives a signal set, which is one word.
    unsafe { *set |= 1 << (signal - 1) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigdelset(set: *mut u64, signal: c_int) -> c_int {
    if !(1..=64).contains(&signal) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller gives a signal set, which is one word.
    unsafe { *set &= !(1 << (signal - 1)) };
    0
}

const SC_ARG_MAX: c_int = 0;
const SC_PAGESIZE: c_int = 1;
const SC_NPROCESSORS_ONLN: c_int = 84;

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sysconf(name: c_int) -> c_long {
    match name {
        SC_ARG_MAX => 4096,
        SC_PAGESIZE => c_long::try_from(platform().page_size_bytes()).unwrap_or(4096),
        SC_NPROCESSORS_ONLN => 1,
        _ => c_long::from(fail(errno::EINVAL)),
    }
}

const HOST_NAME: &CStr = c"bareflow";

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn gethostname(name: *mut c_char, size: usize) -> c_int {
    // SAFETY: the caller gives `size` bytes.
    if unsafe { cstr::store(HOST_NAME.to_bytes(), name, size) } {
        0
    } else {
        fail(errno::ENAMETOOLONG)
    }
}

/// Bytes of each field of `struct utsname` on this target.
const UTS_FIELD_BYTES: usize = 1024;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn uname(names: *mut c_char) -> c_int {
    for (index, text) in [
        "BareFlow",
        "bareflow",
        env!("CARGO_PKG_VERSION"),
        "",
        "x86_64",
    ]
    .iter()
    .enumerate()
    {
        // SAFETY: the caller gives a `struct utsname`, which has five such fields.
        unsafe {
            cstr::store(
                text.as_bytes(),
                names.add(index * UTS_FIELD_BYTES),
                UTS_FIELD_BYTES,
            )
        };
    }
    0
}

/// There are no users: found nobody, without an error.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getpwnam_r(
    _name: *const c_char,
    _entry: *mut c_void,
    _buffer: *mut c_char,
    _size: usize,
    result: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = core::ptr::null_mut() };
    0
}

/// There are no users: found nobody, without an error.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getpwuid_r(
    _user: c_uint,
    _entry: *mut c_void,
    _buffer: *mut c_char,
    _size: usize,
    result: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = core::ptr::null_mut() };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getenv(name: *const c_char) -> *const c_char {
    // SAFETY: the caller passes a C string.
    let name = unsafe { cstr::bytes(name) };
    core::str::from_utf8(name)
        .ok()
        .and_then(|name| platform().environment(name))
        .map_or(core::ptr::null(), CStr::as_ptr)
}
