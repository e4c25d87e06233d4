//! How blocks end, and what is passed from one to the next.

use alloc::vec::Vec;

use bareflow_lir::{Extension, Jump, Parameter, Passing, Terminator, Type, Value};

use crate::ffi::{self, Code, Label, Operand, Register};
use crate::function::Building;
use crate::references::Reference;
use crate::signatures::type_of;
use crate::stubs::Stub;

/// So many cases are compared one by one.
const FEW: usize = 4;
/// A table has at most so many words for each case.
const WORDS_FOR_A_CASE: u64 = 4;

/// Ways on that pass something, and where they start.
type Pending<'a> = Vec<(Label, &'a Jump)>;

impl<'a> Building<'a> {
    pub(crate) fn end(&mut self, end: &'a Terminator) {
        let mut pending = Pending::new();
        match end {
            Terminator::Jump(jump) => self.go(jump),
            Terminator::Branch(condition, then, otherwise) => {
                let condition = self.zero_extended(*condition);
                let label = self.target(then, &mut pending);
                self.emit(Code::Bt, &[label.into(), condition.into()]);
                self.go(otherwise);
            }
            Terminator::Switch(value, cases, otherwise) => {
                self.switch(*value, cases, otherwise, &mut pending);
            }
            Terminator::Return(values) => self.give_back(values),
            Terminator::Trap => self.stop(),
        }
        for (label, jump) in pending {
            self.context.place(self.item, label);
            self.go(jump);
        }
    }

    /// Where a jump leads: to its block, or to the moves before that.
    fn target(&mut self, jump: &'a Jump, pending: &mut Pending<'a>) -> Label {
        if jump.arguments.is_empty() {
            return self.labels[jump.block.0 as usize];
        }
        let label = self.context.label();
        pending.push((label, jump));
        label
    }

    fn go(&mut self, jump: &Jump) {
        let function = self.function;
        let parameters = &function.blocks[jump.block.0 as usize].parameters;
        let moves: Vec<(Value, Value)> = parameters
            .iter()
            .zip(&jump.arguments)
            .map(|(to, from)| (*to, *from))
            .filter(|(to, from)| to != from)
            .collect();
        // All happen at once: what another one overwrites is put aside.
        let sources: Vec<Register> = moves
            .iter()
            .map(|(_, from)| match parameters.contains(from) {
                true => self.put_aside(*from),
                false => self.register(*from),
            })
            .collect();
        for ((to, _), from) in moves.iter().zip(sources) {
            self.move_to(self.register(*to), from, self.type_of(*to));
        }
        let label = self.labels[jump.block.0 as usize];
        self.emit(Code::Jmp, &[label.into()]);
    }

    fn put_aside(&mut self, value: Value) -> Register {
        let ty = self.type_of(value);
        let aside = self.temporary(type_of(ty));
        self.move_to(aside, self.register(value), ty);
        aside
    }

    fn switch(
        &mut self,
        value: Value,
        cases: &'a [(u128, Jump)],
        otherwise: &'a Jump,
        pending: &mut Pending<'a>,
    ) {
        let bits = self.type_of(value).bits();
        let register = self.zero_extended(value);
        let mut sorted: Vec<(u64, Label)> = cases
            .iter()
            .map(|(number, jump)| {
                let number = *number as u64 & u64::MAX >> (64 - bits);
                self.references.note(number);
                (number, self.target(jump, pending))
            })
            .collect();
        sorted.sort_by_key(|(number, _)| *number);
        let default = self.target(otherwise, pending);
        self.search(register, &sorted, default);
    }

    fn search(&mut self, value: Register, cases: &[(u64, Label)], default: Label) {
        if cases.len() <= FEW {
            for (number, label) in cases {
                let number = *number as i64;
                self.emit(Code::Beq, &[(*label).into(), value.into(), number.into()]);
            }
            self.emit(Code::Jmp, &[default.into()]);
            return;
        }
        let (first, last) = (cases[0].0, cases[cases.len() - 1].0);
        if last - first < WORDS_FOR_A_CASE * cases.len() as u64 {
            self.table(value, cases, default);
            return;
        }
        let (low, high) = cases.split_at(cases.len() / 2);
        let below = self.context.label();
        let middle = high[0].0 as i64;
        self.emit(Code::Ublt, &[below.into(), value.into(), middle.into()]);
        self.search(value, high, default);
        self.context.place(self.item, below);
        self.search(value, low, default);
    }

    fn table(&mut self, value: Register, cases: &[(u64, Label)], default: Label) {
        let (first, last) = (cases[0].0, cases[cases.len() - 1].0);
        let index = self.integer(Code::Sub, value, first as i64);
        let most = (last - first) as i64;
        self.emit(Code::Ubgt, &[default.into(), index.into(), most.into()]);
        let mut operands: Vec<Operand> = Vec::from([index.into()]);
        let mut next = first;
        for (number, label) in cases {
            operands.extend((next..*number).map(|_| Operand::from(default)));
            operands.push((*label).into());
            next = number.wrapping_add(1);
        }
        self.emit(Code::Switch, &operands);
    }

    fn give_back(&mut self, values: &[Value]) {
        let function = self.function;
        let results = function.signature.results.iter();
        let mut operands: Vec<Operand> = values
            .iter()
            .zip(results)
            .map(|(value, result)| self.passed(*value, result).into())
            .collect();
        operands.extend(self.result_address.map(Operand::from));
        self.emit(Code::Ret, &operands);
    }

    /// What is passed for a value: extended, if that is agreed on.
    pub(crate) fn passed(&mut self, value: Value, parameter: &Parameter) -> Register {
        match parameter.passing {
            Passing::Value(Extension::Zero) => self.zero_extended(value),
            Passing::Value(Extension::Sign) => self.sign_extended(value),
            _ => self.register(value),
        }
    }

    /// Ends a block that control does not leave. MIR wants a way on, which is a return of anything.
    fn stop(&mut self) {
        self.call_stub(Stub::Trap, &[], None);
        let function = self.function;
        let results = function.signature.results.iter();
        let types: Vec<Type> = results.map(|result| result.value).collect();
        let mut operands: Vec<Operand> = Vec::new();
        for ty in types {
            let register = self.temporary(type_of(ty));
            match type_of(ty) {
                ffi::Type::Float | ffi::Type::Double => self.float(register, ty, 0),
                _ => self.emit(Code::Mov, &[register.into(), 0.into()]),
            }
            operands.push(register.into());
        }
        operands.extend(self.result_address.map(Operand::from));
        self.emit(Code::Ret, &operands);
    }

    /// Calls code behind the function's.
    pub(crate) fn call_stub(
        &mut self,
        stub: Stub,
        arguments: &[Register],
        result: Option<Register>,
    ) {
        let prototype = self
            .items
            .of_words(self.context, arguments.len(), result.is_some());
        let callee = self.reference(Reference::Stub(stub));
        let mut operands: Vec<Operand> = Vec::from([prototype.into(), callee]);
        operands.extend(result.map(Operand::from));
        operands.extend(arguments.iter().map(|argument| Operand::from(*argument)));
        self.emit(Code::Call, &operands);
    }
}
