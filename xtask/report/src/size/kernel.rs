//! The kernel's bytes by library, from the map of the link that made it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::Part;
use super::link_map::{Home, Kind, Placement};
use super::linked::LinkedKernel;
use super::pages::Pages;

/// What a library has in the image's kernel, in bytes.
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
    /// Of LLVM's pages, those that the image has.
    pub llvm: Vec<LibrarySizes>,
    /// The table of functions' names, behind LLVM, in whole pages.
    pub symbols: u64,
}

impl KernelSizes {
    /// Of the kernel in an image that has these pages of LLVM.
    pub fn of(kernel: &LinkedKernel, pages: &Pages) -> Self {
        let in_image = |placement: &Placement| match (placement.home, placement.kind) {
            (Home::Core, _) | (Home::Llvm, Kind::Bss) => placement.bytes,
            (Home::Llvm, _) => pages.bytes(&placement.addresses()).in_image,
        };
        let libraries = |home| {
            let placements = kernel.placements.iter();
            by_library(
                placements
                    .filter(|placement| placement.home == home)
                    .map(|placement| (placement, in_image(placement))),
            )
        };
        Self {
            file: kernel.file.clone(),
            core: libraries(Home::Core),
            llvm: libraries(Home::Llvm),
            symbols: pages.symbol_bytes(),
        }
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

/// Sums by library of placements with their bytes in the image, the largest first.
fn by_library<'a>(placements: impl Iterator<Item = (&'a Placement, u64)>) -> Vec<LibrarySizes> {
    let mut sums: BTreeMap<&str, LibrarySizes> = BTreeMap::new();
    for (placement, bytes) in placements.filter(|(_, bytes)| *bytes > 0) {
        let sizes = sums.entry(&placement.library).or_default();
        sizes.library.clone_from(&placement.library);
        sizes.add(placement.kind, bytes);
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
        let place = |library: &str, kind, home, address, bytes| Placement {
            address,
            bytes,
            kind,
            home,
            library: library.to_owned(),
        };
        let window = 0x4a00_0000;
        let placements = vec![
            place("libLLVMCore", Kind::Text, Home::Llvm, window, 10),
            place("libLLVMCore", Kind::Data, Home::Llvm, window + 10, 5),
            place(
                "libLLVMX86CodeGen",
                Kind::Rodata,
                Home::Llvm,
                window + 4095,
                101,
            ),
            place("libLLVMPasses", Kind::Text, Home::Llvm, window + 4300, 70),
            place("libLLVMPasses", Kind::Bss, Home::Llvm, window + 8192, 60),
            place("libLLVMX86CodeGen", Kind::Rodata, Home::Core, 100, 4),
            place("libbareflow_machine", Kind::Bss, Home::Core, 200, 700),
            place("libbareflow_machine", Kind::Text, Home::Core, 300, 7),
            place("program.o", Kind::Text, Home::Core, 400, 3),
        ];
        let kernel = LinkedKernel::new(PathBuf::new(), placements, Vec::new());
        let sizes =
            |stored: &[usize]| KernelSizes::of(&kernel, &Pages::of_sets(window, 2, stored, None));
        let some = sizes(&[0]);
        let all = sizes(&[0, 1, 2]);
        let figures = |sizes: &KernelSizes| -> Vec<(String, u64, u64)> {
            let libraries = sizes.llvm.iter();
            libraries
                .map(|sizes| (sizes.library.clone(), sizes.image_bytes(), sizes.bss))
                .collect()
        };
        let row = |(library, bytes, bss): (&str, u64, u64)| (library.to_owned(), bytes, bss);
        assert_eq!(
            figures(&all),
            [
                ("libLLVMPasses", 70, 60),
                ("libLLVMX86CodeGen", 101, 0),
                ("libLLVMCore", 15, 0)
            ]
            .map(row)
        );
        assert_eq!(
            figures(&some),
            [
                ("libLLVMPasses", 0, 60),
                ("libLLVMCore", 15, 0),
                ("libLLVMX86CodeGen", 1, 0)
            ]
            .map(row)
        );
        assert_eq!((all.llvm[2].text, all.llvm[2].data), (10, 5));
        let named = |parts: Vec<Part>| -> Vec<(String, u64)> {
            let pairs = parts.into_iter();
            pairs.map(|part| (part.name, part.bytes)).collect()
        };
        let pair = |(name, bytes): (&str, u64)| (name.to_owned(), bytes);
        assert_eq!(
            named(all.core_parts(512)),
            [("core", 7), ("LLVM", 4), ("program", 3), ("padding", 498)].map(pair)
        );
        assert_eq!(
            named(all.llvm_parts(3 * 4096)),
            [("LLVM", 186), ("symbols", 4096), ("padding", 8006)].map(pair)
        );
        assert_eq!(
            named(some.llvm_parts(4096)),
            [("LLVM", 16), ("symbols", 0), ("padding", 4080)].map(pair)
        );
    }
}
