//! Classes and mappings of wide characters by Unicode (C11 7.30).

use core::ffi::{c_char, c_int, c_ulong};

use unicode_general_category::{GeneralCategory as Category, get_general_category};
use unicode_width::UnicodeWidthChar;

use crate::cstr;

fn category(unit: u32) -> Option<Category> {
    char::from_u32(unit).map(get_general_category)
}

/// `iswspace`: no spaces at which a line must not be broken.
pub(crate) fn is_space(unit: u32) -> bool {
    const NO_BREAK: [u32; 4] = [0x85, 0xa0, 0x2007, 0x202f];
    matches!(unit, 0x20 | 0x9..=0xd)
        || (unit > 0x7f
            && !NO_BREAK.contains(&unit)
            && char::from_u32(unit).is_some_and(char::is_whitespace))
}

fn is_digit(unit: u32) -> bool {
    matches!(unit, 0x30..=0x39)
}

fn is_xdigit(unit: u32) -> bool {
    char::from_u32(unit).is_some_and(|character| character.is_ascii_hexdigit())
}

/// Letters, and digits of other scripts: ISO C knows only ten digits.
fn is_alpha(unit: u32) -> bool {
    char::from_u32(unit).is_some_and(char::is_alphabetic)
        || (unit > 0x7f && matches!(category(unit), Some(Category::DecimalNumber)))
}

fn is_alnum(unit: u32) -> bool {
    is_digit(unit) || is_alpha(unit)
}

fn is_upper(unit: u32) -> bool {
    char::from_u32(unit).is_some_and(|character| character.is_uppercase()) || to_lower(unit) != unit
}

fn is_lower(unit: u32) -> bool {
    (char::from_u32(unit).is_some_and(|character| character.is_lowercase())
        || to_upper(unit) != unit)
        && !is_title(unit)
}

fn is_title(unit: u32) -> bool {
    matches!(category(unit), Some(Category::TitlecaseLetter))
}

fn is_blank(unit: u32) -> bool {
    unit == 0x9 || (is_space(unit) && matches!(category(unit), Some(Category::SpaceSeparator)))
}

fn is_cntrl(unit: u32) -> bool {
    matches!(
        category(unit),
        Some(Category::Control | Category::LineSeparator | Category::ParagraphSeparator)
    )
}

fn is_print(unit: u32) -> bool {
    !matches!(
        category(unit),
        None | Some(
            Category::Control
                | Category::LineSeparator
                | Category::ParagraphSeparator
                | Category::Unassigned
                | Category::Surrogate
        )
    )
}

fn is_graph(unit: u32) -> bool {
    is_print(unit) && !is_space(unit)
}

fn is_punct(unit: u32) -> bool {
    is_graph(unit) && !is_alnum(unit)
}

/// The one character that a mapping gives; those that would be several stay as they are.
fn single(unit: u32, mut mapped: impl Iterator<Item = char>) -> u32 {
    match (mapped.next(), mapped.next()) {
        (Some(character), None) => u32::from(character),
        _ => unit,
    }
}

pub(super) fn to_lower(unit: u32) -> u32 {
    char::from_u32(unit).map_or(unit, |character| {
        // Its mapping has a combining dot, its simple one is the letter alone.
        if character == 'İ' {
            u32::from('i')
        } else {
            single(unit, character.to_lowercase())
        }
    })
}

fn to_upper(unit: u32) -> u32 {
    char::from_u32(unit).map_or(unit, |character| single(unit, character.to_uppercase()))
}

type Class = fn(u32) -> bool;
type Mapping = fn(u32) -> u32;

/// The classes by their names.
const CLASSES: [(&[u8], Class); 12] = [
    (b"alnum", is_alnum),
    (b"alpha", is_alpha),
    (b"blank", is_blank),
    (b"cntrl", is_cntrl),
    (b"digit", is_digit),
    (b"graph", is_graph),
    (b"lower", is_lower),
    (b"print", is_print),
    (b"punct", is_punct),
    (b"space", is_space),
    (b"upper", is_upper),
    (b"xdigit", is_xdigit),
];

const MAPPINGS: [(&[u8], Mapping); 2] = [(b"tolower", to_lower), (b"toupper", to_upper)];

