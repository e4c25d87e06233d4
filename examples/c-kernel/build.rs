//! Compiles the part in C against the distribution that `BAREFLOW_DIST` names.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-env-changed=BAREFLOW_DIST");
    println!("cargo::rerun-if-changed=src/kernel.c");
    let distribution = env::var_os("BAREFLOW_DIST").expect("BAREFLOW_DIST names the distribution");
    let include = Path::new(&distribution).join("include/bareflow");
    cc::Build::new()
        .compiler(env::var_os("CC").unwrap_or_else(|| "clang".into()))
        .target("x86_64-unknown-none-elf")
        .no_default_flags(true)
        .flag("--target=x86_64-unknown-none-elf")
        .flag("-O2")
        .flag("-std=c17")
        .flag("-Wall")
        .flag("-Wextra")
        .flag("-mno-red-zone")
        .flag("-fno-pic")
        .flag("-nostdlibinc")
        .flag("-fno-asynchronous-unwind-tables")
        .include("../../kernel/engine/include")
        .flag("-isystem")
        .flag(include.join("c").to_str().expect("the path is UTF-8"))
        .flag("-isystem")
        .flag(include.join("libc").to_str().expect("the path is UTF-8"))
        .file("src/kernel.c")
        .compile("c_kernel_in_c");
}
