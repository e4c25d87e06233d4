//! Comparisons.

use bareflow_lir::{Binary, FloatCompare, IntCompare, Type, Value};

use crate::ffi::{Code, Register};
use crate::function::Building;

impl Building<'_> {
    /// The instruction that compares, and what it compares.
    pub(crate) fn int_comparison(
        &mut self,
        how: IntCompare,
        first: Value,
        second: Value,
    ) -> (Code, Register, Register) {
        let ty = self.type_of(first);
        // The other way is for words, of which what is narrower is made one.
        let is_half = ty == Type::I32 && !(self.is_clean(first) && self.is_clean(second));
        let (code, is_signed) = match (how, is_half) {
            (IntCompare::Eq, false) => (Code::Eq, false),
            (IntCompare::Eq, true) => (Code::Eqs, false),
            (IntCompare::Ne, false) => (Code::Ne, false),
            (IntCompare::Ne, true) => (Code::Nes, false),
            (IntCompare::Ugt, false) => (Code::Ugt, false),
            (IntCompare::Ugt, true) => (Code::Ugts, false),
            (IntCompare::Uge, false) => (Code::Uge, false),
            (IntCompare::Uge, true) => (Code::Uges, false),
            (IntCompare::Ult, false) => (Code::Ult, false),
            (IntCompare::Ult, true) => (Code::Ults, false),
            (IntCompare::Ule, false) => (Code::Ule, false),
            (IntCompare::Ule, true) => (Code::Ules, false),
            (IntCompare::Sgt, _) => (if ty == Type::I32 { Code::Gts } else { Code::Gt }, true),
            (IntCompare::Sge, _) => (if ty == Type::I32 { Code::Ges } else { Code::Ge }, true),
            (IntCompare::Slt, _) => (if ty == Type::I32 { Code::Lts } else { Code::Lt }, true),
            (IntCompare::Sle, _) => (if ty == Type::I32 { Code::Les } else { Code::Le }, true),
        };
        if ty == Type::I32 {
            return (code, self.register(first), self.register(second));
        }
        let (first, second) = if is_signed {
            (self.sign_extended(first), self.sign_extended(second))
        } else {
            (self.zero_extended(first), self.zero_extended(second))
        };
        (code, first, second)
    }

    pub(crate) fn extreme(&mut self, how: Binary, result: Value, first: Value, second: Value) {
        let comparison = match how {
            Binary::UMin => IntCompare::Ult,
            Binary::UMax => IntCompare::Ugt,
            Binary::SMin => IntCompare::Slt,
            _ => IntCompare::Sgt,
        };
        let (code, one, other) = self.int_comparison(comparison, first, second);
        let is_first = self.integer(code, one, other);
        let (first, second) = (self.register(first), self.register(second));
        self.select(
            self.register(result),
            self.type_of(result),
            is_first,
            first,
            second,
        );
    }

    pub(crate) fn float_comparison(
        &mut self,
        how: FloatCompare,
        to: Register,
        first: Value,
        second: Value,
    ) {
        let is_double = self.type_of(first) == Type::F64;
        let (first, second) = (self.register(first), self.register(second));
        let of = |double, float| if is_double { double } else { float };
        let (eq, ne) = (of(Code::Deq, Code::Feq), of(Code::Dne, Code::Fne));
        let (lt, le) = (of(Code::Dlt, Code::Flt), of(Code::Dle, Code::Fle));
        let (gt, ge) = (of(Code::Dgt, Code::Fgt), of(Code::Dge, Code::Fge));
        // The instructions are ordered, but for that of inequality.
        let one = match how {
            FloatCompare::Oeq => Some((eq, false)),
            FloatCompare::Une => Some((ne, false)),
            FloatCompare::Ogt => Some((gt, false)),
            FloatCompare::Oge => Some((ge, false)),
            FloatCompare::Olt => Some((lt, false)),
            FloatCompare::Ole => Some((le, false)),
            FloatCompare::Ugt => Some((le, true)),
            FloatCompare::Uge => Some((lt, true)),
            FloatCompare::Ult => Some((ge, true)),
            FloatCompare::Ule => Some((gt, true)),
            FloatCompare::One | FloatCompare::Ueq | FloatCompare::Ord | FloatCompare::Uno => None,
        };
        if let Some((code, is_opposite)) = one {
            let found = self.integer(code, first, second);
            self.emit(
                Code::Xor,
                &[to.into(), found.into(), i64::from(is_opposite).into()],
            );
            return;
        }
        let (is_opposite, code, pairs) = match how {
            FloatCompare::One => (false, Code::Or, [(lt, first, second), (gt, first, second)]),
            FloatCompare::Ueq => (true, Code::Or, [(lt, first, second), (gt, first, second)]),
            FloatCompare::Ord => (false, Code::And, [(eq, first, first), (eq, second, second)]),
            _ => (true, Code::And, [(eq, first, first), (eq, second, second)]),
        };
        let found = pairs.map(|(code, first, second)| self.integer(code, first, second));
        let both = self.integer(code, found[0], found[1]);
        self.emit(
            Code::Xor,
            &[to.into(), both.into(), i64::from(is_opposite).into()],
        );
    }
}
