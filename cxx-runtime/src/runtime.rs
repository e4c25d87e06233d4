//! The installed platform, and the static constructors of the linked C++ code.

use core::sync::atomic::{AtomicPtr, Ordering};

use crate::platform::Platform;

/// A pointer to the installed reference, which itself is two words wide.
static PLATFORM: AtomicPtr<&'static dyn Platform> = AtomicPtr::new(core::ptr::null_mut());

/// Installs the platform. To be called once, before anything else of this crate.
pub fn install(platform: &'static &'static dyn Platform) {
    PLATFORM.store(core::ptr::from_ref(platform).cast_mut(), Ordering::Release);
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
            static __init_array_start: [Option<unsafe extern "C" fn()>; 0];
            static __init_array_end: [Option<unsafe extern "C" fn()>; 0];
        }
        let mut entry = (&raw const __init_array_start).cast::<Option<unsafe extern "C" fn()>>();
        let end = (&raw const __init_array_end).cast::<Option<unsafe extern "C" fn()>>();
        while entry < end {
            // SAFETY: the linker script delimits an array of constructor addresses, and C++ says that
            // each is called once, in order.
            unsafe {
                if let Some(constructor) = *entry {
                    constructor();
                }
                entry = entry.add(1);
            }
        }
    }
}
