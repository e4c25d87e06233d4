//! The low-level IR that code generators other than LLVM's get.
//!
//! 1. All values are scalars: integers of 8, 16, 32, 64 or 128 bits, and floating point of 32 or 64. Aggregates and
//!    vectors have become their elements, and an integer of another width lies in the next wider one, whose upper bits
//!    are zero.
//! 2. It is in SSA form. Blocks have parameters in the place of phis, and stand in an order in which every value is
//!    defined before it is used.
//! 3. What it means does not depend on LLVM: a generator needs nothing else.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod analysis;
mod continuation;
mod counting;
mod form;
mod operands;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use continuation::continuation;
pub use counting::{Hooks, count};
pub use form::{FormError, Refused, Translated, Translation};

/// The type of a value. Addresses are integers of the width of a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Type {
    /// An integer of 8 bits. Truth values are 0 or 1 of these.
    I8,
    /// An integer of 16 bits.
    I16,
    /// An integer of 32 bits.
    I32,
    /// An integer of 64 bits.
    I64,
    /// An integer of 128 bits.
    I128,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl Type {
    /// The integer that has room for so many bits; `None` if there is none.
    #[must_use]
    pub const fn of_bits(bits: u32) -> Option<Self> {
        match bits {
            1..=8 => Some(Self::I8),
            9..=16 => Some(Self::I16),
            17..=32 => Some(Self::I32),
            33..=64 => Some(Self::I64),
            65..=128 => Some(Self::I128),
            _ => None,
        }
    }

    /// How many bits it has.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::I8 => 8,
            Self::I16 => 16,
            Self::I32 | Self::F32 => 32,
            Self::I64 | Self::F64 => 64,
            Self::I128 => 128,
        }
    }

    /// How many bytes it takes in memory.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.bits() / 8
    }

    /// Whether it is floating point.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

/// The number of a value in its function, whose [`values`](Function::values) has its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Value(pub u32);

/// The number of a block in its function; 0 is where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Block(pub u32);

/// The number of a symbol in its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Symbol(pub u32);

/// The number of a place in its function's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(pub u32);

/// How a value narrower than a register is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Extension {
    /// The rest of the register may be anything.
    None,
    /// The rest of 32 bits are zero.
    Zero,
    /// The rest of 32 bits are the sign.
    Sign,
}

/// How a parameter is passed, or a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Passing {
    /// By value.
    Value(Extension),
    /// The address of a copy that the caller makes in the arguments' part of the stack: so many bytes, a multiple of 8.
    Copied(u32),
    /// The address of where the result goes, which is returned too.
    ResultAddress,
}

/// A parameter, or a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parameter {
    /// Its type.
    pub value: Type,
    /// How it is passed.
    pub passing: Passing,
}

/// How a function is called: by the target's C calling convention.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Signature {
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Its results.
    pub results: Vec<Parameter>,
    /// Whether the function takes a variable number of arguments behind these parameters, which the target's convention
    /// may want to be told of.
    pub is_variadic: bool,
}

/// Operations on two values of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of LLVM's instructions")]
pub enum Binary {
    Add,
    Sub,
    Mul,
    /// The upper half of the product of unsigned integers.
    MulHighUnsigned,
    /// The upper half of the product of signed integers.
    MulHighSigned,
    UDiv,
    SDiv,
    URem,
    SRem,
    Shl,
    LShr,
    AShr,
    RotateLeft,
    And,
    Or,
    Xor,
    UMin,
    UMax,
    SMin,
    SMax,
    FAdd,
    FSub,
    FMul,
    FDiv,
    /// The first one's magnitude with the second one's sign.
    CopySign,
}

/// Operations on one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of LLVM's instructions and intrinsics"
)]
pub enum Unary {
    FNeg,
    FAbs,
    Sqrt,
    CountLeadingZeros,
    CountTrailingZeros,
    CountOnes,
    ByteSwap,
    BitReverse,
}

/// Changes of type; the result's is the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Conversion {
    /// To a wider integer, with zeros.
    ZeroExtend,
    /// To a wider integer, with the sign.
    SignExtend,
    /// To a narrower integer.
    Truncate,
    /// From F32 to F64.
    Promote,
    /// From F64 to F32.
    Demote,
    /// To floating point, from an unsigned integer.
    FromUnsigned,
    /// To floating point, from a signed integer.
    FromSigned,
    /// To an unsigned integer, toward zero; anything where it does not fit.
    ToUnsigned,
    /// To a signed integer, toward zero; anything where it does not fit.
    ToSigned,
    /// To an unsigned integer, toward zero; the nearest where it does not fit, and 0 for no number.
    ToUnsignedSaturating,
    /// The same to a signed integer.
    ToSignedSaturating,
    /// The same bits, as a type of the same width.
    Bits,
}

