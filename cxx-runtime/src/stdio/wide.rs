//! Input and output of wide characters (C11 7.29.3). Files hold UTF-8.

use core::ffi::c_int;

use super::stream::{EOF, FileStream, standard_input, standard_output};
use crate::errno;
use crate::wide::{ENCODED_BYTES, WEOF, encode, units};

impl FileStream {
    /// The next wide character; what is no UTF-8 is an error of the stream.
    pub(super) fn next_wide(&self) -> Option<u32> {
        let mut state = self.wide_state.take();
        loop {
            let Some(byte) = self.next_byte() else {
                if !state.is_initial() {
                    // The file ends within a character.
                    errno::set(errno::EILSEQ);
                    self.fail();
                }
                return None;
            };
            match state.push(byte) {
                Ok(Some(unit)) => return Some(unit),
                Ok(None) => {}
                Err(()) => {
                    errno::set(errno::EILSEQ);
                    self.fail();
                    return None;
                }
            }
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fwide(stream: &FileStream, orientation: c_int) -> c_int {
    stream.orient(orientation)
}

macro_rules! same {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty { $call:expr })*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($($argument: $type),*) -> $result {
                $call
            }
        )*
    };
}

fn put(unit: u32, stream: &FileStream) -> u32 {
    stream.orient(1);
    let mut buffer = [0; ENCODED_BYTES];
    let Some(bytes) = encode(unit, &mut buffer) else {
        errno::set(errno::EILSEQ);
        stream.fail();
        return WEOF;
    };
    if stream.write(bytes) == bytes.len() {
        unit
    } else {
        WEOF
    }
}

fn get(stream: &FileStream) -> u32 {
    stream.orient(1);
    stream.next_wide().unwrap_or(WEOF)
}

same! {
    fputwc(unit: u32, stream: &FileStream) -> u32 { put(unit, stream) }
    putwc(unit: u32, stream: &FileStream) -> u32 { put(unit, stream) }
    putwchar(unit: u32) -> u32 { put(unit, standard_output()) }
    fputwc_unlocked(unit: u32, stream: &FileStream) -> u32 { put(unit, stream) }
    putwc_unlocked(unit: u32, stream: &FileStream) -> u32 { put(unit, stream) }
    putwchar_unlocked(unit: u32) -> u32 { put(unit, standard_output()) }
    fgetwc(stream: &FileStream) -> u32 { get(stream) }
    getwc(stream: &FileStream) -> u32 { get(stream) }
    getwchar() -> u32 { get(standard_input()) }
    fgetwc_unlocked(stream: &FileStream) -> u32 { get(stream) }
    getwc_unlocked(stream: &FileStream) -> u32 { get(stream) }
    getwchar_unlocked() -> u32 { get(standard_input()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ungetwc(unit: u32, stream: &FileStream) -> u32 {
    stream.orient(1);
    let mut buffer = [0; ENCODED_BYTES];
    match encode(unit, &mut buffer) {
        Some(bytes) if stream.push_back(bytes) => unit,
        _ => WEOF,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fputws(text: *const u32, stream: &FileStream) -> c_int {
    // SAFETY: the caller passes a text that ends with a zero.
    let went_well = unsafe { units(text) }
        .iter()
        .all(|unit| put(*unit, stream) != WEOF);
    if went_well { 1 } else { EOF }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fgetws(buffer: *mut u32, size: c_int, stream: &FileStream) -> *mut u32 {
    stream.orient(1);
    let Some(room) = usize::try_from(size)
        .ok()
        .and_then(|size| size.checked_sub(1))
    else {
        return core::ptr::null_mut();
    };
    let mut used = 0;
    while used < room {
        let Some(unit) = stream.next_wide() else {
            if used == 0 || stream.has_failed() {
                return core::ptr::null_mut();
            }
            break;
        };
        // SAFETY: the caller gives `size` characters.
        unsafe { *buffer.add(used) = unit };
        used += 1;
        if unit == u32::from(b'\n') {
            break;
        }
    }
    // SAFETY: `used` is below `size`.
    unsafe { *buffer.add(used) = 0 };
    buffer
}
