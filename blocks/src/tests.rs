//! Every variant that the host's processor has, against what Rust computes, at all alignments, overlaps and sizes around
//! every limit, with texts and blocks that end where readable memory ends.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::c_int;

use crate::vector::PAGE_BYTES;
use crate::{Functions, Processor, Variant};

fn for_each_variant(mut check: impl FnMut(&Functions)) {
    let has_avx2 = std::is_x86_feature_detected!("avx2");
    for variant in Variant::ALL {
        if variant == Variant::Sse2 || has_avx2 {
            check(&Functions::of(variant));
        }
    }
}

/// Sizes around every limit of the functions.
fn sizes() -> impl Iterator<Item = usize> + Clone {
    (0..=300).chain([
        511, 512, 513, 1000, 2047, 2049, 4095, 4096, 4097, 8191, 8192, 8193, 20_000,
    ])
}

/// Sizes of which fewer are tried, where alignments are many.
fn some_sizes() -> impl Iterator<Item = usize> + Clone {
    (0..=70).chain([
        95, 96, 97, 127, 128, 129, 159, 255, 256, 257, 300, 1000, 4200, 8300,
    ])
}

/// Memory between pages that cannot be read.
struct Fenced {
    start: *mut u8,
    size: usize,
}

unsafe extern "C" {
    fn mprotect(address: *mut u8, size: usize, protection: c_int) -> c_int;
}

impl Fenced {
    fn new(pages: usize) -> Self {
        let size = (pages + 2) * PAGE_BYTES;
        let layout = Layout::from_size_align(size, PAGE_BYTES).unwrap();
        // SAFETY: whole pages of a fresh block are protected, and given back with the old protection.
        unsafe {
            let start = alloc_zeroed(layout);
            assert_eq!(mprotect(start, PAGE_BYTES, 0), 0);
            assert_eq!(mprotect(start.add(size - PAGE_BYTES), PAGE_BYTES, 0), 0);
            Self { start, size }
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: what lies between the fences can be used.
        unsafe {
            core::slice::from_raw_parts_mut(self.start.add(PAGE_BYTES), self.size - 2 * PAGE_BYTES)
        }
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: as in `new`.
        unsafe {
            for offset in [0, self.size - PAGE_BYTES] {
                assert_eq!(mprotect(self.start.add(offset), PAGE_BYTES, 3), 0);
            }
            dealloc(
                self.start,
                Layout::from_size_align(self.size, PAGE_BYTES).unwrap(),
            );
        }
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 251 + 1) as u8)
        .collect()
}

#[test]
fn copies_are_exact_at_all_alignments() {
    let source = pattern(30_000);
    for_each_variant(|functions| {
        let mut target = vec![0_u8; 30_100];
        for size in some_sizes() {
            for from in 0..33 {
                for to in [0, 1, 7, 15, 16, 31, 32, 33] {
                    target[..to + size + 64].fill(0xee);
                    // SAFETY: both blocks have the size.
                    let result = unsafe {
                        (functions.copy)(
                            target[to..].as_mut_ptr().cast(),
                            source[from..].as_ptr().cast(),
                            size,
                        )
                    };
                    assert_eq!(result.addr(), target[to..].as_ptr().addr());
                    assert_eq!(target[to..to + size], source[from..from + size]);
                    assert!(target[..to].iter().all(|byte| *byte == 0xee));
                    assert!(
                        target[to + size..to + size + 64]
                            .iter()
                            .all(|byte| *byte == 0xee)
                    );
                }
            }
        }
    });
}

#[test]
fn blocks_that_overlap_are_moved() {
    const DISTANCES: [usize; 15] = [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 65, 127, 255, 4096];
    let original = pattern(30_000);
    let mut memory = original.clone();
    for_each_variant(|functions| {
        for size in some_sizes() {
            for distance in DISTANCES {
                for (from, to) in [(100, 100 + distance), (100 + distance, 100)] {
                    let end = 200 + distance + size;
                    memory[..end].copy_from_slice(&original[..end]);
                    let start = memory.as_mut_ptr();
                    // SAFETY: both blocks lie in the memory.
                    unsafe { (functions.copy)(start.add(to).cast(), start.add(from).cast(), size) };
                    let what = format!("{size} bytes from {from} to {to}");
                    assert_eq!(memory[..to], original[..to], "{what}");
                    assert_eq!(memory[to..to + size], original[from..from + size], "{what}");
                    assert_eq!(memory[to + size..end], original[to + size..end], "{what}");
                }
            }
        }
    });
}

