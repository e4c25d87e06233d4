//! The standard exception classes as objects that are never thrown, and an exception pointer that is
//! always null: libc++ and ORC use promises, whose shared state holds one.
//!
//! The layout of `std::logic_error` and `std::runtime_error` is libc++'s: a virtual table pointer and a
//! reference-counted string (`__libcpp_refstring`): the characters, with length, capacity and count
//! before them.

use core::ffi::{c_char, c_int, c_void};

use crate::heap::free;
use crate::runtime::platform;

/// `__refstring_imp::_Rep_base` of libc++'s `refstring.h`.
#[repr(C)]
struct StringHeader {
    length: usize,
    capacity: usize,
    /// Owners beyond the first.
    count: c_int,
}

/// An exception object that holds a message.
#[repr(C)]
struct MessageException {
    table: *const c_void,
    message: *mut c_char,
}

/// `std::exception::~exception()`.
#[cfg_attr(not(test), unsafe(export_name = "_ZNSt9exceptionD2Ev"))]
extern "C" fn exception_destructor(_exception: *mut c_void) {}

/// `std::bad_cast::~bad_cast()`.
#[cfg_attr(not(test), unsafe(export_name = "_ZNSt8bad_castD2Ev"))]
extern "C" fn bad_cast_destructor(_exception: *mut c_void) {}

/// `std::exception::what() const`.
#[cfg_attr(not(test), unsafe(export_name = "_ZNKSt9exception4whatEv"))]
extern "C" fn exception_what(_exception: *const c_void) -> *const c_char {
    c"std::exception".as_ptr()
}

unsafe extern "C" fn release_message(exception: *mut MessageException) {
    // SAFETY: the object was built by libc++, so a header stands before the characters.
    unsafe {
        let header = (*exception).message.cast::<StringHeader>().sub(1);
        (*header).count -= 1;
        if (*header).count < 0 {
            free(header.cast());
        }
    }
}

unsafe extern "C" fn release_and_delete(exception: *mut MessageException) {
    // SAFETY: C++ deletes an object that `operator new` returned.
    unsafe {
        release_message(exception);
        free(exception.cast());
    }
}

unsafe extern "C" fn message(exception: *const MessageException) -> *const c_char {
    // SAFETY: the caller passes an exception object.
    unsafe { (*exception).message }
}

/// A virtual table as the Itanium ABI lays it out; the object points at `functions`.
#[repr(C)]
struct VirtualTable {
    offset_to_top: isize,
    type_information: usize,
    functions: (
        unsafe extern "C" fn(*mut MessageException),
        unsafe extern "C" fn(*mut MessageException),
        unsafe extern "C" fn(*const MessageException) -> *const c_char,
    ),
}

macro_rules! message_exception {
    ($table:ident, $symbol:literal, $destructor:literal, $complete_destructor:literal, $what:literal) => {
        #[cfg_attr(not(test), unsafe(export_name = $symbol))]
        static $table: VirtualTable = VirtualTable {
            offset_to_top: 0,
            type_information: 0,
            functions: (release_message, release_and_delete, message),
        };
        const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = $destructor))]
            unsafe extern "C" fn base(exception: *mut MessageException) {
                // SAFETY: C++ destroys an exception object.
                unsafe { release_message(exception) }
            }
            #[cfg_attr(not(test), unsafe(export_name = $complete_destructor))]
            unsafe extern "C" fn complete(exception: *mut MessageException) {
                // SAFETY: C++ destroys an exception object.
                unsafe { release_message(exception) }
            }
            #[cfg_attr(not(test), unsafe(export_name = $what))]
            unsafe extern "C" fn what(exception: *const MessageException) -> *const c_char {
                // SAFETY: C++ asks an exception object.
                unsafe { message(exception) }
            }
        };
    };
}

message_exception!(
    LOGIC_ERROR,
    "_ZTVSt11logic_error",
    "_ZNSt11logic_errorD2Ev",
    "_ZNSt11logic_errorD1Ev",
    "_ZNKSt11logic_error4whatEv"
);
message_exception!(
    RUNTIME_ERROR,
    "_ZTVSt13runtime_error",
    "_ZNSt13runtime_errorD2Ev",
    "_ZNSt13runtime_errorD1Ev",
    "_ZNKSt13runtime_error4whatEv"
);

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __cxa_current_primary_exception() -> *mut c_void {
    core::ptr::null_mut()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __cxa_increment_exception_refcount(_exception: *mut c_void) {}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __cxa_decrement_exception_refcount(_exception: *mut c_void) {}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __cxa_uncaught_exceptions() -> u32 {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __cxa_rethrow_primary_exception(_exception: *mut c_void) -> ! {
    platform().abort("an exception was rethrown in a build without exceptions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_freed_by_its_last_owner() {
        crate::platform::test_platform::install();
        let header_size = size_of::<StringHeader>();
        let block = crate::heap::malloc(header_size + 6).cast::<u8>();
        // SAFETY: the block holds a header and six characters.
        unsafe {
            block.cast::<StringHeader>().write(StringHeader {
                length: 5,
                capacity: 5,
                count: 1,
            });
            core::ptr::copy_nonoverlapping(c"hello".as_ptr().cast(), block.add(header_size), 6);
            let mut exception = MessageException {
                table: (&raw const LOGIC_ERROR.functions).cast(),
                message: block.add(header_size).cast(),
            };
            assert_eq!(
                core::ffi::CStr::from_ptr(message(&raw const exception)),
                c"hello"
            );
            release_message(&raw mut exception);
            assert_eq!((*block.cast::<StringHeader>()).count, 0);
            release_message(&raw mut exception);
            assert!(!exception.table.is_null());
        }
    }
}
