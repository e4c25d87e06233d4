//! The instructions of x86 and x86-64, and those of strings, which Rust has no functions for.

use core::arch::asm;

#[cfg(target_arch = "x86")]
pub(crate) use core::arch::x86::*;
#[cfg(target_arch = "x86_64")]
pub(crate) use core::arch::x86_64::*;

/// `rep movsb`.
///
/// # Safety
/// Both blocks must have `size` bytes and not overlap.
#[inline(always)]
pub(crate) unsafe fn move_string(to: *mut u8, from: *const u8, size: usize) {
    // SAFETY: the caller's promise.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") size => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags)
        );
    }
    // SAFETY: the caller's promise. The compiler keeps esi to itself: it has it back.
    #[cfg(target_arch = "x86")]
    unsafe {
        asm!(
            "xchg esi, {from}",
            "rep movsb",
            "mov esi, {from}",
            from = inout(reg) from => _,
            inout("ecx") size => _,
            inout("edi") to => _,
            options(nostack, preserves_flags)
        );
    }
}

/// `rep stosb`.
///
/// # Safety
/// The block must have `size` bytes.
#[inline(always)]
pub(crate) unsafe fn store_string(to: *mut u8, byte: u8, size: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "rep stosb",
            inout("cx") size => _,
            inout("di") to => _,
            in("al") byte,
            options(nostack, preserves_flags)
        );
    }
}
