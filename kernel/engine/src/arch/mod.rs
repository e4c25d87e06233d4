//! What an architecture is to the engine's Rust part: these names, which a file for each defines. Nothing else here names an
//! instruction or a register; the C++ part has the same in `cpp/arch`.
//!
//! | name | what |
//! |---|---|
//! | `read_clock` | the processor's counter of cycles, or of something as fine: what all costs are counted in |
//! | `processor` | a text that tells apart processors which code may not be exchanged between; a key of snapshots |

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{processor, read_clock};
