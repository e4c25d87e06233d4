//! Compiles MIR and the shim before it, freestanding, against the headers of an LLVM distribution.
//!
//! `BAREFLOW_MIR` names the folder of MIR's sources, and `BAREFLOW_DIST` the distribution's. Without them nothing is
//! compiled, which is all that checking, linting and testing the Rust code needs.

use std::env;
use std::path::{Path, PathBuf};

use bareflow_llvm_config::query::Distribution;

/// What of MIR is left out: its text and binary forms, its interpreter, its dumps. Nobody keeps clear of the stack
/// below its pointer, where interrupts go.
const WITHOUT: [&str; 5] = [
    "MIR_NO_IO",
    "MIR_NO_SCAN",
    "MIR_NO_INTERP",
    "MIR_NO_GEN_DEBUG",
    "MIR_NO_RED_ZONE_ABI",
];

fn main() {
    println!("cargo::rerun-if-env-changed=BAREFLOW_MIR");
    println!("cargo::rerun-if-env-changed=BAREFLOW_DIST");
    println!("cargo::rerun-if-env-changed=BAREFLOW_CLANGXX");
    println!("cargo::rerun-if-changed=c");
    let folders =
        ["BAREFLOW_MIR", "BAREFLOW_DIST"].map(|name| env::var_os(name).map(PathBuf::from));
    let [Some(mir), Some(distribution)] = folders else {
        return;
    };
    let flags = flags_of(&distribution);
    let build = |source: PathBuf, is_generator: bool| {
        let mut build = cc::Build::new();
        build
            .compiler(env::var_os("BAREFLOW_CLANGXX").unwrap_or_else(|| "clang++".into()))
            .no_default_flags(true)
            .cargo_metadata(true)
            .warnings(false)
            // The sources are C, whatever the driver is.
            .flag("-xc")
            .flags(&flags)
            .flag("-std=gnu11")
            .flag("-fsigned-char")
            .flag("-Os")
            .flag("-w")
            .define("NDEBUG", None)
            .include(&mir)
            .file(&source);
        for name in WITHOUT {
            build.define(name, "1");
        }
        if is_generator {
            build.define("BAREFLOW_MIR_GENERATOR", None);
        }
        build
    };
    let freestanding = |build: &mut cc::Build| {
        build.flag("-include").flag("c/freestanding.h");
    };
    let mut core = build(mir.join("mir.c"), false);
    freestanding(&mut core);
    let mut generator = build(mir.join("mir-gen.c"), true);
    freestanding(&mut generator);
    // The linker looks for a library in those before it no more.
    build("c/shim.c".into(), false).compile("bareflow_mir_shim");
    generator.compile("bareflow_mir_generator");
    core.compile("bareflow_mir");
}

/// What the distribution says that C++ is compiled with, without what is C++ alone.
fn flags_of(distribution: &Path) -> Vec<String> {
    let distribution = Distribution::open(distribution.to_owned())
        .unwrap_or_else(|error| panic!("BAREFLOW_DIST: {error}"));
    let mut flags = Vec::new();
    let mut all = distribution.cxx_flags().into_iter();
    while let Some(flag) = all.next() {
        let folder = match flag.as_str() {
            "-isystem" => all.next().expect("a folder follows"),
            "-fno-exceptions" | "-fno-rtti" | "-nostdinc++" | "-std=c++17" => continue,
            _ => match flag.strip_prefix("-I") {
                Some(folder) => folder.to_owned(),
                None => {
                    flags.push(flag);
                    continue;
                }
            },
        };
        if !folder.ends_with("include/bareflow/cxx") && !folder.ends_with("include/c++/v1") {
            flags.extend(["-isystem".to_owned(), folder]);
        }
    }
    flags
}
