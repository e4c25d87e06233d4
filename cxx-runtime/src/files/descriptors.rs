//! Opening, reading and writing.

use core::ffi::{c_char, c_int, c_void};

use alloc::vec::Vec;

use super::{
    AT_FDCWD, Content, DESCRIPTOR_LIMIT, Description, Descriptor, Device, FileSystem, LastLink,
    NodeId, Place, done, input, now, with,
};
use crate::cstr;
use crate::errno::{self, fail};
use crate::platform::Stream;
use crate::runtime::platform;

pub(super) const O_RDONLY: c_int = 0;
pub(super) const O_WRONLY: c_int = 1;
const O_RDWR: c_int = 2;
pub(super) const O_ACCMODE: c_int = 3;
const O_CREAT: c_int = 0o100;
const O_EXCL: c_int = 0o200;
const O_TRUNC: c_int = 0o1000;
const O_APPEND: c_int = 0o2000;
pub(super) const O_NONBLOCK: c_int = 0o4000;
const O_DIRECTORY: c_int = 0o200_000;
const O_NOFOLLOW: c_int = 0o400_000;
const O_CLOEXEC: c_int = 0o2_000_000;
/// Flags that belong to opening, not to what is open.
const CREATION_FLAGS: c_int =
    O_CREAT | O_EXCL | O_TRUNC | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | 0o400;

type Result<T> = core::result::Result<T, c_int>;

impl FileSystem {
    pub(super) fn description(&self, descriptor: c_int) -> Result<&Description> {
        let entry = self.descriptor(descriptor)?;
        Ok(self.descriptions[entry.description]
            .as_ref()
            .expect("a descriptor refers to a description"))
    }

    fn description_mut(&mut self, descriptor: c_int) -> Result<&mut Description> {
        let entry = self.descriptor(descriptor)?;
        Ok(self.descriptions[entry.description]
            .as_mut()
            .expect("a descriptor refers to a description"))
    }

    fn descriptor(&self, descriptor: c_int) -> Result<Descriptor> {
        usize::try_from(descriptor)
            .ok()
            .and_then(|index| self.descriptors.get(index).copied().flatten())
            .ok_or(errno::EBADF)
    }

    /// Puts a descriptor into the first free place from `least` on.
    fn place(&mut self, descriptor: Descriptor, least: usize) -> Result<c_int> {
        let index = (least..DESCRIPTOR_LIMIT)
            .find(|index| self.descriptors.get(*index).is_none_or(Option::is_none))
            .ok_or(errno::EMFILE)?;
        self.put(descriptor, index);
        Ok(index as c_int)
    }

    fn put(&mut self, descriptor: Descriptor, index: usize) {
        if self.descriptors.len() <= index {
            self.descriptors.resize(index + 1, None);
        }
        self.descriptors[index] = Some(descriptor);
    }

