//! `FILE`: what is under a stream, its buffer, and what it is doing.

use core::cell::{Cell, UnsafeCell};
use core::ffi::{c_char, c_int, c_void};

use crate::errno;
use crate::files;
use crate::heap;
use crate::wide::State;

pub(super) const EOF: c_int = -1;
pub(super) const SEEK_SET: c_int = 0;
pub(super) const SEEK_CUR: c_int = 1;

/// Bytes of a buffer that the library makes.
pub(super) const BUFFER_BYTES: usize = 16 << 10;

/// Bytes that can always be pushed back, a multibyte character of any kind among them.
const PUSH_BACK_BYTES: usize = 16;

/// `cookie_io_functions_t`: what a stream that is no file is made of.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct CookieFunctions {
    pub(super) read: Option<unsafe extern "C" fn(*mut c_void, *mut c_char, usize) -> isize>,
    pub(super) write: Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> isize>,
    pub(super) seek: Option<unsafe extern "C" fn(*mut c_void, *mut i64, c_int) -> c_int>,
    pub(super) close: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
}

/// What is under a stream.
#[derive(Clone, Copy)]
pub(super) enum Device {
    Descriptor(c_int),
    Cookie(*mut c_void, CookieFunctions),
    /// The stream was closed, or its file could not be opened again.
    Closed,
}

impl Device {
    fn read(self, buffer: *mut u8, size: usize) -> isize {
        // SAFETY: the stream gives `size` bytes of its buffer or of the caller's.
        unsafe {
            match self {
                Self::Descriptor(descriptor) => files::read(descriptor, buffer.cast(), size),
                Self::Cookie(cookie, functions) => match functions.read {
                    Some(read) => read(cookie, buffer.cast(), size),
                    None => 0,
                },
                Self::Closed => errno::fail(errno::EBADF) as isize,
            }
        }
    }

    /// Writes all bytes; whether that went well.
    fn write(self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            // SAFETY: the slice gives address and size.
            let written = unsafe {
                match self {
                    Self::Descriptor(descriptor) => {
                        files::write(descriptor, bytes.as_ptr().cast(), bytes.len())
                    }
                    Self::Cookie(cookie, functions) => match functions.write {
                        Some(write) => write(cookie, bytes.as_ptr().cast(), bytes.len()),
                        None => bytes.len() as isize,
                    },
                    Self::Closed => errno::fail(errno::EBADF) as isize,
                }
            };
            match usize::try_from(written) {
                Ok(written) if written > 0 && written <= bytes.len() => bytes = &bytes[written..],
                _ => return false,
            }
        }
        true
    }

    /// The new offset, or a negative number.
    pub(super) fn seek(self, offset: i64, whence: c_int) -> i64 {
        match self {
            Self::Descriptor(descriptor) => files::lseek(descriptor, offset, whence),
            Self::Cookie(cookie, functions) => {
                let mut place = offset;
                let Some(seek) = functions.seek else {
                    return i64::from(errno::fail(errno::ESPIPE));
                };
                // SAFETY: who made the stream gave a function for this cookie.
                match unsafe { seek(cookie, &raw mut place, whence) } {
                    0 => place,
                    _ => -1,
                }
            }
            Self::Closed => i64::from(errno::fail(errno::EBADF)),
        }
    }

    fn close(self) -> c_int {
        match self {
            Self::Descriptor(descriptor) => files::close(descriptor),
            Self::Cookie(cookie, functions) => functions
                .close
                // SAFETY: who made the stream gave a function for this cookie.
                .map_or(0, |close| unsafe { close(cookie) }),
            Self::Closed => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Buffering {
    /// Chosen at the first use: by lines if it is a terminal.
    Undecided,
    Full,
    Lines,
    None,
}

/// What the buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Nothing,
    /// Bytes that were read ahead, from `position` to `end`.
    Reading,
    /// Bytes still to be written, up to `position`.
    Writing,
}

/// What a mode of `fopen` permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) reads: bool,
    pub(super) writes: bool,
}

