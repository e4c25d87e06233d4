//! What page tables consist of, whatever an architecture's format is.

use crate::{Access, Cache};

/// Pages that one table maps: with entries of 8 bytes in 4 KiB, as in every format for which there is one.
pub const TABLE_PAGES: usize = 512;

/// An entry of a page table in an architecture's format.
///
/// In the lowest tables it maps a page; one level above, in the directory, it leads to a table or maps as many pages as
/// a table does. A page that nobody may access can have a frame, too.
pub trait Entry: Copy {
    /// Of a page that no frame belongs to.
    const UNUSED: Self;

    /// Maps a page to a frame.
    fn page(frame: u64, access: Access, cache: Cache) -> Self;

    /// In a directory: maps [`TABLE_PAGES`] pages to as many frames from this one on.
    fn large(frame: u64, access: Access, cache: Cache) -> Self;

    /// In a directory or above it: leads to the table in this frame.
    fn table(frame: u64) -> Self;

    /// The frame; 0 if there is none.
    fn frame(self) -> u64;

    /// The same with another frame.
    #[must_use]
    fn with_frame(self, frame: u64) -> Self;

    /// Of one that is [large](Entry::is_large): what maps its page with this index alike.
    #[must_use]
    fn part(self, index: usize) -> Self;

    /// Whether it says nothing at all.
    fn is_unused(self) -> bool;

    /// Whether the page may be accessed.
    fn is_present(self) -> bool;

    /// Whether the page may be written.
    fn is_writable(self) -> bool;

    /// Whether it maps as much as a table.
    fn is_large(self) -> bool;

    /// Whether the processor may cache the page.
    fn is_cached(self) -> bool;

    /// Whether the processor has accessed the page.
    fn is_accessed(self) -> bool;

    /// Says that the processor has accessed the page.
    fn set_accessed(&mut self);
}

/// A page table.
#[derive(Clone, Debug)]
#[repr(C, align(4096))]
pub struct Table<E>(pub [E; TABLE_PAGES]);

impl<E: Entry> Table<E> {
    /// With nothing in it.
    pub const UNUSED: Self = Self([E::UNUSED; TABLE_PAGES]);

    /// Whether it has no page, not even one that is only reserved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|entry| entry.is_unused())
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.0.fill(E::UNUSED);
    }
}

/// The entry of a page in tables that lie one after the other.
#[must_use]
pub fn entry_of<E: Entry>(tables: &[Table<E>], page: usize) -> Option<E> {
    let table = tables.get(page / TABLE_PAGES)?;
    Some(table.0[page % TABLE_PAGES])
}

/// The same, to be changed.
pub fn entry_mut<E: Entry>(tables: &mut [Table<E>], page: usize) -> Option<&mut E> {
    let table = tables.get_mut(page / TABLE_PAGES)?;
    Some(&mut table.0[page % TABLE_PAGES])
}
