//! What a boot protocol tells the kernel: [`BootInfo`]. Nothing behind it knows which protocol it was.
//!
//! 1. Each protocol has a module that fills it: [`pvh`], and [`bios`], whose stages give a structure of the same format
//!    with more in it.
//! 2. The loader's memory is read by somebody who knows what can be read: [`LoaderMemory`].
//! 3. A structure that says what cannot be is refused; none is followed further than its limits.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod bios;
pub mod module;
pub mod pvh;

use core::fmt;
use core::ops::Range;

use arrayvec::ArrayVec;
use bareflow_memory::Region;

use module::Module;

/// As many as stage 2 asks a BIOS for; machines have about ten.
pub const REGION_LIMIT: usize = 160;
/// Twice of what any loader brings.
pub const MODULE_LIMIT: usize = 8;

/// The memory that the loader has filled.
pub trait LoaderMemory<'a> {
    /// The bytes there; `None` if they cannot be read.
    fn bytes(&self, address: u64, size_bytes: usize) -> Option<&'a [u8]>;
}

/// Where the firmware's tables are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirmwareTables {
    /// Their root is here.
    Root(u64),
    /// Their root is somewhere in this range, if there is one.
    Within(Range<u64>),
}

/// Where somebody who sits at the machine sees what the kernel writes, besides the serial ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// There is none.
    None,
    /// VGA's text mode, with 80 columns and 25 lines.
    VgaText,
}

/// Has the loader load everything that the kernel has left on the disk, and start it anew.
pub type Reload = unsafe extern "C" fn() -> !;

/// What the loader has told.
#[derive(Clone, Debug)]
pub struct BootInfo<'a> {
    /// The firmware's memory map.
    pub memory_map: ArrayVec<Region, REGION_LIMIT>,
    /// What the loader has put into memory beside the kernel.
    pub modules: ArrayVec<Module<'a>, MODULE_LIMIT>,
    /// What the loader has to say in words; empty if nothing.
    pub command_line: &'a [u8],
    /// Where the firmware describes the machine.
    pub firmware_tables: FirmwareTables,
    /// The screen.
    pub screen: Screen,
    /// How the loader can be had to load more; `None` if it is gone.
    pub reload: Option<Reload>,
}

impl Screen {
    /// Where its memory is.
    #[must_use]
    pub const fn memory(self) -> Range<usize> {
        match self {
            Self::None => 0..0,
            Self::VgaText => 0xb_8000..0xc_0000,
        }
    }
}

impl BootInfo<'_> {
    /// Where the module with this name is, one of [`module`].
    #[must_use]
    pub fn module(&self, name: &str) -> Option<Range<usize>> {
        let mut modules = self.modules.iter();
        modules
            .find(|module| module.name == name.as_bytes())
            .map(|module| module.bytes.clone())
    }
}

/// Why a loader's structure is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// An address of this leads to no memory.
    Unreadable(&'static str),
    /// The structure is of a version that says too little.
    NoMemoryMap,
    /// There are more of these than the kernel has room for.
    TooMany(&'static str),
}

impl fmt::Display for BootError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unreadable(what) => write!(formatter, "{what} lies where no memory can be read"),
            Self::NoMemoryMap => formatter.write_str("the loader gives no memory map"),
            Self::TooMany(what) => write!(formatter, "the loader gives too many {what}"),
        }
    }
}
