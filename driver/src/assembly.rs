//! Assembly as a part of a program: an object that clang has assembled, as assembly in a module of IR.
//!
//! The assembly of all modules is put together when a program is linked, and local names would meet. So what stays of
//! the source are bytes, global symbols, and what the linker is to fill in.

use std::fmt::Write as _;

use object::elf::{
    R_X86_64_32, R_X86_64_32S, R_X86_64_64, R_X86_64_GOTPCREL, R_X86_64_GOTPCRELX, R_X86_64_PC32,
    R_X86_64_PC64, R_X86_64_PLT32, R_X86_64_REX_GOTPCRELX,
};
use object::read::elf::{ElfFile64, ElfSection64, ElfSymbol64};
use object::{
    Endianness, Object, ObjectSection, ObjectSymbol, Relocation, RelocationFlags, RelocationTarget,
    SectionIndex, SectionKind, SymbolKind, SymbolSection,
};

use crate::flags::TARGET;

type File<'a> = ElfFile64<'a, Endianness>;
type Section<'a, 'b> = ElfSection64<'a, 'b, Endianness>;
type Symbol<'a, 'b> = ElfSymbol64<'a, 'b, Endianness>;

/// Before the name of each symbol that the assembly wants, on a line of its own: whoever makes a program smaller must
/// know.
pub const WANTS: &str = "# wants ";

/// The text of a module of IR with the contents of an object.
///
/// # Errors
/// What cannot be said so.
pub(crate) fn module_of(object: &[u8]) -> Result<String, String> {
    let file = File::parse(object).map_err(text)?;
    let unique = hash(object);
    let mut assembly = String::new();
    for section in file.sections() {
        if let Some(header) = section_header(&section)? {
            let label = label(&unique, section.index());
            // Writing to a String cannot fail.
            let _ = write!(
                assembly,
                ".section .{}.assembly_{unique}_{},{}\n.balign {}\n{label}:\n",
                header.name,
                section.index(),
                header.kind,
                section.align().max(1)
            );
            write_contents(&mut assembly, &section, &marks(&file, section.index())?)?;
            for (offset, relocation) in section.relocations() {
                let line = reloc(&file, &unique, &relocation)?;
                let _ = writeln!(assembly, ".reloc {label}+{offset}, {line}");
            }
        }
    }
    for symbol in file.symbols().filter(|symbol| !symbol.is_local()) {
        let name = symbol_name(&symbol)?;
        let _ = match symbol.section() {
            SymbolSection::Undefined if symbol.is_weak() => {
                write!(assembly, ".weak {name}\n{WANTS}{name}\n")
            }
            SymbolSection::Undefined => writeln!(assembly, "{WANTS}{name}"),
            SymbolSection::Common => {
                // Of these the value is the alignment.
                let alignment = symbol.elf_symbol().st_value.get(file.endian());
                let (size, alignment) = (symbol.size(), alignment.max(1));
                writeln!(assembly, ".comm {name},{size},{alignment}")
            }
            SymbolSection::Absolute => {
                let value = symbol.address();
                write!(assembly, ".globl {name}\n{name} = {value}\n")
            }
            _ => Ok(()),
        };
    }
    Ok(module(&assembly))
}

fn text(error: object::Error) -> String {
    error.to_string()
}

/// How a section is opened.
struct Header {
    name: &'static str,
    kind: &'static str,
}

/// `None`: nothing of the section is in memory, or it is about unwinding, which nobody does here.
fn section_header(section: &Section) -> Result<Option<Header>, String> {
    let header = |name, kind| Ok(Some(Header { name, kind }));
    let name = section.name().map_err(text)?;
    if section.size() == 0 || name == ".eh_frame" {
        return Ok(None);
    }
    match section.kind() {
        SectionKind::Text => header("text", "\"ax\",@progbits"),
        SectionKind::Data => header("data", "\"aw\",@progbits"),
        SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => {
            header("rodata", "\"a\",@progbits")
        }
        SectionKind::UninitializedData => header("bss", "\"aw\",@nobits"),
        SectionKind::Tls | SectionKind::UninitializedTls => {
            Err("thread-local variables in assembly are not supported".to_owned())
        }
        _ if name.starts_with(".init") || name.starts_with(".fini") => {
            Err(format!("the section {name} is not supported in assembly"))
        }
        _ => Ok(None),
    }
}

