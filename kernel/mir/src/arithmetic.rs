//! Operations that MIR has no instruction for.

use bareflow_lir::{Binary, Type, Unary, Value};

use crate::ffi::{self, Code, Register};
use crate::function::Building;

const EVERY_SECOND_BIT: i64 = 0x5555_5555_5555_5555;
const EVERY_SECOND_PAIR: i64 = 0x3333_3333_3333_3333;
const EVERY_SECOND_NIBBLE: i64 = 0x0f0f_0f0f_0f0f_0f0f;
const EVERY_SECOND_BYTE: i64 = 0x00ff_00ff_00ff_00ff;
const EVERY_SECOND_HALF_WORD: i64 = 0x0000_ffff_0000_ffff;
const ONE_IN_EVERY_BYTE: i64 = 0x0101_0101_0101_0101;
const SIGN: i64 = i64::MIN;

const fn mask(ty: Type) -> i64 {
    (u64::MAX >> (64 - ty.bits())) as i64
}

/// An integer of the width of a floating-point number.
const fn bits_of(ty: Type) -> Type {
    match ty {
        Type::F32 => Type::I32,
        _ => Type::I64,
    }
}

const fn sign_of(ty: Type) -> i64 {
    match ty {
        Type::F32 => 1 << 31,
        _ => SIGN,
    }
}

