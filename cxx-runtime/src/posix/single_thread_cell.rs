//! Variables of C.

use core::cell::UnsafeCell;

/// A variable that C functions share: there is one thread.
#[repr(transparent)]
pub(crate) struct SingleThreadCell<T>(UnsafeCell<T>);

// SAFETY: there is one thread.
unsafe impl<T> Sync for SingleThreadCell<T> {}

impl<T> SingleThreadCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Its address.
    pub(crate) const fn get(&self) -> *mut T {
        self.0.get()
    }

    /// Calls `action` with the value, which must not use the variable again.
    pub(crate) fn with<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: there is one thread, and the action does not come back here.
        action(unsafe { &mut *self.get() })
    }

    pub(crate) fn set(&self, value: T) {
        self.with(|place| *place = value);
    }
}

impl<T: Copy> SingleThreadCell<T> {
    pub(crate) fn read(&self) -> T {
        self.with(|place| *place)
    }
}
