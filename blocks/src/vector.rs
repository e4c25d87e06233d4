//! Vectors of bytes: SSE2's and AVX2's under one trait.

use crate::instructions::{
    __m128i, __m256i, _mm_and_si128, _mm_cmpeq_epi8, _mm_load_si128, _mm_loadu_si128, _mm_min_epu8,
    _mm_movemask_epi8, _mm_set1_epi8, _mm_store_si128, _mm_storeu_si128, _mm_xor_si128,
    _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_load_si256, _mm256_loadu_si256, _mm256_min_epu8,
    _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_store_si256, _mm256_storeu_si256,
    _mm256_xor_si256,
};

/// The smallest page.
pub(crate) const PAGE_BYTES: usize = 4096;

/// A register of bytes.
///
/// All methods need a processor that has it. They are inlined into functions that say so, and so must be whatever stands
/// between: a closure is not, since it lacks the feature of the instructions that it consists of.
pub(crate) trait Vector: Copy {
    const BYTES: usize;
    /// The mask of a vector all of whose bytes are set.
    const ALL: u32;

    unsafe fn load(place: *const u8) -> Self;
    /// Of an aligned place.
    unsafe fn load_aligned(place: *const u8) -> Self;
    unsafe fn store(self, place: *mut u8);
    /// To an aligned place.
    unsafe fn store_aligned(self, place: *mut u8);
    unsafe fn splat(byte: u8) -> Self;
    /// All bits of the bytes in which both are the same.
    unsafe fn equal(self, other: Self) -> Self;
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn and(self, other: Self) -> Self;
    /// The lesser bytes, without sign.
    unsafe fn least(self, other: Self) -> Self;
    /// The highest bit of each byte.
    unsafe fn mask(self) -> u32;
}

macro_rules! vector {
    ($register:ty, $bytes:literal, $all:literal, $load:ident, $load_aligned:ident, $store:ident, $store_aligned:ident,
     $splat:ident, $equal:ident, $xor:ident, $and:ident, $least:ident, $mask:ident) => {
        impl Vector for $register {
            const BYTES: usize = $bytes;
            const ALL: u32 = $all;

            #[inline(always)]
            unsafe fn load(place: *const u8) -> Self {
                // SAFETY: the caller's promise: the bytes can be read.
                unsafe { $load(place.cast()) }
            }

            #[inline(always)]
            unsafe fn load_aligned(place: *const u8) -> Self {
                // SAFETY: the caller's promise: the bytes can be read, and the place is aligned.
                unsafe { $load_aligned(place.cast()) }
            }

            #[inline(always)]
            unsafe fn store(self, place: *mut u8) {
                // SAFETY: the caller's promise: the bytes can be written.
                unsafe { $store(place.cast(), self) }
            }

            #[inline(always)]
            unsafe fn store_aligned(self, place: *mut u8) {
                // SAFETY: the caller's promise: the bytes can be written, and the place is aligned.
                unsafe { $store_aligned(place.cast(), self) }
            }

            #[inline(always)]
            unsafe fn splat(byte: u8) -> Self {
                // SAFETY: the caller's promise: the processor has the instruction.
                unsafe { $splat(byte.cast_signed()) }
            }

            #[inline(always)]
            unsafe fn equal(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $equal(self, other) }
            }

            #[inline(always)]
            unsafe fn xor(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $xor(self, other) }
            }

            #[inline(always)]
            unsafe fn and(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $and(self, other) }
            }

            #[inline(always)]
            unsafe fn least(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $least(self, other) }
            }

            #[inline(always)]
            unsafe fn mask(self) -> u32 {
                // SAFETY: as above.
                unsafe { $mask(self).cast_unsigned() }
            }
        }
    };
}

vector!(
    __m128i,
    16,
    0xffff,
    _mm_loadu_si128,
    _mm_load_si128,
    _mm_storeu_si128,
    _mm_store_si128,
    _mm_set1_epi8,
    _mm_cmpeq_epi8,
    _mm_xor_si128,
    _mm_and_si128,
    _mm_min_epu8,
    _mm_movemask_epi8
);

vector!(
    __m256i,
    32,
    0xffff_ffff,
    _mm256_loadu_si256,
    _mm256_load_si256,
    _mm256_storeu_si256,
    _mm256_store_si256,
    _mm256_set1_epi8,
    _mm256_cmpeq_epi8,
    _mm256_xor_si256,
    _mm256_and_si256,
    _mm256_min_epu8,
    _mm256_movemask_epi8
);

/// Four vectors from here on.
#[inline(always)]
pub(crate) unsafe fn load_four<V: Vector>(place: *const u8) -> [V; 4] {
    // SAFETY: the caller's promise: the bytes can be read.
    unsafe {
        [
            V::load(place),
            V::load(place.add(V::BYTES)),
            V::load(place.add(2 * V::BYTES)),
            V::load(place.add(3 * V::BYTES)),
        ]
    }
}

/// Stores four vectors from here on.
#[inline(always)]
pub(crate) unsafe fn store_four<V: Vector>(place: *mut u8, vectors: [V; 4]) {
    let [one, two, three, four] = vectors;
    // SAFETY: the caller's promise: the bytes can be written.
    unsafe {
        one.store(place);
        two.store(place.add(V::BYTES));
        three.store(place.add(2 * V::BYTES));
        four.store(place.add(3 * V::BYTES));
    }
}

/// Stores four vectors from here on, an aligned place.
#[inline(always)]
pub(crate) unsafe fn store_four_aligned<V: Vector>(place: *mut u8, vectors: [V; 4]) {
    let [one, two, three, four] = vectors;
    // SAFETY: the caller's promise: the bytes can be written, and the place is aligned.
    unsafe {
        one.store_aligned(place);
        two.store_aligned(place.add(V::BYTES));
        three.store_aligned(place.add(2 * V::BYTES));
        four.store_aligned(place.add(3 * V::BYTES));
    }
}

/// The number of the first marked byte of four vectors. There must be one.
#[inline(always)]
pub(crate) unsafe fn first_marked<V: Vector>(vectors: [V; 4]) -> usize {
    let [one, two, three, four] = vectors;
    // SAFETY: the caller's promise: the processor has such vectors.
    unsafe {
        let first = pair(one.mask(), two.mask(), V::BYTES);
        if first != 0 {
            return first.trailing_zeros() as usize;
        }
        2 * V::BYTES + pair(three.mask(), four.mask(), V::BYTES).trailing_zeros() as usize
    }
}

#[inline(always)]
fn pair(low: u32, high: u32, bits: usize) -> u64 {
    u64::from(low) | u64::from(high) << bits
}

/// Whether a vector from here on ends in the same page.
#[inline(always)]
pub(crate) fn stays_in_page<V: Vector>(place: *const u8) -> bool {
    room_in_page(place) >= V::BYTES
}

/// Bytes from here to the end of the page.
#[inline(always)]
pub(crate) fn room_in_page(place: *const u8) -> usize {
    PAGE_BYTES - place.addr() % PAGE_BYTES
}
