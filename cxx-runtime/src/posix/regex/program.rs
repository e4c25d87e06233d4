//! The list of instructions of a pattern, and how all its threads are stepped at once.

use alloc::vec;
use alloc::vec::Vec;

use super::parse::{Assertion, Node, Set, contains};
use super::{Error, Text};

/// An instruction; its successors are counted from the start of the list.
#[derive(Clone, Debug)]
enum Instruction {
    Byte(Set),
    Assert(Assertion),
    /// Both are tried.
    Split(usize, usize),
    Jump(usize),
    Match,
}

/// A pattern as a list of instructions.
#[derive(Clone, Debug)]
pub(super) struct Program(Vec<Instruction>);

/// A pattern whose list is longer is refused: repetitions multiply.
const LENGTH_LIMIT: usize = 1 << 20;

impl Program {
    pub(super) fn of(tree: &Node) -> Result<Self, Error> {
        let mut program = Self(Vec::new());
        program.add(tree)?;
        program.push(Instruction::Match)?;
        Ok(program)
    }

    fn push(&mut self, instruction: Instruction) -> Result<usize, Error> {
        if self.0.len() == LENGTH_LIMIT {
            return Err(Error::OutOfMemory);
        }
        self.0.push(instruction);
        Ok(self.0.len() - 1)
    }

    fn add(&mut self, node: &Node) -> Result<(), Error> {
        match node {
            // A back-reference is not searched in this way.
            Node::Empty | Node::Reference(..) => {}
            Node::Byte(set) => drop(self.push(Instruction::Byte(*set))?),
            Node::Assert(assertion) => drop(self.push(Instruction::Assert(*assertion))?),
            Node::Group(_, inner) => self.add(inner)?,
            Node::Sequence(parts) => {
                for part in parts {
                    self.add(part)?;
                }
            }
            Node::Alternatives(all) => {
                let mut jumps = Vec::new();
                let Some((last, others)) = all.split_last() else {
                    return Ok(());
                };
                for alternative in others {
                    let split = self.push(Instruction::Jump(0))?;
                    self.add(alternative)?;
                    jumps.push(self.push(Instruction::Jump(0))?);
                    self.0[split] = Instruction::Split(split + 1, self.0.len());
                }
                self.add(last)?;
                for jump in jumps {
                    self.0[jump] = Instruction::Jump(self.0.len());
                }
            }
            Node::Repeat(inner, least, most) => {
                for _ in 0..*least {
                    self.add(inner)?;
                }
                match most {
                    None => {
                        let split = self.push(Instruction::Jump(0))?;
                        self.add(inner)?;
                        self.push(Instruction::Jump(split))?;
                        self.0[split] = Instruction::Split(split + 1, self.0.len());
                    }
                    Some(most) => {
                        let mut splits = Vec::new();
                        for _ in *least..*most {
                            splits.push(self.push(Instruction::Jump(0))?);
                            self.add(inner)?;
                        }
                        for split in splits {
                            self.0[split] = Instruction::Split(split + 1, self.0.len());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The leftmost of the longest matches.
    pub(super) fn find(&self, text: Text) -> Option<(usize, usize)> {
        let mut threads = Threads::new(self.0.len());
        let mut next = Threads::new(self.0.len());
        let mut found: Option<(usize, usize)> = None;
        for position in 0..=text.bytes.len() {
            if found.is_none() {
                threads.follow(&self.0, 0, position, text, position);
            }
            // Only threads that started where the best match did, or before it, can be better.
            if let Some(start) = threads.matched.take()
                && found.is_none_or(|(best, _)| start <= best)
            {
                found = Some((start, position));
            }
            if threads.list.is_empty() && found.is_some() {
                break;
            }
            let Some(byte) = text.bytes.get(position) else {
                break;
            };
            next.clear();
            for index in 0..threads.list.len() {
                let (instruction, start) = threads.list[index];
                if found.is_some_and(|(best, _)| start > best) {
                    continue;
                }
                if let Instruction::Byte(set) = &self.0[instruction]
                    && contains(set, *byte)
                {
                    next.follow(&self.0, instruction + 1, start, text, position + 1);
                }
            }
            core::mem::swap(&mut threads, &mut next);
        }
        found
    }

    /// All ends of the matches that start at a position, up to `limit`.
    pub(super) fn ends(&self, text: Text, start: usize, limit: usize) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut threads = Threads::new(self.0.len());
        let mut next = Threads::new(self.0.len());
        threads.follow(&self.0, 0, start, text, start);
        for position in start..=limit {
            if threads.matched.take().is_some() {
                ends.push(position);
            }
            if position == limit || threads.list.is_empty() {
                break;
            }
            next.clear();
            for index in 0..threads.list.len() {
                let (instruction, _) = threads.list[index];
                if let Instruction::Byte(set) = &self.0[instruction]
                    && contains(set, text.bytes[position])
                {
                    next.follow(&self.0, instruction + 1, start, text, position + 1);
                }
            }
            core::mem::swap(&mut threads, &mut next);
        }
        ends
    }
}

/// The instructions that wait for a byte, each with where the earliest match that reached it started.
struct Threads {
    list: Vec<(usize, usize)>,
    /// In which generation an instruction was reached.
    reached: Vec<u32>,
    generation: u32,
    matched: Option<usize>,
    stack: Vec<usize>,
}

impl Threads {
    fn new(length: usize) -> Self {
        Self {
            list: Vec::new(),
            reached: vec![0; length],
            generation: 1,
            matched: None,
            stack: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.matched = None;
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.reached.fill(0);
            self.generation = 1;
        }
    }

    /// Adds what can be reached from an instruction without a byte. Earlier starts are added first: what they have
    /// reached is theirs.
    fn follow(
        &mut self,
        program: &[Instruction],
        instruction: usize,
        start: usize,
        text: Text,
        position: usize,
    ) {
        self.stack.push(instruction);
        while let Some(instruction) = self.stack.pop() {
            if self.reached[instruction] == self.generation {
                continue;
            }
            self.reached[instruction] = self.generation;
            match &program[instruction] {
                Instruction::Byte(_) => self.list.push((instruction, start)),
                Instruction::Assert(assertion) => {
                    if text.holds(*assertion, position) {
                        self.stack.push(instruction + 1);
                    }
                }
                Instruction::Split(first, second) => {
                    self.stack.push(*second);
                    self.stack.push(*first);
                }
                Instruction::Jump(target) => self.stack.push(*target),
                Instruction::Match => self.matched = self.matched.or(Some(start)),
            }
        }
    }
}
