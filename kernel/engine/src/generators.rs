//! The code generators besides LLVM's.

use alloc::vec::Vec;

use bareflow_tier_policy::LevelSet;

use crate::bindings::llvm_generator_t;

/// Those that the levels name and this kernel has.
#[cfg(not(feature = "cranelift"))]
pub(crate) fn of(_levels: &LevelSet) -> Vec<llvm_generator_t> {
    Vec::new()
}

#[cfg(feature = "cranelift")]
pub(crate) fn of(levels: &LevelSet) -> Vec<llvm_generator_t> {
    use bareflow_tier_policy::{Generator, Level};

    let is_named = |level: Level| level.row().generator == Generator::Cranelift;
    if levels.iter().any(is_named) {
        Vec::from([cranelift::GENERATOR])
    } else {
        Vec::new()
    }
}

#[cfg(feature = "cranelift")]
mod cranelift {
    use alloc::boxed::Box;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use core::ffi::c_void;

    use bareflow_cranelift::{Error, Generator, Optimisation};

    use crate::bindings::{
        LLVM_ERROR_INTERNAL, LLVM_ERROR_REFUSED, LLVM_OK, llvm_error_t, llvm_generated_t,
        llvm_generator_t,
    };

    pub(super) const GENERATOR: llvm_generator_t = llvm_generator_t {
        name: c"cranelift".as_ptr(),
        open: Some(open),
        generate: Some(generate),
        close: Some(close),
    };

    /// Of a session: a generator for each way of optimising, and what was made last.
    struct Opened {
        generators: [Result<Generator, Error>; 2],
        made: Vec<u8>,
    }

    unsafe extern "C" fn open() -> *mut c_void {
        let opened = Opened {
            generators: [Optimisation::None, Optimisation::Speed].map(Generator::new),
            made: Vec::new(),
        };
        Box::into_raw(Box::new(opened)).cast()
    }

    unsafe extern "C" fn close(generator: *mut c_void) {
        // SAFETY: `open` has made it, and nothing is asked of it afterwards.
        drop(unsafe { Box::from_raw(generator.cast::<Opened>()) });
    }

    fn refusal(reason: String) -> (llvm_error_t, Vec<u8>) {
        (LLVM_ERROR_REFUSED, reason.into_bytes())
    }

    fn error(error: &Error) -> (llvm_error_t, Vec<u8>) {
        match error {
            Error::Refused(reason) => refusal(reason.clone()),
            Error::Failed(reason) => (LLVM_ERROR_INTERNAL, reason.clone().into_bytes()),
        }
    }

    impl Opened {
        /// # Safety
        /// As [`bareflow_translator::translate`].
        unsafe fn generate(
            &mut self,
            module: *mut c_void,
            optimisation: u32,
        ) -> (llvm_error_t, Vec<u8>) {
            // SAFETY: as the caller says.
            let translated = match unsafe { bareflow_translator::translate(module) } {
                Ok(translated) => translated,
                Err(reason) => return refusal(reason.to_string()),
            };
            let generator = &mut self.generators[usize::from(optimisation != 0)];
            let made = match generator {
                Ok(generator) => generator.compile(&translated),
                Err(failure) => return error(failure),
            };
            match made {
                Ok(object) => (LLVM_OK, object),
                Err(failure) => error(&failure),
            }
        }
    }

    unsafe extern "C" fn generate(
        generator: *mut c_void,
        module: *mut c_void,
        optimisation: u32,
        made: *mut llvm_generated_t,
    ) -> llvm_error_t {
        // SAFETY: `open` has made the generator, of which there is one reference at a time; the library has verified the
        // module, keeps it as it is meanwhile, and has room for what is made.
        unsafe {
            let opened = &mut *generator.cast::<Opened>();
            let (error, bytes) = opened.generate(module, optimisation);
            opened.made = bytes;
            *made = llvm_generated_t {
                bytes: opened.made.as_ptr(),
                size: opened.made.len(),
            };
            error
        }
    }
}
