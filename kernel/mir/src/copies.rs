//! Which parameter of a block another value may be a copy of.
//!
//! MIR's optimiser takes copies away, and then passes one parameter of a block as another one of the same block. Where it
//! makes moves of that again it may write the first before it has read it (`make_conventional_ssa`: a phi whose uses are
//! all in its block is renamed before the moves for the other phis are there). So a copy must be none that it knows.

use alloc::vec::Vec;

use bareflow_lir::{Conversion, Function, Jump, Operation, Terminator, Value};

/// Of each value, those that it may be a copy of at once.
pub(crate) struct Copies(Vec<Vec<Value>>);

fn jumps(end: &Terminator) -> Vec<&Jump> {
    match end {
        Terminator::Jump(jump) => Vec::from([jump]),
        Terminator::Branch(_, then, otherwise) => Vec::from([then, otherwise]),
        Terminator::Switch(_, cases, otherwise) => {
            let cases = cases.iter().map(|(_, jump)| jump);
            cases.chain([otherwise]).collect()
        }
        Terminator::Return(_) | Terminator::Trap => Vec::new(),
    }
}

impl Copies {
    pub(crate) fn of(function: &Function) -> Self {
        let mut sources = alloc::vec![Vec::new(); function.values.len()];
        for body in &function.blocks {
            for instruction in &body.instructions {
                let Some(result) = instruction.results.first() else {
                    continue;
                };
                let copied: &mut Vec<Value> = &mut sources[result.0 as usize];
                match instruction.operation {
                    Operation::Select(_, first, second) => copied.extend([first, second]),
                    Operation::Convert(
                        Conversion::ZeroExtend
                        | Conversion::SignExtend
                        | Conversion::Truncate
                        | Conversion::Bits,
                        value,
                    ) => copied.push(value),
                    _ => {}
                }
            }
            for jump in jumps(&body.end) {
                let parameters = &function.blocks[jump.block.0 as usize].parameters;
                for (parameter, argument) in parameters.iter().zip(&jump.arguments) {
                    sources[parameter.0 as usize].push(*argument);
                }
            }
        }
        Self(sources)
    }

    /// Whether the value may be a copy of one of these, or is one.
    pub(crate) fn may_be(&self, value: Value, others: &[Value]) -> bool {
        let mut seen = alloc::vec![false; self.0.len()];
        let mut open = Vec::from([value]);
        while let Some(value) = open.pop() {
            if others.contains(&value) {
                return true;
            }
            if !core::mem::replace(&mut seen[value.0 as usize], true) {
                open.extend(&self.0[value.0 as usize]);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use bareflow_lir::{
        Block, BlockBody, Extension, Instruction, Parameter, Passing, Signature, Symbol, Type,
    };

    use super::*;

    /// Block 1 gets its parameter 2 as its parameter 1, by way of a copy, and a sum as its parameter 2.
    #[test]
    fn copies_are_followed() {
        let word = Parameter {
            value: Type::I64,
            passing: Passing::Value(Extension::None),
        };
        let instruction = |operation, result| Instruction {
            operation,
            results: alloc::vec![Value(result)],
        };
        let function = Function {
            symbol: Symbol(0),
            signature: Signature {
                parameters: alloc::vec![word],
                results: Vec::new(),
                is_variadic: false,
            },
            values: alloc::vec![Type::I64; 5],
            slots: Vec::new(),
            blocks: alloc::vec![
                BlockBody {
                    parameters: alloc::vec![Value(0)],
                    instructions: Vec::new(),
                    end: Terminator::Jump(Jump {
                        block: Block(1),
                        arguments: alloc::vec![Value(0), Value(0)],
                    }),
                },
                BlockBody {
                    parameters: alloc::vec![Value(1), Value(2)],
                    instructions: alloc::vec![
                        instruction(Operation::Convert(Conversion::Bits, Value(2)), 3),
                        instruction(
                            Operation::Binary(bareflow_lir::Binary::Add, Value(1), Value(2)),
                            4,
                        ),
                    ],
                    end: Terminator::Jump(Jump {
                        block: Block(1),
                        arguments: alloc::vec![Value(3), Value(4)],
                    }),
                },
            ],
        };
        let copies = Copies::of(&function);
        let parameters = [Value(1), Value(2)];
        assert!(copies.may_be(Value(3), &parameters));
        assert!(!copies.may_be(Value(4), &parameters));
        assert!(!copies.may_be(Value(0), &parameters));
    }
}
