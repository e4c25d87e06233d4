//! The room that the guest gets in the address space.

#[cfg(feature = "engine")]
mod of_engine {
    pub(crate) use bareflow_engine::{POOL_ADDRESS, POOL_SIZE_BYTES};

    /// LLVM's share, and the 8 MiB that Linux gives programs.
    pub(crate) const STACK_SIZE_BYTES: usize = 16 << 20;
}

#[cfg(not(feature = "engine"))]
mod of_program {
    /// Nothing is compiled: the guard of the stack begins where the code pool would.
    pub(crate) use bareflow_protocol::pool::ADDRESS as POOL_ADDRESS;
    pub(crate) const POOL_SIZE_BYTES: usize = 0;

    /// What Linux gives programs.
    pub(crate) const STACK_SIZE_BYTES: usize = 8 << 20;
}

#[cfg(feature = "engine")]
pub(crate) use of_engine::*;
#[cfg(not(feature = "engine"))]
pub(crate) use of_program::*;