#[test]
fn blocks_are_filled_and_nothing_beside_them() {
    for_each_variant(|functions| {
        let mut target = vec![0_u8; 30_000];
        for size in sizes() {
            for to in 0..33 {
                target[..to + size + 64].fill(0xee);
                // SAFETY: the block has the size.
                unsafe { (functions.fill)(target[to..].as_mut_ptr().cast(), 0x1a5, size) };
                let (block, behind) = target[to..].split_at(size);
                assert!(block.iter().all(|byte| *byte == 0xa5), "{size} at {to}");
                assert!(
                    behind[..64].iter().all(|byte| *byte == 0xee),
                    "{size} at {to}"
                );
                assert!(
                    target[..to].iter().all(|byte| *byte == 0xee),
                    "{size} at {to}"
                );
            }
        }
    });
}

#[test]
fn blocks_are_compared_as_bytes_without_sign() {
    let mut one = Fenced::new(6);
    let mut other = Fenced::new(6);
    let (one, other) = (one.bytes(), other.bytes());
    for_each_variant(|functions| {
        for size in some_sizes() {
            for shift in [0, 1, 15, 31] {
                // At the end of what can be read.
                let end = one.len();
                let (first, second) = (end - size, end - size - shift);
                one[first..].copy_from_slice(&pattern(size));
                other[second..second + size].copy_from_slice(&pattern(size));
                let compare = |one: &[u8], other: &[u8]| {
                    // SAFETY: both blocks have the size.
                    unsafe {
                        (functions.compare)(
                            one[first..].as_ptr().cast(),
                            other[second..].as_ptr().cast(),
                            size,
                        )
                    }
                };
                assert_eq!(compare(one, other), 0);
                for place in (0..size).step_by(1 + size / 50).chain(size.checked_sub(1)) {
                    let byte = one[first + place];
                    one[first + place] = byte ^ 0x80;
                    let expected = one[first..first + size].cmp(&other[second..second + size]);
                    assert_eq!(compare(one, other).cmp(&0), expected, "{place} of {size}");
                    one[first + place] = byte;
                }
            }
        }
    });
}

/// Checks texts of all sizes that end where memory ends, and in the middle of a page.
fn for_each_text(mut check: impl FnMut(&Functions, &mut [u8])) {
    let mut fenced = Fenced::new(4);
    for_each_variant(|functions| {
        for length in some_sizes() {
            for behind in [0, 1, 5, 31, 33, 2000] {
                let bytes = fenced.bytes();
                bytes.fill(b'?');
                let end = bytes.len() - behind;
                let start = end - length - 1;
                bytes[start..end].fill(b'x');
                bytes[end - 1] = 0;
                check(functions, &mut bytes[start..end]);
            }
        }
    });
}

#[test]
fn texts_have_their_lengths() {
    for_each_text(|functions, text| {
        let length = text.len() - 1;
        let start = text.as_ptr().cast();
        // SAFETY: a zero ends the text.
        unsafe {
            assert_eq!((functions.length)(start), length);
            for size in [
                0,
                1,
                length / 2,
                length,
                length + 1,
                length + 100,
                usize::MAX,
            ] {
                assert_eq!((functions.length_within)(start, size), length.min(size));
            }
        }
    });
}

#[test]
fn bytes_are_found_first_and_last() {
    for_each_text(|functions, text| {
        let size = text.len();
        let places: Vec<usize> = (0..size - 1).step_by(1 + size / 20).collect();
        let start = text.as_mut_ptr();
        let offset = |found: *const u8| (!found.is_null()).then(|| found.addr() - start.addr());
        // SAFETY: the text has the size, and a zero ends it.
        unsafe {
            let found = |text: &mut [u8]| {
                let start = text.as_ptr();
                [
                    offset((functions.find)(start.cast(), 0x1e9, size).cast()),
                    offset((functions.find)(start.cast(), 0xe9, usize::MAX).cast())
                        .filter(|_| text.contains(&0xe9)),
                    offset((functions.find_character)(start.cast(), 0xe9).cast()),
                    offset((functions.find_last)(start.cast(), 0xe9, size).cast()),
                    offset((functions.find_last_character)(start.cast(), 0xe9).cast()),
                ]
            };
            for (index, place) in places.iter().copied().enumerate() {
                text[place] = 0xe9;
                let first = Some(places[0].min(place));
                assert_eq!(found(text)[0], first);
                assert_eq!(found(text)[1], first);
                assert_eq!(found(text)[2], first);
                assert_eq!(found(text)[3], Some(place), "{size}");
                assert_eq!(found(text)[4], Some(place), "{size}");
                let without = (functions.find)(start.cast(), 0xe9, places[0]);
                assert!(without.is_null(), "{index}");
            }
            let end = Some(size - 1);
            assert_eq!(
                offset((functions.find_character)(start.cast(), 0).cast()),
                end
            );
            assert_eq!(
                offset((functions.find_last_character)(start.cast(), 0).cast()),
                end
            );
            assert_eq!(
                offset((functions.find_character_or_end)(start.cast(), b'!'.into()).cast()),
                end
            );
            assert!((functions.find_character)(start.cast(), b'?'.into()).is_null());
            assert!((functions.find_last_character)(start.cast(), b'?'.into()).is_null());
            assert!((functions.find)(start.cast(), b'?'.into(), size).is_null());
            assert!((functions.find_last)(start.cast(), b'?'.into(), size).is_null());
        }
    });
}

