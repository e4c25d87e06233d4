//! What is on a disk after a power cut.

use bareflow_volume::ram_disk::{Operation, RamDisk};

/// Numbers that look random and are the same in every run (xorshift64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// A disk that does all writes in order, and loses power before each of them, and behind the last.
pub fn cuts_in_order(
    before: &RamDisk,
    operations: &[Operation],
    mut check: impl FnMut(usize, RamDisk),
) {
    let mut disk = before.clone();
    for (index, operation) in operations.iter().enumerate() {
        if let Operation::Write(sector, bytes) = operation {
            check(index, disk.clone());
            disk.apply(*sector, bytes);
        }
    }
    check(operations.len(), disk);
}

/// A disk that loses power at the same places, but does what was not flushed in any order, and some of it never.
/// Every place is tried so often.
pub fn cuts_with_a_cache(
    before: &RamDisk,
    operations: &[Operation],
    tries: usize,
    random: &mut Random,
    mut check: impl FnMut(usize, RamDisk),
) {
    let mut flushed = before.clone();
    let mut waiting = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        match operation {
            Operation::Write(sector, bytes) => {
                waiting.push((*sector, bytes));
                for _ in 0..tries {
                    let mut order = waiting.clone();
                    let done = random.below(order.len() + 1);
                    let mut disk = flushed.clone();
                    for place in 0..done {
                        let other = place + random.below(order.len() - place);
                        order.swap(place, other);
                        disk.apply(order[place].0, order[place].1);
                    }
                    check(index, disk);
                }
            }
            Operation::Flush => {
                for (sector, bytes) in waiting.drain(..) {
                    flushed.apply(sector, bytes);
                }
            }
        }
    }
}
