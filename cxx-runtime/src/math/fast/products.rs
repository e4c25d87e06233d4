//! Products with what their rounding has lost: the same everywhere, by an instruction where there is one.

use crate::arch;

/// A way of computing products.
pub(in crate::math) trait Products {
    /// The rounded product, and its difference from the exact one.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn exact(one: f64, other: f64) -> (f64, f64);
}

/// By the products of halves (Dekker: "A floating-point technique for extending the available precision").
pub(in crate::math) struct ByHalves;

/// By the instruction that rounds a product and a sum once.
pub(in crate::math) struct ByInstruction;

/// The first 26 bits, rounded, and the others with a sign.
#[inline(always)]
fn halves(x: f64) -> (f64, f64) {
    let high = f64::from_bits((x.to_bits().wrapping_add(1 << 26)) & !((1 << 27) - 1));
    (high, x - high)
}

impl Products for ByHalves {
    #[inline(always)]
    unsafe fn exact(one: f64, other: f64) -> (f64, f64) {
        let product = one * other;
        let (one_high, one_low) = halves(one);
        let (other_high, other_low) = halves(other);
        let middle = one_high * other_high - product + one_high * other_low + one_low * other_high;
        (product, middle + one_low * other_low)
    }
}

impl Products for ByInstruction {
    #[inline(always)]
    unsafe fn exact(one: f64, other: f64) -> (f64, f64) {
        let product = one * other;
        // SAFETY: the caller's promise.
        let lost = unsafe { arch::lost_by_product(one, other, product) };
        (product, lost)
    }
}
