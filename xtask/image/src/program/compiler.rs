//! The compiler of programs: the driver's, with the SDK.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use bareflow_driver::command_line::{CommandLine, Commands};
use bareflow_driver::compile::{Compiler, Product, Source};
use bareflow_driver::flags::{Language, OptimizationLevel, StandardHeaders, target_arguments};
use bareflow_driver::sdk::Sdk;
use bareflow_driver::toolchain::Toolchain;

use super::ProgramError;
use bareflow_build::temporary::TemporaryFolder;

/// The tools that make programs, the headers and the libraries.
#[derive(Clone, Debug)]
pub struct ProgramCompiler {
    pub(super) toolchain: Toolchain,
    pub(super) sdk: Sdk,
}

impl ProgramCompiler {
    /// Of the tools and the folder of the SDK.
    pub fn new(toolchain: Toolchain, sdk: &Path) -> Self {
        Self {
            toolchain,
            sdk: Sdk::at(sdk),
        }
    }

    /// clang.
    pub fn clang(&self) -> &Path {
        &self.toolchain.clang
    }

    /// The same with another clang.
    #[must_use]
    pub fn with_clang(&self, clang: PathBuf) -> Self {
        let mut other = self.clone();
        other.toolchain.clang = clang;
        other
    }

    /// What code for the kernels is compiled with, at `-O2`, whatever is made of it.
    pub fn target_arguments(&self) -> Vec<OsString> {
        target_arguments(
            &self.sdk.headers,
            Language::C,
            OptimizationLevel::Speed,
            StandardHeaders::Searched,
            &[],
        )
    }

    /// What compiles the files of a command line, in `folder` if there is one.
    pub(super) fn of_line(&self, line: &CommandLine, folder: Option<PathBuf>) -> Compiler {
        Compiler {
            clang: self.toolchain.clang.clone(),
            driver: Language::C,
            headers: self.sdk.headers.clone(),
            standard_headers: line.standard_headers,
            flags: line.compile_flags.clone(),
            level: line.level,
            commands: line.commands,
            folder,
        }
    }

    /// Compiles one file of C to bitcode. Warnings go to stderr.
    ///
    /// # Errors
    /// What clang said.
    pub fn compile(&self, path: &Path) -> Result<Vec<u8>, ProgramError> {
        let line = CommandLine {
            level: OptimizationLevel::Speed,
            commands: Commands::Run,
            ..CommandLine::default()
        };
        let folder = TemporaryFolder::new("compile").map_err(ProgramError::TemporaryFolder)?;
        let output = folder.path().join("object.bc");
        let source = Source::Text {
            path,
            language: Language::C,
            named: None,
        };
        let messages =
            self.of_line(&line, None)
                .compile(source, Product::Bitcode, Some(&output))?;
        eprint!("{messages}");
        super::read(&output)
    }
}
