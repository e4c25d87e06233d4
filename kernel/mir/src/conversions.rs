//! Changes of type. MIR converts floating point from and to signed words alone.

use bareflow_lir::{Conversion, Type, Value};

use crate::ffi::{self, Code, Register};
use crate::function::Building;
use crate::signatures::type_of;

/// 2 to the power of so much, by its bits.
const fn power_of_two(ty: Type, exponent: u32) -> u64 {
    match ty {
        Type::F32 => (127 + exponent as u64) << 23,
        _ => (1023 + exponent as u64) << 52,
    }
}

const fn sign_bit(ty: Type) -> u64 {
    1 << (ty.bits() - 1)
}

/// Instructions for numbers of one of both types.
struct Codes {
    add: Code,
    subtract: Code,
    to_word: Code,
    from_word: Code,
    is_greater: Code,
    is_at_least: Code,
    is_less: Code,
}

const fn codes(ty: Type) -> Codes {
    match ty {
        Type::F32 => Codes {
            add: Code::Fadd,
            subtract: Code::Fsub,
            to_word: Code::F2i,
            from_word: Code::I2f,
            is_greater: Code::Fgt,
            is_at_least: Code::Fge,
            is_less: Code::Flt,
        },
        _ => Codes {
            add: Code::Dadd,
            subtract: Code::Dsub,
            to_word: Code::D2i,
            from_word: Code::I2d,
            is_greater: Code::Dgt,
            is_at_least: Code::Dge,
            is_less: Code::Dlt,
        },
    }
}

