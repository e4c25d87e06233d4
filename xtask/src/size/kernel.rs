//! The kernel's bytes by library, from the map of the link that made it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Part;
use super::link_map::{Home, Kind, Placement, parse};
use crate::error::{Result, system};
use crate::image::{ImageFile, core_checksum, symbol_bytes};
use crate::kernel::{KernelKind, LlvmExtent};
use crate::workbench::Workbench;

/// What a library has in the kernel, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LibrarySizes {
    /// The library.
    pub library: String,
    /// Code.
    pub text: u64,
    /// Constants.
    pub rodata: u64,
    /// Variables with a value.
    pub data: u64,
    /// Variables that start as zeros: memory, but nothing in the image.
    pub bss: u64,
}

impl LibrarySizes {
    /// What is in the image.
    pub fn image_bytes(&self) -> u64 {
        self.text + self.rodata + self.data
    }

    fn add(&mut self, kind: Kind, bytes: u64) {
        *match kind {
            Kind::Text => &mut self.text,
            Kind::Rodata => &mut self.rodata,
            Kind::Data => &mut self.data,
            Kind::Bss => &mut self.bss,
        } += bytes;
    }
}

/// What of a kernel comes from where.
#[derive(Clone, Debug, Serialize)]
pub struct KernelSizes {
    /// The kernel's ELF file.
    pub file: PathBuf,
    /// Of the core, by size, the largest first.
    pub core: Vec<LibrarySizes>,
    /// Of LLVM's pages.
    pub llvm: Vec<LibrarySizes>,
    /// The table of functions' names, behind LLVM.
    pub symbols: u64,
}

impl KernelSizes {
    /// Of the kernel in an image; `None` if it was not linked here, or not as the last of its kind.
    ///
    /// # Errors
    /// That its link map cannot be made or read.
    pub fn find(image: &ImageFile, bench: &Workbench) -> Result<Option<Self>> {
        let checksum = image.header.kernel_checksum;
        let is_it = |path: &Path| core_checksum(path) == Some(checksum);
        for path in bench.exported_kernels() {
            if is_it(&path) {
                return Self::read(&path, &map_beside(&path)).map(Some);
            }
        }
        let builder = bench.kernel_builder();
        for extent in [LlvmExtent::Full, LlvmExtent::Jit] {
            let path = builder.output(KernelKind::Machine, extent);
            if !is_it(&path) {
                continue;
            }
            return match builder.link_map(KernelKind::Machine, extent)? {
                Some(map) => Self::read(&path, &map).map(Some),
                None => Ok(None),
            };
        }
        Ok(None)
    }

    fn read(kernel: &Path, map: &Path) -> Result<Self> {
        let text = fs::read(map).map_err(system(format!("cannot read {}", map.display())))?;
        let placements = parse(&String::from_utf8_lossy(&text));
        Ok(Self {
            file: kernel.to_owned(),
            core: by_library(&placements, Home::Core),
            llvm: by_library(&placements, Home::Llvm),
            symbols: symbol_bytes(kernel),
        })
    }

    /// The parts of the core, which takes so many bytes in the image.
    pub fn core_parts(&self, bytes: u64) -> Vec<Part> {
        filled(groups(&self.core), bytes)
    }

    /// The parts of LLVM's pages with the symbols, which take so many bytes in the image.
    pub fn llvm_parts(&self, bytes: u64) -> Vec<Part> {
        let mut parts = groups(&self.llvm);
        parts.push(Part::new("symbols", self.symbols));
        filled(parts, bytes)
    }
}

fn groups(libraries: &[LibrarySizes]) -> Vec<Part> {
    let mut groups: BTreeMap<(usize, &str), Vec<Part>> = BTreeMap::new();
    for sizes in libraries.iter().filter(|sizes| sizes.image_bytes() > 0) {
        let part = Part::new(&sizes.library, sizes.image_bytes());
        groups
            .entry(group_of(&sizes.library))
            .or_default()
            .push(part);
    }
    groups
        .into_iter()
        .map(|((_, name), parts)| Part::of(name, parts))
        .collect()
}

/// The parts, and what is missing between them up to so many bytes.
fn filled(mut parts: Vec<Part>, bytes: u64) -> Vec<Part> {
    let known: u64 = parts.iter().map(|part| part.bytes).sum();
    parts.push(Part::new("padding", bytes.saturating_sub(known)));
    parts
}

/// Where the linker puts the map of an exported kernel.
fn map_beside(kernel: &Path) -> PathBuf {
    let mut path = kernel.as_os_str().to_owned();
    path.push(".map");
    path.into()
}

/// The order and name of the group that a library belongs to.
fn group_of(library: &str) -> (usize, &'static str) {
    match library {
        "libc++" => (2, "libc++"),
        "libc" | "libm" => (3, "C library"),
        _ if library.starts_with("libLLVM") => (1, "LLVM"),
        // What the linker has merged: the same string in several libraries is there once.
        "<internal>" => (5, "merged constants"),
        _ if library.starts_with("libbareflow") => (0, "core"),
        _ => (4, "program"),
    }
}

/// Sums by library, the largest first. With fewer placements, those that were used for example, it is a coverage.
fn by_library(placements: &[Placement], home: Home) -> Vec<LibrarySizes> {
    let mut sums: BTreeMap<&str, LibrarySizes> = BTreeMap::new();
    for placement in placements.iter().filter(|placement| placement.home == home) {
        let sizes = sums.entry(&placement.library).or_default();
        sizes.library.clone_from(&placement.library);
        sizes.add(placement.kind, placement.bytes);
    }
    let mut libraries: Vec<LibrarySizes> = sums.into_values().collect();
    libraries.sort_by_key(|sizes| std::cmp::Reverse(sizes.image_bytes() + sizes.bss));
    libraries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_summed_and_grouped_and_zeros_take_no_room() {
        let place = |library: &str, kind, home, bytes| Placement {
            address: 0x10_0000,
            bytes,
            kind,
            home,
            library: library.to_owned(),
        };
        let placements = [
            place("libLLVMCore", Kind::Text, Home::Llvm, 10),
            place("libLLVMCore", Kind::Data, Home::Llvm, 5),
            place("libLLVMX86CodeGen", Kind::Rodata, Home::Llvm, 100),
            place("libLLVMX86CodeGen", Kind::Rodata, Home::Core, 4),
            place("libbareflow_machine", Kind::Bss, Home::Core, 700),
            place("libbareflow_machine", Kind::Text, Home::Core, 7),
            place("program.o", Kind::Text, Home::Core, 3),
        ];
        let sizes = KernelSizes {
            file: PathBuf::new(),
            core: by_library(&placements, Home::Core),
            llvm: by_library(&placements, Home::Llvm),
            symbols: 20,
        };
        let first = &sizes.llvm[0];
        assert_eq!(
            (first.library.as_str(), first.rodata),
            ("libLLVMX86CodeGen", 100)
        );
        assert_eq!((sizes.llvm[1].text, sizes.llvm[1].data), (10, 5));
        let named = |parts: Vec<Part>| -> Vec<(String, u64)> {
            let pairs = parts.into_iter();
            pairs.map(|part| (part.name, part.bytes)).collect()
        };
        let pair = |(name, bytes): (&str, u64)| (name.to_owned(), bytes);
        assert_eq!(
            named(sizes.core_parts(512)),
            [("core", 7), ("LLVM", 4), ("program", 3), ("padding", 498)].map(pair)
        );
        assert_eq!(
            named(sizes.llvm_parts(137)),
            [("LLVM", 115), ("symbols", 20), ("padding", 2)].map(pair)
        );
    }
}
