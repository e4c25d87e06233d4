//! A function of numbers as a function of a format: read, compute, round, and see what is to be reported.

use crate::{Complex, Format, Loss, Number, Rounding};

/// What a call has to report (ISO C17, 7.12.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// The function is not defined there.
    pub invalid: bool,
    /// The function has an infinity there.
    pub division_by_zero: bool,
    /// The result is too large for the format.
    pub overflow: bool,
    /// The result is too small for the format to have all its bits.
    pub underflow: bool,
}

impl Exceptions {
    fn of(operands: &[Number], results: &[Number]) -> Self {
        Self {
            invalid: results.iter().any(|result| result.is_nan())
                && !operands.iter().any(|operand| operand.is_nan()),
            division_by_zero: results.iter().any(|result| result.is_infinite())
                && operands.iter().all(|operand| operand.is_finite()),
            ..Self::default()
        }
    }

    fn add(&mut self, loss: Loss) {
        self.overflow |= loss.overflow;
        self.underflow |= loss.underflow;
    }
}

/// The function's result for these operands, rounded, and what is to be reported.
///
/// A NaN among the operands is passed on by the caller, which knows its bits; the result is then any NaN.
pub fn evaluate<F: Format, const N: usize>(
    function: impl FnOnce([Number; N]) -> Number,
    operands: [F; N],
    rounding: Rounding,
) -> (F, Exceptions) {
    let operands = operands.map(Format::number);
    let result = function(operands);
    let mut exceptions = Exceptions::of(&operands, &[result]);
    let (rounded, loss) = F::round(result, rounding);
    exceptions.add(loss);
    (rounded, exceptions)
}

/// The same of complex operands, each its real and its imaginary part.
pub fn evaluate_complex<F: Format, const N: usize>(
    function: impl FnOnce([Complex; N]) -> Complex,
    operands: [[F; 2]; N],
    rounding: Rounding,
) -> ([F; 2], Exceptions) {
    let operands = operands.map(|[re, im]| Complex {
        re: re.number(),
        im: im.number(),
    });
    let result = function(operands);
    let parts = operands.map(|operand| {
        if operand.re.is_nan() || operand.im.is_nan() {
            Number::Nan
        } else if operand.re.is_infinite() || operand.im.is_infinite() {
            Number::INFINITY
        } else {
            Number::ZERO
        }
    });
    let mut exceptions = Exceptions::of(&parts, &[result.re, result.im]);
    let (re, loss) = F::round(result.re, rounding);
    exceptions.add(loss);
    let (im, loss) = F::round(result.im, rounding);
    exceptions.add(loss);
    ([re, im], exceptions)
}
