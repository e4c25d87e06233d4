//! Looking for bytes, in blocks and in strings.

use crate::copy::copy;
use crate::vector::{Vector, first_marked, load_four, stays_in_page, store_four};

const NOTHING: *const u8 = core::ptr::null();

/// What is looked for.
trait Test<V: Vector>: Copy {
    /// Zero in the bytes that are it.
    unsafe fn distance(self, vector: V) -> V;
}

/// The zero at the end.
#[derive(Clone, Copy)]
struct End;

/// One byte.
#[derive(Clone, Copy)]
struct One<V>(V);

/// One byte, or the zero at the end.
#[derive(Clone, Copy)]
struct OneOrEnd<V>(V);

/// One of four bytes, or the zero at the end.
#[derive(Clone, Copy)]
struct FourOrEnd<V>([V; 4]);

impl<V: Vector> Test<V> for End {
    #[inline(always)]
    unsafe fn distance(self, vector: V) -> V {
        vector
    }
}

impl<V: Vector> Test<V> for One<V> {
    #[inline(always)]
    unsafe fn distance(self, vector: V) -> V {
        // SAFETY: the caller's promise: the processor has such vectors.
        unsafe { vector.xor(self.0) }
    }
}

impl<V: Vector> Test<V> for OneOrEnd<V> {
    #[inline(always)]
    unsafe fn distance(self, vector: V) -> V {
        // SAFETY: as above.
        unsafe { vector.xor(self.0).least(vector) }
    }
}

impl<V: Vector> Test<V> for FourOrEnd<V> {
    #[inline(always)]
    unsafe fn distance(self, vector: V) -> V {
        let [one, two, three, four] = self.0;
        // SAFETY: as above.
        unsafe {
            let first = vector.xor(one).least(vector.xor(two));
            let second = vector.xor(three).least(vector.xor(four));
            first.least(second).least(vector)
        }
    }
}

/// Bits of the bytes of a vector that are what is looked for.
#[inline(always)]
unsafe fn found_in<V: Vector>(vector: V, test: impl Test<V>) -> u32 {
    // SAFETY: the caller's promise: the processor has such vectors.
    unsafe { test.distance(vector).equal(V::splat(0)).mask() }
}

/// How far into the four vectors from an aligned place on it is, if it is there.
#[inline(always)]
unsafe fn found_in_four<V: Vector>(place: *const u8, test: impl Test<V>) -> Option<usize> {
    // SAFETY: the caller's promise: they can be read.
    unsafe {
        let [a, b, c, d] = load_four::<V>(place);
        let (a, b) = (test.distance(a), test.distance(b));
        let (c, d) = (test.distance(c), test.distance(d));
        let zero = V::splat(0);
        if a.least(b).least(c.least(d)).equal(zero).mask() == 0 {
            return None;
        }
        Some(first_marked([
            a.equal(zero),
            b.equal(zero),
            c.equal(zero),
            d.equal(zero),
        ]))
    }
}

/// The aligned vector that a place lies in.
#[inline(always)]
fn aligned<V: Vector>(place: *const u8) -> *const u8 {
    place.map_addr(|address| address & !(V::BYTES - 1))
}

/// Bits of the bytes from `start` on that are what is looked for, as far as a vector reaches that ends in the same page.
#[inline(always)]
unsafe fn found_from<V: Vector>(start: *const u8, test: impl Test<V>) -> u32 {
    // SAFETY: the caller's promise: the page can be read.
    unsafe {
        if stays_in_page::<V>(start) {
            found_in(V::load(start), test)
        } else {
            found_in(V::load_aligned(aligned::<V>(start)), test) >> (start.addr() % V::BYTES)
        }
    }
}