/// Comparisons of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of LLVM's predicates")]
pub enum IntCompare {
    Eq,
    Ne,
    Ugt,
    Uge,
    Ult,
    Ule,
    Sgt,
    Sge,
    Slt,
    Sle,
}

/// Comparisons of floating point: ordered ones are false where there is no number, unordered ones true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of LLVM's predicates")]
pub enum FloatCompare {
    Oeq,
    Ogt,
    Oge,
    Olt,
    Ole,
    One,
    Ord,
    Uno,
    Ueq,
    Ugt,
    Uge,
    Ult,
    Ule,
    Une,
}

/// What is done to a word in memory, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of LLVM's atomicrmw")]
pub enum Rmw {
    Xchg,
    Add,
    Sub,
    And,
    Nand,
    Or,
    Xor,
    Max,
    Min,
    UMax,
    UMin,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Callee {
    /// A function by its name.
    Symbol(Symbol),
    /// A function by its address.
    Address(Value),
}

/// What an instruction does. Operands are of the result's type where nothing else is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Operation {
    /// An integer, in its lower bits.
    Int(u128),
    /// Floating point, by its bits.
    Float(u64),
    /// Two values to one.
    Binary(Binary, Value, Value),
    /// One value to one.
    Unary(Unary, Value),
    /// A value to one of another type.
    Convert(Conversion, Value),
    /// 1 if it holds, else 0, as I8.
    IntCompare(IntCompare, Value, Value),
    /// 1 if it holds, else 0, as I8.
    FloatCompare(FloatCompare, Value, Value),
    /// The second if the first, an I8, is not 0, else the third.
    Select(Value, Value, Value),
    /// Reads memory at an address and so many bytes behind it.
    Load(Value, i32),
    /// Writes the first to memory at the second's address and so many bytes behind it.
    Store(Value, Value, i32),
    /// The address of a place in the frame.
    SlotAddress(Slot),
    /// The address of a symbol, and so many bytes behind it.
    SymbolAddress(Symbol, i64),
    /// Has the `va_list` at an address start behind the parameters of the function, which is a variadic one.
    StartArguments(Value),
    /// Calls a function; the arguments are as its signature says.
    Call(Callee, Signature, Vec<Value>),
    /// Reads memory, in one order with all other such operations.
    AtomicLoad(Value),
    /// Writes the first to the second's address, in one order with all other such operations.
    AtomicStore(Value, Value),
    /// Changes the word at the first's address with the second; the result is what it was.
    AtomicRmw(Rmw, Value, Value),
    /// If the word at the first's address is the second it becomes the third; the result is what it was.
    CompareExchange(Value, Value, Value),
    /// Orders memory.
    Fence,
    /// Stops.
    Trap,
    /// The frame's address.
    FrameAddress,
    /// Where the function returns to.
    ReturnAddress,
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instruction {
    /// What it does.
    pub operation: Operation,
    /// What it defines: one value, of a call as many as its signature says, none if nothing comes of it.
    pub results: Vec<Value>,
}

/// A way on, with the values for the target's parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Jump {
    /// Where it leads.
    pub block: Block,
    /// For its parameters.
    pub arguments: Vec<Value>,
}

/// How a block ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Terminator {
    /// It goes on elsewhere.
    Jump(Jump),
    /// To the first if the value, an I8, is not 0, else to the second.
    Branch(Value, Jump, Jump),
    /// By an integer: where one of the numbers leads, each of which stands there once, or else to the last.
    Switch(Value, Vec<(u128, Jump)>, Jump),
    /// The function returns.
    Return(Vec<Value>),
    /// Control does not come here, or stops.
    Trap,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockBody {
    /// What comes with a jump to it; of the first block, the function's parameters.
    pub parameters: Vec<Value>,
    /// What happens.
    pub instructions: Vec<Instruction>,
    /// And then.
    pub end: Terminator,
}

/// A place in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSize {
    /// Its size.
    pub bytes: u32,
    /// Its alignment, a power of two.
    pub alignment: u32,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its symbol.
    pub symbol: Symbol,
    /// How it is called.
    pub signature: Signature,
    /// The types of its values.
    pub values: Vec<Type>,
    /// Its frame.
    pub slots: Vec<SlotSize>,
    /// Its blocks.
    pub blocks: Vec<BlockBody>,
}

/// Who knows a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binding {
    /// Its module alone.
    Local,
    /// All modules.
    Global,
    /// All modules; where nobody defines it, it is 0.
    Weak,
}

/// The name of a function or a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// As the linker knows it.
    pub name: String,
    /// Who knows it.
    pub binding: Binding,
}

/// A module: functions, and the names that they use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// By their numbers.
    pub symbols: Vec<Name>,
    /// What it defines.
    pub functions: Vec<Function>,
}

/// Why a generator has made no code of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not know this.
    Refused(String),
    /// It has failed.
    Failed(String),
}