impl Building<'_> {
    pub(crate) fn convert(&mut self, how: Conversion, result: Value, value: Value) {
        let (ty, to) = (self.type_of(result), self.register(result));
        let (from_type, from) = (self.type_of(value), self.register(value));
        match how {
            Conversion::ZeroExtend => {
                let word = self.zero_extended(value);
                self.move_to(to, word, ty);
                self.set_clean(result);
            }
            Conversion::SignExtend => {
                let word = self.sign_extended(value);
                self.move_to(to, word, ty);
            }
            Conversion::Truncate => self.move_to(to, from, ty),
            Conversion::Promote => self.emit(Code::F2d, &[to.into(), from.into()]),
            Conversion::Demote => self.emit(Code::D2f, &[to.into(), from.into()]),
            Conversion::FromSigned => {
                let word = self.sign_extended(value);
                self.emit(codes(ty).from_word, &[to.into(), word.into()]);
            }
            Conversion::FromUnsigned => {
                let word = self.zero_extended(value);
                if from_type == Type::I64 {
                    self.convert_unsigned_word(to, ty, word);
                } else {
                    self.emit(codes(ty).from_word, &[to.into(), word.into()]);
                }
            }
            Conversion::ToSigned => {
                self.emit(codes(from_type).to_word, &[to.into(), from.into()]);
            }
            Conversion::ToUnsigned => self.convert_to_unsigned(to, ty, from, from_type),
            Conversion::ToSignedSaturating => {
                self.convert_to_signed_saturating(to, ty, from, from_type)
            }
            Conversion::ToUnsignedSaturating => {
                self.convert_to_unsigned_saturating(to, ty, from, from_type);
            }
            Conversion::Bits if ty.is_float() == from_type.is_float() => {
                self.move_to(to, from, ty);
            }
            Conversion::Bits => self.reinterpret(to, ty, from, from_type),
        }
    }

    /// One that is too large is halved, with its last bit kept for rounding, and doubled afterwards.
    fn convert_unsigned_word(&mut self, to: Register, ty: Type, word: Register) {
        let codes = codes(ty);
        let (large, end) = (self.context.label(), self.context.label());
        let is_large = self.integer(Code::Lt, word, 0);
        self.emit(Code::Bt, &[large.into(), is_large.into()]);
        self.emit(codes.from_word, &[to.into(), word.into()]);
        self.emit(Code::Jmp, &[end.into()]);
        self.context.place(self.item, large);
        let half = self.integer(Code::Ursh, word, 1);
        let last = self.integer(Code::And, word, 1);
        let half = self.integer(Code::Or, half, last);
        let made = self.temporary(type_of(ty));
        self.emit(codes.from_word, &[made.into(), half.into()]);
        self.emit(codes.add, &[to.into(), made.into(), made.into()]);
        self.context.place(self.item, end);
    }

    fn convert_to_unsigned(&mut self, to: Register, ty: Type, from: Register, from_type: Type) {
        let codes = codes(from_type);
        if ty != Type::I64 {
            return self.emit(codes.to_word, &[to.into(), from.into()]);
        }
        let (large, end) = (self.context.label(), self.context.label());
        let bound = self.float_constant(from_type, power_of_two(from_type, 63));
        let is_large = self.integer(codes.is_at_least, from, bound);
        self.emit(Code::Bt, &[large.into(), is_large.into()]);
        self.emit(codes.to_word, &[to.into(), from.into()]);
        self.emit(Code::Jmp, &[end.into()]);
        self.context.place(self.item, large);
        let rest = self.temporary(type_of(from_type));
        self.emit(codes.subtract, &[rest.into(), from.into(), bound.into()]);
        let word = self.temporary(ffi::Type::I64);
        self.emit(codes.to_word, &[word.into(), rest.into()]);
        self.emit(Code::Xor, &[to.into(), word.into(), i64::MIN.into()]);
        self.context.place(self.item, end);
    }

    fn convert_to_signed_saturating(
        &mut self,
        to: Register,
        ty: Type,
        from: Register,
        from_type: Type,
    ) {
        let codes = codes(from_type);
        let bits = ty.bits();
        let most = (u64::MAX >> (65 - bits)) as i64;
        let end = self.context.label();
        let bound = power_of_two(from_type, bits - 1);
        let high = self.float_constant(from_type, bound);
        let low = self.float_constant(from_type, bound | sign_bit(from_type));
        // No number is neither this nor that.
        let zero = self.float_constant(from_type, 0);
        self.emit(Code::Mov, &[to.into(), most.into()]);
        let is_high = self.integer(codes.is_at_least, from, high);
        self.emit(Code::Bt, &[end.into(), is_high.into()]);
        self.emit(Code::Mov, &[to.into(), (-most - 1).into()]);
        let is_low = self.integer(codes.is_less, from, low);
        self.emit(Code::Bt, &[end.into(), is_low.into()]);
        self.emit(Code::Mov, &[to.into(), 0.into()]);
        let is_positive = self.integer(codes.is_at_least, from, zero);
        let is_negative = self.integer(codes.is_less, from, zero);
        let is_number = self.integer(Code::Or, is_positive, is_negative);
        self.emit(Code::Bf, &[end.into(), is_number.into()]);
        self.emit(codes.to_word, &[to.into(), from.into()]);
        self.context.place(self.item, end);
    }

    fn convert_to_unsigned_saturating(
        &mut self,
        to: Register,
        ty: Type,
        from: Register,
        from_type: Type,
    ) {
        let codes = codes(from_type);
        let bits = ty.bits();
        let end = self.context.label();
        let high = self.float_constant(from_type, power_of_two(from_type, bits));
        let zero = self.float_constant(from_type, 0);
        let most = (u64::MAX >> (64 - bits)) as i64;
        self.emit(Code::Mov, &[to.into(), most.into()]);
        let is_high = self.integer(codes.is_at_least, from, high);
        self.emit(Code::Bt, &[end.into(), is_high.into()]);
        self.emit(Code::Mov, &[to.into(), 0.into()]);
        let is_positive = self.integer(codes.is_greater, from, zero);
        self.emit(Code::Bf, &[end.into(), is_positive.into()]);
        self.convert_to_unsigned(to, ty, from, from_type);
        self.context.place(self.item, end);
    }

    fn float_constant(&mut self, ty: Type, bits: u64) -> Register {
        let result = self.temporary(type_of(ty));
        self.float(result, ty, bits);
        result
    }
}
