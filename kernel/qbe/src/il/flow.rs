//! Blocks and the ways between them.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use bareflow_lir::{Block, Function, Jump, Operation, Terminator, Type, Value};

use super::operations::int_compare;
use super::{Class, Operand, Writer};
use bareflow_lir::Error;

/// QBE has room for a few more ways to a block with phis.
const MOST_WAYS: usize = 60;
/// So many cases are looked at one by one.
const MOST_IN_TURN: usize = 4;

/// The name of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Start,
    Block(u32),
    Other(u32),
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => formatter.write_str("start"),
            Self::Block(number) => write!(formatter, "b{number}"),
            Self::Other(number) => write!(formatter, "x{number}"),
        }
    }
}

/// A way to a block: from where, with what.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    from: Label,
    arguments: Vec<Operand>,
}

/// What is known of blocks before they are written.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) is_reached: Vec<bool>,
    /// Of blocks with more ways to them than there is room for: where those meet before.
    joins: Vec<Vec<Label>>,
}

fn jumps(end: &Terminator) -> Vec<&Jump> {
    match end {
        Terminator::Jump(jump) => Vec::from([jump]),
        Terminator::Branch(_, first, second) => Vec::from([first, second]),
        Terminator::Switch(_, cases, default) => {
            let cases = cases.iter().map(|(_, jump)| jump);
            cases.chain([default]).collect()
        }
        Terminator::Return(_) | Terminator::Trap => Vec::new(),
    }
}

impl Plan {
    pub(super) fn of(function: &Function) -> Self {
        let count = function.blocks.len();
        let mut is_reached = vec![false; count];
        let mut ways = vec![0; count];
        let mut waiting = Vec::from([0]);
        is_reached[0] = true;
        ways[0] = 1;
        while let Some(index) = waiting.pop() {
            let body = &function.blocks[index];
            let is_trap = |one: &bareflow_lir::Instruction| one.operation == Operation::Trap;
            if body.instructions.iter().any(is_trap) {
                continue;
            }
            for jump in jumps(&body.end) {
                let target = jump.block.0 as usize;
                ways[target] += 1;
                if !is_reached[target] {
                    is_reached[target] = true;
                    waiting.push(target);
                }
            }
        }
        let mut plan = Self {
            is_reached,
            joins: Vec::new(),
        };
        // Their numbers are above those of all labels that are made later, which count from 0.
        let mut number = u32::MAX;
        for (body, ways) in function.blocks.iter().zip(ways) {
            let mut joins = Vec::new();
            if ways > MOST_WAYS && !body.parameters.is_empty() {
                for _ in 0..ways.div_ceil(MOST_WAYS) {
                    joins.push(Label::Other(number));
                    number -= 1;
                }
            }
            plan.joins.push(joins);
        }
        plan
    }
}

