//! Mapping a snapshot where it was.

use alloc::collections::BTreeSet;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};
use core::ptr;

use bareflow_cxx_runtime::platform::Protection;
use bareflow_snapshot::{
    Access, Allocation, Anchor, AnchorKind, Function, Owner, PAGE_SIZE_BYTES, Region, Snapshot,
    pages_of, seen,
};
use bareflow_targets::THIS;
use bareflow_tier_policy::Tier;

use crate::bindings::{
    LLVM_ALLOCATION_DATA, LLVM_ALLOCATION_KEPT, LLVM_ALLOCATION_RESERVED, LLVM_ANCHOR_CONSTRUCTOR,
    LLVM_ANCHOR_COPIES, LLVM_ANCHOR_COUNTERS, LLVM_ANCHOR_DESTRUCTOR, LLVM_ANCHOR_GOT,
    LLVM_ANCHOR_IMPORT, LLVM_ANCHOR_MAIN, LLVM_ANCHOR_PLT, LLVM_ANCHOR_STUBS, LLVM_ANCHOR_SYMBOL,
    LLVM_ANCHOR_VOID_MAIN, LLVM_PROTECTION_EXECUTE, LLVM_PROTECTION_READ, LLVM_PROTECTION_WRITE,
    llvm_allocation_t, llvm_anchor_kind_t, llvm_anchor_t, llvm_code_symbol_t, llvm_contents_t,
    llvm_profile_t, llvm_program_function, llvm_restored_t, llvm_tier_t, llvm_unit_t,
};
use crate::callbacks::map_outside_pool;
use crate::exports::find_symbol;
use crate::session::tier_code;

/// What the library keeps for each unit: counters and a word; a stub and an entry.
const COUNTER_BYTES: usize = size_of::<llvm_unit_t>() + size_of::<usize>();
const STUB_BYTES: usize = THIS.stubs.stub_bytes + THIS.stubs.entry_bytes;

/// A snapshot in the form that the library takes. Pointers lead into the other fields.
#[derive(Debug)]
pub(crate) struct Tables {
    tiers: Vec<llvm_tier_t>,
    profiles: Vec<llvm_profile_t>,
    allocations: Vec<llvm_allocation_t>,
    anchors: Vec<llvm_anchor_t>,
    symbols: Vec<llvm_code_symbol_t>,
    names: Vec<CString>,
    counters: usize,
    stubs: usize,
    pool_bytes: usize,
}

