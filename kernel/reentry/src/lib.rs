//! A value that callbacks come back to: one of them has it at a time.
//!
//! C code that runs on behalf of Rust code, and calls it back, must not find the value borrowed, and may never return
//! from a callback: a failure leaves everything between itself and the call that recovers from it. So:
//!
//! 1. Whoever wants the value [enters](Reentrant::enter), and has it until the guard is dropped. Nobody else has a
//!    reference to it meanwhile: entering twice ends with a panic.
//! 2. Nobody has it while [`Reentrant::run`] calls what may come back.
//! 3. When that returns, guards of callbacks that were left in their middle count as dropped. Their frames are gone, so
//!    that their references are never used again, which is all that Rust's rules of aliasing ask for: a reference that is
//!    not used any more may be followed by another one.
//!
//! The tests run under Miri: `cargo +nightly miri test -p bareflow-reentry`.
#![no_std]

use core::cell::{Cell, UnsafeCell};
use core::ops::{Deref, DerefMut};

/// A value that callbacks come back to.
#[derive(Debug, Default)]
pub struct Reentrant<T> {
    value: UnsafeCell<T>,
    is_held: Cell<bool>,
}

/// The value, for whoever has entered.
#[derive(Debug)]
pub struct Entered<'a, T>(&'a Reentrant<T>);

impl<T> Reentrant<T> {
    /// Nobody has the value yet.
    pub const fn new(value: T) -> Self {
        Self {
            value: UnsafeCell::new(value),
            is_held: Cell::new(false),
        }
    }

    /// The value, until the guard is dropped.
    ///
    /// # Panics
    /// If somebody has it.
    #[must_use]
    pub fn enter(&self) -> Entered<'_, T> {
        assert!(!self.is_held.replace(true), "entered twice");
        Entered(self)
    }

    /// Calls what may come back and [enter](Self::enter).
    ///
    /// # Panics
    /// If somebody has the value.
    ///
    /// # Safety
    /// A guard that is made meanwhile, and not dropped when `act` returns, must never be used or dropped afterwards: its
    /// frame has been abandoned.
    pub unsafe fn run<R>(&self, act: impl FnOnce() -> R) -> R {
        assert!(!self.is_held.get(), "left while entered");
        let result = act();
        self.is_held.set(false);
        result
    }
}

impl<T> Deref for Entered<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: there is one guard, whose borrow this is; no other reference to the value is ever used meanwhile.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Entered<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Entered<'_, T> {
    fn drop(&mut self) {
        self.0.is_held.set(false);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use core::ffi::c_void;
    use core::mem;
    use std::boxed::Box;
    use std::vec;
    use std::vec::Vec;

    type Values = Reentrant<Vec<u32>>;

    /// As C code has it: a function, and what it is about.
    struct Hook {
        call: unsafe extern "C" fn(*mut c_void, u32),
        user: *mut c_void,
    }

    unsafe extern "C" fn push(user: *mut c_void, number: u32) {
        // SAFETY: the tests pass values, which outlive the call.
        let values = unsafe { &*user.cast::<Values>() };
        values.enter().push(number);
    }

    /// A callback that is left in its middle: nothing of its frame is dropped.
    unsafe extern "C" fn abandon(user: *mut c_void, number: u32) {
        // SAFETY: as above.
        let values = unsafe { &*user.cast::<Values>() };
        let mut entered = values.enter();
        entered.push(number);
        mem::forget(entered);
    }

    fn hook(values: &Values, call: unsafe extern "C" fn(*mut c_void, u32)) -> Hook {
        Hook {
            call,
            user: core::ptr::from_ref(values).cast_mut().cast(),
        }
    }

    #[test]
    fn callbacks_come_one_after_the_other() {
        let values = Box::new(Values::new(vec![1]));
        let hook = hook(&values, push);
        values.enter().push(2);
        // SAFETY: every guard is dropped.
        unsafe {
            values.run(|| {
                (hook.call)(hook.user, 3);
                (hook.call)(hook.user, 4);
            });
        }
        values.enter().push(5);
        assert_eq!(*values.enter(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn who_was_abandoned_has_nothing_any_more() {
        let values = Box::new(Values::default());
        let hook = hook(&values, abandon);
        for number in 0..3 {
            // SAFETY: the guard has been forgotten.
            unsafe { values.run(|| (hook.call)(hook.user, number)) };
            values.enter().push(number + 10);
        }
        assert_eq!(*values.enter(), [0, 10, 1, 11, 2, 12]);
    }

    #[test]
    #[should_panic(expected = "entered twice")]
    fn nobody_enters_twice() {
        let values = Values::default();
        let _first = values.enter();
        let _second = values.enter();
    }

    #[test]
    #[should_panic(expected = "left while entered")]
    fn nobody_leaves_with_the_value() {
        let values = Values::default();
        let _entered = values.enter();
        // SAFETY: no guard is made.
        unsafe { values.run(|| ()) };
    }
}
