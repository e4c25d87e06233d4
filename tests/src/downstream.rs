//! Programs outside the workspace that stand on the distribution, as those of its users do.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::subject::Subject;
use bareflow_build::cargo::clean_cargo;
use bareflow_build::distribution;
use bareflow_build::llvm::Request;
use bareflow_targets::{DEFAULT, Target};

const TARGET: &str = DEFAULT.rust.target;

/// The crate `llvm-sys`, unmodified: it asks the shipped `llvm-config` for everything, and the program
/// that it is in runs.
pub fn check_llvm_sys(subject: &Subject) -> Result<(), String> {
    let executable = build(subject, "own-kernel", &[])?;
    let text = run(&executable)?;
    if text == "fib(20) = 6765\n" {
        Ok(())
    } else {
        Err(format!("examples/own-kernel printed {text:?}"))
    }
}

/// A program in C that checks what `llvm_baremetal.h` promises.
pub fn check_c_interface(subject: &Subject) -> Result<(), String> {
    let libraries = libraries(subject, "all")?;
    let text = run(&build(subject, "c-kernel", &words(&libraries))?)?;
    let kept = text.lines().filter(|line| line.starts_with("ok ")).count();
    if kept == 0 || text.contains("BROKEN") {
        return Err(text);
    }
    Ok(())
}

/// A project of CMake in C++, driven by the crate `cmake`.
pub fn check_cmake(subject: &Subject) -> Result<(), String> {
    let libraries = libraries(subject, "core")?;
    let text = run(&build(subject, "cmake-kernel", &words(&libraries))?)?;
    let expected =
        "define i32 @square(i32 %x) {\nentry:\n  %product = mul i32 %x, %x\n  ret i32 %product\n}";
    if text.trim() == expected {
        Ok(())
    } else {
        Err(format!("examples/cmake-kernel printed {text:?}"))
    }
}

/// The distribution as its users have it.
pub fn product(subject: &Subject) -> Result<PathBuf, String> {
    let context = &subject.context;
    distribution::provide(context.cache(), &context.tools, &Request::default())
        .map_err(|error| error.to_string())
}

/// The distribution for a target, where that takes no hour: for another target than the usual one, only from a cache.
pub fn product_for(subject: &Subject, target: &'static Target) -> Result<Option<PathBuf>, String> {
    if target == DEFAULT {
        return product(subject).map(Some);
    }
    let context = &subject.context;
    let request = Request {
        target,
        ..Request::default()
    };
    distribution::find(context.cache(), &context.tools, &request).map_err(|error| error.to_string())
}

/// Why tests of a target's distribution are not run.
pub fn is_in_no_cache(target: &Target) -> String {
    format!("no cache has the distribution for {}", target.triple)
}

/// The files of a component and of what it needs, as the shipped `llvm-config` names them.
fn libraries(subject: &Subject, component: &str) -> Result<String, String> {
    let config = Command::new(product(subject)?.join("bin/llvm-config"))
        .args(["--libfiles", component])
        .output();
    finish(config, &format!("llvm-config --libfiles {component}"))
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Builds the static library in `examples/NAME` and links it with `libraries` and the base.
fn build(subject: &Subject, name: &str, libraries: &[&str]) -> Result<PathBuf, String> {
    let context = &subject.context;
    let distribution = product(subject)?;
    let folder = context.root.join("examples").join(name);
    let target = context.root.join("target").join(name);
    let compiler = context
        .kernel_builder()
        .cached_compiler()
        .map_err(|error| error.to_string())?;
    let clang = context.tools.clang.file_name().and_then(OsStr::to_str);
    let suffix = clang.and_then(|name| name.strip_prefix("clang"));
    let suffix = suffix.ok_or("the name of clang does not begin with `clang`")?;
    let mut cargo = clean_cargo(&folder);
    if let Some(cache) = &context.kernel_builder().compiler_cache {
        cargo.envs(cache.variables());
    }
    let built = cargo
        .args(["build", "--locked", "--release", "--target", TARGET])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", "-Crelocation-model=static -Cpanic=abort")
        .env("LLVM_SYS_180_PREFIX", &distribution)
        .env("BAREFLOW_DIST", &distribution)
        .env("BAREFLOW_CLANGXX", compiler)
        .env("CC", &context.tools.clang)
        .env("BAREFLOW_CLANG_SUFFIX", suffix)
        .env("AR", &context.tools.ar)
        .output();
    finish(built, &format!("cargo build in examples/{name}"))?;

    let executable = subject.fresh_path(name);
    let lib = distribution.join("lib");
    let archive = format!("release/lib{}.a", name.replace('-', "_"));
    let linked = Command::new(&context.tools.lld)
        .args(["-static", "-nostdlib", "-z", "noexecstack", "--gc-sections"])
        .arg("-T")
        .arg(context.root.join("kernel/hosted/link.ld"))
        .arg("-o")
        .arg(&executable)
        .arg(target.join(TARGET).join(archive))
        .args(libraries)
        .arg(lib.join("libc++.a"))
        .args(context.kernel_builder().c_library())
        .output();
    finish(linked, &format!("linking examples/{name}"))?;
    Ok(executable)
}

fn run(executable: &PathBuf) -> Result<String, String> {
    finish(
        Command::new(executable).output(),
        &executable.display().to_string(),
    )
}

/// What a command printed, if it succeeded.
pub fn finish(result: io::Result<Output>, what: &str) -> Result<String, String> {
    let output = result.map_err(|error| format!("{what}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what}: {}\n{text}{errors}", output.status))
}
