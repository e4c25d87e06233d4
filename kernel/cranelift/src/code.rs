//! Cranelift's code, as others take it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use bareflow_lir::{self as lir, Symbol};
use bareflow_machine_code::{ALIGNMENT, MachineCode, Relocation, RelocationKind, Target};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::{ExternalName, Function, LibCall};
use cranelift_codegen::{CompiledCode, FinalizedMachReloc, FinalizedRelocTarget};

use crate::function::{VARIADIC, VARIADIC_ADDRESS};
use crate::{Error, variadic};

/// A distance of 32 bits is measured from behind it.
const BEHIND: i64 = -4;

struct Making {
    code: MachineCode,
    /// Where Cranelift's code starts, behind the stub of a variadic function.
    start: u32,
    /// Where the stubs are by which variadic functions are called: by name, and by address.
    stubs: BTreeMap<u32, u32>,
    stubs_by_address: BTreeMap<u32, u32>,
}

pub(crate) fn of(
    source: &lir::Function,
    compiled: &CompiledCode,
    function: &Function,
) -> Result<MachineCode, Error> {
    let alignment = ALIGNMENT.max(compiled.buffer.alignment);
    let mut bytes = match source.signature.is_variadic {
        true => variadic::entry(&source.signature, alignment as usize)?,
        false => Vec::new(),
    };
    let start = bytes.len() as u32;
    bytes.extend(compiled.code_buffer());
    let mut making = Making {
        code: MachineCode {
            symbol: source.symbol,
            bytes,
            alignment,
            relocations: Vec::new(),
        },
        start,
        stubs: BTreeMap::new(),
        stubs_by_address: BTreeMap::new(),
    };
    for reloc in compiled.buffer.relocs() {
        let relocation = making.relocation(reloc, function)?;
        making.code.relocations.push(relocation);
    }
    Ok(making.code)
}

fn library(call: LibCall) -> Result<&'static str, Error> {
    Ok(match call {
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
    })
}

impl Making {
    fn stub(&mut self, symbol: u32) -> u32 {
        if let Some(known) = self.stubs.get(&symbol) {
            return *known;
        }
        let at = self.code.bytes.len() as u32;
        self.code.bytes.extend(variadic::STUB);
        self.code.relocations.push(Relocation {
            offset: at + variadic::DISTANCE,
            kind: RelocationKind::Call32,
            target: Target::Symbol(Symbol(symbol)),
            addend: BEHIND,
        });
        self.stubs.insert(symbol, at);
        at
    }

    fn stub_by_address(&mut self, place: u32) -> u32 {
        let bytes = &mut self.code.bytes;
        *self.stubs_by_address.entry(place).or_insert_with(|| {
            let at = bytes.len() as u32;
            bytes.extend(variadic::stub_by_address(place));
            at
        })
    }

    fn relocation(
        &mut self,
        reloc: &FinalizedMachReloc,
        function: &Function,
    ) -> Result<Relocation, Error> {
        let target = match &reloc.target {
            FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
                let name = &function.params.user_named_funcs()[*name];
                match name.namespace {
                    VARIADIC => Target::Own(self.stub(name.index)),
                    VARIADIC_ADDRESS => Target::Own(self.stub_by_address(name.index)),
                    _ => Target::Symbol(Symbol(name.index)),
                }
            }
            FinalizedRelocTarget::ExternalName(ExternalName::LibCall(call)) => {
                Target::Library(library(*call)?)
            }
            FinalizedRelocTarget::Func(offset) => Target::Own(self.start + *offset),
            FinalizedRelocTarget::ExternalName(other) => {
                return Err(Error::Failed(format!("a name of no symbol: {other:?}")));
            }
        };
        let kind = match reloc.kind {
            Reloc::X86PCRel4 => RelocationKind::Relative32,
            Reloc::X86CallPCRel4 | Reloc::X86CallPLTRel4 => RelocationKind::Call32,
            Reloc::Abs8 => RelocationKind::Absolute64,
            other => return Err(Error::Failed(format!("a relocation {other:?}"))),
        };
        Ok(Relocation {
            offset: self.start + reloc.offset,
            kind,
            target,
            addend: reloc.addend,
        })
    }
}