    /// A new description of this node, and a descriptor of it.
    pub(super) fn open_node(&mut self, node: NodeId, flags: c_int) -> Result<c_int> {
        let index = self
            .descriptions
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.descriptions.len());
        let descriptor = self.place(
            Descriptor {
                description: index,
                closes_on_exec: flags & O_CLOEXEC != 0,
            },
            0,
        )?;
        let description = Description {
            node,
            offset: 0,
            flags: flags & !CREATION_FLAGS,
            references: 1,
        };
        self.tree.node_mut(node).uses += 1;
        if index == self.descriptions.len() {
            self.descriptions.push(Some(description));
        } else {
            self.descriptions[index] = Some(description);
        }
        Ok(descriptor)
    }

    fn open(&mut self, directory: c_int, path: &[u8], flags: c_int, mode: u32) -> Result<c_int> {
        let creates = flags & O_CREAT != 0;
        // A link at the end is a name that exists.
        let keeps_link = flags & O_NOFOLLOW != 0 || (creates && flags & O_EXCL != 0);
        let last_link = if keeps_link {
            LastLink::Kept
        } else {
            LastLink::Followed
        };
        let place = self.locate(directory, path, last_link)?;
        let node = match place.node {
            Some(_) if creates && flags & O_EXCL != 0 => return Err(errno::EEXIST),
            Some(node) => node,
            None if creates => self.create_file(place, mode)?,
            None => return Err(errno::ENOENT),
        };
        let writes = flags & O_ACCMODE != O_RDONLY;
        match &self.tree.node(node).content {
            Content::Directory { .. } if writes || creates => return Err(errno::EISDIR),
            Content::Directory { .. } => {}
            Content::Link(_) => return Err(errno::ELOOP),
            _ if flags & O_DIRECTORY != 0 => return Err(errno::ENOTDIR),
            Content::Given(_) | Content::Remote(_) | Content::Written(_) | Content::Stored(..)
                if flags & O_TRUNC != 0 && writes =>
            {
                self.tree.resize(node, 0, now())?;
            }
            _ => {}
        }
        self.open_node(node, flags)
    }

    fn create_file(&mut self, place: Place, mode: u32) -> Result<NodeId> {
        let permissions = mode & !self.mask & 0o7777;
        self.tree
            .create(place, Content::Written(Vec::new()), permissions, now())
    }

    pub(super) fn close(&mut self, descriptor: c_int) -> Result<()> {
        let index = self.descriptor(descriptor)?.description;
        self.descriptors[descriptor as usize] = None;
        let description = self.descriptions[index]
            .as_mut()
            .expect("a descriptor refers to a description");
        description.references -= 1;
        if description.references == 0 {
            let node = description.node;
            self.descriptions[index] = None;
            // The descriptor is gone, whatever happens to what was written.
            let committed = match self.tree.node(node).links {
                0 => Ok(()),
                _ => self.tree.commit(node),
            };
            self.release(node);
            return committed;
        }
        Ok(())
    }

    fn release(&mut self, node: NodeId) {
        self.tree.node_mut(node).uses -= 1;
        self.tree.free_if_unused(node);
    }

    fn readable(&self, descriptor: c_int) -> Result<&Description> {
        let description = self.description(descriptor)?;
        if description.flags & O_ACCMODE == O_WRONLY {
            return Err(errno::EBADF);
        }
        Ok(description)
    }

    fn writable(&self, descriptor: c_int) -> Result<&Description> {
        let description = self.description(descriptor)?;
        if description.flags & O_ACCMODE == O_RDONLY {
            return Err(errno::EBADF);
        }
        Ok(description)
    }

    /// Copies bytes of a regular file; a description's offset moves when none is given.
    fn read_file(
        &mut self,
        descriptor: c_int,
        buffer: &mut [u8],
        at: Option<usize>,
    ) -> Result<Transfer> {
        let description = self.readable(descriptor)?;
        let offset = at.unwrap_or(description.offset);
        let (node, flags) = (description.node, description.flags);
        match self.tree.node(node).content {
            Content::Directory { .. } => return Err(errno::EISDIR),
            Content::Device(device) => return Ok(Transfer::Device(device)),
            Content::Pipe(_) if at.is_some() => return Err(errno::ESPIPE),
            Content::Pipe(_) => return self.read_pipe(node, flags, buffer),
            _ => {}
        }
        let count = self.tree.read_at(node, offset, buffer)?;
        if at.is_none() {
            self.description_mut(descriptor)?.offset += count;
        }
        Ok(Transfer::Bytes(count))
    }

    fn write_file(
        &mut self,
        descriptor: c_int,
        bytes: &[u8],
        at: Option<usize>,
    ) -> Result<Transfer> {
        let description = self.writable(descriptor)?;
        let (id, mut offset) = (description.node, at.unwrap_or(description.offset));
        let flags = description.flags;
        let node = self.tree.node(id);
        match node.content {
            Content::Device(device) => return Ok(Transfer::Device(device)),
            Content::Pipe(_) if at.is_some() => return Err(errno::ESPIPE),
            Content::Pipe(_) => return self.write_pipe(id, flags, bytes),
            _ => {}
        }
        if flags & O_APPEND != 0 {
            offset = node.size().unwrap_or(0);
        }
        let count = self.tree.write_at(id, offset, bytes, now())?;
        if at.is_none() {
            self.description_mut(descriptor)?.offset = offset + count;
        }
        Ok(Transfer::Bytes(count))
    }

    fn seek(&mut self, descriptor: c_int, offset: i64, whence: c_int) -> Result<i64> {
        let description = self.description(descriptor)?;
        let node = self.tree.node(description.node);
        if let Content::Device(Device::Console(_)) | Content::Pipe(_) = node.content {
            return Err(errno::ESPIPE);
        }
        let size = node.size().unwrap_or(0);
        let base = match whence {
            0 => 0,
            1 => description.offset,
            2 => size,
            // SEEK_DATA and SEEK_HOLE: the only hole is at the end.
            3 | 4 => {
                let start = usize::try_from(offset).map_err(|_| errno::ENXIO)?;
                if start >= size {
                    return Err(errno::ENXIO);
                }
                let target = if whence == 3 { start } else { size };
                self.description_mut(descriptor)?.offset = target;
                return Ok(target as i64);
            }
            _ => return Err(errno::EINVAL),
        };
        let target = (base as i64)
            .checked_add(offset)
            .and_then(|target| usize::try_from(target).ok())
            .ok_or(errno::EINVAL)?;
        self.description_mut(descriptor)?.offset = target;
        Ok(target as i64)
    }

    fn control(&mut self, descriptor: c_int, command: c_int, argument: usize) -> Result<Control> {
        const F_DUPFD: c_int = 0;
        const F_GETFD: c_int = 1;
        const F_SETFD: c_int = 2;
        const F_GETFL: c_int = 3;
        const F_SETFL: c_int = 4;
        const F_GETLK: c_int = 5;
        const F_SETLK: c_int = 6;
        const F_SETLKW: c_int = 7;
        const F_DUPFD_CLOEXEC: c_int = 1030;
        let mut entry = self.descriptor(descriptor)?;
        let index = descriptor as usize;
        Ok(Control::Value(match command {
            F_DUPFD | F_DUPFD_CLOEXEC => {
                if argument >= DESCRIPTOR_LIMIT {
                    return Err(errno::EINVAL);
                }
                entry.closes_on_exec = command == F_DUPFD_CLOEXEC;
                let copy = self.place(entry, argument)?;
                self.description_mut(descriptor)?.references += 1;
                copy
            }
            F_GETFD => c_int::from(entry.closes_on_exec),
            F_SETFD => {
                entry.closes_on_exec = argument & 1 != 0;
                self.descriptors[index] = Some(entry);
                0
            }
            F_GETFL => self.description(descriptor)?.flags,
            F_SETFL => {
                let changeable = O_APPEND | O_NONBLOCK;
                let description = self.description_mut(descriptor)?;
                description.flags =
                    description.flags & !changeable | argument as c_int & changeable;
                0
            }
            // There is one process: no lock is in anybody's way.
            F_GETLK => return Ok(Control::NoLock),
            F_SETLK | F_SETLKW => 0,
            _ => return Err(errno::EINVAL),
        }))
    }

    fn duplicate_to(&mut self, old: c_int, new: c_int, flags: c_int) -> Result<c_int> {
        let mut entry = self.descriptor(old)?;
        let index = usize::try_from(new)
            .ok()
            .filter(|index| *index < DESCRIPTOR_LIMIT)
            .ok_or(errno::EBADF)?;
        self.description_mut(old)?.references += 1;
        if self.descriptor(new).is_ok() {
            self.close(new)?;
        }
        entry.closes_on_exec = flags & O_CLOEXEC != 0;
        self.put(entry, index);
        Ok(new)
    }
}

