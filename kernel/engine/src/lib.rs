//! The engine: runs a program, given as LLVM IR, in LLVM's interpreter or as native code.
//!
//! 1. LLVM is behind one C interface, `include/llvm_baremetal.h`, which C kernels can use as well;
//!    this crate binds it and supplies the machine through `bareflow-cxx-runtime`.
//! 2. Every failure is a value: a malformed program, a fault in it, exhausted memory and a failure of
//!    LLVM itself all end as an [`Outcome`].
//! 3. Code is never writable and executable at once.
//!
//! The engine never prints what the program did not, except notes on the error stream.

#![no_std]

extern crate alloc;

#[expect(
    non_camel_case_types,
    dead_code,
    reason = "generated from the C header, whose names these are"
)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
mod callbacks;
mod fault;
mod launch;
mod outcome;
mod session;
mod surroundings;

pub use fault::{Fault, FaultCause, Origin, Resume, describe_fault, resume_after};
pub use launch::{report_error, run_bundle};
pub use outcome::{FailureKind, Outcome};
pub use surroundings::Surroundings;

/// Where native code and the program's data lie: 1 GiB.
pub const POOL_ADDRESS: usize = 0x4000_0000;
/// The address space set aside for them: 128 MiB.
pub const POOL_SIZE_BYTES: usize = 128 << 20;

/// How a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// LLVM's interpreter; what it cannot run is compiled at O0.
    Interpreter,
    /// Native code, not optimised.
    O0,
    /// Native code, optimised lightly.
    O1,
    /// Native code, optimised.
    O2,
    /// Native code, optimised most.
    O3,
}

impl Tier {
    /// The tier of that name: `interpreter`, `O0`, `O1`, `O2` or `O3`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "interpreter" => Self::Interpreter,
            "O0" => Self::O0,
            "O1" => Self::O1,
            "O2" => Self::O2,
            "O3" => Self::O3,
            _ => return None,
        })
    }
}

/// A program and how to run it.
#[derive(Clone, Copy, Debug)]
pub struct RunRequest<'a> {
    /// The program's parts, linked into one: file name, and bitcode or assembly text.
    pub modules: &'a [(&'a str, &'a [u8])],
    /// The program's arguments; the first is its name.
    pub arguments: &'a [&'a str],
    /// How to run it.
    pub tier: Tier,
}

/// Runs a program to its end.
///
/// Needs an installed platform, constructors that have run, the pool's address range set aside, and
/// a stack of at least 8 MiB. One program runs at a time.
#[must_use]
pub fn run(request: &RunRequest) -> Outcome {
    match session::run(request) {
        Ok(status) => Outcome::Exit(status),
        Err(failure) => failure,
    }
}
