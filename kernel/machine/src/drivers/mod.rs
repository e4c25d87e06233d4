//! Devices and how they are spoken to. Drivers know the bus and the memory that they need, and nothing of what they are
//! used for.

pub(crate) mod block;
pub(crate) mod bus;
pub(crate) mod console;
pub(crate) mod firmware;
