//! Reading directories: the names are those that were there when the directory was opened or rewound.

use core::ffi::{CStr, c_char, c_int, c_long, c_void};

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::cstr;
use crate::errno::{self, fail};
use crate::files;

/// An open directory: its descriptor, the names in it, and the entry last returned.
struct Directory {
    descriptor: c_int,
    names: Vec<(Vec<u8>, u8, u64)>,
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

const O_DIRECTORY: c_int = 0o200_000;

/// # Safety
/// `directory` must come from `opendir` or `fdopendir`.
unsafe fn opened<'a>(directory: *mut c_void) -> &'a mut Directory {
    // SAFETY: the caller's promise.
    unsafe { &mut *directory.cast::<Directory>() }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn opendir(path: *const c_char) -> *mut c_void {
    // SAFETY: the caller passes a C string.
    let descriptor = unsafe { files::open(path, O_DIRECTORY, 0) };
    if descriptor < 0 {
        return core::ptr::null_mut();
    }
    fdopendir(descriptor)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fdopendir(descriptor: c_int) -> *mut c_void {
    match files::list_open(descriptor) {
        Ok(names) => Box::into_raw(Box::new(Directory {
            descriptor,
            names,
            next: 0,
            entry: DirectoryEntry {
                inode: 0,
                kind: 0,
                name: [0; 256],
            },
        }))
        .cast(),
        Err(number) => {
            errno::set(number);
            core::ptr::null_mut()
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn readdir(directory: *mut c_void) -> *mut c_void {
    // SAFETY: the caller passes an open directory.
    let directory = unsafe { opened(directory) };
    let Some((name, kind, inode)) = directory.names.get(directory.next) else {
        return core::ptr::null_mut();
    };
    directory.next += 1;
    directory.entry.inode = *inode;
    directory.entry.kind = *kind;
    let size = directory.entry.name.len();
    // SAFETY: the name's field has `size` bytes, more than the longest name.
    unsafe { cstr::store(name, directory.entry.name.as_mut_ptr(), size) };
    (&raw mut directory.entry).cast()
}

/// 0 with null in the result at the end.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn readdir_r(
    directory: *mut c_void,
    place: *mut DirectoryEntry,
    result: *mut *mut DirectoryEntry,
) -> c_int {
    // SAFETY: the caller passes an open directory and places for an entry and for the result.
    unsafe {
        let entry = readdir(directory).cast::<DirectoryEntry>();
        *result = core::ptr::null_mut();
        if !entry.is_null() {
            core::ptr::copy_nonoverlapping(entry, place, 1);
            *result = place;
        }
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn rewinddir(directory: *mut c_void) {
    // SAFETY: the caller passes an open directory.
    let directory = unsafe { opened(directory) };
    directory.next = 0;
    if let Ok(names) = files::list_open(directory.descriptor) {
        directory.names = names;
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn telldir(directory: *mut c_void) -> c_long {
    // SAFETY: the caller passes an open directory.
    unsafe { opened(directory) }.next as c_long
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn seekdir(directory: *mut c_void, position: c_long) {
    // SAFETY: the caller passes an open directory.
    unsafe { opened(directory) }.next = usize::try_from(position).unwrap_or(0);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn dirfd(directory: *mut c_void) -> c_int {
    // SAFETY: the caller passes an open directory.
    unsafe { opened(directory) }.descriptor
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn closedir(directory: *mut c_void) -> c_int {
    // SAFETY: the caller passes what `opendir` returned, once.
    let directory = unsafe { Box::from_raw(directory.cast::<Directory>()) };
    files::close(directory.descriptor)
}

type Filter = unsafe extern "C" fn(*const c_void) -> c_int;
type Compare = unsafe extern "C" fn(*const *const c_void, *const *const c_void) -> c_int;

unsafe extern "C" {
    fn qsort(base: *mut c_void, count: usize, size: usize, compare: Compare);
}

/// # Safety
/// The pointer must lead to an entry.
unsafe fn name_of<'a>(entry: *const *const c_void) -> &'a CStr {
    // SAFETY: the caller's promise; names are C strings.
    unsafe {
        let entry = (*entry).cast::<DirectoryEntry>();
        CStr::from_ptr((&raw const (*entry).name).cast())
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn alphasort(left: *const *const c_void, right: *const *const c_void) -> c_int {
    // SAFETY: the caller passes pointers to entries.
    unsafe { name_of(left).cmp(name_of(right)) as c_int }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn versionsort(left: *const *const c_void, right: *const *const c_void) -> c_int {
    // SAFETY: the caller passes pointers to entries.
    unsafe { crate::strings::strverscmp(name_of(left).as_ptr(), name_of(right).as_ptr()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn scandir(
    path: *const c_char,
    result: *mut *mut *mut c_void,
    filter: Option<Filter>,
    compare: Option<Compare>,
) -> c_int {
    // SAFETY: the caller passes a C string, a place for the result, and functions of entries.
    unsafe {
        let directory = opendir(path);
        if directory.is_null() {
            return -1;
        }
        let mut entries: Vec<*mut c_void> = Vec::new();
        loop {
            let entry = readdir(directory);
            if entry.is_null() {
                break;
            }
            if filter.is_none_or(|filter| filter(entry) != 0) {
                let copy = crate::heap::malloc(size_of::<DirectoryEntry>());
                if copy.is_null() {
                    closedir(directory);
                    return fail(errno::ENOMEM);
                }
                core::ptr::copy_nonoverlapping(entry.cast::<DirectoryEntry>(), copy.cast(), 1);
                entries.push(copy.cast());
            }
        }
        closedir(directory);
        let list = crate::heap::malloc(size_of::<*mut c_void>() * entries.len().max(1))
            .cast::<*mut c_void>();
        if list.is_null() {
            return fail(errno::ENOMEM);
        }
        core::ptr::copy_nonoverlapping(entries.as_ptr(), list, entries.len());
        if let Some(compare) = compare {
            qsort(
                list.cast(),
                entries.len(),
                size_of::<*mut c_void>(),
                compare,
            );
        }
        *result = list;
        entries.len() as c_int
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::test_platform;

    #[test]
    fn directories_list_their_entries_once() {
        test_platform::install();
        // SAFETY: the path is a C string, and the directory is open until it is closed.
        let names = unsafe {
            let directory = opendir(c"/etc".as_ptr());
            let mut names = Vec::new();
            loop {
                let entry = readdir(directory).cast::<DirectoryEntry>();
                if entry.is_null() {
                    break;
                }
                let name = CStr::from_ptr((&raw const (*entry).name).cast());
                names.push((name.to_owned(), (*entry).kind));
            }
            assert_eq!(telldir(directory), 3);
            assert_eq!(closedir(directory), 0);
            assert!(opendir(c"/etc/motd".as_ptr()).is_null());
            names
        };
        let expected = [(c".", 4), (c"..", 4), (c"motd", 8)];
        assert_eq!(names, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }
}
