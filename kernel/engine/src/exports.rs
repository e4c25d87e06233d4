//! What programs can name besides their own: the C library's functions, and the engine's.

use core::ffi::{CStr, c_int};

use crate::manager::with_manager;

/// The address of what a program can name: the C library's, and the engine's own.
pub(crate) fn find_symbol(name: &CStr) -> Option<usize> {
    match name.to_bytes() {
        b"bareflow_snapshot" => Some(bareflow_snapshot as *const () as usize),
        _ => bareflow_cxx_runtime::symbol_lookup(name),
    }
}

/// For programs: writes a snapshot now. Returns 0, or -1 when there is none; the console then says why.
unsafe extern "C" fn bareflow_snapshot() -> c_int {
    match with_manager(|manager| manager.write_now()) {
        Some(true) => 0,
        Some(false) | None => -1,
    }
}
