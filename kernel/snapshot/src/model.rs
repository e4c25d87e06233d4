//! What is in a snapshot.

use alloc::vec::Vec;

use bareflow_tier_policy::{LEVELS, Level, Tier};

pub use bareflow_tier_policy::Kind;

use crate::profile::{CallCycles, Profile};

/// Regions begin at multiples of this.
pub const PAGE_SIZE_BYTES: u64 = 4096;

/// For what a snapshot was made. One that was made for anything else is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys<'a> {
    /// Of the kernel, all of it.
    pub kernel_build_id: [u8; 32],
    /// Of the program's modules, in link order.
    pub program_hash: [u8; 32],
    /// The processor's features, or a level that it has: see [`level_of`](crate::level_of).
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

/// The hash of a program's modules, which come with their names, in link order.
#[must_use]
pub fn hash_of_modules(modules: &[(&str, &[u8])]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for (name, bytes) in modules {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    *hasher.finalize().as_bytes()
}

/// A part of the code pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region<'a> {
    /// Where it must be, a multiple of [`PAGE_SIZE_BYTES`].
    pub address: u64,
    /// What may be done with it.
    pub access: Access,
    /// How large it is in memory.
    pub size_bytes: u64,
    /// What is there; zeros follow up to its end.
    pub bytes: &'a [u8],
}

/// Who uses an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It is the newest code of the function with this number.
    Function(u32),
    /// Constants, and code that exists once.
    Kept,
    /// The program's variables.
    Data,
    /// Whole pages for counters, stubs and the like.
    Reserved,
    /// Variables that the pool has no room for. They lie outside it, are zero at first, and so are in no region.
    Outside,
}

/// A part of the code pool that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Where it is.
    pub address: u64,
    /// How large it is.
    pub size_bytes: u64,
    /// What may be done with it.
    pub access: Access,
    /// Who uses it.
    pub owner: Owner,
}

/// What is at a [`Anchor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnchorKind {
    /// A variable, or a function that is not compiled singly.
    Symbol,
    /// A function to call before main; in this order.
    Constructor,
    /// A function to call at the end; in this order.
    Destructor,
    /// main, which returns a number.
    Main,
    /// main, which returns nothing.
    VoidMain,
    /// The counters of all functions, then their slots.
    Counters,
    /// The stubs of all functions.
    Stubs,
    /// Profiles of copies.
    Copies,
    /// A page of words with addresses of imports.
    Got,
    /// The page of stubs that belongs to the page of words before it.
    Plt,
}

impl AnchorKind {
    /// All kinds, by number.
    pub const ALL: [Self; 10] = [
        Self::Symbol,
        Self::Constructor,
        Self::Destructor,
        Self::Main,
        Self::VoidMain,
        Self::Counters,
        Self::Stubs,
        Self::Copies,
        Self::Got,
        Self::Plt,
    ];
}

/// An address in the code pool that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor<'a> {
    /// What is there.
    pub kind: AnchorKind,
    /// Of a symbol, its name.
    pub name: &'a str,
    /// Where it is.
    pub address: u64,
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
    /// The levels at which it was compiled or failed to; without code, those at which it failed.
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
    /// Where its code keeps in the pool what it has seen of its control flow; 0 without code, or if it keeps nothing.
    pub seen_address: u64,
    /// What it has seen, in all boots, in a form that the engine knows.
    pub seen: &'a [u8],
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
    /// What of the code pool is in use, by address.
    pub allocations: Vec<Allocation>,
    /// Addresses with a meaning.
    pub anchors: Vec<Anchor<'a>>,
    /// Code and constants, by address; none of it is writable.
    pub code: Vec<Region<'a>>,
    /// The program's data as it is before the program starts, by address; all of it is writable.
    pub data: Vec<Region<'a>>,
    /// What was measured.
    pub profile: Profile<'a>,
}

impl Snapshot<'_> {
    /// What may be done with memory, if all of it lies in regions of one access without a gap.
    #[must_use]
    pub fn access_of(&self, address: u64, size_bytes: u64) -> Option<Access> {
        let end = address.checked_add(size_bytes)?;
        let find = |regions: &[Region]| {
            let behind = regions.partition_point(|region| region.address <= address);
            let mut rest = regions[behind.checked_sub(1)?..].iter();
            let first = rest.next()?;
            let mut region_end = first.address.checked_add(first.size_bytes)?;
            while region_end < end {
                let next = rest.next()?;
                if next.address != region_end || next.access != first.access {
                    return None;
                }
                region_end = next.address.checked_add(next.size_bytes)?;
            }
            Some(first.access)
        };
        find(&self.code).or_else(|| find(&self.data))
    }

    /// Whether it has code; a snapshot without has counts only.
    #[must_use]
    pub fn has_code(&self) -> bool {
        !self.code.is_empty()
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