macro_rules! classes {
    ($($name:ident $with_locale:ident = $class:ident;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name(unit: u32) -> c_int {
                c_int::from($class(unit))
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $with_locale(unit: u32, _locale: usize) -> c_int {
                c_int::from($class(unit))
            }
        )*
    };
}

classes! {
    iswalnum iswalnum_l = is_alnum;
    iswalpha iswalpha_l = is_alpha;
    iswblank iswblank_l = is_blank;
    iswcntrl iswcntrl_l = is_cntrl;
    iswdigit iswdigit_l = is_digit;
    iswgraph iswgraph_l = is_graph;
    iswlower iswlower_l = is_lower;
    iswprint iswprint_l = is_print;
    iswpunct iswpunct_l = is_punct;
    iswspace iswspace_l = is_space;
    iswupper iswupper_l = is_upper;
    iswxdigit iswxdigit_l = is_xdigit;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn towlower(unit: u32) -> u32 {
    to_lower(unit)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn towupper(unit: u32) -> u32 {
    to_upper(unit)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn towlower_l(unit: u32, _locale: usize) -> u32 {
    to_lower(unit)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn towupper_l(unit: u32, _locale: usize) -> u32 {
    to_upper(unit)
}

/// The number of the entry with a name, from 1; 0 if there is none.
///
/// # Safety
/// The name must be a C string.
unsafe fn number_of<T>(table: &[(&[u8], T)], name: *const c_char) -> usize {
    // SAFETY: the caller's promise.
    let name = unsafe { cstr::bytes(name) };
    let position = table.iter().position(|(known, _)| *known == name);
    position.map_or(0, |index| index + 1)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn wctype(name: *const c_char) -> c_ulong {
    // SAFETY: the caller passes a C string.
    unsafe { number_of(&CLASSES, name) as c_ulong }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn iswctype(unit: u32, class: c_ulong) -> c_int {
    let known = (class as usize)
        .checked_sub(1)
        .and_then(|index| CLASSES.get(index));
    c_int::from(known.is_some_and(|(_, class)| class(unit)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn wctrans(name: *const c_char) -> usize {
    // SAFETY: the caller passes a C string.
    unsafe { number_of(&MAPPINGS, name) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn towctrans(unit: u32, mapping: usize) -> u32 {
    let known = mapping.checked_sub(1).and_then(|index| MAPPINGS.get(index));
    known.map_or(unit, |(_, map)| map(unit))
}

/// Columns of a character; -1 if it is not printed.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn wcwidth(unit: u32) -> c_int {
    if unit == 0 {
        return 0;
    }
    if !is_print(unit) {
        return -1;
    }
    char::from_u32(unit)
        .and_then(UnicodeWidthChar::width)
        .map_or(-1, |columns| columns as c_int)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn wcswidth(text: *const u32, size: usize) -> c_int {
    let mut sum = 0;
    for index in 0..size {
        // SAFETY: the caller passes `size` characters or a zero at their end.
        let unit = unsafe { *text.add(index) };
        if unit == 0 {
            break;
        }
        match wcwidth(unit) {
            -1 => return -1,
            columns => sum += columns,
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_that_of_the_c_locale() {
        for byte in 0..0x80_u8 {
            let unit = u32::from(byte);
            assert_eq!(is_alpha(unit), byte.is_ascii_alphabetic());
            assert_eq!(is_upper(unit), byte.is_ascii_uppercase());
            assert_eq!(is_lower(unit), byte.is_ascii_lowercase());
            assert_eq!(is_punct(unit), byte.is_ascii_punctuation());
            assert_eq!(is_graph(unit), byte.is_ascii_graphic());
            assert_eq!(is_cntrl(unit), byte.is_ascii_control());
            assert_eq!(to_upper(unit), u32::from(byte.to_ascii_uppercase()));
        }
    }

    #[test]
    fn other_scripts_have_letters_and_widths() {
        let unit = u32::from;
        assert!(is_alpha(unit('é')) && is_lower(unit('é')) && is_upper(unit('Ж')));
        assert_eq!(
            (to_upper(unit('ÿ')), to_upper(unit('ß'))),
            (unit('Ÿ'), unit('ß'))
        );
        assert!(is_punct(unit('€')) && !is_print(0xe_ffff) && !is_print(0xd800));
        assert_eq!(
            (wcwidth(unit('漢')), wcwidth(0x301), wcwidth(7), wcwidth(0)),
            (2, 0, -1, 0)
        );
        // SAFETY: the names are C strings.
        unsafe {
            assert_eq!(iswctype(unit('é'), wctype(c"alpha".as_ptr())), 1);
            assert_eq!(wctype(c"none".as_ptr()), 0);
            assert_eq!(
                towctrans(unit('é'), wctrans(c"toupper".as_ptr())),
                unit('É')
            );
        }
    }
}
