//! What is mapped where, with which access.

mod copy;

use core::ops::Range;

use crate::{Entry, Frames, LIMIT_FRAMES, PAGE_SIZE_BYTES, TABLE_PAGES, Table, entry_mut};

/// What a page may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: a guard.
    None,
    /// Loads.
    Read,
    /// Loads and stores.
    ReadWrite,
    /// Loads and instruction fetches.
    ReadExecute,
}

/// Why a mapping cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// No free memory that large.
    OutOfMemory,
    /// The range is not page-aligned, not mapped, or not to be changed.
    InvalidRange,
}

/// A window of addresses into which any frame can be put, page by page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its pages, by number.
    pub pages: Range<usize>,
}

/// The page tables and the free frames.
///
/// A page is *owned* when a frame belongs to it, whatever its access is; a guard is owned too.
#[derive(Debug)]
pub struct AddressSpace<'a, E> {
    /// One entry for each 2 MiB.
    directory: &'a mut [E],
    /// One table for each directory entry, in order: together an array of one entry for each page.
    tables: &'a mut [Table<E>],
    /// The page where the first of them is mapped.
    tables_page: usize,
    frames: Frames<'a>,
    pool: Pool,
}

/// The frame of page 0 is never used.
fn is_owned(entry: impl Entry) -> bool {
    entry.frame() != 0
}

impl<'a, E: Entry> AddressSpace<'a, E> {
    /// How many tables are needed to map the pages of `frames` and `pool`.
    #[must_use]
    pub fn table_count(frames: &Frames, pool: &Pool) -> usize {
        frames.end().max(pool.pages.end).div_ceil(TABLE_PAGES)
    }

    /// With nothing mapped. The tables lie one after the other from the physical address
    /// `tables_address` on. Frames in the pool's window are given up: nothing can be mapped there.
    #[must_use]
    pub fn new(
        directory: &'a mut [E],
        tables: &'a mut [Table<E>],
        tables_address: usize,
        mut frames: Frames<'a>,
        pool: Pool,
    ) -> Self {
        frames.reserve(pool.pages.clone());
        let tables_page = tables_address / PAGE_SIZE_BYTES;
        for ((entry, table), page) in directory
            .iter_mut()
            .zip(tables.iter_mut())
            .zip(tables_page..)
        {
            table.clear();
            *entry = E::table(page as u64);
        }
        Self {
            directory,
            tables,
            tables_page,
            frames,
            pool,
        }
    }

    /// How many frames were free when the fewest were.
    #[must_use]
    pub fn least_free_count(&self) -> usize {
        self.frames.least_free_count()
    }

    /// How many frames are free.
    #[must_use]
    pub fn free_count(&self) -> usize {
        self.frames.free_count()
    }

    /// Whether the page is in the pool.
    #[must_use]
    pub fn is_in_pool(&self, page: usize) -> bool {
        self.pool.pages.contains(&page)
    }

    fn entry(&mut self, page: usize) -> Option<&mut E> {
        entry_mut(self.tables, page)
    }

    fn is_large(&self, page: usize) -> bool {
        self.directory[page / TABLE_PAGES].is_large()
    }

    /// Maps pages to the frames of the same numbers for good: the kernel's own sections and devices. Where
    /// a whole 2 MiB are mapped alike, one large page does it.
    ///
    /// # Panics
    /// If there are no tables for the pages.
    pub fn map_fixed(&mut self, pages: Range<usize>, access: Access, cache: Cache) {
        self.frames.reserve(pages.clone());
        let mut page = pages.start;
        while page < pages.end {
            let next = page + TABLE_PAGES;
            if page.is_multiple_of(TABLE_PAGES) && next <= pages.end {
                self.directory[page / TABLE_PAGES] = E::large(page as u64, access, cache);
                page = next;
            } else {
                let entry = self.entry(page);
                *entry.expect("there are tables for every page") =
                    E::page(page as u64, access, cache);
                page += 1;
            }
        }
    }

    /// Maps `count` pages of memory that nobody uses; returns the first page.
    ///
    /// # Errors
    /// [`MapError::OutOfMemory`].
    pub fn map(&mut self, count: usize, access: Access) -> Result<usize, MapError> {
        let first = self.frames.take(count).ok_or(MapError::OutOfMemory)?;
        for page in first..first + count {
            let entry = self.entry(page).ok_or(MapError::OutOfMemory)?;
            *entry = E::page(page as u64, access, Cache::On);
        }
        Ok(first)
    }

    /// Frees pages that [`AddressSpace::map`] or [`AddressSpace::commit`] gave.
    ///
    /// # Errors
    /// [`MapError::InvalidRange`] when one of them is not owned; then none is freed.
    pub fn unmap(&mut self, pages: Range<usize>) -> Result<(), MapError> {
        self.check_owned(pages.clone())?;
        for page in pages {
            self.drop_page(page);
        }
        Ok(())
    }

