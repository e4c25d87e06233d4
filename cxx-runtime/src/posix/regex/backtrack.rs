//! Patterns with back-references: a search that remembers which states have failed.
//!
//! A state is where the search is in the pattern and in the text, and what the groups hold. It is entered once, so
//! the time is polynomial for a fixed number of groups.

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

use super::parse::{Node, contains};
use super::{Error, Span, Text};

/// What is still to be matched, the next first.
#[derive(Clone)]
enum Task<'a> {
    Node(&'a Node),
    /// A group that started there ends here.
    Close(usize, usize),
    /// A round of a repetition that started there has ended, the so many-th.
    Round(&'a Node, usize, u32),
}

/// A list of tasks that shares its tail.
type Tasks<'a> = Option<Rc<Link<'a>>>;

struct Link<'a> {
    task: Task<'a>,
    rest: Tasks<'a>,
}

impl Drop for Link<'_> {
    /// Without recursion: the list may be long.
    fn drop(&mut self) {
        let mut rest = self.rest.take();
        while let Some(link) = rest {
            match Rc::try_unwrap(link) {
                Ok(mut link) => rest = link.rest.take(),
                Err(_) => break,
            }
        }
    }
}

fn push<'a>(task: Task<'a>, rest: &Tasks<'a>) -> Tasks<'a> {
    Some(Rc::new(Link {
        task,
        rest: rest.clone(),
    }))
}

/// More states are refused as too much memory.
const STATE_LIMIT: usize = 1 << 20;

struct Search<'a, 't> {
    text: Text<'t>,
    best: Option<(usize, Vec<Span>)>,
    /// The fingerprints of the states that were entered.
    entered: BTreeSet<Vec<usize>>,
    stack: Vec<(Tasks<'a>, usize, Vec<Span>)>,
}

/// The spans of the leftmost of the longest matches and of its groups.
pub(super) fn find(tree: &Node, group_count: usize, text: Text) -> Result<Vec<Span>, Error> {
    for start in 0..=text.bytes.len() {
        let mut search = Search {
            text,
            best: None,
            entered: BTreeSet::new(),
            stack: Vec::new(),
        };
        search.run(tree, group_count, start)?;
        if let Some((end, mut spans)) = search.best {
            spans[0] = Some((start, end));
            return Ok(spans);
        }
    }
    Err(Error::NoMatch)
}

impl<'a> Search<'a, '_> {
    fn run(&mut self, tree: &'a Node, group_count: usize, start: usize) -> Result<(), Error> {
        let tasks = push(Task::Node(tree), &None);
        self.stack.push((tasks, start, vec![None; group_count + 1]));
        while let Some((tasks, position, spans)) = self.stack.pop() {
            self.step(tasks, position, spans)?;
            if self.entered.len() > STATE_LIMIT {
                return Err(Error::OutOfMemory);
            }
        }
        Ok(())
    }

    /// What tells this state from others.
    fn fingerprint(tasks: &Tasks, position: usize, spans: &[Span]) -> Vec<usize> {
        let mut all = vec![position];
        for span in spans {
            let (start, end) = span.map_or((0, 0), |(start, end)| (start + 1, end + 1));
            all.extend([start, end]);
        }
        let mut link = tasks;
        while let Some(inner) = link {
            match &inner.task {
                Task::Node(node) => all.push(core::ptr::from_ref(*node) as usize),
                Task::Close(group, start) => all.extend([*group, *start]),
                Task::Round(node, start, count) => {
                    all.extend([core::ptr::from_ref(*node) as usize, *start, *count as usize]);
                }
            }
            link = &inner.rest;
        }
        all
    }

    /// Goes on with one state until it branches, matches or fails.
    fn step(
        &mut self,
        mut tasks: Tasks<'a>,
        mut position: usize,
        mut spans: Vec<Span>,
    ) -> Result<(), Error> {
        loop {
            let Some(link) = tasks.take() else {
                if self.best.as_ref().is_none_or(|(end, _)| position > *end) {
                    self.best = Some((position, spans));
                }
                return Ok(());
            };
            let rest = link.rest.clone();
            match &link.task {
                Task::Close(group, start) => {
                    spans[*group] = Some((*start, position));
                    tasks = rest;
                }
                Task::Round(node, start, count) => {
                    let Node::Repeat(_, least, _) = node else {
                        return Ok(());
                    };
                    // A round that was empty and need not be there repeats for ever.
                    if position == *start && count > least {
                        return Ok(());
                    }
                    self.repeat(node, *count, position, spans, &rest);
                    return Ok(());
                }
                Task::Node(node) => match node {
                    Node::Empty => tasks = rest,
                    Node::Byte(set) => {
                        match self.text.bytes.get(position) {
                            Some(byte) if contains(set, *byte) => position += 1,
                            _ => return Ok(()),
                        }
                        tasks = rest;
                    }
                    Node::Assert(assertion) => {
                        if !self.text.holds(*assertion, position) {
                            return Ok(());
                        }
                        tasks = rest;
                    }
                    Node::Reference(group, ignores_case) => {
                        let Some((start, end)) = spans[*group] else {
                            return Ok(());
                        };
                        let wanted = &self.text.bytes[start..end];
                        let Some(found) = self.text.bytes.get(position..position + wanted.len())
                        else {
                            return Ok(());
                        };
                        let is_equal = if *ignores_case {
                            wanted.eq_ignore_ascii_case(found)
                        } else {
                            wanted == found
                        };
                        if !is_equal {
                            return Ok(());
                        }
                        position += wanted.len();
                        tasks = rest;
                    }
                    Node::Group(number, inner) => {
                        tasks = push(
                            Task::Node(inner),
                            &push(Task::Close(*number, position), &rest),
                        );
                    }
                    Node::Sequence(parts) => {
                        tasks = parts
                            .iter()
                            .rev()
                            .fold(rest, |rest, part| push(Task::Node(part), &rest));
                    }
                    Node::Alternatives(all) => {
                        for alternative in all.iter().rev() {
                            self.branch(
                                push(Task::Node(alternative), &rest),
                                position,
                                spans.clone(),
                            );
                        }
                        return Ok(());
                    }
                    Node::Repeat(..) => {
                        self.repeat(node, 0, position, spans, &rest);
                        return Ok(());
                    }
                },
            }
        }
    }

    /// One more round, if there may be one, is tried before none.
    fn repeat(
        &mut self,
        node: &'a Node,
        count: u32,
        position: usize,
        spans: Vec<Span>,
        rest: &Tasks<'a>,
    ) {
        let Node::Repeat(inner, least, most) = node else {
            return;
        };
        if count >= *least {
            self.branch(rest.clone(), position, spans.clone());
        }
        if most.is_none_or(|most| count < most) {
            // Beyond the least count all rounds are alike.
            let next = if most.is_none() {
                (count + 1).min(least + 1)
            } else {
                count + 1
            };
            let tasks = push(
                Task::Node(inner),
                &push(Task::Round(node, position, next), rest),
            );
            self.branch(tasks, position, spans);
        }
    }

    fn branch(&mut self, tasks: Tasks<'a>, position: usize, spans: Vec<Span>) {
        if self
            .entered
            .insert(Self::fingerprint(&tasks, position, &spans))
        {
            self.stack.push((tasks, position, spans));
        }
    }
}
