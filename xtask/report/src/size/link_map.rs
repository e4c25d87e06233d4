//! The linker's map: which bytes of the kernel come from which library.
//!
//! ld.lld's map has a line for each output section, input section and symbol: address, load address, size
//! (hexadecimal), alignment, then the name, 0, 8 or 16 columns further. An input section is `FILE:(SECTION)`, where
//! FILE may be `ARCHIVE(MEMBER)`.

use std::ops::Range;
use std::path::Path;

use serde::Serialize;

/// What bytes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Code.
    Text,
    /// Constants.
    Rodata,
    /// Variables with a value.
    Data,
    /// Variables that start as zeros.
    Bss,
}

impl Kind {
    /// Of an output section; `None` for what is not loaded.
    fn of_section(name: &str) -> Option<Self> {
        match name {
            ".text" | ".boot.text" | ".llvm.text" | ".llvm.essential_text" => Some(Self::Text),
            ".data" | ".boot.data" | ".llvm.data" => Some(Self::Data),
            ".bss" | ".tbss" | ".llvm.bss" => Some(Self::Bss),
            ".rodata" | ".data.rel.ro" | ".tdata" | ".init_array" | ".late_init_array"
            | ".fini_array" | ".got" | ".note.pvh" | ".note.gnu.build-id" | ".llvm.rodata" => {
                Some(Self::Rodata)
            }
            _ => None,
        }
    }
}

/// Which part of the kernel bytes are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// What is loaded when the machine starts.
    Core,
    /// LLVM, whose pages are read when they are touched.
    Llvm,
}

/// Bytes of one input section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Where they are.
    pub address: u64,
    /// How many.
    pub bytes: u64,
    /// What they are for.
    pub kind: Kind,
    /// Where they are loaded from.
    pub home: Home,
    /// The library that they come from, such as `libLLVMCore`, or the object file.
    pub library: String,
}

impl Placement {
    /// The addresses of its bytes.
    pub fn addresses(&self) -> Range<u64> {
        self.address..self.address + self.bytes
    }
}

struct Line<'a> {
    address: u64,
    bytes: u64,
    indentation: usize,
    name: &'a str,
}

/// Where each input section of the map at `text` went. Sections without bytes are left out.
pub fn parse(text: &str) -> Vec<Placement> {
    let mut placements = Vec::new();
    let mut section = None;
    for line in text.lines().filter_map(parse_line) {
        match line.indentation {
            0 if !line.name.contains(" = ") => {
                let home = match line.name.starts_with(".llvm.") {
                    true => Home::Llvm,
                    false => Home::Core,
                };
                section = Kind::of_section(line.name).map(|kind| (kind, home));
            }
            8 if line.bytes > 0 => {
                let origin = line.name.rsplit_once(":(").map(|(origin, _)| origin);
                if let (Some((kind, home)), Some(origin)) = (section, origin) {
                    placements.push(Placement {
                        address: line.address,
                        bytes: line.bytes,
                        kind,
                        home,
                        library: library_of(origin),
                    });
                }
            }
            _ => {}
        }
    }
    placements
}

fn parse_line(line: &str) -> Option<Line<'_>> {
    let mut rest = line;
    let mut column = || {
        let trimmed = rest.trim_start();
        let end = trimmed.find(' ')?;
        let (word, after) = trimmed.split_at(end);
        rest = after;
        Some(word)
    };
    let address = u64::from_str_radix(column()?, 16).ok()?;
    column()?;
    let bytes = u64::from_str_radix(column()?, 16).ok()?;
    column()?;
    let name = rest.trim_start();
    Some(Line {
        address,
        bytes,
        // One space ends the column before.
        indentation: (rest.len() - name.len()).checked_sub(1)?,
        name,
    })
}

fn library_of(origin: &str) -> String {
    let file = match origin
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once(".a("))
    {
        Some((archive, _)) => archive,
        None => origin,
    };
    let name = Path::new(file).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
             VMA              LMA     Size Align Out     In      Symbol
          108000           108000       80     4 .text
          108000           108000        0     1         __text_start = .
          108000           108000       40     4         /d/lib/libLLVMCore.a(Core.cpp.o):(.text._ZN1aEv)
          108000           108000       40     1                 a::b(c:(int))
          108040           108040       20     4         /d/lib/libc.a(qsort.cpp.o):(.text.qsort)
          108060           108060        0     4         /d/lib/libc.a(qsort.cpp.o):(.text)
          108060           108060       20     4         /tmp/program.o:(.text.main)
          109000           109000       1f     1 . = ALIGN ( 4096 )
        4a000000           10b000       10     4 .llvm.text
        4a000000           10b000       10     4         /d/lib/libc++.a(string.cpp.o):(.text)
          10a000           10a000        8     8 .bss
          10a000           10a000        8     8         <internal>:(COMMON)
               0                0      100     1 .debug_info
               0                0      100     1         /d/lib/libc.a(qsort.cpp.o):(.debug_info)
";

    #[test]
    fn every_loaded_byte_has_a_library() {
        let found: Vec<(u64, u64, Kind, Home, String)> = parse(MAP)
            .into_iter()
            .map(|item| (item.address, item.bytes, item.kind, item.home, item.library))
            .collect();
        assert_eq!(
            found,
            [
                (
                    0x108000,
                    0x40,
                    Kind::Text,
                    Home::Core,
                    "libLLVMCore".to_owned()
                ),
                (0x108040, 0x20, Kind::Text, Home::Core, "libc".to_owned()),
                (
                    0x108060,
                    0x20,
                    Kind::Text,
                    Home::Core,
                    "program.o".to_owned()
                ),
                (
                    0x4a000000,
                    0x10,
                    Kind::Text,
                    Home::Llvm,
                    "libc++".to_owned()
                ),
                (0x10a000, 8, Kind::Bss, Home::Core, "<internal>".to_owned()),
            ]
        );
    }
}
