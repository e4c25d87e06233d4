//! Minimal kernels: they run what those with all of LLVM run, at every level of LLVM's.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use object::{Object, ObjectSymbol};

use bareflow_build::kernel::LEFT_OUT;
use bareflow_image::program::Tier;
use bareflow_targets::DEFAULT;

use super::cranelift::{check_examples, check_machine, profile_of};
use super::generators::Kernels;
use super::runner::{Check, Test};

/// Compiled as soon as anything is due, and then at each level in turn.
const IN_TURN: &[&str] = &["policy=counts", "calls=1,2,3,4", "iterations=1,2,3,4"];
/// Inline assembly, and the rest of what the other code generators refuse.
const PECULIAR: &str = include_str!("../fixtures/cranelift/refused.c");
/// A kernel that is minimal is smaller than this share of the full one, in percent.
const LARGEST_SHARE_PERCENT: u64 = 75;

/// The tests of minimal kernels.
pub fn tests(kernels: &Arc<Kernels>) -> Vec<Test> {
    let checks: [(&str, Check<Kernels>); 5] = [
        ("examples", |kernels| {
            check_examples(kernels, Tier::Auto, IN_TURN)
        }),
        ("machine", |kernels| check_machine(kernels, IN_TURN)),
        ("no_failures", check_no_failures),
        ("names", check_names),
        ("smaller", check_size),
    ];
    Test::of_checks("minimal", kernels, &checks)
}

/// A part that is missing would end a compilation, and the program would go on without its code.
fn check_no_failures(kernels: &Kernels) -> Result<(), String> {
    let profile = profile_of(kernels.hosted()?, PECULIAR, IN_TURN)?;
    let mut failures = profile.functions.iter().flat_map(|one| &one.failures);
    match failures.next() {
        Some(failure) => Err(failure.reason.clone()),
        None => Ok(()),
    }
}

/// LLVM has all that is left out, by these names.
fn check_names(kernels: &Kernels) -> Result<(), String> {
    let context = &kernels.plain().context;
    let folder = context.root.join("kernel/engine/cpp/arch");
    let script = fs::read_to_string(folder.join(DEFAULT.architecture).join(LEFT_OUT))
        .map_err(|error| error.to_string())?;
    let kernel = fs::read(kernels.plain().hosted_kernel()?).map_err(|error| error.to_string())?;
    let kernel = object::File::parse(&*kernel).map_err(|error| error.to_string())?;
    let known: BTreeSet<&str> = kernel
        .symbols()
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    let named = script.lines().filter_map(|line| line.split_once(" = "));
    let (mut count, mut unknown) = (0, Vec::new());
    for (name, _) in named {
        count += 1;
        if !known.contains(name) {
            unknown.push(name);
        }
    }
    match unknown.is_empty() && count > 0 {
        true => Ok(()),
        false => Err(format!("of {count} names, LLVM does not have {unknown:?}")),
    }
}

fn check_size(kernels: &Kernels) -> Result<(), String> {
    let bytes = |path: &Path| fs::metadata(path).map_err(|error| error.to_string());
    let full = bytes(&kernels.plain().hosted_kernel()?)?.len();
    let minimal = bytes(&kernels.hosted()?.hosted_kernel()?)?.len();
    match minimal * 100 <= full * LARGEST_SHARE_PERCENT {
        true => Ok(()),
        false => Err(format!("{minimal} bytes beside {full}")),
    }
}
