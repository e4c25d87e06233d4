//! GNU's `error` and `error_at_line`.

use alloc::format;
use alloc::string::String;
use core::ffi::{c_char, c_int, c_uint, c_void};

use super::messages::{print_line, program_name};
use super::single_thread_cell::SingleThreadCell;
use crate::cstr;
use crate::termination::{Termination, terminate};

#[cfg_attr(not(test), unsafe(export_name = "error_message_count"))]
static COUNT: SingleThreadCell<c_uint> = SingleThreadCell::new(0);
#[cfg_attr(not(test), unsafe(export_name = "error_one_per_line"))]
static ONE_PER_LINE: SingleThreadCell<c_int> = SingleThreadCell::new(0);
/// What prints the program's name instead, if the program has set it.
#[cfg_attr(not(test), unsafe(export_name = "error_print_progname"))]
static PRINT_NAME: SingleThreadCell<Option<extern "C" fn()>> = SingleThreadCell::new(None);
/// Where the last message of `error_at_line` was about.
static LAST: SingleThreadCell<(*const c_char, c_uint)> =
    SingleThreadCell::new((core::ptr::null(), 0));

/// # Safety
/// The arguments must match the format.
unsafe fn report(
    place: &str,
    status: c_int,
    number: c_int,
    format: *const c_char,
    arguments: *mut c_void,
) {
    let name = match PRINT_NAME.read() {
        Some(print) => {
            print();
            String::new()
        }
        None => format!("{}:", program_name()),
    };
    let space = if place.is_empty() { " " } else { "" };
    COUNT.with(|count| *count = count.wrapping_add(1));
    // SAFETY: the caller's promise.
    unsafe {
        print_line(
            &format!("{name}{space}{place}"),
            format,
            arguments,
            (number != 0).then_some(number),
        );
    }
    if status != 0 {
        terminate(Termination::Exit(status));
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_verror(
    status: c_int,
    number: c_int,
    format: *const c_char,
    arguments: *mut c_void,
) {
    // SAFETY: the caller passes a format and its arguments.
    unsafe { report("", status, number, format, arguments) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_verror_at_line(
    status: c_int,
    number: c_int,
    file: *const c_char,
    line: c_uint,
    format: *const c_char,
    arguments: *mut c_void,
) {
    // SAFETY: the caller passes C strings or null, and a format with its arguments.
    unsafe {
        let text = |file: *const c_char| (!file.is_null()).then(|| cstr::bytes(file));
        let (last_file, last_line) = LAST.read();
        if ONE_PER_LINE.read() != 0 && last_line == line && text(last_file) == text(file) {
            return;
        }
        LAST.set((file, line));
        let place = text(file).map_or_else(
            || String::from(" "),
            |file| format!("{}:{line}: ", String::from_utf8_lossy(file)),
        );
        report(&place, status, number, format, arguments);
    }
}
