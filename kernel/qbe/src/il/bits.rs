//! What QBE has no instructions for, in those that it has.

use bareflow_lir::Type;

use super::{Class, Operand, Writer};

/// Masks of every other bit, of pairs, of fours and so on, in 64 bits.
const BITS: u64 = 0x5555_5555_5555_5555;
const PAIRS: u64 = 0x3333_3333_3333_3333;
const FOURS: u64 = 0x0f0f_0f0f_0f0f_0f0f;
const BYTES: u64 = 0x00ff_00ff_00ff_00ff;
const WORDS: u64 = 0x0000_ffff_0000_ffff;
/// A one in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// As many of the bits as the class has.
const fn mask(class: Class, bits: u64) -> Operand {
    Operand::Number(match class {
        Class::W | Class::S => bits as i32 as i64,
        Class::L | Class::D => bits as i64,
    })
}

const fn bits_in(class: Class) -> i64 {
    match class {
        Class::W | Class::S => 32,
        Class::L | Class::D => 64,
    }
}

impl Writer<'_> {
    fn with_number(&mut self, class: Class, name: &str, value: Operand, number: i64) -> Operand {
        self.emit(class, name, &[value, Operand::Number(number)])
    }

    /// A value's bits as an integer.
    pub(super) fn bits_of(&mut self, value: Operand, class: Class) -> Operand {
        match (class, value) {
            (Class::W | Class::L, _) | (_, Operand::Number(_)) => value,
            (Class::S | Class::D, _) => self.emit(class.as_int(), "cast", &[value]),
        }
    }

    /// A value of those bits.
    pub(super) fn of_bits(&mut self, bits: Operand, class: Class) -> Operand {
        match (class, bits) {
            (Class::W | Class::L, _) | (_, Operand::Number(_)) => bits,
            (Class::S | Class::D, _) => self.emit(class, "cast", &[bits]),
        }
    }

    /// All bits of an integer's class, if the condition, a word, is 1; none if it is 0.
    pub(super) fn mask_of(&mut self, condition: Operand, class: Class) -> Operand {
        let mask = self.emit(Class::W, "neg", &[condition]);
        match class.as_int() {
            Class::L => self.emit(Class::L, "extsw", &[mask]),
            _ => mask,
        }
    }

    /// The first if the condition is 1, the second if it is 0.
    pub(super) fn select(
        &mut self,
        condition: Operand,
        class: Class,
        first: Operand,
        second: Operand,
    ) -> Operand {
        if first == second {
            return first;
        }
        let int = class.as_int();
        let (first, second) = (self.bits_of(first, class), self.bits_of(second, class));
        let mask = self.mask_of(condition, int);
        let difference = self.emit(int, "xor", &[first, second]);
        let chosen = self.emit(int, "and", &[difference, mask]);
        let made = self.emit(int, "xor", &[chosen, second]);
        self.of_bits(made, class)
    }

    pub(super) fn absolute(&mut self, class: Class, value: Operand) -> Operand {
        let int = class.as_int();
        let bits = self.bits_of(value, class);
        let made = self.emit(int, "and", &[bits, mask(int, !sign(class))]);
        self.of_bits(made, class)
    }

    pub(super) fn copy_sign(&mut self, class: Class, first: Operand, second: Operand) -> Operand {
        let int = class.as_int();
        let (first, second) = (self.bits_of(first, class), self.bits_of(second, class));
        let magnitude = self.emit(int, "and", &[first, mask(int, !sign(class))]);
        let sign = self.emit(int, "and", &[second, mask(int, sign(class))]);
        let made = self.emit(int, "or", &[magnitude, sign]);
        self.of_bits(made, class)
    }

    pub(super) fn rotate_left(&mut self, ty: Type, value: Operand, count: Operand) -> Operand {
        let class = Class::of(ty);
        let bits = i64::from(ty.bits());
        let (left, right) = match count {
            Operand::Number(count) if count & (bits - 1) == 0 => return value,
            Operand::Number(count) => {
                let count = count & (bits - 1);
                (Operand::Number(count), Operand::Number(bits - count))
            }
            // The processor takes as many bits of the count as the width has.
            _ if bits == bits_in(class) => (count, self.emit(Class::W, "neg", &[count])),
            _ => {
                let left = self.with_number(Class::W, "and", count, bits - 1);
                let right = self.emit(Class::W, "sub", &[Operand::Number(bits), left]);
                (left, right)
            }
        };
        let high = self.emit(class, "shl", &[value, left]);
        let low = self.emit(class, "shr", &[value, right]);
        let made = self.emit(class, "or", &[high, low]);
        self.narrowed(made, ty)
    }

    /// How many bits are ones.
    pub(super) fn ones(&mut self, class: Class, value: Operand) -> Operand {
        let half = self.with_number(class, "shr", value, 1);
        let half = self.emit(class, "and", &[half, mask(class, BITS)]);
        let pairs = self.emit(class, "sub", &[value, half]);
        let low = self.emit(class, "and", &[pairs, mask(class, PAIRS)]);
        let high = self.with_number(class, "shr", pairs, 2);
        let high = self.emit(class, "and", &[high, mask(class, PAIRS)]);
        let fours = self.emit(class, "add", &[low, high]);
        let high = self.with_number(class, "shr", fours, 4);
        let bytes = self.emit(class, "add", &[fours, high]);
        let bytes = self.emit(class, "and", &[bytes, mask(class, FOURS)]);
        let sum = self.emit(class, "mul", &[bytes, mask(class, ONES)]);
        self.with_number(class, "shr", sum, bits_in(class) - 8)
    }

    pub(super) fn leading_zeros(&mut self, ty: Type, value: Operand) -> Operand {
        let class = Class::of(ty);
        let mut smeared = value;
        let mut distance = 1;
        while distance < ty.bits() {
            let behind = self.with_number(class, "shr", smeared, distance.into());
            smeared = self.emit(class, "or", &[smeared, behind]);
            distance *= 2;
        }
        let ones = self.ones(class, smeared);
        self.emit(class, "sub", &[Operand::Number(ty.bits().into()), ones])
    }

    pub(super) fn trailing_zeros(&mut self, ty: Type, value: Operand) -> Operand {
        let class = Class::of(ty);
        let mut value = value;
        if i64::from(ty.bits()) < bits_in(class) {
            value = self.with_number(class, "or", value, 1 << ty.bits());
        }
        let below = self.with_number(class, "sub", value, 1);
        let others = self.with_number(class, "xor", value, -1);
        let zeros = self.emit(class, "and", &[below, others]);
        self.ones(class, zeros)
    }

    /// Exchanges neighbours that are so many bits wide; the mask has the lower ones.
    fn swap_neighbours(&mut self, class: Class, value: Operand, width: i64, lower: u64) -> Operand {
        let low = self.emit(class, "and", &[value, mask(class, lower)]);
        let low = self.with_number(class, "shl", low, width);
        let high = self.with_number(class, "shr", value, width);
        let high = self.emit(class, "and", &[high, mask(class, lower)]);
        self.emit(class, "or", &[low, high])
    }

    pub(super) fn swap_bytes(&mut self, ty: Type, value: Operand) -> Operand {
        let class = Class::of(ty);
        let mut made = value;
        for (width, lower) in [(8, BYTES), (16, WORDS), (32, u64::from(u32::MAX))] {
            if width * 2 <= i64::from(ty.bits()) {
                made = if width * 2 == bits_in(class) {
                    self.rotate_left(ty, made, Operand::Number(width))
                } else {
                    self.swap_neighbours(class, made, width, lower)
                };
            }
        }
        made
    }

    pub(super) fn reverse_bits(&mut self, ty: Type, value: Operand) -> Operand {
        let class = Class::of(ty);
        let mut made = value;
        for (width, lower) in [(1, BITS), (2, PAIRS), (4, FOURS)] {
            made = self.swap_neighbours(class, made, width, lower);
        }
        self.swap_bytes(ty, made)
    }

    pub(super) fn multiply_high(
        &mut self,
        is_signed: bool,
        ty: Type,
        first: Operand,
        second: Operand,
    ) -> Operand {
        let bits = i64::from(ty.bits());
        let shift = if is_signed { "sar" } else { "shr" };
        match ty {
            Type::I8 | Type::I16 => {
                let (mut first, mut second) = (first, second);
                if is_signed {
                    first = self.signed(first, ty);
                    second = self.signed(second, ty);
                }
                let product = self.emit(Class::W, "mul", &[first, second]);
                let made = self.with_number(Class::W, shift, product, bits);
                self.narrowed(made, ty)
            }
            Type::I32 => {
                let extend = if is_signed { "extsw" } else { "extuw" };
                let first = self.emit(Class::L, extend, &[first]);
                let second = self.emit(Class::L, extend, &[second]);
                let product = self.emit(Class::L, "mul", &[first, second]);
                let made = self.with_number(Class::L, shift, product, bits);
                self.emit(Class::W, "copy", &[made])
            }
            _ => {
                let made = self.multiply_high_longs(first, second);
                if !is_signed {
                    return made;
                }
                // A negative factor counts as 2 to the power of 64 more than it is.
                let mut made = made;
                for (one, other) in [(first, second), (second, first)] {
                    let sign = self.with_number(Class::L, "sar", one, bits - 1);
                    let more = self.emit(Class::L, "and", &[sign, other]);
                    made = self.emit(Class::L, "sub", &[made, more]);
                }
                made
            }
        }
    }

    /// By halves.
    fn multiply_high_longs(&mut self, first: Operand, second: Operand) -> Operand {
        let long = Class::L;
        let half = i64::from(u32::BITS);
        let low = i64::from(u32::MAX);
        let [first_low, second_low] =
            [first, second].map(|one| self.with_number(long, "and", one, low));
        let [first_high, second_high] =
            [first, second].map(|one| self.with_number(long, "shr", one, half));
        let lowest = self.emit(long, "mul", &[first_low, second_low]);
        let one = self.emit(long, "mul", &[first_high, second_low]);
        let other = self.emit(long, "mul", &[first_low, second_high]);
        let highest = self.emit(long, "mul", &[first_high, second_high]);
        let carried = self.with_number(long, "shr", lowest, half);
        let middle = self.emit(long, "add", &[one, carried]);
        let middle_low = self.with_number(long, "and", middle, low);
        let middle_high = self.with_number(long, "shr", middle, half);
        let rest = self.emit(long, "add", &[middle_low, other]);
        let rest = self.with_number(long, "shr", rest, half);
        let sum = self.emit(long, "add", &[highest, middle_high]);
        self.emit(long, "add", &[sum, rest])
    }
}

/// The bit of the sign.
const fn sign(class: Class) -> u64 {
    match class {
        Class::W | Class::S => 1 << 31,
        Class::L | Class::D => 1 << 63,
    }
}