/// What C knows as `FILE`. Cells that no guard can leave locked: a program may fault in the middle of a write, and
/// what it wrote before must still come out.
pub(crate) struct FileStream {
    device: Cell<Device>,
    access: Cell<Access>,
    doing: Cell<Doing>,
    buffering: Cell<Buffering>,
    buffer: Cell<*mut u8>,
    capacity: Cell<usize>,
    /// Whether the buffer is the library's, to be freed with the stream.
    owns_buffer: Cell<bool>,
    position: Cell<usize>,
    end: Cell<usize>,
    pushed_back: UnsafeCell<[u8; PUSH_BACK_BYTES]>,
    pushed_back_count: Cell<usize>,
    at_end: Cell<bool>,
    failed: Cell<bool>,
    /// Negative for bytes, positive for wide characters, 0 before the first use.
    orientation: Cell<c_int>,
    /// The character that wide input is in the middle of.
    pub(super) wide_state: Cell<State>,
    next: Cell<*const FileStream>,
}

// SAFETY: there is one thread.
unsafe impl Sync for FileStream {}

#[repr(transparent)]
struct StaticBuffer(UnsafeCell<[u8; BUFFER_BYTES]>);

// SAFETY: there is one thread.
unsafe impl Sync for StaticBuffer {}

impl StaticBuffer {
    const fn new() -> Self {
        Self(UnsafeCell::new([0; BUFFER_BYTES]))
    }
}

// Standard input and output work when no memory is left.
static INPUT_BUFFER: StaticBuffer = StaticBuffer::new();
static OUTPUT_BUFFER: StaticBuffer = StaticBuffer::new();

const READS: Access = Access {
    reads: true,
    writes: false,
};
const WRITES: Access = Access {
    reads: false,
    writes: true,
};

static STANDARD_INPUT: FileStream = FileStream::standard(
    0,
    READS,
    Buffering::Undecided,
    INPUT_BUFFER.0.get().cast(),
    &raw const STANDARD_OUTPUT,
);
static STANDARD_OUTPUT: FileStream = FileStream::standard(
    1,
    WRITES,
    Buffering::Undecided,
    OUTPUT_BUFFER.0.get().cast(),
    &raw const STANDARD_ERROR,
);
static STANDARD_ERROR: FileStream = FileStream::standard(
    2,
    WRITES,
    Buffering::None,
    core::ptr::null_mut(),
    core::ptr::null(),
);

/// The first of all streams; the standard ones are the last.
struct AllStreams(Cell<*const FileStream>);

// SAFETY: there is one thread.
unsafe impl Sync for AllStreams {}

static ALL: AllStreams = AllStreams(Cell::new(&raw const STANDARD_INPUT));

/// A `FILE *` variable of C.
#[repr(transparent)]
pub struct StreamPointer(UnsafeCell<*const FileStream>);

// SAFETY: there is one thread.
unsafe impl Sync for StreamPointer {}

#[cfg_attr(not(test), unsafe(export_name = "stdin"))]
static STDIN: StreamPointer = StreamPointer(UnsafeCell::new(&raw const STANDARD_INPUT));
#[cfg_attr(not(test), unsafe(export_name = "stdout"))]
static STDOUT: StreamPointer = StreamPointer(UnsafeCell::new(&raw const STANDARD_OUTPUT));
#[cfg_attr(not(test), unsafe(export_name = "stderr"))]
static STDERR: StreamPointer = StreamPointer(UnsafeCell::new(&raw const STANDARD_ERROR));

impl StreamPointer {
    fn stream(&self) -> &'static FileStream {
        // SAFETY: it holds a stream, which only `fclose` ends; there is one thread.
        unsafe { &**self.0.get() }
    }
}

