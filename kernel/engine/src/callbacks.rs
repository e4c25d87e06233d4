//! What the C interface asks of the machine.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bareflow_cxx_runtime::arena;
use bareflow_cxx_runtime::platform::Protection;
use bareflow_program_env::report_note;
use bareflow_snapshot::Destination;

use crate::POOL_ADDRESS;
use crate::bindings::{
    LLVM_PROTECTION_EXECUTE, LLVM_PROTECTION_READ, LLVM_PROTECTION_WRITE, llvm_options_t,
};
use crate::exports::find_symbol;
use crate::integrity;

const LIBRARY_BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libc.bc"));

/// The C library as bitcode; empty where the engine is not compiled. Only LLVM reads it: a kernel may keep it
/// with LLVM's own constants.
#[unsafe(link_section = ".rodata.llvm_constants")]
static LIBRARY: [u8; LIBRARY_BYTES.len()] = *include_bytes!(concat!(env!("OUT_DIR"), "/libc.bc"));

/// The options of a session that may use so much of the code pool, and that makes code for another kernel if there is
/// one; the destination must outlive the session, and `processor` its opening.
pub(crate) fn options(
    pool_size_bytes: usize,
    destination: Option<&Destination>,
    processor: Option<&CStr>,
) -> llvm_options_t {
    llvm_options_t {
        size: size_of::<llvm_options_t>(),
        pool_address: POOL_ADDRESS,
        pool_size: pool_size_bytes,
        page_size: bareflow_cxx_runtime::platform().page_size_bytes(),
        protect: Some(protect),
        resolve: Some(resolve),
        message: Some(message),
        user: destination.map_or(core::ptr::null_mut(), |destination| {
            core::ptr::from_ref(destination).cast_mut().cast()
        }),
        interpreter_stack_size: 0,
        select_memory: Some(select_memory),
        checkpoint: Some(checkpoint),
        roll_back: Some(roll_back),
        library: if LIBRARY.is_empty() {
            core::ptr::null()
        } else {
            LIBRARY.as_ptr().cast()
        },
        library_size: LIBRARY.len(),
        seal: Some(integrity::seal),
        is_changed: Some(integrity::is_changed),
        find_elsewhere: destination.is_some().then_some(find_elsewhere),
        processor: processor.map_or(core::ptr::null(), CStr::as_ptr),
        has_one_level: 0,
        refusing_levels: 0,
        generators: core::ptr::null(),
        generator_count: 0,
    }
}

unsafe extern "C" fn protect(
    _user: *mut c_void,
    address: usize,
    size_bytes: usize,
    bits: c_uint,
) -> c_int {
    let mut protection = Protection::NONE;
    for (bit, access) in [
        (LLVM_PROTECTION_READ, Protection::READ),
        (LLVM_PROTECTION_WRITE, Protection::WRITE),
        (LLVM_PROTECTION_EXECUTE, Protection::EXECUTE),
    ] {
        if bits & bit != 0 {
            protection = protection | access;
        }
    }
    let platform = bareflow_cxx_runtime::platform();
    // SAFETY: the library changes only pages of the pool that it gave to nobody else, and gives up
    // the accesses that it takes away.
    let result = unsafe { platform.protect_pages(address, size_bytes, protection) };
    c_int::from(result.is_err())
}

unsafe extern "C" fn resolve(_user: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: the library passes a string that ends with a zero.
    let name = unsafe { CStr::from_ptr(name) };
    find_symbol(name).map_or(core::ptr::null_mut(), |address| {
        core::ptr::with_exposed_provenance_mut(address)
    })
}

unsafe extern "C" fn find_elsewhere(user: *mut c_void, name: *const c_char) -> usize {
    // SAFETY: `options` has put a destination there, and who calls it keeps it; the library passes a string that ends
    // with a zero.
    let (destination, name) = unsafe { (&*user.cast::<Destination>(), CStr::from_ptr(name)) };
    let symbols = &destination.symbols;
    let address = name.to_str().ok().and_then(|name| symbols.get(name));
    address.map_or(0, |address| *address as usize)
}

unsafe extern "C" fn message(_user: *mut c_void, text: *const c_char) {
    // SAFETY: the library passes a string that ends with a zero.
    let text = unsafe { CStr::from_ptr(text) };
    report_note(&text.to_string_lossy());
}

unsafe extern "C" fn select_memory(_user: *mut c_void, compiler: c_int) -> c_int {
    c_int::from(arena::select(compiler != 0))
}

unsafe extern "C" fn checkpoint(_user: *mut c_void) -> c_int {
    // SAFETY: the linker scripts put the variables of LLVM and of libc++ there, and nothing else.
    let result = unsafe { arena::checkpoint(&integrity::llvm_variables()) };
    c_int::from(result.is_err())
}

unsafe extern "C" fn roll_back(_user: *mut c_void) {
    // SAFETY: what LLVM has allocated since the checkpoint belongs to the compilation that has failed; what
    // outlives compilations is in the program's memory.
    unsafe { arena::roll_back() };
}

/// Where variables of the program lie outside the code pool; empty without any.
static OUTSIDE_START: AtomicUsize = AtomicUsize::new(0);
static OUTSIDE_END: AtomicUsize = AtomicUsize::new(0);

/// Where variables of the program lie outside the code pool; empty without any.
pub(crate) fn outside_pool() -> Range<usize> {
    OUTSIDE_START.load(Relaxed)..OUTSIDE_END.load(Relaxed)
}

/// Maps zeroed memory for so many bytes of variables outside the code pool. There is one program: what has been mapped
/// for it when its code was restored is there for its module too.
pub(crate) fn map_outside_pool(size_bytes: usize) -> Option<usize> {
    let platform = bareflow_cxx_runtime::platform();
    let size_bytes = size_bytes.checked_next_multiple_of(platform.page_size_bytes())?;
    let mapped = outside_pool();
    if mapped.len() == size_bytes {
        return Some(mapped.start);
    }
    let start = platform.map_large(size_bytes).ok()?;
    OUTSIDE_START.store(start, Relaxed);
    OUTSIDE_END.store(start + size_bytes, Relaxed);
    Some(start)
}

/// For `kernel/engine/cpp/prepare.cpp`.
#[unsafe(no_mangle)]
extern "C" fn bareflow_map_large(size_bytes: usize) -> *mut c_void {
    map_outside_pool(size_bytes).map_or(
        core::ptr::null_mut(),
        core::ptr::with_exposed_provenance_mut,
    )
}
