//! One program's way through the C interface.

use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use bareflow_cxx_runtime::termination::{Termination, set_interceptor};

use crate::bindings::{
    LLVM_OK, LLVM_TIER_INTERPRETER, LLVM_TIER_O0, LLVM_TIER_O1, LLVM_TIER_O2, LLVM_TIER_O3,
    llvm_context_t, llvm_error_t, llvm_handle_abort, llvm_init, llvm_last_error, llvm_link,
    llvm_module_t, llvm_parse_ir, llvm_run_main, llvm_shutdown, llvm_tier_t, llvm_tiered_run_main,
};
use crate::jail;
use crate::outcome::kind_of;
use crate::profile::Recording;
use crate::tiers::Manager;
use crate::{
    Config, FailureKind, Host, Level, Mode, Outcome, POOL_SIZE_BYTES, RunRequest, Tier, callbacks,
};

/// An open context; closed when dropped.
#[derive(Debug)]
pub(crate) struct Session(*mut llvm_context_t);

impl Session {
    fn open(mode: Mode) -> Result<Self, Outcome> {
        let pool_size_bytes = match mode {
            Mode::Automatic(config) => config.pool_mib.map_or(POOL_SIZE_BYTES, pool_size_bytes),
            Mode::Fixed(_) => POOL_SIZE_BYTES,
        };
        // SAFETY: kernels run the others when they start.
        unsafe { bareflow_cxx_runtime::run_late_constructors() };
        let mut context = ptr::null_mut();
        // SAFETY: both arguments are valid for the call.
        let error = unsafe { llvm_init(&callbacks::options(pool_size_bytes), &mut context) };
        let session = Self(context);
        session.check(error)?;
        Ok(session)
    }

    /// The failure that the error stands for, with the library's text.
    pub(crate) fn check(&self, error: llvm_error_t) -> Result<(), Outcome> {
        if error == LLVM_OK {
            return Ok(());
        }
        Err(Outcome::Failed {
            kind: kind_of(error),
            message: self.last_error(),
        })
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

    /// Runs main with these arguments, as `run` does it.
    fn run_main(
        &self,
        arguments: &[&str],
        run: impl FnOnce(c_int, *const *const c_char, &mut c_int) -> llvm_error_t,
    ) -> Result<i32, Outcome> {
        let strings: Vec<CString> = arguments
            .iter()
            .map(|argument| c_string(argument))
            .collect::<Result<_, _>>()?;
        let pointers: Vec<*const c_char> = strings.iter().map(|string| string.as_ptr()).collect();
        let count = c_int::try_from(pointers.len()).map_err(|_| bad_text())?;
        let mut status = 0;
        self.check(run(count, pointers.as_ptr(), &mut status))?;
        Ok(status)
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

const fn tier_code(tier: Tier) -> llvm_tier_t {
    match tier {
        Tier::Interpreter => LLVM_TIER_INTERPRETER,
        Tier::Native(Level::O0) => LLVM_TIER_O0,
        Tier::Native(Level::O1) => LLVM_TIER_O1,
        Tier::Native(Level::O2) => LLVM_TIER_O2,
        Tier::Native(Level::O3) => LLVM_TIER_O3,
    }
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

/// Ends what runs when LLVM, or a library function that the program called, ends "the process". The
/// program's own `exit` and `abort` do not come here: the library defines them.
fn intercept(termination: Termination) -> ! {
    // Nothing that is abandoned may still own memory.
    drop(termination);
    // SAFETY: the frames that are abandoned are of C++ and of library functions that do not return.
    unsafe { llvm_handle_abort() };
    bareflow_cxx_runtime::platform().abort("abort() was called with no program running")
}

/// Parses, links and runs.
pub(crate) fn run(request: &RunRequest, host: &mut dyn Host) -> Result<i32, Outcome> {
    let Some(((first_name, first_bytes), others)) = request.modules.split_first() else {
        return Err(Outcome::Failed {
            kind: FailureKind::BadProgram,
            message: String::from("no program was given"),
        });
    };
    set_interceptor(Some(intercept));
    let session = Session::open(request.mode)?;
    let program = session.parse(first_name, first_bytes)?;
    for (name, bytes) in others {
        let part = session.parse(name, bytes)?;
        // SAFETY: both modules belong to the open context; `part` is not used again.
        session.check(unsafe { llvm_link(program, part) })?;
    }
    match request.mode {
        Mode::Fixed(tier) => session.run_main(request.arguments, |count, arguments, status| {
            // SAFETY: the module belongs to the open context; the strings live for the call, and the
            // program gets copies of them.
            unsafe { llvm_run_main(program, tier_code(tier), count, arguments, status) }
        }),
        Mode::Automatic(config) => run_in_tiers(&session, program, config, request, host),
    }
}

/// How often a compilation's time is looked at: 10 ms.
const WATCH_INTERVAL_US: u32 = 10_000;

fn run_in_tiers(
    session: &Session,
    module: *mut llvm_module_t,
    config: Config,
    request: &RunRequest,
    host: &mut dyn Host,
) -> Result<i32, Outcome> {
    let manager = Manager::open(session, module, config)?;
    let program = manager.program();
    let interpret = c_int::from(config.starts_interpreted());
    jail::prepare(&config);
    if config.compile_ms.is_some() {
        bareflow_cxx_runtime::platform().start_timer(WATCH_INTERVAL_US);
    }
    let recording = request.profile.then(Recording::start);
    let result = session.run_main(request.arguments, |count, arguments, status| {
        // SAFETY: the program is open; the strings live for the call, and the program gets copies of them.
        // Its hooks have the manager for themselves meanwhile.
        unsafe { llvm_tiered_run_main(program, interpret, count, arguments, status) }
    });
    if let Some(recording) = recording {
        recording.finish(session, &manager, &config, request, host.kernel());
    }
    result
}
