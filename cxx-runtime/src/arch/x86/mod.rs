//! What x86 and x86-64 have in common.

#[cfg(not(test))]
mod calls;
mod features;
mod floating_point;
#[cfg(not(test))]
mod image;
mod thread_local;

#[cfg(target_arch = "x86")]
use core::arch::x86 as instructions;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64 as instructions;

#[cfg(not(test))]
pub(crate) use calls::{address_table, jumps};
pub(crate) use features::{capabilities, note_features};
#[cfg(not(test))]
pub(crate) use floating_point::{
    FloatingPointEnvironment, set_default_environment, set_environment, store_root,
};
pub(crate) use floating_point::{lost_by_product, rounding_direction};
#[cfg(not(test))]
pub(crate) use image::late_constructors;
#[cfg(not(test))]
pub(crate) use thread_local::{lay_out_thread_local, thread_local_bytes};
