//! Where a program and a compiler that works beside it meet: in memory that both have.
//!
//! 1. The program offers requests, each with the count at which it is due; of one unit there is one. The compiler takes
//!    what is hottest now: what has counted furthest beyond the count at which it was due.
//! 2. The compiler answers each request that it has taken, with bytes that lie in a ring beside this. The program reads
//!    answers in their order, and gives their bytes back.
//! 3. One program and one compiler, and neither ever waits here for the other. Either may end at any moment, and the
//!    program may overwrite everything: numbers that come from here are looked at before they are used.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::{LEVELS, Level};

/// How many requests may be open.
pub const REQUEST_LIMIT: usize = 64;

const FREE: u32 = 0;
const OPEN: u32 = 1;
const TAKEN: u32 = 2;

/// A unit to be compiled at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The unit's number.
    pub unit: u32,
    /// The level.
    pub level: Level,
    /// The count at which it was due.
    pub due: u64,
}

/// What has become of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is open.
    Added,
    /// The unit has a request already, which stays, or is for the higher level now.
    Merged,
    /// There is no room.
    Full,
}

/// What an answer's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An object, whose code may be freed when no call needs it.
    Object,
    /// An object whose code must stay.
    LastingObject,
    /// The text of an error.
    Failed,
    /// The text of an error: it took too long.
    TookTooLong,
    /// Why the level's code generator makes no code of it.
    Refused,
}

const OUTCOMES: [Outcome; 5] = [
    Outcome::Object,
    Outcome::LastingObject,
    Outcome::Failed,
    Outcome::TookTooLong,
    Outcome::Refused,
];

/// What the compiler has made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was asked for.
    pub request: Request,
    /// What the bytes are.
    pub outcome: Outcome,
    /// Where the bytes are in the ring.
    pub offset: usize,
    /// How many there are.
    pub size_bytes: usize,
    /// Time stamp counter cycles that it took.
    pub cycles: u64,
    entry: usize,
    /// Where the bytes end, of all that have ever been in the ring.
    end: u64,
}

/// A request that the compiler has taken.
#[derive(Debug)]
pub struct Taken {
    /// What is asked for.
    pub request: Request,
    entry: usize,
}

#[derive(Debug)]
struct Entry {
    state: AtomicU32,
    unit: AtomicU32,
    level: AtomicU32,
    due: AtomicU64,
}

impl Entry {
    fn request(&self) -> Option<Request> {
        Some(Request {
            unit: self.unit.load(Ordering::Relaxed),
            level: *LEVELS.get(self.level.load(Ordering::Relaxed) as usize)?,
            due: self.due.load(Ordering::Relaxed),
        })
    }

    fn open(&self, request: Request) {
        self.unit.store(request.unit, Ordering::Relaxed);
        self.level
            .store(request.level.index() as u32, Ordering::Relaxed);
        self.due.store(request.due, Ordering::Relaxed);
        self.state.store(OPEN, Ordering::Release);
    }

    fn state(&self) -> u32 {
        self.state.load(Ordering::Acquire)
    }

