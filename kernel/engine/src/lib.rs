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
mod arch;
mod callbacks;
mod clock;
mod compile_guard;
mod exports;
mod fault;
mod flow;
mod generators;
mod host;
mod integrity;
mod launch;
mod manager;
mod outcome;
mod profile;
mod run;
mod sampler;
mod session;
mod snapshot;
mod translation;

pub use bareflow_profile::KernelFlavour;
pub use bareflow_program_env::{Environment, FailureKind, Fault, FaultCause, Resume, report_error};
pub use bareflow_snapshot::{Destination, Snapshot};
pub use bareflow_tier_policy::{Config, Level, Tier};
pub use compile_guard::tick;
pub use fault::{Origin, describe_fault, leave_after_panic, resume_after};
pub use host::{Companion, EngineHost, HostCounters};
pub use launch::run_bundle;
pub use outcome::Outcome;

pub use bareflow_protocol::pool::{ADDRESS as POOL_ADDRESS, SIZE_BYTES as POOL_SIZE_BYTES};

/// How a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one, and it is copied")]
pub enum Mode {
    /// All of it in one tier.
    Fixed(Tier),
    /// Each function and each loop in the tier that it has earned.
    Automatic(Config),
}

/// A program and how to run it.
#[derive(Clone, Copy, Debug)]
pub struct RunRequest<'a> {
    /// The program's parts, linked into one: file name, and bitcode or assembly text.
    pub modules: &'a [(&'a str, &'a [u8])],
    /// The program's arguments; the first is its name.
    pub arguments: &'a [&'a str],
    /// How to run it.
    pub mode: Mode,
    /// Whether to write a profile; of [`Mode::Automatic`] only.
    pub profile: bool,
    /// Whether to write a snapshot at the end, whatever the settings say.
    pub snapshot: bool,
    /// The secret that snapshots are written with and must have been written with.
    pub secret: Option<[u8; 32]>,
    /// Another kernel: the program is compiled for it, into a snapshot on the volume, and not run.
    pub destination: Option<&'a Destination<'a>>,
    /// What was seen of the program: it is told how control went in it, and the program does not run.
    pub seen: Option<&'a Snapshot<'a>>,
}

/// Runs a program to its end.
///
/// Needs an installed platform, constructors that have run, the pool's address range set aside, and
/// a stack of at least 8 MiB. One program runs at a time.
#[must_use]
pub fn run(request: &RunRequest, host: &mut dyn EngineHost) -> Outcome {
    match run::run(request, host) {
        Ok(status) => Outcome::Exit(status),
        Err(failure) => failure,
    }
}
