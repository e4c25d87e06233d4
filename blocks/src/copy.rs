//! Copies between blocks, which may overlap.

use crate::instructions::{__m128i, move_string};
use crate::vector::{Vector, load_four, store_four, store_four_aligned};

/// From here on the processor's own loop is faster, if it has a fast one (ERMS).
const STRING_FROM: usize = 4096;
/// And up to here, where a copy no longer fits in the caches.
const STRING_TO: usize = 4 << 20;

/// Copies the first and the last bytes, which may overlap each other.
#[inline(always)]
unsafe fn both_ends<T>(to: *mut u8, from: *const u8, size: usize) {
    let last = size - size_of::<T>();
    // SAFETY: the caller says that both blocks have `size` bytes, and at least as many as the type.
    unsafe {
        let head = from.cast::<T>().read_unaligned();
        let tail = from.add(last).cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(head);
        to.add(last).cast::<T>().write_unaligned(tail);
    }
}

/// The same of two vectors each.
#[inline(always)]
unsafe fn both_pairs<V: Vector>(to: *mut u8, from: *const u8, size: usize) {
    let last = size - 2 * V::BYTES;
    // SAFETY: as above; everything is read before anything is written.
    unsafe {
        let one = V::load(from);
        let two = V::load(from.add(V::BYTES));
        let three = V::load(from.add(last));
        let four = V::load(from.add(last + V::BYTES));
        one.store(to);
        two.store(to.add(V::BYTES));
        three.store(to.add(last));
        four.store(to.add(last + V::BYTES));
    }
}

/// The same of four vectors each.
#[inline(always)]
unsafe fn both_fours<V: Vector>(to: *mut u8, from: *const u8, size: usize) {
    let last = size - 4 * V::BYTES;
    // SAFETY: as above.
    unsafe {
        let head = load_four::<V>(from);
        let tail = load_four::<V>(from.add(last));
        store_four(to, head);
        store_four(to.add(last), tail);
    }
}

/// `memmove`, and so `memcpy`.
#[inline(always)]
pub(crate) unsafe fn copy<V: Vector, const HAS_FAST_STRINGS: bool>(
    to: *mut u8,
    from: *const u8,
    size: usize,
) {
    // SAFETY: the caller says that both blocks have `size` bytes.
    unsafe {
        if size <= 16 {
            match size {
                8.. => both_ends::<u64>(to, from, size),
                4.. => both_ends::<u32>(to, from, size),
                2.. => both_ends::<u16>(to, from, size),
                1 => *to = *from,
                0 => (),
            }
        } else if size <= 32 {
            both_ends::<__m128i>(to, from, size);
        } else if size <= 2 * V::BYTES {
            both_ends::<V>(to, from, size);
        } else if size <= 4 * V::BYTES {
            both_pairs::<V>(to, from, size);
        } else if size <= 8 * V::BYTES {
            both_fours::<V>(to, from, size);
        } else if to.addr().wrapping_sub(from.addr()) < size {
            copy_backwards::<V>(to, from, size);
        } else if HAS_FAST_STRINGS
            && (STRING_FROM..STRING_TO).contains(&size)
            && from.addr().wrapping_sub(to.addr()) >= size
        {
            copy_by_string(to, from, size);
        } else {
            copy_forwards::<V>(to, from, size);
        }
    }
}

/// `rep movsb`, between vectors at both ends: it is fast from an aligned target on.
#[inline(always)]
unsafe fn copy_by_string(to: *mut u8, from: *const u8, size: usize) {
    // SAFETY: the caller says that both blocks have `size` bytes, at least 64, and do not overlap.
    unsafe {
        store_four(to, load_four::<__m128i>(from));
        let skipped = 64 - to.addr() % 64;
        move_string(to.add(skipped), from.add(skipped), size - skipped);
    }
}

/// More than eight vectors, where the target does not begin within the source.
#[inline(always)]
unsafe fn copy_forwards<V: Vector>(to: *mut u8, from: *const u8, size: usize) {
    // SAFETY: the caller says that both blocks have `size` bytes. A step reads before it writes, and what it writes
    // lies before what later steps read; the ends are read first.
    unsafe {
        let head = V::load(from);
        let tail = load_four::<V>(from.add(size - 4 * V::BYTES));
        let mut done = V::BYTES - to.addr() % V::BYTES;
        while size - done > 4 * V::BYTES {
            store_four_aligned(to.add(done), load_four::<V>(from.add(done)));
            done += 4 * V::BYTES;
        }
        store_four(to.add(size - 4 * V::BYTES), tail);
        head.store(to);
    }
}

/// More than eight vectors, from the end to the start.
#[inline(always)]
unsafe fn copy_backwards<V: Vector>(to: *mut u8, from: *const u8, size: usize) {
    // SAFETY: as above, the other way round.
    unsafe {
        let tail = V::load(from.add(size - V::BYTES));
        let head = load_four::<V>(from);
        let mut left = size - (to.addr() + size) % V::BYTES;
        while left > 4 * V::BYTES {
            left -= 4 * V::BYTES;
            store_four_aligned(to.add(left), load_four::<V>(from.add(left)));
        }
        store_four(to, head);
        tail.store(to.add(size - V::BYTES));
    }
}
