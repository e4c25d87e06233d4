//! The generators of [`super::random`] with their state in a structure of the program's: GNU's `random_r`, `drand48_r`.

use core::ffi::{c_char, c_double, c_int, c_long, c_uint, c_ushort};

use super::random::{Generator, Linear, joined, split, to_double, to_signed, to_unsigned};
use crate::errno::{self, fail};

/// `struct random_data`, which is zeros before `initstate_r`.
#[repr(C)]
struct RandomData {
    generator: Generator,
}

/// `struct drand48_data`.
#[repr(C)]
struct LinearData {
    state: [c_ushort; 3],
    old: [c_ushort; 3],
    increment: c_ushort,
    is_set: c_ushort,
    factor: u64,
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn initstate_r(
    seed: c_uint,
    state: *mut c_char,
    size: usize,
    data: *mut RandomData,
) -> c_int {
    let Some(generator) = Generator::new(state.cast(), size, seed) else {
        return fail(errno::EINVAL);
    };
    // SAFETY: the caller gives a place for the data.
    unsafe { (*data).generator = generator };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn setstate_r(state: *mut c_char, data: *mut RandomData) -> c_int {
    // SAFETY: the caller passes a state that `initstate_r` made, and data.
    unsafe {
        match Generator::resumed(state.cast()) {
            Some(generator) => {
                (*data).generator.describe();
                (*data).generator = generator;
                0
            }
            None => fail(errno::EINVAL),
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn srandom_r(seed: c_uint, data: *mut RandomData) -> c_int {
    // SAFETY: the caller passes data that `initstate_r` has set.
    unsafe { (*data).generator.seed(seed) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn random_r(data: *mut RandomData, result: *mut i32) -> c_int {
    // SAFETY: the caller passes data that `initstate_r` has set, and a place for the number.
    unsafe { *result = (*data).generator.next() as i32 };
    0
}

impl LinearData {
    fn linear(&mut self) -> Linear {
        if self.is_set == 0 {
            let fresh = Linear::with_state(0);
            self.factor = fresh.factor;
            self.increment = fresh.increment as c_ushort;
            self.is_set = 1;
        }
        Linear {
            state: joined(self.state),
            factor: self.factor,
            increment: u64::from(self.increment),
        }
    }

    fn next_own(&mut self) -> u64 {
        let linear = self.linear();
        let next = linear.after(linear.state);
        self.state = split(next);
        next
    }

    /// The next of a state that the program holds itself.
    unsafe fn next_of(&mut self, state: *mut [c_ushort; 3]) -> u64 {
        // SAFETY: the caller passes three parts of a state.
        unsafe {
            let next = self.linear().after(joined(*state));
            *state = split(next);
            next
        }
    }

    fn restart(&mut self, state: u64) {
        self.is_set = 0;
        self.linear();
        self.state = split(state);
    }
}

macro_rules! numbers {
    ($($own:ident and $given:ident as $convert:ident: $kind:ty;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $own(data: *mut LinearData, result: *mut $kind) -> c_int {
                // SAFETY: the caller passes data and a place for the number.
                unsafe { *result = $convert((*data).next_own()) };
                0
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $given(
                state: *mut [c_ushort; 3],
                data: *mut LinearData,
                result: *mut $kind,
            ) -> c_int {
                // SAFETY: the caller passes three parts of a state, data, and a place for the number.
                unsafe { *result = $convert((*data).next_of(state)) };
                0
            }
        )*
    };
}

numbers! {
    drand48_r and erand48_r as to_double: c_double;
    lrand48_r and nrand48_r as to_unsigned: c_long;
    mrand48_r and jrand48_r as to_signed: c_long;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn srand48_r(seed: c_long, data: *mut LinearData) -> c_int {
    // SAFETY: the caller passes data.
    unsafe { (*data).restart(Linear::seeded(seed)) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn seed48_r(state: *const [c_ushort; 3], data: *mut LinearData) -> c_int {
    // SAFETY: the caller passes three parts of a state, and data.
    unsafe {
        (*data).old = (*data).state;
        (*data).restart(joined(*state));
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn lcong48_r(parameters: *const [c_ushort; 7], data: *mut LinearData) -> c_int {
    // SAFETY: the caller passes seven parts, and data.
    unsafe {
        let [a, b, c, d, e, f, increment] = *parameters;
        (*data).state = [a, b, c];
        (*data).factor = joined([d, e, f]);
        (*data).increment = increment;
        (*data).is_set = 1;
    }
    0
}
