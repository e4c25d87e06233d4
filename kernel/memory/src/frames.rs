//! Which frames are free.

use core::ops::Range;

use crate::LIMIT_FRAMES;

const BITS: usize = u64::BITS as usize;

/// Words in the table of free frames.
pub const WORDS: usize = LIMIT_FRAMES / BITS;

/// The frames below the limit, one bit each.
#[derive(Debug)]
pub struct Frames<'a> {
    /// A set bit is a free frame.
    free: &'a mut [u64; WORDS],
    /// Behind so many words, no frame is free. Most memories end far below the limit.
    end_words: usize,
    free_count: usize,
    least_free_count: usize,
}

impl<'a> Frames<'a> {
    /// No frame is free; `table` must be all zeros.
    #[must_use]
    pub fn new(table: &'a mut [u64; WORDS]) -> Self {
        Self {
            free: table,
            end_words: 0,
            free_count: 0,
            least_free_count: usize::MAX,
        }
    }

    /// How many frames are free.
    #[must_use]
    pub fn free_count(&self) -> usize {
        self.free_count
    }

    /// How many frames were free when the fewest were, counted after each [`Frames::reserve`].
    #[must_use]
    pub fn least_free_count(&self) -> usize {
        self.least_free_count
    }

    /// Whether the frame is free.
    #[must_use]
    pub fn is_free(&self, frame: usize) -> bool {
        frame < LIMIT_FRAMES && self.free[frame / BITS] >> (frame % BITS) & 1 == 1
    }

    /// One past the highest free frame.
    #[must_use]
    pub fn end(&self) -> usize {
        let words = &self.free[..self.end_words];
        let last = words.iter().rposition(|word| *word != 0);
        last.map_or(0, |index| {
            index * BITS + BITS - self.free[index].leading_zeros() as usize
        })
    }

    /// Makes frames free.
    pub fn release(&mut self, range: Range<usize>) {
        for frame in range {
            if !self.is_free(frame) {
                self.free[frame / BITS] |= 1 << (frame % BITS);
                self.end_words = self.end_words.max(frame / BITS + 1);
                self.free_count += 1;
            }
        }
    }

    /// Makes frames not free.
    pub fn reserve(&mut self, range: Range<usize>) {
        for frame in range {
            if self.is_free(frame) {
                self.free[frame / BITS] &= !(1 << (frame % BITS));
                self.free_count -= 1;
            }
        }
        self.least_free_count = self.least_free_count.min(self.free_count);
    }

    /// Takes `count` neighbouring frames, the lowest there are; returns the first.
    pub fn take(&mut self, count: usize) -> Option<usize> {
        if count == 0 || count > self.free_count {
            return None;
        }
        let mut start = 0;
        let mut frame = 0;
        while frame < LIMIT_FRAMES {
            if frame % BITS == 0 && self.free[frame / BITS] == 0 {
                frame += BITS;
                start = frame;
            } else if self.is_free(frame) {
                frame += 1;
                if frame - start == count {
                    self.reserve(start..frame);
                    return Some(start);
                }
            } else {
                frame += 1;
                start = frame;
            }
        }
        None
    }

    /// Takes so many frames, the highest that there are, and shows each with its index to `action`; none if there are
    /// fewer.
    pub fn take_each(&mut self, count: usize, mut action: impl FnMut(usize, usize)) -> bool {
        if count > self.free_count {
            return false;
        }
        let mut frame = self.end();
        for index in 0..count {
            frame -= 1;
            while !self.is_free(frame) {
                frame -= 1;
            }
            self.reserve(frame..frame + 1);
            action(index, frame);
        }
        true
    }

    /// Takes the highest free frame: single frames do not break up what [`Frames::take`] takes from.
    pub fn take_highest(&mut self) -> Option<usize> {
        let frame = self.end().checked_sub(1)?;
        self.end_words = frame / BITS + 1;
        self.reserve(frame..frame + 1);
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(ranges: &[Range<usize>], test: impl FnOnce(&mut Frames)) {
        let mut words = vec![0; WORDS];
        let mut frames = Frames::new(words.as_mut_slice().try_into().unwrap());
        for range in ranges {
            frames.release(range.clone());
        }
        test(&mut frames);
    }

    #[test]
    fn many_frames_are_taken_from_the_highest_on() {
        with(&[3..6, 300..302], |frames| {
            let mut taken = Vec::new();
            assert!(!frames.take_each(6, |_, frame| taken.push(frame)));
            assert!(frames.take_each(4, |_, frame| taken.push(frame)));
            assert_eq!(taken, [301, 300, 5, 4]);
            assert_eq!((frames.free_count(), frames.end()), (1, 4));
        });
    }

    #[test]
    fn the_least_free_count_is_kept() {
        with(&[0..50, 50..100], |frames| {
            frames.reserve(0..60);
            frames.release(0..60);
            frames.reserve(0..10);
            assert_eq!((frames.free_count(), frames.least_free_count()), (90, 40));
        });
    }

    #[test]
    fn what_is_released_above_the_highest_one_is_found() {
        with(&[3..4, 4..5], |frames| {
            assert_eq!(frames.take_highest(), Some(4));
            frames.release(700..701);
            assert_eq!((frames.end(), frames.take_highest()), (701, Some(700)));
            assert_eq!((frames.end(), frames.take_highest()), (4, Some(3)));
            assert_eq!((frames.end(), frames.take_highest()), (0, None));
        });
    }

    #[test]
    fn nothing_is_free_at_first() {
        with(&[], |frames| {
            assert_eq!(frames.take(1), None);
            assert_eq!(frames.take_highest(), None);
            assert_eq!(frames.end(), 0);
        });
    }

    #[test]
    fn neighbours_are_found_across_words_and_gaps() {
        with(&[3..5, 60..200], |frames| {
            assert_eq!(frames.free_count(), 142);
            assert_eq!(frames.take(100), Some(60));
            assert_eq!(frames.take(2), Some(3));
            assert_eq!(frames.take(41), None);
            assert_eq!(frames.take(40), Some(160));
            assert_eq!(frames.free_count(), 0);
            frames.release(70..80);
            assert_eq!(frames.take(10), Some(70));
        });
    }

    #[test]
    fn single_frames_come_from_the_top() {
        with(&[3..5, 64..65], |frames| {
            assert_eq!(frames.take_highest(), Some(64));
            assert_eq!(frames.take_highest(), Some(4));
            assert_eq!(frames.end(), 4);
        });
    }

    #[test]
    fn the_last_frame_can_be_used_and_none_beyond_it() {
        with(
            core::slice::from_ref(&(LIMIT_FRAMES - 2..LIMIT_FRAMES)),
            |frames| {
                assert_eq!(frames.take(3), None);
                assert_eq!(frames.take(2), Some(LIMIT_FRAMES - 2));
                assert!(!frames.is_free(LIMIT_FRAMES));
            },
        );
    }
}
