//! What a running program consists of, for a snapshot.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_void};
use core::ops::Range;
use core::ptr;

use bareflow_snapshot::{
    Access, Allocation, Anchor, AnchorKind, Import, Owner, PAGE_SIZE_BYTES, Region, Snapshot,
    pages_of, without_last_zeros, without_zeros,
};

use crate::bindings::{
    LLVM_ALLOCATION_DATA, LLVM_ALLOCATION_KEPT, LLVM_ALLOCATION_RESERVED, LLVM_ANCHOR_CONSTRUCTOR,
    LLVM_ANCHOR_COPIES, LLVM_ANCHOR_COUNTERS, LLVM_ANCHOR_DESTRUCTOR, LLVM_ANCHOR_GOT,
    LLVM_ANCHOR_MAIN, LLVM_ANCHOR_PLT, LLVM_ANCHOR_STUBS, LLVM_ANCHOR_SYMBOL,
    LLVM_ANCHOR_VOID_MAIN, LLVM_OK, LLVM_PROTECTION_EXECUTE, LLVM_PROTECTION_WRITE,
    llvm_allocation_t, llvm_anchor_t, llvm_tiered_t, llvm_tiered_visit, llvm_visitor_t,
};
use crate::callbacks::outside_pool;

/// Variables as they are before the program starts, by address, without long runs of zeros.
pub(crate) type Variables = Vec<(u64, Vec<u8>)>;

/// Fewer zeros than this do not end a region.
const LONG_RUN_BYTES: u64 = 64 << 10;

/// The pool's contents but for the bytes.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    allocations: Vec<Allocation>,
    anchors: Vec<(AnchorKind, String, u64)>,
    imports: Vec<(String, u64)>,
}

impl Contents {
    /// Asks the library. `None` if LLVM is not open: then there is nothing new.
    pub(crate) fn of_program(program: *mut llvm_tiered_t) -> Option<Self> {
        let mut contents = Self::default();
        let visitor = llvm_visitor_t {
            size: size_of::<llvm_visitor_t>(),
            allocation: Some(take_allocation),
            anchor: Some(take_anchor),
            user: (&raw mut contents).cast(),
        };
        // SAFETY: the program is open; the callbacks have the contents for themselves meanwhile.
        let error = unsafe { llvm_tiered_visit(program, &visitor) };
        let outside = outside_pool();
        if !outside.is_empty() {
            // The pool lies below.
            contents.allocations.push(Allocation {
                address: outside.start as u64,
                size_bytes: outside.len() as u64,
                access: Access::ReadWrite,
                owner: Owner::Outside,
            });
        }
        (error == LLVM_OK).then_some(contents)
    }

    /// Those of a snapshot.
    pub(crate) fn of_snapshot(snapshot: &Snapshot) -> Self {
        let anchor = |anchor: &Anchor| (anchor.kind, anchor.name.to_string(), anchor.address);
        let import = |import: &Import| (import.name.to_string(), import.address);
        Self {
            allocations: snapshot.allocations.clone(),
            anchors: snapshot.anchors.iter().map(anchor).collect(),
            imports: snapshot.imports.iter().map(import).collect(),
        }
    }

    pub(crate) fn allocations(&self) -> &[Allocation] {
        &self.allocations
    }

    pub(crate) fn anchors(&self) -> Vec<Anchor<'_>> {
        let anchors = self.anchors.iter();
        anchors
            .map(|(kind, name, address)| Anchor {
                kind: *kind,
                name,
                address: *address,
            })
            .collect()
    }

    pub(crate) fn imports(&self) -> Vec<Import<'_>> {
        let imports = self.imports.iter();
        imports
            .map(|(name, address)| Import {
                name,
                address: *address,
            })
            .collect()
    }

    /// From the address to the end of the allocation of code that it lies in.
    pub(crate) fn code_at(&self, address: u64) -> Option<Range<u64>> {
        let behind = self
            .allocations
            .partition_point(|allocation| allocation.address <= address);
        let allocation = self.allocations[behind.checked_sub(1)?];
        let end = allocation.address + allocation.size_bytes;
        let is_code =
            allocation.access == Access::ReadExecute && allocation.owner != Owner::Reserved;
        (is_code && address < end).then_some(address..end)
    }

    /// Where counters and the like lie.
    pub(crate) fn reserved_data(&self) -> Vec<Range<usize>> {
        let is_reserved = |allocation: &&Allocation| {
            allocation.owner == Owner::Reserved && allocation.access == Access::ReadWrite
        };
        let allocations = self.allocations.iter().filter(is_reserved);
        allocations
            .map(|allocation| {
                allocation.address as usize..(allocation.address + allocation.size_bytes) as usize
            })
            .collect()
    }

    /// Bytes of the pool, for as long as what was told of the program is looked at.
    fn bytes_of(&self, range: Range<u64>) -> &[u8] {
        let start = ptr::with_exposed_provenance(range.start as usize);
        // SAFETY: the library says that the range is in use. The program does not run, and so writes nothing there, while
        // its contents are looked at.
        unsafe { core::slice::from_raw_parts(start, (range.end - range.start) as usize) }
    }

    /// The variables, which nothing has written yet.
    pub(crate) fn read_variables(&self) -> Variables {
        let allocations = self.allocations.iter();
        allocations
            .filter(|allocation| allocation.owner == Owner::Data)
            .flat_map(|allocation| {
                parts_of(allocation.address, self.bytes_of(range_of(allocation)))
            })
            .map(|(address, bytes)| (address, bytes.to_vec()))
            .collect()
    }

    /// Code and constants as they are.
    pub(crate) fn code(&self) -> Vec<Region<'_>> {
        let ranges = pages_of(&self.allocations).into_iter();
        ranges
            .filter(|(_, access)| *access != Access::ReadWrite)
            .map(|(range, access)| Region {
                address: range.start,
                access,
                size_bytes: range.end - range.start,
                bytes: without_last_zeros(self.bytes_of(range)),
            })
            .collect()
    }

    /// Counters and the like as they are, and variables as they were, without long runs of zeros.
    pub(crate) fn data(&self, variables: &Variables) -> Vec<(Range<u64>, Vec<u8>)> {
        let mut parts: Vec<(u64, &[u8])> = variables
            .iter()
            .map(|(address, bytes)| (*address, &bytes[..]))
            .collect();
        for range in self.reserved_data() {
            let range = range.start as u64..range.end as u64;
            parts.extend(parts_of(range.start, self.bytes_of(range)));
        }
        parts.sort_unstable_by_key(|(address, _)| *address);
        let ranges = pages_of(&self.allocations).into_iter();
        ranges
            .filter(|(_, access)| *access == Access::ReadWrite)
            .flat_map(|(range, _)| {
                let start = parts.partition_point(|(address, _)| *address < range.start);
                let end = parts.partition_point(|(address, _)| *address < range.end);
                regions_of(range, &parts[start..end])
            })
            .collect()
    }
}

