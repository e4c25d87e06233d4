//! Tells the build automation which Rust compiler it is built with: keys of packages have it, and need not ask at each start.

use std::env;
use std::process::Command;

fn main() {
    // Cargo runs this anew when the compiler changes.
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = env::var_os("RUSTC").expect("cargo sets it");
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .expect("the compiler runs");
    let text = String::from_utf8(output.stdout).expect("versions are UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    println!("cargo::rustc-env=BAREFLOW_RUSTC={}", lines.join("; "));
}
