//! Blocks of one byte.

use crate::instructions::{__m128i, store_string};
use crate::vector::{Vector, store_four, store_four_aligned};

/// From here on the processor's own loop is faster, if it has a fast one (ERMS).
const STRING_FROM: usize = 8192;

#[inline(always)]
unsafe fn both_ends<T: Copy>(to: *mut u8, value: T, size: usize) {
    // SAFETY: the caller says that there are `size` bytes, and at least as many as the type.
    unsafe {
        to.cast::<T>().write_unaligned(value);
        to.add(size - size_of::<T>())
            .cast::<T>()
            .write_unaligned(value);
    }
}

/// `memset`.
#[inline(always)]
pub(crate) unsafe fn fill<V: Vector, const HAS_FAST_STRINGS: bool>(
    to: *mut u8,
    byte: u8,
    size: usize,
) {
    // SAFETY: the caller says that there are `size` bytes.
    unsafe {
        if size <= 16 {
            let word = u64::from(byte) * 0x0101_0101_0101_0101;
            match size {
                8.. => both_ends(to, word, size),
                4.. => both_ends(to, word as u32, size),
                2.. => both_ends(to, word as u16, size),
                1 => *to = byte,
                0 => (),
            }
        } else if size <= 32 {
            both_ends(to, <__m128i as Vector>::splat(byte), size);
        } else if size <= 2 * V::BYTES {
            both_ends(to, V::splat(byte), size);
        } else if HAS_FAST_STRINGS && size >= STRING_FROM {
            fill_by_string(to, byte, size);
        } else {
            let vector = V::splat(byte);
            store_two(to, vector);
            store_two(to.add(size - 2 * V::BYTES), vector);
            if size <= 4 * V::BYTES {
                return;
            }
            store_two(to.add(2 * V::BYTES), vector);
            let mut done = 4 * V::BYTES - to.addr() % V::BYTES;
            let last = size - 4 * V::BYTES;
            while done < last {
                store_four_aligned(to.add(done), [vector; 4]);
                done += 4 * V::BYTES;
            }
            store_two(to.add(last), vector);
        }
    }
}

#[inline(always)]
unsafe fn store_two<V: Vector>(to: *mut u8, vector: V) {
    // SAFETY: the caller says that there is room.
    unsafe {
        vector.store(to);
        vector.store(to.add(V::BYTES));
    }
}

/// `rep stosb`, behind vectors: it is fast from an aligned place on.
#[inline(always)]
unsafe fn fill_by_string(to: *mut u8, byte: u8, size: usize) {
    // SAFETY: the caller says that there are `size` bytes, at least 64.
    unsafe {
        let vector = <__m128i as Vector>::splat(byte);
        store_four(to, [vector; 4]);
        let skipped = 64 - to.addr() % 64;
        store_string(to.add(skipped), byte, size - skipped);
    }
}
