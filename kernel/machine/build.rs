//! Writes what the assembler files take from the crates that say how the disk and the host are spoken to.

use std::env;
use std::path::PathBuf;

use bareflow_boot_layout::assembler;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(folder.join(assembler::FILE_NAME), assembler::definitions())
        .expect("OUT_DIR is writable");
}
