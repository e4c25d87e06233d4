//! Processes and sockets: one process, nothing to talk to.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};

use crate::cstr;
use crate::errno::{self, fail};

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
pub(crate) extern "C" fn getpid() -> c_int {
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

/// There is nobody to yield to.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sched_yield() -> c_int {
    0
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
        crate::arch::NAME,
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
