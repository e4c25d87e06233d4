//! The order of LLVM's functions in the machine's kernel: those that run come first, so that they share pages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use object::{Object, ObjectSymbol, SymbolKind};

use crate::size::functions_that_run;
use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::shell::shell;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::disk::ImageFile;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, Tier};
use bareflow_run::qemu::Writes;

const IMAGE_SIZE_BYTES: u64 = 128 << 20;
/// The first starts without a snapshot, the second goes on from one.
const BOOTS: usize = 2;

/// Boots the programs, and returns the names of LLVM's functions that ran, as the linker knows them: first those that
/// most programs made run. The programs are numbered, and `progress` gets the number of each that begins.
///
/// # Errors
/// That a program cannot be built or booted.
pub fn learn(
    context: &Context,
    programs: &[PathBuf],
    mut progress: impl FnMut(usize),
) -> Result<Vec<String>> {
    let kernel = context
        .kernel_builder()
        .build(KernelKind::Machine, LlvmExtent::Full)?;
    let folder = TemporaryFolder::new("order")?;
    let image = folder.path().join("disk.img");
    let mut ran: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    for (number, path) in programs.iter().enumerate() {
        progress(number);
        let program = Program::build(std::slice::from_ref(path), &context.program_compiler())?;
        let bundle = program.bundle(&[], Tier::Auto);
        context.write_image(&kernel, &bundle, IMAGE_SIZE_BYTES, &image)?;
        for _ in 0..BOOTS {
            let functions = functions_that_run(&ImageFile::open(&image)?, context, Writes::Kept)?;
            for address in functions {
                ran.entry(address).or_default().insert(number);
            }
        }
    }
    let names = names_of(&kernel)?;
    let ran = ran.into_iter().filter_map(|(address, programs)| {
        let name = names.get(&address)?;
        Some((name.clone(), programs))
    });
    Ok(in_order(ran.collect()))
}

/// First what most programs have in common, then what the same programs have, by name: an order that does not depend on
/// where the functions are now.
fn in_order(mut functions: Vec<(String, BTreeSet<usize>)>) -> Vec<String> {
    functions.sort_by(|(name, programs), (other_name, other_programs)| {
        let by_count = other_programs.len().cmp(&programs.len());
        by_count
            .then_with(|| programs.cmp(other_programs))
            .then_with(|| name.cmp(other_name))
    });
    functions.into_iter().map(|(name, _)| name).collect()
}

/// Functions by address. Of several names of one address the first in the alphabet stays: the linker needs one.
fn names_of(kernel: &Path) -> Result<BTreeMap<u64, String>> {
    let data = shell()?.read_binary_file(kernel)?;
    let file = object::File::parse(&*data)
        .map_err(|error| Error::build(format!("{}: {error}", kernel.display())))?;
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    for symbol in file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text)
    {
        let Ok(name) = symbol.name() else {
            continue;
        };
        let known = names.entry(symbol.address()).or_insert_with(|| name.into());
        if name < known.as_str() {
            *known = name.into();
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_programs_have_in_common_comes_first() {
        let functions = [
            ("of_one", &[1][..]),
            ("of_all_b", &[0, 1, 2]),
            ("of_two_of_them_z", &[0, 1]),
            ("of_two_others", &[1, 2]),
            ("of_two_of_them_a", &[0, 1]),
            ("of_all_a", &[0, 1, 2]),
        ];
        let functions =
            functions.map(|(name, programs)| (name.to_owned(), programs.iter().copied().collect()));
        assert_eq!(
            in_order(functions.to_vec()),
            [
                "of_all_a",
                "of_all_b",
                "of_two_of_them_a",
                "of_two_of_them_z",
                "of_two_others",
                "of_one"
            ]
        );
    }
}