impl Tables {
    /// Checks what the snapshot's own checks leave to its user.
    pub(crate) fn new(snapshot: &Snapshot) -> Result<Self, String> {
        let count = snapshot.functions.len();
        let mut tables = Self {
            tiers: Vec::new(),
            profiles: Vec::new(),
            allocations: snapshot
                .allocations
                .iter()
                .filter_map(allocation_of)
                .collect(),
            anchors: Vec::new(),
            symbols: Vec::new(),
            names: Vec::new(),
            counters: 0,
            stubs: 0,
            pool_bytes: pages_of(&snapshot.allocations)
                .iter()
                .map(|(pages, _)| (pages.end - pages.start) as usize)
                .sum(),
        };
        for function in &snapshot.functions {
            tables.tiers.push(tier_code(function.tier));
            tables.profiles.push(profile_of(function, snapshot)?);
            if let Tier::Native(level) = function.tier {
                let name = tables.name(&format!("{}.{}", function.name, level.name()))?;
                tables.symbols.push(llvm_code_symbol_t {
                    address: function.code_address as usize,
                    bytes: function.code_bytes as usize,
                    name,
                });
            }
        }
        let mut has_main = false;
        for anchor in &snapshot.anchors {
            let (kind, size_bytes, access) = match anchor.kind {
                AnchorKind::Symbol => (LLVM_ANCHOR_SYMBOL, 1, None),
                AnchorKind::Constructor => (LLVM_ANCHOR_CONSTRUCTOR, 1, Some(Access::ReadExecute)),
                AnchorKind::Destructor => (LLVM_ANCHOR_DESTRUCTOR, 1, Some(Access::ReadExecute)),
                AnchorKind::Main => (LLVM_ANCHOR_MAIN, 1, Some(Access::ReadExecute)),
                AnchorKind::VoidMain => (LLVM_ANCHOR_VOID_MAIN, 1, Some(Access::ReadExecute)),
                AnchorKind::Counters => (
                    LLVM_ANCHOR_COUNTERS,
                    count * COUNTER_BYTES,
                    Some(Access::ReadWrite),
                ),
                AnchorKind::Stubs => (
                    LLVM_ANCHOR_STUBS,
                    count * STUB_BYTES,
                    Some(Access::ReadExecute),
                ),
                AnchorKind::Copies => (LLVM_ANCHOR_COPIES, 1, Some(Access::ReadWrite)),
                AnchorKind::Got => (LLVM_ANCHOR_GOT, 1, Some(Access::ReadWrite)),
                AnchorKind::Plt => (LLVM_ANCHOR_PLT, 1, Some(Access::ReadExecute)),
            };
            let found = snapshot.access_of(anchor.address, size_bytes as u64);
            if found.is_none() || access.is_some() && found != access {
                return Err("an anchor is where such anchors are not".to_string());
            }
            let is_of_pages = matches!(
                anchor.kind,
                AnchorKind::Counters
                    | AnchorKind::Stubs
                    | AnchorKind::Copies
                    | AnchorKind::Got
                    | AnchorKind::Plt
            );
            if is_of_pages && !anchor.address.is_multiple_of(PAGE_SIZE_BYTES) {
                return Err("an anchor is not aligned".to_string());
            }
            let address = anchor.address as usize;
            match anchor.kind {
                AnchorKind::Counters => tables.counters = address,
                AnchorKind::Stubs => tables.stubs = address,
                AnchorKind::Main | AnchorKind::VoidMain => has_main = true,
                _ => {}
            }
            tables.add_anchor(kind, anchor.name, address)?;
        }
        if !has_main || tables.counters == 0 || tables.stubs == 0 {
            return Err("it lacks an anchor that every program has".to_string());
        }
        check_imports(snapshot)?;
        check_regions(snapshot)?;
        for import in &snapshot.imports {
            tables.add_anchor(LLVM_ANCHOR_IMPORT, import.name, import.address as usize)?;
        }
        Ok(tables)
    }

    fn name(&mut self, text: &str) -> Result<*const c_char, String> {
        let name = CString::new(text).map_err(|_| "a name has a zero byte in it".to_string())?;
        // The text stays where it is when the list grows.
        let pointer = name.as_ptr();
        self.names.push(name);
        Ok(pointer)
    }

    fn add_anchor(
        &mut self,
        kind: llvm_anchor_kind_t,
        name: &str,
        address: usize,
    ) -> Result<(), String> {
        let name = self.name(name)?;
        self.anchors.push(llvm_anchor_t {
            kind,
            name,
            address,
        });
        Ok(())
    }

    /// Where the address of each unit's code is: behind the counters.
    pub(crate) fn slots(&self) -> usize {
        self.counters + self.tiers.len() * size_of::<llvm_unit_t>()
    }

    pub(crate) fn restored(&self) -> llvm_restored_t {
        llvm_restored_t {
            size: size_of::<llvm_restored_t>(),
            unit_count: self.tiers.len() as u32,
            counters: self.counters,
            stubs: self.stubs,
            tiers: self.tiers.as_ptr(),
            anchors: self.anchors.as_ptr(),
            anchor_count: self.anchors.len(),
            symbols: self.symbols.as_ptr(),
            symbol_count: self.symbols.len(),
            profiles: self.profiles.as_ptr(),
        }
    }

    pub(crate) fn contents(&self) -> llvm_contents_t {
        llvm_contents_t {
            size: size_of::<llvm_contents_t>(),
            allocations: self.allocations.as_ptr(),
            allocation_count: self.allocations.len(),
            anchors: self.anchors.as_ptr(),
            anchor_count: self.anchors.len(),
        }
    }

