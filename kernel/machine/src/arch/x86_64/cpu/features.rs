//! Enables what the processor has for programs. SSE is on since the entry: compiled code uses it.

use core::arch::x86_64::{__cpuid, __cpuid_count};

use core::sync::atomic::{AtomicU32, Ordering};

use x86_64::registers::control::{Cr4, Cr4Flags};
use x86_64::registers::xcontrol::{XCr0, XCr0Flags};

const LEAF_FEATURES: u32 = 1;
const LEAF_EXTENDED_STATE: u32 = 0xd;
const FEATURE_XSAVE: u32 = 1 << 26;
const FEATURE_AVX: u32 = 1 << 28;

/// The registers of AVX-512 only make sense together.
const AVX512: XCr0Flags = XCr0Flags::OPMASK
    .union(XCr0Flags::ZMM_HI256)
    .union(XCr0Flags::HI16_ZMM);

const FXSAVE_BYTES: u32 = 512;

/// What the entries of interrupts reserve for the state of the floating-point and vector registers: room for `FXSAVE`,
/// or for `XSAVE` of all that is switched on.
#[unsafe(export_name = "trap_state_bytes")]
static TRAP_STATE_BYTES: AtomicU32 = AtomicU32::new(FXSAVE_BYTES);

/// Lets programs use AVX and AVX-512 where the processor has them.
pub(crate) fn enable() {
    let features = __cpuid(LEAF_FEATURES).ecx;
    if features & FEATURE_XSAVE == 0 {
        return;
    }
    // SAFETY: the processor has XSAVE.
    unsafe { Cr4::update(|flags| flags.insert(Cr4Flags::OSXSAVE)) };

    let state = __cpuid_count(LEAF_EXTENDED_STATE, 0);
    let supported = u64::from(state.edx) << 32 | u64::from(state.eax);
    let supported = XCr0Flags::from_bits_truncate(supported);
    let mut enabled = XCr0Flags::X87 | XCr0Flags::SSE;
    if features & FEATURE_AVX != 0 && supported.contains(XCr0Flags::AVX) {
        enabled |= XCr0Flags::AVX;
        if supported.contains(AVX512) {
            enabled |= AVX512;
        }
    }
    // SAFETY: the processor supports every bit, and none is set without those that it depends on.
    unsafe { XCr0::write(enabled) };
    let enabled_bytes = __cpuid_count(LEAF_EXTENDED_STATE, 0).ebx;
    TRAP_STATE_BYTES.store(enabled_bytes, Ordering::Relaxed);
}
