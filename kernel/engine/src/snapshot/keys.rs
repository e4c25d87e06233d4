//! For what a snapshot is good: this kernel, this program, this processor, these settings.

use alloc::format;
use alloc::string::{String, ToString};
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use core::ffi::CStr;

use bareflow_snapshot::{Keys, hash_of_modules};
use bareflow_tiers::Config;

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

/// What CPUID and XGETBV say of the processor: whatever LLVM makes of it depends on nothing else (Intel SDM volume 2A,
/// "CPUID"). How many processors there are is left out: code for one is code for one of two.
pub(crate) fn processor() -> String {
    const FEATURES: u32 = 1;
    const STRUCTURED_FEATURES: u32 = 7;
    const EXTENDED_STATE: u32 = 0xd;
    const EXTENDED_FEATURES: u32 = 0x8000_0001;
    const OSXSAVE: u32 = 1 << 27;
    /// In leaf 1, EDX, and in AMD's leaf 0x80000001, ECX: that there are several in one package.
    const HYPER_THREADING: u32 = 1 << 28;
    const SEVERAL_CORES: u32 = 1 << 1;
    let basic = __cpuid(0);
    let vendor: String = [basic.ebx, basic.edx, basic.ecx]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .map(char::from)
        .collect();
    let mut text = vendor;
    let mut add = |what: u32| text += &format!(" {what:x}");
    let features = __cpuid(FEATURES);
    [features.eax, features.ecx, features.edx & !HYPER_THREADING]
        .into_iter()
        .for_each(&mut add);
    if basic.eax >= STRUCTURED_FEATURES {
        for leaf in [0, 1] {
            let found = __cpuid_count(STRUCTURED_FEATURES, leaf);
            [found.eax, found.ebx, found.ecx, found.edx]
                .into_iter()
                .for_each(&mut add);
        }
    }
    if basic.eax >= EXTENDED_STATE {
        add(__cpuid_count(EXTENDED_STATE, 1).eax);
    }
    if __cpuid(0x8000_0000).eax >= EXTENDED_FEATURES {
        let found = __cpuid(EXTENDED_FEATURES);
        add(found.ecx & !SEVERAL_CORES);
        add(found.edx);
    }
    if features.ecx & OSXSAVE != 0 {
        // SAFETY: the processor has XGETBV, and the kernel has enabled it.
        add(unsafe { enabled_state() } as u32);
    }
    text
}

/// # Safety
/// XGETBV must be enabled.
#[target_feature(enable = "xsave")]
unsafe fn enabled_state() -> u64 {
    // SAFETY: the caller's promise.
    unsafe { _xgetbv(0) }
}