    /// The name of the function whose code is at the address.
    pub(crate) fn function_at(&self, address: usize) -> Option<String> {
        let symbol = self
            .symbols
            .iter()
            .find(|symbol| address.wrapping_sub(symbol.address) < symbol.bytes)?;
        // SAFETY: the names live as long as the tables, and end with a zero.
        let name = unsafe { CStr::from_ptr(symbol.name) };
        Some(name.to_string_lossy().into_owned())
    }

    /// Bytes of the pool that are in use, in whole pages.
    pub(crate) fn pool_bytes(&self) -> usize {
        self.pool_bytes
    }

    /// The counters of a unit.
    pub(crate) fn counters_of(&self, unit: usize) -> *mut llvm_unit_t {
        ptr::with_exposed_provenance_mut::<llvm_unit_t>(self.counters).wrapping_add(unit)
    }
}

/// Where the function's code goes on noting what it sees.
fn profile_of(function: &Function, snapshot: &Snapshot) -> Result<llvm_profile_t, String> {
    let count = match function.seen_address {
        0 => 0,
        _ => seen::decode(function.seen).map_or(0, |words| words.len()),
    };
    if count == 0 {
        return Ok(llvm_profile_t {
            words: ptr::null_mut(),
            count: 0,
        });
    }
    let address = function.seen_address;
    let access = snapshot.access_of(address, (count * size_of::<u64>()) as u64);
    if !address.is_multiple_of(size_of::<u64>() as u64) || access != Some(Access::ReadWrite) {
        return Err("what a function has seen is where nothing can be noted".to_string());
    }
    Ok(llvm_profile_t {
        words: ptr::with_exposed_provenance_mut(address as usize),
        count,
    })
}

/// Pages of words and of stubs come in pairs, and the words are used from the first on, each for a name: the library
/// puts the next one behind them.
fn check_imports(snapshot: &Snapshot) -> Result<(), String> {
    const WORD_BYTES: u64 = size_of::<usize>() as u64;
    let is_page = |anchor: &&Anchor| matches!(anchor.kind, AnchorKind::Got | AnchorKind::Plt);
    let pages: Vec<&Anchor> = snapshot.anchors.iter().filter(is_page).collect();
    let are_pairs = pages.chunks(2).all(|pair| {
        let kinds = pair.iter().map(|anchor| anchor.kind);
        kinds.eq([AnchorKind::Got, AnchorKind::Plt])
    });
    let mut words: Vec<u64> = pages
        .iter()
        .step_by(2)
        .flat_map(|page| {
            (0..PAGE_SIZE_BYTES / WORD_BYTES).map(|word| page.address + word * WORD_BYTES)
        })
        .collect();
    let is_spare_page =
        words.len() >= snapshot.imports.len() + (PAGE_SIZE_BYTES / WORD_BYTES) as usize;
    words.truncate(snapshot.imports.len());
    words.sort_unstable();
    let mut found: Vec<u64> = snapshot
        .imports
        .iter()
        .map(|import| import.address)
        .collect();
    found.sort_unstable();
    let names: BTreeSet<&str> = snapshot.imports.iter().map(|import| import.name).collect();
    if are_pairs && !is_spare_page && words == found && names.len() == found.len() {
        Ok(())
    } else {
        Err("its imports are not one behind the other".to_string())
    }
}

/// What no allocation uses is free to the library: it must not be a part of a region.
fn check_regions(snapshot: &Snapshot) -> Result<(), String> {
    let regions = snapshot.code.iter().chain(&snapshot.data);
    let mut regions: Vec<_> = regions
        .map(|region| {
            let end = region.address + region.size_bytes.next_multiple_of(PAGE_SIZE_BYTES);
            (region.address..end, region.access)
        })
        .collect();
    regions.sort_unstable_by_key(|(pages, _)| pages.start);
    regions.dedup_by(|next, last| {
        let is_one = next.0.start == last.0.end && next.1 == last.1;
        if is_one {
            last.0.end = next.0.end;
        }
        is_one
    });
    if regions == pages_of(&snapshot.allocations) {
        Ok(())
    } else {
        Err("a region has pages that no allocation uses".to_string())
    }
}

