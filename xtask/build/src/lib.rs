//! Builds what BareFlow consists of: the LLVM distribution, the SDK of programs, and the kernels.
//!
//! 1. Everything that is built is found again by the hash of what it was built from.
//! 2. A tool's command is echoed and its output kept in a log; a failure names both and says what to do next.
//! 3. A process that was started ends within its time, by force, or with this process.

pub mod attest;
pub mod cargo;
pub mod compiler_cache;
pub mod distribution;
pub mod error;
pub mod fuzz;
pub mod generator_sources;
pub mod installation;
pub mod kernel;
pub mod llvm;
pub mod packing;
pub mod paths;
pub mod process;
pub mod registry;
pub mod remembered;
pub mod remote;
pub mod rust_library;
pub mod sdk;
pub mod shell;
pub mod store;
pub mod symbols;
pub mod temporary;
pub mod tools;
