//! `operator new` and `operator delete`. Without exceptions a failed allocation cannot be reported to
//! the caller: the new handler may free memory, else the platform ends with a clear message.

use core::cell::Cell;
use core::ffi::c_void;

use crate::heap::{allocate, free};
use crate::runtime::platform;

type NewHandler = Option<unsafe extern "C" fn()>;

struct HandlerCell(Cell<NewHandler>);

// SAFETY: there is one thread.
unsafe impl Sync for HandlerCell {}

static NEW_HANDLER: HandlerCell = HandlerCell(Cell::new(None));

const DEFAULT_ALIGNMENT: usize = 16;

fn allocate_or_abort(size: usize, alignment: usize) -> *mut c_void {
    loop {
        let block = allocate(size.max(1), alignment);
        if !block.is_null() {
            return block;
        }
        match NEW_HANDLER.0.get() {
            // SAFETY: C++ registered the handler to be called when memory is short.
            Some(handler) => unsafe { handler() },
            None => platform().out_of_memory(),
        }
    }
}

macro_rules! operators {
    (new: $($plain:literal)*; aligned: $($aligned:literal)*; nothrow: $($nothrow:literal)*;
     aligned_nothrow: $($aligned_nothrow:literal)*; delete: $($delete:literal)*) => {
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = $plain))]
            extern "C" fn operator(size: usize) -> *mut c_void {
                allocate_or_abort(size, DEFAULT_ALIGNMENT)
            }
        };)*
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = $aligned))]
            extern "C" fn operator(size: usize, alignment: usize) -> *mut c_void {
                allocate_or_abort(size, alignment)
            }
        };)*
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = $nothrow))]
            extern "C" fn operator(size: usize, _nothrow: *const c_void) -> *mut c_void {
                allocate(size.max(1), DEFAULT_ALIGNMENT)
            }
        };)*
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = $aligned_nothrow))]
            extern "C" fn operator(
                size: usize,
                alignment: usize,
                _nothrow: *const c_void,
            ) -> *mut c_void {
                allocate(size.max(1), alignment)
            }
        };)*
        // The size and the alignment that some forms add are in the block's header too.
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = $delete))]
            unsafe extern "C" fn operator(block: *mut c_void) {
                // SAFETY: C++ deletes what `operator new` returned.
                unsafe { free(block) }
            }
        };)*
    };
}

operators! {
    new: "_Znwm" "_Znam";
    aligned: "_ZnwmSt11align_val_t" "_ZnamSt11align_val_t";
    nothrow: "_ZnwmRKSt9nothrow_t" "_ZnamRKSt9nothrow_t";
    aligned_nothrow: "_ZnwmSt11align_val_tRKSt9nothrow_t" "_ZnamSt11align_val_tRKSt9nothrow_t";
    delete: "_ZdlPv" "_ZdaPv" "_ZdlPvm" "_ZdaPvm" "_ZdlPvSt11align_val_t" "_ZdaPvSt11align_val_t"
        "_ZdlPvmSt11align_val_t" "_ZdaPvmSt11align_val_t" "_ZdlPvRKSt9nothrow_t" "_ZdaPvRKSt9nothrow_t"
        "_ZdlPvSt11align_val_tRKSt9nothrow_t" "_ZdaPvSt11align_val_tRKSt9nothrow_t"
}

#[cfg_attr(not(test), unsafe(export_name = "_ZSt15set_new_handlerPFvvE"))]
extern "C" fn set_new_handler(handler: NewHandler) -> NewHandler {
    NEW_HANDLER.0.replace(handler)
}

#[cfg_attr(not(test), unsafe(export_name = "_ZSt15get_new_handlerv"))]
extern "C" fn get_new_handler() -> NewHandler {
    NEW_HANDLER.0.get()
}