/// What is said of global symbols, at their places in a section.
fn marks(file: &File, section: SectionIndex) -> Result<Vec<(u64, String)>, String> {
    let mut marks = Vec::new();
    for symbol in file.symbols() {
        if symbol.section_index() == Some(section) && !symbol.is_local() {
            marks.push((symbol.address(), definition(&symbol)?));
        }
    }
    marks.sort();
    Ok(marks)
}

fn definition(symbol: &Symbol) -> Result<String, String> {
    let name = symbol_name(symbol)?;
    let binding = if symbol.is_weak() { "weak" } else { "globl" };
    let mut text = format!(".{binding} {name}\n");
    let kind = match symbol.kind() {
        SymbolKind::Text => Some("function"),
        SymbolKind::Data => Some("object"),
        _ => None,
    };
    if let Some(kind) = kind {
        let size = symbol.size();
        let _ = write!(text, ".type {name},@{kind}\n.size {name},{size}\n");
    }
    let _ = writeln!(text, "{name}:");
    Ok(text)
}

/// The bytes, with marks at their places.
fn write_contents(
    assembly: &mut String,
    section: &Section,
    marks: &[(u64, String)],
) -> Result<(), String> {
    const LINE_BYTES: usize = 32;
    let bytes = section.data().map_err(text)?;
    let size = section.size();
    let mut position = 0;
    for (place, mark) in marks.iter().chain([&(size, String::new())]) {
        let place = (*place).min(size);
        match bytes.get(position as usize..place as usize) {
            Some(part) => {
                for line in part.chunks(LINE_BYTES) {
                    let numbers: Vec<String> = line.iter().map(u8::to_string).collect();
                    let _ = writeln!(assembly, ".byte {}", numbers.join(","));
                }
            }
            None => {
                let _ = writeln!(assembly, ".zero {}", place - position);
            }
        }
        position = place;
        assembly.push_str(mark);
    }
    Ok(())
}

fn reloc(file: &File, unique: &str, relocation: &Relocation) -> Result<String, String> {
    let RelocationFlags::Elf { r_type } = relocation.flags() else {
        return Err("this is no ELF object".to_owned());
    };
    let known = [
        (R_X86_64_64, "R_X86_64_64"),
        (R_X86_64_PC32, "R_X86_64_PC32"),
        (R_X86_64_PC64, "R_X86_64_PC64"),
        (R_X86_64_PLT32, "R_X86_64_PLT32"),
        (R_X86_64_32, "R_X86_64_32"),
        (R_X86_64_32S, "R_X86_64_32S"),
        (R_X86_64_GOTPCREL, "R_X86_64_GOTPCREL"),
        (R_X86_64_GOTPCRELX, "R_X86_64_GOTPCRELX"),
        (R_X86_64_REX_GOTPCRELX, "R_X86_64_REX_GOTPCRELX"),
    ];
    let kind = known.iter().find(|(kind, _)| *kind == r_type);
    let (_, kind) = kind
        .ok_or_else(|| format!("relocations of type {r_type:?} in assembly are not supported"))?;
    let local = || "a symbol without a section in assembly is not supported".to_owned();
    let target = match relocation.target() {
        RelocationTarget::Symbol(index) => {
            let symbol = file.symbol_by_index(index).map_err(text)?;
            if symbol.is_local() {
                let section = symbol.section_index().ok_or_else(local)?;
                format!("{}+{}", label(unique, section), symbol.address())
            } else {
                symbol_name(&symbol)?
            }
        }
        _ => return Err(local()),
    };
    Ok(format!("{kind}, {target}+({})", relocation.addend()))
}

/// A name that is the same for the same object only.
fn hash(bytes: &[u8]) -> String {
    // FNV-1a (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>).
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let sum = bytes.iter().fold(OFFSET, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(PRIME)
    });
    format!("{sum:016x}")
}

fn label(unique: &str, section: SectionIndex) -> String {
    format!(".Lassembly_{unique}_{section}")
}

/// A name that can be written down in assembly.
fn symbol_name(symbol: &Symbol) -> Result<String, String> {
    let name = symbol.name_bytes().map_err(text)?;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$@".contains(byte);
    match std::str::from_utf8(name) {
        Ok(text) if !name.is_empty() && name.iter().all(is_plain) => Ok(text.to_owned()),
        _ => Err(format!(
            "the symbol '{}' is not supported in assembly",
            String::from_utf8_lossy(name)
        )),
    }
}

fn module(assembly: &str) -> String {
    let mut text = format!("target triple = \"{}\"\n", TARGET.triple);
    for line in assembly.lines() {
        let line = line.replace('\\', "\\5C").replace('"', "\\22");
        let _ = writeln!(text, "module asm \"{line}\"");
    }
    text
}
