//! The environment: what the bundle says, as `environ` that the program may change.
//!
//! The program may also assign to `environ` or change the array that it leads to. Every function looks at what is
//! there; the first change after an assignment copies the array.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use super::single_thread_cell::SingleThreadCell;
use crate::errno::{self, fail};
use crate::runtime::platform;
use crate::{arena, cstr, heap};

#[cfg_attr(not(test), unsafe(export_name = "environ"))]
static ENVIRON: SingleThreadCell<*mut *mut c_char> = SingleThreadCell::new(ptr::null_mut());

/// The array of our own, with its null pointer at the end.
static ARRAY: SingleThreadCell<Vec<*mut c_char>> = SingleThreadCell::new(Vec::new());

/// The strings that `setenv` made: they are freed when they leave the environment.
static OWN: SingleThreadCell<Vec<*mut c_char>> = SingleThreadCell::new(Vec::new());

/// A C string of the C heap, or null.
fn copy_of(parts: &[&[u8]]) -> *mut c_char {
    let size = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
    let block = heap::malloc(size).cast::<u8>();
    if block.is_null() {
        return ptr::null_mut();
    }
    let mut end = block;
    for part in parts {
        // SAFETY: the block has room for all parts and the zero.
        unsafe {
            ptr::copy_nonoverlapping(part.as_ptr(), end, part.len());
            end = end.add(part.len());
        }
    }
    // SAFETY: as above.
    unsafe { *end = 0 };
    block.cast()
}

/// The environment of a program that starts: that of the platform.
pub(crate) fn reset() -> *mut *mut c_char {
    OWN.with(Vec::clear);
    let entries = platform()
        .environment_entries()
        .iter()
        .map(|(name, value)| copy_of(&[name.as_bytes(), b"=", value.to_bytes()]))
        .filter(|entry| !entry.is_null());
    let mut array: Vec<*mut c_char> = entries.collect();
    array.push(ptr::null_mut());
    install(array)
}

fn install(array: Vec<*mut c_char>) -> *mut *mut c_char {
    ARRAY.set(array);
    let start = ARRAY.with(|array| array.as_mut_ptr());
    ENVIRON.set(start);
    start
}

/// The entries of `environ` as it is.
fn entries() -> impl Iterator<Item = *mut c_char> {
    let mut next = ENVIRON.read();
    core::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: `environ` leads to an array that a null pointer ends.
        unsafe {
            let entry = *next;
            next = next.add(1);
            (!entry.is_null()).then_some(entry)
        }
    })
}

/// The value, if the entry is of this name.
///
/// # Safety
/// `entry` must be a C string.
unsafe fn value_in(entry: *mut c_char, name: &[u8]) -> Option<*mut c_char> {
    // SAFETY: the caller passes a C string; the value starts behind the name and the sign.
    unsafe {
        let text = cstr::bytes(entry);
        (text.get(name.len()) == Some(&b'=') && text.starts_with(name))
            .then(|| entry.add(name.len() + 1))
    }
}

fn find(name: &[u8]) -> Option<*mut c_char> {
    // SAFETY: the entries are C strings.
    entries().find_map(|entry| unsafe { value_in(entry, name) })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn getenv(name: *const c_char) -> *mut c_char {
    // SAFETY: the caller passes a C string.
    let name = unsafe { cstr::bytes(name) };
    // A compiler asks for its own settings, not for the program's.
    if ENVIRON.read().is_null() || arena::is_selected() {
        let value = core::str::from_utf8(name)
            .ok()
            .and_then(|name| platform().environment(name));
        return value.map_or(ptr::null(), CStr::as_ptr).cast_mut();
    }
    find(name).unwrap_or(ptr::null_mut())
}

/// No program runs with rights that its user does not have.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn secure_getenv(name: *const c_char) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { getenv(name) }
}

/// Puts `entry` (null: nothing) in the place of the entries of this name.
fn replace(name: &[u8], entry: *mut c_char) {
    let mut array: Vec<*mut c_char> = Vec::new();
    let mut is_placed = entry.is_null();
    for old in entries() {
        // SAFETY: the entries are C strings.
        if unsafe { value_in(old, name) }.is_none() {
            array.push(old);
            continue;
        }
        if !is_placed {
            array.push(entry);
            is_placed = true;
        }
        if old != entry {
            release(old);
        }
    }
    if !is_placed {
        array.push(entry);
    }
    array.push(ptr::null_mut());
    install(array);
}