/// What a program has in `stdout`, which it may have set.
pub(super) fn standard_output() -> &'static FileStream {
    STDOUT.stream()
}

pub(super) fn standard_input() -> &'static FileStream {
    STDIN.stream()
}

pub(super) fn standard_error() -> &'static FileStream {
    STDERR.stream()
}

/// Writes out what any stream still holds; whether all went well.
pub(super) fn flush_all() -> bool {
    let mut all_well = true;
    let mut next = ALL.0.get();
    // SAFETY: the list holds streams that are not closed.
    while let Some(stream) = unsafe { next.as_ref() } {
        if stream.doing.get() == Doing::Writing {
            all_well &= stream.flush();
        }
        next = stream.next.get();
    }
    all_well
}

/// Writes out what any stream still holds.
pub fn flush() {
    flush_all();
}

impl FileStream {
    const fn standard(
        descriptor: c_int,
        access: Access,
        buffering: Buffering,
        buffer: *mut u8,
        next: *const FileStream,
    ) -> Self {
        Self {
            device: Cell::new(Device::Descriptor(descriptor)),
            access: Cell::new(access),
            doing: Cell::new(Doing::Nothing),
            buffering: Cell::new(buffering),
            buffer: Cell::new(buffer),
            capacity: Cell::new(if buffer.is_null() { 0 } else { BUFFER_BYTES }),
            owns_buffer: Cell::new(false),
            position: Cell::new(0),
            end: Cell::new(0),
            pushed_back: UnsafeCell::new([0; PUSH_BACK_BYTES]),
            pushed_back_count: Cell::new(0),
            at_end: Cell::new(false),
            failed: Cell::new(false),
            orientation: Cell::new(0),
            wide_state: Cell::new(State::INITIAL),
            next: Cell::new(next),
        }
    }

    /// A new stream, or null without memory.
    pub(super) fn create(device: Device, access: Access) -> *const Self {
        let block = heap::malloc(size_of::<Self>()).cast::<Self>();
        if block.is_null() {
            return block;
        }
        let stream = Self {
            device: Cell::new(device),
            ..Self::standard(
                -1,
                access,
                Buffering::Undecided,
                core::ptr::null_mut(),
                ALL.0.get(),
            )
        };
        // SAFETY: the block has the size of a stream, and its alignment.
        unsafe { block.write(stream) };
        ALL.0.set(block);
        block
    }

    pub(super) fn device(&self) -> Device {
        self.device.get()
    }

    /// The descriptor; -1 if there is none.
    pub(super) fn descriptor(&self) -> c_int {
        match self.device.get() {
            Device::Descriptor(descriptor) => descriptor,
            Device::Cookie(..) | Device::Closed => errno::fail(errno::EBADF),
        }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at_end.get()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.get()
    }

    pub(super) fn clear(&self) {
        self.at_end.set(false);
        self.failed.set(false);
    }

    pub(super) fn fail(&self) {
        self.failed.set(true);
    }

    /// Sets the orientation if there is none yet and one is asked for; returns the one that there is.
    pub(super) fn orient(&self, wanted: c_int) -> c_int {
        if self.orientation.get() == 0 {
            self.orientation.set(wanted.signum());
        }
        self.orientation.get()
    }

    /// Chooses the buffer; a standard stream without memory for one has none.
    fn decide(&self) {
        if self.buffering.get() == Buffering::Undecided {
            let is_terminal = match self.device.get() {
                Device::Descriptor(descriptor) => files::isatty(descriptor) != 0,
                Device::Cookie(..) | Device::Closed => false,
            };
            self.buffering.set(if is_terminal {
                Buffering::Lines
            } else {
                Buffering::Full
            });
        }
        if self.capacity.get() == 0 && self.buffering.get() != Buffering::None {
            let number = errno::get();
            let buffer = heap::malloc(BUFFER_BYTES);
            if buffer.is_null() {
                errno::set(number);
                self.buffering.set(Buffering::None);
            } else {
                self.buffer.set(buffer.cast());
                self.capacity.set(BUFFER_BYTES);
                self.owns_buffer.set(true);
            }
        }
    }

