//! Binds `llvm_baremetal.h`, and compiles its implementation against an LLVM distribution.
//!
//! `BAREFLOW_DIST` names the distribution's folder. Without it only the bindings are made, which is
//! all that checking and linting the Rust code needs. `BAREFLOW_SDK` names the folder of the SDK, whose C library as
//! bitcode the engine inlines into programs.

use std::env;
use std::path::{Path, PathBuf};

const TARGET: &str = "x86_64-unknown-none-elf";

/// What every object of the kernel is compiled with: the distribution's own flags.
const MACHINE_FLAGS: &[&str] = &[
    "-march=x86-64",
    "-mno-red-zone",
    "-mcmodel=small",
    "-fno-pic",
    "-fno-stack-protector",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-exceptions",
    "-fno-rtti",
    "-nostdlibinc",
    "-nostdinc++",
];

fn main() {
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-env-changed=BAREFLOW_DIST");
    println!("cargo::rerun-if-env-changed=BAREFLOW_SDK");
    println!("cargo::rerun-if-env-changed=BAREFLOW_CLANGXX");
    println!("cargo::rerun-if-changed=include");
    println!("cargo::rerun-if-changed=cpp");

    bind(&output);
    let library = output.join("libc.bc");
    if let Some(distribution) = env::var_os("BAREFLOW_DIST") {
        let distribution = Path::new(&distribution);
        compile(distribution);
        let sdk = env::var_os("BAREFLOW_SDK");
        std::fs::copy(
            sdk.as_deref()
                .map_or(distribution, Path::new)
                .join("lib/libc.bc"),
            library,
        )
        .expect("the SDK, or else the distribution, has the C library as bitcode");
    } else {
        std::fs::write(library, "").expect("OUT_DIR is writable");
    }
}

fn bind(output: &Path) {
    bindgen::Builder::default()
        .header("include/llvm_baremetal.h")
        .use_core()
        .clang_arg(format!("--target={TARGET}"))
        // The header needs no more of the C library than what the compiler itself has.
        .clang_arg("-ffreestanding")
        .allowlist_item("(llvm|LLVM)_.*")
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .layout_tests(false)
        .generate()
        .expect("bindgen reads include/llvm_baremetal.h (is libclang installed?)")
        .write_to_file(output.join("bindings.rs"))
        .expect("OUT_DIR is writable");
}

fn compile(distribution: &Path) {
    let mut files = Vec::new();
    for folder in ["cpp", "cpp/interpreter", "cpp/tiered"] {
        let entries = std::fs::read_dir(folder).expect("the package has its C++ sources");
        files.extend(
            entries
                .map(|entry| entry.expect("the folder is readable").path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "cpp")),
        );
    }
    // The archive's bytes must not depend on the order in which the folder lists its files.
    files.sort();

    let mut build = cc::Build::new();
    build
        .cpp(true)
        .compiler(env::var_os("BAREFLOW_CLANGXX").unwrap_or_else(|| "clang++".into()))
        .target(TARGET)
        .no_default_flags(true)
        .cpp_link_stdlib(None)
        .cargo_metadata(true)
        .warnings(true)
        .flag(format!("--target={TARGET}"))
        .flag("-std=c++17")
        .flag("-Os")
        .flag("-Wno-unused-parameter")
        .flags(MACHINE_FLAGS)
        // Class layouts depend on it: as the distribution was built.
        .define("NDEBUG", None)
        .define("__STDC_CONSTANT_MACROS", None)
        .define("__STDC_FORMAT_MACROS", None)
        .define("__STDC_LIMIT_MACROS", None);
    // In the order in which they complete one another.
    for folder in [
        "include/bareflow/cxx",
        "include/c++/v1",
        "include/bareflow/c",
        "include/bareflow/libc",
        "include",
    ] {
        build.flag("-isystem").flag(
            distribution
                .join(folder)
                .to_str()
                .expect("the path is UTF-8"),
        );
    }
    build.files(files).compile("bareflow_engine_shim");
}
