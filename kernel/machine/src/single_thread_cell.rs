//! State of a machine with one thread.

use core::cell::{RefCell, RefMut};

/// A static with interior mutability. A second borrow, which only a handler could try, is refused.
#[derive(Debug)]
pub(crate) struct SingleThreadCell<T>(RefCell<T>);

// SAFETY: there is one thread, and RefCell refuses a handler what the code that it interrupted has
// borrowed.
unsafe impl<T> Sync for SingleThreadCell<T> {}

impl<T> SingleThreadCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// # Panics
    /// If it is borrowed already.
    pub(crate) fn borrow(&self) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }

    /// `None` if it is borrowed already.
    pub(crate) fn try_borrow(&self) -> Option<RefMut<'_, T>> {
        self.0.try_borrow_mut().ok()
    }
}
