//! What the engine and the runtime have of each other, where an image has both.

use core::arch::asm;
use core::ffi::{CStr, c_char, c_int, c_void};

use alloc::ffi::CString;
use bareflow_cxx_runtime::termination::Termination;
use bareflow_cxx_runtime::{before_abort, commit_files, flush_streams, platform};

use crate::start::IMAGE;

/// The address of a function of `llvm_baremetal.h`; null in an image without the engine, which a weak name does not link.
macro_rules! engine_function {
    ($name:literal) => {{
        let address: *const ();
        // SAFETY: it only loads an address.
        unsafe {
            asm!(
                concat!(".weak ", $name),
                concat!("mov {address:e}, offset ", $name),
                address = out(reg) address,
                options(nomem, nostack, preserves_flags, pure),
            );
        }
        address
    }};
}

type StatusHandler = unsafe extern "C" fn(c_int);
type TextHandler = unsafe extern "C" fn(*const c_char);

fn status_handler(address: *const ()) -> Option<StatusHandler> {
    // SAFETY: null is none, and the header says that the function has this type.
    unsafe { core::mem::transmute::<*const (), Option<StatusHandler>>(address) }
}

fn text_handler(address: *const ()) -> Option<TextHandler> {
    // SAFETY: as above.
    unsafe { core::mem::transmute::<*const (), Option<TextHandler>>(address) }
}

/// A program ends: the one that the engine runs alone, or else the process or the machine.
pub(crate) fn intercept(termination: Termination) -> ! {
    match termination {
        Termination::Exit(status) => {
            if let Some(handle) = status_handler(engine_function!("llvm_handle_exit")) {
                // SAFETY: it is for this moment.
                unsafe { handle(status) };
            }
            IMAGE.run(status);
            flush_streams();
            commit_files();
            platform().exit(status)
        }
        Termination::ImmediateExit(status) => {
            if let Some(handle) = status_handler(engine_function!("llvm_handle_immediate_exit")) {
                // SAFETY: it is for this moment.
                unsafe { handle(status) };
            }
            commit_files();
            platform().exit(status)
        }
        Termination::Abort(reason) => {
            if let Some(handle) = text_handler(engine_function!("llvm_handle_abort")) {
                let text = CString::new(reason.as_str());
                let text = text.as_deref().unwrap_or(c"abort");
                // SAFETY: it is for this moment, and the text is a C string.
                unsafe { handle(CStr::as_ptr(text)) };
            }
            before_abort();
            commit_files();
            platform().abort(&reason)
        }
    }
}

/// For the engine: zeroed memory for so many bytes of a program's variables; null if there is none.
#[unsafe(no_mangle)]
extern "C" fn bareflow_map_large(size_bytes: usize) -> *mut c_void {
    let platform = platform();
    let pages = size_bytes.checked_next_multiple_of(platform.page_size_bytes());
    pages
        .and_then(|size_bytes| platform.map_large(size_bytes).ok())
        .map_or(
            core::ptr::null_mut(),
            core::ptr::with_exposed_provenance_mut,
        )
}
