//! Code that counts its calls and the rounds of its loops, and leaves for better code when it has run enough.

use alloc::vec::Vec;

use crate::analysis::{Analysis, loop_headers};
use crate::continuation::{Inputs, constants_of};
use crate::{
    Block, BlockBody, Callee, Extension, Function, Instruction, IntCompare, Jump, Operation,
    Parameter, Passing, Signature, Symbol, Terminator, Type, Value,
};

/// What counting code refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// A variable: words of 32 bits, from which one is taken for each call and each round.
    pub counters: Symbol,
    /// Which of them is this function's, in bytes.
    pub offset: i64,
    /// What the functions below know it by.
    pub function: u64,
    /// `void (uint64_t function)`: called when the word is below zero at the beginning of a call.
    pub entered: Symbol,
    /// `void *(uint64_t function, uint64_t header)`: the [rest](crate::continuation) of the function from the beginning
    /// of a loop on, or null. Called when the word is below zero there.
    pub looped: Symbol,
}

const POINTER: Type = Type::I64;
const COUNT: Type = Type::I32;

struct Making<'a> {
    function: &'a Function,
    hooks: Hooks,
    types: Vec<Type>,
    /// By the blocks of the function.
    numbers: Vec<Block>,
}

/// The function, so that it counts.
#[must_use]
pub fn count(function: &Function, hooks: Hooks) -> Function {
    let headers = loop_headers(function);
    let analysis = match headers.is_empty() {
        true => None,
        false => Analysis::of(function),
    };
    let constants = constants_of(function);
    let inputs = |header| {
        let analysis = analysis.as_ref()?;
        Inputs::of(function, analysis, &constants, header)
    };
    let all = (0..function.blocks.len() as u32).map(Block);
    let exits: Vec<Option<Inputs>> = all
        .map(|block| headers.contains(&block).then(|| inputs(block)).flatten())
        .collect();
    let mut next = 0;
    let numbers = exits.iter().zip(0..).map(|(exit, block)| {
        let number = Block(next);
        // What follows a check has a block of its own: behind a call at the beginning, behind two in a loop.
        next += match (block, exit) {
            (0, _) => 3,
            (_, Some(_)) => 4,
            _ => 1,
        };
        number
    });
    let numbers = numbers.collect();
    let mut making = Making {
        function,
        hooks,
        types: function.values.clone(),
        numbers,
    };
    let mut blocks = Vec::new();
    for (exit, block) in exits.iter().zip((0..).map(Block)) {
        making.block(block, exit.as_ref(), &mut blocks);
    }
    Function {
        values: making.types,
        blocks,
        ..function.clone()
    }
}

fn by_value(value: Type) -> Parameter {
    Parameter {
        value,
        passing: Passing::Value(Extension::None),
    }
}

fn to(block: Block) -> Jump {
    Jump {
        block,
        arguments: Vec::new(),
    }
}

