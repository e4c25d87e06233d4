//! Wide strings (C11 7.29.4).

use core::cmp::Ordering;
use core::ffi::c_int;

use super::classes::to_lower;
use super::units;
use crate::heap;

/// An order as C's comparisons return it; `wchar_t` is signed.
fn compare_units(first: u32, second: u32) -> Ordering {
    (first as i32).cmp(&(second as i32))
}

/// Compares at most `size` characters, each as `map` gives it.
///
/// # Safety
/// Both texts must end with a zero or have `size` characters.
unsafe fn compare(
    first: *const u32,
    second: *const u32,
    size: usize,
    map: impl Fn(u32) -> u32,
) -> c_int {
    for index in 0..size {
        // SAFETY: the caller's promise.
        let (left, right) = unsafe { (map(*first.add(index)), map(*second.add(index))) };
        let order = compare_units(left, right);
        if order.is_ne() || left == 0 {
            return order as c_int;
        }
    }
    0
}

/// # Safety
/// The text must end with a zero or have `size` characters.
unsafe fn length(text: *const u32, size: usize) -> usize {
    // SAFETY: the caller's promise.
    (0..size)
        .find(|index| unsafe { *text.add(*index) } == 0)
        .unwrap_or(size)
}

/// Functions of texts that end with zeros and of places that are large enough, as ISO C says.
macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty $body:block)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            pub(super) unsafe extern "C" fn $name($($argument: $type),*) -> $result {
                // SAFETY: the caller passes what ISO C or POSIX asks for: texts that end with a zero or have the size
                // that is given, and places with room for what is written.
                unsafe { $body }
            }
        )*
    };
}

type Text = *const u32;
type Place = *mut u32;

