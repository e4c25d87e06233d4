//! What LLVM's part of the engine calls of a generator that starts from the low-level IR.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::ffi::{CStr, c_void};

use bareflow_lir::{Error, Module};

use crate::bindings::{
    LLVM_ERROR_INTERNAL, LLVM_ERROR_REFUSED, LLVM_OK, llvm_error_t, llvm_generated_t,
    llvm_generator_t,
};

/// A code generator of a session.
pub(super) trait Generate {
    /// As the table of levels has it.
    const NAME: &CStr;

    fn open() -> Self;

    /// An ELF object with the code of all functions of the module.
    fn compile(&mut self, module: &Module, optimisation: u32) -> Result<Vec<u8>, Error>;
}

/// Of a session: the generator, and what was made last.
struct Session<G> {
    generator: G,
    made: Vec<u8>,
}

pub(super) fn of<G: Generate>() -> llvm_generator_t {
    llvm_generator_t {
        name: G::NAME.as_ptr(),
        open: Some(open::<G>),
        generate: Some(generate::<G>),
        close: Some(close::<G>),
    }
}

unsafe extern "C" fn open<G: Generate>() -> *mut c_void {
    let session = Session {
        generator: G::open(),
        made: Vec::new(),
    };
    Box::into_raw(Box::new(session)).cast()
}

unsafe extern "C" fn close<G>(session: *mut c_void) {
    // SAFETY: `open` has made it, and nothing is asked of it afterwards.
    drop(unsafe { Box::from_raw(session.cast::<Session<G>>()) });
}

/// # Safety
/// As [`bareflow_translator::translate`].
unsafe fn compiled<G: Generate>(
    generator: &mut G,
    module: *mut c_void,
    optimisation: u32,
) -> Result<Vec<u8>, Error> {
    // SAFETY: as the caller says.
    let translated = unsafe { bareflow_translator::translate(module) };
    let translated = translated.map_err(|reason| Error::Refused(reason.to_string()))?;
    generator.compile(&translated, optimisation)
}

unsafe extern "C" fn generate<G: Generate>(
    session: *mut c_void,
    module: *mut c_void,
    optimisation: u32,
    made: *mut llvm_generated_t,
) -> llvm_error_t {
    // SAFETY: `open` has made the session, of which there is one reference at a time; the library has verified the
    // module, keeps it as it is meanwhile, and has room for what is made.
    unsafe {
        let session = &mut *session.cast::<Session<G>>();
        let (error, bytes) = match compiled(&mut session.generator, module, optimisation) {
            Ok(object) => (LLVM_OK, object),
            Err(Error::Refused(reason)) => (LLVM_ERROR_REFUSED, reason.into_bytes()),
            Err(Error::Failed(reason)) => (LLVM_ERROR_INTERNAL, reason.into_bytes()),
        };
        session.made = bytes;
        *made = llvm_generated_t {
            bytes: session.made.as_ptr(),
            size: session.made.len(),
        };
        error
    }
}
