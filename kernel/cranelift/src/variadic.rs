//! Calls of functions that take a variable number of arguments: x86-64's convention wants to be told, in AL, how many
//! vector registers hold arguments at most. Cranelift has no such register, and so calls a stub that says it.

/// Of x86-64's arguments, so many are in vector registers at most.
const VECTOR_REGISTERS: u8 = 8;

/// The stub, and where in it the distance to the function stands.
pub(crate) const STUB: [u8; 7] = [0xb0, VECTOR_REGISTERS, 0xe9, 0, 0, 0, 0];
pub(crate) const DISTANCE: u32 = 3;