impl Building<'_> {
    pub(crate) fn unary(&mut self, how: Unary, result: Value, value: Value) {
        let (ty, to) = (self.type_of(result), self.register(result));
        let bits = i64::from(ty.bits());
        let from = self.register(value);
        match how {
            Unary::FNeg => {
                let code = if ty == Type::F64 {
                    Code::Dneg
                } else {
                    Code::Fneg
                };
                self.emit(code, &[to.into(), from.into()]);
            }
            Unary::Sqrt => {
                let name = if ty == Type::F64 { "sqrt" } else { "sqrtf" };
                self.call_library(name, to, ty, from);
            }
            Unary::FAbs => {
                let word = self.bits(from, ty);
                let word = self.integer(Code::And, word, !sign_of(ty) & mask(bits_of(ty)));
                self.reinterpret(to, ty, word, bits_of(ty));
            }
            Unary::CountOnes => {
                let word = self.zero_extended(value);
                self.count_ones(to, word);
                self.set_clean(result);
            }
            Unary::CountTrailingZeros => {
                // All bits below the lowest one; all bits if there is none.
                let negative = self.integer(Code::Sub, 0, from);
                let lowest = self.integer(Code::And, from, negative);
                let below = self.integer(Code::Sub, lowest, 1);
                let below = self.integer(Code::And, below, mask(ty));
                self.count_ones(to, below);
                self.set_clean(result);
            }
            Unary::CountLeadingZeros => {
                let mut word = self.zero_extended(value);
                let mut distance = 1;
                while distance < bits {
                    let moved = self.integer(Code::Ursh, word, distance);
                    word = self.integer(Code::Or, word, moved);
                    distance *= 2;
                }
                let ones = self.temporary(ffi::Type::I64);
                self.count_ones(ones, word);
                self.emit(Code::Sub, &[to.into(), bits.into(), ones.into()]);
                self.set_clean(result);
            }
            Unary::ByteSwap => {
                let word = self.swap_bytes(from);
                self.emit(Code::Ursh, &[to.into(), word.into(), (64 - bits).into()]);
                self.set_clean(result);
            }
            Unary::BitReverse => {
                let mut word = from;
                for (distance, mask) in [
                    (1, EVERY_SECOND_BIT),
                    (2, EVERY_SECOND_PAIR),
                    (4, EVERY_SECOND_NIBBLE),
                ] {
                    word = self.swap_groups(word, distance, mask);
                }
                let word = self.swap_bytes(word);
                self.emit(Code::Ursh, &[to.into(), word.into(), (64 - bits).into()]);
                self.set_clean(result);
            }
        }
    }

    fn count_ones(&mut self, to: Register, word: Register) {
        let second = self.integer(Code::Ursh, word, 1);
        let second = self.integer(Code::And, second, EVERY_SECOND_BIT);
        let pairs = self.integer(Code::Sub, word, second);
        let high = self.integer(Code::Ursh, pairs, 2);
        let high = self.integer(Code::And, high, EVERY_SECOND_PAIR);
        let low = self.integer(Code::And, pairs, EVERY_SECOND_PAIR);
        let nibbles = self.integer(Code::Add, low, high);
        let high = self.integer(Code::Ursh, nibbles, 4);
        let bytes = self.integer(Code::Add, nibbles, high);
        let bytes = self.integer(Code::And, bytes, EVERY_SECOND_NIBBLE);
        let sum = self.integer(Code::Mul, bytes, ONE_IN_EVERY_BYTE);
        self.emit(Code::Ursh, &[to.into(), sum.into(), 56.into()]);
    }

    /// Groups of so many bits change places with those beside them.
    fn swap_groups(&mut self, word: Register, distance: i64, mask: i64) -> Register {
        let high = self.integer(Code::Ursh, word, distance);
        let high = self.integer(Code::And, high, mask);
        let low = self.integer(Code::And, word, mask);
        let low = self.integer(Code::Lsh, low, distance);
        self.integer(Code::Or, high, low)
    }

    fn swap_bytes(&mut self, word: Register) -> Register {
        let word = self.swap_groups(word, 8, EVERY_SECOND_BYTE);
        let word = self.swap_groups(word, 16, EVERY_SECOND_HALF_WORD);
        let high = self.integer(Code::Ursh, word, 32);
        let low = self.integer(Code::Lsh, word, 32);
        self.integer(Code::Or, high, low)
    }

    pub(crate) fn rotate_left(&mut self, result: Value, value: Value, by: Value) {
        let (ty, to) = (self.type_of(result), self.register(result));
        let bits = i64::from(ty.bits());
        let word = self.zero_extended(value);
        let by = self.integer(Code::And, self.register(by), bits - 1);
        let back = self.integer(Code::Sub, bits, by);
        let back = self.integer(Code::And, back, bits - 1);
        let high = self.integer(Code::Lsh, word, by);
        let low = self.integer(Code::Ursh, word, back);
        self.emit(Code::Or, &[to.into(), high.into(), low.into()]);
    }

    pub(crate) fn multiply_high(
        &mut self,
        how: Binary,
        result: Value,
        first: Value,
        second: Value,
    ) {
        let (ty, to) = (self.type_of(result), self.register(result));
        let is_signed = how == Binary::MulHighSigned;
        let (one, other) = if is_signed {
            (self.sign_extended(first), self.sign_extended(second))
        } else {
            (self.zero_extended(first), self.zero_extended(second))
        };
        if ty != Type::I64 {
            let product = self.integer(Code::Mul, one, other);
            let bits = i64::from(ty.bits());
            self.emit(Code::Ursh, &[to.into(), product.into(), bits.into()]);
            return;
        }
        let high = self.multiply_high_unsigned(one, other);
        if !is_signed {
            return self.move_to(to, high, ty);
        }
        // A negative one is 2^64 too much.
        let sign = self.integer(Code::Rsh, one, 63);
        let too_much = self.integer(Code::And, sign, other);
        let high = self.integer(Code::Sub, high, too_much);
        let sign = self.integer(Code::Rsh, other, 63);
        let too_much = self.integer(Code::And, sign, one);
        self.emit(Code::Sub, &[to.into(), high.into(), too_much.into()]);
    }

    /// By products of halves.
    fn multiply_high_unsigned(&mut self, first: Register, second: Register) -> Register {
        const LOW: i64 = 0xffff_ffff;
        let low = |building: &mut Self, word| building.integer(Code::And, word, LOW);
        let high = |building: &mut Self, word| building.integer(Code::Ursh, word, 32);
        let (first_low, first_high) = (low(self, first), high(self, first));
        let (second_low, second_high) = (low(self, second), high(self, second));
        let lows = self.integer(Code::Mul, first_low, second_low);
        let cross = self.integer(Code::Mul, first_high, second_low);
        let other_cross = self.integer(Code::Mul, first_low, second_high);
        let highs = self.integer(Code::Mul, first_high, second_high);
        let carry = high(self, lows);
        let middle = self.integer(Code::Add, cross, carry);
        let middle_low = low(self, middle);
        let middle_high = high(self, middle);
        let other = self.integer(Code::Add, middle_low, other_cross);
        let other_high = high(self, other);
        let sum = self.integer(Code::Add, highs, middle_high);
        self.integer(Code::Add, sum, other_high)
    }

    fn bits(&mut self, from: Register, ty: Type) -> Register {
        let word = self.temporary(ffi::Type::I64);
        self.reinterpret(word, bits_of(ty), from, ty);
        word
    }

    pub(crate) fn copy_sign(&mut self, result: Value, first: Value, second: Value) {
        let (ty, to) = (self.type_of(result), self.register(result));
        let magnitude = self.bits(self.register(first), ty);
        let sign = self.bits(self.register(second), ty);
        let magnitude = self.integer(Code::And, magnitude, !sign_of(ty) & mask(bits_of(ty)));
        let sign = self.integer(Code::And, sign, sign_of(ty));
        let word = self.integer(Code::Or, magnitude, sign);
        self.reinterpret(to, ty, word, bits_of(ty));
    }
}
