//! One function: its blocks, and which of its values are which.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use bareflow_lir::{
    Binary, Block, BlockBody, Conversion, Function, Instruction, IntCompare, Jump, Operation,
    SlotSize, Terminator, Type, Value,
};

use crate::llvm::{self, Layout, TypeKind, number};
use crate::types::{Leaf, leaf_of, leaves_of};
use crate::{Refusal, RefusalKind, Symbols, calls, constants, instructions, refuse};

/// What the values of LLVM have become.
#[derive(Debug)]
pub(crate) struct Translator<'a, 's> {
    pub(crate) layout: Layout<'a>,
    pub(crate) symbols: &'s mut Symbols<'a>,
    values: Vec<Type>,
    slots: Vec<SlotSize>,
    /// By blocks of LLVM's.
    numbers: BTreeMap<llvm::Block<'a>, Block>,
    /// Which part of `scalars` a value is.
    known: BTreeMap<llvm::Value<'a>, Range<usize>>,
    scalars: Vec<Value>,
    /// Addresses that lie so many bytes behind others.
    behind: BTreeMap<u32, (Value, i32)>,
    /// Of the block that is being translated.
    instructions: Vec<Instruction>,
}

pub(crate) fn translate<'a>(
    function: llvm::Value<'a>,
    layout: Layout<'a>,
    symbols: &mut Symbols<'a>,
) -> Result<Function, Refusal> {
    let signature = calls::signature_of(function, layout)?;
    let symbol = symbols.of(function);
    let order = reverse_postorder(function);
    let numbers = (0..).map(Block);
    let mut translator = Translator {
        layout,
        symbols,
        values: Vec::new(),
        slots: Vec::new(),
        numbers: order.iter().copied().zip(numbers).collect(),
        known: BTreeMap::new(),
        scalars: Vec::new(),
        behind: BTreeMap::new(),
        instructions: Vec::new(),
    };
    let mut blocks = Vec::with_capacity(order.len());
    for (index, block) in order.iter().enumerate() {
        blocks.push(translator.block(*block, (index == 0).then_some(function))?);
    }
    Ok(Function {
        symbol,
        signature,
        values: translator.values,
        slots: translator.slots,
        blocks,
    })
}

