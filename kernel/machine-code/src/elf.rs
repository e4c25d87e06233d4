//! The ELF object.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use bareflow_lir::{Binding, Name};
use object::write::{Object, SectionId, StandardSection, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SymbolFlags, SymbolKind, SymbolScope,
    elf,
};

use crate::{ALIGNMENT, MachineCode, Relocation, RelocationKind, Target};

/// Why there is no object: what the crate `object` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectError(pub String);

impl fmt::Display for ObjectError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for ObjectError {}

struct ObjectFile<'a> {
    object: Object<'static>,
    text: SectionId,
    names: &'a [Name],
    /// Of those that this module alone knows, by their numbers.
    locals: BTreeMap<u32, SymbolId>,
    /// Linkers want one for each name, also if the module and the generator both have it.
    globals: BTreeMap<&'a str, SymbolId>,
}

/// An object with these functions, whose symbols have these names.
///
/// # Errors
/// [`ObjectError`].
pub fn object_file(names: &[Name], functions: &[MachineCode]) -> Result<Vec<u8>, ObjectError> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let text = object.section_id(StandardSection::Text);
    let mut file = ObjectFile {
        object,
        text,
        names,
        locals: BTreeMap::new(),
        globals: BTreeMap::new(),
    };
    for function in functions {
        file.add(function)?;
    }
    file.object
        .write()
        .map_err(|error| ObjectError(error.to_string()))
}

fn declare(object: &mut Object<'static>, name: &str, is_weak: bool) -> SymbolId {
    object.add_symbol(Symbol {
        name: name.as_bytes().into(),
        value: 0,
        size: 0,
        kind: SymbolKind::Unknown,
        scope: SymbolScope::Unknown,
        weak: is_weak,
        section: SymbolSection::Undefined,
        flags: SymbolFlags::None,
    })
}

impl<'a> ObjectFile<'a> {
    fn symbol(&mut self, symbol: u32) -> SymbolId {
        let names = self.names;
        let name = &names[symbol as usize];
        match name.binding {
            Binding::Local => {
                let object = &mut self.object;
                let declared = || declare(object, &name.name, false);
                *self.locals.entry(symbol).or_insert_with(declared)
            }
            Binding::Global => self.global(&name.name, false),
            Binding::Weak => self.global(&name.name, true),
        }
    }

    /// Weak if nobody needs it.
    fn global(&mut self, name: &'a str, is_weak: bool) -> SymbolId {
        let object = &mut self.object;
        let declared = || declare(object, name, is_weak);
        let id = *self.globals.entry(name).or_insert_with(declared);
        self.object.symbol_mut(id).weak &= is_weak;
        id
    }

    fn add(&mut self, function: &MachineCode) -> Result<(), ObjectError> {
        let alignment = ALIGNMENT.max(function.alignment).into();
        let start = self
            .object
            .append_section_data(self.text, &function.bytes, alignment);
        let id = self.symbol(function.symbol.0);
        let defined = self.object.symbol_mut(id);
        defined.value = start;
        defined.size = function.bytes.len() as u64;
        defined.kind = SymbolKind::Text;
        defined.section = SymbolSection::Section(self.text);
        defined.scope = match self.names[function.symbol.0 as usize].binding {
            Binding::Local => SymbolScope::Compilation,
            Binding::Global | Binding::Weak => SymbolScope::Dynamic,
        };
        for relocation in &function.relocations {
            self.relocate(start, relocation, id)?;
        }
        Ok(())
    }

    fn relocate(
        &mut self,
        start: u64,
        relocation: &Relocation,
        own: SymbolId,
    ) -> Result<(), ObjectError> {
        let (symbol, behind) = match relocation.target {
            Target::Symbol(symbol) => (self.symbol(symbol.0), 0),
            Target::Library(name) => (self.global(name, false), 0),
            Target::Own(offset) => (own, offset),
        };
        let kind = match relocation.kind {
            RelocationKind::Absolute64 => elf::R_X86_64_64,
            RelocationKind::Call32 => elf::R_X86_64_PLT32,
            RelocationKind::Relative32 => elf::R_X86_64_PC32,
        };
        let relocation = object::write::Relocation {
            offset: start + u64::from(relocation.offset),
            symbol,
            addend: relocation.addend + i64::from(behind),
            flags: RelocationFlags::Elf { r_type: kind },
        };
        self.object
            .add_relocation(self.text, relocation)
            .map_err(|error| ObjectError(error.to_string()))
    }
}