    pub(super) fn is_unbuffered(&self) -> bool {
        self.buffering.get() == Buffering::None
    }

    pub(super) fn is_line_buffered(&self) -> bool {
        self.buffering.get() == Buffering::Lines
    }

    pub(super) fn buffer_size(&self) -> usize {
        self.capacity.get()
    }

    pub(super) fn access(&self) -> Access {
        self.access.get()
    }

    pub(super) fn is_reading(&self) -> bool {
        self.doing.get() == Doing::Reading
    }

    pub(super) fn is_writing(&self) -> bool {
        self.doing.get() == Doing::Writing
    }

    /// How many bytes are still to be written.
    pub(super) fn pending(&self) -> usize {
        if self.is_writing() {
            self.position.get()
        } else {
            0
        }
    }

    /// How many bytes were read ahead or pushed back.
    pub(super) fn ahead_count(&self) -> usize {
        self.ahead().len() + self.pushed_back_count.get()
    }

    /// Drops what was read ahead or is still to be written.
    pub(super) fn purge(&self) {
        let doing = self.doing.get();
        self.forget_input();
        self.doing.set(doing);
    }

    /// The bytes of the buffer that are read next; none where bytes were pushed back before them.
    pub(super) fn buffered(&self) -> &[u8] {
        if self.pushed_back_count.get() == 0 {
            self.ahead()
        } else {
            &[]
        }
    }

    /// Goes on behind so many of them.
    pub(super) fn skip_buffered(&self, count: usize) {
        let count = count.min(self.buffered().len());
        self.position.set(self.position.get() + count);
    }

    /// Sets the buffering, as far as nothing is in the buffer; `buffer` may be null.
    pub(super) fn set_buffering(&self, buffering: Buffering, buffer: *mut u8, size: usize) {
        if self.doing.get() == Doing::Writing {
            self.flush();
        }
        if buffering != Buffering::None && !buffer.is_null() && size != 0 && !self.holds_input() {
            self.release_buffer();
            self.buffer.set(buffer);
            self.capacity.set(size);
        }
        self.buffering.set(buffering);
    }

    fn holds_input(&self) -> bool {
        self.doing.get() == Doing::Reading && self.position.get() < self.end.get()
    }

    fn release_buffer(&self) {
        if self.owns_buffer.replace(false) {
            // SAFETY: `decide` allocated it, and nothing uses it now.
            unsafe { heap::free(self.buffer.get().cast()) };
        }
        self.buffer.set(core::ptr::null_mut());
        self.capacity.set(0);
    }

    /// Writes out what is buffered; whether that went well.
    pub(super) fn flush(&self) -> bool {
        if self.doing.get() != Doing::Writing {
            return true;
        }
        let used = self.position.replace(0);
        self.doing.set(Doing::Nothing);
        // SAFETY: so many bytes were put into the buffer, and writing does not change it.
        let bytes = unsafe { core::slice::from_raw_parts(self.buffer.get(), used) };
        let went_well = used == 0 || self.device.get().write(bytes);
        self.failed.set(self.failed.get() || !went_well);
        went_well
    }

    /// Ends reading: what was read ahead is given back to the file, where that can be.
    pub(super) fn end_reading(&self) {
        if self.doing.get() == Doing::Reading {
            let ahead = self.end.get() - self.position.get() + self.pushed_back_count.get();
            if ahead != 0 {
                let number = errno::get();
                self.device.get().seek(-(ahead as i64), SEEK_CUR);
                errno::set(number);
            }
            self.forget_input();
        }
    }

    fn forget_input(&self) {
        self.position.set(0);
        self.end.set(0);
        self.pushed_back_count.set(0);
        self.doing.set(Doing::Nothing);
        self.wide_state.set(State::default());
    }

