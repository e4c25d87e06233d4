//! What instructions and terminators use, and where blocks lead.

use alloc::vec::Vec;

use crate::{Block, Callee, Jump, Operation, Terminator, Value};

/// Shows `visit` each operand, as it can be reached: to read, or to change it.
macro_rules! visit_operands {
    ($operation:expr, $visit:expr) => {
        match $operation {
            Operation::Int(_)
            | Operation::Float(_)
            | Operation::SlotAddress(_)
            | Operation::SymbolAddress(..)
            | Operation::Fence
            | Operation::Trap
            | Operation::FrameAddress
            | Operation::ReturnAddress => {}
            Operation::Unary(_, value)
            | Operation::Convert(_, value)
            | Operation::Load(value, _)
            | Operation::StartArguments(value)
            | Operation::AtomicLoad(value) => $visit(value),
            Operation::Binary(_, first, second)
            | Operation::IntCompare(_, first, second)
            | Operation::FloatCompare(_, first, second)
            | Operation::Store(first, second, _)
            | Operation::AtomicStore(first, second)
            | Operation::AtomicRmw(_, first, second) => {
                $visit(first);
                $visit(second);
            }
            Operation::Select(first, second, third)
            | Operation::CompareExchange(first, second, third) => {
                $visit(first);
                $visit(second);
                $visit(third);
            }
            Operation::Call(callee, _, arguments) => {
                match callee {
                    Callee::Symbol(_) => {}
                    Callee::Address(address) => $visit(address),
                }
                for argument in arguments {
                    $visit(argument);
                }
            }
        }
    };
}

/// The same of a terminator, but for what its jumps pass on.
macro_rules! visit_own {
    ($end:expr, $visit:expr) => {
        match $end {
            Terminator::Jump(_) | Terminator::Trap => {}
            Terminator::Branch(value, ..) | Terminator::Switch(value, ..) => $visit(value),
            Terminator::Return(values) => {
                for value in values {
                    $visit(value);
                }
            }
        }
    };
}

/// And its jumps.
macro_rules! visit_jumps {
    ($end:expr, $visit:expr) => {
        match $end {
            Terminator::Jump(jump) => $visit(jump),
            Terminator::Branch(_, first, second) => {
                $visit(first);
                $visit(second);
            }
            Terminator::Switch(_, cases, default) => {
                for (_, jump) in cases {
                    $visit(jump);
                }
                $visit(default);
            }
            Terminator::Return(_) | Terminator::Trap => {}
        }
    };
}

impl Operation {
    pub(crate) fn visit(&self, mut visit: impl FnMut(Value)) {
        visit_operands!(self, |value: &Value| visit(*value));
    }

    pub(crate) fn visit_mut(&mut self, mut visit: impl FnMut(&mut Value)) {
        visit_operands!(self, &mut visit);
    }

    /// Whether it may be done again elsewhere: its result is always the same.
    pub(crate) const fn is_constant(&self) -> bool {
        matches!(
            self,
            Self::Int(_) | Self::Float(_) | Self::SymbolAddress(..)
        )
    }
}

impl Terminator {
    /// What it uses by itself.
    pub(crate) fn visit_own(&self, mut visit: impl FnMut(Value)) {
        visit_own!(self, |value: &Value| visit(*value));
    }

    pub(crate) fn visit_own_mut(&mut self, mut visit: impl FnMut(&mut Value)) {
        visit_own!(self, &mut visit);
    }

    pub(crate) fn visit_jumps(&self, mut visit: impl FnMut(&Jump)) {
        visit_jumps!(self, &mut visit);
    }

    pub(crate) fn visit_jumps_mut(&mut self, mut visit: impl FnMut(&mut Jump)) {
        visit_jumps!(self, &mut visit);
    }

    /// Where it leads, each as often as it is named.
    pub(crate) fn successors(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        self.visit_jumps(|jump| blocks.push(jump.block));
        blocks
    }
}
