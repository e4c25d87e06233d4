//! A program's arguments as C has them.

use alloc::vec::Vec;
use core::ffi::{c_char, c_int};
use core::ptr;

use crate::cstr;

/// An argument vector. Strings and pointers are writable, as C promises, and the program may have changed both.
#[derive(Debug)]
pub struct Arguments {
    /// Each with its zero.
    strings: Vec<Vec<u8>>,
    /// With the null pointer behind them.
    pointers: Vec<*mut c_char>,
}

/// An argument that C cannot have: there is a zero byte in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroByte;

impl Arguments {
    /// Of their bytes.
    ///
    /// # Errors
    /// That one has a zero byte in it.
    pub fn of<'a>(arguments: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ZeroByte> {
        let mut strings = Vec::new();
        for argument in arguments {
            if argument.contains(&0) {
                return Err(ZeroByte);
            }
            strings.push([argument, &[0]].concat());
        }
        Ok(Self::new(strings))
    }

    /// # Safety
    /// There must be so many C strings.
    pub(super) unsafe fn copied(count: c_int, arguments: *const *const c_char) -> Self {
        let count = usize::try_from(count).unwrap_or(0);
        let strings = (0..count).map(|index| {
            // SAFETY: the caller's promise.
            let bytes = unsafe { cstr::bytes(*arguments.add(index)) };
            [bytes, &[0]].concat()
        });
        Self::new(strings.collect())
    }

    fn new(mut strings: Vec<Vec<u8>>) -> Self {
        let pointers = strings
            .iter_mut()
            .map(|string| string.as_mut_ptr().cast())
            .chain([ptr::null_mut()])
            .collect();
        Self { strings, pointers }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> c_int {
        // A bundle is smaller than 4 GiB, and an argument has 32 bytes there.
        self.strings.len() as c_int
    }

    /// The arguments, and a null pointer behind them.
    pub fn pointers(&mut self) -> *mut *mut c_char {
        self.pointers.as_mut_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_gets_what_it_is_promised() {
        let mut arguments = Arguments::of([&b"name"[..], b"", b"\xff x"]).unwrap();
        assert_eq!(arguments.count(), 3);
        let pointers = arguments.pointers();
        // SAFETY: there are three strings and a null pointer.
        unsafe {
            assert_eq!(cstr::bytes(*pointers), b"name");
            assert_eq!(cstr::bytes(*pointers.add(1)), b"");
            assert_eq!(cstr::bytes(*pointers.add(2)), b"\xff x");
            assert!((*pointers.add(3)).is_null());
            let mut copies = Arguments::copied(3, pointers.cast_const().cast());
            // The program may change both.
            **pointers = b'N' as c_char;
            *pointers.add(1) = *pointers;
            assert_eq!(cstr::bytes(*copies.pointers()), b"name");
            assert_eq!(cstr::bytes(*copies.pointers().add(1)), b"");
        }
        assert_eq!(
            Arguments::of([&b"a\0b"[..]]).map(|made| made.count()),
            Err(ZeroByte)
        );
    }

    #[test]
    fn no_arguments_are_a_null_pointer() {
        let mut arguments = Arguments::of([]).unwrap();
        assert_eq!(arguments.count(), 0);
        // SAFETY: it is there always.
        assert!(unsafe { *arguments.pointers() }.is_null());
    }
}