/// The blocks that control can come to, each behind those that dominate it.
fn reverse_postorder(function: llvm::Value) -> Vec<llvm::Block> {
    let entry = function.blocks().next().expect("a definition has a block");
    let mut seen = BTreeSet::from([entry]);
    let mut order = Vec::new();
    let mut open = vec![(
        entry,
        entry.terminator().successors().rev().collect::<Vec<_>>(),
    )];
    while let Some((block, rest)) = open.last_mut() {
        match rest.pop() {
            Some(next) => {
                if seen.insert(next) {
                    open.push((next, next.terminator().successors().rev().collect()));
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

impl<'a> Translator<'a, '_> {
    fn block(
        &mut self,
        block: llvm::Block<'a>,
        entered: Option<llvm::Value<'a>>,
    ) -> Result<BlockBody, Refusal> {
        let mut parameters = Vec::new();
        let mut narrow = Vec::new();
        if let Some(function) = entered {
            for argument in function.parameters() {
                let leaves = leaves_of(argument.ty(), self.layout)?;
                let values: Vec<Value> = leaves.iter().map(|leaf| self.value(leaf.value)).collect();
                parameters.extend(&values);
                narrow.push((argument, leaves, values));
            }
        }
        // The upper bits of what is passed may be anything.
        for (argument, leaves, mut values) in narrow {
            for (value, leaf) in values.iter_mut().zip(leaves) {
                *value = self.narrowed(*value, leaf);
            }
            self.define(argument, &values);
        }
        for instruction in block.instructions() {
            if instruction.opcode() != instructions::PHI {
                break;
            }
            let leaves = leaves_of(instruction.ty(), self.layout)?;
            let values: Vec<Value> = leaves.iter().map(|leaf| self.value(leaf.value)).collect();
            parameters.extend(&values);
            self.define(instruction, &values);
        }
        for instruction in block.instructions() {
            if instruction.opcode() == instructions::PHI {
                continue;
            }
            let scalars = instructions::translate(self, instruction, entered.is_some())?;
            if instruction.ty().kind() != TypeKind::Void {
                self.define(instruction, &scalars);
            }
        }
        let end = self.end(block)?;
        Ok(BlockBody {
            parameters,
            instructions: core::mem::take(&mut self.instructions),
            end,
        })
    }

    fn end(&mut self, block: llvm::Block<'a>) -> Result<Terminator, Refusal> {
        let terminator = block.terminator();
        Ok(match terminator.opcode() {
            instructions::RET => {
                let values = match terminator.operands().next() {
                    Some(value) => self.scalars(value)?,
                    None => Vec::new(),
                };
                Terminator::Return(values)
            }
            instructions::BR => {
                let mut targets = terminator.successors();
                let first = targets.next().expect("a branch leads somewhere");
                match targets.next() {
                    None => Terminator::Jump(self.jump(block, first)?),
                    Some(second) => {
                        let condition = self.scalar(terminator.operand(0))?;
                        let first = self.jump(block, first)?;
                        Terminator::Branch(condition, first, self.jump(block, second)?)
                    }
                }
            }
            instructions::SWITCH => {
                let value = terminator.operand(0);
                let bits = leaf_of(value.ty())?.bits;
                let value = self.scalar(value)?;
                let default = terminator.operand(1).as_block();
                let mut cases = Vec::new();
                for index in (2..terminator.operand_count()).step_by(2) {
                    let Some(number) = terminator.operand(index).integer(bits) else {
                        return refuse(RefusalKind::Constant, "a wide case of a switch");
                    };
                    let target = terminator.operand(index + 1).as_block();
                    cases.push((number, self.jump(block, target)?));
                }
                Terminator::Switch(value, cases, self.jump(block, default)?)
            }
            instructions::UNREACHABLE => Terminator::Trap,
            other => return refuse(RefusalKind::Instruction, instructions::name(other)),
        })
    }

    fn jump(&mut self, from: llvm::Block<'a>, to: llvm::Block<'a>) -> Result<Jump, Refusal> {
        let mut arguments = Vec::new();
        for phi in to.instructions() {
            if phi.opcode() != instructions::PHI {
                break;
            }
            arguments.extend(self.scalars(phi.incoming(from))?);
        }
        Ok(Jump {
            block: self.numbers[&to],
            arguments,
        })
    }

    /// A new value.
    pub(crate) fn value(&mut self, ty: Type) -> Value {
        self.values.push(ty);
        Value(self.values.len() as u32 - 1)
    }

    pub(crate) fn type_of(&self, value: Value) -> Type {
        self.values[value.0 as usize]
    }

    /// An instruction with one result.
    pub(crate) fn emit(&mut self, ty: Type, operation: Operation) -> Value {
        let result = self.value(ty);
        self.instructions.push(Instruction {
            operation,
            results: vec![result],
        });
        result
    }

    /// An instruction with any other number of results.
    pub(crate) fn emit_with(&mut self, operation: Operation, results: Vec<Value>) {
        self.instructions.push(Instruction { operation, results });
    }

    pub(crate) fn int(&mut self, ty: Type, number: u128) -> Value {
        self.emit(ty, Operation::Int(number))
    }

    /// The number that a value is, if it was just made.
    pub(crate) fn int_of(&self, value: Value) -> Option<u128> {
        let found = self
            .instructions
            .iter()
            .rev()
            .find(|one| one.results == [value])?;
        match found.operation {
            Operation::Int(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn binary(&mut self, operation: Binary, first: Value, second: Value) -> Value {
        let ty = self.type_of(first);
        self.emit(ty, Operation::Binary(operation, first, second))
    }

    /// The second operand is a number.
    pub(crate) fn binary_with(&mut self, operation: Binary, first: Value, number: u128) -> Value {
        let ty = self.type_of(first);
        let second = self.int(ty, number);
        self.binary(operation, first, second)
    }

    pub(crate) fn compare(&mut self, how: IntCompare, first: Value, second: Value) -> Value {
        self.emit(Type::I8, Operation::IntCompare(how, first, second))
    }

    pub(crate) fn select(&mut self, condition: Value, first: Value, second: Value) -> Value {
        let ty = self.type_of(first);
        self.emit(ty, Operation::Select(condition, first, second))
    }

    /// To another type, unless it is of that type.
    pub(crate) fn convert(&mut self, conversion: Conversion, value: Value, ty: Type) -> Value {
        if self.type_of(value) == ty {
            return value;
        }
        self.emit(ty, Operation::Convert(conversion, value))
    }

    /// Without what stands above the bits of the leaf.
    pub(crate) fn narrowed(&mut self, value: Value, leaf: Leaf) -> Value {
        if !leaf.is_narrow() {
            return value;
        }
        self.binary_with(Binary::And, value, mask(leaf.bits))
    }

    /// With the sign above the bits of the leaf.
    pub(crate) fn signed(&mut self, value: Value, leaf: Leaf) -> Value {
        if !leaf.is_narrow() {
            return value;
        }
        let rest = u128::from(leaf.value.bits() - leaf.bits);
        let shifted = self.binary_with(Binary::Shl, value, rest);
        self.binary_with(Binary::AShr, shifted, rest)
    }

    /// An integer as a signed one of another type.
    pub(crate) fn signed_as(&mut self, value: Value, leaf: Leaf, ty: Type) -> Value {
        let value = self.signed(value, leaf);
        let conversion = if ty.bits() < leaf.value.bits() {
            Conversion::Truncate
        } else {
            Conversion::SignExtend
        };
        self.convert(conversion, value, ty)
    }

    /// An integer as an unsigned one of another type.
    pub(crate) fn unsigned_as(&mut self, value: Value, ty: Type) -> Value {
        let conversion = if ty.bits() < self.type_of(value).bits() {
            Conversion::Truncate
        } else {
            Conversion::ZeroExtend
        };
        self.convert(conversion, value, ty)
    }

    /// A new place in the frame.
    pub(crate) fn slot(&mut self, size: SlotSize) -> Value {
        self.slots.push(size);
        let slot = bareflow_lir::Slot(self.slots.len() as u32 - 1);
        self.emit(crate::types::POINTER, Operation::SlotAddress(slot))
    }

    /// Notes that one address lies so many bytes behind another.
    pub(crate) fn note_behind(&mut self, address: Value, base: Value, bytes: i64) {
        let (base, bytes) = match self.behind.get(&base.0) {
            Some((first, before)) => (*first, bytes + i64::from(*before)),
            None => (base, bytes),
        };
        if let Ok(bytes) = i32::try_from(bytes) {
            self.behind.insert(address.0, (base, bytes));
        }
    }

    /// The same place as an address and bytes behind it, which instructions take both.
    pub(crate) fn place(&self, address: Value, bytes: u64) -> (Value, i32) {
        let (base, before) = self.behind.get(&address.0).copied().unwrap_or((address, 0));
        match i32::try_from(i64::from(before) + bytes as i64) {
            Ok(bytes) => (base, bytes),
            Err(_) => (address, bytes as i32),
        }
    }

    /// Notes what a value of LLVM's has become.
    fn define(&mut self, value: llvm::Value<'a>, scalars: &[Value]) {
        let start = self.scalars.len();
        self.scalars.extend(scalars);
        self.known.insert(value, start..self.scalars.len());
    }

    /// What a value has become.
    pub(crate) fn scalars(&mut self, value: llvm::Value<'a>) -> Result<Vec<Value>, Refusal> {
        if let Some(known) = self.known.get(&value) {
            return Ok(self.scalars[known.clone()].to_vec());
        }
        constants::translate(self, value)
    }

    /// What a scalar has become.
    pub(crate) fn scalar(&mut self, value: llvm::Value<'a>) -> Result<Value, Refusal> {
        let found = match self.known.get(&value) {
            Some(known) => match self.scalars[known.clone()] {
                [scalar] => Some(scalar),
                _ => None,
            },
            None => match constants::translate(self, value)?[..] {
                [scalar] => Some(scalar),
                _ => None,
            },
        };
        match found {
            Some(scalar) => Ok(scalar),
            None => refuse(
                RefusalKind::Aggregate,
                "an aggregate in the place of a scalar",
            ),
        }
    }

    /// The address of a global, and bytes behind it.
    pub(crate) fn symbol(&mut self, global: llvm::Value<'a>, bytes: i64) -> Result<Value, Refusal> {
        if global.kind() == llvm::ValueKind::GlobalVariable && global.is_thread_local() {
            return refuse(RefusalKind::ThreadLocal, global.name());
        }
        let is_code = global.kind() == llvm::ValueKind::Function;
        if is_code && global.name().starts_with("llvm.") {
            return refuse(RefusalKind::Intrinsic, global.name());
        }
        let symbol = self.symbols.of(global);
        Ok(self.emit(
            crate::types::POINTER,
            Operation::SymbolAddress(symbol, bytes),
        ))
    }

    /// Whether a value is a vector, whose operations are those of its elements.
    pub(crate) fn is_vector(value: llvm::Value) -> bool {
        value.ty().kind() == TypeKind::Vector
    }
}

/// The lowest bits.
pub(crate) fn mask(bits: u32) -> u128 {
    u128::MAX >> (128 - bits.clamp(1, 128))
}

/// Whether it calls as C does.
pub(crate) fn is_c(convention: u32) -> bool {
    matches!(
        convention,
        number::CONVENTION_C | number::CONVENTION_FAST | number::CONVENTION_COLD
    )
}
