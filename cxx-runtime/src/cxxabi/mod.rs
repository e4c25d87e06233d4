//! The Itanium C++ ABI as far as code without exceptions and RTTI needs it.

mod exceptions;
mod guards;
mod operators;
