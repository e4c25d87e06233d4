//! `libintl.h`: there are no catalogues, and messages stay as they are in the source.

use alloc::vec::Vec;
use core::ffi::{c_char, c_int, c_ulong};
use core::ptr;

use super::single_thread_cell::SingleThreadCell;
use crate::cstr;

type Text = *const c_char;

macro_rules! untranslated {
    ($($name:ident($($before:ident: $kind:ty),*; $message:ident $(, $after:ident: $after_kind:ty)*) $body:block)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($($before: $kind,)* $message: Text $(, $after: $after_kind)*) -> Text $body
        )*
    };
}

/// English has one form for 1, and one for the others.
fn plural(one: Text, many: Text, count: c_ulong) -> Text {
    if count == 1 { one } else { many }
}

untranslated! {
    gettext(; message) { message }
    dgettext(_domain: Text; message) { message }
    dcgettext(_domain: Text; message, _category: c_int) { message }
    ngettext(; one, many: Text, count: c_ulong) { plural(one, many, count) }
    dngettext(_domain: Text; one, many: Text, count: c_ulong) { plural(one, many, count) }
    dcngettext(_domain: Text; one, many: Text, count: c_ulong, _category: c_int) { plural(one, many, count) }
}

/// Texts that the program has set and gets back: C strings.
static DOMAIN: SingleThreadCell<Vec<u8>> = SingleThreadCell::new(Vec::new());
static FOLDER: SingleThreadCell<Vec<u8>> = SingleThreadCell::new(Vec::new());

/// Keeps a copy of the text, if there is one; `otherwise` if none was ever set.
unsafe fn kept(place: &SingleThreadCell<Vec<u8>>, text: Text, otherwise: Text) -> Text {
    place.with(|kept| {
        if !text.is_null() {
            kept.clear();
            // SAFETY: the caller passes null or a C string.
            let bytes = unsafe { cstr::bytes(text) };
            if !bytes.is_empty() {
                kept.extend_from_slice(bytes);
                kept.push(0);
            }
        }
        if kept.is_empty() {
            otherwise
        } else {
            kept.as_ptr().cast()
        }
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn textdomain(domain: Text) -> Text {
    // SAFETY: the caller's promise.
    unsafe { kept(&DOMAIN, domain, c"messages".as_ptr()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bindtextdomain(domain: Text, folder: Text) -> Text {
    if domain.is_null() {
        return ptr::null();
    }
    // SAFETY: the caller's promise.
    unsafe { kept(&FOLDER, folder, c"/usr/share/locale".as_ptr()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn bind_textdomain_codeset(domain: Text, _set: Text) -> Text {
    if domain.is_null() {
        return ptr::null();
    }
    c"UTF-8".as_ptr()
}
