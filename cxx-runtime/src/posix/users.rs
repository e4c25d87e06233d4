//! Users and groups: one of each, root with the number 0.

use core::ffi::{c_char, c_int, c_uint, c_void};
use core::ptr;

use super::single_thread_cell::SingleThreadCell;
use crate::cstr;
use crate::errno::{self, fail};

/// `struct passwd` of programs.
#[repr(C)]
#[derive(Clone, Copy)]
struct User {
    name: *const c_char,
    password: *const c_char,
    user: c_uint,
    group: c_uint,
    comment: *const c_char,
    home: *const c_char,
    shell: *const c_char,
}

/// `struct group`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Group {
    name: *const c_char,
    password: *const c_char,
    group: c_uint,
    members: *const *const c_char,
}

/// What is only read.
struct Constant<T>(T);

// SAFETY: nothing writes to it.
unsafe impl<T> Sync for Constant<T> {}

const ROOT_NAME: &[u8] = b"root";

const ROOT: User = User {
    name: c"root".as_ptr(),
    password: c"x".as_ptr(),
    user: 0,
    group: 0,
    comment: c"root".as_ptr(),
    home: c"/".as_ptr(),
    shell: c"/bin/sh".as_ptr(),
};

static NO_MEMBERS: Constant<[*const c_char; 1]> = Constant([ptr::null()]);

const ROOT_GROUP: Group = Group {
    name: c"root".as_ptr(),
    password: c"x".as_ptr(),
    group: 0,
    members: NO_MEMBERS.0.as_ptr(),
};

static USER: SingleThreadCell<User> = SingleThreadCell::new(ROOT);
static GROUP: SingleThreadCell<Group> = SingleThreadCell::new(ROOT_GROUP);
/// Whether the next `getpwent` and `getgrent` find the one entry.
static AT_START: SingleThreadCell<[bool; 2]> = SingleThreadCell::new([true; 2]);

unsafe fn is_root(name: *const c_char) -> bool {
    // SAFETY: the caller passes a C string.
    unsafe { cstr::bytes(name) == ROOT_NAME }
}

fn found<T: Copy>(is_found: bool, place: &SingleThreadCell<T>, entry: T) -> *mut T {
    if !is_found {
        return ptr::null_mut();
    }
    place.set(entry);
    place.get()
}

/// The strings are constants: the caller's buffer is not needed.
unsafe fn store<T>(is_found: bool, entry: T, place: *mut T, result: *mut *mut T) -> c_int {
    // SAFETY: the caller gives a place for the entry and for the result.
    unsafe {
        *result = ptr::null_mut();
        if is_found {
            *place = entry;
            *result = place;
        }
    }
    0
}

/// The functions that find an entry by its name or its number.
macro_rules! found_by {
    ($($type:ident $entry:ident in $place:ident: $by_name:ident $by_number:ident $by_name_r:ident $by_number_r:ident;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $by_name(name: *const c_char) -> *mut $type {
                // SAFETY: the caller passes a C string.
                found(unsafe { is_root(name) }, &$place, $entry)
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $by_number(number: c_uint) -> *mut $type {
                found(number == 0, &$place, $entry)
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $by_name_r(
                name: *const c_char,
                place: *mut $type,
                _buffer: *mut c_char,
                _size: usize,
                result: *mut *mut $type,
            ) -> c_int {
                // SAFETY: the caller passes a C string and the places.
                unsafe { store(is_root(name), $entry, place, result) }
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $by_number_r(
                number: c_uint,
                place: *mut $type,
                _buffer: *mut c_char,
                _size: usize,
                result: *mut *mut $type,
            ) -> c_int {
                // SAFETY: the caller gives the places.
                unsafe { store(number == 0, $entry, place, result) }
            }
        )*
    };
}

found_by! {
    User ROOT in USER: bareflow_getpwnam bareflow_getpwuid bareflow_getpwnam_r bareflow_getpwuid_r;
    Group ROOT_GROUP in GROUP: getgrnam getgrgid getgrnam_r getgrgid_r;
}

fn take(index: usize) -> bool {
    AT_START.with(|starts| core::mem::replace(&mut starts[index], false))
}

fn restart(index: usize) {
    AT_START.with(|starts| starts[index] = true);
}

/// The functions that go through a table of one entry.
macro_rules! one_after_the_other {
    ($($type:ident $entry:ident in $place:ident, $index:literal: $next:ident $start:ident $end:ident;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $next() -> *mut $type {
                found(take($index), &$place, $entry)
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $start() {
                restart($index);
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $end() {
                restart($index);
            }
        )*
    };
}

one_after_the_other! {
    User ROOT in USER, 0: getpwent setpwent endpwent;
    Group ROOT_GROUP in GROUP, 1: getgrent setgrent endgrent;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getlogin_r(buffer: *mut c_char, size: usize) -> c_int {
    // SAFETY: the caller gives `size` bytes.
    if unsafe { cstr::store(ROOT_NAME, buffer, size) } {
        0
    } else {
        errno::ERANGE
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getlogin() -> *const c_char {
    ROOT.name
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getgroups(size: c_int, groups: *mut c_uint) -> c_int {
    if size < 0 {
        return fail(errno::EINVAL);
    }
    if size > 0 {
        // SAFETY: the caller gives `size` places.
        unsafe { *groups = 0 };
    }
    1
}

macro_rules! zero_numbers {
    ($($name:ident)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name() -> c_uint {
                0
            }
        )*
    };
}

zero_numbers! { getuid geteuid getgid getegid }

/// Becoming what one is succeeds, anything else is not permitted.
macro_rules! own_number_only {
    ($($name:ident($($argument:ident),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($($argument: c_uint),*) -> c_int {
                const UNCHANGED: c_uint = c_uint::MAX;
                if [$($argument),*].iter().all(|number| matches!(*number, 0 | UNCHANGED)) {
                    0
                } else {
                    fail(errno::EPERM)
                }
            }
        )*
    };
}

own_number_only! {
    setuid(user); seteuid(user); setgid(group); setegid(group);
    setreuid(real, effective); setregid(real, effective);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setgroups(_size: usize, _groups: *const c_uint) -> c_int {
    fail(errno::EPERM)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn initgroups(_user: *const c_char, group: c_uint) -> c_int {
    setgid(group)
}

/// LLVM's `struct passwd` has other fields: it finds nobody, without an error.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getpwnam_r(
    _name: *const c_char,
    _entry: *mut c_void,
    _buffer: *mut c_char,
    _size: usize,
    result: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = ptr::null_mut() };
    0
}

/// As `getpwnam_r`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getpwuid_r(
    _user: c_uint,
    _entry: *mut c_void,
    _buffer: *mut c_char,
    _size: usize,
    result: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = ptr::null_mut() };
    0
}
