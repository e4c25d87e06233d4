//! Formatted output over llvm-libc's `vsnprintf`, and the entry points of formatted input.

use core::ffi::{c_char, c_int, c_void};

use alloc::vec;

use super::scan::{Source, Text, scan};
use super::stream::{FileStream, standard_input, standard_output};
use crate::cstr;
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
    /// A list of pointers that are all on the stack.
    #[cfg(test)]
    pub(super) fn of_pointers(pointers: &[*mut c_void]) -> Self {
        Self {
            general_offset: GENERAL_BYTES,
            float_offset: 176,
            overflow: pointers.as_ptr().cast(),
            registers: core::ptr::null(),
        }
    }

    /// The next argument that is passed as an integer or a pointer.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(super) unsafe fn next_pointer(&mut self) -> *mut c_void {
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

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vsscanf(
    text: *const c_char,
    format: *const c_char,
    arguments: *mut VaList,
) -> c_int {
    // SAFETY: the caller passes C strings and arguments that match the format.
    unsafe {
        let mut source = Text {
            bytes: cstr::bytes(text),
            position: 0,
        };
        scan(&mut source, cstr::bytes(format), &mut *arguments)
    }
}

impl Source for &FileStream {
    fn next(&mut self) -> Option<u8> {
        self.next_byte()
    }

    fn push_back(&mut self, byte: u8) {
        FileStream::push_back(self, byte);
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vfscanf(
    mut stream: &FileStream,
    format: *const c_char,
    arguments: *mut VaList,
) -> c_int {
    // SAFETY: the caller passes a C string and arguments that match it.
    unsafe { scan(&mut stream, cstr::bytes(format), &mut *arguments) }
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

    #[test]
    fn long_and_short_output_is_the_same() {
        crate::platform::test_platform::install();
        for width in [5_usize, 2000] {
            let arguments = [width as *mut c_void, c"word".as_ptr().cast_mut().cast()];
            let mut list = VaList::of_pointers(&arguments);
            let mut result = core::ptr::null_mut();
            // SAFETY: the arguments match the format; the result is freed once.
            unsafe {
                let count = vasprintf(&raw mut result, c"%*s".as_ptr(), &raw mut list);
                assert_eq!(usize::try_from(count), Ok(width));
                let text = cstr::bytes(result);
                assert_eq!((text.len(), &text[width - 5..]), (width, &b" word"[..]));
                crate::heap::free(result.cast());
            }
        }
    }
}
