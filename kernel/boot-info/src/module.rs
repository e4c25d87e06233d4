//! What a loader puts into memory beside the kernel.

use core::ops::Range;

pub use bareflow_protocol::loader::module::{BUNDLE, FILES, HEADER, LLVM};

/// All of these.
pub const NAMES: [&str; 4] = [BUNDLE, HEADER, LLVM, FILES];

/// One module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module<'a> {
    /// What it is: one of those, or nothing that the kernel knows.
    pub name: &'a [u8],
    /// Where it is.
    pub bytes: Range<usize>,
}
