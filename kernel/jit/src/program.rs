//! The program, as it is linked with the kernel.
//!
//! 1. Each function has a stub with its name, which goes where the function's slot says: at first to
//!    `bareflow_jit_enter`, with its number on the stack, and then to its code.
//! 2. Code refers to symbols by numbers. The linker knows their addresses, in a table.

use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};

use bareflow_lir::{FormError, Function, Hooks, Symbol};

use crate::arch;
use crate::generator::{Generate, Generator};

/// A function, as the linker has put it down.
#[repr(C)]
struct Entry {
    bytes: *const u8,
    size: usize,
    name: *const c_char,
}

unsafe extern "C" {
    static bareflow_jit_function_count: usize;
    static bareflow_jit_symbol_count: usize;
    #[link_name = "bareflow_jit_functions"]
    static FUNCTIONS: Entry;
    #[link_name = "bareflow_jit_symbols"]
    static SYMBOLS: usize;
    #[link_name = "bareflow_jit_slots"]
    static SLOTS: AtomicUsize;
    #[link_name = "bareflow_jit_counters"]
    static COUNTERS: AtomicI32;
}

/// Which table has an element of this number.
macro_rules! element {
    ($table:ident, $count:ident, $number:expr) => {{
        let number = $number as usize;
        // SAFETY: the linker has put down the tables, each with so many elements; those that change are atomic.
        unsafe { (number < $count).then(|| &*(&raw const $table).add(number)) }
    }};
}

fn entry(function: u32) -> &'static Entry {
    element!(FUNCTIONS, bareflow_jit_function_count, function).expect("the stub knows its function")
}

/// The function in the low-level IR.
///
/// # Errors
/// [`FormError`]: the image is damaged.
pub(crate) fn function(number: u32) -> Result<Function, FormError> {
    let entry = entry(number);
    // SAFETY: the linker has put down constant bytes, so many of them.
    Function::decode(unsafe { core::slice::from_raw_parts(entry.bytes, entry.size) })
}

/// Its name.
pub(crate) fn name(function: u32) -> &'static str {
    // SAFETY: the linker has put down a string that ends with a zero.
    unsafe { CStr::from_ptr(entry(function).name) }
        .to_str()
        .unwrap_or("?")
}

/// Where calls of the function go from now on.
pub(crate) fn set_code(function: u32, address: usize) {
    let slot = element!(SLOTS, bareflow_jit_function_count, function);
    slot.expect("the function has one").store(address, Relaxed);
}

/// Has the function's code not ask again for a long time.
pub(crate) fn stop_counting(function: u32) {
    let counter = element!(COUNTERS, bareflow_jit_function_count, function);
    counter
        .expect("the function has one")
        .store(i32::MAX, Relaxed);
}

/// How code of the function counts.
pub(crate) fn hooks(function: u32) -> Hooks {
    let [counters, entered, looped] = own_symbols();
    Hooks {
        counters,
        offset: i64::from(function) * size_of::<AtomicI32>() as i64,
        function: function.into(),
        entered,
        looped,
    }
}

/// Symbols that are not the program's have numbers behind those of the program.
fn own_symbols() -> [Symbol; 3] {
    // SAFETY: the linker has put down a number.
    let first = unsafe { bareflow_jit_symbol_count } as u32;
    [0, 1, 2].map(|number| Symbol(first + number))
}

/// Where a symbol is.
pub(crate) fn address_of(symbol: Symbol) -> Option<u64> {
    let known = element!(SYMBOLS, bareflow_jit_symbol_count, symbol.0);
    let [counters, entered, looped] = own_symbols();
    let own = || {
        Some(match symbol {
            _ if symbol == counters => &raw const COUNTERS as usize,
            _ if symbol == entered => arch::entered(),
            _ if symbol == looped => arch::looped(),
            _ => return None,
        })
    };
    let own = || Generator::HAS_TIERS.then(own).flatten();
    known.copied().or_else(own).map(|address| address as u64)
}

/// Where a function of the C library is that the generator calls by itself.
pub(crate) fn library_address(name: &str) -> Option<u64> {
    unsafe extern "C" {
        fn memcpy();
        fn memmove();
        fn memset();
        fn memcmp();
        fn sqrt();
        fn sqrtf();
    }
    let known: [(&str, unsafe extern "C" fn()); 6] = [
        ("memcpy", memcpy),
        ("memmove", memmove),
        ("memset", memset),
        ("memcmp", memcmp),
        ("sqrt", sqrt),
        ("sqrtf", sqrtf),
    ];
    let mut known = known.iter();
    known
        .find(|(known, _)| *known == name)
        .map(|(_, function)| *function as usize as u64)
}
