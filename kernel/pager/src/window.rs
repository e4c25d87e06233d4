//! Where LLVM's pages are: in the address space, and on the disk.

use core::ops::Range;

use bareflow_memory::Access;

/// Where the contents of pages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// The page with this number on the disk, counted from LLVM's first.
    Stored(usize),
    /// Nowhere: they are zeros at first.
    Zeros,
}

/// A part of the window: pages with the same access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its pages, by the numbers of their addresses.
    pub pages: Range<usize>,
    /// What they may be used for.
    pub access: Access,
    /// Where the first page comes from; the others follow it.
    pub contents: Contents,
}

/// A page of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its address's number.
    pub number: usize,
    /// What it may be used for.
    pub access: Access,
    /// Where it comes from.
    pub contents: Contents,
}

impl Section {
    fn page(&self, index: usize) -> Page {
        let contents = match self.contents {
            Contents::Stored(first) => Contents::Stored(first + index),
            Contents::Zeros => Contents::Zeros,
        };
        Page {
            number: self.pages.start + index,
            access: self.access,
            contents,
        }
    }
}

/// All of LLVM's sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<const SECTIONS: usize>(pub [Section; SECTIONS]);

impl<const SECTIONS: usize> Window<SECTIONS> {
    /// The page at an address, given by its page's number.
    #[must_use]
    pub fn find(&self, number: usize) -> Option<Page> {
        let section = self
            .0
            .iter()
            .find(|section| section.pages.contains(&number))?;
        Some(section.page(number - section.pages.start))
    }

    /// The page that comes from a page of the disk.
    #[must_use]
    pub fn find_stored(&self, stored: usize) -> Option<Page> {
        self.0.iter().find_map(|section| match section.contents {
            Contents::Stored(first) if (first..first + section.pages.len()).contains(&stored) => {
                Some(section.page(stored - first))
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> Window<3> {
        Window([
            Section {
                pages: 100..110,
                access: Access::ReadExecute,
                contents: Contents::Stored(0),
            },
            Section {
                pages: 110..114,
                access: Access::ReadWrite,
                contents: Contents::Zeros,
            },
            Section {
                pages: 114..120,
                access: Access::Read,
                contents: Contents::Stored(10),
            },
        ])
    }

    #[test]
    fn pages_are_found_from_both_sides() {
        let window = window();
        for stored in 0..16 {
            let page = window.find_stored(stored).unwrap();
            assert_eq!(page.contents, Contents::Stored(stored));
            assert_eq!(window.find(page.number), Some(page));
        }
        assert_eq!(window.find(109).unwrap().access, Access::ReadExecute);
        assert_eq!(window.find(114).unwrap().contents, Contents::Stored(10));
        assert_eq!(window.find(112).unwrap().contents, Contents::Zeros);
    }

    #[test]
    fn what_is_not_in_the_window_is_not_found() {
        let window = window();
        assert_eq!(window.find(99), None);
        assert_eq!(window.find(120), None);
        assert_eq!(window.find_stored(16), None);
    }
}
