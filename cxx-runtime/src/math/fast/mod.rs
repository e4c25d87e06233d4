//! Double functions in double arithmetic, where most operands are: wrong by little more than half a unit in the last place,
//! and fast. What is special, or whose result is, is left to others.
//!
//! The methods are those of tables (Tang: "Table-driven implementation of the exponential function", and "of the logarithm
//! function"), with the logarithm in two doubles for powers.

mod exponential;
mod logarithm;
mod power;
mod products;
mod tables;
mod trigonometric;

#[cfg(test)]
mod tests;

pub(super) use exponential::exp;
pub(super) use power::{pow, powf};
pub(super) use products::{ByHalves, ByInstruction};
pub(super) use trigonometric::{cos, cosf, sin, sincos, sinf};
