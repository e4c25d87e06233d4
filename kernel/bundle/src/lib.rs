//! The bundle: a program, its arguments and its files in one block of bytes, as a kernel gets it.
//!
//! 1. Reading borrows: nothing is copied, nothing is allocated.
//! 2. A bundle is checked whole when it is opened; afterwards every entry can be read without errors.
//!
//! Layout, all numbers little endian:
//!
//! | offset | size | what |
//! |---|---|---|
//! | 0 | 8 | magic `BFBUNDL1` |
//! | 8 | 4 | number of entries |
//! | 12 | 4 | zero |
//! | 16 | | the entries, each starting at a multiple of 16 |
//!
//! An entry is the length of its name (4 bytes), zero (4 bytes), the size of its contents (8 bytes), the
//! name in UTF-8, zeros to a multiple of 16, the contents, zeros to a multiple of 16.
//!
//! An *overlay* is a bundle that a host gives beside another: its arguments replace those but the first, its variables
//! and its input come before the other's.
//!
//! Names: `tier`; `setting`, repeated; `profile` and `snapshot`, without contents; `secret`; `destination`; `seen`; `translate`;
//! `argument`, repeated in order; `input`, `input-file`, `stored-input`, `host-input` and `terminals` for standard
//! input and output; `environment/NAME`; `module/FILE`, in link order; `file/PATH` for files of the program;
//! `host-file/PATH` for files that the hosted kernel maps from the path on the host that is the entry's contents;
//! `stored-file/PATH` for files that an image has beside the bundle, described as the crate `bareflow-boot-layout`
//! says.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

use alloc::vec::Vec;
use core::fmt;

const MAGIC: &[u8; 8] = b"BFBUNDL1";
const HEADER_BYTES: usize = 16;
const ALIGNMENT: usize = 16;

/// The entry that names the tier of the whole program; without it, every function has its own.
pub const TIER: &str = "tier";
/// A setting of the tiers, such as `calls=10,100,1000,10000`.
pub const SETTING: &str = "setting";
/// An entry without contents: a profile is wanted.
pub const PROFILE: &str = "profile";
/// A secret of 32 bytes: snapshots are written with it, and others are refused.
pub const SECRET: &str = "secret";
/// An entry without contents: a snapshot is wanted at the end of this run.
pub const SNAPSHOT: &str = "snapshot";
/// A description of another kernel: the program is not run, but compiled for that kernel, into a snapshot.
pub const DESTINATION: &str = "destination";
/// A snapshot: the program is not run, but how control went in it is written where profiles go.
pub const SEEN: &str = "seen";
/// The name of a code generator: the program is not run, but translated for a kernel that has this generator alone, and
/// the translation is written where profiles go.
pub const TRANSLATE: &str = "translate";
/// An argument of the program; the first is its name.
pub const ARGUMENT: &str = "argument";
/// What the program reads from its standard input.
pub const INPUT: &str = "input";
/// The same of a file whose path on the host is the contents; whoever writes an image puts it there.
pub const INPUT_FILE: &str = "input-file";
/// The same of a file that an image has beside the bundle, described as those of [`STORED_FILE`].
pub const STORED_INPUT: &str = "stored-input";
/// An entry without contents: the program reads what the host gives, whatever [`INPUT`] says.
pub const HOST_INPUT: &str = "host-input";
/// Those of the standard descriptors, a byte each, at whose other end somebody sits.
pub const TERMINALS: &str = "terminals";
/// Prefix of an environment variable's name.
pub const ENVIRONMENT: &str = "environment/";
/// Prefix of a module's file name.
pub const MODULE: &str = "module/";
/// Prefix of a file's path, which is absolute without its first slash.
pub const FILE: &str = "file/";
/// The same of a file that the hosted kernel reads itself: the contents are its path on the host.
pub const HOST_FILE: &str = "host-file/";
/// The same of a file that an image has beside the bundle: the contents say where, with checksums.
pub const STORED_FILE: &str = "stored-file/";

/// Why bytes are not a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// The first bytes are not the magic number.
    NotABundle,
    /// The bytes end before the last entry does.
    Truncated,
    /// A name is not UTF-8.
    BadName,
}

impl fmt::Display for BundleError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotABundle => "this is not a program bundle",
            Self::Truncated => "the program bundle is truncated",
            Self::BadName => "the program bundle has an entry whose name is not UTF-8",
        })
    }
}

impl core::error::Error for BundleError {}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its bytes.
    pub contents: &'a [u8],
}

/// A checked bundle.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    entries: &'a [u8],
    count: u32,
    size_bytes: usize,
}

impl<'a> Bundle<'a> {
    /// Checks `bytes`, which may be longer than the bundle.
    ///
    /// # Errors
    /// [`BundleError`] says what is wrong.
    pub fn open(bytes: &'a [u8]) -> Result<Self, BundleError> {
        if !bytes.starts_with(MAGIC) {
            return Err(BundleError::NotABundle);
        }
        let count = number(bytes, 8)?;
        let entries = bytes.get(HEADER_BYTES..).ok_or(BundleError::Truncated)?;
        let mut rest = entries;
        for _ in 0..count {
            rest = read_entry(rest)?.1;
        }
        Ok(Self {
            entries,
            count,
            size_bytes: bytes.len() - rest.len(),
        })
    }

