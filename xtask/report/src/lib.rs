//! Shows what kernels have measured: profiles, sizes, and boot after boot, as tables and as pages with plots.

pub mod converge;
pub mod order;
pub mod profile;
pub mod size;
pub mod tables;