    fn change(&self, from: u32, to: u32) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

#[derive(Debug)]
struct WrittenAnswer {
    entry: AtomicU32,
    outcome: AtomicU32,
    start: AtomicU64,
    size_bytes: AtomicU64,
    cycles: AtomicU64,
}

/// The meeting place; zeroed memory is an empty one.
#[derive(Debug)]
#[repr(C)]
pub struct Exchange {
    entries: [Entry; REQUEST_LIMIT],
    answers: [WrittenAnswer; REQUEST_LIMIT],
    /// Grows with each offer.
    offered: AtomicU32,
    /// How many answers there were, and how many of them have been given back.
    answered: AtomicU32,
    given_back: AtomicU32,
    /// Of all bytes that have ever been in the ring: where the next ones may start, and what was given back.
    head: AtomicU64,
    tail: AtomicU64,
    /// Grows while the compiler runs.
    pulse: AtomicU64,
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}

impl Exchange {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: [const {
                Entry {
                    state: AtomicU32::new(FREE),
                    unit: AtomicU32::new(0),
                    level: AtomicU32::new(0),
                    due: AtomicU64::new(0),
                }
            }; REQUEST_LIMIT],
            answers: [const {
                WrittenAnswer {
                    entry: AtomicU32::new(0),
                    outcome: AtomicU32::new(0),
                    start: AtomicU64::new(0),
                    size_bytes: AtomicU64::new(0),
                    cycles: AtomicU64::new(0),
                }
            }; REQUEST_LIMIT],
            offered: AtomicU32::new(0),
            answered: AtomicU32::new(0),
            given_back: AtomicU32::new(0),
            head: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            pulse: AtomicU64::new(0),
        }
    }

    // The program's side.

    /// Asks for a unit at a level.
    pub fn offer(&self, request: Request) -> Offer {
        let mut free = None;
        for entry in &self.entries {
            if entry.state() == FREE {
                free = free.or(Some(entry));
            } else if entry.unit.load(Ordering::Relaxed) == request.unit {
                let is_higher = entry
                    .request()
                    .is_none_or(|earlier| request.level > earlier.level);
                // What has been taken is being compiled.
                if is_higher && entry.change(OPEN, FREE) {
                    entry.open(request);
                }
                return Offer::Merged;
            }
        }
        let Some(entry) = free else {
            return Offer::Full;
        };
        entry.open(request);
        self.offered.fetch_add(1, Ordering::Release);
        Offer::Added
    }

    /// Takes the unit's request back. False if the compiler has taken it, or if there is none.
    pub fn withdraw(&self, unit: u32) -> bool {
        let mut used = self.entries.iter().filter(|entry| entry.state() != FREE);
        used.find(|entry| entry.unit.load(Ordering::Relaxed) == unit)
            .is_some_and(|entry| entry.change(OPEN, FREE))
    }

    /// All requests that have no answer that was given back, and whether the compiler has taken them.
    pub fn all(&self) -> impl Iterator<Item = (Request, bool)> {
        let used = self.entries.iter().filter(|entry| entry.state() != FREE);
        used.filter_map(|entry| Some((entry.request()?, entry.state() == TAKEN)))
    }

    /// Whether there is an answer.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        self.answered.load(Ordering::Acquire) != self.given_back.load(Ordering::Relaxed)
    }

    /// The oldest answer. `None` too if it makes no sense: somebody has overwritten it.
    #[must_use]
    pub fn answer(&self, ring_bytes: usize) -> Option<Answer> {
        if !self.has_answer() {
            return None;
        }
        let number = self.given_back.load(Ordering::Relaxed) as usize;
        let written = &self.answers[number % REQUEST_LIMIT];
        let entry = written.entry.load(Ordering::Relaxed) as usize;
        let start = written.start.load(Ordering::Relaxed);
        let size_bytes = usize::try_from(written.size_bytes.load(Ordering::Relaxed)).ok()?;
        let offset = (start % ring_bytes.max(1) as u64) as usize;
        if size_bytes > ring_bytes || offset > ring_bytes - size_bytes {
            return None;
        }
        Some(Answer {
            request: self.entries.get(entry)?.request()?,
            outcome: *OUTCOMES.get(written.outcome.load(Ordering::Relaxed) as usize)?,
            offset,
            size_bytes,
            cycles: written.cycles.load(Ordering::Relaxed),
            entry,
            end: start.checked_add(size_bytes as u64)?,
        })
    }

    /// Gives the answer's bytes back, and lets the unit be asked for again.
    pub fn give_back(&self, answer: &Answer) {
        self.entries[answer.entry]
            .state
            .store(FREE, Ordering::Release);
        self.tail.store(answer.end, Ordering::Release);
        self.given_back.fetch_add(1, Ordering::Release);
    }

    /// Makes it an empty one again. Nobody is at the other side.
    pub fn clear(&self) {
        for entry in &self.entries {
            entry.state.store(FREE, Ordering::Release);
        }
        self.given_back
            .store(self.answered.load(Ordering::Relaxed), Ordering::Relaxed);
        self.tail
            .store(self.head.load(Ordering::Relaxed), Ordering::Release);
    }

    /// How often the compiler's pulse has beaten.
    #[must_use]
    pub fn pulse(&self) -> u64 {
        self.pulse.load(Ordering::Relaxed)
    }

    // The compiler's side.

    /// Changes when there are new offers: to be read before [`Self::take`], and waited for after it.
    #[must_use]
    pub const fn offered(&self) -> &AtomicU32 {
        &self.offered
    }

    /// Changes when room is given back: to be read before [`Self::room_for`], and waited for after it.
    #[must_use]
    pub const fn given_back(&self) -> &AtomicU32 {
        &self.given_back
    }

    /// The pulse, for a timer.
    #[must_use]
    pub const fn pulse_word(&self) -> &AtomicU64 {
        &self.pulse
    }

    /// Takes the hottest open request. `count` is what a unit counts now.
    pub fn take(&self, count: impl Fn(u32) -> u64) -> Option<Taken> {
        loop {
            let open = self.entries.iter().enumerate();
            let (index, entry, _) = open
                .filter(|(_, entry)| entry.state() == OPEN)
                .map(|(index, entry)| {
                    let due = entry.due.load(Ordering::Relaxed).max(1);
                    let heat = count(entry.unit.load(Ordering::Relaxed)) as f64 / due as f64;
                    (index, entry, heat)
                })
                .reduce(|best, other| if other.2 > best.2 { other } else { best })?;
            // The program may have withdrawn it.
            if entry.change(OPEN, TAKEN) {
                let request = entry.request()?;
                return Some(Taken {
                    request,
                    entry: index,
                });
            }
        }
    }

    /// Where in a ring of so many bytes an answer's bytes may lie; `None` as long as there is no room.
    #[must_use]
    pub fn room_for(&self, size_bytes: usize, ring_bytes: usize) -> Option<usize> {
        let ring = ring_bytes as u64;
        let (head, tail) = (
            self.head.load(Ordering::Relaxed),
            self.tail.load(Ordering::Acquire),
        );
        let offset = head % ring;
        // An empty ring starts over, so that small answers use little of it.
        let start = if head == tail || offset + size_bytes as u64 > ring {
            head.next_multiple_of(ring)
        } else {
            head
        };
        let has_room = head == tail || start + size_bytes as u64 - tail <= ring;
        if size_bytes > ring_bytes || !has_room {
            return None;
        }
        self.head.store(start, Ordering::Relaxed);
        Some((start % ring) as usize)
    }

    /// Answers with the bytes for which there was room.
    pub fn answer_with(&self, taken: &Taken, outcome: Outcome, size_bytes: usize, cycles: u64) {
        let start = self.head.load(Ordering::Relaxed);
        let number = self.answered.load(Ordering::Relaxed) as usize;
        let written = &self.answers[number % REQUEST_LIMIT];
        let index = OUTCOMES.iter().position(|other| *other == outcome);
        written.entry.store(taken.entry as u32, Ordering::Relaxed);
        written
            .outcome
            .store(index.unwrap_or(0) as u32, Ordering::Relaxed);
        written.start.store(start, Ordering::Relaxed);
        written
            .size_bytes
            .store(size_bytes as u64, Ordering::Relaxed);
        written.cycles.store(cycles, Ordering::Relaxed);
        self.head
            .store(start + size_bytes as u64, Ordering::Relaxed);
        self.answered.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    extern crate std;

    const RING_BYTES: usize = 1000;

    fn level_of(exchange: &Exchange, unit: u32) -> Option<Level> {
        let mut all = exchange.all();
        all.find(|(request, _)| request.unit == unit)
            .map(|(request, _)| request.level)
    }

    fn request(unit: u32, level: Level) -> Request {
        Request {
            unit,
            level,
            due: 10,
        }
    }

    #[test]
    fn the_hottest_is_taken_first_and_each_unit_once() {
        let exchange = Exchange::new();
        for unit in 0..3 {
            assert_eq!(exchange.offer(request(unit, Level::O1)), Offer::Added);
        }
        assert_eq!(exchange.offer(request(1, Level::O3)), Offer::Merged);
        assert_eq!(exchange.offer(request(1, Level::O2)), Offer::Merged);
        assert_eq!(level_of(&exchange, 1), Some(Level::O3));
        let counts = [20, 10, 30];
        let take = || exchange.take(|unit| counts[unit as usize]);
        let order: Vec<Request> = core::iter::from_fn(take)
            .map(|taken| taken.request)
            .collect();
        let expected = [(2, Level::O1), (0, Level::O1), (1, Level::O3)];
        assert_eq!(order, expected.map(|(unit, level)| request(unit, level)));
        // It is being compiled.
        assert!(!exchange.withdraw(2));
        assert_eq!(exchange.offer(request(2, Level::O3)), Offer::Merged);
        assert_eq!(level_of(&exchange, 2), Some(Level::O1));
    }

    #[test]
    fn what_is_asked_for_is_bounded() {
        let exchange = Exchange::new();
        for unit in 0..REQUEST_LIMIT as u32 {
            assert_eq!(exchange.offer(request(unit, Level::O0)), Offer::Added);
        }
        assert_eq!(exchange.offer(request(1000, Level::O0)), Offer::Full);
        assert!(exchange.withdraw(3) && !exchange.withdraw(3));
        assert_eq!(exchange.offer(request(1000, Level::O0)), Offer::Added);
        exchange.clear();
        assert_eq!(exchange.offer(request(1, Level::O0)), Offer::Added);
    }

    #[test]
    fn what_makes_no_sense_is_no_answer() {
        let exchange = Exchange::new();
        exchange.offer(request(7, Level::O2));
        let taken = exchange.take(|_| 1).unwrap();
        assert_eq!(exchange.room_for(RING_BYTES + 1, RING_BYTES), None);
        assert_eq!(exchange.room_for(100, RING_BYTES), Some(0));
        exchange.answer_with(&taken, Outcome::Object, 100, 5);
        assert!(exchange.answer(RING_BYTES).is_some());
        assert_eq!(exchange.answer(99), None);
        exchange.answers[0].outcome.store(9, Ordering::Relaxed);
        assert_eq!(exchange.answer(RING_BYTES), None);
        exchange.answers[0].outcome.store(0, Ordering::Relaxed);
        exchange.answers[0].entry.store(99, Ordering::Relaxed);
        assert_eq!(exchange.answer(RING_BYTES), None);
    }

    proptest! {
        #[test]
        fn answers_come_in_order_and_their_bytes_never_overlap(
            steps in prop::collection::vec((any::<bool>(), 1_usize..600), 0..200),
        ) {
            let exchange = Exchange::new();
            let mut unit = 0;
            let mut open: VecDeque<(u32, usize, usize)> = VecDeque::new();
            for (is_answer, size_bytes) in steps {
                if is_answer {
                    let Some(offset) = exchange.room_for(size_bytes, RING_BYTES) else {
                        prop_assert!(!open.is_empty(), "an empty ring has room");
                        continue;
                    };
                    if exchange.offer(request(unit, Level::O1)) == Offer::Full {
                        continue;
                    }
                    prop_assert!(offset + size_bytes <= RING_BYTES);
                    for (_, other, other_bytes) in &open {
                        prop_assert!(offset + size_bytes <= *other || other + other_bytes <= offset);
                    }
                    let taken = exchange.take(|_| 1).unwrap();
                    exchange.answer_with(&taken, Outcome::Object, size_bytes, 1);
                    open.push_back((unit, offset, size_bytes));
                    unit += 1;
                } else if let Some((unit, offset, size_bytes)) = open.pop_front() {
                    let answer = exchange.answer(RING_BYTES).unwrap();
                    prop_assert_eq!(answer.request.unit, unit);
                    prop_assert_eq!((answer.offset, answer.size_bytes), (offset, size_bytes));
                    exchange.give_back(&answer);
                } else {
                    prop_assert!(!exchange.has_answer());
                }
            }
        }
    }

    #[test]
    fn two_threads_exchange_everything_once() {
        const COUNT: u32 = 5_000;
        let exchange = Exchange::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut left = COUNT;
                while left > 0 {
                    if let Some(taken) = exchange.take(|unit| u64::from(unit % 7)) {
                        let size_bytes = taken.request.unit as usize % 300;
                        while exchange.room_for(size_bytes, RING_BYTES).is_none() {}
                        exchange.answer_with(&taken, Outcome::Object, size_bytes, 1);
                        left -= 1;
                    }
                }
            });
            let (mut next, mut seen) = (0, Vec::new());
            while seen.len() < COUNT as usize {
                if next < COUNT && exchange.offer(request(next, Level::O1)) == Offer::Added {
                    next += 1;
                }
                if let Some(answer) = exchange.answer(RING_BYTES) {
                    assert_eq!(answer.size_bytes, answer.request.unit as usize % 300);
                    seen.push(answer.request.unit);
                    exchange.give_back(&answer);
                }
            }
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..COUNT));
        });
    }
}
