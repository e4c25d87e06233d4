//! Names: making, moving and removing them, and the working directory.

use core::ffi::{c_char, c_int};

use super::{AT_FDCWD, Content, LastLink, done, now, tree, with};
use crate::cstr;
use crate::errno::{self, fail};

const AT_REMOVEDIR: c_int = 0x200;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn unlinkat(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        let place = system.locate(directory, path, LastLink::Kept)?;
        if flags & AT_REMOVEDIR != 0 {
            system.tree.remove_directory(&place, now())
        } else {
            system.tree.unlink(&place, now())
        }
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { unlinkat(AT_FDCWD, path, 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { unlinkat(AT_FDCWD, path, AT_REMOVEDIR) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn remove(path: *const c_char) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe {
        match unlink(path) {
            0 => 0,
            _ if errno::get() == errno::EISDIR => rmdir(path),
            failed => failed,
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn renameat(
    from_directory: c_int,
    from: *const c_char,
    to_directory: c_int,
    to: *const c_char,
) -> c_int {
    // SAFETY: the caller passes C strings.
    let (from, to) = unsafe { (cstr::bytes(from), cstr::bytes(to)) };
    done(with(|system| {
        let from = system.locate(from_directory, from, LastLink::Kept)?;
        let to = system.locate(to_directory, to, LastLink::Kept)?;
        system.tree.rename(from, to, now())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the caller passes C strings.
    unsafe { renameat(AT_FDCWD, from, AT_FDCWD, to) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mkdirat(directory: c_int, path: *const c_char, mode: u32) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        let place = system.locate(directory, path, LastLink::Kept)?;
        let permissions = mode & !system.mask & 0o1777;
        system.tree.make_directory(place, permissions, now())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mkdir(path: *const c_char, mode: u32) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { mkdirat(AT_FDCWD, path, mode) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn linkat(
    from_directory: c_int,
    from: *const c_char,
    to_directory: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    const AT_SYMLINK_FOLLOW: c_int = 0x400;
    // SAFETY: the caller passes C strings.
    let (from, to) = unsafe { (cstr::bytes(from), cstr::bytes(to)) };
    let last_link = if flags & AT_SYMLINK_FOLLOW != 0 {
        LastLink::Followed
    } else {
        LastLink::Kept
    };
    done(with(|system| {
        let node = system.find(from_directory, from, last_link)?;
        let place = system.locate(to_directory, to, LastLink::Kept)?;
        if system.tree.node(node).is_directory() {
            return Err(errno::EPERM);
        }
        if place.node.is_some() {
            return Err(errno::EEXIST);
        }
        if place.wants_directory {
            return Err(errno::ENOENT);
        }
        // FAT has one name for a file.
        if system.tree.stored_folder(place.parent).is_some()
            || system.tree.stored_file(node).is_some()
        {
            return Err(errno::EPERM);
        }
        system.tree.attach(place.parent, place.name, node);
        system.tree.node_mut(node).times[2] = now();
        Ok(())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn link(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the caller passes C strings.
    unsafe { linkat(AT_FDCWD, from, AT_FDCWD, to, 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn symlinkat(
    target: *const c_char,
    directory: c_int,
    path: *const c_char,
) -> c_int {
    // SAFETY: the caller passes C strings.
    let (target, path) = unsafe { (cstr::bytes(target), cstr::bytes(path)) };
    if target.is_empty() {
        return fail(errno::ENOENT);
    }
    done(with(|system| {
        let place = system.locate(directory, path, LastLink::Kept)?;
        let content = Content::Link(target.to_vec());
        system.tree.create(place, content, 0o777, now()).map(drop)
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn symlink(target: *const c_char, path: *const c_char) -> c_int {
    // SAFETY: the caller passes C strings.
    unsafe { symlinkat(target, AT_FDCWD, path) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn readlinkat(
    directory: c_int,
    path: *const c_char,
    buffer: *mut c_char,
    size: usize,
) -> isize {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    let result = with(|system| {
        let node = system.find(directory, path, LastLink::Kept)?;
        let Content::Link(target) = &system.tree.node(node).content else {
            return Err(errno::EINVAL);
        };
        let count = target.len().min(size);
        // SAFETY: the caller gives `size` bytes.
        unsafe { core::ptr::copy_nonoverlapping(target.as_ptr().cast(), buffer, count) };
        Ok(count)
    });
    match result {
        Ok(count) => count as isize,
        Err(number) => fail(number) as isize,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn readlink(path: *const c_char, buffer: *mut c_char, size: usize) -> isize {
    // SAFETY: the caller passes a C string and gives `size` bytes.
    unsafe { readlinkat(AT_FDCWD, path, buffer, size) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn truncate(path: *const c_char, size: i64) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        let node = system.find(AT_FDCWD, path, LastLink::Followed)?;
        let size = usize::try_from(size).map_err(|_| errno::EINVAL)?;
        system.tree.resize(node, size, now())
    }))
}

/// There are no FIFOs: nobody else could be at the other end.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn mkfifo(_path: *const c_char, _mode: u32) -> c_int {
    fail(errno::EPERM)
}

/// There are no devices but those in `/dev`.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn mknod(_path: *const c_char, _mode: u32, _device: u64) -> c_int {
    fail(errno::EPERM)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn umask(mask: u32) -> u32 {
    with(|system| core::mem::replace(&mut system.mask, mask & 0o777))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn chdir(path: *const c_char) -> c_int {
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    done(with(|system| {
        let node = system.find(AT_FDCWD, path, LastLink::Followed)?;
        system.enter(node)
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fchdir(descriptor: c_int) -> c_int {
    done(with(|system| {
        let node = system.description(descriptor)?.node;
        system.enter(node)
    }))
}

impl super::FileSystem {
    fn enter(&mut self, node: super::NodeId) -> Result<(), c_int> {
        self.tree.entries(node)?;
        let old = core::mem::replace(&mut self.tree.working, node);
        if old != node {
            self.tree.free_if_unused(old);
        }
        Ok(())
    }
}

/// Stores a path, in memory of its own when no buffer is given, as glibc does.
///
/// # Safety
/// `buffer` must be null or writable for `size` bytes.
unsafe fn return_path(path: &[u8], buffer: *mut c_char, size: usize) -> *mut c_char {
    let (buffer, size) = if buffer.is_null() {
        let size = if size == 0 { path.len() + 1 } else { size };
        (crate::heap::malloc(size).cast(), size)
    } else {
        (buffer, size)
    };
    if buffer.is_null() {
        return buffer;
    }
    // SAFETY: the caller or `malloc` gives `size` bytes.
    if unsafe { cstr::store(path, buffer, size) } {
        buffer
    } else {
        errno::set(errno::ERANGE);
        core::ptr::null_mut()
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getcwd(buffer: *mut c_char, size: usize) -> *mut c_char {
    if !buffer.is_null() && size == 0 {
        errno::set(errno::EINVAL);
        return core::ptr::null_mut();
    }
    match with(|system| system.tree.path_of(system.tree.working)) {
        // SAFETY: the caller gives `size` bytes or null.
        Ok(path) => unsafe { return_path(&path, buffer, size) },
        Err(number) => {
            errno::set(number);
            core::ptr::null_mut()
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn realpath(path: *const c_char, resolved: *mut c_char) -> *mut c_char {
    if path.is_null() {
        errno::set(errno::EINVAL);
        return core::ptr::null_mut();
    }
    // SAFETY: the caller passes a C string.
    let path = unsafe { cstr::bytes(path) };
    let found = with(|system| {
        let place = system.locate(AT_FDCWD, path, LastLink::Followed)?;
        let node = place.node.ok_or(errno::ENOENT)?;
        if system.tree.node(node).is_directory() {
            return system.tree.path_of(node);
        }
        let mut path = system.tree.path_of(place.parent)?;
        if path != b"/" {
            path.push(b'/');
        }
        path.extend_from_slice(&place.name);
        Ok(path)
    });
    match found {
        // SAFETY: the caller gives null or PATH_MAX bytes.
        Ok(path) => unsafe { return_path(&path, resolved, tree::PATH_LIMIT_BYTES) },
        Err(number) => {
            errno::set(number);
            core::ptr::null_mut()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::test_platform;
    use core::ffi::CStr;

    #[test]
    fn the_working_directory_moves_and_paths_are_resolved() {
        test_platform::install();
        let mut buffer = [0 as c_char; 64];
        // SAFETY: the paths are C strings, and the buffer has the size that is given.
        unsafe {
            assert_eq!(mkdir(c"/tmp/work".as_ptr(), 0o777), 0);
            assert_eq!(symlink(c"work".as_ptr(), c"/tmp/link".as_ptr()), 0);
            assert_eq!(chdir(c"/tmp/link/".as_ptr()), 0);
            assert!(!getcwd(buffer.as_mut_ptr(), 64).is_null());
            assert_eq!(CStr::from_ptr(buffer.as_ptr()), c"/tmp/work");
            assert!(getcwd(buffer.as_mut_ptr(), 4).is_null());
            assert_eq!(errno::get(), errno::ERANGE);
            let path = realpath(c"../link/../../etc/motd".as_ptr(), core::ptr::null_mut());
            assert_eq!(CStr::from_ptr(path), c"/etc/motd");
            crate::heap::free(path.cast());
            assert_eq!(readlink(c"/tmp/link".as_ptr(), buffer.as_mut_ptr(), 3), 3);
            assert_eq!(chdir(c"/".as_ptr()), 0);
            assert_eq!(remove(c"/tmp/work".as_ptr()), 0);
            assert_eq!(remove(c"/tmp/link".as_ptr()), 0);
        }
    }
}