/// What reading or writing came to.
pub(super) enum Transfer {
    Bytes(usize),
    /// The device does it.
    Device(Device),
    /// Only a signal handler can change that: what the program waits for.
    Waits(&'static str),
    /// Nobody can read it.
    Broken,
}

enum Control {
    Value(c_int),
    NoLock,
}

fn read_device(device: Device, buffer: &mut [u8]) -> Result<usize> {
    match device {
        Device::Null => return Ok(0),
        Device::Zero | Device::Full => buffer.fill(0),
        Device::Random => platform().fill_random(buffer),
        Device::Console(_) => return input::read(buffer),
    }
    Ok(buffer.len())
}

fn write_device(device: Device, bytes: &[u8]) -> Result<usize> {
    match device {
        Device::Full => return Err(errno::ENOSPC),
        Device::Null | Device::Zero | Device::Random => {}
        Device::Console(0) => return Err(errno::EBADF),
        Device::Console(2) => platform().console_write(Stream::Error, bytes),
        Device::Console(_) => platform().console_write(Stream::Output, bytes),
    }
    Ok(bytes.len())
}

/// Reads or writes, and once more after a signal handler was called where there was nothing to do before.
fn transfer(mut attempt: impl FnMut() -> Result<Transfer>) -> Result<usize> {
    const SIGPIPE: c_int = 13;
    let mut was_interrupted = false;
    loop {
        match attempt()? {
            Transfer::Bytes(count) => return Ok(count),
            Transfer::Device(_) => unreachable!("the caller has asked the device"),
            Transfer::Broken => {
                crate::posix::raise(SIGPIPE);
                return Err(errno::EPIPE);
            }
            Transfer::Waits(_) if was_interrupted => return Err(errno::EINTR),
            Transfer::Waits(what) => {
                crate::posix::wait_for_handler(what);
                was_interrupted = true;
            }
        }
    }
}

fn transferred(result: Result<usize>) -> isize {
    match result {
        Ok(count) => count as isize,
        Err(number) => fail(number) as isize,
    }
}

fn opened(result: Result<c_int>) -> c_int {
    result.unwrap_or_else(fail)
}

/// The mode is only there when a file may be created; a caller that leaves it out leaves the register as it was.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: u32) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { openat(AT_FDCWD, path, flags, mode) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn openat(
    directory: c_int,
    path: *const c_char,
    flags: c_int,
    mode: u32,
) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    opened(with(|system| system.open(directory, path, flags, mode)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn creat(path: *const c_char, mode: u32) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { open(path, O_WRONLY | O_CREAT | O_TRUNC, mode) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn close(descriptor: c_int) -> c_int {
    done(with(|system| system.close(descriptor)))
}

/// The caller's memory, which may be no memory when it is of no size.
///
/// # Safety
/// `buffer` must be writable for `size` bytes.
unsafe fn memory<'a>(buffer: *mut c_void, size: usize) -> &'a mut [u8] {
    if size == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts_mut(buffer.cast::<u8>(), size) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn read(descriptor: c_int, buffer: *mut c_void, size: usize) -> isize {
    // SAFETY: the caller gives `size` bytes.
    let buffer = unsafe { memory(buffer, size) };
    transferred(transfer(|| {
        let result = with(|system| system.read_file(descriptor, buffer, None))?;
        Ok(match result {
            Transfer::Device(device) => Transfer::Bytes(read_device(device, buffer)?),
            other => other,
        })
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pread(
    descriptor: c_int,
    buffer: *mut c_void,
    size: usize,
    offset: i64,
) -> isize {
    // SAFETY: the caller gives `size` bytes.
    let buffer = unsafe { memory(buffer, size) };
    let Ok(offset) = usize::try_from(offset) else {
        return fail(errno::EINVAL) as isize;
    };
    let result = with(|system| system.read_file(descriptor, buffer, Some(offset)));
    transferred(result.and_then(|transfer| match transfer {
        Transfer::Bytes(count) => Ok(count),
        Transfer::Device(Device::Console(_)) | Transfer::Waits(_) | Transfer::Broken => {
            Err(errno::ESPIPE)
        }
        Transfer::Device(device) => read_device(device, buffer),
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn write(
    descriptor: c_int,
    buffer: *const c_void,
    size: usize,
) -> isize {
    // SAFETY: the caller gives `size` bytes, which are only read.
    let bytes = unsafe { memory(buffer.cast_mut(), size) };
    transferred(transfer(|| {
        let result = with(|system| system.write_file(descriptor, bytes, None))?;
        Ok(match result {
            Transfer::Device(device) => Transfer::Bytes(write_device(device, bytes)?),
            other => other,
        })
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pwrite(
    descriptor: c_int,
    buffer: *const c_void,
    size: usize,
    offset: i64,
) -> isize {
    // SAFETY: the caller gives `size` bytes, which are only read.
    let bytes = unsafe { memory(buffer.cast_mut(), size) };
    let Ok(offset) = usize::try_from(offset) else {
        return fail(errno::EINVAL) as isize;
    };
    let result = with(|system| system.write_file(descriptor, bytes, Some(offset)));
    transferred(result.and_then(|transfer| match transfer {
        Transfer::Bytes(count) => Ok(count),
        Transfer::Device(Device::Console(_)) | Transfer::Waits(_) | Transfer::Broken => {
            Err(errno::ESPIPE)
        }
        Transfer::Device(device) => write_device(device, bytes),
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn lseek(descriptor: c_int, offset: i64, whence: c_int) -> i64 {
    with(|system| system.seek(descriptor, offset, whence))
        .unwrap_or_else(|number| i64::from(fail(number)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ftruncate(descriptor: c_int, size: i64) -> c_int {
    done(with(|system| {
        let node = system.writable(descriptor).map_err(|_| errno::EINVAL)?.node;
        let size = usize::try_from(size).map_err(|_| errno::EINVAL)?;
        system.tree.resize(node, size, now())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fsync(descriptor: c_int) -> c_int {
    done(with(|system| {
        let node = system.description(descriptor)?.node;
        system.tree.commit(node)
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    fsync(descriptor)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sync() {
    with(|system| system.tree.commit_all());
}

/// There is one process: its locks are in nobody's way.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn flock(descriptor: c_int, _operation: c_int) -> c_int {
    done(with(|system| system.description(descriptor).map(drop)))
}

/// There is one process: its locks are in nobody's way.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn lockf(descriptor: c_int, _command: c_int, _size: i64) -> c_int {
    done(with(|system| system.description(descriptor).map(drop)))
}

/// Advice need not be taken. The result is the error itself.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn posix_fadvise(descriptor: c_int, _offset: i64, _size: i64, _advice: c_int) -> c_int {
    with(|system| system.description(descriptor).map(drop))
        .err()
        .unwrap_or(0)
}

/// Makes a file at least so long. The result is the error itself.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn posix_fallocate(descriptor: c_int, offset: i64, size: i64) -> c_int {
    let result = with(|system| {
        let node = system.writable(descriptor)?.node;
        let end = offset.checked_add(size).ok_or(errno::EFBIG)?;
        let end = usize::try_from(end).map_err(|_| errno::EINVAL)?;
        let old_size = system.tree.node(node).size().ok_or(errno::ENODEV)?;
        if old_size < end {
            system.tree.resize(node, end, now())?;
        }
        Ok(())
    });
    result.err().unwrap_or(0)
}

/// The argument is a number or a `struct flock`, or is not there: then its register is not looked at.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn fcntl(descriptor: c_int, command: c_int, argument: usize) -> c_int {
    const F_UNLCK: i16 = 2;
    match with(|system| system.control(descriptor, command, argument)) {
        Ok(Control::Value(value)) => value,
        Ok(Control::NoLock) => {
            // SAFETY: the caller passes a `struct flock`, which starts with the lock's type.
            unsafe { *(argument as *mut i16) = F_UNLCK };
            0
        }
        Err(number) => fail(number),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn dup(descriptor: c_int) -> c_int {
    // SAFETY: the command takes a number.
    unsafe { fcntl(descriptor, 0, 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn dup2(old: c_int, new: c_int) -> c_int {
    if old == new {
        return opened(with(|system| system.descriptor(old).map(|_| new)));
    }
    opened(with(|system| system.duplicate_to(old, new, 0)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn dup3(old: c_int, new: c_int, flags: c_int) -> c_int {
    if old == new || flags & !O_CLOEXEC != 0 {
        return fail(errno::EINVAL);
    }
    opened(with(|system| system.duplicate_to(old, new, flags)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn isatty(descriptor: c_int) -> c_int {
    let device = with(|system| {
        let node = system.description(descriptor)?.node;
        match system.tree.node(node).content {
            Content::Device(Device::Console(number)) => Ok(number),
            _ => Err(errno::ENOTTY),
        }
    });
    match device {
        Ok(number) if platform().is_terminal(number) => 1,
        Ok(_) => {
            errno::set(errno::ENOTTY);
            0
        }
        Err(number) => {
            errno::set(number);
            0
        }
    }
}

/// A file that is mapped: it stays when its descriptors and names are gone.
#[derive(Debug)]
pub(crate) struct Mapping {
    node: NodeId,
    offset: usize,
}

impl Mapping {
    /// Copies the file's bytes to the start of `memory`: what lies behind the file's end stays as it is.
    pub(crate) fn load(&self, memory: &mut [u8]) -> Result<()> {
        with(|system| system.tree.read_all_at(self.node, self.offset, memory))
    }

    /// Writes memory back; what is behind the file's end is not part of it.
    pub(crate) fn save(&self, memory: &[u8]) {
        with(|system| {
            let size = system.tree.node(self.node).size().unwrap_or(0);
            let count = size.saturating_sub(self.offset).min(memory.len());
            // There is room for bytes that are there already, unless they came with the program: then they stay.
            let _ = system
                .tree
                .write_at(self.node, self.offset, &memory[..count], now());
        });
    }
}

impl Mapping {
    /// Has what was written back where no power cut reaches it.
    pub(crate) fn commit(&self) -> Result<()> {
        with(|system| system.tree.commit(self.node))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        with(|system| system.release(self.node));
    }
}

/// A mapping of an open file from `offset` on.
pub(crate) fn map(descriptor: c_int, offset: i64, is_shared_writable: bool) -> Result<Mapping> {
    let offset = usize::try_from(offset).map_err(|_| errno::EINVAL)?;
    with(|system| {
        let description = system.readable(descriptor).map_err(|number| {
            // It is open, but not for reading.
            if system.descriptor(descriptor).is_ok() {
                errno::EACCES
            } else {
                number
            }
        })?;
        if is_shared_writable && description.flags & O_ACCMODE != O_RDWR {
            return Err(errno::EACCES);
        }
        let node = description.node;
        if system.tree.node(node).size().is_none() {
            return Err(errno::ENODEV);
        }
        system.tree.node_mut(node).uses += 1;
        Ok(Mapping { node, offset })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::test_platform;
    use core::ffi::CStr;

    fn open_c(path: &CStr, flags: c_int) -> core::result::Result<c_int, c_int> {
        // SAFETY: the path is a C string.
        match unsafe { open(path.as_ptr(), flags, 0o644) } {
            descriptor if descriptor < 0 => Err(errno::get()),
            descriptor => Ok(descriptor),
        }
    }

    fn read_some(descriptor: c_int) -> Vec<u8> {
        let mut buffer = [0_u8; 64];
        // SAFETY: the buffer has the size that is given.
        let count = unsafe { read(descriptor, buffer.as_mut_ptr().cast(), buffer.len()) };
        buffer[..usize::try_from(count).unwrap()].to_vec()
    }

    fn write_all(descriptor: c_int, bytes: &[u8]) -> isize {
        // SAFETY: the slice gives address and size.
        unsafe { write(descriptor, bytes.as_ptr().cast(), bytes.len()) }
    }

    #[test]
    fn files_are_read_written_and_shared() {
        test_platform::install();
        let motd = open_c(c"/etc//./motd", O_RDONLY).unwrap();
        assert_eq!(read_some(motd), b"hello\nworld\n");
        assert_eq!(write_all(motd, b"x"), -1);
        assert_eq!(errno::get(), errno::EBADF);
        assert_eq!(close(motd), 0);
        assert_eq!(close(motd), -1);

        let file = open_c(c"/tmp/files", O_RDWR | O_CREAT | O_EXCL).unwrap();
        assert_eq!(
            open_c(c"/tmp/files", O_RDWR | O_CREAT | O_EXCL),
            Err(errno::EEXIST)
        );
        assert_eq!(write_all(file, b"0123456789"), 10);
        let other = dup(file);
        assert_eq!(lseek(other, -4, 2), 6);
        assert_eq!(read_some(file), b"6789");
        let appending = open_c(c"/tmp/files", O_WRONLY | O_APPEND).unwrap();
        assert_eq!(write_all(appending, b"ab"), 2);
        assert_eq!(read_some(other), b"ab");
        assert_eq!(lseek(file, 20, 0), 20);
        assert_eq!(write_all(file, b"!"), 1);
        assert_eq!(lseek(file, 11, 0), 11);
        assert_eq!(read_some(file), b"b\0\0\0\0\0\0\0\0!");
        assert_eq!(ftruncate(file, 3), 0);
        assert_eq!(lseek(file, 0, 0), 0);
        assert_eq!(read_some(file), b"012");
        for descriptor in [file, other, appending] {
            assert_eq!(close(descriptor), 0);
        }
        let again = open_c(c"/tmp/files", O_WRONLY | O_TRUNC).unwrap();
        assert_eq!(lseek(again, 0, 2), 0);
        assert_eq!(close(again), 0);
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        test_platform::install();
        assert_eq!(open_c(c"/etc/nothing", O_RDONLY), Err(errno::ENOENT));
        assert_eq!(open_c(c"/etc", O_RDWR), Err(errno::EISDIR));
        assert_eq!(open_c(c"/etc/motd", O_DIRECTORY), Err(errno::ENOTDIR));
        assert_eq!(open_c(c"/no/file", O_WRONLY | O_CREAT), Err(errno::ENOENT));
        let full = open_c(c"/dev/full", O_WRONLY).unwrap();
        assert_eq!(write_all(full, b"x"), -1);
        assert_eq!(errno::get(), errno::ENOSPC);
        assert_eq!(close(full), 0);
        assert_eq!(lseek(1, 0, 0), -1);
        assert_eq!(errno::get(), errno::ESPIPE);
        assert_eq!(dup2(99, 5), -1);
    }
}
