//! What is known of a file.

use core::ffi::{c_char, c_int, c_long, c_longlong, c_void};

use super::{AT_FDCWD, Content, FileSystem, LastLink, NodeId, Time, done, with};
use crate::cstr;
use crate::errno;
use crate::time::TimeSpec;

/// `struct stat` of llvm-libc.
#[repr(C)]
#[derive(Default)]
struct Status {
    device: u64,
    inode: u64,
    mode: u32,
    link_count: usize,
    user: u32,
    group: u32,
    special_device: u64,
    size_bytes: i64,
    times: [TimeSpec; 3],
    block_size_bytes: isize,
    block_count: i64,
}

const S_IFREG: u32 = 0o100_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFCHR: u32 = 0o020_000;
const S_IFIFO: u32 = 0o010_000;
const S_IFLNK: u32 = 0o120_000;

const AT_SYMLINK_NOFOLLOW: c_int = 0x100;
const AT_EMPTY_PATH: c_int = 0x1000;

/// Its number in `struct stat`: zero stands for nothing in some programs.
pub(super) fn inode(node: NodeId) -> u64 {
    node as u64 + 1
}

impl TimeSpec {
    fn of([seconds, nanoseconds]: Time) -> Self {
        Self {
            seconds,
            nanoseconds: nanoseconds as c_long,
        }
    }
}

impl FileSystem {
    fn status(&self, id: NodeId) -> Status {
        let node = self.tree.node(id);
        let (kind, size) = match &node.content {
            Content::Directory { entries, .. } => (S_IFDIR, entries.len()),
            Content::Given(bytes) => (S_IFREG, bytes.len()),
            Content::Remote(file) => (S_IFREG, file.size_bytes()),
            Content::Written(bytes) => (S_IFREG, bytes.len()),
            Content::Stored(_, size) => (S_IFREG, *size),
            Content::Link(target) => (S_IFLNK, target.len()),
            Content::Device(_) => (S_IFCHR, 0),
            Content::Pipe(_) => (S_IFIFO, 0),
        };
        Status {
            device: 1,
            inode: inode(id),
            mode: kind | node.permissions,
            // A directory is also named in itself.
            link_count: (node.links + u64::from(kind == S_IFDIR)) as usize,
            special_device: if kind == S_IFCHR { inode(id) } else { 0 },
            size_bytes: size as i64,
            times: node.times.map(TimeSpec::of),
            block_size_bytes: 4096,
            block_count: size.div_ceil(512) as i64,
            ..Status::default()
        }
    }
}

