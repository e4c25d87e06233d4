//! Compiles QBE.
//!
//! `BAREFLOW_QBE` names the folder of its sources. Without it there is no QBE, as is enough for checking and linting.
//! `BAREFLOW_DIST` names the folder of the distribution whose C library it is compiled for; without it, QBE is compiled for
//! the host's tests.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use bareflow_targets::Target;

/// QBE's own files that are compiled as they are, and those that files of `c` include.
const SOURCES: &[&str] = &[
    "abi.c",
    "alias.c",
    "cfg.c",
    "copy.c",
    "fold.c",
    "live.c",
    "load.c",
    "main.c",
    "mem.c",
    "rega.c",
    "simpl.c",
    "amd64/emit.c",
    "amd64/isel.c",
    "amd64/sysv.c",
    "amd64/targ.c",
];
const INCLUDED: &[&str] = &[
    "emit.c",
    "parse.c",
    "spill.c",
    "ssa.c",
    "util.c",
    "ops.h",
    "amd64/all.h",
];
/// Those of `c`.
const OURS: &[&str] = &[
    "kept_spill.c",
    "reset_emit.c",
    "reset_parse.c",
    "reset_ssa.c",
    "reset_util.c",
    "run.c",
];

fn main() {
    for variable in ["BAREFLOW_QBE", "BAREFLOW_DIST", "BAREFLOW_CLANGXX"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=c");
    println!("cargo::rustc-check-cfg=cfg(has_qbe)");
    let Some(sources) = env::var_os("BAREFLOW_QBE") else {
        return;
    };
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let folder = output.join("sources");
    lay_out(Path::new(&sources), &folder);
    compile(&folder);
    println!("cargo::rustc-cfg=has_qbe");
}

/// QBE's sources, with our headers in the places of two of them.
fn lay_out(sources: &Path, folder: &Path) {
    fs::create_dir_all(folder.join("amd64")).expect("OUT_DIR is writable");
    let copy = |from: &Path, to: &str| {
        fs::copy(from, folder.join(to))
            .unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    };
    for name in SOURCES.iter().chain(INCLUDED) {
        copy(&sources.join(name), name);
    }
    copy(&sources.join("all.h"), "original.h");
    for name in ["all.h", "config.h"] {
        copy(&Path::new("c/replaced").join(name), name);
    }
}

fn compile(folder: &Path) {
    let mut build = cc::Build::new();
    if let Some(distribution) = env::var_os("BAREFLOW_DIST") {
        for_kernels(&mut build, Path::new(&distribution));
    }
    build
        .warnings(false)
        .flag("-std=c11")
        .flag("-w")
        .opt_level(2)
        .include("c/include")
        .include("c")
        .include(folder)
        .define("main", "bareflow_qbe_main")
        .files(SOURCES.iter().map(|name| folder.join(name)))
        .files(OURS.iter().map(|name| Path::new("c").join(name)))
        .compile("bareflow_qbe");
}

fn for_kernels(build: &mut cc::Build, distribution: &Path) {
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    let target = Target::of_architecture(&architecture)
        .unwrap_or_else(|| panic!("{architecture} is not in the table of targets"));
    build
        .compiler(env::var_os("BAREFLOW_CLANGXX").unwrap_or_else(|| "clang++".into()))
        .target(target.triple)
        .no_default_flags(true)
        .flag("-Os")
        .flag("-fno-strict-aliasing")
        .flag("-xc")
        .flag(format!("--target={}", target.triple))
        .flag("-nostdlibinc");
    for flag in target.code_flags {
        build.flag(flag);
    }
    for name in ["c", "libc"] {
        let headers = distribution.join("include/bareflow").join(name);
        build.flag("-isystem").flag(headers);
    }
}