    fn put(&self, bytes: &[u8]) {
        let used = self.position.get();
        // SAFETY: the callers saw to it that the bytes fit behind what is used.
        unsafe {
            core::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.buffer.get().add(used),
                bytes.len(),
            );
        }
        self.position.set(used + bytes.len());
    }

    /// Writes; returns how many bytes were taken.
    pub(super) fn write(&self, bytes: &[u8]) -> usize {
        if self.doing.get() != Doing::Writing {
            if !self.access.get().writes {
                self.fail();
                errno::set(errno::EBADF);
                return 0;
            }
            self.end_reading();
            self.decide();
            self.position.set(0);
            self.doing.set(Doing::Writing);
        }
        let went_well = match self.buffering.get() {
            Buffering::None => self.flush() && self.write_through(bytes),
            Buffering::Lines => match bytes.iter().rposition(|byte| *byte == b'\n') {
                None => self.write_buffered(bytes),
                Some(last) => {
                    let (lines, rest) = bytes.split_at(last + 1);
                    self.write_buffered(lines) && self.flush() && {
                        self.doing.set(Doing::Writing);
                        self.write_buffered(rest)
                    }
                }
            },
            Buffering::Full | Buffering::Undecided => self.write_buffered(bytes),
        };
        if went_well { bytes.len() } else { 0 }
    }

    fn write_through(&self, bytes: &[u8]) -> bool {
        let went_well = self.device.get().write(bytes);
        self.failed.set(self.failed.get() || !went_well);
        went_well
    }

    fn write_buffered(&self, bytes: &[u8]) -> bool {
        let free = self.capacity.get() - self.position.get();
        if bytes.len() <= free {
            self.put(bytes);
            return true;
        }
        let (first, rest) = bytes.split_at(free);
        self.put(first);
        if !self.flush() {
            return false;
        }
        self.doing.set(Doing::Writing);
        if rest.len() >= self.capacity.get() {
            return self.write_through(rest);
        }
        self.put(rest);
        true
    }

    /// Gets ready to read; whether that is permitted and the end has not been seen.
    fn start_reading(&self) -> bool {
        if self.doing.get() != Doing::Reading {
            if !self.access.get().reads {
                self.fail();
                errno::set(errno::EBADF);
                return false;
            }
            if !self.flush() {
                return false;
            }
            self.decide();
            self.position.set(0);
            self.end.set(0);
            self.doing.set(Doing::Reading);
        }
        // The end of a file stays until it is cleared (C11 7.21.7.1).
        !self.at_end.get()
    }

    /// Reads from the device, and notes its end or failure.
    fn read_device(&self, buffer: *mut u8, size: usize) -> usize {
        if matches!(self.device.get(), Device::Descriptor(0)) {
            // What was asked must be on the console before the answer is awaited.
            STANDARD_OUTPUT.flush();
        }
        match usize::try_from(self.device.get().read(buffer, size)) {
            Ok(0) => self.at_end.set(true),
            Ok(count) => return count,
            Err(_) => self.fail(),
        }
        0
    }

    /// Reads into the buffer, of which everything was used; whether there is something.
    fn fill(&self) -> bool {
        if !self.start_reading() {
            return false;
        }
        let size = if self.is_unbuffered() {
            1
        } else {
            self.capacity.get()
        };
        if self.capacity.get() == 0 {
            // An unbuffered stream reads into the place of pushed-back bytes.
            let mut byte = 0;
            if self.read_device(&raw mut byte, 1) == 0 {
                return false;
            }
            self.push(byte);
            return true;
        }
        let count = self.read_device(self.buffer.get(), size);
        self.position.set(0);
        self.end.set(count);
        count != 0
    }

    fn push(&self, byte: u8) {
        let count = self.pushed_back_count.get();
        // SAFETY: there is one thread, and the callers saw to it that there is room.
        unsafe { (*self.pushed_back.get())[count] = byte };
        self.pushed_back_count.set(count + 1);
    }

    fn pop(&self) -> Option<u8> {
        let count = self.pushed_back_count.get().checked_sub(1)?;
        self.pushed_back_count.set(count);
        // SAFETY: there is one thread, and so many bytes are there.
        Some(unsafe { (*self.pushed_back.get())[count] })
    }

    /// What is in the buffer to be read.
    fn ahead(&self) -> &[u8] {
        if self.doing.get() != Doing::Reading || self.end.get() == 0 {
            return &[];
        }
        // SAFETY: so many bytes were read into the buffer, and nothing changes it while they are looked at.
        unsafe { core::slice::from_raw_parts(self.buffer.get(), self.end.get()) }
            .get(self.position.get()..)
            .unwrap_or(&[])
    }

    #[inline]
    pub(super) fn next_byte(&self) -> Option<u8> {
        let position = self.position.get();
        if self.doing.get() == Doing::Reading
            && self.pushed_back_count.get() == 0
            && position < self.end.get()
        {
            self.position.set(position + 1);
            // SAFETY: the position lies in what was read.
            return Some(unsafe { *self.buffer.get().add(position) });
        }
        self.next_byte_slowly()
    }

    #[cold]
    fn next_byte_slowly(&self) -> Option<u8> {
        if self.pushed_back_count.get() == 0 && self.ahead().is_empty() && !self.fill() {
            return None;
        }
        if let Some(byte) = self.pop() {
            return Some(byte);
        }
        let byte = self.ahead().first().copied();
        self.position.set(self.position.get() + 1);
        byte
    }

    /// Reads into memory of the caller; returns how many bytes there were.
    ///
    /// # Safety
    /// `target` must be writable for `size` bytes.
    pub(super) unsafe fn read(&self, target: *mut u8, size: usize) -> usize {
        let mut done = 0;
        // SAFETY: `done` stays within the size.
        unsafe {
            while done < size {
                if let Some(byte) = self.pop() {
                    *target.add(done) = byte;
                    done += 1;
                    continue;
                }
                let ahead = self.ahead();
                if !ahead.is_empty() {
                    let count = ahead.len().min(size - done);
                    core::ptr::copy_nonoverlapping(ahead.as_ptr(), target.add(done), count);
                    self.position.set(self.position.get() + count);
                    done += count;
                    continue;
                }
                if !self.start_reading() {
                    break;
                }
                // What is larger than the buffer needs none.
                let left = size - done;
                if left >= self.capacity.get() || self.is_unbuffered() {
                    match self.read_device(target.add(done), left) {
                        0 => break,
                        count => done += count,
                    }
                } else if !self.fill() {
                    break;
                }
            }
        }
        done
    }

    /// Hands pieces of the input to `take` up to a byte that stops it, that one included, or to `limit` bytes;
    /// returns how many bytes there were.
    pub(super) fn read_until(
        &self,
        stop: u8,
        limit: usize,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Option<usize> {
        let mut done = 0;
        while done < limit {
            if let Some(byte) = self.pop() {
                if !take(&[byte]) {
                    return None;
                }
                done += 1;
                if byte == stop {
                    break;
                }
                continue;
            }
            let ahead = self.ahead();
            if ahead.is_empty() {
                if !self.fill() {
                    break;
                }
                continue;
            }
            let window = &ahead[..ahead.len().min(limit - done)];
            let found = memchr::memchr(stop, window);
            let count = found.map_or(window.len(), |index| index + 1);
            if !take(&window[..count]) {
                return None;
            }
            self.position.set(self.position.get() + count);
            done += count;
            if found.is_some() {
                break;
            }
        }
        Some(done)
    }

    /// Pushes bytes back, the first of them to be read first; whether there was room.
    pub(super) fn push_back(&self, bytes: &[u8]) -> bool {
        if !self.access.get().reads || self.pushed_back_count.get() + bytes.len() > PUSH_BACK_BYTES
        {
            return false;
        }
        if self.doing.get() != Doing::Reading {
            let at_end = self.at_end.replace(false);
            self.start_reading();
            self.at_end.set(at_end);
        }
        for byte in bytes.iter().rev() {
            self.push(*byte);
        }
        self.at_end.set(false);
        true
    }

    /// Whether what is written goes to the end, wherever the offset is.
    fn appends(&self) -> bool {
        const F_GETFL: c_int = 3;
        const O_APPEND: c_int = 0o2000;
        match self.device.get() {
            Device::Descriptor(descriptor) => {
                // SAFETY: the command has no argument.
                unsafe { files::fcntl(descriptor, F_GETFL, 0) & O_APPEND != 0 }
            }
            Device::Cookie(..) | Device::Closed => false,
        }
    }

    /// The place in the file, or a negative number.
    pub(super) fn tell(&self) -> i64 {
        if self.doing.get() == Doing::Writing && self.position.get() != 0 && self.appends() {
            // Only writing tells where that is.
            self.flush();
        }
        let offset = self.device.get().seek(0, SEEK_CUR);
        if offset < 0 {
            return offset;
        }
        match self.doing.get() {
            Doing::Nothing => offset,
            Doing::Reading => {
                offset
                    - (self.end.get() - self.position.get()) as i64
                    - self.pushed_back_count.get() as i64
            }
            Doing::Writing => offset + self.position.get() as i64,
        }
    }

    /// Goes to a place; whether that went well.
    pub(super) fn seek(&self, offset: i64, whence: c_int) -> bool {
        if !(0..=2).contains(&whence) {
            errno::set(errno::EINVAL);
            return false;
        }
        if !self.flush() {
            return false;
        }
        let (offset, whence) = if whence == SEEK_CUR && self.doing.get() == Doing::Reading {
            let here = self.tell();
            if here < 0 {
                return false;
            }
            match here.checked_add(offset) {
                Some(place) if place >= 0 => (place, SEEK_SET),
                _ => {
                    errno::set(errno::EINVAL);
                    return false;
                }
            }
        } else {
            (offset, whence)
        };
        if self.device.get().seek(offset, whence) < 0 {
            return false;
        }
        self.forget_input();
        self.at_end.set(false);
        true
    }

    /// Puts another device under the stream, with everything else as in a new one.
    pub(super) fn reopen(&self, device: Device, access: Access) {
        self.forget_input();
        self.clear();
        self.device.set(device);
        self.access.set(access);
        self.orientation.set(0);
        if self.buffering.get() == Buffering::Lines {
            self.buffering.set(Buffering::Undecided);
        }
    }

    /// Writes out what is buffered, and closes what is under the stream; 0 if all went well.
    pub(super) fn close_device(&self) -> c_int {
        let flushed = self.flush();
        self.end_reading();
        let closed = self.device.replace(Device::Closed).close();
        if flushed { closed } else { EOF }
    }

    /// Closes the stream, which nobody uses afterwards.
    ///
    /// # Safety
    /// The stream must be open.
    pub(super) unsafe fn close(stream: *const Self) -> c_int {
        // SAFETY: the caller's promise; only streams that `create` allocated are freed.
        unsafe {
            let result = (*stream).close_device();
            let is_standard = [
                &raw const STANDARD_INPUT,
                &raw const STANDARD_OUTPUT,
                &raw const STANDARD_ERROR,
            ]
            .contains(&stream);
            if is_standard {
                return result;
            }
            (*stream).release_buffer();
            let next = (*stream).next.get();
            let mut place = &ALL.0;
            while place.get() != stream {
                place = &(*place.get()).next;
            }
            place.set(next);
            heap::free(stream.cast_mut().cast());
            result
        }
    }
}
