//! From a source file to bitcode, or to what else clang makes of it.

use std::ffi::OsString;
use std::fs;
use std::io::{IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use bareflow_protocol::exit_code::{BUILD_FAILED, DISK_FULL, USAGE};

use crate::assembly;
use crate::command_line::{Commands, Input};
use crate::error::{DriverError, Result, reading, system};
use crate::exceptions;
use crate::flags::{
    Headers, IR_FLAGS, Language, OptimizationLevel, StandardHeaders, target_arguments,
};
use crate::input::{InputKind, kind_of};

/// Whether a command that was shown is also run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It is.
    Before,
    /// It is not.
    Instead,
}

impl Commands {
    /// Shows `command` on stderr, if commands are shown.
    pub(crate) fn show(self, command: &Command) -> Shown {
        if self != Self::Run {
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            let words: Vec<String> = words
                .map(|word| format!("{:?}", word.to_string_lossy()))
                .collect();
            eprintln!(" {}", words.join(" "));
        }
        match self {
            Self::Run | Self::ShowAndRun => Shown::Before,
            Self::Show => Shown::Instead,
        }
    }
}

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
    /// Whether commands are shown.
    pub commands: Commands,
    /// Where clang runs, if not where the driver does.
    pub folder: Option<PathBuf>,
}

/// What is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Assembly.
    Assembly {
        /// Where it is.
        path: &'a Path,
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
            Source::Assembly { path, named } => {
                arguments.push("-Qunused-arguments".into());
                (path, Language::C, named)
            }
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
            Product::IrText if matches!(source, Source::Assembly { .. }) => &["-c"],
            Product::IrText => &["-S"],
            Product::Messages => &["-fsyntax-only"],
            Product::Text => &["-E"],
        };
        let is_assembly = matches!(source, Source::Assembly { .. });
        if matches!(product, Product::Bitcode | Product::IrText) && !is_assembly {
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

    /// A path as clang sees it.
    #[must_use]
    pub fn in_folder(&self, path: &Path) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.join(path),
            None => path.into(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.clang);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
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
        match (source, product) {
            (Source::Assembly { path, .. }, Product::Bitcode | Product::IrText) => {
                self.assemble(source, path, product, output)
            }
            _ => self.run_clang(source, product, output),
        }
    }

    /// Has clang make an object of assembly, and a module with what is in the object.
    fn assemble(
        &self,
        source: Source,
        path: &Path,
        product: Product,
        output: Option<&Path>,
    ) -> Result<String> {
        let scratch = tempfile::Builder::new()
            .prefix("bareflow-cc-")
            .tempdir()
            .map_err(system("cannot make a temporary folder".to_owned()))?;
        let object = scratch.path().join("object");
        let messages = self.run_clang(source, product, Some(&object))?;
        if self.commands == Commands::Show {
            return Ok(messages);
        }
        let bytes = fs::read(&object).map_err(reading(&object))?;
        let module = assembly::module_of(&bytes)
            .map_err(|reason| DriverError::Input(format!("{}: {reason}", path.display())))?;
        let text = scratch.path().join("module.ll");
        fs::write(&text, module).map_err(system(format!("cannot write {}", text.display())))?;
        // What the user says of the source is about clang's assembler.
        let plain = Self {
            flags: Vec::new(),
            ..self.clone()
        };
        Ok(messages + &plain.run_clang(Source::Ir(&text), product, output)?)
    }

    fn run_clang(&self, source: Source, product: Product, output: Option<&Path>) -> Result<String> {
        let mut command = self.command();
        command
            .args(self.arguments(source, product, output))
            .stdout(Stdio::inherit());
        if self.commands.show(&command) == Shown::Instead {
            return Ok(String::new());
        }
        let result = run(&mut command)?;
        let text = exceptions::said_once(&String::from_utf8_lossy(&result.stderr)).into_owned();
        if result.status.success() {
            return Ok(text);
        }
        let exit_code = if is_disk_full(&text) {
            DISK_FULL
        } else if self.is_refused(source) {
            USAGE
        } else {
            BUILD_FAILED
        };
        Err(DriverError::Tool { text, exit_code })
    }

    /// Compiles files, some at the same time. What clang says of them goes to stderr, in their order.
    ///
    /// # Errors
    /// [`DriverError::NotCompiled`], when all have been tried.
    pub fn compile_all(&self, jobs: &[Job], parallel: usize) -> Result<()> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Relaxed);
                let Some(job) = jobs.get(index) else {
                    return done;
                };
                done.push((index, job.run(self)));
            }
        };
        let mut results: Vec<(usize, Result<String>)> = thread::scope(|scope| {
            let workers: Vec<_> = (1..parallel.min(jobs.len()))
                .map(|_| scope.spawn(work))
                .collect();
            let mut results = work();
            for worker in workers {
                results.extend(worker.join().expect("compiling does not panic"));
            }
            results
        });
        results.sort_by_key(|(index, _)| *index);
        let mut failed = Vec::new();
        let mut first_code = None;
        for (index, result) in results {
            let text = match result {
                Ok(text) => text,
                Err(DriverError::Tool { text, exit_code }) => {
                    failed.push(jobs[index].source.path().to_owned());
                    first_code.get_or_insert(exit_code);
                    text
                }
                Err(error) => return Err(error),
            };
            // There is nobody to tell that stderr is gone.
            let _ = stderr().write_all(text.as_bytes());
        }
        match first_code {
            Some(exit_code) => Err(DriverError::NotCompiled {
                files: failed,
                exit_code,
            }),
            None => Ok(()),
        }
    }

    /// Whether it is the command line that clang does not take.
    fn is_refused(&self, source: Source) -> bool {
        let mut command = self.command();
        command
            .arg("-###")
            .args(self.arguments(source, Product::Bitcode, None));
        run(&mut command).is_ok_and(|result| !result.status.success())
    }

    /// Checks flags that nothing is compiled with.
    ///
    /// # Errors
    /// [`DriverError::Tool`] with clang's messages.
    pub fn check_flags(&self) -> Result<()> {
        let source = Source::Text {
            path: Path::new("/dev/null"),
            language: Language::C,
            named: Some("c"),
        };
        let mut command = self.command();
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
        Err(DriverError::Tool {
            text: errors.join("\n"),
            exit_code: USAGE,
        })
    }
}

