//! The rest of a function from the beginning of a loop on, as a function: what goes round a loop in slow code goes on in
//! better code there.
//!
//! 1. What the rest uses of what is there already are its parameters: values, and the addresses of places in the frame,
//!    which stay where they are.
//! 2. What such a value is called may be defined anew when control comes round an outer loop. Each block of the rest
//!    where it is alive has a parameter for it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::analysis::{Analysis, region, slots_in};
use crate::{
    Block, BlockBody, Extension, Function, Instruction, Jump, Operation, Parameter, Passing,
    Signature, Slot, Terminator, Type, Value,
};

/// More are not passed on.
const MOST_INPUTS: usize = 256;
/// Of an address.
const POINTER: Type = Type::I64;

/// What the rest of a function gets, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inputs {
    /// Values of the function.
    pub(crate) values: Vec<Value>,
    /// Addresses of places in its frame.
    pub(crate) slots: Vec<Slot>,
}

impl Inputs {
    /// Of the rest of the function from the block on; `None` if that cannot be a function.
    pub(crate) fn of(
        function: &Function,
        analysis: &Analysis,
        constants: &BTreeMap<Value, Operation>,
        header: Block,
    ) -> Option<Self> {
        let slots = slots_in(function, &region(function, header))?;
        let mut values = function.blocks[header.0 as usize].parameters.clone();
        values.extend(
            analysis
                .live_at(header)
                .filter(|value| !constants.contains_key(value)),
        );
        let inputs = Self {
            values,
            slots: slots.into_iter().collect(),
        };
        (inputs.values.len() + inputs.slots.len() <= MOST_INPUTS).then_some(inputs)
    }

    /// How the rest is called.
    pub(crate) fn signature(&self, function: &Function) -> Signature {
        let by_value = |value| Parameter {
            value,
            passing: Passing::Value(Extension::None),
        };
        let values = self.values.iter();
        let types = values.map(|value| function.values[value.0 as usize]);
        let addresses = self.slots.iter().map(|_| POINTER);
        Signature {
            parameters: types.chain(addresses).map(by_value).collect(),
            results: function.signature.results.clone(),
            is_variadic: false,
        }
    }
}

/// What is made again where it is used.
pub(crate) fn constants_of(function: &Function) -> BTreeMap<Value, Operation> {
    let instructions = function.blocks.iter().flat_map(|body| &body.instructions);
    let constants = instructions.filter(|instruction| instruction.operation.is_constant());
    constants
        .filter_map(|instruction| {
            let result = instruction.results.first()?;
            Some((*result, instruction.operation.clone()))
        })
        .collect()
}

struct Making<'a> {
    function: &'a Function,
    analysis: Analysis<'a>,
    /// Numbers of the new blocks.
    numbers: BTreeMap<Block, Block>,
    /// What is defined anew on the way.
    again: BTreeSet<Value>,
    types: Vec<Type>,
    /// What stands for addresses of places in the frame.
    addresses: BTreeMap<Value, Value>,
}

/// The rest of the function from this block on. `None` if it cannot be one: it is about its own frame, or too much is
/// passed on.
#[must_use]
pub fn continuation(function: &Function, header: Block) -> Option<Function> {
    let analysis = Analysis::of(function)?;
    let constants = constants_of(function);
    let inputs = Inputs::of(function, &analysis, &constants, header)?;
    let region = region(function, header);
    let defined: BTreeSet<Value> = region
        .iter()
        .flat_map(|block| defined_in(&function.blocks[block.0 as usize]))
        .collect();
    let live: Vec<Value> = analysis.live_at(header).collect();
    let again = live.iter().copied().filter(|value| defined.contains(value));
    let mut making = Making {
        function,
        numbers: region.iter().copied().zip((1..).map(Block)).collect(),
        again: again.collect(),
        analysis,
        types: function.values.clone(),
        addresses: BTreeMap::new(),
    };
    let mut blocks = Vec::from([making.entry(header, &inputs, &constants, &live)]);
    for block in &region {
        blocks.push(making.block(*block));
    }
    Some(Function {
        symbol: function.symbol,
        signature: inputs.signature(function),
        values: making.types,
        slots: Vec::new(),
        blocks,
    })
}

