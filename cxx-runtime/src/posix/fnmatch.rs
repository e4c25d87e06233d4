//! `fnmatch` and `glob`: the patterns of a shell.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{c_char, c_int};
use core::ptr;

use super::paths::{Kind, kind_of, names_in};
use super::regex::class;
use crate::cstr;
use crate::heap;

const FNM_PATHNAME: c_int = 1;
const FNM_NOESCAPE: c_int = 2;
const FNM_PERIOD: c_int = 4;
const FNM_LEADING_DIR: c_int = 8;
const FNM_CASEFOLD: c_int = 16;
const FNM_NOMATCH: c_int = 1;

/// A pattern's next part.
enum Part<'a> {
    Star,
    Any,
    Byte(u8),
    /// Between the brackets, and whether it is inverted.
    Bracket(&'a [u8], bool),
}

/// Splits the first part off.
fn next_part(pattern: &[u8], flags: c_int) -> Option<(Part<'_>, &[u8])> {
    let (&first, rest) = pattern.split_first()?;
    Some(match first {
        b'*' => (Part::Star, rest),
        b'?' => (Part::Any, rest),
        b'\\' if flags & FNM_NOESCAPE == 0 => match rest.split_first() {
            Some((&escaped, rest)) => (Part::Byte(escaped), rest),
            None => (Part::Byte(b'\\'), rest),
        },
        b'[' => match bracket_end(rest, flags) {
            Some(end) => {
                let is_inverted = matches!(rest.first(), Some(b'!' | b'^'));
                let body = &rest[usize::from(is_inverted)..end];
                (Part::Bracket(body, is_inverted), &rest[end + 1..])
            }
            None => (Part::Byte(b'['), rest),
        },
        other => (Part::Byte(other), rest),
    })
}

/// Where the closing bracket is, if there is one.
fn bracket_end(text: &[u8], flags: c_int) -> Option<usize> {
    let mut index = usize::from(matches!(text.first(), Some(b'!' | b'^')));
    let first = index;
    loop {
        match text.get(index)? {
            b']' if index != first => return Some(index),
            b'/' if flags & FNM_PATHNAME != 0 => return None,
            b'[' if matches!(text.get(index + 1), Some(b':' | b'.' | b'=')) => {
                let end = [text[index + 1], b']'];
                let length = text[index + 2..].windows(2).position(|pair| pair == end)?;
                index += length + 4;
            }
            b'\\' if flags & FNM_NOESCAPE == 0 => index += 2,
            _ => index += 1,
        }
    }
}

fn folded(byte: u8, flags: c_int) -> u8 {
    if flags & FNM_CASEFOLD != 0 {
        byte.to_ascii_lowercase()
    } else {
        byte
    }
}

/// One byte of a bracket, as an end of a range.
fn bracket_byte(body: &[u8], flags: c_int) -> Option<(u8, &[u8])> {
    match body {
        [b'[', b'.' | b'=', byte, b'.' | b'=', b']', rest @ ..] => Some((*byte, rest)),
        [b'\\', byte, rest @ ..] if flags & FNM_NOESCAPE == 0 => Some((*byte, rest)),
        [byte, rest @ ..] => Some((*byte, rest)),
        [] => None,
    }
}

fn is_in_bracket(mut body: &[u8], byte: u8, flags: c_int) -> bool {
    let is_within = |first: u8, last: u8, byte: u8| (first..=last).contains(&byte);
    let swapped = if byte.is_ascii_lowercase() {
        byte.to_ascii_uppercase()
    } else {
        byte.to_ascii_lowercase()
    };
    let folds = flags & FNM_CASEFOLD != 0;
    loop {
        if let Some(named) = body.strip_prefix(b"[:")
            && let Some(end) = named.windows(2).position(|pair| pair == b":]")
        {
            let is_member = class(&named[..end]);
            if is_member.is_some_and(|is_member| is_member(byte) || (folds && is_member(swapped))) {
                return true;
            }
            body = &named[end + 2..];
            continue;
        }
        let Some((first, rest)) = bracket_byte(body, flags) else {
            return false;
        };
        body = rest;
        let mut last = first;
        if let [b'-', after @ ..] = body
            && let Some((end, rest)) = bracket_byte(after, flags)
        {
            last = end;
            body = rest;
        }
        if is_within(first, last, byte) || (folds && is_within(first, last, swapped)) {
            return true;
        }
    }
}

/// Whether a period at this position must be matched by one.
fn is_guarded(text: &[u8], position: usize, flags: c_int) -> bool {
    flags & FNM_PERIOD != 0
        && text.get(position) == Some(&b'.')
        && (position == 0 || (flags & FNM_PATHNAME != 0 && text[position - 1] == b'/'))
}

