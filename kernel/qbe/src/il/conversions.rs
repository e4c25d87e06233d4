//! Changes of type.

use bareflow_lir::{Conversion, Type};

use super::operations::Comparison;
use super::{Class, Operand, Writer};

/// From floating point to a long.
const fn to_long(class: Class) -> &'static str {
    match class {
        Class::S => "stosi",
        _ => "dtosi",
    }
}

/// The same of an unsigned one.
const fn to_unsigned_long(class: Class) -> &'static str {
    match class {
        Class::S => "stoui",
        _ => "dtoui",
    }
}

/// The bits of 2 to the power of so much, as floating point.
fn power_of_two(class: Class, exponent: u32) -> u64 {
    match class {
        Class::S => u64::from(127 + exponent) << 23,
        _ => u64::from(1023 + exponent) << 52,
    }
}

impl Writer<'_> {
    pub(super) fn convert(
        &mut self,
        how: Conversion,
        from: Type,
        to: Type,
        value: Operand,
    ) -> Operand {
        let (source, class) = (Class::of(from), Class::of(to));
        match how {
            Conversion::ZeroExtend if source == class => value,
            Conversion::ZeroExtend => self.emit(class, "extuw", &[value]),
            Conversion::SignExtend => {
                let value = self.signed(value, from);
                match class {
                    Class::L => self.emit(class, "extsw", &[value]),
                    _ => self.narrowed(value, to),
                }
            }
            Conversion::Truncate if to == Type::I32 => self.emit(class, "copy", &[value]),
            Conversion::Truncate => self.narrowed(value, to),
            Conversion::Promote => self.emit(class, "exts", &[value]),
            Conversion::Demote => self.emit(class, "truncd", &[value]),
            Conversion::FromUnsigned => {
                let name = match source {
                    Class::L => "ultof",
                    _ => "uwtof",
                };
                self.emit(class, name, &[value])
            }
            Conversion::FromSigned => {
                let value = self.signed(value, from);
                let name = match source {
                    Class::L => "sltof",
                    _ => "swtof",
                };
                self.emit(class, name, &[value])
            }
            Conversion::ToSigned | Conversion::ToUnsigned => {
                let long = self.as_integer(how == Conversion::ToSigned, source, to, value);
                self.shortened(long, to)
            }
            Conversion::ToSignedSaturating => self.saturated(true, source, to, value),
            Conversion::ToUnsignedSaturating => self.saturated(false, source, to, value),
            Conversion::Bits => {
                let bits = self.bits_of(value, source);
                match (class, bits) {
                    (Class::W, Operand::Number(number)) => {
                        Operand::Number(i64::from(number as i32))
                    }
                    (Class::S, Operand::Number(number)) => {
                        Operand::Number(i64::from(number as u32))
                    }
                    _ => self.of_bits(bits, class),
                }
            }
        }
    }

    /// A long of the value's magnitude; of those that fit, which all are below 2 to the power of 63 but for one type.
    fn as_integer(&mut self, is_signed: bool, class: Class, to: Type, value: Operand) -> Operand {
        let name = if to == Type::I64 && !is_signed {
            to_unsigned_long(class)
        } else {
            to_long(class)
        };
        self.emit(Class::L, name, &[value])
    }

    /// A long as an integer of another type.
    fn shortened(&mut self, long: Operand, to: Type) -> Operand {
        match to {
            Type::I8 | Type::I16 => self.narrowed(long, to),
            Type::I32 => self.emit(Class::W, "copy", &[long]),
            _ => long,
        }
    }

    fn saturated(&mut self, is_signed: bool, class: Class, to: Type, value: Operand) -> Operand {
        let long = self.as_integer(is_signed, class, to, value);
        let bits = to.bits() - u32::from(is_signed);
        let most = Operand::Number((u64::MAX >> (64 - bits)) as i64);
        let bound = Operand::Number(power_of_two(class, bits) as i64);
        let is_above = self.emit(Class::W, Comparison::Ge.name(class), &[value, bound]);
        let mut made = self.select(is_above, Class::L, most, long);
        // What is no number is not above 0 either, and not ordered.
        let is_there = if is_signed {
            let least = Operand::Number(-1 << bits);
            let sign = match class {
                Class::S => 1 << 31,
                _ => 1 << 63,
            };
            let bound = Operand::Number((power_of_two(class, bits) | sign) as i64);
            let is_below = self.emit(Class::W, Comparison::Lt.name(class), &[value, bound]);
            made = self.select(is_below, Class::L, least, made);
            self.emit(Class::W, Comparison::Ordered.name(class), &[value, value])
        } else {
            let zero = Operand::Number(0);
            self.emit(Class::W, Comparison::Gt.name(class), &[value, zero])
        };
        let mask = self.mask_of(is_there, Class::L);
        let made = self.emit(Class::L, "and", &[made, mask]);
        self.shortened(made, to)
    }
}
