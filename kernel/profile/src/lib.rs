//! The model of profiles: what a kernel measured while it ran a program, as it writes it and as the host
//! reads it, in JSON.
//!
//! All numbers are unsigned; cycles are those of the time stamp counter, since the start of the program unless
//! a field says otherwise. `docs/src/reference/profile.md` has the same for readers.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod flow;

use alloc::string::String;
use alloc::vec::Vec;

use bareflow_tier_policy::{Generator, Level, Size, Tier};
use serde::{Deserialize, Serialize};

/// The version of the schema.
pub const SCHEMA: u64 = 4;

/// What a kernel measured during one run of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunProfile {
    /// The version of the schema: [`SCHEMA`].
    pub schema: u64,
    /// The program's name.
    pub program: String,
    /// The kernel that ran it.
    pub kernel: KernelFlavour,
    /// The name of the processor that code is generated for, as LLVM calls it.
    pub processor: String,
    /// Cycles of the time stamp counter in a second; not 0.
    pub cycles_per_second: u64,
    /// Cycles from the program's start to its end.
    pub total_cycles: u64,
    /// Cycles that were spent in the compiler.
    pub compile_cycles: u64,
    /// The levels that were in use, the lowest first.
    pub levels: Vec<LevelUse>,
    /// The program's functions; not empty.
    pub functions: Vec<Function>,
    /// Where the program was found at the ticks of a timer.
    pub samples: Samples,
    /// What memory was used.
    pub memory: Memory,
    /// What the boot took from earlier boots, and left for later ones; `None` without a volume for snapshots.
    pub boot: Option<Boot>,
}

/// A row of the table of levels, and when it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelUse {
    /// The level.
    pub level: Level,
    /// What makes its code.
    pub generator: Generator,
    /// The number of calls after which functions are compiled at it; `None` for a level that is not used, and where each
    /// unit has its own.
    pub calls: Option<u64>,
    /// The same for the iterations of loops.
    pub iterations: Option<u64>,
}

/// A boot of a program that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// Its number, from 1 on.
    pub number: u64,
    /// The number of the snapshot that it ran from.
    pub snapshot: Option<u64>,
    /// Cycles before the program's start that finding, checking and mapping what is remembered took.
    pub load_cycles: u64,
    /// The size of that snapshot, in bytes; 0 without.
    pub snapshot_bytes: u64,
    /// The number of the snapshot with code that it has written.
    pub saved: Option<u64>,
    /// The size of that snapshot, in bytes; 0 without.
    pub saved_bytes: u64,
    /// How much of LLVM was read from the disk when it was touched, in bytes; `None` if all of LLVM is loaded
    /// when the kernel starts.
    pub llvm_bytes_read: Option<u64>,
    /// How much memory is in use, in bytes; `None` if the kernel does not know.
    pub memory_bytes: Option<u64>,
}

/// The kernel that ran the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KernelFlavour {
    /// The one that is a Linux process.
    Hosted,
    /// The one that boots.
    Machine,
}

impl KernelFlavour {
    /// Its name in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hosted => "hosted",
            Self::Machine => "machine",
        }
    }
}

/// A function of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Its name in the program's module.
    pub name: String,
    /// The tier it was in at the end.
    pub tier: Tier,
    /// How large it is, in instructions of its IR; `None` when LLVM was not needed.
    pub size: Option<Size>,
    /// How often it was called, as far as calls were counted.
    pub calls: u64,
    /// What its calls took; `None` when none was measured. Calls are measured below O2 only.
    pub cycles: Option<CallCycles>,
    /// The size of its native code at the end, in bytes.
    pub code_bytes: u64,
    /// Its compilations, the first one first.
    pub compilations: Vec<Compilation>,
    /// Its loops that were counted.
    pub loops: Vec<Loop>,
    /// Its compilations that failed, the first one first; it then stayed at its tier.
    pub failures: Vec<Failure>,
}

/// What the measured calls of a function took, with the functions that it called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallCycles {
    /// How many calls were measured.
    pub calls: u64,
    /// Cycles of all measured calls.
    pub total: u64,
    /// Cycles of the fastest call.
    pub least: u64,
    /// Cycles of the slowest call.
    pub most: u64,
}

/// One compilation of a function or of a loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compilation {
    /// The level it was compiled at.
    pub level: Level,
    /// When its code was ready, in cycles since the program's start.
    pub at: u64,
    /// Cycles that the compilation took.
    pub cycles: u64,
    /// What of them each step took, of those that the program waited for.
    #[serde(default)]
    pub steps: Steps,
    /// Whether most of it was done beside the program, which did not wait.
    #[serde(default)]
    pub background: bool,
    /// The size of the code it made, in bytes.
    pub code_bytes: u64,
}

/// Cycles of a compilation's steps; what is missing to the whole is the book-keeping of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// Cutting the unit out of the program, with the bodies that come along for inlining.
    pub cut: u64,
    /// The optimiser's passes.
    pub optimise: u64,
    /// The code generator's.
    pub generate: u64,
    /// Linking, and placing the code.
    pub link: u64,
}

/// A compilation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The level that was wanted.
    pub level: Level,
    /// Whether the level's code generator makes no code of it, so that it went to the next level.
    pub refused: bool,
    /// Why there is no code of that level.
    pub reason: String,
}

/// A loop of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loop {
    /// Its name within the function.
    pub name: String,
    /// How large the function is, and how much runs in one iteration.
    pub size: Option<Size>,
    /// How often its body ran, as far as iterations were counted.
    pub iterations: u64,
    /// Its compilations for entry in the middle of a call, the first one first.
    pub compilations: Vec<Compilation>,
    /// Those that failed, the first one first.
    pub failures: Vec<Failure>,
}

/// Where the program was found at the ticks of a timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// Ticks in a second; not 0 when there are symbols.
    pub per_second: u64,
    /// The symbols that were found.
    pub symbols: Vec<SampledSymbol>,
}

/// A symbol that the timer found running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampledSymbol {
    /// Its name.
    pub symbol: String,
    /// Whose code it is.
    pub part: Part,
    /// How many ticks found it running.
    pub count: u64,
}

/// Whose code a sampled symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The program's functions.
    Program,
    /// The C library and the runtime.
    Libc,
    /// LLVM.
    Compiler,
    /// The kernel.
    Kernel,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Program, Self::Libc, Self::Compiler, Self::Kernel];

    /// Its name in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Libc => "libc",
            Self::Compiler => "compiler",
            Self::Kernel => "kernel",
        }
    }
}

/// What memory was used at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Bytes of the heap.
    pub heap_bytes: u64,
    /// Bytes of the compiler's own memory.
    pub compiler_bytes: u64,
    /// Bytes of the code pool.
    pub pool_bytes: u64,
}
