//! The installed platform, and the static constructors of the linked C++ code.

#[cfg(not(test))]
use core::sync::atomic::AtomicBool;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::platform::Platform;
use crate::{arch, blocks, math};

/// A pointer to the installed reference, which itself is two words wide.
static PLATFORM: AtomicPtr<&'static dyn Platform> = AtomicPtr::new(core::ptr::null_mut());

/// Installs the platform. To be called once, before anything else of this crate, and when those registers are switched on
/// that programs may use.
pub fn install(platform: &'static &'static dyn Platform) {
    PLATFORM.store(core::ptr::from_ref(platform).cast_mut(), Ordering::Release);
    let capabilities = arch::capabilities();
    blocks::choose(capabilities.of_blocks);
    math::choose(&capabilities);
}

/// The installed platform.
///
/// # Panics
/// When [`install`] was not called: no message could be printed either.
#[must_use]
pub fn platform() -> &'static dyn Platform {
    let installed = PLATFORM.load(Ordering::Acquire);
    assert!(!installed.is_null(), "the platform was not installed");
    // SAFETY: `install` stored a pointer that came from a shared reference of static lifetime.
    unsafe { *installed }
}

/// Runs the static constructors between the linker script's `__init_array_start` and
/// `__init_array_end`, in order.
///
/// # Safety
/// To be called once, after [`install`], in an image whose linker script defines both symbols.
pub unsafe fn run_constructors() {
    #[cfg(not(test))]
    {
        unsafe extern "C" {
            static __init_array_start: Constructor;
            static __init_array_end: Constructor;
        }
        // SAFETY: the caller's promise.
        unsafe { run_all(&raw const __init_array_start..&raw const __init_array_end) };
    }
}

/// Runs the static constructors that a linker script has put aside, between `__late_init_array_start` and
/// `__late_init_array_end`, when it is called first. Without these symbols there are none.
///
/// # Safety
/// To be called after [`run_constructors`].
pub unsafe fn run_late_constructors() {
    #[cfg(not(test))]
    {
        static HAVE_RUN: AtomicBool = AtomicBool::new(false);
        if HAVE_RUN.swap(true, Ordering::Relaxed) {
            return;
        }
        // SAFETY: the caller's promise, and this is the first call.
        unsafe { run_all(arch::late_constructors()) };
    }
}

/// A static constructor, as linker scripts collect their addresses.
#[cfg(not(test))]
pub(crate) type Constructor = Option<unsafe extern "C" fn()>;

#[cfg(not(test))]
unsafe fn run_all(constructors: core::ops::Range<*const Constructor>) {
    let mut entry = constructors.start;
    while entry < constructors.end {
        // SAFETY: the linker script delimits an array of constructor addresses, and C++ says that each is
        // called once, in order.
        unsafe {
            if let Some(constructor) = *entry {
                constructor();
            }
            entry = entry.add(1);
        }
    }
}
