//! C's functions of blocks and strings, for the processor at hand: calls go through a table, which is that of every
//! x86-64 until [`choose`] has looked.
//!
//! None calls another by its name of C: the optimiser knows these, and makes of a `stpcpy` whose result nobody needs a
//! `strcpy`, also within `strcpy`.

use core::ffi::{c_char, c_int, c_void};

use bareflow_blocks::{Functions, Processor, Variant};

use crate::heap;
use crate::posix::single_thread_cell::SingleThreadCell;

static FUNCTIONS: SingleThreadCell<Functions> = SingleThreadCell::new(Functions::of(Variant::Sse2));

/// Takes the functions for a processor from now on.
pub(crate) fn choose(processor: Processor) {
    FUNCTIONS.set(Functions::of(processor.into()));
}

/// The table.
fn functions() -> &'static Functions {
    // SAFETY: it is changed once, before anybody has a reference.
    unsafe { &*FUNCTIONS.get() }
}

/// Exports functions that have the parameters of one in the table, or give it others.
macro_rules! passed_on {
    ($($name:ident($($parameter:ident: $type:ty),*) -> $result:ty = $entry:ident($($argument:expr),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            pub(crate) unsafe extern "C" fn $name($($parameter: $type),*) -> $result {
                // SAFETY: the caller's promises are those of the function in the table.
                unsafe { (functions().$entry)($($argument),*) }
            }
        )*
    };
}

passed_on! {
    memcpy(to: *mut c_void, from: *const c_void, size: usize) -> *mut c_void = copy(to, from, size);
    memmove(to: *mut c_void, from: *const c_void, size: usize) -> *mut c_void = copy(to, from, size);
    memset(to: *mut c_void, byte: c_int, size: usize) -> *mut c_void = fill(to, byte, size);
    memcmp(first: *const c_void, second: *const c_void, size: usize) -> c_int = compare(first, second, size);
    bcmp(first: *const c_void, second: *const c_void, size: usize) -> c_int = compare(first, second, size);
    memchr(block: *const c_void, byte: c_int, size: usize) -> *const c_void = find(block, byte, size);
    rawmemchr(block: *const c_void, byte: c_int) -> *const c_void = find(block, byte, usize::MAX);
    memrchr(block: *const c_void, byte: c_int, size: usize) -> *const c_void = find_last(block, byte, size);
    strlen(text: *const c_char) -> usize = length(text);
    strnlen(text: *const c_char, size: usize) -> usize = length_within(text, size);
    strchr(text: *const c_char, character: c_int) -> *const c_char = find_character(text, character);
    index(text: *const c_char, character: c_int) -> *const c_char = find_character(text, character);
    strchrnul(text: *const c_char, character: c_int) -> *const c_char = find_character_or_end(text, character);
    strrchr(text: *const c_char, character: c_int) -> *const c_char = find_last_character(text, character);
    rindex(text: *const c_char, character: c_int) -> *const c_char = find_last_character(text, character);
    strcmp(first: *const c_char, second: *const c_char) -> c_int = compare_strings(first, second);
    strcoll(first: *const c_char, second: *const c_char) -> c_int = compare_strings(first, second);
    strncmp(first: *const c_char, second: *const c_char, size: usize) -> c_int =
        compare_strings_within(first, second, size);
    stpcpy(to: *mut c_char, from: *const c_char) -> *mut c_char = copy_string(to, from);
    strcspn(text: *const c_char, bytes: *const c_char) -> usize = span_without(text, bytes);
    strspn(text: *const c_char, bytes: *const c_char) -> usize = span_with(text, bytes);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mempcpy(to: *mut c_void, from: *const c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller's promises are those of `memcpy`.
    unsafe { (functions().copy)(to, from, size).byte_add(size) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bcopy(from: *const c_void, to: *mut c_void, size: usize) {
    // SAFETY: the caller's promises are those of `memmove`.
    unsafe { (functions().copy)(to, from, size) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bzero(to: *mut c_void, size: usize) {
    // SAFETY: the caller's promises are those of `memset`.
    unsafe { (functions().fill)(to, 0, size) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strcpy(to: *mut c_char, from: *const c_char) -> *mut c_char {
    // SAFETY: the caller's promises are those of `stpcpy`.
    unsafe { (functions().copy_string)(to, from) };
    to
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strcat(to: *mut c_char, from: *const c_char) -> *mut c_char {
    // SAFETY: the caller passes C strings, and room for both.
    unsafe { (functions().copy_string)(to.add((functions().length)(to)), from) };
    to
}

/// Copies at most `size` bytes of a string, without a zero; returns how many.
unsafe fn copy_within(to: *mut c_char, from: *const c_char, size: usize) -> usize {
    // SAFETY: the caller passes a C string, or one of `size` bytes, and as much room.
    unsafe {
        let length = (functions().length_within)(from, size);
        (functions().copy)(to.cast(), from.cast(), length);
        length
    }
}

/// The same with zeros up to the size; returns where they begin.
unsafe fn copy_and_fill(to: *mut c_char, from: *const c_char, size: usize) -> *mut c_char {
    // SAFETY: the caller gives room for `size` bytes.
    unsafe {
        let length = copy_within(to, from, size);
        let end = to.add(length);
        (functions().fill)(end.cast(), 0, size - length);
        end
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn stpncpy(to: *mut c_char, from: *const c_char, size: usize) -> *mut c_char {
    // SAFETY: the caller passes a C string, or one of `size` bytes, and as much room.
    unsafe { copy_and_fill(to, from, size) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strncpy(to: *mut c_char, from: *const c_char, size: usize) -> *mut c_char {
    // SAFETY: as above.
    unsafe { copy_and_fill(to, from, size) };
    to
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strncat(to: *mut c_char, from: *const c_char, size: usize) -> *mut c_char {
    // SAFETY: the caller passes a C string with room for `size` bytes more and a zero.
    unsafe {
        let end = to.add((functions().length)(to));
        let length = copy_within(end, from, size);
        *end.add(length) = 0;
    }
    to
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strpbrk(text: *const c_char, bytes: *const c_char) -> *const c_char {
    // SAFETY: the caller passes C strings.
    unsafe {
        let found = text.add((functions().span_without)(text, bytes));
        if *found == 0 {
            core::ptr::null()
        } else {
            found
        }
    }
}

/// A copy of the first `length` bytes, with a zero behind them; null without memory.
unsafe fn duplicate(text: *const c_char, length: usize) -> *mut c_char {
    let copy = heap::malloc(length + 1).cast::<c_char>();
    if !copy.is_null() {
        // SAFETY: the block is that large, and the caller's text too.
        unsafe {
            (functions().copy)(copy.cast(), text.cast(), length);
            *copy.add(length) = 0;
        }
    }
    copy
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strdup(text: *const c_char) -> *mut c_char {
    // SAFETY: the caller passes a C string.
    unsafe { duplicate(text, (functions().length)(text)) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strndup(text: *const c_char, size: usize) -> *mut c_char {
    // SAFETY: the caller passes a C string, or one of `size` bytes.
    unsafe { duplicate(text, (functions().length_within)(text, size)) }
}

/// Order is that of the bytes, in every locale.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strxfrm(to: *mut c_char, from: *const c_char, size: usize) -> usize {
    // SAFETY: the caller passes a C string, and room for `size` bytes.
    unsafe {
        let length = (functions().length)(from);
        if length < size {
            (functions().copy)(to.cast(), from.cast(), length + 1);
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cstr;

    #[test]
    fn copies_are_cut_filled_and_ended_as_c_says() {
        let mut buffer = [0x7e_u8; 12];
        let place = buffer.as_mut_ptr().cast::<c_char>();
        // SAFETY: the sizes are within the buffer.
        unsafe {
            assert_eq!(strncpy(place, c"abc".as_ptr(), 6), place);
            assert_eq!(&buffer[..8], b"abc\0\0\0~~");
            assert_eq!(stpncpy(place, c"abcdef".as_ptr(), 3), place.add(3));
            assert_eq!(&buffer[..5], b"abc\0\0");
            assert_eq!(strncat(place, c"defgh".as_ptr(), 2), place);
            assert_eq!(&buffer[..7], b"abcde\0~");
            assert_eq!(strcat(place, c"fg".as_ptr()), place);
            assert_eq!(&buffer[..9], b"abcdefg\0~");
            assert_eq!(strcpy(place, c"".as_ptr()), place);
            assert_eq!(&buffer[..3], b"\0bc");
            assert_eq!(
                mempcpy(place.cast(), c"xy".as_ptr().cast(), 2),
                place.add(2).cast()
            );
            bzero(place.add(1).cast(), 2);
            assert_eq!(&buffer[..4], b"x\0\0d");
            bcopy(place.add(3).cast(), place.add(2).cast(), 3);
            assert_eq!(&buffer[..6], b"x\0deff");
        }
    }

    #[test]
    fn sets_and_duplicates() {
        crate::platform::test_platform::install();
        let text = c"a, b";
        // SAFETY: the arguments are C strings.
        unsafe {
            assert_eq!(strpbrk(text.as_ptr(), c" ,".as_ptr()), text.as_ptr().add(1));
            assert!(strpbrk(text.as_ptr(), c"xyz".as_ptr()).is_null());
            let copy = strndup(text.as_ptr(), 2);
            assert_eq!(cstr::bytes(copy), b"a,");
            heap::free(copy.cast());
            let copy = strdup(text.as_ptr());
            assert_eq!(cstr::bytes(copy), b"a, b");
            assert_eq!(strxfrm(copy, c"xyz".as_ptr(), 3), 3);
            assert_eq!(cstr::bytes(copy), b"a, b");
            assert_eq!(strxfrm(copy, c"xyz".as_ptr(), 4), 3);
            assert_eq!(cstr::bytes(copy), b"xyz");
            heap::free(copy.cast());
        }
    }
}
