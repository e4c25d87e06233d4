//! What `__builtin_cpu_supports` and `__builtin_cpu_is` read: the layout and the numbers are those of libgcc and
//! compiler-rt (`cpuinfo.h`).

use super::instructions::{__cpuid, __cpuid_count, _xgetbv};

use crate::arch::Capabilities;
use crate::posix::single_thread_cell::SingleThreadCell;

/// `__cpu_model`: vendor, kind and subkind, which are not told, and the first 32 features.
#[cfg_attr(not(test), unsafe(export_name = "__cpu_model"))]
static MODEL: SingleThreadCell<[u32; 4]> = SingleThreadCell::new([0; 4]);
/// Features from the 33rd on.
#[cfg_attr(not(test), unsafe(export_name = "__cpu_features2"))]
static MORE: SingleThreadCell<[u32; 3]> = SingleThreadCell::new([0; 3]);

const VENDOR_OTHER: u32 = 3;

/// Where a feature is told: which of [`LEAVES`], the register (EAX is 0), and its bit.
type Place = (usize, usize, u32);

const LEAVES: [u32; 3] = [1, 7, 0x8000_0001];
const BASIC: usize = 0;
const MORE_BASIC: usize = 1;
const EXTENDED: usize = 2;

const EBX: usize = 1;
const ECX: usize = 2;
const EDX: usize = 3;

/// What the operating system must save for a feature to be usable: a mask of XCR0.
const NOTHING: u64 = 0;
const AVX_STATE: u64 = 0b110;
const AVX512_STATE: u64 = 0b1110_0110;

/// The numbers of features, where they are told, and what they need.
const FEATURES: &[(u32, Place, u64)] = &[
    (0, (BASIC, EDX, 15), NOTHING),
    (1, (BASIC, EDX, 23), NOTHING),
    (2, (BASIC, ECX, 23), NOTHING),
    (3, (BASIC, EDX, 25), NOTHING),
    (4, (BASIC, EDX, 26), NOTHING),
    (5, (BASIC, ECX, 0), NOTHING),
    (6, (BASIC, ECX, 9), NOTHING),
    (7, (BASIC, ECX, 19), NOTHING),
    (8, (BASIC, ECX, 20), NOTHING),
    (9, (BASIC, ECX, 28), AVX_STATE),
    (10, (MORE_BASIC, EBX, 5), AVX_STATE),
    (11, (EXTENDED, ECX, 6), NOTHING),
    (12, (EXTENDED, ECX, 16), AVX_STATE),
    (13, (EXTENDED, ECX, 11), AVX_STATE),
    (14, (BASIC, ECX, 12), AVX_STATE),
    (15, (MORE_BASIC, EBX, 16), AVX512_STATE),
    (16, (MORE_BASIC, EBX, 3), NOTHING),
    (17, (MORE_BASIC, EBX, 8), NOTHING),
    (18, (BASIC, ECX, 25), NOTHING),
    (19, (BASIC, ECX, 1), NOTHING),
    (20, (MORE_BASIC, EBX, 31), AVX512_STATE),
    (21, (MORE_BASIC, EBX, 30), AVX512_STATE),
    (22, (MORE_BASIC, EBX, 17), AVX512_STATE),
    (23, (MORE_BASIC, EBX, 28), AVX512_STATE),
    (26, (MORE_BASIC, ECX, 1), AVX512_STATE),
    (27, (MORE_BASIC, EBX, 21), AVX512_STATE),
    (30, (MORE_BASIC, ECX, 14), AVX512_STATE),
    (31, (MORE_BASIC, ECX, 6), AVX512_STATE),
    (32, (MORE_BASIC, ECX, 8), NOTHING),
    (33, (MORE_BASIC, ECX, 10), AVX_STATE),
    (34, (MORE_BASIC, ECX, 11), AVX512_STATE),
    (35, (MORE_BASIC, ECX, 12), AVX512_STATE),
];

/// The registers of a leaf; zeros if the processor does not have it.
fn registers(leaf: u32) -> [u32; 4] {
    if leaf > __cpuid(leaf & 0x8000_0000).eax {
        return [0; 4];
    }
    let registers = __cpuid_count(leaf, 0);
    [registers.eax, registers.ebx, registers.ecx, registers.edx]
}

/// What the operating system saves of the registers.
fn saved_state() -> u64 {
    const OSXSAVE: u32 = 1 << 27;
    if __cpuid(1).ecx & OSXSAVE == 0 {
        return 0;
    }
    // SAFETY: the processor says that it has the instruction, and that it may be used.
    unsafe { state_register() }
}

/// # Safety
/// The processor must have XSAVE switched on.
#[target_feature(enable = "xsave")]
unsafe fn state_register() -> u64 {
    // SAFETY: the caller's promise.
    unsafe { _xgetbv(0) }
}

/// What the processor has and the operating system lets programs use.
pub(crate) fn capabilities() -> Capabilities {
    const AVX2: Place = (MORE_BASIC, EBX, 5);
    const FAST_STRINGS: Place = (MORE_BASIC, EBX, 9);
    const FUSED_MULTIPLY_ADD: Place = (BASIC, ECX, 12);
    let told = LEAVES.map(registers);
    let has = |(leaf, register, bit): Place| told[leaf][register] >> bit & 1 != 0;
    let saves_avx = saved_state() & AVX_STATE == AVX_STATE;
    Capabilities {
        of_blocks: bareflow_blocks::Processor {
            avx2: saves_avx && has(AVX2),
            fast_strings: has(FAST_STRINGS),
        },
        fused_multiply_add: saves_avx && has(FUSED_MULTIPLY_ADD),
    }
}

/// Fills both variables in, before a program looks at them.
#[cfg_attr(not(test), unsafe(export_name = "__cpu_indicator_init"))]
pub(crate) extern "C" fn note_features() -> i32 {
    let saved = saved_state();
    let told = LEAVES.map(registers);
    let mut found = 0_u64;
    for (number, (leaf, register, bit), needed) in FEATURES {
        if told[*leaf][*register] >> bit & 1 != 0 && saved & needed == *needed {
            found |= 1 << number;
        }
    }
    MODEL.set([VENDOR_OTHER, 0, 0, found as u32]);
    MORE.set([(found >> 32) as u32, 0, 0]);
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_those_that_rust_finds() {
        note_features();
        let has = |number: u32| MODEL.read()[3] >> number & 1 != 0;
        assert!(has(3) && has(4));
        assert_eq!(has(8), std::is_x86_feature_detected!("sse4.2"));
        assert_eq!(has(9), std::is_x86_feature_detected!("avx"));
        assert_eq!(has(10), std::is_x86_feature_detected!("avx2"));
        assert_eq!(has(15), std::is_x86_feature_detected!("avx512f"));
        assert_eq!(has(17), std::is_x86_feature_detected!("bmi2"));
    }
}
