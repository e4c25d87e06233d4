//! The code generators besides LLVM's.

use alloc::vec::Vec;

use bareflow_tier_policy::LevelSet;

use crate::bindings::llvm_generator_t;

/// Those that the levels name and this kernel has.
#[cfg(not(feature = "generators"))]
pub(crate) fn of(_levels: &LevelSet) -> Vec<llvm_generator_t> {
    Vec::new()
}

#[cfg(feature = "generators")]
pub(crate) fn of(levels: &LevelSet) -> Vec<llvm_generator_t> {
    use bareflow_tier_policy::Generator;

    let is_named = |generator| {
        let mut named = levels.iter().map(|level| level.row().generator);
        named.any(|one| one == generator)
    };
    let all = [
        (Generator::Cranelift, interface::of::<cranelift::Opened>()),
        (Generator::Mir, interface::of::<mir::Opened>()),
        (Generator::Qbe, interface::of::<qbe::Opened>()),
    ];
    let named = all
        .into_iter()
        .filter(|(generator, _)| is_named(*generator));
    named.map(|(_, functions)| functions).collect()
}

#[cfg(feature = "generators")]
mod cranelift;
#[cfg(feature = "generators")]
mod interface;
#[cfg(feature = "generators")]
mod mir;
#[cfg(feature = "generators")]
mod qbe;
