//! The compiler driver of programs: C, C++ and IR to bitcode that LLVM 18 reads, and bitcode to one program.
//!
//! 1. The command line is clang's; what a driver of compilers takes is taken, and what it means is the same.
//! 2. An object is bitcode, a library is an archive of bitcode, and a program is one bitcode file.
//! 3. A link is a static link: archive members that are needed, weak and common symbols, comdats, in link order.
//!    What nothing defines is an error here, so that the checks of `configure` and CMake get true answers.
//! 4. Nothing is half-written: a file is there whole, or as it was.
//!
//! The work is done by one toolchain of LLVM 16 to 18 on the host: clang, `ld.lld`, `llvm-ar` and `llvm-nm`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod archive;
pub mod assembly;
mod bitcode;
pub mod command_line;
pub mod compile;
pub mod driver;
mod error;
mod exceptions;
pub mod flags;
pub mod input;
pub mod kernel_symbols;
pub mod libraries;
pub mod link;
mod options;
pub mod output;
pub mod parts;
mod queries;
pub mod runner;
pub mod sdk;
mod texts;
pub mod toolchain;
pub mod words;

pub use error::{DriverError, Result};
