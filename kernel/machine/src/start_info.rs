//! The start-of-day structure of the PVH boot protocol
//! (<https://xenbits.xen.org/docs/unstable/misc/pvh.html>).

use core::ops::Range;

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
    memory_map: &'static [RawRegion],
    bundle: Option<(usize, usize)>,
}

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
            let bundle = (info.module_count > 0).then(|| {
                let module = &*at::<RawModule>(info.modules);
                (module.address as usize, module.size_bytes as usize)
            });
            Self { memory_map, bundle }
        }
    }

    /// The firmware's memory map.
    pub(crate) fn memory_map(&self) -> impl Iterator<Item = Region> + Clone + use<> {
        self.memory_map
            .iter()
            .map(|region| Region::new(region.base, region.size_bytes, region.kind))
    }

    /// Where the first module is: the bundle.
    pub(crate) fn bundle(&self) -> Option<Range<usize>> {
        self.bundle
            .map(|(address, size_bytes)| address..address + size_bytes)
    }
}
