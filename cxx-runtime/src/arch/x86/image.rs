//! What the linker script says of the image.

use core::ops::Range;

use crate::runtime::Constructor;

/// The constructors that are to run late; none without a linker script that puts them aside.
pub(crate) fn late_constructors() -> Range<*const Constructor> {
    let (start, end): (*const Constructor, *const Constructor);
    // SAFETY: it only loads two addresses; a weak symbol that nobody defines is at 0.
    unsafe {
        core::arch::asm!(
            ".weak __late_init_array_start",
            ".weak __late_init_array_end",
            "mov {start:e}, offset __late_init_array_start",
            "mov {end:e}, offset __late_init_array_end",
            start = out(reg) start,
            end = out(reg) end,
            options(nomem, nostack, preserves_flags, pure),
        );
    }
    start..end
}
