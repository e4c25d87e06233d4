//! What the groups of a match are: of each sequence every part takes the most that lets the rest match, from left to
//! right, and so does every round of a repetition.

use alloc::vec;
use alloc::vec::Vec;

use super::parse::Node;
use super::program::Program;
use super::{Span, Text};

/// Sets the groups within `node`, which matches the whole span.
pub(super) fn assign(node: &Node, text: Text, span: (usize, usize), spans: &mut [Span]) {
    if !has_groups(node) {
        return;
    }
    match node {
        Node::Group(number, inner) => {
            spans[*number] = Some(span);
            assign(inner, text, span, spans);
        }
        Node::Alternatives(all) => {
            let matching = all
                .iter()
                .find(|alternative| ends(alternative, text, span).contains(&span.1));
            if let Some(alternative) = matching {
                assign(alternative, text, span, spans);
            }
        }
        Node::Sequence(parts) => assign_sequence(parts, text, span, spans),
        Node::Repeat(inner, least, most) => {
            assign_repetition(inner, *least, *most, text, span, spans);
        }
        Node::Empty | Node::Byte(_) | Node::Assert(_) | Node::Reference(..) => {}
    }
}

fn has_groups(node: &Node) -> bool {
    match node {
        Node::Group(..) => true,
        Node::Alternatives(all) | Node::Sequence(all) => all.iter().any(has_groups),
        Node::Repeat(inner, _, _) => has_groups(inner),
        Node::Empty | Node::Byte(_) | Node::Assert(_) | Node::Reference(..) => false,
    }
}

/// Where matches of a part that start with the span may end within it.
fn ends(node: &Node, text: Text, span: (usize, usize)) -> Vec<usize> {
    match node {
        Node::Empty => vec![span.0],
        // The whole pattern has been compiled: its parts are no longer.
        node => Program::of(node)
            .map(|program| program.ends(text, span.0, span.1))
            .unwrap_or_default(),
    }
}

/// A set of positions of the span, from its start.
fn positions(span: (usize, usize), ends: impl IntoIterator<Item = usize>) -> Vec<bool> {
    let mut set = vec![false; span.1 - span.0 + 1];
    for end in ends {
        set[end - span.0] = true;
    }
    set
}

fn assign_sequence(parts: &[Node], text: Text, span: (usize, usize), spans: &mut [Span]) {
    let mut start = span.0;
    for (index, part) in parts.iter().enumerate() {
        let rest = &parts[index + 1..];
        let end = if rest.is_empty() {
            span.1
        } else if !rest.iter().any(has_groups) && !has_groups(part) {
            // Neither it nor what follows has anything to say.
            return;
        } else {
            let rest = Node::Sequence(rest.to_vec());
            let rest = Program::of(&rest);
            let longest = ends(part, text, (start, span.1))
                .into_iter()
                .rev()
                .find(|end| {
                    rest.as_ref()
                        .is_ok_and(|rest| rest.ends(text, *end, span.1).contains(&span.1))
                });
            let Some(end) = longest else { return };
            end
        };
        assign(part, text, (start, end), spans);
        start = end;
    }
}

fn forget(node: &Node, spans: &mut [Span]) {
    match node {
        Node::Group(number, inner) => {
            spans[*number] = None;
            forget(inner, spans);
        }
        Node::Alternatives(all) | Node::Sequence(all) => {
            for part in all {
                forget(part, spans);
            }
        }
        Node::Repeat(inner, _, _) => forget(inner, spans),
        Node::Empty | Node::Byte(_) | Node::Assert(_) | Node::Reference(..) => {}
    }
}

/// Each round takes the most that lets the rounds behind it reach the end. An empty round is only there when a
/// repetition must have it.
fn assign_repetition(
    inner: &Node,
    least: u32,
    most: Option<u32>,
    text: Text,
    span: (usize, usize),
    spans: &mut [Span],
) {
    let Ok(round) = Program::of(inner) else {
        return;
    };
    // Per position: the ends of one round, and the fewest rounds to the end of the span.
    let length = span.1 - span.0;
    let mut round_ends: Vec<Option<Vec<usize>>> = vec![None; length + 1];
    let mut reachable = positions(span, [span.0]);
    for offset in 0..=length {
        if !reachable[offset] {
            continue;
        }
        let ends = round.ends(text, span.0 + offset, span.1);
        for end in &ends {
            reachable[end - span.0] = true;
        }
        round_ends[offset] = Some(ends);
    }
    let mut fewest: Vec<Option<u32>> = vec![None; length + 1];
    fewest[length] = Some(0);
    for offset in (0..length).rev() {
        let ends = round_ends[offset].iter().flatten();
        fewest[offset] = ends
            .filter(|end| **end > span.0 + offset)
            .filter_map(|end| fewest[end - span.0])
            .min()
            .map(|rounds| rounds + 1);
    }
    let mut position = span.0;
    let mut rounds = 0;
    while position < span.1 {
        let left = most.map(|most| most.saturating_sub(rounds + 1));
        let end = round_ends[position - span.0]
            .iter()
            .flatten()
            .rev()
            .copied()
            .filter(|end| *end > position)
            .find(|end| {
                fewest[end - span.0].is_some_and(|needed| left.is_none_or(|left| needed <= left))
            });
        let Some(end) = end else { return };
        forget(inner, spans);
        assign(inner, text, (position, end), spans);
        position = end;
        rounds += 1;
    }
    // Nothing was there to repeat: the rounds that must be are empty, and so is one that may be.
    if rounds == 0 && most != Some(0) {
        let is_empty_match = round_ends[0]
            .as_ref()
            .is_some_and(|ends| ends.contains(&span.0));
        if is_empty_match {
            assign(inner, text, (span.0, span.0), spans);
        }
    } else if rounds < least {
        forget(inner, spans);
        assign(inner, text, (span.1, span.1), spans);
    }
}
