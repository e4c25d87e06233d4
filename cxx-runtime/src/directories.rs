//! Directories: what the paths of the read-only file table have in common.

use core::ffi::{c_char, c_int, c_void};

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::cstr;
use crate::errno;
use crate::files::{Entry, find_c};
use crate::runtime::platform;

/// An open directory: the names in it, and the entry last returned.
struct Directory {
    names: Vec<(String, u8)>,
    next: usize,
    entry: DirectoryEntry,
}

/// `struct dirent` of the overlay.
#[repr(C)]
struct DirectoryEntry {
    inode: u64,
    kind: u8,
    name: [c_char; 256],
}

const DT_DIR: u8 = 4;
const DT_REG: u8 = 8;

fn names_in(directory: &str) -> Vec<(String, u8)> {
    let mut names: Vec<(String, u8)> = Vec::new();
    for file in platform().files() {
        let below = if directory == "/" {
            Some(file.path)
        } else {
            file.path.strip_prefix(directory)
        };
        let Some(below) = below.and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        let (name, kind) = match below.split_once('/') {
            Some((name, _)) => (name, DT_DIR),
            None => (below, DT_REG),
        };
        if names.iter().all(|(known, _)| known != name) {
            names.push((String::from(name), kind));
        }
    }
    names
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn opendir(path: *const c_char) -> *mut c_void {
    // SAFETY: the caller passes a C string.
    let number = match unsafe { find_c(path) } {
        Ok((path, Entry::Directory)) => {
            let directory = Directory {
                names: names_in(&path),
                next: 0,
                entry: DirectoryEntry {
                    inode: 0,
                    kind: 0,
                    name: [0; 256],
                },
            };
            return Box::into_raw(Box::new(directory)).cast();
        }
        Ok((_, Entry::Regular(_))) => errno::ENOTDIR,
        Err(number) => number,
    };
    errno::set(number);
    core::ptr::null_mut()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn readdir(directory: *mut c_void) -> *mut c_void {
    // SAFETY: the caller passes what `opendir` returned.
    let directory = unsafe { &mut *directory.cast::<Directory>() };
    let Some((name, kind)) = directory.names.get(directory.next) else {
        return core::ptr::null_mut();
    };
    directory.next += 1;
    directory.entry.inode = directory.next as u64;
    directory.entry.kind = *kind;
    let size = directory.entry.name.len();
    // SAFETY: the name's field has `size` bytes.
    unsafe { cstr::store(name.as_bytes(), directory.entry.name.as_mut_ptr(), size) };
    (&raw mut directory.entry).cast()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn closedir(directory: *mut c_void) -> c_int {
    // SAFETY: the caller passes what `opendir` returned, once.
    drop(unsafe { Box::from_raw(directory.cast::<Directory>()) });
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::test_platform;

    #[test]
    fn directories_list_their_entries_once() {
        test_platform::install();
        assert_eq!(
            names_in("/"),
            [
                (String::from("etc"), DT_DIR),
                (String::from("data"), DT_DIR)
            ]
        );
        assert_eq!(names_in("/etc"), [(String::from("motd"), DT_REG)]);
    }
}
