//! Where loops are, and which values are alive at the beginning of blocks.

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use crate::{Block, Function, Operation, Slot, Value};

/// A set of numbers below a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set(Vec<u64>);

impl Set {
    fn with_room_for(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn add(&mut self, number: u32) {
        self.0[number as usize / 64] |= 1 << (number % 64);
    }

    fn remove(&mut self, number: u32) {
        self.0[number as usize / 64] &= !(1 << (number % 64));
    }

    fn has(&self, number: u32) -> bool {
        self.0[number as usize / 64] >> (number % 64) & 1 != 0
    }

    fn add_all(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    fn iter(&self) -> impl Iterator<Item = u32> {
        let numbers = 0..self.0.len() as u32 * 64;
        numbers.filter(|number| self.has(*number))
    }
}

/// Larger functions, by blocks times values, are not looked at: it takes a bit for each.
const MOST_BITS: usize = 1 << 26;

/// What is known of a function.
#[derive(Clone, Debug)]
pub(crate) struct Analysis<'a> {
    function: &'a Function,
    /// By blocks.
    live: Vec<Set>,
}

impl<'a> Analysis<'a> {
    /// `None` if the function is too large.
    pub(crate) fn of(function: &'a Function) -> Option<Self> {
        let (blocks, values) = (function.blocks.len(), function.values.len());
        if blocks.saturating_mul(values) > MOST_BITS {
            return None;
        }
        let mut analysis = Self {
            function,
            live: vec![Set::with_room_for(values); blocks],
        };
        let mut is_changed = true;
        while is_changed {
            is_changed = false;
            for block in (0..blocks as u32).rev() {
                is_changed |= analysis.update(block);
            }
        }
        Some(analysis)
    }

    /// Takes over from the blocks behind; returns whether that has changed anything.
    fn update(&mut self, block: u32) -> bool {
        let body = &self.function.blocks[block as usize];
        let mut set = Set::with_room_for(self.function.values.len());
        body.end.visit_jumps(|jump| {
            set.add_all(&self.live[jump.block.0 as usize]);
            jump.arguments.iter().for_each(|value| set.add(value.0));
        });
        body.end.visit_own(|value| set.add(value.0));
        for instruction in body.instructions.iter().rev() {
            for result in &instruction.results {
                set.remove(result.0);
            }
            instruction.operation.visit(|value| set.add(value.0));
        }
        for parameter in &body.parameters {
            set.remove(parameter.0);
        }
        let is_other = set != self.live[block as usize];
        self.live[block as usize] = set;
        is_other
    }

    /// The values that are defined before the block, and used in it or behind it.
    pub(crate) fn live_at(&self, block: Block) -> impl Iterator<Item = Value> {
        self.live[block.0 as usize].iter().map(Value)
    }

    /// Whether a value is one of these.
    pub(crate) fn is_live_at(&self, value: Value, block: Block) -> bool {
        self.live[block.0 as usize].has(value.0)
    }
}

/// The blocks that control comes back to.
pub(crate) fn loop_headers(function: &Function) -> BTreeSet<Block> {
    let mut headers = BTreeSet::new();
    for (body, number) in function.blocks.iter().zip(0..) {
        // Blocks stand behind those that lead to them, but for loops.
        let back = body.end.successors().into_iter();
        headers.extend(back.filter(|block| block.0 <= number));
    }
    headers
}

/// The blocks that control can come to from one, each behind those that lead to it but for loops.
pub(crate) fn region(function: &Function, first: Block) -> Vec<Block> {
    let successors = |block: Block| function.blocks[block.0 as usize].end.successors();
    let mut seen = BTreeSet::from([first]);
    let mut open = vec![(first, successors(first))];
    let mut order = Vec::new();
    while let Some((block, rest)) = open.last_mut() {
        match rest.pop() {
            Some(next) => {
                if seen.insert(next) {
                    open.push((next, successors(next)));
                }
            }
            None => {
                order.push(*block);
                open.pop();
            }
        }
    }
    order.reverse();
    order
}

/// The places in the frame whose addresses are taken in these blocks; `None` if something in them is about the frame
/// itself, and means it alone.
pub(crate) fn slots_in(function: &Function, blocks: &[Block]) -> Option<BTreeSet<Slot>> {
    let mut slots = BTreeSet::new();
    for block in blocks {
        for instruction in &function.blocks[block.0 as usize].instructions {
            match &instruction.operation {
                Operation::SlotAddress(slot) => {
                    slots.insert(*slot);
                }
                Operation::FrameAddress
                | Operation::ReturnAddress
                | Operation::StartArguments(_) => return None,
                _ => {}
            }
        }
    }
    Some(slots)
}
