//! `mntent.h`: a table of file systems in a file, such as `/etc/fstab`.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use super::single_thread_cell::SingleThreadCell;
use crate::cstr;

/// `struct mntent`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Entry {
    texts: [*mut c_char; 4],
    frequency: c_int,
    pass: c_int,
}

unsafe extern "C" {
    fn fopen(path: *const c_char, mode: *const c_char) -> *mut c_void;
    fn fclose(stream: *mut c_void) -> c_int;
    fn fgets(buffer: *mut c_char, size: c_int, stream: *mut c_void) -> *mut c_char;
    fn fputs(text: *const c_char, stream: *mut c_void) -> c_int;
    fn fseek(stream: *mut c_void, offset: i64, whence: c_int) -> c_int;
    fn fflush(stream: *mut c_void) -> c_int;
}

const LINE_BYTES: usize = 4096;

static ENTRY: SingleThreadCell<Entry> = SingleThreadCell::new(Entry {
    texts: [ptr::null_mut(); 4],
    frequency: 0,
    pass: 0,
});
static LINE: SingleThreadCell<[c_char; LINE_BYTES]> = SingleThreadCell::new([0; LINE_BYTES]);

/// What stands for bytes that would end a field.
const ESCAPES: [(&[u8], u8); 4] = [
    (b"\\040", b' '),
    (b"\\011", b'\t'),
    (b"\\012", b'\n'),
    (b"\\134", b'\\'),
];

fn unescaped(mut field: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((first, rest)) = field.split_first() {
        let escape = ESCAPES.iter().find(|(code, _)| field.starts_with(code));
        match escape {
            Some((code, byte)) => {
                text.push(*byte);
                field = &field[code.len()..];
            }
            None => {
                text.push(*first);
                field = rest;
            }
        }
    }
    text
}

fn escaped(text: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    for byte in text {
        match ESCAPES.iter().find(|(_, known)| known == byte) {
            Some((code, _)) => field.extend_from_slice(code),
            None => field.push(*byte),
        }
    }
    field
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn setmntent(path: *const c_char, mode: *const c_char) -> *mut c_void {
    // SAFETY: the caller passes C strings.
    unsafe { fopen(path, mode) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn endmntent(stream: *mut c_void) -> c_int {
    if !stream.is_null() {
        // SAFETY: the caller passes an open stream.
        unsafe { fclose(stream) };
    }
    1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getmntent_r(
    stream: *mut c_void,
    entry: *mut Entry,
    buffer: *mut c_char,
    size: c_int,
) -> *mut Entry {
    loop {
        // SAFETY: the caller passes an open stream and `size` bytes.
        let line = unsafe {
            if fgets(buffer, size, stream).is_null() {
                return ptr::null_mut();
            }
            cstr::bytes(buffer).to_vec()
        };
        let fields: Vec<&[u8]> = line
            .split(|byte| byte.is_ascii_whitespace())
            .filter(|field| !field.is_empty())
            .collect();
        if fields.first().is_none_or(|field| field.starts_with(b"#")) {
            continue;
        }
        let number = |index: usize| {
            let digits = fields.get(index).copied().unwrap_or(b"0");
            core::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0)
        };
        let mut texts = [ptr::null_mut(); 4];
        let mut used = 0;
        for (index, place) in texts.iter_mut().enumerate() {
            let text = unescaped(fields.get(index).copied().unwrap_or(b""));
            let room = (size as usize).saturating_sub(used);
            // SAFETY: the place lies in the buffer; fields that the line does not have take a byte of those that
            // separate the others, or are cut.
            unsafe {
                *place = buffer.add(used.min(size as usize - 1));
                cstr::store(&text, *place, room.max(1));
            }
            used += text.len() + 1;
        }
        // SAFETY: the caller gives a place for the entry.
        unsafe {
            *entry = Entry {
                texts,
                frequency: number(4),
                pass: number(5),
            };
        }
        return entry;
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getmntent(stream: *mut c_void) -> *mut Entry {
    // SAFETY: the caller passes an open stream; the places have their sizes.
    unsafe { getmntent_r(stream, ENTRY.get(), LINE.get().cast(), LINE_BYTES as c_int) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn addmntent(stream: *mut c_void, entry: *const Entry) -> c_int {
    const SEEK_END: c_int = 2;
    let mut line = Vec::new();
    // SAFETY: the caller passes an open stream and an entry whose texts are C strings.
    unsafe {
        for text in (*entry).texts {
            line.extend(escaped(cstr::bytes(text)));
            line.push(b' ');
        }
        line.extend(alloc::format!("{} {}\n\0", (*entry).frequency, (*entry).pass).into_bytes());
        let is_written = fseek(stream, 0, SEEK_END) == 0
            && fputs(line.as_ptr().cast(), stream) >= 0
            && fflush(stream) == 0;
        c_int::from(!is_written)
    }
}

/// Where the option is in an entry's list, whole.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn hasmntopt(entry: *const Entry, option: *const c_char) -> *mut c_char {
    // SAFETY: the caller passes an entry whose texts are C strings, and a C string.
    unsafe {
        let list = (*entry).texts[3];
        let wanted = CStr::from_ptr(option).to_bytes();
        let mut start = 0;
        for part in cstr::bytes(list).split(|byte| *byte == b',') {
            let name = part.split(|byte| *byte == b'=').next().unwrap_or(b"");
            if part == wanted || name == wanted {
                return list.add(start);
            }
            start += part.len() + 1;
        }
        ptr::null_mut()
    }
}
