//! Instructions with one result, or none.

use bareflow_lir::{Binary, FloatCompare, IntCompare, Operation, Type, Unary, Value};

use super::calls::load;
use super::flow::number;
use super::{Class, LIBRARY, Operand, Writer, not_there};
use bareflow_lir::Error;

/// What compares integers of a class.
pub(super) const fn int_compare(how: IntCompare, class: Class) -> &'static str {
    let is_word = matches!(class, Class::W);
    match (how, is_word) {
        (IntCompare::Eq, true) => "ceqw",
        (IntCompare::Ne, true) => "cnew",
        (IntCompare::Ugt, true) => "cugtw",
        (IntCompare::Uge, true) => "cugew",
        (IntCompare::Ult, true) => "cultw",
        (IntCompare::Ule, true) => "culew",
        (IntCompare::Sgt, true) => "csgtw",
        (IntCompare::Sge, true) => "csgew",
        (IntCompare::Slt, true) => "csltw",
        (IntCompare::Sle, true) => "cslew",
        (IntCompare::Eq, false) => "ceql",
        (IntCompare::Ne, false) => "cnel",
        (IntCompare::Ugt, false) => "cugtl",
        (IntCompare::Uge, false) => "cugel",
        (IntCompare::Ult, false) => "cultl",
        (IntCompare::Ule, false) => "culel",
        (IntCompare::Sgt, false) => "csgtl",
        (IntCompare::Sge, false) => "csgel",
        (IntCompare::Slt, false) => "csltl",
        (IntCompare::Sle, false) => "cslel",
    }
}

const fn is_signed(how: IntCompare) -> bool {
    matches!(
        how,
        IntCompare::Sgt | IntCompare::Sge | IntCompare::Slt | IntCompare::Sle
    )
}

/// QBE's comparisons of floating point: false where there is no number, but for two of them.
#[derive(Clone, Copy)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Ordered,
    Unordered,
}

impl Comparison {
    pub(super) const fn name(self, class: Class) -> &'static str {
        let is_single = matches!(class, Class::S);
        match (self, is_single) {
            (Self::Eq, true) => "ceqs",
            (Self::Ne, true) => "cnes",
            (Self::Gt, true) => "cgts",
            (Self::Ge, true) => "cges",
            (Self::Lt, true) => "clts",
            (Self::Le, true) => "cles",
            (Self::Ordered, true) => "cos",
            (Self::Unordered, true) => "cuos",
            (Self::Eq, false) => "ceqd",
            (Self::Ne, false) => "cned",
            (Self::Gt, false) => "cgtd",
            (Self::Ge, false) => "cged",
            (Self::Lt, false) => "cltd",
            (Self::Le, false) => "cled",
            (Self::Ordered, false) => "cod",
            (Self::Unordered, false) => "cuod",
        }
    }
}

