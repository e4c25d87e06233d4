//! C to bitcode for the target.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::ProgramError;
use crate::shell;

/// The clang that compiles programs, and the headers it uses.
#[derive(Clone, Debug)]
pub struct ProgramCompiler {
    clang: PathBuf,
    headers: Vec<PathBuf>,
}

/// What the kernels' programs are compiled for.
const TARGET_FLAGS: &[&str] = &[
    "--target=x86_64-unknown-none-elf",
    "-O2",
    "-mno-red-zone",
    "-mcmodel=small",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    // Frames of programs are not walked.
    "-fomit-frame-pointer",
    // A fused multiplication and addition rounds once: results would depend on the processor.
    "-ffp-contract=off",
    "-nostdlibinc",
];

/// The IR is not optimised yet, but may be: the kernel's tiers do it.
const IR_FLAGS: &[&str] = &["-Xclang", "-disable-llvm-passes", "-emit-llvm"];

impl ProgramCompiler {
    /// Of the compiler's path and the folders of the SDK and of the distribution.
    pub fn new(clang: PathBuf, sdk: &Path, distribution: &Path) -> Self {
        let ours = distribution.join("include/bareflow");
        Self {
            clang,
            headers: vec![
                sdk.join("include/program"),
                ours.join("c"),
                ours.join("libc"),
            ],
        }
    }

    /// What code for the kernels is compiled with, at `-O2`, whatever is made of it.
    pub fn target_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = TARGET_FLAGS.iter().map(OsString::from).collect();
        for folder in &self.headers {
            arguments.extend(["-isystem".into(), folder.into()]);
        }
        arguments
    }

    fn arguments(&self, source: &Path) -> Vec<OsString> {
        let mut arguments = self.target_arguments();
        arguments.extend(IR_FLAGS.iter().map(OsString::from));
        arguments.extend(["-c", "-o", "-"].map(OsString::from));
        arguments.push(source.into());
        arguments
    }

    /// Compiles one file to bitcode. Warnings go to stderr.
    ///
    /// # Errors
    /// [`ProgramError::NoCompiler`] and [`ProgramError::Compile`].
    pub fn compile(&self, source: &Path) -> Result<Vec<u8>, ProgramError> {
        let arguments = self.arguments(source);
        let mut command = Command::new(&self.clang);
        let output =
            command
                .args(&arguments)
                .output()
                .map_err(|error| ProgramError::NoCompiler {
                    compiler: self.clang.clone(),
                    source: error,
                })?;
        let messages = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(ProgramError::Compile {
                path: source.to_path_buf(),
                command: shell::display(&command),
                output: messages.into_owned(),
            });
        }
        eprint!("{messages}");
        Ok(output.stdout)
    }
}
