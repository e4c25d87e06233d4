//! `qsort`, `qsort_r` and `bsearch` (C11 7.22.5).
//!
//! A merge sort: it is stable, calls the comparison least often, recurses as deep as the logarithm of the count, and
//! whatever an inconsistent comparison says only permutes the elements. Without memory for the other half it is a
//! heap sort, which needs none.

use core::cmp::Ordering;
use core::ffi::{c_int, c_void};

use crate::errno;
use crate::heap;

type Compare = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;
type CompareWith = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void) -> c_int;

/// Elements that lie one behind the other.
struct Elements<'a> {
    size: usize,
    /// Compares two of them, where they are.
    compare: &'a dyn Fn(*const u8, *const u8) -> Ordering,
}

impl Elements<'_> {
    /// # Safety
    /// Both places must be those of elements that do not overlap.
    unsafe fn copy(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise. Whole words are the common case.
        unsafe {
            match (self.size, count) {
                (8, 1) => to
                    .cast::<u64>()
                    .write_unaligned(from.cast::<u64>().read_unaligned()),
                (4, 1) => to
                    .cast::<u32>()
                    .write_unaligned(from.cast::<u32>().read_unaligned()),
                _ => core::ptr::copy_nonoverlapping(from, to, count * self.size),
            }
        }
    }

    /// Sorts `count` elements with the help of as much memory.
    ///
    /// # Safety
    /// Both must be writable for `count` elements.
    unsafe fn merge_sort(&self, first: *mut u8, count: usize, help: *mut u8) {
        if count < 2 {
            return;
        }
        let (left_count, right_count) = (count / 2, count - count / 2);
        // SAFETY: the halves are parts of the elements; the output is never longer than what was taken of both.
        unsafe {
            let middle = first.add(left_count * self.size);
            self.merge_sort(first, left_count, help);
            self.merge_sort(middle, right_count, help);
            let (mut left, mut right, mut output) = (first, middle, help);
            let (mut left_rest, mut right_rest) = (left_count, right_count);
            while left_rest != 0 && right_rest != 0 {
                if (self.compare)(left, right).is_le() {
                    self.copy(left, output, 1);
                    left = left.add(self.size);
                    left_rest -= 1;
                } else {
                    self.copy(right, output, 1);
                    right = right.add(self.size);
                    right_rest -= 1;
                }
                output = output.add(self.size);
            }
            // What is left of the right half is where it belongs.
            self.copy(left, output, left_rest);
            self.copy(help, first, count - right_rest);
        }
    }

    /// # Safety
    /// Both places must be those of elements.
    unsafe fn swap(&self, first: *mut u8, second: *mut u8) {
        // SAFETY: the caller's promise; the same element twice is nothing to do.
        unsafe {
            if first != second {
                core::ptr::swap_nonoverlapping(first, second, self.size);
            }
        }
    }

    /// # Safety
    /// `first` must be writable for `count` elements.
    unsafe fn heap_sort(&self, first: *mut u8, count: usize) {
        // SAFETY: all indices are below the count.
        unsafe {
            let at = |index: usize| first.add(index * self.size);
            let sift = |mut parent: usize, count: usize| {
                while 2 * parent + 1 < count {
                    let mut child = 2 * parent + 1;
                    if child + 1 < count && (self.compare)(at(child), at(child + 1)).is_lt() {
                        child += 1;
                    }
                    if (self.compare)(at(parent), at(child)).is_ge() {
                        return;
                    }
                    self.swap(at(parent), at(child));
                    parent = child;
                }
            };
            for parent in (0..count / 2).rev() {
                sift(parent, count);
            }
            for end in (1..count).rev() {
                self.swap(at(0), at(end));
                sift(0, end);
            }
        }
    }
}

/// As much help as a sort may take from the stack.
const SMALL_BYTES: usize = 1024;

