//! The kernel's bytes by library, from the map of the link that made it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Part;
use super::link_map::{Kind, Placement, parse};
use crate::error::{Result, system};
use crate::image::{ImageFile, flat_kernel_checksum, symbol_bytes};
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
    /// Variables that start as zeros; they are in the image because the symbols lie behind them.
    pub bss: u64,
}

impl LibrarySizes {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.text + self.rodata + self.data + self.bss
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
    /// By size, the largest first.
    pub libraries: Vec<LibrarySizes>,
    /// The table of functions' names behind the image.
    pub symbols: u64,
}

impl KernelSizes {
    /// Of the kernel in an image; `None` if it was not linked here, or not as the last of its kind.
    ///
    /// # Errors
    /// That its link map cannot be made or read.
    pub fn find(image: &ImageFile, bench: &Workbench) -> Result<Option<Self>> {
        let checksum = image.header.kernel_checksum;
        let is_it = |path: &Path| flat_kernel_checksum(path) == Some(checksum);
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
            libraries: by_library(&placements),
            symbols: symbol_bytes(kernel),
        })
    }

    /// As parts of a kernel that takes so many bytes in an image.
    pub fn parts(&self, kernel_bytes: u64) -> Vec<Part> {
        let mut groups: BTreeMap<(usize, &str), Vec<Part>> = BTreeMap::new();
        for library in &self.libraries {
            let part = Part::new(&library.library, library.total());
            groups
                .entry(group_of(&library.library))
                .or_default()
                .push(part);
        }
        let mut parts: Vec<Part> = groups
            .into_iter()
            .map(|((_, name), parts)| Part::of(name, parts))
            .collect();
        parts.push(Part::new("symbols", self.symbols));
        let known: u64 = parts.iter().map(|part| part.bytes).sum();
        parts.push(Part::new("padding", kernel_bytes.saturating_sub(known)));
        parts
    }
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
fn by_library(placements: &[Placement]) -> Vec<LibrarySizes> {
    let mut sums: BTreeMap<&str, LibrarySizes> = BTreeMap::new();
    for placement in placements {
        let sizes = sums.entry(&placement.library).or_default();
        sizes.library.clone_from(&placement.library);
        sizes.add(placement.kind, placement.bytes);
    }
    let mut libraries: Vec<LibrarySizes> = sums.into_values().collect();
    libraries.sort_by_key(|sizes| std::cmp::Reverse(sizes.total()));
    libraries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_summed_and_grouped() {
        let place = |library: &str, kind, bytes| Placement {
            address: 0x10_0000,
            bytes,
            kind,
            library: library.to_owned(),
        };
        let libraries = by_library(&[
            place("libLLVMCore", Kind::Text, 10),
            place("libLLVMCore", Kind::Data, 5),
            place("libLLVMX86CodeGen", Kind::Rodata, 100),
            place("libbareflow_machine", Kind::Bss, 7),
            place("program.o", Kind::Text, 3),
        ]);
        let names: Vec<&str> = libraries
            .iter()
            .map(|sizes| sizes.library.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "libLLVMX86CodeGen",
                "libLLVMCore",
                "libbareflow_machine",
                "program.o"
            ]
        );
        assert_eq!((libraries[1].text, libraries[1].data), (10, 5));
        let sizes = KernelSizes {
            file: PathBuf::new(),
            libraries,
            symbols: 20,
        };
        let parts: Vec<(String, u64)> = sizes
            .parts(147)
            .into_iter()
            .map(|part| (part.name, part.bytes))
            .collect();
        let expected = [
            ("core", 7),
            ("LLVM", 115),
            ("program", 3),
            ("symbols", 20),
            ("padding", 2),
        ];
        assert_eq!(
            parts,
            expected.map(|(name, bytes)| (name.to_owned(), bytes))
        );
    }
}