/// The first place from `start` on whose byte `test` marks. There must be one; what is read are whole vectors that are
/// aligned, or end in the page in which they begin.
#[inline(always)]
unsafe fn first<V: Vector>(start: *const u8, test: impl Test<V>) -> *const u8 {
    // SAFETY: an aligned vector lies in one page, and the caller says that no page lies before what is looked for that
    // cannot be read.
    unsafe {
        let mut next = aligned::<V>(start);
        let found = found_from(start, test);
        if found != 0 {
            return start.add(found.trailing_zeros() as usize);
        }
        // Short strings end here, whatever their alignment: how many steps there are depends on the length alone.
        for _ in 0..4 {
            next = next.add(V::BYTES);
            let found = found_in(V::load_aligned(next), test);
            if found != 0 {
                return next.add(found.trailing_zeros() as usize);
            }
        }
        next = next.map_addr(|address| (address + V::BYTES) & !(4 * V::BYTES - 1));
        loop {
            if let Some(offset) = found_in_four(next, test) {
                return next.add(offset);
            }
            next = next.add(4 * V::BYTES);
        }
    }
}

/// A place, if it lies before the end.
#[inline(always)]
fn if_within(end: *const u8, place: *const u8) -> *const u8 {
    if place < end { place } else { NOTHING }
}

/// The first place whose byte `test` marks of a block; null if there is none.
#[inline(always)]
unsafe fn first_within<V: Vector>(start: *const u8, size: usize, test: impl Test<V>) -> *const u8 {
    if size == 0 {
        return NOTHING;
    }
    // Programs name the largest size when they know that there is one.
    let end = start.with_addr(start.addr().saturating_add(size));
    // SAFETY: an aligned vector lies in one page, and those that are read begin within the block, which the caller says
    // can be read as far as to what is looked for.
    unsafe {
        let mut next = aligned::<V>(start);
        let found = found_from(start, test);
        if found != 0 {
            return if_within(end, start.add(found.trailing_zeros() as usize));
        }
        for _ in 0..4 {
            next = next.wrapping_add(V::BYTES);
            if next >= end {
                return NOTHING;
            }
            let found = found_in(V::load_aligned(next), test);
            if found != 0 {
                return if_within(end, next.add(found.trailing_zeros() as usize));
            }
        }
        next = next.map_addr(|address| (address + V::BYTES) & !(4 * V::BYTES - 1));
        while next < end {
            if let Some(offset) = found_in_four(next, test) {
                return if_within(end, next.add(offset));
            }
            next = next.wrapping_add(4 * V::BYTES);
        }
        NOTHING
    }
}

/// `strlen`.
#[inline(always)]
pub(crate) unsafe fn length<V: Vector>(text: *const u8) -> usize {
    // SAFETY: the caller's promise: there is a zero.
    unsafe { first::<V>(text, End).addr() - text.addr() }
}

/// `strnlen`.
#[inline(always)]
pub(crate) unsafe fn length_within<V: Vector>(text: *const u8, size: usize) -> usize {
    // SAFETY: the caller's promise: there is a zero, or the block has `size` bytes.
    let end = unsafe { find::<V>(text, 0, size) };
    if end.is_null() {
        size
    } else {
        end.addr() - text.addr()
    }
}

/// `memchr`.
#[inline(always)]
pub(crate) unsafe fn find<V: Vector>(block: *const u8, byte: u8, size: usize) -> *const u8 {
    // SAFETY: the caller's promise: the byte is there, or the block has `size` bytes.
    unsafe {
        let wanted = V::splat(byte);
        first_within(block, size, One(wanted))
    }
}

/// `strchrnul`.
#[inline(always)]
pub(crate) unsafe fn find_or_end<V: Vector>(text: *const u8, byte: u8) -> *const u8 {
    // SAFETY: the caller's promise: there is a zero.
    unsafe { first::<V>(text, OneOrEnd(V::splat(byte))) }
}

/// The first byte of a string that is one of these, or its end.
#[inline(always)]
pub(crate) unsafe fn find_any_or_end<V: Vector>(text: *const u8, bytes: [u8; 4]) -> *const u8 {
    // SAFETY: the caller's promise: there is a zero.
    unsafe {
        let [one, two, three, four] = bytes;
        let wanted = [
            V::splat(one),
            V::splat(two),
            V::splat(three),
            V::splat(four),
        ];
        first(text, FourOrEnd(wanted))
    }
}

/// `memrchr`.
#[inline(always)]
pub(crate) unsafe fn find_last<V: Vector>(block: *const u8, byte: u8, size: usize) -> *const u8 {
    let mut left = size;
    // SAFETY: the caller says that the block has `size` bytes.
    unsafe {
        let wanted = V::splat(byte);
        while left >= V::BYTES {
            let found = V::load(block.add(left - V::BYTES)).equal(wanted).mask();
            if found != 0 {
                return block.add(left - V::BYTES + found.ilog2() as usize);
            }
            left -= V::BYTES;
        }
        while left > 0 {
            left -= 1;
            if *block.add(left) == byte {
                return block.add(left);
            }
        }
    }
    NOTHING
}

