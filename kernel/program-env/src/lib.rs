//! What kernels know of the program that they run, with the engine or without it.
//!
//! 1. What a program sees of the world comes from its bundle, and from the folder `data` of the volume.
//! 2. A fault ends the program, not the kernel: the handler returns to a function on a stack of its own, or on the
//!    program's if that has a handler for the signal.
//! 3. Every failure has one line on the console and an exit code.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;

mod data;
mod environment;
mod failure;
mod fault;
mod payload;
mod storage;
mod stored;

pub use data::{VolumeGuard, keep_volume, storage, volume};
pub use environment::{Environment, arguments_of};
pub use failure::{FailureKind, report_error, report_note};
pub use fault::{
    Fault, FaultCause, Resume, handle_by_program, pending_fault, resume_in_program, resume_with,
};
pub use payload::{Payload, payload, set_payload};
pub use storage::{DiskVolume, mount, mount_quietly};
pub use stored::FileRegion;
