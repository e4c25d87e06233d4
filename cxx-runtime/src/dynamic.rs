//! `dlopen(NULL)` and `dlsym` over the exported symbols: the interpreter and ORC resolve the process's
//! symbols through them.

use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_void};

use crate::symbols::{ExportedSymbol, exported_address};

struct Registry {
    extra: Cell<&'static [ExportedSymbol]>,
    failed: Cell<bool>,
}

// SAFETY: there is one thread.
unsafe impl Sync for Registry {}

static REGISTRY: Registry = Registry {
    extra: Cell::new(&[]),
    failed: Cell::new(false),
};

/// Adds symbols that are found beside the C library's own; replaces what was registered before.
pub fn register_symbols(symbols: &'static [ExportedSymbol]) {
    REGISTRY.extra.set(symbols);
}

/// The address of an exported symbol.
#[must_use]
pub fn find_symbol(name: &str) -> Option<usize> {
    exported_address(name).or_else(|| {
        REGISTRY
            .extra
            .get()
            .iter()
            .find(|symbol| symbol.name == name)
            .map(|symbol| symbol.address)
    })
}

/// The address of an exported symbol whose name C gives.
#[must_use]
pub fn symbol_lookup(name: &CStr) -> Option<usize> {
    name.to_str().ok().and_then(find_symbol)
}

/// The address of an exported symbol, or null: the same table for C and C++.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_symbol_lookup(name: *const c_char) -> *mut c_void {
    // SAFETY: the caller passes a C string.
    let name = unsafe { CStr::from_ptr(name) };
    symbol_lookup(name).unwrap_or(0) as *mut c_void
}

/// The handle of the only library there is: the image itself.
const SELF: *mut c_void = core::ptr::dangling_mut();

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn dlopen(path: *const c_char, _mode: c_int) -> *mut c_void {
    if path.is_null() {
        return SELF;
    }
    REGISTRY.failed.set(true);
    core::ptr::null_mut()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn dlsym(_library: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: the caller passes a C string.
    let address = unsafe { bareflow_symbol_lookup(name) };
    REGISTRY.failed.set(address.is_null());
    address
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn dlclose(_library: *mut c_void) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn dlerror() -> *const c_char {
    if REGISTRY.failed.replace(false) {
        c"no such library or symbol: only the image itself can be opened".as_ptr()
    } else {
        core::ptr::null()
    }
}

/// Says that the address belongs to no library; symbols of the image are not kept by address.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn dladdr(_address: *const c_void, _info: *mut c_void) -> c_int {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_symbols_are_found() {
        static EXTRA: &[ExportedSymbol] = &[ExportedSymbol {
            name: "bareflow_test",
            address: 4711,
        }];
        register_symbols(EXTRA);
        assert_eq!(find_symbol("bareflow_test"), Some(4711));
        assert_eq!(find_symbol("no_such_symbol"), None);
        assert_eq!(dlopen(core::ptr::null(), 1), SELF);
        // SAFETY: the names are C strings.
        unsafe {
            assert_eq!(dlsym(SELF, c"bareflow_test".as_ptr()) as usize, 4711);
            assert!(dlerror().is_null());
            assert!(dlsym(SELF, c"no_such_symbol".as_ptr()).is_null());
            assert!(!CStr::from_ptr(dlerror()).is_empty());
        }
        assert!(dlopen(c"libm.so".as_ptr(), 1).is_null());
    }
}
