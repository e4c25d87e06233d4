//! What is in a snapshot.

use alloc::vec::Vec;

use bareflow_tiers::{LEVELS, Level, Tier};

pub use bareflow_tiers::Kind;

use crate::profile::{CallCycles, Profile, sum_of_calls};

/// Regions begin at multiples of this.
pub const PAGE_SIZE_BYTES: u64 = 4096;

/// For what a snapshot was made. One that was made for anything else is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys<'a> {
    /// Of the kernel, all of it.
    pub kernel_build_id: [u8; 32],
    /// Of the program's modules, in link order.
    pub program_hash: [u8; 32],
    /// The processor's name and features, as LLVM writes them.
    pub cpu_features: &'a str,
    /// The version of LLVM.
    pub llvm_version: &'a str,
    /// The settings that change code.
    pub configuration: &'a str,
}

/// What may be done with memory. Nothing is written and executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Read,
    /// Read and written.
    ReadWrite,
    /// Read and executed.
    ReadExecute,
}

/// A part of the code pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region<'a> {
    /// Where it must be, a multiple of [`PAGE_SIZE_BYTES`].
    pub address: u64,
    /// What may be done with it.
    pub access: Access,
    /// What is there; zeros follow up to the page's end.
    pub bytes: &'a [u8],
}

/// A function, or a loop of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: Kind,
    /// How it runs.
    pub tier: Tier,
    /// The levels at which it was compiled or failed to.
    pub tried: [bool; LEVELS.len()],
    /// The highest level that one of its loops has reached.
    pub loops: Option<Level>,
    /// How often it was called, in all boots; iterations, if it is a loop.
    pub calls: u64,
    /// What its measured calls took, in all boots.
    pub cycles: Option<CallCycles>,
    /// Where its code begins; 0 without code.
    pub code_address: u64,
    /// How long its code is, in bytes; 0 without code.
    pub code_bytes: u64,
}

/// A word in a region that must hold the address of something outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import<'a> {
    /// The symbol whose address it is.
    pub name: &'a str,
    /// Where the word of 8 bytes is.
    pub address: u64,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot<'a> {
    /// For what it was made.
    pub keys: Keys<'a>,
    /// Functions and loops.
    pub functions: Vec<Function<'a>>,
    /// What the code wants from outside.
    pub imports: Vec<Import<'a>>,
    /// Code and constants, by address; none of it is writable.
    pub code: Vec<Region<'a>>,
    /// The program's data as it is before the program starts, by address; all of it is writable.
    pub data: Vec<Region<'a>>,
    /// What was measured.
    pub profile: Profile<'a>,
}

impl<'a> Snapshot<'a> {
    /// Adds what earlier boots have counted to what this boot has. Functions that this snapshot does not have stay
    /// away; samples do not.
    pub fn accumulate(&mut self, earlier: &Snapshot<'a>) {
        let mut earlier_functions: Vec<&Function> = earlier.functions.iter().collect();
        earlier_functions.sort_unstable_by_key(|function| key(function));
        for function in &mut self.functions {
            let Ok(index) =
                earlier_functions.binary_search_by_key(&key(function), |earlier| key(earlier))
            else {
                continue;
            };
            let earlier = earlier_functions[index];
            function.calls = function.calls.saturating_add(earlier.calls);
            function.cycles = sum_of_calls(function.cycles, earlier.cycles);
            function.loops = function.loops.max(earlier.loops);
            for (tried, earlier) in function.tried.iter_mut().zip(earlier.tried) {
                *tried |= earlier;
            }
        }
        self.profile.accumulate(&earlier.profile);
    }
}

/// What tells a function from all others.
pub(crate) fn key<'a>(function: &Function<'a>) -> (&'a str, bool) {
    (function.name, function.kind == Kind::Loop)
}

/// How a snapshot proves that a machine which knows a secret has written it.
#[derive(Clone, Copy)]
pub enum Authentication<'a> {
    /// Not at all.
    None,
    /// With BLAKE3, keyed with this secret.
    Keyed(&'a [u8; 32]),
}
