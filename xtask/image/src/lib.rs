//! Makes what kernels run: programs in bundles, disk images, exported programs, and images trained by runs.
//!
//! The same inputs make the same bytes. No output replaces a file that nobody said may go.

pub mod context;
pub mod disk;
pub mod error;
pub mod export;
pub mod outputs;
pub mod program;
pub mod training;
