//! `err`, `warn` and `syslog`: lines on standard error.

use alloc::string::String;
use core::ffi::{c_char, c_int, c_void};

use super::single_thread_cell::SingleThreadCell;
use super::system::write_error;
use crate::cstr;
use crate::errno;
use crate::heap;
use crate::termination::{Termination, terminate};

/// The name that the program was started by.
#[cfg_attr(not(test), unsafe(export_name = "program_invocation_name"))]
static NAME: SingleThreadCell<*const c_char> = SingleThreadCell::new(c"".as_ptr());
#[cfg_attr(not(test), unsafe(export_name = "program_invocation_short_name"))]
static SHORT_NAME: SingleThreadCell<*const c_char> = SingleThreadCell::new(c"".as_ptr());
#[cfg_attr(not(test), unsafe(export_name = "__progname"))]
static PROGRAM_NAME: SingleThreadCell<*const c_char> = SingleThreadCell::new(c"".as_ptr());

/// Takes the program's name from its first argument.
///
/// # Safety
/// `name` must be null or a C string that lives as long as the program.
pub(super) unsafe fn set_program_name(name: *const c_char) {
    let name = if name.is_null() { c"".as_ptr() } else { name };
    // SAFETY: it is a C string, and the place behind the slash is within it.
    let short = unsafe {
        let text = cstr::bytes(name);
        let start = text
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |slash| slash + 1);
        name.add(start)
    };
    NAME.set(name);
    SHORT_NAME.set(short);
    PROGRAM_NAME.set(short);
}

/// The name that the program was started by.
pub(super) fn program_name() -> String {
    // SAFETY: it is a C string.
    String::from_utf8_lossy(unsafe { cstr::bytes(NAME.read()) }).into_owned()
}

unsafe extern "C" {
    fn vasprintf(result: *mut *mut c_char, format: *const c_char, arguments: *mut c_void) -> c_int;
}

/// Prints the prefix, the formatted text if there is one, the error's text if there is one, and the line's end.
///
/// # Safety
/// `format` must be null or a format, and the arguments must match it.
pub(super) unsafe fn print_line(
    prefix: &str,
    format: *const c_char,
    arguments: *mut c_void,
    error: Option<c_int>,
) {
    let mut text: *mut c_char = core::ptr::null_mut();
    // SAFETY: the caller's promise.
    if !format.is_null() && unsafe { vasprintf(&raw mut text, format, arguments) } < 0 {
        text = core::ptr::null_mut();
    }
    // SAFETY: the text is a C string or null, and so are the messages of errors.
    unsafe {
        let body = if text.is_null() {
            b""
        } else {
            cstr::bytes(text)
        };
        let message = error.map(errno::text);
        let separator: &[u8] = if message.is_some() && !format.is_null() {
            b": "
        } else {
            b""
        };
        let message = message.unwrap_or(b"");
        // A line is not ended twice.
        let end: &[u8] = if message.is_empty() && body.ends_with(b"\n") {
            b""
        } else {
            b"\n"
        };
        write_error(&[prefix.as_bytes(), body, separator, message, end]);
        heap::free(text.cast());
    }
}

unsafe fn print(format: *const c_char, arguments: *mut c_void, error: Option<c_int>) {
    // SAFETY: the name is a C string; the caller's promise.
    unsafe {
        let name = cstr::bytes(SHORT_NAME.read());
        let prefix = alloc::format!("{}: ", String::from_utf8_lossy(name));
        print_line(&prefix, format, arguments, error);
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vwarn(format: *const c_char, arguments: *mut c_void) {
    // SAFETY: the caller passes a format and its arguments.
    unsafe { print(format, arguments, Some(errno::get())) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vwarnx(format: *const c_char, arguments: *mut c_void) {
    // SAFETY: the caller passes a format and its arguments.
    unsafe { print(format, arguments, None) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn verr(status: c_int, format: *const c_char, arguments: *mut c_void) -> ! {
    // SAFETY: the caller passes a format and its arguments.
    unsafe { print(format, arguments, Some(errno::get())) };
    terminate(Termination::Exit(status))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn verrx(status: c_int, format: *const c_char, arguments: *mut c_void) -> ! {
    // SAFETY: the caller passes a format and its arguments.
    unsafe { print(format, arguments, None) };
    terminate(Termination::Exit(status))
}
