//! Devices of the console.

pub(crate) mod display;
pub(crate) mod keyboard;
pub(crate) mod ports;
pub(crate) mod serial;