    /// Changes the access to pages outside the pool.
    ///
    /// # Errors
    /// [`MapError::InvalidRange`] when one of them is not owned; then none is changed.
    pub fn protect(&mut self, pages: Range<usize>, access: Access) -> Result<(), MapError> {
        self.check_owned(pages.clone())?;
        for page in pages {
            if let Some(entry) = self.entry(page) {
                *entry = E::page(entry.frame(), access, Cache::On);
            }
        }
        Ok(())
    }

    /// Gives a page of the pool a frame if it has none, and sets its access. Says whether the frame is new.
    ///
    /// # Errors
    /// [`MapError`]: not in the pool, or no frame is left.
    pub fn commit(&mut self, page: usize, access: Access) -> Result<Frame, MapError> {
        if !self.is_in_pool(page) {
            return Err(MapError::InvalidRange);
        }
        let entry = self.entry(page).ok_or(MapError::InvalidRange)?;
        if is_owned(*entry) {
            *entry = E::page(entry.frame(), access, Cache::On);
            return Ok(Frame::Kept);
        }
        let frame = self.frames.take_highest().ok_or(MapError::OutOfMemory)?;
        let entry = self.entry(page).ok_or(MapError::InvalidRange)?;
        *entry = E::page(frame as u64, access, Cache::On);
        Ok(Frame::New)
    }

    /// Takes so many frames for good, for tables that are not this address space's own.
    ///
    /// # Errors
    /// [`MapError::OutOfMemory`]; then none is taken.
    pub fn take_each(
        &mut self,
        count: usize,
        action: impl FnMut(usize, usize),
    ) -> Result<(), MapError> {
        if self.frames.take_each(count, action) {
            Ok(())
        } else {
            Err(MapError::OutOfMemory)
        }
    }

    /// Gives a page of the pool a frame that nobody else uses: a device's, or memory that a loader has filled.
    /// The frame may lie above the limit.
    ///
    /// # Errors
    /// [`MapError::InvalidRange`]: not in the pool.
    pub fn place(
        &mut self,
        page: usize,
        frame: u64,
        access: Access,
        cache: Cache,
    ) -> Result<(), MapError> {
        if !self.is_in_pool(page) {
            return Err(MapError::InvalidRange);
        }
        let entry = self.entry(page).ok_or(MapError::InvalidRange)?;
        *entry = E::page(frame, access, cache);
        Ok(())
    }

    /// Whether a page of the pool has a frame.
    #[must_use]
    pub fn is_committed(&mut self, page: usize) -> bool {
        self.is_in_pool(page) && self.entry(page).is_some_and(|entry| is_owned(*entry))
    }

    /// Whether the processor has used a page of the pool since its access was set last.
    #[must_use]
    pub fn is_accessed(&mut self, page: usize) -> bool {
        self.is_in_pool(page) && self.entry(page).is_some_and(|entry| entry.is_accessed())
    }

    /// Takes the frame of a page of the pool away, if it has one.
    pub fn decommit(&mut self, page: usize) {
        if self.is_in_pool(page) && self.entry(page).is_some_and(|entry| is_owned(*entry)) {
            self.drop_page(page);
        }
    }

    fn drop_page(&mut self, page: usize) {
        let Some(entry) = self.entry(page) else {
            return;
        };
        // A frame's number fits.
        let frame = entry.frame() as usize;
        *entry = E::UNUSED;
        self.frames.release(frame..frame + 1);
    }

    fn check_owned(&mut self, pages: Range<usize>) -> Result<(), MapError> {
        if pages.end > LIMIT_FRAMES {
            return Err(MapError::InvalidRange);
        }
        for page in pages {
            let owned = self.entry(page).is_some_and(|entry| is_owned(*entry));
            if !owned || self.is_large(page) {
                return Err(MapError::InvalidRange);
            }
        }
        Ok(())
    }
}

/// Whether the processor may cache a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Memory.
    On,
    /// A device.
    Off,
}