impl Writer<'_> {
    pub(super) fn instruction(
        &mut self,
        operation: &Operation,
        results: &[Value],
    ) -> Result<(), Error> {
        match operation {
            Operation::Store(value, address, bytes) => {
                let name = match self.type_of(*value) {
                    Type::I8 => "storeb",
                    Type::I16 => "storeh",
                    Type::I32 => "storew",
                    Type::I64 | Type::I128 => "storel",
                    Type::F32 => "stores",
                    Type::F64 => "stored",
                };
                let (value, address) = (self.operand(*value), self.operand(*address));
                let place = self.behind(address, (*bytes).into());
                self.line(format_args!("{name} {value}, {place}"));
                return Ok(());
            }
            Operation::Call(callee, signature, arguments) => {
                return self.call(*callee, signature, arguments, results);
            }
            _ => {}
        }
        if let Operation::AtomicStore(..) | Operation::Fence = operation {
            return not_there("instruction", "atomic operation");
        }
        let [result] = results else {
            return not_there("instruction", "one without a result");
        };
        let ty = self.type_of(*result);
        let made = self.scalar(operation, ty)?;
        self.operands[result.0 as usize] = made;
        self.booleans[result.0 as usize] = self.is_boolean(operation);
        Ok(())
    }

    fn is_boolean(&self, operation: &Operation) -> bool {
        let known = |value: &Value| self.booleans[value.0 as usize];
        match operation {
            Operation::IntCompare(..) | Operation::FloatCompare(..) | Operation::Int(0 | 1) => true,
            Operation::Binary(Binary::And, first, second) => known(first) || known(second),
            Operation::Binary(Binary::Or | Binary::Xor, first, second) => {
                known(first) && known(second)
            }
            _ => false,
        }
    }

    fn scalar(&mut self, operation: &Operation, ty: Type) -> Result<Operand, Error> {
        let class = Class::of(ty);
        Ok(match operation {
            Operation::Int(value) => number(ty, *value),
            Operation::Float(bits) => match ty {
                Type::F32 => Operand::Number(i64::from(*bits as u32)),
                _ => Operand::Number(*bits as i64),
            },
            Operation::Binary(how, first, second) => {
                let (first, second) = (self.operand(*first), self.operand(*second));
                self.binary(*how, ty, first, second)
            }
            Operation::Unary(how, value) => {
                let value = self.operand(*value);
                self.unary(*how, ty, value)
            }
            Operation::Convert(how, value) => {
                let from = self.type_of(*value);
                let value = self.operand(*value);
                self.convert(*how, from, ty, value)
            }
            Operation::IntCompare(how, first, second) => {
                let of = self.type_of(*first);
                let (mut first, mut second) = (self.operand(*first), self.operand(*second));
                if is_signed(*how) {
                    first = self.signed(first, of);
                    second = self.signed(second, of);
                }
                self.emit(Class::W, int_compare(*how, Class::of(of)), &[first, second])
            }
            Operation::FloatCompare(how, first, second) => {
                let of = Class::of(self.type_of(*first));
                let (first, second) = (self.operand(*first), self.operand(*second));
                self.float_compare(*how, of, first, second)
            }
            Operation::Select(condition, first, second) => {
                let is_boolean = self.booleans[condition.0 as usize];
                let mut condition = self.operand(*condition);
                let (first, second) = (self.operand(*first), self.operand(*second));
                if !is_boolean {
                    condition = self.emit(Class::W, "cnew", &[condition, Operand::Number(0)]);
                }
                self.select(condition, class, first, second)
            }
            Operation::Load(address, bytes) => {
                let address = self.operand(*address);
                let place = self.behind(address, (*bytes).into());
                self.emit(class, load(ty), &[place])
            }
            Operation::SlotAddress(slot) => self.slots[slot.0 as usize],
            Operation::SymbolAddress(symbol, bytes) => {
                self.behind(Operand::Symbol(symbol.0), *bytes)
            }
            Operation::AtomicLoad(_)
            | Operation::AtomicRmw(..)
            | Operation::CompareExchange(..) => {
                return not_there("instruction", "atomic operation");
            }
            Operation::FrameAddress => return not_there("intrinsic", "the frame's address"),
            Operation::ReturnAddress => return not_there("intrinsic", "the return address"),
            Operation::Store(..)
            | Operation::Call(..)
            | Operation::Trap
            | Operation::AtomicStore(..)
            | Operation::StartArguments(_)
            | Operation::Fence => {
                return not_there("instruction", "one with a result");
            }
        })
    }

    fn binary(&mut self, how: Binary, ty: Type, first: Operand, second: Operand) -> Operand {
        let class = Class::of(ty);
        let name = match how {
            Binary::Add | Binary::FAdd => "add",
            Binary::Sub | Binary::FSub => "sub",
            Binary::Mul | Binary::FMul => "mul",
            Binary::FDiv => "div",
            Binary::UDiv => "udiv",
            Binary::URem => "urem",
            Binary::Shl => "shl",
            Binary::LShr => "shr",
            Binary::And => "and",
            Binary::Or => "or",
            Binary::Xor => "xor",
            Binary::SDiv | Binary::SRem => {
                let (first, second) = (self.signed(first, ty), self.signed(second, ty));
                let name = if how == Binary::SDiv { "div" } else { "rem" };
                let made = self.emit(class, name, &[first, second]);
                return self.narrowed(made, ty);
            }
            Binary::AShr => {
                let first = self.signed(first, ty);
                let made = self.emit(class, "sar", &[first, second]);
                return self.narrowed(made, ty);
            }
            Binary::MulHighUnsigned | Binary::MulHighSigned => {
                return self.multiply_high(how == Binary::MulHighSigned, ty, first, second);
            }
            Binary::RotateLeft => return self.rotate_left(ty, first, second),
            Binary::UMin => return self.choose(IntCompare::Ult, ty, first, second),
            Binary::UMax => return self.choose(IntCompare::Ugt, ty, first, second),
            Binary::SMin => return self.choose(IntCompare::Slt, ty, first, second),
            Binary::SMax => return self.choose(IntCompare::Sgt, ty, first, second),
            Binary::CopySign => return self.copy_sign(class, first, second),
        };
        let second = match (how, second) {
            // QBE 1.2 takes the bits of numbers for integers where it looks for what changes nothing: -0.0 plus 0.0, or
            // what is multiplied with the smallest of all numbers. It does not look behind a name.
            (Binary::FAdd | Binary::FMul | Binary::FDiv, Operand::Number(_)) => {
                self.emit(class, "copy", &[second])
            }
            _ => second,
        };
        let made = self.emit(class, name, &[first, second]);
        match how {
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Shl => self.narrowed(made, ty),
            _ => made,
        }
    }

    /// The first if it compares so with the second, which else it is.
    fn choose(&mut self, how: IntCompare, ty: Type, first: Operand, second: Operand) -> Operand {
        let class = Class::of(ty);
        let (mut one, mut other) = (first, second);
        if is_signed(how) {
            one = self.signed(first, ty);
            other = self.signed(second, ty);
        }
        let is_first = self.emit(Class::W, int_compare(how, class), &[one, other]);
        self.select(is_first, class, first, second)
    }

    fn unary(&mut self, how: Unary, ty: Type, value: Operand) -> Operand {
        let class = Class::of(ty);
        match how {
            Unary::FNeg => self.emit(class, "neg", &[value]),
            Unary::FAbs => self.absolute(class, value),
            Unary::Sqrt => {
                let name = if class == Class::S { "sqrtf" } else { "sqrt" };
                let result = self.temporary();
                self.line(format_args!(
                    "{result} ={class} call ${LIBRARY}{name}({class} {value})"
                ));
                result
            }
            Unary::CountLeadingZeros => self.leading_zeros(ty, value),
            Unary::CountTrailingZeros => self.trailing_zeros(ty, value),
            Unary::CountOnes => self.ones(class, value),
            Unary::ByteSwap => self.swap_bytes(ty, value),
            Unary::BitReverse => self.reverse_bits(ty, value),
        }
    }

    fn float_compare(
        &mut self,
        how: FloatCompare,
        class: Class,
        first: Operand,
        second: Operand,
    ) -> Operand {
        let operands = [first, second];
        let compare =
            |writer: &mut Self, how: Comparison| writer.emit(Class::W, how.name(class), &operands);
        // Of these the opposite is true where there is no number.
        let opposite = match how {
            FloatCompare::Oeq => return compare(self, Comparison::Eq),
            FloatCompare::Une => return compare(self, Comparison::Ne),
            FloatCompare::Ogt => return compare(self, Comparison::Gt),
            FloatCompare::Oge => return compare(self, Comparison::Ge),
            FloatCompare::Olt => return compare(self, Comparison::Lt),
            FloatCompare::Ole => return compare(self, Comparison::Le),
            FloatCompare::Ord => return compare(self, Comparison::Ordered),
            FloatCompare::Uno => return compare(self, Comparison::Unordered),
            FloatCompare::One => {
                let (one, other) = (
                    compare(self, Comparison::Ordered),
                    compare(self, Comparison::Ne),
                );
                return self.emit(Class::W, "and", &[one, other]);
            }
            FloatCompare::Ueq => {
                let (one, other) = (
                    compare(self, Comparison::Unordered),
                    compare(self, Comparison::Eq),
                );
                return self.emit(Class::W, "or", &[one, other]);
            }
            FloatCompare::Ugt => Comparison::Le,
            FloatCompare::Uge => Comparison::Lt,
            FloatCompare::Ult => Comparison::Ge,
            FloatCompare::Ule => Comparison::Gt,
        };
        let opposite = compare(self, opposite);
        self.emit(Class::W, "xor", &[opposite, Operand::Number(1)])
    }
}
