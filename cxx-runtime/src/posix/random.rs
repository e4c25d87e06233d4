//! Random numbers: the generators that POSIX specifies, and the platform's own bytes.

use core::cell::Cell;
use core::ffi::{c_char, c_double, c_int, c_long, c_uint, c_ushort, c_void};

use super::single_thread_cell::SingleThreadCell;
use crate::errno::{self, fail};
use crate::runtime::platform;

/// The trinomial of each size of state: its degree and separation; degree 0 is the linear generator.
const KINDS: [(usize, usize, usize); 5] = [
    (8, 0, 0),
    (32, 7, 3),
    (64, 15, 1),
    (128, 31, 3),
    (256, 63, 1),
];

/// What `random` uses: the numbers lie in memory that may be the program's, behind a word that says how far it is.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Generator {
    state: *mut i32,
    degree: usize,
    separation: usize,
    front: usize,
    rear: usize,
}

/// The state of a program that has not set any: that of seed 1, as in glibc.
static STATE: SingleThreadCell<[i32; 32]> = SingleThreadCell::new([0; 32]);
static GENERATOR: SingleThreadCell<Generator> = SingleThreadCell::new(Generator {
    state: core::ptr::null_mut(),
    degree: 31,
    separation: 3,
    front: 3,
    rear: 0,
});

impl Generator {
    /// A generator in so many bytes of the program's; none if they are too few.
    pub(super) fn new(state: *mut i32, size: usize, seed: c_uint) -> Option<Self> {
        let mut kinds = KINDS.iter().rev();
        let (_, degree, separation) = kinds.find(|(bytes, _, _)| *bytes <= size)?;
        let mut generator = Self {
            state,
            degree: *degree,
            separation: *separation,
            front: 0,
            rear: 0,
        };
        generator.seed(seed);
        generator.describe();
        Some(generator)
    }

    /// The generator that a state describes; none if it is no state.
    ///
    /// # Safety
    /// The state must be one that [`Generator::new`] made.
    pub(super) unsafe fn resumed(state: *mut i32) -> Option<Self> {
        // SAFETY: the caller's promise.
        let word = unsafe { *state };
        let (_, degree, separation) = KINDS.get(usize::try_from(word % 5).ok()?)?;
        let rear = (word / 5) as usize;
        Some(Self {
            state,
            degree: *degree,
            separation: *separation,
            front: (rear + separation).checked_rem(*degree).unwrap_or(0),
            rear,
        })
    }

    fn cell(&self, index: usize) -> &Cell<i32> {
        // SAFETY: the state has a word for its description and `degree` numbers, or one.
        unsafe { Cell::from_mut(&mut *self.state.add(1 + index)) }
    }

    /// The additive feedback generator of 4.2BSD; what seeds it is the generator of Park and Miller.
    pub(super) fn seed(&mut self, seed: c_uint) {
        let mut word = if seed == 0 { 1 } else { seed.cast_signed() };
        self.cell(0).set(word);
        if self.degree == 0 {
            return;
        }
        for index in 1..self.degree {
            let (high, low) = (word / 127_773, word % 127_773);
            word = 16_807_i32
                .wrapping_mul(low)
                .wrapping_sub(2_836_i32.wrapping_mul(high));
            if word < 0 {
                word = word.wrapping_add(i32::MAX);
            }
            self.cell(index).set(word);
        }
        self.front = self.separation;
        self.rear = 0;
        for _ in 0..10 * self.degree {
            self.next();
        }
    }

    pub(super) fn next(&mut self) -> c_long {
        if self.degree == 0 {
            let word = self
                .cell(0)
                .get()
                .wrapping_mul(1_103_515_245)
                .wrapping_add(12_345)
                & i32::MAX;
            self.cell(0).set(word);
            return c_long::from(word);
        }
        let sum = self
            .cell(self.front)
            .get()
            .wrapping_add(self.cell(self.rear).get());
        self.cell(self.front).set(sum);
        self.front = (self.front + 1) % self.degree;
        self.rear = (self.rear + 1) % self.degree;
        (sum.cast_unsigned() >> 1) as c_long
    }

