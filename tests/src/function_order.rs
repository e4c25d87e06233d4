//! The order of LLVM's functions in the machine's kernel: that the file still fits LLVM, and that the linker follows it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use object::{Object, ObjectSymbol, SymbolKind};

use super::runner::{Outcome, Test};
use super::subject::Subject;
use bareflow_build::kernel::FUNCTION_ORDER;

/// Where the linker may order LLVM's functions.
const START: &str = "__llvm_essential_text_end";
const END: &str = "__llvm_text_end";
/// Another clang makes other local functions: some names may be missing.
const KNOWN_PERCENT: usize = 90;
/// How much room the functions may take, with what lies between them, in percent of their sizes.
const ROOM_PERCENT: u64 = 110;

/// The test of the order.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let subject = Arc::clone(subject);
    vec![Test::new("distribution::function_order", move || {
        Outcome::from(check(&subject))
    })]
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn check(subject: &Subject) -> Result<(), String> {
    let order = fs::read_to_string(subject.context.root.join(FUNCTION_ORDER)).map_err(text)?;
    let wanted: BTreeSet<&str> = order.lines().collect();
    let data = fs::read(subject.machine_kernel()?).map_err(text)?;
    let file = object::File::parse(&*data).map_err(text)?;
    let address = |name: &str| {
        let symbol = file.symbol_by_name(name);
        symbol
            .map(|symbol| symbol.address())
            .ok_or_else(|| format!("the kernel has no symbol {name}"))
    };
    let place = address(START)?..address(END)?;
    let mut found = BTreeSet::new();
    let mut sizes = BTreeMap::new();
    for symbol in file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text)
    {
        let Some(name) = symbol.name().ok().and_then(|name| wanted.get(name)) else {
            continue;
        };
        found.insert(*name);
        if place.contains(&symbol.address()) {
            sizes.insert(symbol.address(), symbol.size());
        }
    }
    if found.len() * 100 < wanted.len() * KNOWN_PERCENT {
        return Err(format!(
            "the kernel has {} of the {} functions; `cargo xtask order` renews the file",
            found.len(),
            wanted.len()
        ));
    }
    let end = sizes
        .last_key_value()
        .map_or(0, |(start, size)| start + size);
    let room = end.saturating_sub(place.start);
    let bytes: u64 = sizes.values().sum();
    if room * 100 > bytes * ROOM_PERCENT {
        return Err(format!(
            "{bytes} bytes of functions take the first {room} bytes: they are not in order"
        ));
    }
    Ok(())
}
