//! The kernel's own symbol table, appended to the linked kernel as one more segment: fault messages and
//! backtraces take their names from it, however the machine was started.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use bareflow_boot_layout::symbols::{Symbol, build};
use cpp_demangle::DemangleOptions;
use object::elf::{FileHeader64, PF_R, PT_LOAD, PT_NULL, ProgramHeader64};
use object::endian::{LittleEndian, U32, U64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Object, ObjectSymbol, SymbolKind, pod};

/// The table is the last part of LLVM: where it begins in the address space, and where a loader puts it.
const WINDOW_END: &str = "__llvm_window_end";
const LOAD_END: &str = "__llvm_load_end";
const PAGE_SIZE_BYTES: u64 = 4096;
/// Names of templates can be very long; their beginning tells enough.
const NAME_LIMIT_BYTES: usize = 80;

/// Appends the table to the kernel at `path`, which the linker has just written, with an unused program
/// header for it.
///
/// # Errors
/// What is wrong with the file, or what the system said.
pub fn append(path: &Path) -> io::Result<()> {
    let data = fs::read(path)?;
    let header_offset = unused_header(&data)?;
    let file = object::File::parse(&*data).map_err(io::Error::other)?;
    let address = |name: &str| {
        let symbol = file.symbol_by_name(name);
        let symbol =
            symbol.ok_or_else(|| io::Error::other(format!("the kernel has no symbol {name}")))?;
        Ok::<u64, io::Error>(symbol.address())
    };
    let (window_end, load_end) = (address(WINDOW_END)?, address(LOAD_END)?);
    let table = table_of(&file);

    let offset = (data.len() as u64).next_multiple_of(PAGE_SIZE_BYTES);
    let number = |value| U64::new(LittleEndian, value);
    let header = ProgramHeader64::<LittleEndian> {
        p_type: U32::new(LittleEndian, PT_LOAD),
        p_flags: U32::new(LittleEndian, PF_R),
        p_offset: number(offset),
        p_vaddr: number(window_end),
        p_paddr: number(load_end),
        p_filesz: number(table.len() as u64),
        p_memsz: number(table.len() as u64),
        p_align: number(PAGE_SIZE_BYTES),
    };
    let mut output = File::options().write(true).open(path)?;
    output.seek(SeekFrom::Start(offset))?;
    output.write_all(&table)?;
    // The header last: until then the kernel is whole without the table.
    output.seek(SeekFrom::Start(header_offset))?;
    output.write_all(pod::bytes_of(&header))
}

/// Where the file has the program header that the linker script left for the table.
fn unused_header(data: &[u8]) -> io::Result<u64> {
    let header = FileHeader64::<LittleEndian>::parse(data).map_err(io::Error::other)?;
    let segments = header
        .program_headers(LittleEndian, data)
        .map_err(io::Error::other)?;
    let index = segments
        .iter()
        .position(|segment| segment.p_type(LittleEndian) == PT_NULL)
        .ok_or_else(|| io::Error::other("the kernel has no unused program header"))?;
    let size = size_of::<ProgramHeader64<LittleEndian>>();
    Ok(header.e_phoff(LittleEndian) + (index * size) as u64)
}

fn table_of(file: &object::File) -> Vec<u8> {
    let functions = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0);
    let named: Vec<(u64, u64, String)> = functions
        .filter_map(|symbol| {
            let name = readable(symbol.name().ok()?);
            Some((symbol.address(), symbol.address() + symbol.size(), name))
        })
        .collect();
    let mut symbols: Vec<Symbol> = named
        .iter()
        .filter_map(|(address, end, name)| {
            Some(Symbol {
                address: u32::try_from(*address).ok()?,
                end: u32::try_from(*end).ok()?,
                name,
            })
        })
        .collect();
    build(&mut symbols)
}

/// The name as its source has it, without parameters, cut where it is very long.
fn readable(mangled: &str) -> String {
    let mut name = if mangled.starts_with("_Z") && !mangled.starts_with("_ZN") || is_cxx(mangled) {
        cxx_name(mangled)
    } else {
        None
    }
    .unwrap_or_else(|| format!("{:#}", rustc_demangle::demangle(mangled)));
    if name.len() > NAME_LIMIT_BYTES {
        let end = (0..=NAME_LIMIT_BYTES)
            .rev()
            .find(|end| name.is_char_boundary(*end))
            .unwrap_or(0);
        name.truncate(end);
        name.push_str("...");
    }
    name
}

/// Rust's older names look like those of C++, but for the hash at their end.
fn is_cxx(mangled: &str) -> bool {
    mangled.starts_with("_ZN") && rustc_demangle::try_demangle(mangled).is_err()
}

fn cxx_name(mangled: &str) -> Option<String> {
    let options = DemangleOptions::new().no_params().no_return_type();
    cpp_demangle::Symbol::new(mangled)
        .ok()?
        .demangle_with_options(&options)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_sources() {
        assert_eq!(
            readable("_ZNK4llvm5Value7getNameEv"),
            "llvm::Value::getName"
        );
        assert_eq!(readable("_Znwm"), "operator new");
        assert_eq!(
            readable("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"),
            "core::fmt::Formatter::pad"
        );
        assert_eq!(readable("memcpy"), "memcpy");
        assert_eq!(readable(&"x".repeat(200)).len(), NAME_LIMIT_BYTES + 3);
    }
}