functions! {
    wcslen(text: Text) -> usize { units(text).len() }
    wcsnlen(text: Text, size: usize) -> usize { length(text, size) }
    wcscmp(first: Text, second: Text) -> c_int { compare(first, second, usize::MAX, |unit| unit) }
    wcsncmp(first: Text, second: Text, size: usize) -> c_int { compare(first, second, size, |unit| unit) }
    wcscasecmp(first: Text, second: Text) -> c_int { compare(first, second, usize::MAX, to_lower) }
    wcsncasecmp(first: Text, second: Text, size: usize) -> c_int { compare(first, second, size, to_lower) }
    wcscasecmp_l(first: Text, second: Text, _locale: usize) -> c_int { wcscasecmp(first, second) }
    wcsncasecmp_l(first: Text, second: Text, size: usize, _locale: usize) -> c_int {
        wcsncasecmp(first, second, size)
    }
    wcscoll(first: Text, second: Text) -> c_int { wcscmp(first, second) }
    wcscoll_l(first: Text, second: Text, _locale: usize) -> c_int { wcscmp(first, second) }
    wcsxfrm(place: Place, text: Text, size: usize) -> usize {
        let all = units(text);
        if size != 0 {
            let count = all.len().min(size - 1);
            core::ptr::copy_nonoverlapping(text, place, count);
            *place.add(count) = 0;
        }
        all.len()
    }
    wcsxfrm_l(place: Place, text: Text, size: usize, _locale: usize) -> usize { wcsxfrm(place, text, size) }
    wcpcpy(place: Place, text: Text) -> Place {
        let count = wcslen(text);
        core::ptr::copy(text, place, count + 1);
        place.add(count)
    }
    wcscpy(place: Place, text: Text) -> Place { wcpcpy(place, text); place }
    wcpncpy(place: Place, text: Text, size: usize) -> Place {
        let count = length(text, size);
        core::ptr::copy(text, place, count);
        core::ptr::write_bytes(place.add(count), 0, size - count);
        place.add(count)
    }
    wcsncpy(place: Place, text: Text, size: usize) -> Place { wcpncpy(place, text, size); place }
    wcscat(place: Place, text: Text) -> Place { wcscpy(place.add(wcslen(place)), text); place }
    wcsncat(place: Place, text: Text, size: usize) -> Place {
        let count = length(text, size);
        let end = place.add(wcslen(place));
        core::ptr::copy(text, end, count);
        *end.add(count) = 0;
        place
    }
    wcslcpy(place: Place, text: Text, size: usize) -> usize { wcsxfrm(place, text, size) }
    wcslcat(place: Place, text: Text, size: usize) -> usize {
        let used = length(place, size);
        used + wcslcpy(place.wrapping_add(used), text, size - used)
    }
    wcsdup(text: Text) -> Place {
        let count = wcslen(text) + 1;
        let block = heap::malloc(count * size_of::<u32>()).cast::<u32>();
        if !block.is_null() {
            core::ptr::copy_nonoverlapping(text, block, count);
        }
        block
    }
    wcschr(text: Text, wanted: u32) -> Text {
        let all = core::slice::from_raw_parts(text, wcslen(text) + 1);
        all.iter().position(|unit| *unit == wanted).map_or(core::ptr::null(), |index| text.add(index))
    }
    wcschrnul(text: Text, wanted: u32) -> Text {
        let found = wcschr(text, wanted);
        if found.is_null() { text.add(wcslen(text)) } else { found }
    }
    wcsrchr(text: Text, wanted: u32) -> Text {
        let all = core::slice::from_raw_parts(text, wcslen(text) + 1);
        all.iter().rposition(|unit| *unit == wanted).map_or(core::ptr::null(), |index| text.add(index))
    }
    wcsspn(text: Text, set: Text) -> usize {
        let set = units(set);
        units(text).iter().take_while(|unit| set.contains(unit)).count()
    }
    wcscspn(text: Text, set: Text) -> usize {
        let set = units(set);
        units(text).iter().take_while(|unit| !set.contains(unit)).count()
    }
    wcspbrk(text: Text, set: Text) -> Text {
        let found = text.add(wcscspn(text, set));
        if *found == 0 { core::ptr::null() } else { found }
    }
    wcsstr(text: Text, wanted: Text) -> Text {
        let (all, wanted) = (units(text), units(wanted));
        if wanted.is_empty() {
            return text;
        }
        // The first character is looked for alone.
        let mut start = 0;
        while let Some(index) = all[start..].iter().position(|unit| *unit == wanted[0]) {
            start += index;
            if all[start..].starts_with(wanted) {
                return text.add(start);
            }
            start += 1;
        }
        core::ptr::null()
    }
    wcswcs(text: Text, wanted: Text) -> Text { wcsstr(text, wanted) }
    wcstok(text: Place, set: Text, next: *mut Place) -> Place {
        let mut start = if text.is_null() { *next } else { text };
        if start.is_null() {
            return start;
        }
        start = start.add(wcsspn(start, set));
        if *start == 0 {
            *next = core::ptr::null_mut();
            return core::ptr::null_mut();
        }
        let end = start.add(wcscspn(start, set));
        if *end == 0 {
            *next = core::ptr::null_mut();
        } else {
            *end = 0;
            *next = end.add(1);
        }
        start
    }
    wmemcpy(place: Place, source: Text, size: usize) -> Place {
        core::ptr::copy_nonoverlapping(source, place, size);
        place
    }
    wmempcpy(place: Place, source: Text, size: usize) -> Place { wmemcpy(place, source, size).add(size) }
    wmemmove(place: Place, source: Text, size: usize) -> Place { core::ptr::copy(source, place, size); place }
    wmemset(place: Place, unit: u32, size: usize) -> Place {
        for index in 0..size {
            *place.add(index) = unit;
        }
        place
    }
    wmemchr(source: Text, wanted: u32, size: usize) -> Text {
        (0..size).find(|index| *source.add(*index) == wanted).map_or(core::ptr::null(), |index| source.add(index))
    }
    wmemcmp(first: Text, second: Text, size: usize) -> c_int {
        (0..size)
            .map(|index| compare_units(*first.add(index), *second.add(index)))
            .find(|order| order.is_ne())
            .map_or(0, |order| order as c_int)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).chain([0]).collect()
    }

    #[test]
    fn texts_are_searched_and_compared() {
        let (text, part) = (wide("aab€aab€x"), wide("b€x"));
        // SAFETY: all texts end with a zero.
        unsafe {
            let found = wcsstr(text.as_ptr(), part.as_ptr());
            assert_eq!(found.offset_from(text.as_ptr()), 6);
            assert_eq!(wcsrchr(text.as_ptr(), 0).offset_from(text.as_ptr()), 9);
            assert!(wcschr(text.as_ptr(), 0x7a).is_null());
            assert_eq!(wcscasecmp(wide("ÉA").as_ptr(), wide("éa").as_ptr()), 0);
            assert_eq!(wcscmp(wide("a").as_ptr(), wide("ab").as_ptr()), -1);
            assert_eq!(wcsspn(text.as_ptr(), wide("ba").as_ptr()), 3);
        }
    }

    #[test]
    fn tokens_are_taken_apart() {
        let (mut text, set) = (wide(",a,,b"), wide(","));
        let mut next = core::ptr::null_mut();
        // SAFETY: all texts end with a zero.
        unsafe {
            let first = wcstok(text.as_mut_ptr(), set.as_ptr(), &raw mut next);
            assert_eq!(units(first), units(wide("a").as_ptr()));
            let second = wcstok(core::ptr::null_mut(), set.as_ptr(), &raw mut next);
            assert_eq!(units(second), units(wide("b").as_ptr()));
            assert!(wcstok(core::ptr::null_mut(), set.as_ptr(), &raw mut next).is_null());
        }
    }
}
