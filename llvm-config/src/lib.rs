//! How to link the LLVM that BareFlow builds: the component graph, and the answers of `llvm-config`.
//!
//! 1. The graph is LLVM's own, as its build writes it for its own `llvm-config`.
//! 2. Answers have the form of upstream's, so that build scripts that parse them work unchanged.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod build_info;
pub mod graph;
pub mod query;
