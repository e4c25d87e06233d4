//! The ELF object.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use bareflow_lir::{Binding, Name, Symbol};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::{ExternalName, Function, LibCall};
use cranelift_codegen::{CompiledCode, FinalizedMachReloc, FinalizedRelocTarget};
use object::write::{Object, Relocation, SectionId, StandardSection, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SymbolFlags, SymbolKind, SymbolScope,
    elf,
};

use crate::function::VARIADIC;
use crate::{Error, variadic};

/// What functions start at.
const ALIGNMENT: u64 = 16;
/// A distance of 32 bits is measured from behind it.
const BEHIND: i64 = -4;

pub(crate) struct ObjectFile<'a> {
    object: Object<'static>,
    text: SectionId,
    names: &'a [Name],
    symbols: BTreeMap<u32, SymbolId>,
    stubs: BTreeMap<u32, SymbolId>,
    library: BTreeMap<&'static str, SymbolId>,
}

impl<'a> ObjectFile<'a> {
    pub(crate) fn new(names: &'a [Name]) -> Self {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let text = object.section_id(StandardSection::Text);
        Self {
            object,
            text,
            names,
            symbols: BTreeMap::new(),
            stubs: BTreeMap::new(),
            library: BTreeMap::new(),
        }
    }

    fn declare(
        object: &mut Object<'static>,
        name: &[u8],
        kind: SymbolKind,
        is_weak: bool,
    ) -> SymbolId {
        object.add_symbol(object::write::Symbol {
            name: name.into(),
            value: 0,
            size: 0,
            kind,
            scope: SymbolScope::Unknown,
            weak: is_weak,
            section: SymbolSection::Undefined,
            flags: SymbolFlags::None,
        })
    }

    fn symbol(&mut self, symbol: u32) -> SymbolId {
        let name = &self.names[symbol as usize];
        *self.symbols.entry(symbol).or_insert_with(|| {
            let is_weak = name.binding == Binding::Weak;
            Self::declare(
                &mut self.object,
                name.name.as_bytes(),
                SymbolKind::Unknown,
                is_weak,
            )
        })
    }

    fn stub(&mut self, symbol: u32) -> Result<SymbolId, Error> {
        if let Some(known) = self.stubs.get(&symbol) {
            return Ok(*known);
        }
        let target = self.symbol(symbol);
        let at = self
            .object
            .append_section_data(self.text, &variadic::STUB, ALIGNMENT);
        let name = format!("{}.variadic", self.names[symbol as usize].name);
        let stub = self.object.add_symbol(object::write::Symbol {
            name: name.into_bytes(),
            value: at,
            size: variadic::STUB.len() as u64,
            kind: SymbolKind::Text,
            scope: SymbolScope::Compilation,
            weak: false,
            section: SymbolSection::Section(self.text),
            flags: SymbolFlags::None,
        });
        self.relocate(at + variadic::DISTANCE, target, elf::R_X86_64_PLT32, BEHIND)?;
        self.stubs.insert(symbol, stub);
        Ok(stub)
    }

    fn library(&mut self, call: LibCall) -> Result<SymbolId, Error> {
        let name = match call {
            LibCall::CeilF32 => "ceilf",
            LibCall::CeilF64 => "ceil",
            LibCall::FloorF32 => "floorf",
            LibCall::FloorF64 => "floor",
            LibCall::TruncF32 => "truncf",
            LibCall::TruncF64 => "trunc",
            LibCall::NearestF32 => "nearbyintf",
            LibCall::NearestF64 => "nearbyint",
            LibCall::FmaF32 => "fmaf",
            LibCall::FmaF64 => "fma",
            LibCall::Memcpy => "memcpy",
            LibCall::Memset => "memset",
            LibCall::Memmove => "memmove",
            LibCall::Memcmp => "memcmp",
            other => return Err(Error::Refused(format!("the library's {other}"))),
        };
        let object = &mut self.object;
        let symbol = self
            .library
            .entry(name)
            .or_insert_with(|| Self::declare(object, name.as_bytes(), SymbolKind::Unknown, false));
        Ok(*symbol)
    }

    /// Adds the code of a function.
    pub(crate) fn add(
        &mut self,
        symbol: Symbol,
        code: &CompiledCode,
        function: &Function,
    ) -> Result<(), Error> {
        let alignment = ALIGNMENT.max(code.buffer.alignment.into());
        let bytes = code.code_buffer();
        let start = self.object.append_section_data(self.text, bytes, alignment);
        let id = self.symbol(symbol.0);
        let defined = self.object.symbol_mut(id);
        defined.value = start;
        defined.size = bytes.len() as u64;
        defined.kind = SymbolKind::Text;
        defined.section = SymbolSection::Section(self.text);
        defined.scope = match self.names[symbol.0 as usize].binding {
            Binding::Local => SymbolScope::Compilation,
            Binding::Global | Binding::Weak => SymbolScope::Dynamic,
        };
        for reloc in code.buffer.relocs() {
            self.add_relocation(start, reloc, function, id)?;
        }
        Ok(())
    }

    fn add_relocation(
        &mut self,
        start: u64,
        reloc: &FinalizedMachReloc,
        function: &Function,
        own: SymbolId,
    ) -> Result<(), Error> {
        let mut addend = reloc.addend;
        let target = match &reloc.target {
            FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
                let name = &function.params.user_named_funcs()[*name];
                match name.namespace {
                    VARIADIC => self.stub(name.index)?,
                    _ => self.symbol(name.index),
                }
            }
            FinalizedRelocTarget::ExternalName(ExternalName::LibCall(call)) => {
                self.library(*call)?
            }
            FinalizedRelocTarget::Func(offset) => {
                addend += i64::from(*offset);
                own
            }
            FinalizedRelocTarget::ExternalName(other) => {
                return Err(Error::Failed(format!("a name of no symbol: {other:?}")));
            }
        };
        let kind = match reloc.kind {
            Reloc::X86PCRel4 => elf::R_X86_64_PC32,
            Reloc::X86CallPCRel4 | Reloc::X86CallPLTRel4 => elf::R_X86_64_PLT32,
            Reloc::Abs8 => elf::R_X86_64_64,
            other => return Err(Error::Failed(format!("a relocation {other:?}"))),
        };
        self.relocate(start + u64::from(reloc.offset), target, kind, addend)
    }

    fn relocate(
        &mut self,
        offset: u64,
        symbol: SymbolId,
        kind: elf::RelocationType,
        addend: i64,
    ) -> Result<(), Error> {
        let relocation = Relocation {
            offset,
            symbol,
            addend,
            flags: RelocationFlags::Elf { r_type: kind },
        };
        self.object
            .add_relocation(self.text, relocation)
            .map_err(|error| Error::Failed(error.to_string()))
    }

    pub(crate) fn write(self) -> Result<Vec<u8>, Error> {
        self.object
            .write()
            .map_err(|error| Error::Failed(error.to_string()))
    }
}
