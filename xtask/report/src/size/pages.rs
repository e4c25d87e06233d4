//! LLVM's pages: where they lie, which of them an image has, and which of them its boots have used.

use std::ops::Range;

use bareflow_boot_layout::clusters::PAGE_SIZE_BYTES;
use bareflow_pager::PageSet;

use bareflow_image::disk::ImageFile;
use bareflow_image::error::Result;

const PAGE_BYTES: u64 = PAGE_SIZE_BYTES as u64;

/// LLVM's own pages in an image, and behind them those with the table of functions.
#[derive(Clone, Debug)]
pub struct Pages {
    /// The address of the first.
    start: u64,
    /// How many of them are LLVM's own.
    own: usize,
    /// Those that the image has.
    stored: PageSet,
    /// Those that boots have used; `None` if that is not known.
    used: Option<PageSet>,
}

/// How much of something there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// On the pages that the image has.
    pub in_image: u64,
    /// On used pages, if they are known.
    pub used: Option<u64>,
}

impl Pages {
    /// Those of an image.
    ///
    /// # Errors
    /// That the image is damaged.
    pub fn of(image: &ImageFile) -> Result<Self> {
        let header = &image.header;
        let stored = image.stored_pages()?;
        // A used-only image has a record from the start, without used pages.
        let record = image.record()?.filter(|record| !record.used.is_empty());
        let used = match record {
            Some(record) => Some(record.used),
            // Nothing of nothing is used.
            None if header.llvm_own_pages == 0 => Some(PageSet::EMPTY),
            None => None,
        };
        Ok(Self {
            start: header.llvm_window.into(),
            own: header.llvm_own_pages as usize,
            stored,
            used,
        })
    }

    #[cfg(test)]
    pub(super) fn of_sets(
        start: u64,
        own: usize,
        stored: &[usize],
        used: Option<&[usize]>,
    ) -> Self {
        let set = |numbers: &[usize]| {
            let mut pages = PageSet::new(own + 1);
            for number in numbers {
                pages.insert(*number);
            }
            pages
        };
        Self {
            start,
            own,
            stored: set(stored),
            used: used.map(set),
        }
    }

    /// How many are LLVM's own.
    pub fn count(&self) -> usize {
        self.own
    }

    /// Whether it is known which were used.
    pub fn is_use_known(&self) -> bool {
        self.used.is_some()
    }

    /// Of LLVM's own pages those that the image has, and those that were used.
    pub fn own(&self) -> Share {
        self.share(|pages| pages.iter().take_while(|page| *page < self.own).count() as u64)
    }

    /// The size of the table of functions in the image.
    pub fn symbol_bytes(&self) -> u64 {
        let pages = self.stored.iter().skip_while(|page| *page < self.own);
        pages.count() as u64 * PAGE_BYTES
    }

    /// Of the bytes at `addresses` how many lie where.
    pub fn bytes(&self, addresses: &Range<u64>) -> Share {
        self.share(|pages| {
            let parts = self.numbers(addresses).filter(|page| pages.contains(*page));
            let bytes = parts.map(|page| {
                let start = self.start + page as u64 * PAGE_BYTES;
                addresses.end.min(start + PAGE_BYTES) - addresses.start.max(start)
            });
            bytes.sum()
        })
    }

    /// 1 where any of the bytes at `addresses` lies, otherwise 0.
    pub fn presence(&self, addresses: &Range<u64>) -> Share {
        self.share(|pages| {
            self.numbers(addresses)
                .any(|page| pages.contains(page))
                .into()
        })
    }

    /// The used ones of LLVM's own pages: the first of pages that follow each other, and how many they are.
    pub fn used_ranges(&self) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        let used = self.used.as_ref().into_iter().flat_map(PageSet::iter);
        for page in used.take_while(|page| *page < self.own) {
            match ranges.last_mut() {
                Some((first, count)) if *first + *count == page => *count += 1,
                _ => ranges.push((page, 1)),
            }
        }
        ranges
    }

    fn share(&self, amount: impl Fn(&PageSet) -> u64) -> Share {
        Share {
            in_image: amount(&self.stored),
            used: self.used.as_ref().map(&amount),
        }
    }

    /// The pages that have bytes at these addresses, of which there is at least one.
    fn numbers(&self, addresses: &Range<u64>) -> impl Iterator<Item = usize> + use<> {
        let number = |address: u64| (address.saturating_sub(self.start) / PAGE_BYTES) as usize;
        number(addresses.start)..number(addresses.end - 1) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 0x4a00_0000;

    fn pages() -> Pages {
        // The last one has the table of functions.
        Pages::of_sets(START, 8, &[0, 1, 2, 4, 5, 8], Some(&[1, 2, 5]))
    }

    fn share(in_image: u64, used: u64) -> Share {
        Share {
            in_image,
            used: Some(used),
        }
    }

    #[test]
    fn bytes_are_where_their_pages_are() {
        let bytes = |start: u64, end: u64| pages().bytes(&(START + start..START + end));
        assert_eq!(bytes(10, 20), share(10, 0));
        assert_eq!(bytes(4000, 5000), share(1000, 904));
        assert_eq!(bytes(4096, 4096 * 5), share(3 * 4096, 2 * 4096));
        assert_eq!(bytes(3 * 4096, 4 * 4096), share(0, 0));
    }

    #[test]
    fn something_is_where_any_of_its_bytes_is() {
        let presence = |start: u64, end: u64| pages().presence(&(START + start..START + end));
        assert_eq!(presence(0, 4096), share(1, 0));
        assert_eq!(presence(0, 4097), share(1, 1));
        assert_eq!(presence(3 * 4096, 4 * 4096), share(0, 0));
    }

    #[test]
    fn the_table_of_functions_is_not_llvms_own() {
        assert_eq!(pages().own(), share(5, 3));
        assert_eq!(pages().symbol_bytes(), 4096);
        assert_eq!(pages().used_ranges(), [(1, 2), (5, 1)]);
        let unknown = Pages::of_sets(START, 8, &[0], None);
        assert_eq!((unknown.own().used, unknown.is_use_known()), (None, false));
        assert!(unknown.used_ranges().is_empty());
    }
}