    /// Size of the bundle, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The entries in their order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut rest = self.entries;
        (0..self.count).map_while(move |_| {
            // Opening has read every entry once.
            let (entry, after) = read_entry(rest).ok()?;
            rest = after;
            Some(entry)
        })
    }

    /// The entries whose names start with `prefix`, with the rest of their names.
    pub fn with_prefix(&self, prefix: &'static str) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.entries().filter_map(move |entry| {
            let name = entry.name.strip_prefix(prefix)?;
            Some(Entry { name, ..entry })
        })
    }
}

fn number(bytes: &[u8], offset: usize) -> Result<u32, BundleError> {
    let field = bytes
        .get(offset..offset + 4)
        .ok_or(BundleError::Truncated)?;
    Ok(field
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

fn read_entry(bytes: &[u8]) -> Result<(Entry<'_>, &[u8]), BundleError> {
    let name_length = number(bytes, 0)? as usize;
    let size = u64::from(number(bytes, 12)?) << 32 | u64::from(number(bytes, 8)?);
    let size = usize::try_from(size).map_err(|_| BundleError::Truncated)?;
    let part = |start: usize, length: usize| {
        let end = start.checked_add(length).ok_or(BundleError::Truncated)?;
        let aligned = end
            .checked_next_multiple_of(ALIGNMENT)
            .ok_or(BundleError::Truncated)?;
        let contents = bytes.get(start..end).ok_or(BundleError::Truncated)?;
        Ok((contents, aligned))
    };
    let (name, after_name) = part(HEADER_BYTES, name_length)?;
    let (contents, after_contents) = part(after_name, size)?;
    let name = core::str::from_utf8(name).map_err(|_| BundleError::BadName)?;
    let rest = bytes.get(after_contents..).ok_or(BundleError::Truncated)?;
    Ok((Entry { name, contents }, rest))
}

/// Builds a bundle.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    entries: Vec<u8>,
    count: u32,
}

impl Builder {
    /// Goes on with a bundle that is there.
    ///
    /// # Errors
    /// [`BundleError`] says why it is none.
    pub fn of(bytes: &[u8]) -> Result<Self, BundleError> {
        let bundle = Bundle::open(bytes)?;
        Ok(Self {
            entries: bytes[HEADER_BYTES..bundle.size_bytes].to_vec(),
            count: bundle.count,
        })
    }

    /// Appends an entry.
    pub fn add(&mut self, name: &str, contents: &[u8]) {
        let name_length = u32::try_from(name.len()).expect("a name is shorter than 4 GiB");
        self.entries.extend_from_slice(&name_length.to_le_bytes());
        self.entries.extend_from_slice(&[0; 4]);
        self.entries
            .extend_from_slice(&(contents.len() as u64).to_le_bytes());
        for part in [name.as_bytes(), contents] {
            self.entries.extend_from_slice(part);
            self.entries
                .resize(self.entries.len().next_multiple_of(ALIGNMENT), 0);
        }
        self.count += 1;
    }

    /// The bytes of the bundle.
    #[must_use]
    pub fn finish(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.entries.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.entries);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut builder = Builder::default();
        builder.add(TIER, b"O2");
        builder.add("module/a.bc", &[7; 33]);
        builder.add(ARGUMENT, b"");
        builder.add("module/b.bc", b"x");
        builder.finish()
    }

    #[test]
    fn entries_come_back_in_order() {
        let mut bytes = sample();
        bytes.extend_from_slice(&[0xff; 512]);
        let bundle = Bundle::open(&bytes).unwrap();
        assert_eq!(bundle.size_bytes(), bytes.len() - 512);
        let names: Vec<&str> = bundle.entries().map(|entry| entry.name).collect();
        assert_eq!(names, [TIER, "module/a.bc", ARGUMENT, "module/b.bc"]);
        let modules: Vec<Entry> = bundle.with_prefix(MODULE).collect();
        assert_eq!(
            modules[0],
            Entry {
                name: "a.bc",
                contents: &[7; 33]
            }
        );
        assert_eq!(
            modules[1],
            Entry {
                name: "b.bc",
                contents: b"x"
            }
        );
    }

    #[test]
    fn a_bundle_can_be_gone_on_with() {
        let bytes = sample();
        let mut builder = Builder::of(&bytes).unwrap();
        assert_eq!(builder.finish(), bytes);
        builder.add("environment/A", b"b");
        let longer = builder.finish();
        let bundle = Bundle::open(&longer).unwrap();
        assert_eq!(bundle.entries().count(), 5);
        assert!(Builder::of(b"nothing").is_err());
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = sample();
        for length in 0..bytes.len() {
            let expected = if length < 8 {
                BundleError::NotABundle
            } else {
                BundleError::Truncated
            };
            assert_eq!(
                Bundle::open(&bytes[..length]).err(),
                Some(expected),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let mut bytes = sample();
        bytes[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Bundle::open(&bytes).err(), Some(BundleError::Truncated));
        let mut bytes = sample();
        bytes[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(Bundle::open(&bytes).err(), Some(BundleError::Truncated));
    }

    #[test]
    fn names_must_be_utf8() {
        let mut bytes = sample();
        bytes[32] = 0xff;
        assert_eq!(Bundle::open(&bytes).err(), Some(BundleError::BadName));
    }
}