/// Whether the pattern matches the text. A star that fails is only ever tried again from the last one on, or, since
/// a star does not match slashes, within its part of the path.
pub(super) fn matches(pattern: &[u8], text: &[u8], flags: c_int) -> bool {
    let mut rest = pattern;
    let mut position = 0;
    // Behind the last star, and where the text went on from it.
    let mut star: Option<(&[u8], usize)> = None;
    loop {
        let step = match next_part(rest, flags) {
            None => {
                let is_end = position == text.len()
                    || (flags & FNM_LEADING_DIR != 0 && text[position] == b'/');
                if is_end {
                    return true;
                }
                None
            }
            Some((Part::Star, after)) => {
                if is_guarded(text, position, flags) {
                    None
                } else {
                    star = Some((after, position));
                    Some((after, position))
                }
            }
            Some((part, after)) => text.get(position).and_then(|&byte| {
                let is_slash = byte == b'/' && flags & FNM_PATHNAME != 0;
                let is_match = match part {
                    Part::Byte(wanted) => folded(wanted, flags) == folded(byte, flags),
                    Part::Star => false,
                    _ if is_slash || is_guarded(text, position, flags) => false,
                    Part::Any => true,
                    Part::Bracket(body, is_inverted) => {
                        is_in_bracket(body, byte, flags) != is_inverted
                    }
                };
                is_match.then_some((after, position + 1))
            }),
        };
        if let Some((next, next_position)) = step {
            rest = next;
            position = next_position;
            continue;
        }
        // The last star takes one byte more.
        let Some((after, from)) = star else {
            return false;
        };
        match text.get(from) {
            None => return false,
            Some(b'/') if flags & FNM_PATHNAME != 0 => return false,
            Some(_) => {}
        }
        star = Some((after, from + 1));
        rest = after;
        position = from + 1;
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fnmatch(pattern: *const c_char, text: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller passes C strings.
    if unsafe { matches(cstr::bytes(pattern), cstr::bytes(text), flags) } {
        0
    } else {
        FNM_NOMATCH
    }
}

const GLOB_ERR: c_int = 1;
const GLOB_MARK: c_int = 2;
const GLOB_NOSORT: c_int = 4;
const GLOB_DOOFFS: c_int = 8;
const GLOB_NOCHECK: c_int = 16;
const GLOB_APPEND: c_int = 32;
const GLOB_NOESCAPE: c_int = 64;
const GLOB_PERIOD: c_int = 128;
const GLOB_NOSPACE: c_int = 1;
const GLOB_ABORTED: c_int = 2;
const GLOB_NOMATCH: c_int = 3;

/// `glob_t`.
#[repr(C)]
struct Found {
    count: usize,
    paths: *mut *mut c_char,
    offset: usize,
    flags: c_int,
}

type OnError = Option<extern "C" fn(*const c_char, c_int) -> c_int>;

fn has_wildcards(part: &[u8], flags: c_int) -> bool {
    let mut rest = part;
    while let Some((next, after)) = next_part(rest, flags) {
        if !matches!(next, Part::Byte(_)) {
            return true;
        }
        rest = after;
    }
    false
}

fn unescaped(part: &[u8], flags: c_int) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = part;
    while let Some((next, after)) = next_part(rest, flags) {
        if let Part::Byte(byte) = next {
            bytes.push(byte);
        }
        rest = after;
    }
    bytes
}

/// What a path names: nothing, a folder, or something else.
fn is_folder(path: &[u8]) -> Option<bool> {
    let path = CString::new(path).ok()?;
    kind_of(&path).map(|kind| kind == Kind::Folder)
}

struct Globbing {
    flags: c_int,
    on_error: OnError,
    paths: Vec<Vec<u8>>,
}

impl Globbing {
    /// Adds what lies behind `prefix` and matches the rest of the pattern.
    fn expand(&mut self, prefix: &[u8], rest: &[u8]) -> Result<(), c_int> {
        let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
        let mut prefix = prefix.to_vec();
        prefix.extend_from_slice(&rest[..slashes]);
        let rest = &rest[slashes..];
        if rest.is_empty() {
            if let Some(is_folder) = is_folder(&prefix) {
                self.add(prefix, is_folder);
            }
            return Ok(());
        }
        let length = rest
            .iter()
            .position(|byte| *byte == b'/')
            .unwrap_or(rest.len());
        let (part, rest) = rest.split_at(length);
        let pattern_flags = self.pattern_flags();
        if !has_wildcards(part, pattern_flags) {
            prefix.extend(unescaped(part, pattern_flags));
            return self.expand(&prefix, rest);
        }
        for name in self.names_in(&prefix)? {
            if matches(part, &name, pattern_flags) {
                let mut path = prefix.clone();
                path.extend_from_slice(&name);
                if rest.is_empty() {
                    let is_folder = self.flags & GLOB_MARK != 0 && is_folder(&path) == Some(true);
                    self.add(path, is_folder);
                } else if is_folder(&path) == Some(true) {
                    self.expand(&path, rest)?;
                }
            }
        }
        Ok(())
    }

    fn pattern_flags(&self) -> c_int {
        let mut flags = 0;
        if self.flags & GLOB_NOESCAPE != 0 {
            flags |= FNM_NOESCAPE;
        }
        if self.flags & GLOB_PERIOD == 0 {
            flags |= FNM_PERIOD;
        }
        flags
    }

    fn add(&mut self, mut path: Vec<u8>, is_folder: bool) {
        if is_folder && self.flags & GLOB_MARK != 0 && path.last() != Some(&b'/') {
            path.push(b'/');
        }
        self.paths.push(path);
    }

    fn names_in(&self, folder: &[u8]) -> Result<Vec<Vec<u8>>, c_int> {
        let path: &[u8] = if folder.is_empty() { b"." } else { folder };
        let Ok(path) = CString::new(path) else {
            return Ok(Vec::new());
        };
        match names_in(&path) {
            Ok(names) => Ok(names.into_iter().map(CString::into_bytes).collect()),
            Err(number) => {
                let stops = self
                    .on_error
                    .is_some_and(|on_error| on_error(path.as_ptr(), number) != 0);
                if stops || self.flags & GLOB_ERR != 0 {
                    Err(GLOB_ABORTED)
                } else {
                    Ok(Vec::new())
                }
            }
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn glob(
    pattern: *const c_char,
    flags: c_int,
    on_error: OnError,
    found: *mut Found,
) -> c_int {
    // SAFETY: the caller passes a C string and, with GLOB_APPEND, what an earlier call has found.
    let (pattern, found) = unsafe { (cstr::bytes(pattern), &mut *found) };
    if flags & GLOB_APPEND == 0 {
        found.count = 0;
        found.paths = ptr::null_mut();
        if flags & GLOB_DOOFFS == 0 {
            found.offset = 0;
        }
    }
    found.flags = flags;
    let mut globbing = Globbing {
        flags,
        on_error,
        paths: Vec::new(),
    };
    if let Err(error) = globbing.expand(b"", pattern) {
        return error;
    }
    if globbing.paths.is_empty() {
        if flags & GLOB_NOCHECK == 0 {
            return GLOB_NOMATCH;
        }
        globbing.paths.push(pattern.to_vec());
    }
    if flags & GLOB_NOSORT == 0 {
        globbing.paths.sort();
    }
    // SAFETY: the list came from the C heap, or is null.
    unsafe { append(found, &globbing.paths) }
}

/// Adds the paths to the list.
///
/// # Safety
/// The list must be one that this function has made, or null.
unsafe fn append(found: &mut Found, paths: &[Vec<u8>]) -> c_int {
    let used = found.offset + found.count;
    // SAFETY: the list came from the C heap, or is null; each string is written within its block.
    unsafe {
        let list = heap::realloc(
            found.paths.cast(),
            (used + paths.len() + 1) * size_of::<*mut c_char>(),
        )
        .cast::<*mut c_char>();
        if list.is_null() {
            return GLOB_NOSPACE;
        }
        if found.paths.is_null() {
            list.write_bytes(0, found.offset);
        }
        found.paths = list;
        for path in paths {
            let block = heap::malloc(path.len() + 1).cast::<u8>();
            if block.is_null() {
                break;
            }
            ptr::copy_nonoverlapping(path.as_ptr(), block, path.len());
            *block.add(path.len()) = 0;
            *list.add(found.offset + found.count) = block.cast();
            found.count += 1;
        }
        *list.add(found.offset + found.count) = ptr::null_mut();
        if found.offset + found.count == used + paths.len() {
            0
        } else {
            GLOB_NOSPACE
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn globfree(found: *mut Found) {
    // SAFETY: the caller passes what `glob` has found.
    unsafe {
        let found = &mut *found;
        if found.paths.is_null() {
            return;
        }
        for index in 0..found.count {
            heap::free((*found.paths.add(found.offset + index)).cast());
        }
        heap::free(found.paths.cast());
        found.paths = ptr::null_mut();
        found.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let path = FNM_PATHNAME;
        let period = FNM_PERIOD;
        let cases: &[(&str, &str, c_int, bool)] = &[
            ("*.c", "a.c", 0, true),
            ("*.c", ".c", 0, true),
            ("*.c", ".c", period, false),
            ("*", "a/b", 0, true),
            ("*", "a/b", path, false),
            ("*/b", "a/b", path, true),
            ("a?c", "a/c", path, false),
            ("a[/]c", "a/c", path, false),
            ("*/*", "a/.b", path | period, false),
            ("*/.b", "a/.b", path | period, true),
            ("[!a-c]x", "dx", 0, true),
            ("[^a-c]x", "bx", 0, false),
            ("[]-]", "-", 0, true),
            ("[[:digit:]-]*", "7up", 0, true),
            ("[a", "[a", 0, true),
            (r"\*", "*", 0, true),
            (r"\*", r"\x", FNM_NOESCAPE, true),
            ("A*", "abc", FNM_CASEFOLD, true),
            ("a", "a/b", FNM_LEADING_DIR, true),
            ("a*b*c", "abxbxc", 0, true),
            ("a*b*c", "abxbx", 0, false),
            ("", "", 0, true),
            ("*", "", 0, true),
        ];
        for (pattern, text, flags, expected) in cases {
            let found = matches(pattern.as_bytes(), text.as_bytes(), *flags);
            assert_eq!(found, *expected, "{pattern} {text} {flags}");
        }
    }

    #[test]
    fn stars_do_not_explode() {
        let pattern = "*a".repeat(50) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(5000).as_bytes(), 0));
    }
}
