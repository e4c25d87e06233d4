//! A kernel that was linked here: the map of its link and its functions.

use std::ops::Range;
use std::path::{Path, PathBuf};

use bareflow_boot_layout::symbols::SymbolTable;
use bareflow_build::shell::shell;

use super::link_map::{Home, Kind, Placement, parse};
use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_image::context::Context;
use bareflow_image::disk::{ImageFile, core_checksum, symbol_table};
use bareflow_image::error::Result;

/// A kernel that was linked here.
#[derive(Debug)]
pub struct LinkedKernel {
    /// Its ELF file.
    pub file: PathBuf,
    /// What the linker has put where, by address.
    pub placements: Vec<Placement>,
    symbols: Vec<u8>,
}

/// A function of LLVM's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function<'a> {
    /// Where it begins.
    pub address: u64,
    /// How large it is.
    pub bytes: u64,
    /// Its name, as its source has it.
    pub name: &'a str,
    /// The library that it comes from.
    pub library: &'a str,
}

impl Function<'_> {
    /// The addresses of its bytes.
    pub fn addresses(&self) -> Range<u64> {
        self.address..self.address + self.bytes
    }
}

impl LinkedKernel {
    /// The kernel in an image; `None` if it was not linked here, or not as the last of its kind.
    ///
    /// # Errors
    /// That its link map cannot be made or read.
    pub fn find(image: &ImageFile, context: &Context) -> Result<Option<Self>> {
        let checksum = image.header.kernel_checksum;
        let is_it = |path: &Path| core_checksum(path) == Some(checksum);
        for path in context.exported_kernels() {
            if is_it(&path) {
                return Self::read(&path, &map_beside(&path)).map(Some);
            }
        }
        let builder = context.kernel_builder();
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
        let text = shell()?.read_binary_file(map)?;
        Ok(Self::new(
            kernel.to_owned(),
            parse(&String::from_utf8_lossy(&text)),
            symbol_table(kernel).unwrap_or_default(),
        ))
    }

    pub(super) fn new(file: PathBuf, mut placements: Vec<Placement>, symbols: Vec<u8>) -> Self {
        placements.sort_by_key(|placement| placement.address);
        Self {
            file,
            placements,
            symbols,
        }
    }

    /// What of LLVM's part is in its pages: everything but variables that start as zeros.
    pub fn llvm(&self) -> impl Iterator<Item = &Placement> {
        self.placements
            .iter()
            .filter(|placement| placement.home == Home::Llvm && placement.kind != Kind::Bss)
    }

    /// The functions of LLVM's part, by address. Of several names for one address one counts.
    pub fn llvm_functions(&self) -> Vec<Function<'_>> {
        let code: Vec<&Placement> = self
            .llvm()
            .filter(|placement| placement.kind == Kind::Text)
            .collect();
        let symbols = SymbolTable::open(&self.symbols).unwrap_or(SymbolTable::EMPTY);
        let functions = symbols.iter().filter_map(|symbol| {
            let address = u64::from(symbol.address);
            let behind = code.partition_point(|placement| placement.address <= address);
            let placement = code[behind.checked_sub(1)?];
            placement.addresses().contains(&address).then(|| Function {
                address,
                bytes: u64::from(symbol.end - symbol.address),
                name: symbol.name,
                library: &placement.library,
            })
        });
        functions.collect()
    }
}

/// Where the linker puts the map of an exported kernel.
fn map_beside(kernel: &Path) -> PathBuf {
    let mut path = kernel.as_os_str().to_owned();
    path.push(".map");
    path.into()
}
