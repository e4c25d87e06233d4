//! Names of files: short ones, of 8 and 3 characters, and long ones (Microsoft, "FAT: General Overview of On-Disk
//! Format", 1.03, "FAT Long Directory Entries").

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::VolumeError;

/// The most UTF-16 units of a long name.
const LONGEST_UNITS: usize = 255;
/// How often names like `LONGNA~1.TXT` are tried.
const MOST_TAILS: u32 = 999_999;
/// A first byte of a short name that means 0xE5, which would mean a deleted entry.
const KANJI_LEAD: u8 = 0x05;
const DELETED: u8 = 0xe5;
/// In the entry's byte 12: the name, or the extension, is in lower case (Windows NT).
const LOWER_CASE_BASE: u8 = 0x08;
const LOWER_CASE_EXTENSION: u8 = 0x10;

/// A short name as it is on the disk.
pub(crate) type ShortName = [u8; 11];

/// Whether two names are the same to FAT, which ignores case.
pub(crate) fn same(first: &str, second: &str) -> bool {
    let fold = |name: &str| -> Vec<char> { name.chars().flat_map(char::to_uppercase).collect() };
    first.eq_ignore_ascii_case(second) || fold(first) == fold(second)
}

/// A short name as people write it.
pub(crate) fn short_to_text(name: &ShortName, case: u8) -> String {
    let (base, extension) = name.split_at(8);
    let mut text = String::new();
    let mut push = |bytes: &[u8], lower_case: bool| {
        let length = bytes
            .iter()
            .rposition(|byte| *byte != b' ')
            .map_or(0, |last| last + 1);
        for byte in &bytes[..length] {
            // What is not ASCII is of a code page that nothing says.
            let character = match byte {
                0x21..0x7f | b' ' => char::from(*byte),
                _ => char::REPLACEMENT_CHARACTER,
            };
            text.push(if lower_case {
                character.to_ascii_lowercase()
            } else {
                character
            });
        }
        length
    };
    let mut base: [u8; 8] = base.try_into().expect("eight of the eleven bytes");
    if base[0] == KANJI_LEAD {
        base[0] = DELETED;
    }
    push(&base, case & LOWER_CASE_BASE != 0);
    if extension != b"   " {
        push(b".", false);
        push(extension, case & LOWER_CASE_EXTENSION != 0);
    }
    text
}

/// The checksum by which long names name their short one.
pub(crate) fn checksum(name: &ShortName) -> u8 {
    name.iter()
        .fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// The UTF-16 of a name that FAT can have.
pub(crate) fn check(name: &str) -> Result<Vec<u16>, VolumeError> {
    let units: Vec<u16> = name.encode_utf16().collect();
    let forbidden = |character: char| {
        character < ' ' || character == '\u{7f}' || "\"*/:<>?\\|".contains(character)
    };
    // Windows drops dots and spaces at the end: two names would become the same.
    let bad_ends = name.starts_with(' ') || name.ends_with([' ', '.']);
    if units.is_empty() || units.len() > LONGEST_UNITS || bad_ends || name.chars().any(forbidden) {
        return Err(VolumeError::BadName);
    }
    Ok(units)
}

/// The short name that is exactly this name, if there is one.
pub(crate) fn exact_short(name: &str) -> Option<ShortName> {
    let (base, extension) = name.split_once('.').unwrap_or((name, ""));
    let has_empty_extension = name.ends_with('.');
    let fits = |part: &str, length: usize| part.len() <= length && part.bytes().all(is_short);
    if base.is_empty() || has_empty_extension || !fits(base, 8) || !fits(extension, 3) {
        return None;
    }
    Some(pad(base.as_bytes(), extension.as_bytes()))
}

/// A short name for a long one that no other entry of the folder has.
pub(crate) fn unique_short(name: &str, is_taken: impl Fn(&ShortName) -> bool) -> Option<ShortName> {
    let (base, extension) = match name.trim_start_matches('.').rsplit_once('.') {
        Some((base, extension)) => (base, extension),
        None => (name, ""),
    };
    let shorten = |part: &str, length: usize| -> Vec<u8> {
        part.chars()
            .filter(|character| !matches!(character, ' ' | '.'))
            .map(
                |character| match u8::try_from(character.to_ascii_uppercase()) {
                    Ok(byte) if is_short(byte) => byte,
                    _ => b'_',
                },
            )
            .take(length)
            .collect()
    };
    let base = shorten(base, 8);
    let extension = shorten(extension, 3);
    (1..=MOST_TAILS).find_map(|number| {
        let tail = alloc::format!("~{number}");
        let mut tailed: Vec<u8> = base.iter().copied().take(8 - tail.len()).collect();
        tailed.extend_from_slice(tail.as_bytes());
        let name = pad(&tailed, &extension);
        (!is_taken(&name)).then_some(name)
    })
}

fn pad(base: &[u8], extension: &[u8]) -> ShortName {
    let mut name = [b' '; 11];
    name[..base.len()].copy_from_slice(base);
    name[8..8 + extension.len()].copy_from_slice(extension);
    name
}

/// Whether short names have this byte. Letters are upper case.
fn is_short(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'()-@^_`{}~".contains(&byte)
}
