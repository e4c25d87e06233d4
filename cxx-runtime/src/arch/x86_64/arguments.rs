//! Arguments of variadic functions.

use core::ffi::c_void;

use crate::number::Extended;

/// `__va_list_tag` of the System V ABI for x86-64 (section 3.5.7).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct VaList {
    general_offset: u32,
    float_offset: u32,
    overflow: *const u64,
    registers: *const u8,
}

/// A `va_list` as an argument: it is an array, of which the place is passed.
#[repr(transparent)]
pub(crate) struct PassedVaList(*mut VaList);

impl PassedVaList {
    /// # Safety
    /// It must have been passed.
    pub(crate) unsafe fn list(&mut self) -> &mut VaList {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0 }
    }
}

#[cfg(test)]
impl From<&mut VaList> for PassedVaList {
    fn from(list: &mut VaList) -> Self {
        Self(list)
    }
}

/// `float _Complex` as a result: it is returned as a structure is.
#[repr(C)]
pub(crate) struct ComplexFloat([f32; 2]);

/// The result with these parts.
pub(crate) fn complex_float(parts: [f32; 2]) -> ComplexFloat {
    ComplexFloat(parts)
}

/// Bytes of the six general registers in the register save area.
const GENERAL_BYTES: u32 = 48;

/// Bytes of the whole register save area, with the eight vector registers behind the general ones.
const SAVED_BYTES: u32 = GENERAL_BYTES + 8 * 16;

impl VaList {
    /// A list of integers and pointers that are all on the stack.
    #[cfg(test)]
    pub(crate) fn on_the_stack(words: &[u64]) -> Self {
        Self {
            general_offset: GENERAL_BYTES,
            float_offset: SAVED_BYTES,
            overflow: words.as_ptr(),
            registers: core::ptr::null(),
        }
    }

    /// # Safety
    /// There must be such an argument.
    unsafe fn next_on_the_stack(&mut self) -> u64 {
        // SAFETY: the caller says that an argument is left.
        unsafe {
            let word = *self.overflow;
            self.overflow = self.overflow.add(1);
            word
        }
    }

    /// The next argument that is an integer or a pointer.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_integer(&mut self) -> u64 {
        // SAFETY: the caller says that an argument is left: in the saved registers, else on the stack.
        unsafe {
            if self.general_offset >= GENERAL_BYTES {
                return self.next_on_the_stack();
            }
            let slot = self.registers.add(self.general_offset as usize);
            self.general_offset += 8;
            *slot.cast()
        }
    }

    /// The next argument that is a `long long`: passed as every integer is.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_long_long(&mut self) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { self.next_integer() }
    }

    /// The next argument that is a pointer.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_pointer(&mut self) -> *mut c_void {
        // SAFETY: the caller's promise.
        unsafe { self.next_integer() as usize as *mut c_void }
    }

    /// The next argument that is a double.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_double(&mut self) -> f64 {
        // SAFETY: the caller says that an argument is left: in the saved registers, else on the stack.
        unsafe {
            if self.float_offset >= SAVED_BYTES {
                return f64::from_bits(self.next_on_the_stack());
            }
            let slot = self.registers.add(self.float_offset as usize);
            self.float_offset += 16;
            *slot.cast()
        }
    }

    /// The next argument that is a long double: always on the stack, at a multiple of 16 bytes.
    ///
    /// # Safety
    /// There must be such an argument.
    pub(crate) unsafe fn next_extended(&mut self) -> (u64, u16) {
        // SAFETY: the caller says that an argument is left.
        unsafe {
            let address = (self.overflow as usize).next_multiple_of(16);
            let place = address as *const Extended;
            self.overflow = place.add(1).cast();
            ((*place).mantissa, (*place).sign_and_exponent)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_from_registers_then_from_the_stack() {
        let mut registers = [0_u64; 22];
        (registers[4], registers[5]) = (14, 15);
        registers[20] = 2.5_f64.to_bits();
        #[repr(align(16))]
        struct Stack([u64; 6]);
        let overflow = Stack([16, 1.5_f64.to_bits(), 1 << 63, 0xbfff, 17, 0]);
        let mut list = VaList {
            general_offset: 32,
            float_offset: 160,
            overflow: overflow.0.as_ptr(),
            registers: registers.as_ptr().cast(),
        };
        // SAFETY: these arguments are there.
        unsafe {
            assert_eq!((list.next_integer(), list.next_integer()), (14, 15));
            assert_eq!(list.next_integer(), 16);
            assert_eq!((list.next_double(), list.next_double()), (2.5, 1.5));
            assert_eq!(list.next_extended(), (1 << 63, 0xbfff));
            assert_eq!(list.next_pointer() as usize, 17);
        }
    }
}
