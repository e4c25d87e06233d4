//! Streams that are no files: over a program's functions or over memory (POSIX `fmemopen`, `open_memstream`).

use core::ffi::{c_char, c_int, c_void};

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::open::{Mode, mode_of};
use super::stream::{Access, Buffering, CookieFunctions, Device, FileStream};
#[cfg(not(test))]
use crate::arch::with_third_in_memory;
use crate::errno;
use crate::heap;
use crate::wide::Decoder;

#[cfg_attr(not(test), unsafe(export_name = "bareflow_fopencookie"))]
unsafe extern "C" fn open_cookie(
    cookie: *mut c_void,
    mode: *const c_char,
    functions: *const CookieFunctions,
) -> *const FileStream {
    // SAFETY: the caller passes a C string and functions for its cookie.
    unsafe {
        match mode_of(mode) {
            Some(mode) => FileStream::create(Device::Cookie(cookie, *functions), mode.access),
            None => core::ptr::null(),
        }
    }
}

#[cfg(not(test))]
with_third_in_memory! { fopencookie = open_cookie; }

/// Where a stream over memory reads and writes.
trait Memory {
    fn read(&mut self, offset: usize, target: &mut [u8]) -> usize;
    /// How many bytes were taken, or an error number.
    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<usize, c_int>;
    fn size(&self) -> usize;
    /// The greatest offset that can be gone to.
    fn limit(&self) -> usize;
    /// Whether all output goes to the end.
    fn appends(&self) -> bool {
        false
    }
}

/// A memory, and the place in it.
struct Cookie<M> {
    memory: M,
    offset: usize,
}

unsafe extern "C" fn read<M: Memory>(
    cookie: *mut c_void,
    target: *mut c_char,
    size: usize,
) -> isize {
    // SAFETY: the stream passes its cookie, and gives `size` bytes.
    unsafe {
        let cookie = &mut *cookie.cast::<Cookie<M>>();
        let target = core::slice::from_raw_parts_mut(target.cast::<u8>(), size);
        let count = cookie.memory.read(cookie.offset, target);
        cookie.offset += count;
        count as isize
    }
}

unsafe extern "C" fn write<M: Memory>(
    cookie: *mut c_void,
    bytes: *const c_char,
    size: usize,
) -> isize {
    // SAFETY: the stream passes its cookie, and gives `size` bytes.
    unsafe {
        let cookie = &mut *cookie.cast::<Cookie<M>>();
        let bytes = core::slice::from_raw_parts(bytes.cast::<u8>(), size);
        if cookie.memory.appends() {
            cookie.offset = cookie.memory.size();
        }
        match cookie.memory.write(cookie.offset, bytes) {
            Ok(count) => {
                cookie.offset += count;
                count as isize
            }
            Err(number) => errno::fail(number) as isize,
        }
    }
}

unsafe extern "C" fn seek<M: Memory>(cookie: *mut c_void, place: *mut i64, whence: c_int) -> c_int {
    // SAFETY: the stream passes its cookie and a place.
    unsafe {
        let cookie = &mut *cookie.cast::<Cookie<M>>();
        let base = match whence {
            0 => 0,
            1 => cookie.offset,
            _ => cookie.memory.size(),
        };
        let wanted = (base as i64).checked_add(*place);
        match wanted.and_then(|wanted| usize::try_from(wanted).ok()) {
            Some(wanted) if wanted <= cookie.memory.limit() => {
                cookie.offset = wanted;
                *place = wanted as i64;
                0
            }
            _ => errno::fail(errno::EINVAL),
        }
    }
}

unsafe extern "C" fn close<M: Memory>(cookie: *mut c_void) -> c_int {
    // SAFETY: `open` made the cookie, and the stream closes it once.
    drop(unsafe { Box::from_raw(cookie.cast::<Cookie<M>>()) });
    0
}

