//! The kernel as blocks of bytes: the core, as stage 2 loads it, and LLVM, whose pages the kernel reads.

use std::fs;
use std::path::Path;

use bareflow_boot_layout::clusters::PAGE_SIZE_BYTES;
use bareflow_boot_layout::{Checksum, PageRange};
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol};

/// The linker script's symbol for the memory that the kernel needs beside its image.
const WORKING_MEMORY: &str = "__working_memory";
/// LLVM's first address.
const LLVM_WINDOW: &str = "__llvm_window";
/// The essential pages in each section, the last of which ends with LLVM: from this symbol to that.
const LLVM_ESSENTIAL: [[&str; 2]; 2] = [
    [LLVM_WINDOW, "__llvm_essential_text_end"],
    ["__llvm_rodata_start", "__llvm_essential_rodata_end"],
];
const LLVM_DATA: &str = "__llvm_pages_data_start";
/// Where a loader of ELF files would put LLVM, and the symbol table behind it.
const LLVM_START: &str = "__llvm_load_start";

/// Where the symbol table begins at the earliest.
const LLVM_END: &str = "__llvm_load_end";

/// The checksum of a kernel's core as it is in an image; `None` if the file is not a kernel of the machine.
pub fn core_checksum(path: &Path) -> Option<Checksum> {
    let kernel = FlatKernel::read(path).ok()?;
    Some(super::padded_checksum(&kernel.core))
}

/// The [table of functions](bareflow_boot_layout::symbols) that was appended to a kernel; `None` if there is none.
pub fn symbol_table(path: &Path) -> Option<Vec<u8>> {
    let data = fs::read(path).ok()?;
    let file = object::File::parse(&*data).ok()?;
    let llvm_end = file.symbol_by_name(LLVM_END)?.address();
    let header = FileHeader64::<LittleEndian>::parse(&*data).ok()?;
    let segments = header.program_headers(LittleEndian, &*data).ok()?;
    let segment = segments.iter().find(|segment| {
        segment.p_type(LittleEndian) == PT_LOAD && segment.p_paddr(LittleEndian) >= llvm_end
    })?;
    let bytes = segment.data(LittleEndian, &*data).ok()?;
    Some(bytes.to_vec())
}

/// A kernel's segments at their physical addresses.
#[derive(Debug)]
pub(super) struct FlatKernel {
    pub(super) load_address: u32,
    pub(super) entry: u32,
    pub(super) core: Vec<u8>,
    /// The end of what the core occupies, zeroed memory included.
    pub(super) memory_end: u32,
    pub(super) working_memory: u32,
    /// LLVM's pages with the symbol table, in whole pages.
    pub(super) llvm: Vec<u8>,
    /// How many of these pages come before the symbol table.
    pub(super) llvm_own_pages: u32,
    pub(super) llvm_window: u32,
    pub(super) llvm_essential: [PageRange; 3],
}

impl FlatKernel {
    /// Reads the linked kernel; says what is wrong if it is not one.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let data = fs::read(path).map_err(|error| error.to_string())?;
        Self::parse(&data)
    }

    fn parse(data: &[u8]) -> Result<Self, String> {
        let text = |error: object::Error| error.to_string();
        let header = FileHeader64::<LittleEndian>::parse(data).map_err(text)?;
        let endian = LittleEndian;
        let address = |value: u64| {
            u32::try_from(value)
                .ok()
                .filter(|address| *address < 1 << 31)
                .ok_or("it reaches beyond 2 GiB")
        };
        let file = object::File::parse(data).map_err(text)?;
        let symbol = |name: &str| {
            let symbol = file.symbol_by_name(name);
            address(
                symbol
                    .ok_or_else(|| format!("it has no symbol {name}"))?
                    .address(),
            )
            .map_err(str::to_owned)
        };
        let llvm_start = symbol(LLVM_START)?;
        let mut load_address = u32::MAX;
        let mut memory_end = 0;
        let mut core = Vec::new();
        let mut llvm = Vec::new();
        for segment in header.program_headers(endian, data).map_err(text)? {
            if segment.p_type(endian) != PT_LOAD || segment.p_memsz(endian) == 0 {
                continue;
            }
            let start = address(segment.p_paddr(endian))?;
            let end = address(segment.p_paddr(endian) + segment.p_memsz(endian))?;
            let bytes = segment
                .data(endian, data)
                .map_err(|()| "a segment lies outside the file")?;
            if start >= llvm_start {
                llvm.push((start, bytes));
            } else {
                load_address = load_address.min(start);
                memory_end = memory_end.max(end);
                core.push((start, bytes));
            }
        }
        if core.is_empty() {
            return Err("it has nothing to load".into());
        }
        let mut llvm = flat(llvm_start, &llvm);
        llvm.resize(llvm.len().next_multiple_of(PAGE_SIZE_BYTES), 0);
        let page_size = PAGE_SIZE_BYTES as u32;
        let llvm_own_pages = (symbol(LLVM_END)? - llvm_start) / page_size;
        let llvm_window = symbol(LLVM_WINDOW)?;
        let page = |name: &str| Ok::<_, String>((symbol(name)? - llvm_window).div_ceil(page_size));
        let essential = |[start, end]: [&str; 2]| {
            Ok::<_, String>(PageRange {
                first: page(start)?,
                end: page(end)?,
            })
        };
        let [text, constants] = LLVM_ESSENTIAL;
        Ok(Self {
            load_address,
            entry: address(header.e_entry(endian))?,
            core: flat(load_address, &core),
            memory_end,
            working_memory: symbol(WORKING_MEMORY)?,
            llvm,
            llvm_own_pages,
            llvm_window,
            llvm_essential: [
                essential(text)?,
                essential(constants)?,
                PageRange {
                    first: page(LLVM_DATA)?,
                    end: llvm_own_pages,
                },
            ],
        })
    }
}

/// Segments by their addresses as one block from `start` on.
fn flat(start: u32, segments: &[(u32, &[u8])]) -> Vec<u8> {
    let offset_of = |address: u32| (address - start) as usize;
    let ends = segments
        .iter()
        .map(|(address, contents)| offset_of(*address) + contents.len());
    let mut bytes = vec![0; ends.max().unwrap_or(0)];
    for (address, contents) in segments {
        let offset = offset_of(*address);
        bytes[offset..offset + contents.len()].copy_from_slice(contents);
    }
    bytes
}
