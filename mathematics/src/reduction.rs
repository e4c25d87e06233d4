//! Angles modulo a quarter turn, however large (M. Payne, R. Hanek, 1983).

use crate::Wide;
use crate::constants::{PI_OVER_2, PI_OVER_4};
use crate::two_over_pi::TWO_OVER_PI;

/// Words of 2 / pi that matter: 128 bits of the angle are used up, 64 are lost to cancellation.
const WORDS: usize = 6;
const PRODUCT_WORDS: usize = WORDS + 2;

/// Words of a number, from the lowest.
type Product = [u64; PRODUCT_WORDS];

/// The number of quarter turns, modulo 4, and the rest: at most an eighth of a turn to either side.
pub(crate) fn reduce(x: Wide) -> (u8, Wide) {
    if x.abs() <= PI_OVER_4 {
        return (0, x);
    }
    // Words before the first one make whole turns.
    let first = ((x.exponent - 129).max(0) / 64) as usize;
    let product = product(x.significand, &TWO_OVER_PI[first..first + WORDS]);
    // Where the binary point is.
    let point = (64 * (first + WORDS)) as i32 + 127 - x.exponent;
    let point = point as usize;
    let is_set = |bit: usize| bit < 64 * PRODUCT_WORDS && product[bit / 64] >> (bit % 64) & 1 == 1;
    let mut quarters = u8::from(is_set(point)) | u8::from(is_set(point + 1)) << 1;
    let mut fraction = bits_below(product, point);
    let is_more_than_half = fraction[PRODUCT_WORDS - 1] >> 63 == 1;
    if is_more_than_half {
        quarters = (quarters + 1) % 4;
        fraction = fraction.map(|word| !word);
    }
    let rest = leading_bits(fraction) * PI_OVER_2;
    let rest = rest.with_sign(is_more_than_half != x.negative);
    if x.negative {
        ((4 - quarters) % 4, rest)
    } else {
        (quarters, rest)
    }
}

/// The product of a significand and of words from the highest.
fn product(significand: u128, words: &[u64]) -> Product {
    let mut product = [0_u64; PRODUCT_WORDS];
    for (shift, factor) in [significand as u64, (significand >> 64) as u64]
        .into_iter()
        .enumerate()
    {
        let mut carry = 0_u128;
        for (index, word) in words.iter().rev().enumerate() {
            let place = &mut product[index + shift];
            carry += u128::from(*place) + u128::from(factor) * u128::from(*word);
            *place = carry as u64;
            carry >>= 64;
        }
        product[words.len() + shift] = carry as u64;
    }
    product
}

/// The bits below a position, at the upper end.
fn bits_below(product: Product, position: usize) -> Product {
    let shift = 64 * PRODUCT_WORDS - position;
    let (words, bits) = (shift / 64, shift % 64);
    let mut result = [0_u64; PRODUCT_WORDS];
    let mut below = 0;
    for (place, word) in result[words..].iter_mut().zip(product) {
        *place = word << bits | below;
        below = if bits == 0 { 0 } else { word >> (64 - bits) };
    }
    result
}

/// The first 128 bits from the highest that is set, as a number below 1.
fn leading_bits(words: Product) -> Wide {
    let Some(top) = words.iter().rposition(|word| *word != 0) else {
        return Wide::ZERO;
    };
    let word = |index: usize| words.get(index).copied().map_or(0, u128::from);
    let below = |distance: usize| top.checked_sub(distance).map_or(0, word);
    let zeros = words[top].leading_zeros();
    let high = word(top) << 64 | below(1);
    let significand = if zeros == 0 {
        high
    } else {
        high << zeros | below(2) >> (64 - zeros)
    };
    let exponent = 64 * (top as i32 + 1 - PRODUCT_WORDS as i32) - 1 - zeros as i32;
    Wide::constant(exponent, significand)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// Words after the binary point, from the highest; the first is before it.
    type Fixed = Vec<u64>;

    fn divide(number: &mut Fixed, divisor: u64) {
        let mut rest = 0_u128;
        for word in number {
            let dividend = rest << 64 | u128::from(*word);
            *word = (dividend / u128::from(divisor)) as u64;
            rest = dividend % u128::from(divisor);
        }
    }

    /// Adds or subtracts.
    fn combine(number: &mut Fixed, other: &Fixed, is_negative: bool) {
        let mut carry = is_negative;
        for (word, other) in number.iter_mut().zip(other).rev() {
            let other = if is_negative { !*other } else { *other };
            let (sum, first) = word.overflowing_add(other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *word = sum;
            carry = first || second;
        }
    }

    /// A multiple of the arc tangent of 1 / x.
    fn arc_cotangent(x: u64, factor: u64, words: usize) -> Fixed {
        let mut power: Fixed = std::vec![0; words];
        power[0] = factor;
        divide(&mut power, x);
        let mut sum = power.clone();
        let mut order = 1;
        while power.iter().any(|word| *word != 0) {
            divide(&mut power, x * x);
            order += 2;
            let mut term = power.clone();
            divide(&mut term, order);
            combine(&mut sum, &term, order % 4 == 3);
        }
        sum
    }

    #[test]
    fn the_bits_are_those_of_two_over_pi() {
        // Machin: pi = 16 arccot 5 - 4 arccot 239.
        let words = TWO_OVER_PI.len() + 3;
        let mut pi = arc_cotangent(5, 16, words);
        combine(&mut pi, &arc_cotangent(239, 4, words), true);
        // The product with the table is 2, but for what the table leaves out.
        let mut product = std::vec![0_u64; words + TWO_OVER_PI.len()];
        for (i, factor) in TWO_OVER_PI.iter().enumerate().rev() {
            let mut carry = 0_u128;
            for (k, word) in pi.iter().enumerate().rev() {
                let place = &mut product[i + k + 1];
                carry += u128::from(*place) + u128::from(*factor) * u128::from(*word);
                *place = carry as u64;
                carry >>= 64;
            }
            product[i] = carry as u64;
        }
        assert_eq!(product[0], 1);
        assert!(
            product[1..TWO_OVER_PI.len()]
                .iter()
                .all(|word| *word == u64::MAX)
        );
    }

    #[test]
    fn angles_are_whole_quarters_and_a_rest() {
        let angle = Wide::integer(100) * PI_OVER_2 + Wide::ratio(1, 3);
        let (quarters, rest) = reduce(angle);
        assert_eq!(quarters, 0);
        assert!((rest - Wide::ratio(1, 3)).exponent < -110);
        let (quarters, rest) = reduce(-angle);
        assert_eq!(quarters, 0);
        assert!((rest + Wide::ratio(1, 3)).exponent < -110);
        let (quarters, _) = reduce(Wide::integer(-2));
        assert_eq!(quarters, 3);
    }
}
