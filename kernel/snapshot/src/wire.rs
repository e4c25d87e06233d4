//! The layout's constants, and its numbers and strings.

use alloc::vec::Vec;

use crate::refusal::Refusal;

pub(crate) const MAGIC: [u8; 4] = *b"SNAP";
/// The version of the layout.
pub const VERSION: u16 = 6;
pub(crate) const HEADER_BYTES: usize = 16;
pub(crate) const CHECKSUM_BYTES: usize = 32;
pub(crate) const TAG_BYTES: usize = 32;
pub(crate) const SIZE_OFFSET: usize = 8;
pub(crate) const ALIGNMENT: usize = 16;

pub(crate) const NOT_AUTHENTICATED: u16 = 0;
pub(crate) const KEYED_BLAKE3: u16 = 1;

/// The sections, in their order.
#[derive(Clone, Copy)]
pub(crate) enum Section {
    Keys = 1,
    Levels = 2,
    Functions = 3,
    Imports = 4,
    Allocations = 5,
    Places = 6,
    Code = 7,
    Data = 8,
    Profile = 9,
}

/// Numbers of owners that are not functions.
pub(crate) const OWNER_KEPT: u32 = u32::MAX;
pub(crate) const OWNER_DATA: u32 = u32::MAX - 1;
pub(crate) const OWNER_RESERVED: u32 = u32::MAX - 2;
pub(crate) const OWNER_OUTSIDE: u32 = u32::MAX - 3;

/// Adds numbers and strings to a buffer.
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, number: u8) {
        self.bytes.push(number);
    }

    pub(crate) fn u16(&mut self, number: u16) {
        self.put(&number.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.put(&number.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.put(&number.to_le_bytes());
    }

    /// How many of something follow.
    pub(crate) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("what is counted fits into 2 GiB of memory"));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.put(text.as_bytes());
    }

    pub(crate) fn align(&mut self) {
        let length = self.bytes.len().next_multiple_of(ALIGNMENT);
        self.bytes.resize(length, 0);
    }

    /// Writes a section around what `body` writes.
    pub(crate) fn section(&mut self, section: Section, body: impl FnOnce(&mut Self)) {
        self.u32(section as u32);
        self.u32(0);
        let size_offset = self.bytes.len();
        self.u64(0);
        let start = self.bytes.len();
        body(self);
        let size = (self.bytes.len() - start) as u64;
        self.bytes[size_offset..start].copy_from_slice(&size.to_le_bytes());
        self.align();
    }
}

/// Takes numbers and strings from bytes; every one is checked against the end.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], Refusal> {
        let split = usize::try_from(count)
            .ok()
            .and_then(|count| self.rest.split_at_checked(count));
        let (taken, rest) = split.ok_or(Refusal::Malformed("something ends too late"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], Refusal> {
        let bytes = self.take(COUNT as u64)?;
        Ok(*bytes.first_chunk().expect("so many were taken"))
    }

    pub(crate) fn hash(&mut self) -> Result<[u8; 32], Refusal> {
        self.array()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Refusal> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Refusal> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Refusal> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Refusal> {
        self.array().map(u64::from_le_bytes)
    }

    /// So many bytes as the number before them says.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.u32()?;
        self.take(length.into())
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Refusal> {
        core::str::from_utf8(self.bytes()?).map_err(|_| Refusal::Malformed("a name is not UTF-8"))
    }

    /// A list of so many things as a count says. The count itself reserves no memory: there are never more things
    /// than there are bytes.
    pub(crate) fn list<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let count = self.u32()?;
        (0..count).map(|_| item(self)).collect()
    }

    pub(crate) fn zeros(&mut self, count: u64) -> Result<(), Refusal> {
        if self.take(count)?.iter().any(|byte| *byte != 0) {
            return Err(Refusal::Malformed("something reserved is not zero"));
        }
        Ok(())
    }

    pub(crate) fn end(&self) -> Result<(), Refusal> {
        if !self.rest.is_empty() {
            return Err(Refusal::Malformed("something ends too early"));
        }
        Ok(())
    }

    /// The body of the section that comes next.
    pub(crate) fn section(&mut self, section: Section) -> Result<Self, Refusal> {
        if self.u32()? != section as u32 {
            return Err(Refusal::Malformed("a section is missing"));
        }
        self.zeros(4)?;
        let size = self.u64()?;
        let body = self.take(size)?;
        self.zeros((ALIGNMENT - body.len() % ALIGNMENT) as u64 % ALIGNMENT as u64)?;
        Ok(Self::new(body))
    }
}