fn last_link(flags: c_int) -> LastLink {
    if flags & AT_SYMLINK_NOFOLLOW != 0 {
        LastLink::Kept
    } else {
        LastLink::Followed
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fstatat(
    directory: c_int,
    path: *const c_char,
    result: *mut Status,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
        // SAFETY: the caller gives a place for the result.
        return unsafe { fstat(directory, result) };
    }
    done(with(|system| {
        let node = system.find(directory, path, last_link(flags))?;
        // SAFETY: the caller gives a place for the result.
        unsafe { *result = system.status(node) };
        Ok(())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn stat(path: *const c_char, result: *mut Status) -> c_int {
    // SAFETY: the caller passes a C string and a place for the result.
    unsafe { fstatat(AT_FDCWD, path, result, 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn lstat(path: *const c_char, result: *mut Status) -> c_int {
    // SAFETY: the caller passes a C string and a place for the result.
    unsafe { fstatat(AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fstat(descriptor: c_int, result: *mut Status) -> c_int {
    done(with(|system| {
        let node = system.description(descriptor)?.node;
        // SAFETY: the caller gives a place for the result.
        unsafe { *result = system.status(node) };
        Ok(())
    }))
}

const UTIME_NOW: c_long = 0x3fff_ffff;
const UTIME_OMIT: c_long = 0x3fff_fffe;

/// # Safety
/// `times` must be null or two of `struct timespec`.
unsafe fn set_times(
    system: &mut FileSystem,
    node: NodeId,
    times: *const [TimeSpec; 2],
) -> Result<(), c_int> {
    let now = super::now();
    // SAFETY: the caller's promise.
    let times = unsafe { times.as_ref() }.copied();
    let times = times.unwrap_or([TimeSpec::of(now); 2]);
    let id = node;
    let node = system.tree.node_mut(id);
    for (place, time) in node.times.iter_mut().zip(times) {
        match time.nanoseconds {
            UTIME_OMIT => {}
            UTIME_NOW => *place = now,
            0..1_000_000_000 => *place = [time.seconds, time.nanoseconds as c_longlong],
            _ => return Err(errno::EINVAL),
        }
    }
    node.times[2] = now;
    system.tree.store_times(id);
    Ok(())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn utimensat(
    directory: c_int,
    path: *const c_char,
    times: *const [TimeSpec; 2],
    flags: c_int,
) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        let node = system.find(directory, path, last_link(flags))?;
        // SAFETY: the caller passes null or two times.
        unsafe { set_times(system, node, times) }
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn futimens(descriptor: c_int, times: *const [TimeSpec; 2]) -> c_int {
    done(with(|system| {
        let node = system.description(descriptor)?.node;
        // SAFETY: the caller passes null or two times.
        unsafe { set_times(system, node, times) }
    }))
}

fn set_permissions(system: &mut FileSystem, node: NodeId, mode: u32) {
    let node = system.tree.node_mut(node);
    node.permissions = mode & 0o7777;
    node.times[2] = super::now();
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fchmodat(
    directory: c_int,
    path: *const c_char,
    mode: u32,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        let node = system.find(directory, path, last_link(flags))?;
        set_permissions(system, node, mode);
        Ok(())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn chmod(path: *const c_char, mode: u32) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { fchmodat(AT_FDCWD, path, mode, 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fchmod(descriptor: c_int, mode: u32) -> c_int {
    done(with(|system| {
        let node = system.description(descriptor)?.node;
        set_permissions(system, node, mode);
        Ok(())
    }))
}

/// There is one user.
fn set_owner(user: u32, group: u32) -> Result<(), c_int> {
    let is_ours = |id: u32| id == 0 || id == u32::MAX;
    if is_ours(user) && is_ours(group) {
        Ok(())
    } else {
        Err(errno::EPERM)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fchown(descriptor: c_int, user: u32, group: u32) -> c_int {
    done(with(|system| {
        system.description(descriptor)?;
        set_owner(user, group)
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fchownat(
    directory: c_int,
    path: *const c_char,
    user: u32,
    group: u32,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        system.find(directory, path, last_link(flags))?;
        set_owner(user, group)
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn chown(path: *const c_char, user: u32, group: u32) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { fchownat(AT_FDCWD, path, user, group, 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn lchown(path: *const c_char, user: u32, group: u32) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { fchownat(AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn faccessat(
    directory: c_int,
    path: *const c_char,
    mode: c_int,
    flags: c_int,
) -> c_int {
    const X_OK: c_int = 1;
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        let node = system.find(directory, path, last_link(flags))?;
        let node = system.tree.node(node);
        // The one user may read and write anything, and run what somebody may run.
        if mode & X_OK != 0 && !node.is_directory() && node.permissions & 0o111 == 0 {
            return Err(errno::EACCES);
        }
        Ok(())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn access(path: *const c_char, mode: c_int) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { faccessat(AT_FDCWD, path, mode, 0) }
}

/// `struct statvfs` of the overlay. How much memory is left is not known: there is always room until there is none. Of `/data` it is.
#[repr(C)]
struct FileSystemStatus {
    block_size_bytes: u64,
    fragment_size_bytes: u64,
    blocks: [u64; 3],
    files: [u64; 3],
    id: u64,
    flag: u64,
    longest_name_bytes: u64,
    flags: u64,
}

const NOMINAL_BLOCKS: u64 = 1 << 18;

/// # Safety
/// `result` must be a place for a `struct statvfs`.
unsafe fn store_file_system(result: *mut c_void, free_bytes: Option<u64>) {
    let blocks = free_bytes.map_or(NOMINAL_BLOCKS, |bytes| bytes / 4096);
    let status = FileSystemStatus {
        block_size_bytes: 4096,
        fragment_size_bytes: 4096,
        blocks: [NOMINAL_BLOCKS.max(blocks), blocks, blocks],
        files: [NOMINAL_BLOCKS; 3],
        id: 1,
        flag: 0,
        longest_name_bytes: 255,
        flags: 0x1000,
    };
    // SAFETY: the caller's promise.
    unsafe { result.cast::<FileSystemStatus>().write(status) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn statvfs(path: *const c_char, result: *mut c_void) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        let node = system.find(AT_FDCWD, path, LastLink::Followed)?;
        // SAFETY: the caller gives a place for the result.
        unsafe { store_file_system(result, system.tree.free_bytes(node)) };
        Ok(())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fstatvfs(descriptor: c_int, result: *mut c_void) -> c_int {
    done(with(|system| {
        let node = system.description(descriptor)?.node;
        // SAFETY: the caller gives a place for the result.
        unsafe { store_file_system(result, system.tree.free_bytes(node)) };
        Ok(())
    }))
}
