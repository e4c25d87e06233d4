//! Collects the names that kernels provide to programs: those in the `exported!` tables of the runtime.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const RUNTIME: &str = "../cxx-runtime/src";
const TABLE: &str = "\nexported! {";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={RUNTIME}");
    println!("cargo::rerun-if-changed=build.rs");
    let mut names = BTreeSet::new();
    collect(Path::new(RUNTIME), &mut names)?;
    let output =
        PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("kernel_symbols.txt");
    let names: Vec<String> = names.into_iter().collect();
    fs::write(output, names.join("\n"))
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for table in fs::read_to_string(&path)?.split(TABLE).skip(1) {
                let table = table.split('}').next().unwrap_or_default();
                // The table has a name of its own, with a colon.
                let words = table
                    .split_ascii_whitespace()
                    .filter(|word| !word.ends_with(':'));
                names.extend(words.map(str::to_owned));
            }
        }
    }
    Ok(())
}
