//! What code generators make of the low-level IR: machine code of functions, and what in it depends on where they lie.
//!
//! 1. The engine takes it as an [ELF object](object_file), as it takes what LLVM makes.
//! 2. A kernel without LLVM [places](MachineCode::place) it by itself.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod elf;
mod place;

use alloc::vec::Vec;

use bareflow_lir::Symbol;

pub use elf::{ObjectError, object_file};
pub use place::PlaceError;

/// What functions start at, at least.
pub const ALIGNMENT: u32 = 16;

/// What a word in code refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A symbol of the module.
    Symbol(Symbol),
    /// A function of the C library that the generator calls by itself.
    Library(&'static str),
    /// So many bytes behind the beginning of this code.
    Own(u32),
}

/// What a word has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelocationKind {
    /// 64 bits: the address.
    Absolute64,
    /// 32 bits, signed: how far behind the word it is. What is called or jumped to may be reached by a detour.
    Call32,
    /// The same of data.
    Relative32,
}

impl RelocationKind {
    /// How many bytes the word has.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Absolute64 => 8,
            Self::Call32 | Self::Relative32 => 4,
        }
    }
}

/// A word that depends on where something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Where in the code it is.
    pub offset: u32,
    /// What it is.
    pub kind: RelocationKind,
    /// What it refers to.
    pub target: Target,
    /// What is added.
    pub addend: i64,
}

/// The code of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineCode {
    /// The function.
    pub symbol: Symbol,
    /// Its instructions, and constants behind them.
    pub bytes: Vec<u8>,
    /// A power of two, at least [`ALIGNMENT`].
    pub alignment: u32,
    /// In any order.
    pub relocations: Vec<Relocation>,
}
