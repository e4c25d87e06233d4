//! For what a snapshot is good: this kernel, this program, this processor, these settings.

use alloc::format;
use alloc::string::{String, ToString};
use core::ffi::CStr;

use bareflow_snapshot::{Keys, hash_of_modules};
use bareflow_tier_policy::Config;

use crate::arch::processor;
use crate::bindings::llvm_version;

/// The keys with their texts.
#[derive(Debug)]
pub(crate) struct OwnedKeys {
    kernel_build_id: [u8; 32],
    program_hash: [u8; 32],
    processor: String,
    llvm_version: String,
    configuration: String,
}

impl OwnedKeys {
    pub(crate) fn new(modules: &[(&str, &[u8])], config: &Config) -> Self {
        // SAFETY: the text is a constant that ends with a zero.
        let version = unsafe { CStr::from_ptr(llvm_version()) };
        Self {
            kernel_build_id: kernel_build_id(),
            program_hash: hash_of_modules(modules),
            processor: processor(),
            llvm_version: version.to_string_lossy().into_owned(),
            configuration: configuration(config),
        }
    }

    pub(crate) fn borrow(&self) -> Keys<'_> {
        Keys {
            kernel_build_id: self.kernel_build_id,
            program_hash: self.program_hash,
            cpu_features: &self.processor,
            llvm_version: &self.llvm_version,
            configuration: &self.configuration,
        }
    }
}

/// Where code lies depends on the pool's size, and nothing else of the settings matters to it.
fn configuration(config: &Config) -> String {
    match config.pool_mib {
        Some(size_mib) => format!("pool-mib={size_mib}"),
        None => "pool-mib=-".to_string(),
    }
}

unsafe extern "C" {
    static __build_id_start: u8;
    static __build_id_end: u8;
}

/// The linker's hash of the kernel: the last bytes of its note.
fn kernel_build_id() -> [u8; 32] {
    let start = &raw const __build_id_start;
    let size_bytes = &raw const __build_id_end as usize - start as usize;
    // SAFETY: the linker scripts delimit the note, which is constant.
    let note = unsafe { core::slice::from_raw_parts(start, size_bytes) };
    let mut id = [0; 32];
    let tail = &note[note.len().saturating_sub(id.len())..];
    id[..tail.len()].copy_from_slice(tail);
    id
}
