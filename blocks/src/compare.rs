//! Comparisons of blocks and of strings.

use crate::instructions::__m128i;
use core::ffi::c_int;

use crate::vector::{Vector, first_marked, load_four, room_in_page};

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

/// The bytes in which the vectors at an offset are the same.
#[inline(always)]
unsafe fn same_at<V: Vector>(first: *const u8, second: *const u8, offset: usize) -> V {
    // SAFETY: the caller's promise: both vectors can be read.
    unsafe { V::load(first.add(offset)).equal(V::load(second.add(offset))) }
}

/// The order of the vectors at an offset.
#[inline(always)]
unsafe fn compare_at<V: Vector>(first: *const u8, second: *const u8, offset: usize) -> c_int {
    // SAFETY: the caller's promise: these vectors can be read.
    unsafe {
        let found = same_at::<V>(first, second, offset).mask() ^ V::ALL;
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
        if size <= 4 * V::BYTES {
            let (third, last) = (size - 2 * V::BYTES, size - V::BYTES);
            let same = same_at::<V>(first, second, 0)
                .and(same_at::<V>(first, second, V::BYTES))
                .and(same_at::<V>(first, second, third).and(same_at::<V>(first, second, last)));
            if same.mask() == V::ALL {
                return 0;
            }
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

/// A vector that is zero where the strings differ or end.
#[inline(always)]
unsafe fn ended_at<V: Vector>(first: *const u8, second: *const u8, offset: usize) -> V {
    // SAFETY: the caller's promise: both vectors can be read.
    unsafe { same_at::<V>(first, second, offset).least(V::load(first.add(offset))) }
}

/// `strncmp`, and with the largest size `strcmp`.
#[inline(always)]
pub(crate) unsafe fn compare_strings<V: Vector>(
    first: *const u8,
    second: *const u8,
    size: usize,
) -> c_int {
    if size == 0 {
        return 0;
    }
    let mut done = 0;
    // SAFETY: the caller says that each string ends with a zero or after `size` bytes. A vector is read only where no
    // end lies before it, and where it ends in the page of its first byte.
    unsafe {
        let zero = V::splat(0);
        // Most strings differ or end soon.
        if room_in_page(first).min(room_in_page(second)) >= 4 * V::BYTES {
            for step in 0..4 {
                let offset = step * V::BYTES;
                let found = ended_at::<V>(first, second, offset).equal(zero).mask();
                if found != 0 {
                    return end_at(
                        first,
                        second,
                        size,
                        offset + found.trailing_zeros() as usize,
                    );
                }
            }
            done = 4 * V::BYTES;
        }
        while done < size {
            let here = (first.wrapping_add(done), second.wrapping_add(done));
            let room = room_in_page(here.0).min(room_in_page(here.1));
            let mut vectors = room / V::BYTES;
            while vectors > 0 && vectors < 4 {
                let found = ended_at::<V>(first, second, done).equal(zero).mask();
                if found != 0 {
                    return end_at(first, second, size, done + found.trailing_zeros() as usize);
                }
                done += V::BYTES;
                vectors -= 1;
                if done >= size {
                    return 0;
                }
            }
            while vectors >= 4 {
                let one = ended_at::<V>(first, second, done);
                let two = ended_at::<V>(first, second, done + V::BYTES);
                let three = ended_at::<V>(first, second, done + 2 * V::BYTES);
                let four = ended_at::<V>(first, second, done + 3 * V::BYTES);
                let all = one.least(two).least(three.least(four));
                if all.equal(zero).mask() != 0 {
                    let ends = [
                        one.equal(zero),
                        two.equal(zero),
                        three.equal(zero),
                        four.equal(zero),
                    ];
                    return end_at(first, second, size, done + first_marked(ends));
                }
                done += 4 * V::BYTES;
                vectors -= 4;
                if done >= size {
                    return 0;
                }
            }
            let rest = room - (first.wrapping_add(done).addr() - here.0.addr());
            if rest >= V::BYTES {
                continue;
            }
            // To the end of the page, with bytes that are known to be equal before, if there are enough.
            let back = V::BYTES - rest;
            if rest != 0 && done >= back {
                let start = done - back;
                let found = ended_at::<V>(first, second, start).equal(zero).mask();
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
