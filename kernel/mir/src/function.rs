//! A function in MIR.
//!
//! A value is a register. Of an integer narrower than that, the bits above are anything, unless they are known to be zero.

use alloc::vec::Vec;

use bareflow_lir::{Conversion, Function, Operation, Passing, Type, Unary, Value};

use crate::ffi::{self, Code, Context, Item, Label, Operand, Register};
use crate::references::{Reference, References};
use crate::signatures::{self, Items, type_of};

/// `ALLOCA` aligns so.
const FRAME_ALIGNMENT: u32 = 16;

pub(crate) struct Building<'a> {
    pub(crate) context: &'a mut Context,
    pub(crate) references: &'a mut References,
    pub(crate) items: &'a mut Items,
    pub(crate) function: &'a Function,
    pub(crate) item: Item,
    pub(crate) labels: Vec<Label>,
    registers: Vec<Register>,
    /// Whether the bits above a value are zero.
    are_clean: Vec<bool>,
    register_count: usize,
    /// Where the frame is, and in it the places.
    frame: Option<Register>,
    slots: Vec<u32>,
    /// In the frame, for moves between registers of different kinds.
    scratch: u32,
    /// To be returned, if that is so.
    pub(crate) result_address: Option<Register>,
}

/// Whether it moves something between registers of different kinds.
fn needs_scratch(function: &Function, operation: &Operation) -> bool {
    let is_float = |value: Value| function.values[value.0 as usize].is_float();
    match operation {
        Operation::Convert(Conversion::Bits, _) | Operation::Unary(Unary::FAbs, _) => true,
        Operation::Binary(bareflow_lir::Binary::CopySign, first, _) => is_float(*first),
        _ => false,
    }
}

impl<'a> Building<'a> {
    pub(crate) fn begin(
        context: &'a mut Context,
        references: &'a mut References,
        items: &'a mut Items,
        number: usize,
        function: &'a Function,
    ) -> Self {
        let signature = &function.signature;
        let returns_address = signatures::returns_address(signature);
        let mut results = signatures::results_of(signature);
        if returns_address {
            results.push(ffi::Type::I64);
        }
        let parameters = signatures::parameters_of(signature);
        let (item, arguments) = context.function(number, &results, &parameters);
        let labels = function.blocks.iter().map(|_| context.label()).collect();
        let types = function.values.iter().map(|ty| type_of(*ty));
        let registers: Vec<Register> = types
            .enumerate()
            .map(|(index, ty)| context.register(item, ty, index))
            .collect();
        let mut building = Self {
            context,
            references,
            items,
            function,
            item,
            labels,
            are_clean: alloc::vec![false; function.values.len()],
            register_count: registers.len(),
            registers,
            frame: None,
            slots: Vec::new(),
            scratch: 0,
            result_address: None,
        };
        building.make_frame();
        building.take_arguments(&arguments, returns_address);
        building
    }

    fn make_frame(&mut self) {
        let mut bytes = 0_u32;
        let mut alignment = FRAME_ALIGNMENT;
        for slot in &self.function.slots {
            alignment = alignment.max(slot.alignment);
            bytes = bytes.next_multiple_of(slot.alignment.max(1));
            self.slots.push(bytes);
            bytes += slot.bytes;
        }
        let mut operations = self
            .function
            .blocks
            .iter()
            .flat_map(|block| &block.instructions);
        if operations.any(|one| needs_scratch(self.function, &one.operation)) {
            bytes = bytes.next_multiple_of(8);
            self.scratch = bytes;
            bytes += 8;
        }
        if bytes == 0 {
            return;
        }
        let frame = self.temporary(ffi::Type::I64);
        let slack = i64::from(alignment - FRAME_ALIGNMENT);
        self.emit(
            Code::Alloca,
            &[frame.into(), (i64::from(bytes) + slack).into()],
        );
        if slack != 0 {
            let up = i64::from(alignment) - 1;
            self.emit(Code::Add, &[frame.into(), frame.into(), up.into()]);
            self.emit(Code::And, &[frame.into(), frame.into(), (!up).into()]);
        }
        self.frame = Some(frame);
    }

    fn take_arguments(&mut self, arguments: &[Register], returns_address: bool) {
        let function = self.function;
        let mut arguments = arguments.iter();
        let values = function.blocks[0].parameters.iter();
        for (value, parameter) in values.zip(&function.signature.parameters) {
            let pieces = match parameter.passing {
                Passing::Copied(bytes) => signatures::pieces(bytes).count(),
                Passing::Value(_) | Passing::ResultAddress => 1,
            };
            let mut registers = arguments.by_ref().take(pieces);
            let Some(first) = registers.next() else {
                continue;
            };
            registers.for_each(drop);
            self.move_to(self.registers[value.0 as usize], *first, parameter.value);
            if returns_address && parameter.passing == Passing::ResultAddress {
                self.result_address = Some(*first);
            }
        }
    }