/// The library knows of what is in the pool.
fn allocation_of(allocation: &Allocation) -> Option<llvm_allocation_t> {
    Some(llvm_allocation_t {
        address: allocation.address as usize,
        bytes: allocation.size_bytes as usize,
        protection: match allocation.access {
            Access::Read => LLVM_PROTECTION_READ,
            Access::ReadWrite => LLVM_PROTECTION_READ | LLVM_PROTECTION_WRITE,
            Access::ReadExecute => LLVM_PROTECTION_READ | LLVM_PROTECTION_EXECUTE,
        },
        owner: match allocation.owner {
            Owner::Function(number) => number,
            Owner::Kept => LLVM_ALLOCATION_KEPT,
            Owner::Data => LLVM_ALLOCATION_DATA,
            Owner::Reserved => LLVM_ALLOCATION_RESERVED,
            Owner::Outside => return None,
        },
    })
}

/// Puts code and data where they were, and fills the imports in.
pub(crate) fn map(snapshot: &Snapshot, slots: usize) -> Result<(), String> {
    let imports = resolve(snapshot)?;
    map_outside(snapshot)?;
    let size_bytes = |region: &Region| (region.size_bytes as usize).next_multiple_of(page_bytes());
    let regions = snapshot.code.iter().chain(&snapshot.data);
    // Nothing is written before all of it has memory: after a failure the pool is as it was, but for access.
    for region in regions.clone() {
        protect(
            region.address,
            size_bytes(region),
            Protection::READ | Protection::WRITE,
        )?;
    }
    for region in regions {
        let anchor = ptr::with_exposed_provenance_mut::<u8>(region.address as usize);
        // SAFETY: the snapshot's regions lie in the pool, apart from each other, and nobody else uses it yet; pages
        // that get access for the first time are zero.
        unsafe { ptr::copy_nonoverlapping(region.bytes.as_ptr(), anchor, region.bytes.len()) };
    }
    for (address, value) in imports {
        // SAFETY: the word lies in a region.
        unsafe { ptr::with_exposed_provenance_mut::<usize>(address).write_unaligned(value) };
    }
    for (unit, function) in snapshot.functions.iter().enumerate() {
        let slot = ptr::with_exposed_provenance_mut::<usize>(slots).wrapping_add(unit);
        // SAFETY: the tables have checked that the slots lie in a region of data.
        unsafe { slot.write(function.code_address as usize) };
    }
    for region in &snapshot.code {
        let access = match region.access {
            Access::ReadExecute => Protection::READ | Protection::EXECUTE,
            _ => Protection::READ,
        };
        protect(region.address, size_bytes(region), access)?;
    }
    Ok(())
}

/// Variables outside the pool are zeros; code knows where they are.
fn map_outside(snapshot: &Snapshot) -> Result<(), String> {
    for allocation in &snapshot.allocations {
        if allocation.owner != Owner::Outside {
            continue;
        }
        let address = map_outside_pool(allocation.size_bytes as usize)
            .ok_or_else(|| "there is no memory for its variables outside the pool".to_string())?;
        if address as u64 != allocation.address {
            return Err("its variables outside the pool had other addresses".to_string());
        }
    }
    Ok(())
}

fn resolve(snapshot: &Snapshot) -> Result<Vec<(usize, usize)>, String> {
    let resolve_one = |import: &bareflow_snapshot::Import| {
        let name = CString::new(import.name).ok();
        let found = name.and_then(|name| {
            // SAFETY: the name ends with a zero.
            let address = unsafe { llvm_program_function(name.as_ptr()) };
            match address.is_null() {
                true => find_symbol(&name),
                false => Some(address.expose_provenance()),
            }
        });
        let missing = || format!("this kernel has no '{}'", import.name);
        Ok((import.address as usize, found.ok_or_else(missing)?))
    };
    snapshot.imports.iter().map(resolve_one).collect()
}

fn page_bytes() -> usize {
    bareflow_cxx_runtime::platform().page_size_bytes()
}

fn protect(address: u64, size_bytes: usize, protection: Protection) -> Result<(), String> {
    let platform = bareflow_cxx_runtime::platform();
    // SAFETY: the range lies in the pool, which nobody else uses while a snapshot is mapped.
    unsafe { platform.protect_pages(address as usize, size_bytes, protection) }
        .map_err(|_| "there is no memory for it".to_string())
}
