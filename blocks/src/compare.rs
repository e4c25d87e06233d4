//! Comparisons of blocks and of strings.

use core::arch::x86_64::__m128i;
use core::ffi::c_int;

use crate::vector::{Vector, load_four, room_in_page};

/// The order of two words by their bytes in memory.
#[inline(always)]
fn order_of(first: u64, second: u64) -> c_int {
    let (first, second) = (first.swap_bytes(), second.swap_bytes());
    c_int::from(first > second) - c_int::from(first < second)
}

#[inline(always)]
unsafe fn word(place: *const u8) -> u64 {
    // SAFETY: the caller's promise: eight bytes can be read.
    unsafe { place.cast::<u64>().read_unaligned() }
}

#[inline(always)]
unsafe fn half_word(place: *const u8) -> u64 {
    // SAFETY: the caller's promise: four bytes can be read.
    u64::from(unsafe { place.cast::<u32>().read_unaligned() })
}

/// The difference of the bytes at an offset.
#[inline(always)]
unsafe fn difference(first: *const u8, second: *const u8, offset: usize) -> c_int {
    // SAFETY: the caller's promise: both bytes can be read.
    unsafe { c_int::from(*first.add(offset)) - c_int::from(*second.add(offset)) }
}

/// Bits of the bytes in which vectors differ.
#[inline(always)]
unsafe fn differences<V: Vector>(first: *const u8, second: *const u8) -> u32 {
    // SAFETY: the caller's promise: both vectors can be read.
    unsafe { V::load(first).equal(V::load(second)).mask() ^ V::ALL }
}

/// The order of the vectors at an offset.
#[inline(always)]
unsafe fn compare_at<V: Vector>(first: *const u8, second: *const u8, offset: usize) -> c_int {
    // SAFETY: the caller's promise: these vectors can be read.
    unsafe {
        let found = differences::<V>(first.add(offset), second.add(offset));
        if found == 0 {
            return 0;
        }
        difference(first, second, offset + found.trailing_zeros() as usize)
    }
}

/// The order of the vectors at the start and at an offset, of the first that differ.
#[inline(always)]
unsafe fn compare_at_start_and<V: Vector>(
    first: *const u8,
    second: *const u8,
    offset: usize,
) -> c_int {
    // SAFETY: the caller's promise: these vectors can be read.
    unsafe {
        match compare_at::<V>(first, second, 0) {
            0 => compare_at::<V>(first, second, offset),
            found => found,
        }
    }
}

/// `memcmp`.
#[inline(always)]
pub(crate) unsafe fn compare<V: Vector>(first: *const u8, second: *const u8, size: usize) -> c_int {
    // SAFETY: the caller says that both blocks have `size` bytes.
    unsafe {
        if size <= 16 {
            return compare_small(first, second, size);
        }
        if size <= 32 {
            return compare_at_start_and::<__m128i>(first, second, size - 16);
        }
        if size <= 2 * V::BYTES {
            return compare_at_start_and::<V>(first, second, size - V::BYTES);
        }
        let mut done = 0;
        while size - done > 4 * V::BYTES {
            let [a, b, c, d] = load_four::<V>(first.add(done));
            let [e, f, g, h] = load_four::<V>(second.add(done));
            let same = a.equal(e).and(b.equal(f)).and(c.equal(g).and(d.equal(h)));
            if same.mask() != V::ALL {
                break;
            }
            done += 4 * V::BYTES;
        }
        // What is left differs soon, or is no more than four vectors, of which the last one may overlap the others.
        while size - done > V::BYTES {
            let found = compare_at::<V>(first, second, done);
            if found != 0 {
                return found;
            }
            done += V::BYTES;
        }
        compare_at::<V>(first, second, size - V::BYTES)
    }
}

#[inline(always)]
unsafe fn compare_small(first: *const u8, second: *const u8, size: usize) -> c_int {
    // SAFETY: the caller says that both blocks have `size` bytes, at most 16.
    unsafe {
        match size {
            8.. => {
                let (one, other) = (word(first), word(second));
                if one != other {
                    return order_of(one, other);
                }
                let last = size - 8;
                order_of(word(first.add(last)), word(second.add(last)))
            }
            4.. => {
                let last = size - 4;
                let one = half_word(first) | half_word(first.add(last)) << 32;
                let other = half_word(second) | half_word(second.add(last)) << 32;
                order_of(one, other)
            }
            1.. => {
                // First, middle and last, some of which are the same.
                let all = |block: *const u8| {
                    c_int::from(*block) << 16
                        | c_int::from(*block.add(size / 2)) << 8
                        | c_int::from(*block.add(size - 1))
                };
                all(first) - all(second)
            }
            0 => 0,
        }
    }
}

/// `strncmp`, and with the largest size `strcmp`.
#[inline(always)]
pub(crate) unsafe fn compare_strings<V: Vector>(
    first: *const u8,
    second: *const u8,
    size: usize,
) -> c_int {
    let mut done = 0;
    // SAFETY: the caller says that each string ends with a zero or after `size` bytes. A vector is read only where no
    // end lies before it, and where it ends in the page of its first byte.
    unsafe {
        let zero = V::splat(0);
        while done < size {
            let here = (first.wrapping_add(done), second.wrapping_add(done));
            let room = room_in_page(here.0).min(room_in_page(here.1));
            let mut vectors = room / V::BYTES;
            while vectors >= 4 {
                let [a, b, c, d] = load_four::<V>(first.add(done));
                let [e, f, g, h] = load_four::<V>(second.add(done));
                let same = a.equal(e).and(b.equal(f)).and(c.equal(g).and(d.equal(h)));
                let ends = a.least(b).least(c.least(d)).equal(zero);
                if (same.mask() ^ V::ALL) | ends.mask() != 0 {
                    break;
                }
                done += 4 * V::BYTES;
                if done >= size {
                    return 0;
                }
                vectors -= 4;
            }
            for _ in 0..vectors {
                let vector = V::load(first.add(done));
                let same = vector.equal(V::load(second.add(done)));
                let found = (same.mask() ^ V::ALL) | vector.equal(zero).mask();
                if found != 0 {
                    return end_at(first, second, size, done + found.trailing_zeros() as usize);
                }
                done += V::BYTES;
                if done >= size {
                    return 0;
                }
            }
            // To the end of the page, with bytes that are known to be equal before, if there are enough.
            let rest = room % V::BYTES;
            let back = V::BYTES - rest;
            if rest != 0 && done >= back {
                let start = done - back;
                let vector = V::load(first.add(start));
                let same = vector.equal(V::load(second.add(start)));
                let found = (same.mask() ^ V::ALL) | vector.equal(zero).mask();
                if found != 0 {
                    return end_at(first, second, size, start + found.trailing_zeros() as usize);
                }
                done += rest;
            } else {
                for _ in 0..rest {
                    if done >= size {
                        return 0;
                    }
                    if *first.add(done) != *second.add(done) || *first.add(done) == 0 {
                        return difference(first, second, done);
                    }
                    done += 1;
                }
            }
        }
    }
    0
}

/// Where the strings differ or end, unless that is beyond the size.
#[inline(always)]
unsafe fn end_at(first: *const u8, second: *const u8, size: usize, offset: usize) -> c_int {
    if offset >= size {
        return 0;
    }
    // SAFETY: the caller has read both bytes.
    unsafe { difference(first, second, offset) }
}