/// `strrchr`: the zero at the end is part of the string.
#[inline(always)]
pub(crate) unsafe fn find_last_in_string<V: Vector>(text: *const u8, byte: u8) -> *const u8 {
    // SAFETY: aligned vectors, one or four, lie in one page, and none is read behind the page with the end.
    unsafe {
        let (wanted, zero) = (V::splat(byte), V::splat(0));
        let test = OneOrEnd(wanted);
        let mut next = aligned::<V>(text);
        // Without what lies before the string.
        let mut valid = V::ALL & V::ALL << (text.addr() % V::BYTES);
        let (mut last, mut last_found) = (NOTHING, 0);
        loop {
            // What was looked at may be looked at again.
            for _ in 0..5 {
                let vector = V::load_aligned(next);
                if found_in(vector, test) & valid != 0 {
                    let ends = vector.equal(zero).mask() & valid;
                    // Nothing behind the first end.
                    let found = vector.equal(wanted).mask() & valid & (ends ^ ends.wrapping_sub(1));
                    if found != 0 {
                        (last, last_found) = (next, found);
                    }
                    if ends != 0 {
                        if last_found == 0 {
                            return NOTHING;
                        }
                        return last.add(last_found.ilog2() as usize);
                    }
                }
                next = next.add(V::BYTES);
                valid = V::ALL;
            }
            next = next.map_addr(|address| address & !(4 * V::BYTES - 1));
            while found_in_four(next, test).is_none() {
                next = next.add(4 * V::BYTES);
            }
        }
    }
}

/// `stpcpy`.
#[inline(always)]
pub(crate) unsafe fn copy_string<V: Vector, const HAS_FAST_STRINGS: bool>(
    to: *mut u8,
    from: *const u8,
) -> *mut u8 {
    // SAFETY: the caller says that there is a zero, and room for all before it and itself. What is read beyond it are
    // vectors that end in its page.
    unsafe {
        let mut done = 0;
        if stays_in_page::<V>(from) {
            let vector = V::load(from);
            let found = found_in(vector, End);
            if found != 0 {
                let length = found.trailing_zeros() as usize;
                copy::<V, HAS_FAST_STRINGS>(to, from, length + 1);
                return to.add(length);
            }
            vector.store(to);
            // From here on aligned.
            done = V::BYTES - from.addr() % V::BYTES;
        }
        let misaligned = from.add(done).addr() % V::BYTES;
        if misaligned != 0 {
            // To the end of the page at most.
            let found = found_in(V::load_aligned(from.sub(misaligned)), End) >> misaligned;
            let size = V::BYTES - misaligned;
            if found != 0 {
                let length = found.trailing_zeros() as usize;
                copy::<V, HAS_FAST_STRINGS>(to, from, length + 1);
                return to.add(length);
            }
            copy::<V, HAS_FAST_STRINGS>(to, from, size);
            done = size;
        }
        loop {
            let place = from.add(done);
            if place.addr().is_multiple_of(4 * V::BYTES) {
                let vectors = load_four::<V>(place);
                let [a, b, c, d] = vectors;
                let zero = V::splat(0);
                if a.least(b).least(c.least(d)).equal(zero).mask() == 0 {
                    store_four(to.add(done), vectors);
                    done += 4 * V::BYTES;
                    continue;
                }
            }
            let vector = V::load_aligned(place);
            let found = found_in(vector, End);
            if found != 0 {
                let rest = found.trailing_zeros() as usize + 1;
                let length = done + rest - 1;
                if length + 1 >= V::BYTES {
                    // With bytes that are there already.
                    V::load(from.add(length + 1 - V::BYTES)).store(to.add(length + 1 - V::BYTES));
                } else {
                    copy::<V, HAS_FAST_STRINGS>(to.add(done), place, rest);
                }
                return to.add(length);
            }
            vector.store(to.add(done));
            done += V::BYTES;
        }
    }
}