impl Writer<'_> {
    fn new_label(&mut self) -> Label {
        self.labels += 1;
        Label::Other(self.labels)
    }

    /// Notes a way to a block; returns what to jump to.
    fn way(&mut self, from: Label, target: Block, arguments: Vec<Operand>) -> Label {
        let index = target.0 as usize;
        let edges = &mut self.edges[index];
        let joins = &self.plan.joins[index];
        let label = joins.get(edges.len() / MOST_WAYS).copied();
        edges.push(Edge { from, arguments });
        label.unwrap_or(Label::Block(target.0))
    }

    fn arguments(&self, jump: &Jump) -> Vec<Operand> {
        jump.arguments
            .iter()
            .map(|value| self.operand(*value))
            .collect()
    }

    /// A jump at the end of what is being written.
    pub(super) fn jump_with(&mut self, target: Block, arguments: Vec<Operand>) {
        let mut from = self.label;
        // QBE 1.2 takes it for an error in itself that a block leads to itself.
        if target.0 as usize == self.current {
            let between = self.new_label();
            self.line(format_args!("jmp @{between}"));
            let _ = writeln!(self.text, "@{between}");
            from = between;
        }
        let label = self.way(from, target, arguments);
        self.line(format_args!("jmp @{label}"));
    }

    fn jump(&mut self, jump: &Jump) {
        let arguments = self.arguments(jump);
        self.jump_with(jump.block, arguments);
    }

    /// Jumps to the first if a word is not 0, else to the second; both by blocks of their own if they could be mixed up.
    fn branch(&mut self, condition: Operand, first: &Jump, second: &Jump) {
        let by_itself = |writer: &Self, jump: &Jump| {
            first.block == second.block || jump.block.0 as usize == writer.current
        };
        let mut labels = [Label::Start; 2];
        let mut between = Vec::new();
        for (label, jump) in labels.iter_mut().zip([first, second]) {
            if by_itself(self, jump) {
                *label = self.new_label();
                between.push((*label, jump));
            } else {
                let arguments = self.arguments(jump);
                *label = self.way(self.label, jump.block, arguments);
            }
        }
        let [first, second] = labels;
        self.line(format_args!("jnz {condition}, @{first}, @{second}"));
        for (label, jump) in between {
            let _ = writeln!(self.text, "@{label}");
            let arguments = self.arguments(jump);
            let target = self.way(label, jump.block, arguments);
            self.line(format_args!("jmp @{target}"));
        }
    }

    pub(super) fn end(&mut self, end: &Terminator) -> Result<(), Error> {
        match end {
            Terminator::Jump(jump) => self.jump(jump),
            Terminator::Branch(condition, first, second) => {
                let condition = self.operand(*condition);
                self.branch(condition, first, second);
            }
            Terminator::Switch(value, cases, default) => self.switch(*value, cases, default),
            Terminator::Return(values) => self.return_values(values)?,
            Terminator::Trap => self.line(format_args!("hlt")),
        }
        Ok(())
    }

    fn switch(&mut self, value: Value, cases: &[(u128, Jump)], default: &Jump) {
        let ty = self.type_of(value);
        let mut sorted: Vec<&(u128, Jump)> = cases.iter().collect();
        sorted.sort_by_key(|(number, _)| *number);
        let value = self.operand(value);
        // There is one way to it, wherever in the tree it turns out that there is no case.
        let otherwise = self.new_label();
        self.search(value, ty, &sorted, otherwise);
        self.enter(otherwise);
        self.jump(default);
    }

    /// A tree of comparisons.
    fn search(&mut self, value: Operand, ty: Type, cases: &[&(u128, Jump)], otherwise: Label) {
        let class = Class::of(ty);
        if cases.len() > MOST_IN_TURN {
            let (low, high) = cases.split_at(cases.len() / 2);
            let first = number(ty, high[0].0);
            let name = int_compare(bareflow_lir::IntCompare::Ult, class);
            let is_low = self.emit(Class::W, name, &[value, first]);
            let [at_low, at_high] = [self.new_label(), self.new_label()];
            self.line(format_args!("jnz {is_low}, @{at_low}, @{at_high}"));
            for (label, cases) in [(at_low, low), (at_high, high)] {
                self.enter(label);
                self.search(value, ty, cases, otherwise);
            }
            return;
        }
        for (case, jump) in cases.iter().copied() {
            let name = int_compare(bareflow_lir::IntCompare::Eq, class);
            let is_it = self.emit(Class::W, name, &[value, number(ty, *case)]);
            let [found, next] = [self.new_label(), self.new_label()];
            self.line(format_args!("jnz {is_it}, @{found}, @{next}"));
            self.enter(found);
            self.jump(jump);
            self.enter(next);
        }
        self.line(format_args!("jmp @{otherwise}"));
    }

    /// What is written from now on stands behind another label.
    fn enter(&mut self, label: Label) {
        let _ = writeln!(self.text, "@{label}");
        self.label = label;
    }

    /// The blocks where ways meet.
    pub(super) fn joins(&mut self, index: usize) {
        let joins = core::mem::take(&mut self.plan.joins[index]);
        if joins.is_empty() {
            return;
        }
        let edges = core::mem::take(&mut self.edges[index]);
        for (label, edges) in joins.into_iter().zip(edges.chunks(MOST_WAYS)) {
            let _ = writeln!(self.text, "@{label}");
            let parameters = &self.function.blocks[index].parameters;
            let mut arguments = Vec::new();
            for (position, parameter) in parameters.iter().enumerate() {
                let result = self.temporary();
                self.phi(result, self.type_of(*parameter), position, edges);
                arguments.push(result);
            }
            self.line(format_args!("jmp @{}", Label::Block(index as u32)));
            self.edges[index].push(Edge {
                from: label,
                arguments,
            });
        }
    }

    /// The phis at the beginning of a block.
    pub(super) fn phis(&mut self, index: usize) {
        let edges = core::mem::take(&mut self.edges[index]);
        let parameters = &self.function.blocks[index].parameters;
        for (position, parameter) in parameters.iter().enumerate() {
            let result = self.operand(*parameter);
            self.phi(result, self.type_of(*parameter), position, &edges);
        }
    }

    fn phi(&mut self, result: Operand, ty: Type, position: usize, edges: &[Edge]) {
        let _ = write!(self.text, "\t{result} ={} phi", Class::of(ty));
        for (index, edge) in edges.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let argument = edge.arguments[position];
            let _ = write!(self.text, "{comma} @{} {argument}", edge.from);
        }
        self.text.push('\n');
    }
}

/// A number of a type.
pub(super) fn number(ty: Type, number: u128) -> Operand {
    Operand::Number(match ty {
        Type::I8 => i64::from(number as u8),
        Type::I16 => i64::from(number as u16),
        Type::I32 => i64::from(number as i32),
        _ => number as i64,
    })
}