/// Frees a string that `setenv` made.
fn release(entry: *mut c_char) {
    let index = OWN.with(|own| own.iter().position(|known| *known == entry));
    if let Some(index) = index {
        OWN.with(|own| own.swap_remove(index));
        // SAFETY: it came from the C heap, and nothing in the environment leads to it any more.
        unsafe { heap::free(entry.cast()) };
    }
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && !name.contains(&b'=')
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn setenv(name: *const c_char, value: *const c_char, overwrite: c_int) -> c_int {
    if name.is_null() {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller passes C strings.
    let (name, value) = unsafe { (cstr::bytes(name), cstr::bytes(value)) };
    if !is_name(name) {
        return fail(errno::EINVAL);
    }
    if overwrite == 0 && find(name).is_some() {
        return 0;
    }
    let entry = copy_of(&[name, b"=", value]);
    if entry.is_null() {
        return fail(errno::ENOMEM);
    }
    OWN.with(|own| own.push(entry));
    replace(name, entry);
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn unsetenv(name: *const c_char) -> c_int {
    if name.is_null() {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller passes a C string.
    let name = unsafe { cstr::bytes(name) };
    if !is_name(name) {
        return fail(errno::EINVAL);
    }
    if find(name).is_some() {
        replace(name, ptr::null_mut());
    }
    0
}

/// The string itself becomes part of the environment; one without `=` takes the variable away, as in glibc.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn putenv(entry: *mut c_char) -> c_int {
    // SAFETY: the caller passes a C string.
    let text = unsafe { cstr::bytes(entry) };
    match text.iter().position(|byte| *byte == b'=') {
        Some(0) => fail(errno::EINVAL),
        Some(length) => {
            replace(&text[..length], entry);
            0
        }
        // SAFETY: the caller's promise.
        None => unsafe { unsetenv(entry) },
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn clearenv() -> c_int {
    for entry in OWN.with(core::mem::take) {
        // SAFETY: it came from the C heap, and the environment is emptied.
        unsafe { heap::free(entry.cast()) };
    }
    install(alloc::vec![ptr::null_mut()]);
    0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::platform::test_platform;
    use std::sync::{Mutex, PoisonError};

    /// Tests of what depends on the environment run one after another.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// Runs `test` with these variables.
    pub(crate) fn with_environment(variables: &[(&CStr, &CStr)], test: impl FnOnce()) {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        test_platform::install();
        clearenv();
        for (name, value) in variables {
            // SAFETY: both are C strings.
            assert_eq!(unsafe { setenv(name.as_ptr(), value.as_ptr(), 1) }, 0);
        }
        test();
    }

    fn get(name: &CStr) -> Option<String> {
        // SAFETY: the name is a C string.
        let value = unsafe { getenv(name.as_ptr()) };
        if value.is_null() {
            return None;
        }
        // SAFETY: a value is a C string.
        let value = unsafe { CStr::from_ptr(value) };
        Some(value.to_string_lossy().into_owned())
    }

    #[test]
    fn variables_are_set_replaced_and_removed() {
        with_environment(&[(c"A", c"1"), (c"AB", c"2")], || {
            // SAFETY: all are C strings that live long enough.
            unsafe {
                assert_eq!(get(c"A").as_deref(), Some("1"));
                assert_eq!(setenv(c"A".as_ptr(), c"3".as_ptr(), 0), 0);
                assert_eq!(get(c"A").as_deref(), Some("1"));
                assert_eq!(setenv(c"A".as_ptr(), c"3".as_ptr(), 1), 0);
                assert_eq!(get(c"A").as_deref(), Some("3"));
                assert_eq!(setenv(c"A=".as_ptr(), c"3".as_ptr(), 1), -1);
                assert_eq!(setenv(c"".as_ptr(), c"3".as_ptr(), 1), -1);
                assert_eq!(putenv(c"AB=x=y".as_ptr().cast_mut()), 0);
                assert_eq!(get(c"AB").as_deref(), Some("x=y"));
                assert_eq!(unsetenv(c"A".as_ptr()), 0);
                assert_eq!(get(c"A"), None);
                assert_eq!(entries().count(), 1);
                assert_eq!(putenv(c"AB".as_ptr().cast_mut()), 0);
                assert_eq!(entries().count(), 0);
            }
        });
    }

    #[test]
    fn an_array_of_the_program_is_taken_over() {
        with_environment(&[], || {
            let mut array = [c"P=q".as_ptr().cast_mut(), ptr::null_mut()];
            ENVIRON.set(array.as_mut_ptr());
            assert_eq!(get(c"P").as_deref(), Some("q"));
            // SAFETY: both are C strings.
            unsafe { assert_eq!(setenv(c"R".as_ptr(), c"s".as_ptr(), 1), 0) };
            assert_eq!(get(c"P").as_deref(), Some("q"));
            assert_eq!(get(c"R").as_deref(), Some("s"));
            ENVIRON.set(ptr::null_mut());
            assert_eq!(entries().count(), 0);
        });
    }
}
