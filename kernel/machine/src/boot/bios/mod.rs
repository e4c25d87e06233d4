//! Stages 1 and 2, which a BIOS starts from a disk; `cargo xtask image` assembles them.

use bareflow_boot_info::{BootInfo, bios};

unsafe extern "C" {
    /// Has stage 2 load everything by the BIOS, with LLVM, and start the kernel anew. The stack must lie at its
    /// physical address; the interrupt controllers, the timer and low memory must be as the BIOS has left them.
    fn reload_by_bios() -> !;
}

/// What the loader has told, with what it can still do.
pub(super) fn completed(mut info: BootInfo) -> BootInfo {
    if bios::drive(&info).is_some() {
        info.reload = Some(reload_by_bios);
    }
    info
}