/// # Safety
/// `base` must be writable for `count` elements of `size` bytes.
unsafe fn sort(
    base: *mut c_void,
    count: usize,
    size: usize,
    compare: &dyn Fn(*const u8, *const u8) -> Ordering,
) {
    if count < 2 || size == 0 {
        return;
    }
    let elements = Elements { size, compare };
    let base = base.cast::<u8>();
    let bytes = count * size;
    // SAFETY: the caller's promise; the help has as many bytes.
    unsafe {
        if bytes <= SMALL_BYTES {
            let mut help = [0_u128; SMALL_BYTES / 16];
            return elements.merge_sort(base, count, help.as_mut_ptr().cast());
        }
        let number = errno::get();
        let help = heap::malloc(bytes);
        if help.is_null() {
            errno::set(number);
            return elements.heap_sort(base, count);
        }
        elements.merge_sort(base, count, help.cast());
        heap::free(help);
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn qsort(base: *mut c_void, count: usize, size: usize, compare: Compare) {
    // SAFETY: the caller passes an array of elements, and a function that compares them.
    unsafe {
        sort(base, count, size, &|first, second| {
            compare(first.cast(), second.cast()).cmp(&0)
        });
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn qsort_r(
    base: *mut c_void,
    count: usize,
    size: usize,
    compare: CompareWith,
    argument: *mut c_void,
) {
    // SAFETY: the caller passes an array of elements, and a function that compares them.
    unsafe {
        sort(base, count, size, &|first, second| {
            compare(first.cast(), second.cast(), argument).cmp(&0)
        });
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bsearch(
    key: *const c_void,
    base: *const c_void,
    count: usize,
    size: usize,
    compare: Compare,
) -> *const c_void {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        // SAFETY: the caller passes an array of `count` elements, and a function that compares them with the key.
        let (element, order) = unsafe {
            let element = base.cast::<u8>().add(middle * size).cast::<c_void>();
            (element, compare(key, element))
        };
        match order.cmp(&0) {
            Ordering::Equal => return element,
            Ordering::Less => high = middle,
            Ordering::Greater => low = middle + 1,
        }
    }
    core::ptr::null()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(state: &mut u32) -> u32 {
        *state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        *state >> 8
    }

    /// Sorts by the key, the lower half of each element.
    fn check(mut elements: Vec<u64>, with_memory: bool) {
        let compare = |first: *const u8, second: *const u8| {
            // SAFETY: both are elements.
            unsafe { (*first.cast::<u32>()).cmp(&*second.cast::<u32>()) }
        };
        let mut expected = elements.clone();
        expected.sort_by_key(|element| *element as u32);
        // SAFETY: the array has this many elements of eight bytes.
        unsafe {
            if with_memory {
                sort(elements.as_mut_ptr().cast(), elements.len(), 8, &compare);
                assert_eq!(elements, expected);
            } else {
                let all = Elements {
                    size: 8,
                    compare: &compare,
                };
                all.heap_sort(elements.as_mut_ptr().cast(), elements.len());
                let keys = |list: &[u64]| {
                    list.iter()
                        .map(|element| *element as u32)
                        .collect::<Vec<_>>()
                };
                assert_eq!(keys(&elements), keys(&expected));
            }
        }
    }

    #[test]
    fn sorting_is_right_and_stable() {
        crate::platform::test_platform::install();
        let mut state = 1;
        for count in [0, 1, 2, 3, 7, 64, 1000] {
            for keys in [2, 10, 1 << 20] {
                let elements: Vec<u64> = (0..count)
                    .map(|index| u64::from(random(&mut state) % keys) | index << 32)
                    .collect();
                check(elements.clone(), true);
                check(elements, false);
            }
        }
    }

    #[test]
    fn an_inconsistent_comparison_only_permutes() {
        crate::platform::test_platform::install();
        let state = core::cell::Cell::new(7);
        let compare = |_: *const u8, _: *const u8| {
            let mut next = state.get();
            let order = (random(&mut next) % 3).cmp(&1);
            state.set(next);
            order
        };
        let mut elements: Vec<u32> = (0..500).collect();
        // SAFETY: the array has this many elements of four bytes.
        unsafe {
            for _ in 0..20 {
                sort(elements.as_mut_ptr().cast(), elements.len(), 4, &compare);
                let all = Elements {
                    size: 4,
                    compare: &compare,
                };
                all.heap_sort(elements.as_mut_ptr().cast(), elements.len());
            }
        }
        elements.sort_unstable();
        assert!(elements.into_iter().eq(0..500));
    }
}
