//! The formats of page tables, one for each family of architectures.

pub mod x86;
