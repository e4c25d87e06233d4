//! Binds `llvm_baremetal.h`, and compiles its implementation against an LLVM distribution.
//!
//! `BAREFLOW_DIST` names the distribution's folder. Without it only the bindings are made, which is
//! all that checking and linting the Rust code needs. `BAREFLOW_SDK` names the folder of the SDK, whose C library as
//! bitcode the engine inlines into programs.

use std::env;
use std::path::{Path, PathBuf};

use bareflow_llvm_config::query::Distribution;
use bareflow_targets::Target;
use bareflow_tier_policy::{Counting, TABLE};

fn main() {
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-env-changed=BAREFLOW_DIST");
    println!("cargo::rerun-if-env-changed=BAREFLOW_SDK");
    println!("cargo::rerun-if-env-changed=BAREFLOW_CLANGXX");
    println!("cargo::rerun-if-changed=include");
    println!("cargo::rerun-if-changed=cpp");

    let architecture = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    let target = Target::of_architecture(&architecture)
        .unwrap_or_else(|| panic!("{architecture} is not in the table of targets"));

    bind(target, &output);
    let library = output.join("libc.bc");
    if let Some(distribution) = env::var_os("BAREFLOW_DIST") {
        let distribution = Path::new(&distribution);
        compile(target, distribution);
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

fn bind(target: &Target, output: &Path) {
    bindgen::Builder::default()
        .header("include/llvm_baremetal.h")
        .use_core()
        .clang_arg(format!("--target={}", target.triple))
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

/// What C++ is to know of the tables of levels and targets, for `cpp/codegen/levels.h` and `cpp/arch/arch.h`. Definitions,
/// as a folder of generated headers would have a path of its own in each build, which compiler caches take for other input.
fn definitions(target: &Target) -> [(&'static str, String); 5] {
    [
        ("BAREFLOW_LEVELS", levels()),
        ("BAREFLOW_TRIPLE", quoted(target.triple)),
        ("BAREFLOW_BASELINE", quoted(target.baseline)),
        ("BAREFLOW_STUB_BYTES", target.stubs.stub_bytes.to_string()),
        ("BAREFLOW_ENTRY_BYTES", target.stubs.entry_bytes.to_string()),
    ]
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// The table of levels: a `LEVEL(...)` for each.
fn levels() -> String {
    let rows: Vec<String> = TABLE
        .iter()
        .map(|row| {
            let can = row.capabilities;
            let capabilities: Vec<&str> = [
                ("COUNTS", can.counts != Counting::Nothing),
                ("COUNTS_FLAT_LOOPS", can.counts == Counting::Everything),
                ("NOTES", can.notes),
                ("OPTIMISES", can.optimises),
                ("INLINES", can.inlines),
                ("FOR_PROCESSOR", can.for_processor),
                ("MAY_REFUSE", can.may_refuse),
            ]
            .iter()
            .filter_map(|(name, has)| has.then_some(*name))
            .collect();
            format!(
                "LEVEL({}, {}, {}, LLVM_LEVEL_{})",
                quoted(row.name),
                quoted(row.generator.name()),
                row.optimisation,
                capabilities.join(" | LLVM_LEVEL_")
            )
        })
        .collect();
    rows.join(" ")
}

/// The folders of C++ sources: the architecture's own, and each code generator's.
fn source_folders(target: &Target) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["cpp", "cpp/codegen", "cpp/interpreter", "cpp/tiered"]
        .map(PathBuf::from)
        .into();
    folders.push(Path::new("cpp/arch").join(target.architecture));
    for row in &TABLE {
        let folder = Path::new("cpp/codegen").join(row.generator.name());
        // Others are given to the sessions.
        if folder.is_dir() && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

fn compile(target: &Target, distribution: &Path) {
    let mut files = Vec::new();
    for folder in source_folders(target) {
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
        .target(target.triple)
        .no_default_flags(true)
        .cpp_link_stdlib(None)
        .cargo_metadata(true)
        .warnings(true)
        .flag(format!("--target={}", target.triple))
        .flag("-Os")
        .flag("-Wno-unused-parameter")
        .flags(flags_of(distribution))
        // Class layouts depend on it: as the distribution was built.
        .define("NDEBUG", None);
    for (name, value) in definitions(target) {
        build.define(name, value.as_str());
    }
    build.files(files).compile("bareflow_engine_shim");
}

/// What the distribution says that sources which use it are compiled with: its own flags, its folders of headers in
/// their order, and definitions. Warnings about its headers are not for us.
fn flags_of(distribution: &Path) -> Vec<String> {
    let distribution = Distribution::open(distribution.to_owned())
        .unwrap_or_else(|error| panic!("BAREFLOW_DIST: {error}"));
    let flags = distribution.cxx_flags().into_iter();
    flags
        .flat_map(|flag| match flag.strip_prefix("-I") {
            Some(folder) => vec!["-isystem".to_owned(), folder.to_owned()],
            None => vec![flag],
        })
        .collect()
}