/// Where a committed page's frame comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// It had one, with its contents.
    Kept,
    /// It has a new one, with any contents.
    New,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WORDS;
    use crate::format::x86::X86Entry;

    const TABLES_ADDRESS: usize = 0x12_3000;

    fn with(
        free: Range<usize>,
        pool: Range<usize>,
        test: impl FnOnce(&mut AddressSpace<X86Entry>),
    ) {
        let mut words = vec![0; WORDS];
        let mut frames = Frames::new(words.as_mut_slice().try_into().unwrap());
        frames.release(free);
        let pool = Pool { pages: pool };
        let count = AddressSpace::<X86Entry>::table_count(&frames, &pool);
        let mut directory = vec![X86Entry::UNUSED; count];
        let mut tables = vec![Table::UNUSED; count];
        test(&mut AddressSpace::new(
            &mut directory,
            &mut tables,
            TABLES_ADDRESS,
            frames,
            pool,
        ));
    }

    fn entry(space: &mut AddressSpace<X86Entry>, page: usize) -> X86Entry {
        *space.entry(page).unwrap()
    }

    #[test]
    fn memory_is_mapped_at_its_own_address() {
        with(100..200, 1024..1100, |space| {
            assert_eq!(space.tables.len(), 3);
            assert_eq!(space.directory[1], X86Entry::table(0x124));
            assert_eq!(space.map(10, Access::ReadWrite), Ok(100));
            assert_eq!(entry(space, 109).frame(), 109);
            assert!(entry(space, 110).is_unused());
            assert_eq!(space.map(91, Access::ReadWrite), Err(MapError::OutOfMemory));
            assert_eq!(space.free_count(), 90);
        });
    }

    #[test]
    fn a_guard_stays_owned_and_freed_pages_do_not() {
        with(100..200, 1024..1100, |space| {
            assert_eq!(space.map(4, Access::ReadWrite), Ok(100));
            assert_eq!(space.protect(100..101, Access::None), Ok(()));
            assert!(!entry(space, 100).is_present());
            assert_eq!(space.protect(100..101, Access::Read), Ok(()));
            assert_eq!(space.unmap(100..104), Ok(()));
            assert_eq!(space.free_count(), 100);
            assert_eq!(space.unmap(100..104), Err(MapError::InvalidRange));
            assert_eq!(
                space.protect(100..104, Access::Read),
                Err(MapError::InvalidRange)
            );
            assert_eq!(
                space.protect(1 << 40..(1 << 40) + 1, Access::Read),
                Err(MapError::InvalidRange)
            );
        });
    }

    #[test]
    fn whole_tables_of_fixed_pages_become_large_pages_that_stay() {
        with(0..2048, 4096..4097, |space| {
            space.map_fixed(500..1536, Access::ReadExecute, Cache::On);
            assert!(space.is_large(512) && space.is_large(1535));
            assert!(!space.is_large(511) && !space.is_large(1536));
            assert_eq!(space.directory[2].frame(), 1024);
            let code = X86Entry::page(500, Access::ReadExecute, Cache::On);
            assert_eq!(entry(space, 500), code);
            assert_eq!(
                space.protect(600..601, Access::Read),
                Err(MapError::InvalidRange)
            );
            assert_eq!(space.free_count(), 2048 - 1036);
        });
    }

    #[test]
    fn the_pool_takes_frames_when_they_are_needed_and_gives_them_back() {
        with(100..104, 1024..1100, |space| {
            assert_eq!(
                space.commit(1023, Access::Read),
                Err(MapError::InvalidRange)
            );
            assert_eq!(space.commit(1024, Access::ReadWrite), Ok(Frame::New));
            assert_eq!(entry(space, 1024).frame(), 103);
            assert_eq!(space.commit(1024, Access::ReadExecute), Ok(Frame::Kept));
            let code = X86Entry::page(103, Access::ReadExecute, Cache::On);
            assert_eq!(entry(space, 1024), code);
            for page in 1025..1028 {
                assert_eq!(space.commit(page, Access::ReadWrite), Ok(Frame::New));
            }
            assert_eq!(
                space.commit(1028, Access::ReadWrite),
                Err(MapError::OutOfMemory)
            );
            space.decommit(1024);
            space.decommit(1024);
            assert_eq!(space.commit(1028, Access::ReadWrite), Ok(Frame::New));
        });
    }

    #[test]
    fn devices_and_loaded_memory_are_placed_in_the_pool() {
        with(100..104, 1024..1100, |space| {
            let (write, off) = (Access::ReadWrite, Cache::Off);
            assert_eq!(space.place(1030, 0xfebd_5000 >> 12, write, off), Ok(()));
            assert!(space.is_committed(1030) && !space.is_committed(1031));
            assert_eq!(entry(space, 1030), X86Entry::page(0xfebd5, write, off));
            assert_eq!(space.free_count(), 4);
            let outside = space.place(1100, 7, write, Cache::On);
            assert_eq!(outside, Err(MapError::InvalidRange));
        });
    }

    #[test]
    fn memory_under_the_pool_is_not_used() {
        with(0..2000, 1000..1100, |space| {
            assert_eq!(space.free_count(), 1900);
            assert_eq!(space.map(1000, Access::ReadWrite), Ok(0));
            assert_eq!(space.map(900, Access::ReadWrite), Ok(1100));
        });
    }
}
