//! x86-64.

use alloc::format;
use alloc::string::String;
use core::arch::x86_64::{__cpuid, __cpuid_count, _rdtsc, _xgetbv};

/// The time stamp counter.
pub(crate) fn read_clock() -> u64 {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { _rdtsc() }
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
