//! QBE itself, which is written in C.
#![expect(unsafe_code, reason = "calls of C")]

use alloc::string::{String, ToString};
use core::ffi::{c_char, c_int};

use bareflow_lir::Error;

/// What becomes of a run, in `c/run.c`.
const DONE: c_int = 0;
const REFUSED: c_int = 1;

unsafe extern "C" {
    fn bareflow_qbe_run(
        input: *const c_char,
        size: usize,
        output: *mut *const c_char,
        output_size: *mut usize,
    ) -> c_int;
    fn bareflow_qbe_release();
}

/// The assembly language of a text in QBE's own.
///
/// # Errors
/// [`Error`]: QBE has said that something is wrong with the text, or has failed.
pub(crate) fn run(text: &str) -> Result<String, Error> {
    let (mut output, mut size) = (core::ptr::null(), 0);
    // SAFETY: the text has as many bytes; what is made of it is copied before it is released; and nobody else runs QBE
    // meanwhile, as there is one thread.
    let (status, output) = unsafe {
        let status = bareflow_qbe_run(
            text.as_ptr().cast(),
            text.len(),
            &raw mut output,
            &raw mut size,
        );
        let bytes: &[u8] = match output.is_null() {
            true => &[],
            false => core::slice::from_raw_parts(output.cast(), size),
        };
        let output = String::from_utf8_lossy(bytes).into_owned();
        bareflow_qbe_release();
        (status, output)
    };
    match status {
        DONE => Ok(output),
        REFUSED => Err(Error::Refused(output.trim_end().to_string())),
        _ => Err(Error::Failed(output.trim_end().to_string())),
    }
}
