//! The memory map of the firmware (ACPI 6.5, section 15), which may be unsorted and overlap itself.

use core::ops::Range;

use crate::{Frames, LIMIT_BYTES, PAGE_SIZE_BYTES};

/// What a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionKind {
    /// Free to use.
    Usable,
    /// Anything else.
    Reserved,
}

/// One region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first byte.
    pub base: u64,
    /// Its size.
    pub size_bytes: u64,
    /// What it is.
    pub kind: RegionKind,
}

impl Region {
    /// Of the type's number in the firmware's map.
    #[must_use]
    pub const fn new(base: u64, size_bytes: u64, kind: u32) -> Self {
        let kind = if kind == 1 {
            RegionKind::Usable
        } else {
            RegionKind::Reserved
        };
        Self {
            base,
            size_bytes,
            kind,
        }
    }

    /// The frames below the limit that are wholly in the region if it is usable, or touched by it if not.
    fn frames(&self) -> Range<usize> {
        let limit = LIMIT_BYTES as u64;
        let start = self.base.min(limit);
        let end = self.base.saturating_add(self.size_bytes).min(limit);
        let page = PAGE_SIZE_BYTES as u64;
        let (start, end) = match self.kind {
            RegionKind::Usable => (start.div_ceil(page), end / page),
            RegionKind::Reserved => (start / page, end.div_ceil(page)),
        };
        // The limit is far below what the type holds.
        start as usize..end as usize
    }
}

/// Marks what the map calls usable as free: a byte that any region reserves is not.
pub fn frames_of(map: impl Iterator<Item = Region> + Clone, frames: &mut Frames) {
    for region in map
        .clone()
        .filter(|region| region.kind == RegionKind::Usable)
    {
        frames.release(region.frames());
    }
    for region in map.filter(|region| region.kind == RegionKind::Reserved) {
        frames.reserve(region.frames());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WORDS;

    fn free(map: &[Region]) -> Vec<usize> {
        let mut words = vec![0; WORDS];
        let mut frames = Frames::new(words.as_mut_slice().try_into().unwrap());
        frames_of(map.iter().copied(), &mut frames);
        (0..crate::LIMIT_FRAMES)
            .filter(|frame| frames.is_free(*frame))
            .collect()
    }

    #[test]
    fn only_whole_frames_are_usable() {
        assert_eq!(free(&[Region::new(0x1001, 0x2fff, 1)]), [2, 3]);
        assert_eq!(free(&[Region::new(0x1001, 0x100, 1)]), []);
    }

    #[test]
    fn reserved_bytes_win_wherever_they_stand_in_the_map() {
        let map = [
            Region::new(0x3fff, 2, 2),
            Region::new(0x1000, 0x5000, 1),
            Region::new(0x2000, 0x1000, 1),
        ];
        assert_eq!(free(&map), [1, 2, 5]);
    }

    #[test]
    fn what_lies_above_the_limit_is_cut() {
        let last = LIMIT_BYTES as u64 - 0x1000;
        assert_eq!(
            free(&[Region::new(last, u64::MAX, 1)]),
            [LIMIT_BYTES / 4096 - 1]
        );
        assert_eq!(free(&[Region::new(1 << 40, 1 << 40, 1)]), []);
    }
}
