//! The entry points of formatted output and input that take a list of arguments.

use core::ffi::{c_char, c_int};

use alloc::vec::Vec;

use super::print::{Characters, Sink, print};
use super::scan::{Source, Text, Units, scan};
use super::stream::{FileStream, standard_input, standard_output};
use crate::arch::{PassedVaList, VaList};
use crate::cstr;
use crate::errno;
use crate::files;
use crate::heap;
use crate::wide::{self, Decoder};

/// What an entry point returns: the count, or a negative number with the error in `errno`.
fn result(printed: Result<usize, c_int>) -> c_int {
    match printed {
        Ok(count) => count as c_int,
        Err(number) => errno::fail(number),
    }
}

/// A stream takes what is printed; whether a write failed is asked at the end.
struct ToStream<'a> {
    stream: &'a FileStream,
    has_failed: bool,
}

impl Sink for ToStream<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.has_failed |= self.stream.write(bytes) < bytes.len();
    }
}

struct ToVector(Vec<u8>);

impl Sink for ToVector {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// # Safety
/// The arguments must match the format.
unsafe fn print_to(
    stream: &FileStream,
    format: &[u8],
    arguments: &mut VaList,
    characters: Characters,
) -> c_int {
    if stream.is_unbuffered() {
        // One write for all of it.
        let mut sink = ToVector(Vec::new());
        // SAFETY: the caller's promise.
        let printed = unsafe { print(&mut sink, format, arguments, characters) };
        let is_written = sink.0.is_empty() || stream.write(&sink.0) == sink.0.len();
        return if is_written { result(printed) } else { -1 };
    }
    let mut sink = ToStream {
        stream,
        has_failed: false,
    };
    // SAFETY: the caller's promise.
    let printed = unsafe { print(&mut sink, format, arguments, characters) };
    if sink.has_failed { -1 } else { result(printed) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vfprintf(
    stream: &FileStream,
    format: *const c_char,
    mut arguments: PassedVaList,
) -> c_int {
    stream.orient(-1);
    // SAFETY: the caller passes a format and matching arguments.
    unsafe {
        print_to(
            stream,
            cstr::bytes(format),
            arguments.list(),
            Characters::Bytes,
        )
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vprintf(format: *const c_char, arguments: PassedVaList) -> c_int {
    // SAFETY: the caller's promises are those of `vfprintf`.
    unsafe { vfprintf(standard_output(), format, arguments) }
}

/// The multibyte characters of a wide format.
///
/// # Safety
/// The format must end with a zero.
unsafe fn multibyte_format(format: *const u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; wide::ENCODED_BYTES];
    // SAFETY: the caller's promise.
    for unit in unsafe { wide::units(format) } {
        bytes.extend_from_slice(wide::encode_any(*unit, &mut buffer));
    }
    bytes
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vfwprintf(
    stream: &FileStream,
    format: *const u32,
    mut arguments: PassedVaList,
) -> c_int {
    stream.orient(1);
    // SAFETY: the caller passes a wide format and matching arguments.
    unsafe {
        let format = multibyte_format(format);
        print_to(stream, &format, arguments.list(), Characters::Wide)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vwprintf(format: *const u32, arguments: PassedVaList) -> c_int {
    // SAFETY: the caller's promises are those of `vfwprintf`.
    unsafe { vfwprintf(standard_output(), format, arguments) }
}

/// A caller's buffer, of which the last place is left for the zero.
struct ToBuffer {
    next: *mut u8,
    room: usize,
}

impl ToBuffer {
    /// # Safety
    /// There must be room for the bytes.
    unsafe fn advance(&mut self, count: usize) {
        // SAFETY: the caller's promise.
        self.next = unsafe { self.next.add(count) };
        self.room -= count;
    }
}

impl Sink for ToBuffer {
    fn write(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(self.room);
        // SAFETY: `room` bytes are left. The source may lie in the buffer, against C's rules.
        unsafe {
            core::ptr::copy(bytes.as_ptr(), self.next, count);
            self.advance(count);
        }
    }

    fn fill(&mut self, byte: u8, count: usize) {
        let count = count.min(self.room);
        // SAFETY: `room` bytes are left.
        unsafe {
            core::ptr::write_bytes(self.next, byte, count);
            self.advance(count);
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vsnprintf(
    buffer: *mut c_char,
    size: usize,
    format: *const c_char,
    mut arguments: PassedVaList,
) -> c_int {
    // What cannot be counted in the result is not written either (`vsprintf` passes no true size).
    let mut sink = ToBuffer {
        next: buffer.cast(),
        room: size.saturating_sub(1).min(c_int::MAX as usize),
    };
    // SAFETY: the caller passes a format and matching arguments, and `size` bytes if it is not zero.
    unsafe {
        let printed = print(
            &mut sink,
            cstr::bytes(format),
            arguments.list(),
            Characters::Bytes,
        );
        if size != 0 {
            *sink.next = 0;
        }
        result(printed)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vsprintf(
    buffer: *mut c_char,
    format: *const c_char,
    arguments: PassedVaList,
) -> c_int {
    // SAFETY: the caller says that the buffer is large enough.
    unsafe { vsnprintf(buffer, usize::MAX, format, arguments) }
}

/// A caller's buffer of wide characters, as [`ToBuffer`].
struct ToWideBuffer {
    next: *mut u32,
    room: usize,
    is_full: bool,
}

impl Sink for ToWideBuffer {
    fn write(&mut self, bytes: &[u8]) {
        for unit in Decoder::of_any(bytes) {
            if self.room == 0 {
                self.is_full = true;
                return;
            }
            // SAFETY: `room` characters are left.
            unsafe {
                *self.next = unit;
                self.next = self.next.add(1);
            }
            self.room -= 1;
        }
    }
}

/// Other than `vsnprintf`, it fails when the buffer is too small.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vswprintf(
    buffer: *mut u32,
    size: usize,
    format: *const u32,
    mut arguments: PassedVaList,
) -> c_int {
    if size == 0 {
        return errno::fail(errno::EOVERFLOW);
    }
    let mut sink = ToWideBuffer {
        next: buffer,
        room: size - 1,
        is_full: false,
    };
    // SAFETY: the caller passes a format and matching arguments, and a buffer of `size` characters.
    unsafe {
        let format = multibyte_format(format);
        let printed = print(&mut sink, &format, arguments.list(), Characters::Wide);
        *sink.next = 0;
        if sink.is_full {
            return errno::fail(errno::EOVERFLOW);
        }
        result(printed)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vdprintf(
    descriptor: c_int,
    format: *const c_char,
    mut arguments: PassedVaList,
) -> c_int {
    let mut sink = ToVector(Vec::new());
    // SAFETY: the caller passes a format and matching arguments; the rest of the vector is written.
    unsafe {
        let printed = print(
            &mut sink,
            cstr::bytes(format),
            arguments.list(),
            Characters::Bytes,
        );
        let mut rest = sink.0.as_slice();
        while printed.is_ok() && !rest.is_empty() {
            match files::write(descriptor, rest.as_ptr().cast(), rest.len()) {
                written if written > 0 => rest = &rest[written as usize..],
                _ => return -1,
            }
        }
        result(printed)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vasprintf(
    place: *mut *mut c_char,
    format: *const c_char,
    mut arguments: PassedVaList,
) -> c_int {
    let mut sink = ToVector(Vec::new());
    // SAFETY: the caller passes a format and matching arguments, and gives a place for the result.
    unsafe {
        let printed = print(
            &mut sink,
            cstr::bytes(format),
            arguments.list(),
            Characters::Bytes,
        );
        *place = core::ptr::null_mut();
        if printed.is_ok() {
            let block = heap::malloc(sink.0.len() + 1).cast::<c_char>();
            if block.is_null() {
                return -1;
            }
            cstr::store(&sink.0, block, sink.0.len() + 1);
            *place = block;
        }
        result(printed)
    }
}

/// The units of a format of bytes.
///
/// # Safety
/// The format must be a C string.
unsafe fn byte_units(format: *const c_char) -> Vec<u32> {
    // SAFETY: the caller's promise.
    unsafe { cstr::bytes(format) }
        .iter()
        .map(|byte| u32::from(*byte))
        .collect()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vsscanf(
    text: *const c_char,
    format: *const c_char,
    mut arguments: PassedVaList,
) -> c_int {
    let mut source = Text::<u8> { next: text.cast() };
    // SAFETY: the caller passes C strings and arguments that match the format.
    unsafe {
        scan(
            &mut source,
            Units::Bytes,
            &byte_units(format),
            arguments.list(),
        )
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vswscanf(
    text: *const u32,
    format: *const u32,
    mut arguments: PassedVaList,
) -> c_int {
    let mut source = Text { next: text };
    // SAFETY: the caller passes texts that end with zeros and arguments that match the format.
    unsafe {
        scan(
            &mut source,
            Units::WideCharacters,
            wide::units(format),
            arguments.list(),
        )
    }
}

struct FromStream<'a>(&'a FileStream);

impl Source for FromStream<'_> {
    fn next(&mut self) -> Option<u32> {
        self.0.next_byte().map(u32::from)
    }

    fn push_back(&mut self, unit: u32) {
        self.0.push_back(&[unit as u8]);
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vfscanf(
    stream: &FileStream,
    format: *const c_char,
    mut arguments: PassedVaList,
) -> c_int {
    stream.orient(-1);
    let mut source = FromStream(stream);
    // SAFETY: the caller passes a C string and arguments that match it.
    unsafe {
        scan(
            &mut source,
            Units::Bytes,
            &byte_units(format),
            arguments.list(),
        )
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vscanf(format: *const c_char, arguments: PassedVaList) -> c_int {
    // SAFETY: the caller's promises are those of `vfscanf`.
    unsafe { vfscanf(standard_input(), format, arguments) }
}

struct FromWideStream<'a>(&'a FileStream);

impl Source for FromWideStream<'_> {
    fn next(&mut self) -> Option<u32> {
        self.0.next_wide()
    }

    fn push_back(&mut self, unit: u32) {
        let mut buffer = [0; wide::ENCODED_BYTES];
        self.0.push_back(wide::encode_any(unit, &mut buffer));
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vfwscanf(
    stream: &FileStream,
    format: *const u32,
    mut arguments: PassedVaList,
) -> c_int {
    stream.orient(1);
    let mut source = FromWideStream(stream);
    // SAFETY: the caller passes a text that ends with a zero and arguments that match it.
    unsafe {
        scan(
            &mut source,
            Units::WideCharacters,
            wide::units(format),
            arguments.list(),
        )
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vwscanf(format: *const u32, arguments: PassedVaList) -> c_int {
    // SAFETY: the caller's promises are those of `vfwscanf`.
    unsafe { vfwscanf(standard_input(), format, arguments) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    /// What is printed of integers and pointers.
    fn printed(format: &CStr, words: &[u64]) -> String {
        crate::platform::test_platform::install();
        let mut list = VaList::on_the_stack(words);
        let mut result = core::ptr::null_mut();
        // SAFETY: the arguments match the format; the result is freed once.
        unsafe {
            let count = vasprintf(&raw mut result, format.as_ptr(), (&mut list).into());
            let text = String::from_utf8(cstr::bytes(result).to_vec()).unwrap();
            assert_eq!(usize::try_from(count), Ok(text.len()));
            heap::free(result.cast());
            text
        }
    }

    #[test]
    fn integers_are_converted_to_their_lengths_first() {
        assert_eq!(
            printed(c"%hhd %hu %d %lx", &[384, 65537, 1 << 32 | 5, 1 << 40]),
            "-128 1 5 10000000000"
        );
        assert_eq!(
            printed(c"%+.3d|%-6d|%06d|% d", &[7, 8, (-9_i64) as u64, 3]),
            "+007|8     |-00009| 3"
        );
        assert_eq!(
            printed(c"%#x %#o %#o %.0d|%p", &[255, 8, 0, 0, 0]),
            "0xff 010 0 |(nil)"
        );
        assert_eq!(printed(c"%2$d %1$*3$d", &[1, 2, 4]), "2    1");
    }

    #[test]
    fn doubles_are_exact() {
        let bits = |number: f64| number.to_bits();
        assert_eq!(printed(c"%.20f", &[bits(0.1)]), "0.10000000000000000555");
        assert_eq!(
            printed(c"%g %g %g", &[bits(1e-5), bits(100000.0), bits(1e6)]),
            "1e-05 100000 1e+06"
        );
        assert_eq!(
            printed(c"%e %.0e %#.0f", &[0, bits(2.5), bits(2.5)]),
            "0.000000e+00 2e+00 2."
        );
        assert_eq!(
            printed(c"%a %.1a %A", &[bits(1.0), bits(1.97), bits(-0.0)]),
            "0x1p+0 0x2.0p+0 -0X0P+0"
        );
        assert_eq!(
            printed(
                c"%09.2f|%-9.2f|%+f",
                &[bits(-1.5), bits(1.5), bits(f64::INFINITY)]
            ),
            "-00001.50|1.50     |+inf"
        );
        assert_eq!(
            printed(c"%.3g|%#.3g|%.10g", &[bits(1.0), bits(1.0), bits(0.0001)]),
            "1|1.00|0.0001"
        );
    }

    #[test]
    fn texts_are_cut_and_padded() {
        let text = |text: &CStr| text.as_ptr() as u64;
        assert_eq!(
            printed(c"%5.2s|%-4s|%c", &[text(c"abc"), text(c"x"), 0x41]),
            "   ab|x   |A"
        );
        assert_eq!(printed(c"%s%.3s", &[0, 0]), "(null)");
        let wide = [0xe9_u32, 0x20ac, 0];
        assert_eq!(
            printed(
                c"%ls|%.4ls|%lc",
                &[wide.as_ptr() as u64; 2]
                    .iter()
                    .copied()
                    .chain([0xe9])
                    .collect::<Vec<_>>()
            ),
            "é€|é|é"
        );
    }

    #[test]
    fn what_is_too_long_overflows() {
        let mut list = VaList::on_the_stack(&[1, 2]);
        // SAFETY: nothing is written; the arguments match.
        unsafe {
            let count = vsnprintf(
                core::ptr::null_mut(),
                0,
                c"%2147483647d%d".as_ptr(),
                (&mut list).into(),
            );
            assert_eq!((count, errno::get()), (-1, errno::EOVERFLOW));
        }
    }

    #[test]
    fn wide_output_counts_characters() {
        let format: Vec<u32> = "é%4s|%ls\0".chars().map(u32::from).collect();
        let wide = [0x20ac_u32, 0];
        let words = [c"é".as_ptr() as u64, wide.as_ptr() as u64];
        let mut buffer = [0_u32; 16];
        let mut list = VaList::on_the_stack(&words);
        // SAFETY: the buffer has the size given, and the arguments match.
        unsafe {
            assert_eq!(
                vswprintf(buffer.as_mut_ptr(), 16, format.as_ptr(), (&mut list).into()),
                7
            );
            let text: String = wide::units(buffer.as_ptr())
                .iter()
                .filter_map(|unit| char::from_u32(*unit))
                .collect();
            assert_eq!(text, "é   é|€");
            let mut list = VaList::on_the_stack(&words);
            assert_eq!(
                vswprintf(buffer.as_mut_ptr(), 7, format.as_ptr(), (&mut list).into()),
                -1
            );
        }
    }
}
