//! One program's way through the C interface.

use alloc::ffi::CString;
use alloc::string::{String, ToString};
use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use bareflow_cxx_runtime::program::{Arguments, ZeroByte};
use bareflow_cxx_runtime::termination::{Termination, set_interceptor};
use bareflow_snapshot::Destination;
use bareflow_tier_policy::{LEVELS, LevelSet};

use crate::bindings::{
    LLVM_OK, llvm_context_t, llvm_error_t, llvm_function_at, llvm_handle_abort, llvm_handle_exit,
    llvm_handle_immediate_exit, llvm_init, llvm_last_error, llvm_level_t, llvm_link, llvm_module_t,
    llvm_options_t, llvm_parse_ir, llvm_pool_bytes, llvm_shutdown, llvm_tier_t,
};
use crate::outcome::kind_of;
use crate::{
    Config, FailureKind, Level, Outcome, POOL_SIZE_BYTES, RunRequest, Tier, callbacks, generators,
};

/// An open context; closed when dropped.
#[derive(Debug)]
pub(crate) struct Session(*mut llvm_context_t);

/// How a session is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    /// How much of the code pool it may use.
    pub(crate) pool_size_bytes: usize,
    /// Another kernel that it makes code for.
    pub(crate) destination: Option<&'a Destination<'a>>,
    /// Whether each module is compiled at one level only.
    pub(crate) has_one_level: bool,
    /// Levels that may be asked for: their code generators are opened.
    pub(crate) levels: LevelSet,
    /// Levels that refuse everything.
    pub(crate) refusing: [bool; LEVELS.len()],
}

impl Session {
    pub(crate) fn open(opening: &Opening) -> Result<Self, Outcome> {
        set_interceptor(Some(intercept));
        // SAFETY: kernels run the others when they start.
        unsafe { bareflow_cxx_runtime::run_late_constructors() };
        let mut context = ptr::null_mut();
        let destination = opening.destination;
        let processor = destination.map(|destination| c_string(destination.processor));
        let processor = processor.transpose()?;
        let bits = opening.refusing.iter().enumerate();
        let generators = generators::of(&opening.levels);
        let options = llvm_options_t {
            has_one_level: c_int::from(opening.has_one_level),
            refusing_levels: bits.fold(0, |bits, (level, refuses)| {
                bits | u32::from(*refuses) << level
            }),
            generators: generators.as_ptr(),
            generator_count: generators.len(),
            ..callbacks::options(opening.pool_size_bytes, destination, processor.as_deref())
        };
        // SAFETY: both arguments are valid for the call, and the destination belongs to the request, which lives longer.
        let error = unsafe { llvm_init(&options, &mut context) };
        let session = Self(context);
        session.check(error)?;
        Ok(session)
    }

    /// The failure that the error stands for, with the library's text.
    pub(crate) fn check(&self, error: llvm_error_t) -> Result<(), Outcome> {
        if error == LLVM_OK {
            return Ok(());
        }
        Err(self.failure(error))
    }

    fn parse(&self, name: &str, bytes: &[u8]) -> Result<*mut llvm_module_t, Outcome> {
        let name = c_string(name)?;
        let mut module = ptr::null_mut();
        // SAFETY: the context is open and the bytes are valid for the call.
        self.check(unsafe {
            llvm_parse_ir(
                self.0,
                bytes.as_ptr().cast(),
                bytes.len(),
                name.as_ptr(),
                &mut module,
            )
        })?;
        Ok(module)
    }

    /// Bytes of the code pool that are in use.
    pub(crate) fn pool_bytes(&self) -> usize {
        // SAFETY: the context is open.
        unsafe { llvm_pool_bytes(self.0) }
    }

    /// The name of the compiled function around the address.
    pub(crate) fn function_at(&self, address: usize) -> Option<String> {
        let mut name = [0 as c_char; 256];
        // SAFETY: the context is open and the buffer is valid for its length; the library ends the name with a zero.
        unsafe {
            (llvm_function_at(self.0, address, name.as_mut_ptr(), name.len()) != 0)
                .then(|| CStr::from_ptr(name.as_ptr()).to_string_lossy().into_owned())
        }
    }

    /// The open context.
    pub(crate) fn context(&self) -> *mut llvm_context_t {
        self.0
    }

