//! The crate `llvm-sys`, unmodified, against the distribution: it asks the shipped `llvm-config` for
//! everything, and the program that it is in runs.

use std::path::PathBuf;
use std::process::Command;

use super::cargo::clean_cargo;
use super::subject::Subject;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds `examples/own-kernel` and runs it.
pub fn check(subject: &Subject) -> Result<(), String> {
    let executable = build(subject)?;
    let output = Command::new(&executable)
        .output()
        .map_err(|error| format!("cannot start {}: {error}", executable.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && text == "fib(20) = 6765\n" {
        return Ok(());
    }
    Err(format!(
        "{} ended with {} and printed {text:?}\n{}",
        executable.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn build(subject: &Subject) -> Result<PathBuf, String> {
    let bench = &subject.bench;
    let folder = bench.root.join("examples/own-kernel");
    let target = bench.root.join("target/own-kernel");
    let built = clean_cargo(&folder)
        .args(["build", "--locked", "--release", "--target", TARGET])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", "-Crelocation-model=static -Cpanic=abort")
        .env("LLVM_SYS_180_PREFIX", &bench.distribution)
        .env("CC", &bench.tools.clang)
        .env("AR", &bench.tools.ar)
        .output();
    run_to_end(built, "cargo build in examples/own-kernel")?;

    let executable = subject.fresh_path("own-kernel");
    let lib = bench.distribution.join("lib");
    let linked = Command::new(&bench.tools.lld)
        .args(["-static", "-nostdlib", "-z", "noexecstack", "--gc-sections"])
        .arg("-T")
        .arg(bench.root.join("kernel/hosted/link.ld"))
        .arg("-o")
        .arg(&executable)
        .arg(target.join(TARGET).join("release/libown_kernel.a"))
        .args(["libc++.a", "libc.a", "libm.a"].map(|name| lib.join(name)))
        .output();
    run_to_end(linked, "linking examples/own-kernel")?;
    Ok(executable)
}

fn run_to_end(result: std::io::Result<std::process::Output>, what: &str) -> Result<(), String> {
    let output = result.map_err(|error| format!("{what}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(format!("{what}: {}\n{errors}", output.status))
    }
}
