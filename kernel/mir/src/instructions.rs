//! Instructions.

use alloc::vec::Vec;

use bareflow_lir::{Binary, Callee, Operation, Passing, Signature, Type, Value};

use crate::ffi::{self, Code, Operand, Register};
use crate::function::{Building, memory_type};
use crate::references::Reference;
use crate::signatures::{self, type_of};
use crate::stubs::Stub;

impl Building<'_> {
    pub(crate) fn instruction(&mut self, operation: &Operation, results: &[Value]) {
        match operation {
            Operation::Store(value, address, bytes) => {
                let ty = self.type_of(*value);
                let (value, address) = (self.register(*value), self.register(*address));
                let memory = Operand::memory(memory_type(ty), address, i64::from(*bytes));
                let code = match ty {
                    Type::F32 => Code::Fmov,
                    Type::F64 => Code::Dmov,
                    _ => Code::Mov,
                };
                self.emit(code, &[memory, value.into()]);
            }
            Operation::AtomicStore(value, address) => self.atomic_store(*value, *address),
            Operation::Fence => self.call_stub(Stub::Fence, &[], None),
            Operation::Trap => self.call_stub(Stub::Trap, &[], None),
            Operation::Call(callee, signature, arguments) => {
                self.call(*callee, signature, arguments, results);
            }
            _ => {
                if let Some(result) = results.first() {
                    self.scalar(operation, *result);
                }
            }
        }
    }

    /// What has one result.
    fn scalar(&mut self, operation: &Operation, result: Value) {
        let (ty, to) = (self.type_of(result), self.register(result));
        match operation {
            Operation::Int(number) => {
                let number = *number as u64 & u64::MAX >> (64 - ty.bits());
                self.references.note(number);
                self.emit(Code::Mov, &[to.into(), (number as i64).into()]);
                self.set_clean(result);
            }
            Operation::Float(bits) => self.float(to, ty, *bits),
            Operation::Binary(how, first, second) => {
                self.binary(*how, result, *first, *second);
            }
            Operation::Unary(how, value) => self.unary(*how, result, *value),
            Operation::Convert(how, value) => self.convert(*how, result, *value),
            Operation::IntCompare(how, first, second) => {
                let how = self.int_comparison(*how, *first, *second);
                self.emit(how.0, &[to.into(), how.1.into(), how.2.into()]);
                self.set_clean(result);
            }
            Operation::FloatCompare(how, first, second) => {
                self.float_comparison(*how, to, *first, *second);
                self.set_clean(result);
            }
            Operation::Select(condition, first, second) => {
                let condition = self.zero_extended(*condition);
                let (first, second) = (self.register(*first), self.register(*second));
                self.select(to, ty, condition, first, second);
            }
            Operation::Load(address, bytes) => {
                let address = self.register(*address);
                let memory = Operand::memory(memory_type(ty), address, i64::from(*bytes));
                self.move_to(to, memory, ty);
                self.set_clean(result);
            }
            Operation::SlotAddress(slot) => self.slot(to, *slot),
            Operation::SymbolAddress(symbol, bytes) => {
                let symbol = self.reference(Reference::Symbol(symbol.0));
                self.emit(Code::Mov, &[to.into(), symbol]);
                if *bytes != 0 {
                    self.emit(Code::Add, &[to.into(), to.into(), (*bytes).into()]);
                }
            }
            Operation::AtomicLoad(address) => {
                let address = self.register(*address);
                self.call_stub(Stub::load(ty), &[address], Some(to));
            }
            Operation::AtomicRmw(how, address, value) => {
                self.atomic_rmw(*how, to, *address, *value);
            }
            Operation::CompareExchange(address, expected, new) => {
                let operands = [address, expected, new].map(|value| self.register(*value));
                self.call_stub(Stub::CompareExchange(ty.bytes()), &operands, Some(to));
            }
            // Those have no result, or were refused.
            Operation::Store(..)
            | Operation::AtomicStore(..)
            | Operation::Fence
            | Operation::Trap
            | Operation::StartArguments(..)
            | Operation::Call(..)
            | Operation::FrameAddress
            | Operation::ReturnAddress => {}
        }
    }

    /// `to` becomes the first if the condition is not 0, else the second.
    pub(crate) fn select(
        &mut self,
        to: Register,
        ty: Type,
        condition: Register,
        first: impl Into<Operand>,
        second: impl Into<Operand>,
    ) {
        let (otherwise, end) = (self.context.label(), self.context.label());
        self.emit(Code::Bf, &[otherwise.into(), condition.into()]);
        self.move_to(to, first, ty);
        self.emit(Code::Jmp, &[end.into()]);
        self.context.place(self.item, otherwise);
        self.move_to(to, second, ty);
        self.context.place(self.item, end);
    }

    fn binary(&mut self, how: Binary, result: Value, first: Value, second: Value) {
        let (ty, to) = (self.type_of(result), self.register(result));
        let is_wide = ty == Type::I64;
        let sized = |wide, narrow| if is_wide { wide } else { narrow };
        let of_float = |double, float| if ty == Type::F64 { double } else { float };
        let code = match how {
            Binary::Add => sized(Code::Add, Code::Adds),
            Binary::Sub => sized(Code::Sub, Code::Subs),
            Binary::Mul => sized(Code::Mul, Code::Muls),
            Binary::UDiv => sized(Code::Udiv, Code::Udivs),
            Binary::SDiv => sized(Code::Div, Code::Divs),
            Binary::URem => sized(Code::Umod, Code::Umods),
            Binary::SRem => sized(Code::Mod, Code::Mods),
            Binary::Shl => sized(Code::Lsh, Code::Lshs),
            Binary::LShr => sized(Code::Ursh, Code::Urshs),
            Binary::AShr => sized(Code::Rsh, Code::Rshs),
            Binary::And => Code::And,
            Binary::Or => Code::Or,
            Binary::Xor => Code::Xor,
            Binary::FAdd => of_float(Code::Dadd, Code::Fadd),
            Binary::FSub => of_float(Code::Dsub, Code::Fsub),
            Binary::FMul => of_float(Code::Dmul, Code::Fmul),
            Binary::FDiv => of_float(Code::Ddiv, Code::Fdiv),
            Binary::MulHighUnsigned | Binary::MulHighSigned => {
                return self.multiply_high(how, result, first, second);
            }
            Binary::RotateLeft => return self.rotate_left(result, first, second),
            Binary::UMin | Binary::UMax | Binary::SMin | Binary::SMax => {
                return self.extreme(how, result, first, second);
            }
            Binary::CopySign => return self.copy_sign(result, first, second),
        };
        // Of an integer narrower than an instruction, what is above may come down.
        let (first, second) = match how {
            Binary::UDiv | Binary::URem => (self.zero_extended(first), self.zero_extended(second)),
            Binary::SDiv | Binary::SRem => (self.sign_extended(first), self.sign_extended(second)),
            Binary::LShr => (self.zero_extended(first), self.zero_extended(second)),
            Binary::AShr => (self.sign_extended(first), self.zero_extended(second)),
            Binary::Shl => (self.register(first), self.zero_extended(second)),
            Binary::And | Binary::Or | Binary::Xor => {
                if self.is_clean(first) && self.is_clean(second) {
                    self.set_clean(result);
                }
                (self.register(first), self.register(second))
            }
            _ => (self.register(first), self.register(second)),
        };
        self.emit(code, &[to.into(), first.into(), second.into()]);
    }

    fn call(
        &mut self,
        callee: Callee,
        signature: &Signature,
        arguments: &[Value],
        results: &[Value],
    ) {
        let prototype = self.items.prototype(self.context, signature);
        let callee = match callee {
            Callee::Symbol(symbol) => self.reference(Reference::Symbol(symbol.0)),
            Callee::Address(value) => self.register(value).into(),
        };
        let mut operands: Vec<Operand> = Vec::from([prototype.into(), callee]);
        operands.extend(
            results
                .iter()
                .map(|result| Operand::from(self.register(*result))),
        );
        for (value, parameter) in arguments.iter().zip(&signature.parameters) {
            let Passing::Copied(bytes) = parameter.passing else {
                operands.push(self.passed(*value, parameter).into());
                continue;
            };
            let start = self.register(*value);
            for (offset, bytes) in signatures::pieces(bytes) {
                let piece = match offset {
                    0 => start,
                    _ => self.integer(Code::Add, start, i64::from(offset)),
                };
                operands.push(Operand::memory(ffi::Type::Block, piece, bytes.into()));
            }
        }
        self.emit(Code::Call, &operands);
    }

    /// Calls a function of the C library with floating-point numbers of one type.
    pub(crate) fn call_library(
        &mut self,
        name: &'static str,
        to: Register,
        ty: Type,
        from: Register,
    ) {
        let prototype = self.items.of_float(self.context, type_of(ty));
        let callee = self.reference(Reference::Library(name));
        self.emit(
            Code::Call,
            &[prototype.into(), callee, to.into(), from.into()],
        );
    }
}
