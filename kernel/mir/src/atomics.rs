//! Atomic operations, by stubs.

use bareflow_lir::{Rmw, Value};

use crate::ffi::{self, Code, Register};
use crate::function::Building;
use crate::stubs::Stub;

impl Building<'_> {
    pub(crate) fn atomic_store(&mut self, value: Value, address: Value) {
        let stub = Stub::Exchange(self.type_of(value).bytes());
        let operands = [self.register(address), self.register(value)];
        let before = self.temporary(ffi::Type::I64);
        self.call_stub(stub, &operands, Some(before));
    }

    pub(crate) fn atomic_rmw(&mut self, how: Rmw, to: Register, address: Value, value: Value) {
        let bytes = self.type_of(value).bytes();
        let address = self.register(address);
        let operand = self.register(value);
        match how {
            Rmw::Xchg => {
                return self.call_stub(Stub::Exchange(bytes), &[address, operand], Some(to));
            }
            Rmw::Add => return self.call_stub(Stub::Add(bytes), &[address, operand], Some(to)),
            Rmw::Sub => {
                let negative = self.integer(Code::Sub, 0, operand);
                return self.call_stub(Stub::Add(bytes), &[address, negative], Some(to));
            }
            _ => {}
        }
        // Until nobody has changed it in between.
        let ty = self.type_of(value);
        let seen = self.temporary(ffi::Type::I64);
        self.call_stub(Stub::Load(bytes), &[address], Some(seen));
        let again = self.context.label();
        self.context.place(self.item, again);
        self.emit(Code::Mov, &[to.into(), seen.into()]);
        let new = self.changed(how, to, value);
        self.call_stub(
            Stub::CompareExchange(bytes),
            &[address, to, new],
            Some(seen),
        );
        let unused = 64 - ty.bits();
        let difference = self.integer(Code::Xor, seen, to);
        let difference = self.integer(Code::Lsh, difference, i64::from(unused));
        self.emit(Code::Bt, &[again.into(), difference.into()]);
    }

    /// What becomes of a word.
    fn changed(&mut self, how: Rmw, old: Register, value: Value) -> Register {
        let operand = self.register(value);
        let ty = self.type_of(value);
        let unused = i64::from(64 - ty.bits());
        let comparison = match how {
            Rmw::And => return self.integer(Code::And, old, operand),
            Rmw::Or => return self.integer(Code::Or, old, operand),
            Rmw::Xor => return self.integer(Code::Xor, old, operand),
            Rmw::Nand => {
                let both = self.integer(Code::And, old, operand);
                return self.integer(Code::Xor, both, -1);
            }
            Rmw::Max => Code::Gt,
            Rmw::Min => Code::Lt,
            Rmw::UMax => Code::Ugt,
            _ => Code::Ult,
        };
        // At the top of a word both compare as what they are.
        let first = self.integer(Code::Lsh, old, unused);
        let second = self.integer(Code::Lsh, operand, unused);
        let is_old = self.integer(comparison, first, second);
        let new = self.temporary(ffi::Type::I64);
        self.select(new, ty, is_old, old, operand);
        new
    }
}