impl<'a> Source<'a> {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &'a Path {
        match self {
            Self::Text { path, .. } | Self::Assembly { path, .. } | Self::Ir(path) => path,
        }
    }

    /// Of an input that is compiled.
    #[must_use]
    pub fn of(input: &'a Input, driver: Language) -> Option<Self> {
        match kind_of(input, driver) {
            InputKind::Source(language) => Some(Self::Text {
                path: &input.path,
                language,
                named: input.language.as_deref(),
            }),
            InputKind::IrText => Some(Self::Ir(&input.path)),
            InputKind::Assembler => Some(Self::Assembly {
                path: &input.path,
                named: input.language.as_deref().or_else(|| {
                    // clang does not know this name.
                    let is_asm = input.path.extension().is_some_and(|name| name == "asm");
                    is_asm.then_some("assembler")
                }),
            }),
            InputKind::Linked => None,
        }
    }
}

/// One compilation.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// What is compiled.
    pub source: Source<'a>,
    /// To what.
    pub product: Product,
    /// Where to.
    pub output: Option<PathBuf>,
    /// Flags of this one.
    pub flags: Vec<OsString>,
}

impl Job<'_> {
    fn run(&self, compiler: &Compiler) -> Result<String> {
        let output = self.output.as_deref();
        if self.flags.is_empty() {
            return compiler.compile(self.source, self.product, output);
        }
        let mut compiler = compiler.clone();
        compiler.flags.extend_from_slice(&self.flags);
        compiler.compile(self.source, self.product, output)
    }
}

/// Whether a tool failed since the disk is full.
pub(crate) fn is_disk_full(messages: &str) -> bool {
    messages.contains("No space left on device")
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
            commands: Commands::Run,
            folder: None,
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
