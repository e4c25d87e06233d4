//! Which pages were used.

use alloc::vec;
use alloc::vec::Vec;

const BITS: usize = u8::BITS as usize;

/// Some of so many pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSet {
    count: usize,
    /// A bit for each page, from the lowest on.
    bytes: Vec<u8>,
}

impl PageSet {
    /// No page of none.
    pub const EMPTY: Self = Self {
        count: 0,
        bytes: Vec::new(),
    };

    /// None of `count` pages.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self {
            count,
            bytes: vec![0; Self::size_bytes(count)],
        }
    }

    /// How many bytes a set of so many pages has.
    pub(crate) const fn size_bytes(count: usize) -> usize {
        count.div_ceil(BITS)
    }

    /// The set of `count` pages with these bytes; `None` if they are not those of such a set.
    pub(crate) fn from_bytes(count: usize, bytes: &[u8]) -> Option<Self> {
        let rest = count % BITS;
        let unused = match bytes.last() {
            Some(last) if rest > 0 => last >> rest,
            _ => 0,
        };
        (bytes.len() == Self::size_bytes(count) && unused == 0).then(|| Self {
            count,
            bytes: bytes.to_vec(),
        })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many pages there are, in the set or not.
    #[must_use]
    pub fn universe(&self) -> usize {
        self.count
    }

    /// Adds a page; one that there is not is ignored.
    pub fn insert(&mut self, page: usize) {
        if page < self.count {
            self.bytes[page / BITS] |= 1 << (page % BITS);
        }
    }

    /// Whether the page is in the set.
    #[must_use]
    pub fn contains(&self, page: usize) -> bool {
        page < self.count && self.bytes[page / BITS] >> (page % BITS) & 1 == 1
    }

    /// How many pages are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes
            .iter()
            .map(|byte| byte.count_ones() as usize)
            .sum()
    }

    /// Whether no page is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pages in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.count).filter(|page| self.contains(*page))
    }

    /// Adds the pages of another set.
    pub fn add(&mut self, other: &Self) {
        for page in other.iter() {
            self.insert(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_there_are_can_be_in_a_set() {
        let mut set = PageSet::new(20);
        assert!(set.is_empty());
        for page in [19, 0, 7, 8, 7, 20, usize::MAX] {
            set.insert(page);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 7, 8, 19]);
        assert_eq!((set.len(), set.universe()), (4, 20));
        assert!(set.contains(19) && !set.contains(18) && !set.contains(20));
        let mut other = PageSet::new(20);
        other.insert(3);
        other.add(&set);
        assert_eq!(other.iter().collect::<Vec<_>>(), [0, 3, 7, 8, 19]);
    }

    #[test]
    fn bytes_that_are_no_set_are_refused() {
        let mut set = PageSet::new(20);
        set.insert(19);
        assert_eq!(PageSet::from_bytes(20, set.as_bytes()), Some(set.clone()));
        assert_eq!(PageSet::from_bytes(19, set.as_bytes()), None);
        assert_eq!(PageSet::from_bytes(8, set.as_bytes()), None);
        assert_eq!(PageSet::from_bytes(20, &[0; 2]), None);
        assert_eq!(PageSet::from_bytes(16, &[0xff; 2]).unwrap().len(), 16);
        assert!(PageSet::from_bytes(0, &[]).unwrap().is_empty());
    }
}
