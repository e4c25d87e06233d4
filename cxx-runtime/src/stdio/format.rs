//! Formatted output and input over llvm-libc's `vsnprintf` and `sscanf`.

use core::ffi::{c_char, c_int, c_void};

use alloc::vec;

use super::stream::{FileStream, standard_input, standard_output};
use crate::cstr;
use crate::errno;
use crate::files;

/// `__va_list_tag` of the System V ABI for x86-64 (section 3.5.7).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct VaList {
    general_offset: u32,
    float_offset: u32,
    overflow: *const u64,
    registers: *const u8,
}

/// Bytes of the six general registers in the register save area.
const GENERAL_BYTES: u32 = 48;

impl VaList {
    /// The next argument that is passed as an integer or a pointer.
    ///
    /// # Safety
    /// There must be such an argument.
    unsafe fn next_pointer(&mut self) -> *mut c_void {
        // SAFETY: the caller says that an argument is left: in the saved registers, else on the stack.
        unsafe {
            if self.general_offset < GENERAL_BYTES {
                let slot = self
                    .registers
                    .add(self.general_offset as usize)
                    .cast::<*mut c_void>();
                self.general_offset += 8;
                *slot
            } else {
                let slot = self.overflow.cast::<*mut c_void>();
                self.overflow = self.overflow.add(1);
                *slot
            }
        }
    }
}

unsafe extern "C" {
    fn vsnprintf(
        buffer: *mut c_char,
        size: usize,
        format: *const c_char,
        arguments: *mut VaList,
    ) -> c_int;
    fn sscanf(text: *const c_char, format: *const c_char, ...) -> c_int;
}

const SHORT_BYTES: usize = 512;

/// Formats and hands the bytes to `write`; returns their number, or a negative one on failure.
unsafe fn formatted(
    format: *const c_char,
    arguments: *mut VaList,
    write: impl FnOnce(&[u8]),
) -> c_int {
    let mut short = [0_u8; SHORT_BYTES];
    // SAFETY: the caller passes a format and matching arguments; both buffers have the sizes given; the
    // arguments are read from a copy the first time.
    unsafe {
        let mut copy = *arguments;
        let count = vsnprintf(
            short.as_mut_ptr().cast(),
            SHORT_BYTES,
            format,
            &raw mut copy,
        );
        let Ok(length) = usize::try_from(count) else {
            return count;
        };
        if length < SHORT_BYTES {
            write(&short[..length]);
        } else {
            let mut long = vec![0_u8; length + 1];
            vsnprintf(long.as_mut_ptr().cast(), long.len(), format, arguments);
            write(&long[..length]);
        }
        count
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vfprintf(
    stream: &FileStream,
    format: *const c_char,
    arguments: *mut VaList,
) -> c_int {
    // SAFETY: the caller's promises are those of `formatted`.
    unsafe {
        formatted(format, arguments, |bytes| {
            stream.write(bytes);
        })
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vprintf(format: *const c_char, arguments: *mut VaList) -> c_int {
    // SAFETY: the caller's promises are those of `vfprintf`.
    unsafe { vfprintf(standard_output(), format, arguments) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vdprintf(
    descriptor: c_int,
    format: *const c_char,
    arguments: *mut VaList,
) -> c_int {
    // SAFETY: the caller's promises are those of `formatted`; the slice gives address and size.
    unsafe {
        formatted(format, arguments, |bytes| {
            files::write(descriptor, bytes.as_ptr().cast(), bytes.len());
        })
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vasprintf(
    result: *mut *mut c_char,
    format: *const c_char,
    arguments: *mut VaList,
) -> c_int {
    let mut block = core::ptr::null_mut::<c_char>();
    // SAFETY: the caller's promises are those of `formatted`, and it gives a place for the result.
    unsafe {
        let count = formatted(format, arguments, |bytes| {
            block = crate::heap::malloc(bytes.len() + 1).cast();
            if !block.is_null() {
                cstr::store(bytes, block, bytes.len() + 1);
            }
        });
        *result = block;
        if block.is_null() { -1 } else { count }
    }
}

/// Conversions of a scanf format that store a result.
fn stored_conversions(format: &[u8]) -> usize {
    let mut count = 0;
    let mut index = 0;
    while index + 1 < format.len() {
        if format[index] == b'%' {
            index += 1;
            if !matches!(format[index], b'%' | b'*') {
                count += 1;
            }
        }
        index += 1;
    }
    count
}

/// Results that a scanf call may have.
const SCAN_LIMIT: usize = 24;

/// llvm-libc 18 has `sscanf` only: every argument is a pointer, so they can be passed on one by one.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vsscanf(
    text: *const c_char,
    format: *const c_char,
    arguments: *mut VaList,
) -> c_int {
    // SAFETY: the caller passes C strings and one pointer for each conversion that stores.
    unsafe {
        let count = stored_conversions(cstr::bytes(format));
        if count > SCAN_LIMIT {
            errno::set(errno::EINVAL);
            return -1;
        }
        let mut p = [core::ptr::null_mut::<c_void>(); SCAN_LIMIT];
        for slot in &mut p[..count] {
            *slot = (*arguments).next_pointer();
        }
        sscanf(
            text, format, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11],
            p[12], p[13], p[14], p[15], p[16], p[17], p[18], p[19], p[20], p[21], p[22], p[23],
        )
    }
}

/// Reads one line and parses it: a conversion does not look beyond the end of a line.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vfscanf(
    stream: &FileStream,
    format: *const c_char,
    arguments: *mut VaList,
) -> c_int {
    let mut line = alloc::vec::Vec::new();
    while let Some(byte) = stream.next_byte() {
        line.push(byte);
        if byte == b'\n' && line.iter().any(|byte| !byte.is_ascii_whitespace()) {
            break;
        }
    }
    if line.is_empty() {
        return -1;
    }
    line.push(0);
    // SAFETY: the line ends with a zero; the other promises are the caller's.
    unsafe { vsscanf(line.as_ptr().cast(), format, arguments) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vscanf(format: *const c_char, arguments: *mut VaList) -> c_int {
    // SAFETY: the caller's promises are those of `vfscanf`.
    unsafe { vfscanf(standard_input(), format, arguments) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_that_store_are_counted() {
        assert_eq!(stored_conversions(b"%d %*d %% %s"), 2);
        assert_eq!(stored_conversions(b"100%"), 0);
        assert_eq!(stored_conversions(b"%8[a-z]%n"), 2);
    }

    #[test]
    fn arguments_come_from_registers_then_from_the_stack() {
        let registers: [u64; 6] = [0, 0, 0, 0, 14, 15];
        let overflow: [u64; 2] = [16, 17];
        let mut list = VaList {
            general_offset: 32,
            float_offset: 48,
            overflow: overflow.as_ptr(),
            registers: registers.as_ptr().cast(),
        };
        // SAFETY: four arguments are there.
        let seen: Vec<usize> = (0..4)
            .map(|_| unsafe { list.next_pointer() } as usize)
            .collect();
        assert_eq!(seen, [14, 15, 16, 17]);
        assert_eq!(list.float_offset, 48);
    }
}