    pub(crate) fn build(mut self) -> Item {
        let function = self.function;
        for (index, body) in function.blocks.iter().enumerate() {
            self.context.place(self.item, self.labels[index]);
            for instruction in &body.instructions {
                self.instruction(&instruction.operation, &instruction.results);
            }
            self.end(&body.end);
        }
        self.context.end_function();
        self.item
    }

    pub(crate) fn emit(&mut self, code: Code, operands: &[Operand]) {
        self.context.append(self.item, code, operands);
    }

    pub(crate) fn temporary(&mut self, ty: ffi::Type) -> Register {
        let number = self.register_count;
        self.register_count += 1;
        self.context.register(self.item, ty, number)
    }

    /// An instruction with a new register of integers for its result.
    pub(crate) fn integer(
        &mut self,
        code: Code,
        first: impl Into<Operand>,
        second: impl Into<Operand>,
    ) -> Register {
        let result = self.temporary(ffi::Type::I64);
        self.emit(code, &[result.into(), first.into(), second.into()]);
        result
    }

    pub(crate) fn type_of(&self, value: Value) -> Type {
        self.function.values[value.0 as usize]
    }

    pub(crate) fn register(&self, value: Value) -> Register {
        self.registers[value.0 as usize]
    }

    pub(crate) fn is_clean(&self, value: Value) -> bool {
        self.type_of(value).bits() == 64 || self.are_clean[value.0 as usize]
    }

    /// The bits above are zero from now on, which is so wherever the value is used.
    pub(crate) fn set_clean(&mut self, value: Value) {
        self.are_clean[value.0 as usize] = true;
    }

    /// The value with zeros above.
    pub(crate) fn zero_extended(&mut self, value: Value) -> Register {
        let register = self.register(value);
        let code = match self.type_of(value) {
            _ if self.is_clean(value) => return register,
            Type::I8 => Code::Uext8,
            Type::I16 => Code::Uext16,
            Type::I32 => Code::Uext32,
            _ => return register,
        };
        self.extended(code, register)
    }

    /// The value with its sign above.
    pub(crate) fn sign_extended(&mut self, value: Value) -> Register {
        let register = self.register(value);
        let code = match self.type_of(value) {
            Type::I8 => Code::Ext8,
            Type::I16 => Code::Ext16,
            Type::I32 => Code::Ext32,
            _ => return register,
        };
        self.extended(code, register)
    }

    fn extended(&mut self, code: Code, from: Register) -> Register {
        let result = self.temporary(ffi::Type::I64);
        self.emit(code, &[result.into(), from.into()]);
        result
    }

    pub(crate) fn move_to(&mut self, to: Register, from: impl Into<Operand>, ty: Type) {
        let code = match ty {
            Type::F32 => Code::Fmov,
            Type::F64 => Code::Dmov,
            _ => Code::Mov,
        };
        self.emit(code, &[to.into(), from.into()]);
    }

    /// What an instruction may name of something elsewhere: its address.
    pub(crate) fn reference(&mut self, reference: Reference) -> Operand {
        let (number, address) = self.references.number(reference);
        let item = self.items.import(self.context, number, address);
        item.into()
    }

    /// Its address in a register.
    pub(crate) fn address(&mut self, reference: Reference) -> Register {
        let operand = self.reference(reference);
        let result = self.temporary(ffi::Type::I64);
        self.emit(Code::Mov, &[result.into(), operand]);
        result
    }

    /// A floating-point number.
    pub(crate) fn float(&mut self, to: Register, ty: Type, bits: u64) {
        let address = self.address(Reference::Constant(bits));
        self.move_to(to, Operand::memory(type_of(ty), address, 0), ty);
    }

    pub(crate) fn slot(&mut self, to: Register, slot: bareflow_lir::Slot) {
        let bytes = self.slots[slot.0 as usize];
        match self.frame {
            Some(frame) => self.emit(
                Code::Add,
                &[to.into(), frame.into(), i64::from(bytes).into()],
            ),
            // A function whose places are all empty has no frame; the addresses are of nothing.
            None => self.emit(Code::Mov, &[to.into(), i64::from(bytes).into()]),
        }
    }

    /// The same bits as another type, by way of memory.
    pub(crate) fn reinterpret(&mut self, to: Register, ty: Type, from: Register, from_type: Type) {
        let frame = self
            .frame
            .expect("there is room for moves between kinds of registers");
        let bytes = i64::from(self.scratch);
        let memory = |ty| Operand::memory(memory_type(ty), frame, bytes);
        let code = |ty| match ty {
            Type::F32 => Code::Fmov,
            Type::F64 => Code::Dmov,
            _ => Code::Mov,
        };
        self.emit(code(from_type), &[memory(from_type), from.into()]);
        self.emit(code(ty), &[to.into(), memory(ty)]);
    }
}

/// How a value lies in memory.
pub(crate) const fn memory_type(ty: Type) -> ffi::Type {
    match ty {
        Type::I8 => ffi::Type::U8,
        Type::I16 => ffi::Type::U16,
        Type::I32 => ffi::Type::U32,
        Type::I64 | Type::I128 => ffi::Type::I64,
        Type::F32 => ffi::Type::Float,
        Type::F64 => ffi::Type::Double,
    }
}
