//! Builds the project in `cpp` with CMake, against the distribution that `BAREFLOW_DIST` names.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=BAREFLOW_DIST");
    println!("cargo::rerun-if-env-changed=BAREFLOW_CLANG_SUFFIX");
    println!("cargo::rerun-if-changed=cpp");
    let distribution = env::var_os("BAREFLOW_DIST").expect("BAREFLOW_DIST names the distribution");
    let distribution = Path::new(&distribution);
    // CMake keeps the flags of a toolchain file in its build tree: each distribution needs one of its own.
    let output = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let name = distribution.file_name().unwrap_or_default();
    let built = cmake::Config::new("cpp")
        .out_dir(Path::new(&output).join(name))
        .generator("Ninja")
        .profile("Release")
        .define(
            "CMAKE_TOOLCHAIN_FILE",
            distribution.join("share/bareflow/toolchain.cmake"),
        )
        .define(
            "BAREFLOW_CLANG_SUFFIX",
            env::var_os("BAREFLOW_CLANG_SUFFIX").unwrap_or_default(),
        )
        // The crate sets this variable in any case, so that the toolchain file's own flags would not count.
        .define("CMAKE_CXX_FLAGS", flags(distribution))
        .build();
    println!("cargo::rustc-link-search=native={}/lib", built.display());
    println!("cargo::rustc-link-lib=static=squares");
}

/// What the distribution says that C++ which uses it is compiled with.
fn flags(distribution: &Path) -> String {
    let output = Command::new(distribution.join("bin/llvm-config"))
        .arg("--cxxflags")
        .output()
        .expect("the distribution has an llvm-config");
    let text = String::from_utf8(output.stdout).expect("the distribution's path is UTF-8");
    text.trim_end().to_owned()
}
