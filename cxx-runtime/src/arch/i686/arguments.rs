//! Arguments of variadic functions.

use core::ffi::c_void;

/// `va_list` of the System V ABI for i386: where the next argument is. All of them are on the stack, in words.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct VaList(*const u32);

/// A `va_list` as an argument: it is passed by value.
#[repr(transparent)]
pub(crate) struct PassedVaList(VaList);

impl PassedVaList {
    /// # Safety
    /// It must have been passed.
    pub(crate) unsafe fn list(&mut self) -> &mut VaList {
        &mut self.0
    }
}

/// `float _Complex` as a result: it is returned as an integer of its size is, where a structure is not.
pub(crate) type ComplexFloat = u64;

/// The result with these parts.
pub(crate) fn complex_float(parts: [f32; 2]) -> ComplexFloat {
    let [re, im] = parts.map(|part| u64::from(part.to_bits()));
    im << 32 | re
}

impl VaList {
    /// A list of integers and pointers.
    #[cfg(test)]
    pub(crate) fn on_the_stack(words: &[u32]) -> Self {
        Self(words.as_ptr())
    }

    /// # Safety
    /// There must be an argument of this type.
    unsafe fn next<T>(&mut self) -> T {
        // SAFETY: the caller's promise; an argument is aligned as a word is.
        unsafe {
            let value = self.0.cast::<T>().read_unaligned();
            self.0 = self.0.add(size_of::<T>().div_ceil(size_of::<u32>()));
            value
        }
    }

    /// The next argument that is an integer no longer than a `long`, or a pointer.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_integer(&mut self) -> u64 {
        // SAFETY: the caller's promise.
        u64::from(unsafe { self.next::<u32>() })
    }

    /// The next argument that is a `long long`.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_long_long(&mut self) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { self.next() }
    }

    /// The next argument that is a pointer.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_pointer(&mut self) -> *mut c_void {
        // SAFETY: the caller's promise.
        unsafe { self.next() }
    }

    /// The next argument that is a double.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_double(&mut self) -> f64 {
        // SAFETY: the caller's promise.
        unsafe { self.next() }
    }

    /// The next argument that is a number of the x87, in three words.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_extended(&mut self) -> (u64, u16) {
        // SAFETY: the caller's promise.
        unsafe { (self.next(), self.next::<u32>() as u16) }
    }
}
