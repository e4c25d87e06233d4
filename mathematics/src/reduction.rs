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
