//! `operator new` and `operator delete`. Without exceptions a failed allocation cannot be reported to
//! the caller: the new handler may free memory, else the platform ends with a clear message.

use core::cell::Cell;
use core::ffi::c_void;

#[cfg(not(test))]
use crate::arch::mangled_size;
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

/// The size and the alignment that some forms add are in the block's header too.
macro_rules! deleting {
    ($name:expr) => {
        const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = $name))]
            unsafe extern "C" fn operator(block: *mut c_void) {
                // SAFETY: C++ deletes what `operator new` returned.
                unsafe { free(block) }
            }
        };
    };
}

/// Of the names, `size_t` is between both parts.
macro_rules! operators {
    (new: $($plain:literal)*; aligned: $($aligned:literal $rest:literal)*;
     nothrow: $($nothrow:literal $nothrow_rest:literal)*;
     aligned_nothrow: $($aligned_nothrow:literal $aligned_nothrow_rest:literal)*;
     delete: $($delete:literal)*; sized_delete: $($sized:literal $sized_rest:literal)*) => {
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = concat!($plain, mangled_size!())))]
            extern "C" fn operator(size: usize) -> *mut c_void {
                allocate_or_abort(size, DEFAULT_ALIGNMENT)
            }
        };)*
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = concat!($aligned, mangled_size!(), $rest)))]
            extern "C" fn operator(size: usize, alignment: usize) -> *mut c_void {
                allocate_or_abort(size, alignment)
            }
        };)*
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = concat!($nothrow, mangled_size!(), $nothrow_rest)))]
            extern "C" fn operator(size: usize, _nothrow: *const c_void) -> *mut c_void {
                allocate(size.max(1), DEFAULT_ALIGNMENT)
            }
        };)*
        $(const _: () = {
            #[cfg_attr(not(test), unsafe(export_name = concat!($aligned_nothrow, mangled_size!(), $aligned_nothrow_rest)))]
            extern "C" fn operator(
                size: usize,
                alignment: usize,
                _nothrow: *const c_void,
            ) -> *mut c_void {
                allocate(size.max(1), alignment)
            }
        };)*
        $(deleting! { $delete })*
        $(deleting! { concat!($sized, mangled_size!(), $sized_rest) })*
    };
}

operators! {
    new: "_Znw" "_Zna";
    aligned: "_Znw" "St11align_val_t" "_Zna" "St11align_val_t";
    nothrow: "_Znw" "RKSt9nothrow_t" "_Zna" "RKSt9nothrow_t";
    aligned_nothrow: "_Znw" "St11align_val_tRKSt9nothrow_t" "_Zna" "St11align_val_tRKSt9nothrow_t";
    delete: "_ZdlPv" "_ZdaPv" "_ZdlPvSt11align_val_t" "_ZdaPvSt11align_val_t" "_ZdlPvRKSt9nothrow_t"
        "_ZdaPvRKSt9nothrow_t" "_ZdlPvSt11align_val_tRKSt9nothrow_t"
        "_ZdaPvSt11align_val_tRKSt9nothrow_t";
    sized_delete: "_ZdlPv" "" "_ZdaPv" "" "_ZdlPv" "St11align_val_t" "_ZdaPv" "St11align_val_t"
}

#[cfg_attr(not(test), unsafe(export_name = "_ZSt15set_new_handlerPFvvE"))]
extern "C" fn set_new_handler(handler: NewHandler) -> NewHandler {
    NEW_HANDLER.0.replace(handler)
}

#[cfg_attr(not(test), unsafe(export_name = "_ZSt15get_new_handlerv"))]
extern "C" fn get_new_handler() -> NewHandler {
    NEW_HANDLER.0.get()
}
