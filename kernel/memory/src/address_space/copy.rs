//! A copy of an address space: what can be written has other frames there.

use core::ops::Range;

use super::{AddressSpace, MapError, is_owned};
use crate::{Entry, LIMIT_FRAMES, TABLE_PAGES, Table, entry_mut, entry_of};

/// What becomes of a page in the copy.
enum Fate<E> {
    /// It is not there.
    Absent,
    /// It is there as it is here.
    Shared(E),
    /// It has a frame of its own, and is as this one for the rest.
    Own(E),
    /// It is a page of the tables, with this index, and as this one for the rest.
    Table(usize, E),
}

impl<E: Entry> AddressSpace<'_, E> {
    fn fate(&self, page: usize, is_shared: &impl Fn(usize, bool) -> bool) -> Fate<E> {
        let directory = self.directory[page / TABLE_PAGES];
        let entry = match directory.is_large() {
            true => directory.part(page % TABLE_PAGES),
            false => entry_of(self.tables, page).unwrap_or(E::UNUSED),
        };
        if !is_owned(entry) {
            return Fate::Absent;
        }
        if !entry.is_cached() || is_shared(page, entry.is_writable()) {
            return Fate::Shared(entry);
        }
        match page.checked_sub(self.tables_page) {
            Some(index) if index < self.tables.len() => Fate::Table(index, entry),
            _ => Fate::Own(entry),
        }
    }

    /// The pages of tables in which anything is.
    fn mapped_pages(&self) -> impl Iterator<Item = usize> + use<'_, E> {
        let all = self.directory.iter().zip(self.tables.iter()).enumerate();
        all.filter(|(_, (directory, table))| directory.is_large() || !table.is_empty())
            .flat_map(|(index, _)| index * TABLE_PAGES..(index + 1) * TABLE_PAGES)
    }

    /// How many tables a copy has.
    #[must_use]
    pub fn copied_table_count(&self) -> usize {
        self.tables.len()
    }

    /// How many frames of its own a copy has, besides its tables. `is_shared` says of a page, and whether it can be
    /// written, that the copy sees the same frame there.
    #[must_use]
    pub fn own_count(&self, is_shared: impl Fn(usize, bool) -> bool) -> usize {
        self.mapped_pages()
            .filter(|page| matches!(self.fate(*page, &is_shared), Fate::Own(_)))
            .count()
    }

    /// Fills the tables of a copy, which lie from the first of `frames` on; the frames behind them become its own.
    /// Returns those that are left. None of `frames` is mapped in the copy but what it has there of its own.
    ///
    /// # Errors
    /// [`MapError::OutOfMemory`]: there are too few frames, or other tables than those of this address space.
    pub fn copy_to(
        &self,
        tables: &mut [Table<E>],
        frames: Range<usize>,
        is_shared: impl Fn(usize, bool) -> bool,
    ) -> Result<Range<usize>, MapError> {
        if tables.len() != self.tables.len() {
            return Err(MapError::OutOfMemory);
        }
        let mut left = frames.start + tables.len()..frames.end;
        tables.iter_mut().for_each(Table::clear);
        for page in self.mapped_pages() {
            if frames.contains(&page) {
                continue;
            }
            let Some(entry) = entry_mut(tables, page) else {
                continue;
            };
            match self.fate(page, &is_shared) {
                Fate::Absent => {}
                Fate::Shared(shared) => *entry = shared,
                Fate::Table(index, own) => {
                    *entry = own.with_frame((frames.start + index) as u64);
                }
                Fate::Own(own) => {
                    let frame = left.next().ok_or(MapError::OutOfMemory)?;
                    *entry = own.with_frame(frame as u64);
                }
            }
        }
        Ok(left)
    }

    /// Gives up all free frames but these: the others are somebody else's.
    pub fn keep_free(&mut self, frames: Range<usize>) {
        self.frames.reserve(0..LIMIT_FRAMES);
        self.frames.release(frames);
    }

    /// What a page is mapped to, and whether it can be written.
    #[must_use]
    pub fn mapping(&self, page: usize) -> Option<(usize, bool)> {
        match self.fate(page, &|_, _| true) {
            Fate::Shared(entry) if entry.is_present() => {
                Some((entry.frame() as usize, entry.is_writable()))
            }
            _ => None,
        }
    }

    /// Notes of pages that a copy's processor has used that they have been used.
    pub fn add_accessed(&mut self, pages: Range<usize>, copy: &[Table<E>]) {
        for page in pages {
            let is_used = entry_of(copy, page).is_some_and(Entry::is_accessed);
            if let Some(entry) = self.entry(page).filter(|_| is_used)
                && is_owned(*entry)
            {
                entry.set_accessed();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::x86::X86Entry;
    use crate::{Access, Cache, Frames, PAGE_SIZE_BYTES, Pool, WORDS};

    const FIRST_TABLE: usize = 40;

    #[test]
    fn what_can_be_written_is_apart() {
        let mut words = vec![0; WORDS];
        let mut frames = Frames::new(words.as_mut_slice().try_into().unwrap());
        frames.release(100..1500);
        let pool = Pool { pages: 2048..2100 };
        let count = AddressSpace::<X86Entry>::table_count(&frames, &pool);
        let mut directory = vec![X86Entry::UNUSED; count];
        let mut tables = vec![Table::UNUSED; count];
        let tables_address = FIRST_TABLE * PAGE_SIZE_BYTES;
        let mut space =
            AddressSpace::new(&mut directory, &mut tables, tables_address, frames, pool);
        let own_tables = FIRST_TABLE..FIRST_TABLE + count;
        space.map_fixed(own_tables.clone(), Access::ReadWrite, Cache::On);
        space.map_fixed(512..1024, Access::ReadWrite, Cache::On);
        space.map_fixed(1024..1536, Access::ReadExecute, Cache::On);
        space.commit(2048, Access::Read).unwrap();
        space
            .place(2049, 0xfee00, Access::ReadWrite, Cache::Off)
            .unwrap();
        let heap = space.map(3, Access::ReadWrite).unwrap();
        let is_shared = |page, is_writable: bool| !is_writable && page >= 1024 || page == heap + 1;

        let own = 512 + 2;
        assert_eq!(space.own_count(is_shared), own);
        let all = count + own + 10;
        let mut copied = vec![Table::UNUSED; count];
        let frames = 10_000..10_000 + all;
        let left = space.copy_to(&mut copied, frames.clone(), is_shared);
        assert_eq!(left, Ok(frames.end - 10..frames.end));
        let too_few = space.copy_to(
            &mut copied.clone(),
            frames.start..frames.end - 11,
            is_shared,
        );
        assert_eq!(too_few, Err(MapError::OutOfMemory));

        let entry = |page| entry_of(&copied, page).unwrap();
        let frame = |page| entry(page).frame() as usize;
        for (index, page) in own_tables.enumerate() {
            assert_eq!(frame(page), frames.start + index);
        }
        let is_own = |page| frames.contains(&frame(page));
        assert!((512..1024).all(is_own) && is_own(heap) && is_own(heap + 2));
        assert_ne!(frame(heap), frame(heap + 2));
        assert!((1024..1536).all(|page| frame(page) == page));
        let data = X86Entry::page(frame(600) as u64, Access::ReadWrite, Cache::On);
        assert_eq!(entry(600), data);
        assert_eq!((frame(heap + 1), frame(2049)), (heap + 1, 0xfee00));
        assert_eq!(entry(2048).frame(), space.entry(2048).unwrap().frame());
        assert!(entry(1).is_unused());
        assert_eq!(space.mapping(1100), Some((1100, false)));
        assert_eq!(space.mapping(heap), Some((heap, true)));
        assert_eq!(space.mapping(1), None);

        entry_mut(&mut copied, 2048).unwrap().set_accessed();
        assert!(!space.is_accessed(2048));
        space.add_accessed(2048..2100, &copied);
        assert!(space.is_accessed(2048) && !space.is_accessed(2050));
        space.keep_free(left.unwrap());
        assert_eq!(space.free_count(), 10);
    }
}
