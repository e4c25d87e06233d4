//! Guards of function-local statics, destructors of globals, pure virtual calls.
//! Itanium C++ ABI, sections 3.3.3 and 3.3.6: <https://itanium-cxx-abi.github.io/cxx-abi/abi.html>.

use core::ffi::{c_int, c_void};

use crate::runtime::platform;

/// The first byte of a guard says whether the object is initialised; the second is ours.
const IN_PROGRESS: usize = 1;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __cxa_guard_acquire(guard: *mut u8) -> c_int {
    // SAFETY: the compiler passes a guard object of 8 bytes.
    unsafe {
        if *guard != 0 {
            return 0;
        }
        if *guard.add(IN_PROGRESS) != 0 {
            platform().abort("a static object is initialised recursively");
        }
        *guard.add(IN_PROGRESS) = 1;
    }
    1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __cxa_guard_release(guard: *mut u8) {
    // SAFETY: the compiler passes the guard that it acquired.
    unsafe {
        *guard = 1;
        *guard.add(IN_PROGRESS) = 0;
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __cxa_guard_abort(guard: *mut u8) {
    // SAFETY: the compiler passes the guard that it acquired.
    unsafe { *guard.add(IN_PROGRESS) = 0 };
}

/// The globals of LLVM live as long as the machine: their destructors never run.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __cxa_atexit(
    _destructor: unsafe extern "C" fn(*mut c_void),
    _object: *mut c_void,
    _image: *mut c_void,
) -> c_int {
    0
}

/// Names the image to `__cxa_atexit`.
#[cfg_attr(not(test), unsafe(export_name = "__dso_handle"))]
static DSO_HANDLE: u8 = 0;

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __cxa_pure_virtual() -> ! {
    platform().abort("a pure virtual function was called")
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __cxa_deleted_virtual() -> ! {
    platform().abort("a deleted virtual function was called")
}

#[cfg_attr(not(test), unsafe(export_name = "_ZSt9terminatev"))]
extern "C" fn terminate() -> ! {
    platform().abort("std::terminate was called")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_lets_one_initialisation_through() {
        let mut guard = [0_u8; 8];
        // SAFETY: the guard has 8 bytes.
        unsafe {
            assert_eq!(__cxa_guard_acquire(guard.as_mut_ptr()), 1);
            __cxa_guard_release(guard.as_mut_ptr());
            assert_eq!(__cxa_guard_acquire(guard.as_mut_ptr()), 0);
        }
    }

    #[test]
    fn an_aborted_initialisation_is_tried_again() {
        let mut guard = [0_u8; 8];
        // SAFETY: the guard has 8 bytes.
        unsafe {
            assert_eq!(__cxa_guard_acquire(guard.as_mut_ptr()), 1);
            __cxa_guard_abort(guard.as_mut_ptr());
            assert_eq!(__cxa_guard_acquire(guard.as_mut_ptr()), 1);
        }
    }
}