    /// The text of the last error.
    pub(crate) fn last_error(&self) -> String {
        // SAFETY: null asks for the error of llvm_init; the text ends with a zero and is copied before the
        // next call.
        let text = unsafe { CStr::from_ptr(llvm_last_error(self.0)) };
        text.to_string_lossy().into_owned()
    }

    /// The failure that an error other than LLVM_OK stands for.
    pub(crate) fn failure(&self, error: llvm_error_t) -> Outcome {
        Outcome::Failed {
            kind: kind_of(error),
            message: self.last_error(),
        }
    }

    /// A session with a program: its parts, linked into one.
    pub(crate) fn with_program(
        config: &Config,
        request: &RunRequest,
    ) -> Result<(Self, *mut llvm_module_t), Outcome> {
        let session = Self::open(&Opening {
            pool_size_bytes: config.pool_mib.map_or(POOL_SIZE_BYTES, pool_size_bytes),
            destination: request.destination,
            has_one_level: false,
            levels: config.levels,
            refusing: config.refusing,
        })?;
        let program = session.parse_all(request.modules)?;
        Ok((session, program))
    }

    pub(crate) fn parse_all(
        &self,
        modules: &[(&str, &[u8])],
    ) -> Result<*mut llvm_module_t, Outcome> {
        let Some(((first_name, first_bytes), others)) = modules.split_first() else {
            return Err(Outcome::Failed {
                kind: FailureKind::BadProgram,
                message: String::from("no program was given"),
            });
        };
        let program = self.parse(first_name, first_bytes)?;
        for (name, bytes) in others {
            let part = self.parse(name, bytes)?;
            // SAFETY: both modules belong to the open context; `part` is not used again.
            self.check(unsafe { llvm_link(program, part) })?;
        }
        Ok(program)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: null is allowed; nothing of the session is used afterwards.
        unsafe { llvm_shutdown(self.0) };
    }
}

/// More than there is means all of it.
fn pool_size_bytes(size_mib: u64) -> usize {
    usize::try_from(size_mib).map_or(POOL_SIZE_BYTES, |mib| {
        mib.saturating_mul(1 << 20).min(POOL_SIZE_BYTES)
    })
}

/// The library has the same table of levels: it is made from that of the policy.
pub(crate) const fn level_code(level: Level) -> llvm_level_t {
    level.index() as llvm_level_t
}

/// As above.
pub(crate) const fn tier_code(tier: Tier) -> llvm_tier_t {
    tier.index() as llvm_tier_t
}

fn bad_text() -> Outcome {
    Outcome::Failed {
        kind: FailureKind::BadProgram,
        message: "a file name or argument contains a zero byte".to_string(),
    }
}

fn c_string(text: &str) -> Result<CString, Outcome> {
    CString::new(text).map_err(|_| bad_text())
}

/// Bytes of the text about an abort, with the zero at its end.
const REASON_BYTES: usize = 256;

/// Ends what runs when LLVM, or a library function that the program called, ends "the process". The
/// program's own `exit` and `abort` do not come here: the library defines them.
fn intercept(termination: Termination) -> ! {
    let mut reason = [0; REASON_BYTES];
    if let Termination::Abort(text) = &termination {
        let length = text.len().min(REASON_BYTES - 1);
        reason[..length].copy_from_slice(&text.as_bytes()[..length]);
    }
    // SAFETY: the frames that are abandoned are of C++ and of library functions that do not return; the reason ends
    // with a zero. Nothing that is abandoned still owns memory.
    unsafe {
        match termination {
            Termination::Exit(status) => llvm_handle_exit(status),
            Termination::ImmediateExit(status) => llvm_handle_immediate_exit(status),
            Termination::Abort(text) => {
                drop(text);
                llvm_handle_abort(reason.as_ptr().cast());
            }
        }
    }
    bareflow_cxx_runtime::platform().abort("a program was ended with none running")
}

/// main's arguments as C has them.
///
/// # Errors
/// That C cannot have them.
pub(crate) fn c_arguments(arguments: &[&str]) -> Result<Arguments, Outcome> {
    Arguments::of(arguments.iter().map(|argument| argument.as_bytes()))
        .map_err(|ZeroByte| bad_text())
}
