//! Where everything lies: branches get their sizes, and distances that are known are written down.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::encoding::{Encoder, Position};
use crate::{ALIGNMENT, Assembled, Definition, LOCAL, Reference};

/// Sizes of branches, and from where the far ones are measured: by a condition, or always.
const SHORT: usize = 2;
const LONG: usize = 5;
const LONG_BY_CONDITION: usize = 6;

const JMP_SHORT: u8 = 0xeb;
const JMP_LONG: u8 = 0xe9;
const JCC_SHORT: u8 = 0x70;
const JCC_LONG: [u8; 2] = [0x0f, 0x80];

/// The sizes of the branches.
struct Sizes {
    is_long: Vec<bool>,
    /// Of all branches before each, and of all.
    before: Vec<usize>,
}

impl<'t> Encoder<'t> {
    fn size(&self, branch: usize, is_long: bool) -> usize {
        match (is_long, self.branches[branch].condition) {
            (false, _) => SHORT,
            (true, None) => LONG,
            (true, Some(_)) => LONG_BY_CONDITION,
        }
    }

    /// Branches are as short as they can be: they begin short, and grow as long as one does not reach.
    fn sizes(&self, labels: &BTreeMap<&str, Position>) -> Result<Sizes, String> {
        let mut sizes = Sizes {
            is_long: Vec::new(),
            before: Vec::new(),
        };
        sizes.is_long.resize(self.branches.len(), false);
        let mut targets = Vec::new();
        for branch in &self.branches {
            let label = labels.get(branch.label);
            targets.push(*label.ok_or_else(|| format!("no label {}", branch.label))?);
        }
        loop {
            sizes.before.clear();
            let mut sum = 0;
            for (index, is_long) in sizes.is_long.iter().enumerate() {
                sizes.before.push(sum);
                sum += self.size(index, *is_long);
            }
            sizes.before.push(sum);
            let mut has_grown = false;
            for (index, branch) in self.branches.iter().enumerate() {
                let end = branch.before + sizes.before[index] + SHORT;
                let distance = sizes.at(targets[index]) as i64 - end as i64;
                if !sizes.is_long[index] && i8::try_from(distance).is_err() {
                    sizes.is_long[index] = true;
                    has_grown = true;
                }
            }
            if !has_grown {
                return Ok(sizes);
            }
        }
    }

    /// All that was assembled.
    pub(crate) fn finish(self) -> Result<Assembled<'t>, String> {
        let mut labels = BTreeMap::new();
        for (name, position) in &self.code_names {
            if labels.insert(*name, *position).is_some() {
                return Err(format!("{name} is defined twice"));
            }
        }
        let sizes = self.sizes(&labels)?;
        let mut made = Assembled {
            bytes: self.with_branches(&labels, &sizes),
            ..Assembled::default()
        };
        let start = made.bytes.len().next_multiple_of(ALIGNMENT as usize);
        if !self.constants.is_empty() {
            made.bytes.resize(start, 0);
            made.bytes.extend(&self.constants);
        }
        let places = labels.iter().map(|(name, at)| (*name, sizes.at(*at)));
        let constants = self.constant_names.iter();
        let constants = constants.map(|(name, at)| (*name, start + at));
        let places: BTreeMap<&str, usize> = places.chain(constants).collect();
        for distance in &self.distances {
            let at = sizes.at(distance.position);
            match places.get(distance.name) {
                Some(place) => {
                    let known = *place as i64 + distance.addend - at as i64;
                    let known = i32::try_from(known).map_err(|_| "a distance too far")?;
                    made.bytes[at..][..4].copy_from_slice(&known.to_le_bytes());
                }
                None if distance.name.starts_with(LOCAL) => {
                    return Err(format!("no label {}", distance.name));
                }
                None => made.references.push(Reference {
                    offset: at as u32,
                    kind: distance.kind,
                    name: distance.name,
                    addend: distance.addend,
                }),
            }
        }
        let names = self.code_names.iter();
        let names = names.filter(|(name, _)| !name.starts_with(LOCAL));
        made.definitions.extend(names.map(|(name, at)| Definition {
            name,
            offset: sizes.at(*at) as u32,
        }));
        Ok(made)
    }

    fn with_branches(&self, labels: &BTreeMap<&str, Position>, sizes: &Sizes) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut copied = 0;
        for (index, branch) in self.branches.iter().enumerate() {
            bytes.extend(&self.code[copied..branch.before]);
            copied = branch.before;
            let is_long = sizes.is_long[index];
            let end = bytes.len() + self.size(index, is_long);
            let target = labels.get(branch.label).map_or(0, |at| sizes.at(*at));
            let distance = (target as i64 - end as i64) as i32;
            match (is_long, branch.condition) {
                (false, None) => bytes.push(JMP_SHORT),
                (false, Some(condition)) => bytes.push(JCC_SHORT | condition),
                (true, None) => bytes.push(JMP_LONG),
                (true, Some(condition)) => bytes.extend([JCC_LONG[0], JCC_LONG[1] | condition]),
            }
            let width = if is_long { 4 } else { 1 };
            bytes.extend(&distance.to_le_bytes()[..width]);
        }
        bytes.extend(&self.code[copied..]);
        bytes
    }
}

impl Sizes {
    /// Where a position lies.
    fn at(&self, position: Position) -> usize {
        position.bytes + self.before[position.branches]
    }
}