fn defined_in(body: &BlockBody) -> impl Iterator<Item = Value> {
    let results = body
        .instructions
        .iter()
        .flat_map(|instruction| &instruction.results);
    body.parameters.iter().chain(results).copied()
}

impl Making<'_> {
    fn fresh(&mut self, ty: Type) -> Value {
        let value = Value(self.types.len() as u32);
        self.types.push(ty);
        value
    }

    fn like(&mut self, value: Value) -> Value {
        self.fresh(self.types[value.0 as usize])
    }

    /// What the block has parameters for.
    fn again_at(&self, block: Block) -> impl Iterator<Item = Value> {
        let values = self.again.iter().copied();
        values.filter(move |value| self.analysis.is_live_at(*value, block))
    }

    /// Takes what is passed, and goes to where the rest begins.
    fn entry(
        &mut self,
        header: Block,
        inputs: &Inputs,
        constants: &BTreeMap<Value, Operation>,
        live: &[Value],
    ) -> BlockBody {
        let own = self.function.blocks[header.0 as usize].parameters.len();
        let mut names = BTreeMap::new();
        let mut parameters = Vec::new();
        let mut passed = Vec::new();
        for (index, value) in inputs.values.iter().enumerate() {
            let is_own = index < own;
            let name = match is_own || self.again.contains(value) {
                true => self.like(*value),
                false => *value,
            };
            parameters.push(name);
            match is_own {
                true => passed.push(name),
                false => {
                    names.insert(*value, name);
                }
            }
        }
        let mut instructions = Vec::new();
        for value in live {
            if let Some(operation) = constants.get(value) {
                let name = match self.again.contains(value) {
                    true => self.like(*value),
                    false => *value,
                };
                names.insert(*value, name);
                instructions.push(Instruction {
                    operation: operation.clone(),
                    results: Vec::from([name]),
                });
            }
        }
        let slots: BTreeMap<Slot, Value> = inputs
            .slots
            .iter()
            .map(|slot| (*slot, self.fresh(POINTER)))
            .collect();
        parameters.extend(inputs.slots.iter().map(|slot| slots[slot]));
        for body in &self.function.blocks {
            for instruction in &body.instructions {
                if let Operation::SlotAddress(slot) = &instruction.operation
                    && let Some(address) = slots.get(slot)
                {
                    self.addresses.insert(instruction.results[0], *address);
                }
            }
        }
        passed.extend(self.again_at(header).map(|value| names[&value]));
        BlockBody {
            parameters,
            instructions,
            end: Terminator::Jump(Jump {
                block: self.numbers[&header],
                arguments: passed,
            }),
        }
    }

    fn block(&mut self, block: Block) -> BlockBody {
        let mut body = self.function.blocks[block.0 as usize].clone();
        let again: Vec<Value> = self.again_at(block).collect();
        let mut names = BTreeMap::new();
        for value in again {
            let name = self.like(value);
            body.parameters.push(name);
            names.insert(value, name);
        }
        let name_of = |value: &mut Value| {
            if let Some(name) = names.get(value).or_else(|| self.addresses.get(value)) {
                *value = *name;
            }
        };
        body.instructions.retain(|instruction| {
            let result = instruction.results.first();
            !result.is_some_and(|result| self.addresses.contains_key(result))
        });
        for instruction in &mut body.instructions {
            instruction.operation.visit_mut(name_of);
        }
        body.end.visit_own_mut(name_of);
        body.end.visit_jumps_mut(|jump| {
            jump.arguments.extend(self.again_at(jump.block));
            jump.arguments.iter_mut().for_each(name_of);
            jump.block = self.numbers[&jump.block];
        });
        body
    }
}
