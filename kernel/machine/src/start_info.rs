//! The start-of-day structure of the PVH boot protocol
//! (<https://xenbits.xen.org/docs/unstable/misc/pvh.html>).

use core::ops::Range;

use bareflow_boot_layout::{KernelHeader, SECTOR_SIZE_BYTES};
use bareflow_memory::Region;

#[repr(C)]
struct RawStartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    module_count: u32,
    modules: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    memory_map_entries: u32,
    reserved: u32,
}

#[repr(C)]
struct RawModule {
    address: u64,
    size_bytes: u64,
    command_line: u64,
    reserved: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct RawRegion {
    base: u64,
    size_bytes: u64,
    kind: u32,
    reserved: u32,
}

/// What the loader has told. It borrows the loader's memory.
#[derive(Clone, Copy)]
pub(crate) struct StartInfo {
    #[cfg(feature = "engine")]
    root_table: u64,
    memory_map: &'static [RawRegion],
    modules: &'static [RawModule],
}

/// The modules of a loader, in order: any has the first, stage 2 the second, and the others after it has loaded
/// LLVM and the program's files.
const BUNDLE: usize = 0;
const HEADER: usize = 1;
const LLVM: usize = 2;
const FILES: usize = 3;

fn at<T>(address: u64) -> *const T {
    // Addresses below 4 GiB fit: the entry has checked nothing else.
    core::ptr::with_exposed_provenance(address as usize)
}

impl StartInfo {
    /// Reads the structure at `address`.
    ///
    /// # Safety
    /// There must be one, and what it points to must be mapped and stay as it is while this is used.
    pub(crate) unsafe fn read(address: usize) -> Self {
        // SAFETY: the caller's promise; version 1 has a memory map.
        unsafe {
            let info = &*at::<RawStartInfo>(address as u64);
            let entries = info.memory_map_entries as usize;
            let memory_map = core::slice::from_raw_parts(at(info.memory_map), entries);
            let modules = match info.module_count as usize {
                0 => &[],
                count => core::slice::from_raw_parts(at(info.modules), count),
            };
            Self {
                #[cfg(feature = "engine")]
                root_table: info.rsdp,
                memory_map,
                modules,
            }
        }
    }

    /// The firmware's memory map.
    pub(crate) fn memory_map(&self) -> impl Iterator<Item = Region> + Clone + use<> {
        self.memory_map
            .iter()
            .map(|region| Region::new(region.base, region.size_bytes, region.kind))
    }

    /// Where the root of ACPI's tables is; 0 if the loader does not say.
    #[cfg(feature = "engine")]
    pub(crate) fn root_table(&self) -> u64 {
        self.root_table
    }

    fn module(&self, index: usize) -> Option<Range<usize>> {
        let module = self.modules.get(index)?;
        let start = module.address as usize;
        Some(start..start + module.size_bytes as usize)
    }

    /// Where the bundle is.
    pub(crate) fn bundle(&self) -> Option<Range<usize>> {
        self.module(BUNDLE)
    }

    /// The header of the image on the disk that the machine was started from.
    pub(crate) fn header(&self) -> Option<KernelHeader> {
        let sector = at::<[u8; SECTOR_SIZE_BYTES]>(self.module(HEADER)?.start as u64);
        // SAFETY: the promise of `read`; stage 2 gives the whole sector.
        KernelHeader::from_sector(unsafe { &*sector }).ok()
    }

    /// Where stage 2 has loaded LLVM.
    pub(crate) fn llvm(&self) -> Option<Range<usize>> {
        self.module(LLVM)
    }

    /// Where stage 2 has loaded the program's files that are not in the bundle.
    pub(crate) fn files(&self) -> Option<Range<usize>> {
        self.module(FILES)
    }
}
