//! Looking for bytes, in blocks and in strings.

use crate::vector::{Vector, first_marked, load_four, stays_in_page};

const NOTHING: *const u8 = core::ptr::null();

/// What is looked for.
trait Test<V: Vector>: Copy {
    /// All bits of the bytes that are it.
    unsafe fn found(self, vector: V) -> V;
}

/// One byte.
#[derive(Clone, Copy)]
struct One<V>(V);

/// One of two bytes.
#[derive(Clone, Copy)]
struct Two<V>(V, V);

/// One of four bytes, or the zero at the end.
#[derive(Clone, Copy)]
struct FourOrEnd<V>([V; 4]);

impl<V: Vector> Test<V> for One<V> {
    #[inline(always)]
    unsafe fn found(self, vector: V) -> V {
        // SAFETY: the caller's promise: the processor has such vectors.
        unsafe { vector.equal(self.0) }
    }
}

impl<V: Vector> Test<V> for Two<V> {
    #[inline(always)]
    unsafe fn found(self, vector: V) -> V {
        // SAFETY: as above.
        unsafe { vector.equal(self.0).or(vector.equal(self.1)) }
    }
}

impl<V: Vector> Test<V> for FourOrEnd<V> {
    #[inline(always)]
    unsafe fn found(self, vector: V) -> V {
        let [one, two, three, four] = self.0;
        // SAFETY: as above.
        unsafe {
            let pairs = (
                vector.equal(one).or(vector.equal(two)),
                vector.equal(three).or(vector.equal(four)),
            );
            pairs.0.or(pairs.1).or(vector.equal(V::splat(0)))
        }
    }
}

/// The tested vectors of four from an aligned place on.
#[inline(always)]
unsafe fn test_four<V: Vector>(place: *const u8, test: impl Test<V>) -> [V; 4] {
    // SAFETY: the caller's promise: they can be read.
    unsafe {
        [
            test.found(V::load_aligned(place)),
            test.found(V::load_aligned(place.add(V::BYTES))),
            test.found(V::load_aligned(place.add(2 * V::BYTES))),
            test.found(V::load_aligned(place.add(3 * V::BYTES))),
        ]
    }
}

/// The first place from `start` on whose byte `test` marks. There must be one; what is read are whole vectors that are
/// aligned, or end in the page in which they begin.
#[inline(always)]
unsafe fn first<V: Vector>(start: *const u8, test: impl Test<V>) -> *const u8 {
    // SAFETY: an aligned vector lies in one page, and the caller says that no page lies before what is looked for that
    // cannot be read.
    unsafe {
        let mut next = start.map_addr(|address| address & !(V::BYTES - 1));
        let found = if stays_in_page::<V>(start) {
            test.found(V::load(start)).mask()
        } else {
            test.found(V::load_aligned(next)).mask() >> (start.addr() % V::BYTES)
        };
        if found != 0 {
            return start.add(found.trailing_zeros() as usize);
        }
        // Short strings end here, whatever their alignment: how many steps there are depends on the length alone.
        for _ in 0..4 {
            next = next.add(V::BYTES);
            let found = test.found(V::load_aligned(next)).mask();
            if found != 0 {
                return next.add(found.trailing_zeros() as usize);
            }
        }
        next = next.map_addr(|address| (address + V::BYTES) & !(4 * V::BYTES - 1));
        loop {
            let tested = test_four(next, test);
            if tested[0].or(tested[1]).or(tested[2].or(tested[3])).mask() != 0 {
                return next.add(first_marked(tested));
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
        let mut next = start.map_addr(|address| address & !(V::BYTES - 1));
        let found = if stays_in_page::<V>(start) {
            test.found(V::load(start)).mask()
        } else {
            test.found(V::load_aligned(next)).mask() >> (start.addr() % V::BYTES)
        };
        if found != 0 {
            return if_within(end, start.add(found.trailing_zeros() as usize));
        }
        for _ in 0..4 {
            next = next.wrapping_add(V::BYTES);
            if next >= end {
                return NOTHING;
            }
            let found = test.found(V::load_aligned(next)).mask();
            if found != 0 {
                return if_within(end, next.add(found.trailing_zeros() as usize));
            }
        }
        next = next.map_addr(|address| (address + V::BYTES) & !(4 * V::BYTES - 1));
        while next < end {
            let tested = test_four(next, test);
            if tested[0].or(tested[1]).or(tested[2].or(tested[3])).mask() != 0 {
                return if_within(end, next.add(first_marked(tested)));
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
    unsafe {
        let zero = V::splat(0);
        first(text, One(zero)).addr() - text.addr()
    }
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
    unsafe {
        let (wanted, zero) = (V::splat(byte), V::splat(0));
        first(text, Two(wanted, zero))
    }
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
        let test = One(wanted);
        let mut next = text.map_addr(|address| address & !(V::BYTES - 1));
        // Without what lies before the string.
        let mut valid = V::ALL & V::ALL << (text.addr() % V::BYTES);
        let (mut last, mut last_found) = (NOTHING, 0);
        loop {
            // Where there are neither: four at once.
            while next.addr().is_multiple_of(4 * V::BYTES) && valid == V::ALL {
                let [a, b, c, d] = load_four::<V>(next);
                let ends = a.least(b).least(c.least(d)).equal(zero);
                let found = (test.found(a).or(test.found(b))).or(test.found(c).or(test.found(d)));
                if ends.or(found).mask() != 0 {
                    break;
                }
                next = next.add(4 * V::BYTES);
            }
            for _ in 0..4 {
                let vector = V::load_aligned(next);
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
                next = next.add(V::BYTES);
                valid = V::ALL;
                if next.addr().is_multiple_of(4 * V::BYTES) {
                    break;
                }
            }
        }
    }
}