impl Making<'_> {
    fn emit(
        &mut self,
        instructions: &mut Vec<Instruction>,
        ty: Type,
        operation: Operation,
    ) -> Value {
        let value = Value(self.types.len() as u32);
        self.types.push(ty);
        instructions.push(Instruction {
            operation,
            results: Vec::from([value]),
        });
        value
    }

    /// Takes one from the word; the value is 1 if it is below zero then.
    fn take_one(&mut self, instructions: &mut Vec<Instruction>) -> Value {
        let address = Operation::SymbolAddress(self.hooks.counters, self.hooks.offset);
        let address = self.emit(instructions, POINTER, address);
        let count = self.emit(instructions, COUNT, Operation::Load(address, 0));
        let one = self.emit(instructions, COUNT, Operation::Int(1));
        let less = Operation::Binary(crate::Binary::Sub, count, one);
        let less = self.emit(instructions, COUNT, less);
        instructions.push(Instruction {
            operation: Operation::Store(less, address, 0),
            results: Vec::new(),
        });
        let zero = self.emit(instructions, COUNT, Operation::Int(0));
        let is_below = Operation::IntCompare(IntCompare::Slt, less, zero);
        self.emit(instructions, Type::I8, is_below)
    }

    fn block(&mut self, block: Block, exit: Option<&Inputs>, blocks: &mut Vec<BlockBody>) {
        let mut body = self.function.blocks[block.0 as usize].clone();
        let numbers = &self.numbers;
        body.end
            .visit_jumps_mut(|jump| jump.block = numbers[jump.block.0 as usize]);
        let first = self.numbers[block.0 as usize].0;
        let [cold, second, third] = [1, 2, 3].map(|more| Block(first + more));
        let parameters = core::mem::take(&mut body.parameters);
        match (block, exit) {
            (Block(0), _) => {
                let own = body;
                blocks.push(self.check(parameters, cold, second));
                blocks.push(self.entered(second));
                blocks.push(own);
            }
            (_, Some(inputs)) => {
                blocks.push(self.check(parameters, cold, third));
                let (found, leave) = self.leave(block, inputs, second, third);
                blocks.push(found);
                blocks.push(leave);
                blocks.push(body);
            }
            _ => blocks.push(BlockBody { parameters, ..body }),
        }
    }

    fn check(&mut self, parameters: Vec<Value>, cold: Block, on: Block) -> BlockBody {
        let mut instructions = Vec::new();
        let is_below = self.take_one(&mut instructions);
        BlockBody {
            parameters,
            instructions,
            end: Terminator::Branch(is_below, to(cold), to(on)),
        }
    }

    fn entered(&mut self, on: Block) -> BlockBody {
        let mut instructions = Vec::new();
        let number = Operation::Int(self.hooks.function.into());
        let number = self.emit(&mut instructions, POINTER, number);
        let signature = Signature {
            parameters: Vec::from([by_value(POINTER)]),
            results: Vec::new(),
            is_variadic: false,
        };
        let callee = Callee::Symbol(self.hooks.entered);
        instructions.push(Instruction {
            operation: Operation::Call(callee, signature, Vec::from([number])),
            results: Vec::new(),
        });
        BlockBody {
            parameters: Vec::new(),
            instructions,
            end: Terminator::Jump(to(on)),
        }
    }

    /// Asks for better code, and goes on there.
    fn leave(
        &mut self,
        header: Block,
        inputs: &Inputs,
        leave: Block,
        on: Block,
    ) -> (BlockBody, BlockBody) {
        let mut asking = Vec::new();
        let number = Operation::Int(self.hooks.function.into());
        let number = self.emit(&mut asking, POINTER, number);
        let header = Operation::Int(header.0.into());
        let header = self.emit(&mut asking, POINTER, header);
        let signature = Signature {
            parameters: Vec::from([by_value(POINTER); 2]),
            results: Vec::from([by_value(POINTER)]),
            is_variadic: false,
        };
        let callee = Callee::Symbol(self.hooks.looped);
        let call = Operation::Call(callee, signature, Vec::from([number, header]));
        let address = self.emit(&mut asking, POINTER, call);
        let none = self.emit(&mut asking, POINTER, Operation::Int(0));
        let is_there = Operation::IntCompare(IntCompare::Ne, address, none);
        let is_there = self.emit(&mut asking, Type::I8, is_there);
        let found = BlockBody {
            parameters: Vec::new(),
            instructions: asking,
            end: Terminator::Branch(is_there, to(leave), to(on)),
        };
        let mut leaving = Vec::new();
        let mut arguments = inputs.values.clone();
        for slot in &inputs.slots {
            let place = self.emit(&mut leaving, POINTER, Operation::SlotAddress(*slot));
            arguments.push(place);
        }
        let results: Vec<Value> = self
            .function
            .signature
            .results
            .iter()
            .map(|result| {
                self.types.push(result.value);
                Value(self.types.len() as u32 - 1)
            })
            .collect();
        let signature = inputs.signature(self.function);
        leaving.push(Instruction {
            operation: Operation::Call(Callee::Address(address), signature, arguments),
            results: results.clone(),
        });
        let leave = BlockBody {
            parameters: Vec::new(),
            instructions: leaving,
            end: Terminator::Return(results),
        };
        (found, leave)
    }
}