/// Splits a range of pages where long runs of zeros are.
fn regions_of(range: Range<u64>, parts: &[(u64, &[u8])]) -> Vec<(Range<u64>, Vec<u8>)> {
    let mut regions = Vec::new();
    let (mut start, mut bytes) = (range.start, Vec::new());
    for (address, contents) in parts {
        let page = address - address % PAGE_SIZE_BYTES;
        if page >= start + bytes.len() as u64 + LONG_RUN_BYTES {
            regions.push((start..page, core::mem::take(&mut bytes)));
            start = page;
        }
        bytes.resize((address - start) as usize, 0);
        bytes.extend_from_slice(contents);
    }
    regions.push((start..range.end, bytes));
    regions
}

fn range_of(allocation: &Allocation) -> Range<u64> {
    allocation.address..allocation.address + allocation.size_bytes
}

/// What is not zero from an address on.
fn parts_of(address: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let parts = without_zeros(bytes).into_iter();
    parts.map(move |(offset, part)| (address + offset as u64, part))
}

/// The variables of a snapshot.
pub(crate) fn variables_of(snapshot: &Snapshot) -> Variables {
    let mut variables = Variables::new();
    let is_data = |allocation: &&Allocation| allocation.owner == Owner::Data;
    for range in snapshot.allocations.iter().filter(is_data).map(range_of) {
        for region in &snapshot.data {
            let stored_end = region.address + region.bytes.len() as u64;
            let start = range.start.max(region.address);
            let end = range.end.min(stored_end);
            if start < end {
                let bytes = &region.bytes
                    [(start - region.address) as usize..(end - region.address) as usize];
                let parts = parts_of(start, bytes);
                variables.extend(parts.map(|(address, part)| (address, part.to_vec())));
            }
        }
    }
    variables
}

unsafe extern "C" fn take_allocation(user: *mut c_void, allocation: *const llvm_allocation_t) {
    // SAFETY: `of_program` passes its contents; the library passes an allocation.
    let (contents, allocation) = unsafe { (&mut *user.cast::<Contents>(), &*allocation) };
    contents.allocations.push(Allocation {
        address: allocation.address as u64,
        size_bytes: allocation.bytes as u64,
        access: match allocation.protection {
            bits if bits & LLVM_PROTECTION_EXECUTE != 0 => Access::ReadExecute,
            bits if bits & LLVM_PROTECTION_WRITE != 0 => Access::ReadWrite,
            _ => Access::Read,
        },
        owner: match allocation.owner {
            LLVM_ALLOCATION_KEPT => Owner::Kept,
            LLVM_ALLOCATION_DATA => Owner::Data,
            LLVM_ALLOCATION_RESERVED => Owner::Reserved,
            number => Owner::Function(number),
        },
    });
}

unsafe extern "C" fn take_anchor(user: *mut c_void, anchor: *const llvm_anchor_t) {
    // SAFETY: `of_program` passes its contents; the library passes an anchor.
    let (contents, anchor) = unsafe { (&mut *user.cast::<Contents>(), &*anchor) };
    // SAFETY: the name ends with a zero.
    let name = unsafe { text(anchor.name) };
    let kind = match anchor.kind {
        LLVM_ANCHOR_SYMBOL => AnchorKind::Symbol,
        LLVM_ANCHOR_CONSTRUCTOR => AnchorKind::Constructor,
        LLVM_ANCHOR_DESTRUCTOR => AnchorKind::Destructor,
        LLVM_ANCHOR_MAIN => AnchorKind::Main,
        LLVM_ANCHOR_VOID_MAIN => AnchorKind::VoidMain,
        LLVM_ANCHOR_COUNTERS => AnchorKind::Counters,
        LLVM_ANCHOR_STUBS => AnchorKind::Stubs,
        LLVM_ANCHOR_COPIES => AnchorKind::Copies,
        LLVM_ANCHOR_GOT => AnchorKind::Got,
        LLVM_ANCHOR_PLT => AnchorKind::Plt,
        _ => {
            contents.imports.push((name, anchor.address as u64));
            return;
        }
    };
    contents.anchors.push((kind, name, anchor.address as u64));
}

unsafe fn text(name: *const c_char) -> String {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(name) }
        .to_string_lossy()
        .into_owned()
}
