//! A whole program, for an image without LLVM.

use alloc::string::{String, ToString};

use bareflow_lir::{Function, Refused, Translated, Translation};

use crate::llvm::{Module, Value};
use crate::{Refusal, RefusalKind, Symbols, function, is_defined};

/// Translates each function that the bitcode defines and `accepts` says nothing against. Variables stay with whoever has
/// made the bitcode, and so do the functions that are refused.
///
/// `None` if it is no bitcode.
///
/// # Safety
/// LLVM's constructors have run, and LLVM's verifier has accepted the module.
#[must_use]
pub unsafe fn translate_program(
    bitcode: &[u8],
    mut accepts: impl FnMut(&Function) -> Result<(), String>,
) -> Option<Translation> {
    // SAFETY: as the caller says.
    let module = unsafe { Module::read(bitcode) }?;
    let layout = module.layout();
    let wanted = module.wanted_definitions();
    let mut symbols = Symbols::default();
    let mut translation = Translation::default();
    for defined in module.functions().filter(is_defined) {
        let mut translate = || {
            if wanted.contains(&defined) {
                return Err(by_another_name(defined).to_string());
            }
            let translated = function::translate(defined, layout, &mut symbols);
            let translated = translated.map_err(|refusal| refusal.to_string())?;
            accepts(&translated).map(|()| translated)
        };
        match translate() {
            Ok(function) => translation.functions.push(Translated {
                symbol: function.symbol,
                bytes: function.encode(),
            }),
            Err(reason) => translation.refused.push(Refused {
                name: defined.name().into(),
                reason,
            }),
        }
    }
    translation.symbols = symbols.module.symbols;
    Some(translation)
}

fn by_another_name(function: Value) -> Refusal {
    Refusal {
        function: function.name().into(),
        kind: RefusalKind::Data,
        what: "an alias or an ifunc of it".into(),
    }
}
