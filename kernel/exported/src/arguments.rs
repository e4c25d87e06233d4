//! The program's arguments as C has them.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{c_char, c_int};

/// An argument vector. Strings and pointers are writable, as C promises, and live as long as the machine.
pub(crate) struct Arguments {
    pub(crate) count: c_int,
    pub(crate) pointers: *mut *mut c_char,
}

impl Arguments {
    /// Of their bytes.
    pub(crate) fn of<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> Result<Self, &'static str> {
        let mut pointers = Vec::new();
        for argument in arguments {
            let string = CString::new(argument)
                .map_err(|_| "a file name or argument contains a zero byte")?;
            pointers.push(string.into_raw());
        }
        let count = c_int::try_from(pointers.len()).map_err(|_| "there are too many arguments")?;
        pointers.push(core::ptr::null_mut());
        Ok(Self {
            count,
            pointers: pointers.leak().as_mut_ptr(),
        })
    }
}