    /// Writes into the state what `setstate` needs to go on with it.
    pub(super) fn describe(&self) {
        let kind = KINDS
            .iter()
            .position(|(_, degree, _)| *degree == self.degree)
            .unwrap_or(0);
        let word = if kind == 0 { 0 } else { self.rear * 5 + kind };
        // SAFETY: the first word is the description's.
        unsafe { *self.state = word as i32 };
    }
}

fn with_generator<R>(action: impl FnOnce(&mut Generator) -> R) -> R {
    GENERATOR.with(|generator| {
        if generator.state.is_null() {
            generator.state = STATE.get().cast();
            generator.seed(1);
        }
        action(generator)
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn random() -> c_long {
    with_generator(Generator::next)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn srandom(seed: c_uint) {
    with_generator(|generator| generator.seed(seed));
}

/// Puts another generator in the place of the one in use, and returns the state of that; null without one.
fn exchange(new: Option<Generator>) -> *mut c_char {
    let Some(new) = new else {
        errno::set(errno::EINVAL);
        return core::ptr::null_mut();
    };
    with_generator(|generator| {
        generator.describe();
        core::mem::replace(generator, new).state.cast()
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn initstate(seed: c_uint, state: *mut c_char, size: usize) -> *mut c_char {
    exchange(Generator::new(state.cast(), size, seed))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn setstate(state: *mut c_char) -> *mut c_char {
    // The state may be the one in use, whose place it says only now.
    with_generator(|generator| generator.describe());
    // SAFETY: the caller passes a state that `initstate` made.
    exchange(unsafe { Generator::resumed(state.cast()) })
}

/// The generator of glibc's: three steps of the one of ISO C's example.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn rand_r(seed: *mut c_uint) -> c_int {
    // SAFETY: the caller passes a seed.
    let mut next = unsafe { *seed };
    let mut result = 0_u32;
    for (shift, mask) in [(0, 2047), (10, 1023), (10, 1023)] {
        next = next.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        result = result << shift ^ (next >> 16 & mask);
    }
    // SAFETY: as above.
    unsafe { *seed = next };
    result.cast_signed()
}

/// The 48-bit linear congruential generator of POSIX.
#[derive(Clone, Copy)]
pub(super) struct Linear {
    pub(super) state: u64,
    pub(super) factor: u64,
    pub(super) increment: u64,
}

const FACTOR: u64 = 0x5_deec_e66d;
const INCREMENT: u64 = 0xb;
const MASK_48: u64 = (1 << 48) - 1;

static LINEAR: SingleThreadCell<Linear> = SingleThreadCell::new(Linear {
    state: 0,
    factor: FACTOR,
    increment: INCREMENT,
});
static OLD_SEED: SingleThreadCell<[c_ushort; 3]> = SingleThreadCell::new([0; 3]);

pub(super) fn joined(parts: [c_ushort; 3]) -> u64 {
    parts
        .iter()
        .rev()
        .fold(0, |number, part| number << 16 | u64::from(*part))
}

pub(super) fn split(number: u64) -> [c_ushort; 3] {
    [number, number >> 16, number >> 32].map(|part| part as c_ushort)
}

impl Linear {
    /// The generator of POSIX in this state.
    pub(super) fn with_state(state: u64) -> Self {
        Self {
            state,
            factor: FACTOR,
            increment: INCREMENT,
        }
    }

    /// The state that a seed stands for.
    pub(super) fn seeded(seed: c_long) -> u64 {
        u64::from(seed as u32) << 16 | 0x330e
    }

    pub(super) fn after(&self, state: u64) -> u64 {
        state.wrapping_mul(self.factor).wrapping_add(self.increment) & MASK_48
    }
}

fn next_own() -> u64 {
    LINEAR.with(|linear| {
        linear.state = linear.after(linear.state);
        linear.state
    })
}

unsafe fn next_of(state: *mut [c_ushort; 3]) -> u64 {
    // SAFETY: the caller passes three parts of a state.
    unsafe {
        let next = LINEAR.read().after(joined(*state));
        *state = split(next);
        next
    }
}

pub(super) fn to_double(state: u64) -> c_double {
    state as c_double / (1_u64 << 48) as c_double
}

pub(super) fn to_unsigned(state: u64) -> c_long {
    (state >> 17) as c_long
}

pub(super) fn to_signed(state: u64) -> c_long {
    c_long::from((state >> 16) as u32 as i32)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn drand48() -> c_double {
    to_double(next_own())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn erand48(state: *mut [c_ushort; 3]) -> c_double {
    // SAFETY: the caller's promise.
    to_double(unsafe { next_of(state) })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn lrand48() -> c_long {
    to_unsigned(next_own())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn nrand48(state: *mut [c_ushort; 3]) -> c_long {
    // SAFETY: the caller's promise.
    to_unsigned(unsafe { next_of(state) })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn mrand48() -> c_long {
    to_signed(next_own())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn jrand48(state: *mut [c_ushort; 3]) -> c_long {
    // SAFETY: the caller's promise.
    to_signed(unsafe { next_of(state) })
}

fn restart(state: u64) {
    LINEAR.set(Linear::with_state(state));
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn srand48(seed: c_long) {
    restart(Linear::seeded(seed));
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn seed48(state: *const [c_ushort; 3]) -> *mut c_ushort {
    OLD_SEED.set(split(LINEAR.read().state));
    // SAFETY: the caller passes three parts of a state.
    restart(joined(unsafe { *state }));
    OLD_SEED.get().cast()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn lcong48(parameters: *const [c_ushort; 7]) {
    // SAFETY: the caller passes seven parts.
    let [a, b, c, d, e, f, increment] = unsafe { *parameters };
    LINEAR.set(Linear {
        state: joined([a, b, c]),
        factor: joined([d, e, f]),
        increment: u64::from(increment),
    });
}

unsafe fn fill(buffer: *mut c_void, size: usize) {
    if size != 0 {
        // SAFETY: the caller gives `size` bytes.
        platform().fill_random(unsafe { core::slice::from_raw_parts_mut(buffer.cast(), size) });
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getrandom(buffer: *mut c_void, size: usize, flags: c_uint) -> isize {
    const KNOWN_FLAGS: c_uint = 7;
    if flags & !KNOWN_FLAGS != 0 {
        return fail(errno::EINVAL) as isize;
    }
    // SAFETY: the caller gives `size` bytes.
    unsafe { fill(buffer, size) };
    size as isize
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getentropy(buffer: *mut c_void, size: usize) -> c_int {
    const LIMIT_BYTES: usize = 256;
    if size > LIMIT_BYTES {
        return fail(errno::EIO);
    }
    // SAFETY: the caller gives `size` bytes.
    unsafe { fill(buffer, size) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn arc4random_buf(buffer: *mut c_void, size: usize) {
    // SAFETY: the caller gives `size` bytes.
    unsafe { fill(buffer, size) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn arc4random() -> u32 {
    let mut bytes = [0; 4];
    platform().fill_random(&mut bytes);
    u32::from_ne_bytes(bytes)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn arc4random_uniform(bound: u32) -> u32 {
    if bound < 2 {
        return 0;
    }
    // Numbers below this would make the lower results more frequent.
    let least = bound.wrapping_neg() % bound;
    loop {
        let number = arc4random();
        if number >= least {
            return number % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that glibc 2.36 gives.
    #[test]
    fn sequences_are_those_of_the_specification() {
        let mut state = [0_i32; 32];
        let mut generator = Generator {
            state: state.as_mut_ptr(),
            degree: 31,
            separation: 3,
            front: 3,
            rear: 0,
        };
        generator.seed(1);
        assert_eq!(generator.next(), 1_804_289_383);
        assert_eq!(generator.next(), 846_930_886);
        generator.seed(42);
        assert_eq!(generator.next(), 71_876_166);
        srand48(1);
        assert_eq!(lrand48(), 89_400_484);
        let mut seed = 1;
        // SAFETY: it is a seed.
        assert_eq!(unsafe { rand_r(&raw mut seed) }, 476_707_713);
    }
}