#[test]
fn texts_are_compared_to_their_ends_and_no_further() {
    let mut fenced = Fenced::new(4);
    let other = fenced.bytes();
    for_each_text(|functions, text| {
        for behind in [0, 3, 40] {
            let size = text.len();
            let start = other.len() - size - behind;
            other[start..start + size].copy_from_slice(text);
            let compare = |text: &[u8], other: &[u8], size| {
                let (first, second) = (text.as_ptr().cast(), other[start..].as_ptr().cast());
                // SAFETY: zeros end both.
                unsafe {
                    match size {
                        None => (functions.compare_strings)(first, second),
                        Some(size) => (functions.compare_strings_within)(first, second, size),
                    }
                }
            };
            assert_eq!(compare(text, other, None), 0);
            assert_eq!(compare(text, other, Some(usize::MAX)), 0);
            for place in (0..size - 1).step_by(1 + size / 20) {
                for byte in [0, b'a', 0xff] {
                    other[start + place] = byte;
                    let expected = b'x'.cmp(&byte);
                    assert_eq!(compare(text, other, None).cmp(&0), expected);
                    assert_eq!(compare(text, other, Some(place + 1)).cmp(&0), expected);
                    assert_eq!(compare(text, other, Some(place)), 0);
                }
                other[start + place] = b'x';
            }
        }
    });
}

#[test]
fn texts_are_copied_with_their_ends() {
    let mut target = vec![0_u8; 20_000];
    for_each_text(|functions, text| {
        target.fill(0xee);
        // SAFETY: a zero ends the text, and there is room.
        let end = unsafe {
            (functions.copy_string)(target[3..].as_mut_ptr().cast(), text.as_ptr().cast())
        };
        assert_eq!(end.addr() - target.as_ptr().addr(), 3 + text.len() - 1);
        assert_eq!(target[3..3 + text.len()], *text);
        assert_eq!((target[2], target[3 + text.len()]), (0xee, 0xee));
    });
}

#[test]
fn spans_end_at_what_is_in_the_set() {
    for_each_text(|functions, text| {
        let length = text.len() - 1;
        for set in [c"", c"?", c"?!", c"abcd", c"abcde", c"a\xffbcdefgh"] {
            // SAFETY: zeros end both.
            unsafe {
                assert_eq!(
                    (functions.span_without)(text.as_ptr().cast(), set.as_ptr()),
                    length
                );
            }
        }
        for set in [c"x", c"xy", c"yxz", c"abcx\xff"] {
            // SAFETY: as above.
            unsafe {
                assert_eq!(
                    (functions.span_with)(text.as_ptr().cast(), set.as_ptr()),
                    length
                );
                if length > 0 {
                    assert_eq!(
                        (functions.span_without)(text.as_ptr().cast(), set.as_ptr()),
                        0
                    );
                }
            }
        }
        for place in (0..length)
            .step_by(1 + length / 20)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            text[place] = 0xf1;
            for set in [c"\xf1", c"a\xf1bc", c"abcdef\xf1"] {
                // SAFETY: as above.
                unsafe {
                    assert_eq!(
                        (functions.span_without)(text.as_ptr().cast(), set.as_ptr()),
                        place
                    );
                    assert_eq!(
                        (functions.span_with)(text.as_ptr().cast(), c"x".as_ptr()),
                        place
                    );
                    assert_eq!(
                        (functions.span_with)(text.as_ptr().cast(), c"xyz".as_ptr()),
                        place
                    );
                }
            }
        }
    });
}

#[test]
fn the_variant_is_what_the_processor_has() {
    let of = |avx2, fast_strings| Variant::from(Processor { avx2, fast_strings });
    assert_eq!(of(false, true), Variant::Sse2);
    assert_eq!(of(true, false), Variant::Avx2);
    assert_eq!(of(true, true), Variant::Avx2Strings);
}
