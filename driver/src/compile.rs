//! From a source file to bitcode, or to what else clang makes of it.

use std::ffi::OsString;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{DriverError, Result};
use crate::flags::{
    Headers, IR_FLAGS, Language, OptimizationLevel, StandardHeaders, target_arguments,
};

/// What clang makes of a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Bitcode.
    Bitcode,
    /// The text of IR.
    IrText,
    /// Messages.
    Messages,
    /// Preprocessed text, or dependencies.
    Text,
}

/// Files that are compiled alike.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// clang.
    pub clang: PathBuf,
    /// Whether it is called as the compiler of C++, for which C is C++ too.
    pub driver: Language,
    /// The target's headers.
    pub headers: Headers,
    /// Whether they are searched.
    pub standard_headers: StandardHeaders,
    /// The user's flags.
    pub flags: Vec<OsString>,
    /// The user's level of optimisation.
    pub level: OptimizationLevel,
}

/// What is compiled.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A source file.
    Text {
        /// Where it is; `-` is the standard input.
        path: &'a Path,
        /// What flags it gets.
        language: Language,
        /// What `-x` says it is.
        named: Option<&'a str>,
    },
    /// The text of IR.
    Ir(&'a Path),
}

impl Compiler {
    /// clang's arguments.
    #[must_use]
    pub fn arguments(
        &self,
        source: Source,
        product: Product,
        output: Option<&Path>,
    ) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        if stderr().is_terminal() {
            // It is not clang that writes its messages to the terminal.
            arguments.push("-fdiagnostics-color=always".into());
        }
        if self.driver == Language::Cxx {
            arguments.push("--driver-mode=g++".into());
        }
        let (path, language, named) = match source {
            Source::Text {
                path,
                language,
                named,
            } => (path, language, named),
            Source::Ir(path) => {
                arguments
                    .extend(["-Qunused-arguments", "-Wno-override-module"].map(OsString::from));
                (path, Language::C, Some("ir"))
            }
        };
        arguments.extend(target_arguments(
            &self.headers,
            language,
            self.level,
            self.standard_headers,
            &self.flags,
        ));
        let stop: &[&str] = match product {
            Product::Bitcode => &["-c"],
            Product::IrText => &["-S"],
            Product::Messages => &["-fsyntax-only"],
            Product::Text => &["-E"],
        };
        if matches!(product, Product::Bitcode | Product::IrText) {
            arguments.extend(IR_FLAGS.iter().map(OsString::from));
        }
        arguments.extend(stop.iter().map(OsString::from));
        if let Some(path) = output {
            arguments.extend(["-o".into(), path.into()]);
        }
        if let Some(name) = named {
            arguments.extend(["-x".into(), name.into()]);
        }
        arguments.push(path.into());
        arguments
    }

    /// Compiles, and returns clang's warnings.
    ///
    /// # Errors
    /// [`DriverError::Tool`] with clang's messages.
    pub fn compile(
        &self,
        source: Source,
        product: Product,
        output: Option<&Path>,
    ) -> Result<String> {
        let mut command = Command::new(&self.clang);
        command
            .args(self.arguments(source, product, output))
            .stdout(Stdio::inherit());
        let result = run(&mut command)?;
        let messages = String::from_utf8_lossy(&result.stderr).into_owned();
        if result.status.success() {
            return Ok(messages);
        }
        if messages.contains("No space left on device") {
            return Err(DriverError::DiskFull(messages));
        }
        if self.is_refused(source) {
            return Err(DriverError::Usage(messages.trim_end().to_owned()));
        }
        Err(DriverError::Tool(messages))
    }

    /// Whether it is the command line that clang does not take.
    fn is_refused(&self, source: Source) -> bool {
        let mut command = Command::new(&self.clang);
        command
            .arg("-###")
            .args(self.arguments(source, Product::Bitcode, None));
        run(&mut command).is_ok_and(|result| !result.status.success())
    }

    /// Checks flags that nothing is compiled with.
    ///
    /// # Errors
    /// [`DriverError::Usage`] with clang's messages.
    pub fn check_flags(&self) -> Result<()> {
        let source = Source::Text {
            path: Path::new("/dev/null"),
            language: Language::C,
            named: Some("c"),
        };
        let mut command = Command::new(&self.clang);
        command
            .arg("-###")
            .args(self.arguments(source, Product::Bitcode, None));
        let result = run(&mut command)?;
        if result.status.success() {
            return Ok(());
        }
        let messages = String::from_utf8_lossy(&result.stderr);
        let errors: Vec<&str> = messages
            .lines()
            .filter(|line| line.contains("error: "))
            .collect();
        Err(DriverError::Usage(errors.join("\n")))
    }
}

/// Runs a tool to its end and keeps what it says.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    command
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|source| DriverError::Start {
            tool: command.get_program().into(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiler(driver: Language) -> Compiler {
        Compiler {
            clang: "/usr/bin/false".into(),
            driver,
            headers: Headers::default(),
            standard_headers: StandardHeaders::Searched,
            flags: vec!["-DX".into()],
            level: OptimizationLevel::Speed,
        }
    }

    #[test]
    fn objects_are_bitcode_that_no_pass_has_seen() {
        let source = Source::Text {
            path: Path::new("a.c"),
            language: Language::C,
            named: None,
        };
        let arguments =
            compiler(Language::C).arguments(source, Product::Bitcode, Some(Path::new("a.o")));
        let text = arguments
            .iter()
            .map(|argument| argument.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            text.ends_with("-Xclang -disable-llvm-passes -emit-llvm -c -o a.o a.c"),
            "{text}"
        );
        let text = compiler(Language::Cxx).arguments(source, Product::Text, None);
        assert!(!text.contains(&"-emit-llvm".into()));
        assert!(text.contains(&"--driver-mode=g++".into()));
    }

    #[test]
    fn a_compiler_that_is_not_there_is_named() {
        let missing = Compiler {
            clang: "/nowhere/clang".into(),
            ..compiler(Language::C)
        };
        let error = missing
            .compile(Source::Ir(Path::new("a.ll")), Product::Bitcode, None)
            .unwrap_err();
        assert!(error.to_string().contains("/nowhere/clang"));
        assert_eq!(error.exit_code(), 101);
    }
}