fn open<M: Memory>(memory: M, offset: usize, access: Access) -> *const FileStream {
    let cookie = Box::into_raw(Box::new(Cookie { memory, offset }));
    let functions = CookieFunctions {
        read: Some(read::<M>),
        write: Some(write::<M>),
        seek: Some(seek::<M>),
        close: Some(close::<M>),
    };
    let stream = FileStream::create(Device::Cookie(cookie.cast(), functions), access);
    if stream.is_null() {
        // SAFETY: the cookie was made here, and nobody has it.
        unsafe { close::<M>(cookie.cast()) };
    }
    stream
}

/// The memory of `fmemopen`: of a fixed size, the program's or the stream's own.
struct Fixed {
    start: *mut u8,
    capacity: usize,
    size: usize,
    appends: bool,
    is_own: bool,
}

impl Drop for Fixed {
    fn drop(&mut self) {
        if self.is_own {
            // SAFETY: `fmemopen` allocated it.
            unsafe { heap::free(self.start.cast()) };
        }
    }
}

impl Memory for Fixed {
    fn read(&mut self, offset: usize, target: &mut [u8]) -> usize {
        let count = self.size.saturating_sub(offset).min(target.len());
        // SAFETY: so many bytes are in the memory behind the offset.
        unsafe {
            core::ptr::copy(self.start.wrapping_add(offset), target.as_mut_ptr(), count);
        }
        count
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<usize, c_int> {
        let count = self.capacity.saturating_sub(offset).min(bytes.len());
        if count == 0 {
            return Err(errno::ENOSPC);
        }
        // SAFETY: so many bytes are in the memory behind the offset, and one more if it is below the capacity.
        unsafe {
            core::ptr::copy(bytes.as_ptr(), self.start.add(offset), count);
            self.size = self.size.max(offset + count);
            if self.size < self.capacity {
                *self.start.add(self.size) = 0;
            }
        }
        Ok(count)
    }

    fn size(&self) -> usize {
        self.size
    }

    fn limit(&self) -> usize {
        self.capacity
    }

    fn appends(&self) -> bool {
        self.appends
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fmemopen(
    buffer: *mut c_void,
    size: usize,
    mode: *const c_char,
) -> *const FileStream {
    // SAFETY: the caller passes a C string, and null or `size` bytes.
    unsafe {
        let Some(mode) = mode_of(mode) else {
            return core::ptr::null();
        };
        let is_own = buffer.is_null();
        let start = if is_own {
            heap::malloc(size.max(1))
        } else {
            buffer
        }
        .cast::<u8>();
        if start.is_null() {
            return core::ptr::null();
        }
        if is_own || (mode.truncates() && size != 0) {
            *start = 0;
        }
        let text = core::slice::from_raw_parts(start, if is_own { 0 } else { size });
        let length = memchr::memchr(0, text).unwrap_or(text.len());
        let used = contents(mode, length, size);
        let memory = Fixed {
            start,
            capacity: size,
            size: used,
            appends: mode.appends(),
            is_own,
        };
        open(memory, if mode.appends() { used } else { 0 }, mode.access)
    }
}

/// How much of the memory is taken for contents, of which `length` bytes stand before the first zero.
fn contents(mode: Mode, length: usize, size: usize) -> usize {
    if mode.truncates() {
        0
    } else if mode.appends() {
        length
    } else {
        size
    }
}

/// The memory of `open_memstream` and `open_wmemstream`: it grows, and the program is told where it is.
struct Growing<T> {
    start: *mut *mut T,
    count: *mut usize,
    contents: Vec<u8>,
}

/// What a growing memory is made of.
trait Element: Copy + Default {
    fn elements(bytes: &[u8]) -> Vec<Self>;
}

impl Element for u8 {
    fn elements(bytes: &[u8]) -> Vec<Self> {
        Vec::from(bytes)
    }
}

impl Element for u32 {
    fn elements(bytes: &[u8]) -> Vec<Self> {
        Decoder::of_any(bytes).collect()
    }
}

impl<T: Element> Growing<T> {
    /// Gives the program a copy up to `offset` bytes, with a zero behind it.
    fn publish(&mut self, offset: usize) -> Result<(), c_int> {
        let mut elements = T::elements(&self.contents[..offset.min(self.contents.len())]);
        let count = elements.len();
        elements.push(T::default());
        // SAFETY: the program gave both places, and has not freed the block while the stream is open.
        unsafe {
            let block = heap::realloc((*self.start).cast(), size_of_val(elements.as_slice()));
            if block.is_null() {
                return Err(errno::ENOMEM);
            }
            core::ptr::copy_nonoverlapping(elements.as_ptr(), block.cast(), elements.len());
            (*self.start, *self.count) = (block.cast(), count);
        }
        Ok(())
    }
}

impl<T: Element> Memory for Growing<T> {
    fn read(&mut self, _offset: usize, _target: &mut [u8]) -> usize {
        0
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<usize, c_int> {
        let end = offset + bytes.len();
        if end > self.contents.len() {
            self.contents
                .try_reserve(end - self.contents.len())
                .map_err(|_| errno::ENOMEM)?;
            self.contents.resize(end, 0);
        }
        self.contents[offset..end].copy_from_slice(bytes);
        self.publish(end.max(self.contents.len()))?;
        Ok(bytes.len())
    }

    fn size(&self) -> usize {
        self.contents.len()
    }

    fn limit(&self) -> usize {
        isize::MAX as usize
    }
}

fn open_growing<T: Element>(start: *mut *mut T, count: *mut usize) -> *const FileStream {
    // SAFETY: the caller gives both places.
    unsafe { *start = core::ptr::null_mut() };
    let mut memory = Growing {
        start,
        count,
        contents: Vec::new(),
    };
    if let Err(number) = memory.publish(0) {
        errno::set(number);
        return core::ptr::null();
    }
    let access = Access {
        reads: false,
        writes: true,
    };
    let stream = open(memory, 0, access);
    // SAFETY: it is a new stream, or null.
    if let Some(stream) = unsafe { stream.as_ref() } {
        stream.set_buffering(Buffering::Full, core::ptr::null_mut(), 0);
    }
    stream
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn open_memstream(start: *mut *mut u8, size: *mut usize) -> *const FileStream {
    open_growing(start, size)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn open_wmemstream(start: *mut *mut u32, size: *mut usize) -> *const FileStream {
    let stream = open_growing(start, size);
    // SAFETY: it is a new stream, or null.
    if let Some(stream) = unsafe { stream.as_ref() } {
        stream.orient(1);
    }
    stream
}

#[cfg(test)]
mod tests {
    use super::super::characters::{fread, fwrite};
    use super::super::open::fclose;
    use super::*;

    #[test]
    fn memory_of_the_program_is_a_file() {
        crate::platform::test_platform::install();
        let mut memory = [0_u8; 8];
        let (mut start, mut size) = (core::ptr::null_mut(), 0);
        // SAFETY: the memory has the size given; streams are closed once, and the block freed once.
        unsafe {
            let file = fmemopen(memory.as_mut_ptr().cast(), 8, c"w+".as_ptr());
            assert_eq!(fwrite(b"abc".as_ptr().cast(), 1, 3, &*file), 3);
            assert!((*file).seek(0, 0));
            let mut buffer = [0_u8; 8];
            assert_eq!(fread(buffer.as_mut_ptr().cast(), 1, 8, &*file), 3);
            assert_eq!(fclose(file), 0);
            assert_eq!(&memory[..4], b"abc\0");
            let file = open_memstream(&raw mut start, &raw mut size);
            assert_eq!(fwrite(b"abcdef".as_ptr().cast(), 1, 6, &*file), 6);
            assert!((*file).flush());
            assert_eq!((size, *start.add(6)), (6, 0));
            assert_eq!(fclose(file), 0);
            heap::free(start.cast());
        }
    }
}
