//! The program bundle and the program's files, mapped: what is not read is not loaded.

use core::ffi::CStr;

use crate::linux::{self, Access, Errno, MAP_PRIVATE, PROT_READ};

/// The bytes of the file, for the rest of the process.
///
/// # Errors
/// Linux's.
pub(crate) fn map(path: &CStr) -> Result<&'static [u8], Errno> {
    let descriptor = linux::open(path, Access::ReadOnly)?;
    let mapped = map_open(descriptor);
    // The mapping stays.
    linux::close(descriptor);
    mapped
}

fn map_open(descriptor: usize) -> Result<&'static [u8], Errno> {
    let size_bytes = linux::file_size_bytes(descriptor)?;
    if size_bytes == 0 {
        // Linux maps no empty file; as a bundle it is refused later.
        return Ok(&[]);
    }
    let address = linux::map(0, size_bytes, PROT_READ, MAP_PRIVATE, Some(descriptor))?;
    // SAFETY: the pages are mapped for reading and never unmapped; nobody is expected to change a
    // bundle while it runs.
    Ok(unsafe { core::slice::from_raw_parts(address as *const u8, size_bytes) })
}
