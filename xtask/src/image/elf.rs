//! The kernel as one block of bytes, as stage 2 loads it.

use std::fs;
use std::path::Path;

use bareflow_boot_layout::Checksum;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol};

/// Where the table of symbols begins.
const IMAGE_END: &str = "__image_end";
/// The linker script's symbol for the memory that the kernel needs beside its image.
const WORKING_MEMORY: &str = "__working_memory";

/// The checksum of a kernel as it is in an image; `None` if the file is not a kernel of the machine.
pub fn flat_kernel_checksum(path: &Path) -> Option<Checksum> {
    let kernel = FlatKernel::read(path).ok()?;
    Some(super::padded_checksum(&kernel.bytes))
}

/// How large a kernel's table of symbols is; 0 if there is none.
pub fn symbol_bytes(path: &Path) -> u64 {
    FlatKernel::read(path).map_or(0, |kernel| kernel.symbol_bytes)
}

/// A kernel's segments at their addresses.
#[derive(Debug)]
pub(super) struct FlatKernel {
    pub(super) load_address: u32,
    pub(super) entry: u32,
    pub(super) bytes: Vec<u8>,
    /// The end of what it occupies, zeroed memory included.
    pub(super) memory_end: u32,
    pub(super) working_memory: u32,
    /// The table of symbols behind the image.
    pub(super) symbol_bytes: u64,
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
        let mut load_address = u32::MAX;
        let mut memory_end = 0;
        let mut segments = Vec::new();
        for segment in header.program_headers(endian, data).map_err(text)? {
            if segment.p_type(endian) != PT_LOAD || segment.p_memsz(endian) == 0 {
                continue;
            }
            let start = address(segment.p_paddr(endian))?;
            let end = address(segment.p_paddr(endian) + segment.p_memsz(endian))?;
            let bytes = segment
                .data(endian, data)
                .map_err(|()| "a segment lies outside the file")?;
            load_address = load_address.min(start);
            memory_end = memory_end.max(end);
            segments.push((start, bytes));
        }
        if segments.is_empty() {
            return Err("it has nothing to load".into());
        }
        let mut bytes = Vec::new();
        for &(start, contents) in &segments {
            let offset = (start - load_address) as usize;
            bytes.resize(bytes.len().max(offset + contents.len()), 0);
            bytes[offset..offset + contents.len()].copy_from_slice(contents);
        }
        let file = object::File::parse(data).map_err(text)?;
        let image_end = file
            .symbol_by_name(IMAGE_END)
            .map_or(u64::MAX, |symbol| symbol.address());
        let symbol_bytes = segments
            .iter()
            .filter(|(start, _)| u64::from(*start) >= image_end)
            .map(|(_, contents)| contents.len() as u64)
            .sum();
        let working_memory = file
            .symbol_by_name(WORKING_MEMORY)
            .ok_or_else(|| format!("it has no symbol {WORKING_MEMORY}"))?;
        Ok(Self {
            load_address,
            entry: address(header.e_entry(endian))?,
            bytes,
            memory_end,
            working_memory: address(working_memory.address())?,
            symbol_bytes,
        })
    }
}
