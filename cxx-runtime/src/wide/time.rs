//! `wcsftime` (C11 7.29.5.1).

use alloc::vec::Vec;

use super::{Decoder, ENCODED_BYTES, encode_any, units};
use crate::posix::{Tm, format_time};

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn wcsftime(
    place: *mut u32,
    size: usize,
    format: *const u32,
    time: *const Tm,
) -> usize {
    // SAFETY: the caller passes a format that ends with a zero, a time, and room for `size` characters.
    unsafe {
        let mut bytes = Vec::new();
        let mut buffer = [0; ENCODED_BYTES];
        for unit in units(format) {
            bytes.extend_from_slice(encode_any(*unit, &mut buffer));
        }
        let mut text = Vec::new();
        format_time(&bytes, &*time, &mut text);
        let characters: Vec<u32> = Decoder::of_any(&text).collect();
        if characters.len() >= size {
            return 0;
        }
        core::ptr::copy_nonoverlapping(characters.as_ptr(), place, characters.len());
        *place.add(characters.len()) = 0;
        characters.len()
    }
}
