//! What devices are at, and what memory they see.

pub(crate) mod memory;
pub(crate) mod pci;
