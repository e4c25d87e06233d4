//! Programs: from the files named on the command line to the bundle that a kernel runs.
//!
//! A program is one or more `.c`, `.ll` or `.bc` files. C is compiled to bitcode for the target by a
//! clang that LLVM 18 can read; IR is passed through as it is, so that the kernel, which must check it
//! anyway, is the only judge of it.

mod compiler;
mod forgetting;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use bareflow_bundle::{ARGUMENT, Builder, MODULE, PROFILE, SECRET, SETTING, SNAPSHOT, TIER};

use bareflow_tiers::Config;

pub use compiler::ProgramCompiler;
pub use forgetting::forgetting;

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// No file was named.
    #[error("no program was named; name one or more .c, .ll or .bc files")]
    Empty,
    /// A file of a kind that is not known.
    #[error("{path}: not a program; a program is made of .c, .ll and .bc files")]
    UnknownKind {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The compiler cannot be started.
    #[error("cannot start {compiler}: {source}; `cargo xtask doctor` says how to install it")]
    NoCompiler {
        /// The compiler.
        compiler: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The compiler refused the file. It has said why on stderr.
    #[error("{path} does not compile; the command was:\n  {command}\n{output}")]
    Compile {
        /// The source file.
        path: PathBuf,
        /// The command line.
        command: String,
        /// What the compiler said.
        output: String,
    },
    /// Two files that would have the same name in the kernel.
    #[error("both {first} and {second} are called '{name}'; rename one of them")]
    SameName {
        /// The first file.
        first: PathBuf,
        /// The second file.
        second: PathBuf,
        /// What both are called.
        name: String,
    },
}

/// How a program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Tier {
    /// Every function and every loop in the tier that it has earned
    #[default]
    #[value(name = "auto")]
    Auto,
    /// LLVM's interpreter
    #[value(name = "interpreter")]
    Interpreter,
    /// Native code, not optimised
    #[value(name = "O0")]
    O0,
    /// Native code, optimised lightly
    #[value(name = "O1")]
    O1,
    /// Native code, optimised
    #[value(name = "O2")]
    O2,
    /// Native code, optimised most
    #[value(name = "O3")]
    O3,
}

impl Tier {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Auto,
        Self::Interpreter,
        Self::O0,
        Self::O1,
        Self::O2,
        Self::O3,
    ];

    /// Its name on the command line and in bundles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Interpreter => "interpreter",
            Self::O0 => "O0",
            Self::O1 => "O1",
            Self::O2 => "O2",
            Self::O3 => "O3",
        }
    }
}

/// One part of a program, as the kernel gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The file it came from, without folders.
    pub name: String,
    /// Bitcode or assembly text.
    pub bytes: Vec<u8>,
}

/// A program, ready for any kernel and tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The name of the first file without its extension: what the program sees as `argv[0]`.
    pub name: String,
    /// In the order of the command line.
    pub modules: Vec<Module>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Source,
    Ir,
}

fn kind_of(path: &Path) -> Option<FileKind> {
    match path.extension().and_then(OsStr::to_str) {
        Some("c") => Some(FileKind::Source),
        Some("ll" | "bc") => Some(FileKind::Ir),
        _ => None,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// What goes with the automatic tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TierOptions {
    /// Settings, such as `calls=10,100,1000,10000`.
    pub settings: Vec<String>,
    /// Whether a profile is wanted.
    pub profile: bool,
    /// Whether a snapshot is wanted at the end.
    pub snapshot: bool,
    /// The secret of snapshots.
    pub secret: Option<[u8; 32]>,
}

impl TierOptions {
    /// Checks that they go with `tier` and are well formed.
    ///
    /// # Errors
    /// What is wrong with the first that is not right.
    pub fn check(&self, tier: Tier) -> Result<(), String> {
        if tier != Tier::Auto && *self != Self::default() {
            return Err(format!(
                "--set, --profile, --snapshot and --secret go with the automatic tiers; --tier {} has none",
                tier.name()
            ));
        }
        let mut config = Config::AUTOMATIC;
        for setting in &self.settings {
            config
                .set(setting)
                .map_err(|error| format!("--set {setting}: {error}"))?;
        }
        Ok(())
    }
}

impl Program {
    /// Reads and compiles `files`.
    ///
    /// # Errors
    /// [`ProgramError`] says which file and why.
    pub fn build(files: &[PathBuf], compiler: &ProgramCompiler) -> Result<Self, ProgramError> {
        let first = files.first().ok_or(ProgramError::Empty)?;
        let mut modules: Vec<Module> = Vec::with_capacity(files.len());
        for path in files {
            let kind =
                kind_of(path).ok_or_else(|| ProgramError::UnknownKind { path: path.clone() })?;
            let name = file_name(path);
            if let Some(index) = modules.iter().position(|module| module.name == name) {
                let first = files[index].clone();
                return Err(ProgramError::SameName {
                    first,
                    second: path.clone(),
                    name,
                });
            }
            let bytes = match kind {
                FileKind::Source => compiler.compile(path)?,
                FileKind::Ir => fs::read(path).map_err(|source| ProgramError::Read {
                    path: path.clone(),
                    source,
                })?,
            };
            modules.push(Module { name, bytes });
        }
        let name = first
            .file_stem()
            .unwrap_or(first.as_os_str())
            .to_string_lossy()
            .into_owned();
        Ok(Self { name, modules })
    }

    /// The bundle that runs this program with `arguments` at `tier`.
    pub fn bundle(&self, arguments: &[String], tier: Tier) -> Vec<u8> {
        self.bundle_with(arguments, tier, &TierOptions::default())
    }

    /// As [`Program::bundle`], with options, which have been checked.
    pub fn bundle_with(&self, arguments: &[String], tier: Tier, options: &TierOptions) -> Vec<u8> {
        let mut builder = Builder::default();
        if tier != Tier::Auto {
            builder.add(TIER, tier.name().as_bytes());
        }
        for setting in &options.settings {
            builder.add(SETTING, setting.as_bytes());
        }
        if options.profile {
            builder.add(PROFILE, b"");
        }
        if options.snapshot {
            builder.add(SNAPSHOT, b"");
        }
        if let Some(secret) = &options.secret {
            builder.add(SECRET, secret);
        }
        builder.add(ARGUMENT, self.name.as_bytes());
        for argument in arguments {
            builder.add(ARGUMENT, argument.as_bytes());
        }
        for module in &self.modules {
            builder.add(&format!("{MODULE}{}", module.name), &module.bytes);
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bareflow_bundle::Bundle;

    fn compiler() -> ProgramCompiler {
        ProgramCompiler::new(
            "/usr/bin/false".into(),
            Path::new("/nowhere"),
            Path::new("/nowhere"),
        )
    }

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn ir_passes_through_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            write(folder.path(), "one.ll", "not even IR"),
            write(folder.path(), "two.bc", "BC"),
        ];
        let program = Program::build(&files, &compiler()).unwrap();
        assert_eq!(program.name, "one");
        assert_eq!(program.modules[0].bytes, b"not even IR");

        let bytes = program.bundle(&["a".into(), String::new()], Tier::O2);
        let bundle = Bundle::open(&bytes).unwrap();
        let entries: Vec<(&str, &[u8])> = bundle
            .entries()
            .map(|entry| (entry.name, entry.contents))
            .collect();
        assert_eq!(
            entries,
            [
                ("tier", &b"O2"[..]),
                ("argument", b"one"),
                ("argument", b"a"),
                ("argument", b""),
                ("module/one.ll", b"not even IR"),
                ("module/two.bc", b"BC"),
            ]
        );
    }

    #[test]
    fn settings_go_with_automatic_tiers_alone() {
        let options = |setting: &str| TierOptions {
            settings: vec![setting.to_owned()],
            profile: true,
            ..TierOptions::default()
        };
        let good = options("calls=1,2,3,4");
        good.check(Tier::Auto).unwrap();
        assert!(good.check(Tier::O2).unwrap_err().contains("--tier O2"));
        let error = options("calls=-1,2,3,4").check(Tier::Auto).unwrap_err();
        assert!(error.contains("whole number"), "{error}");

        let program = Program {
            name: "p".into(),
            modules: Vec::new(),
        };
        let bytes = program.bundle_with(&[], Tier::Auto, &good);
        let bundle = Bundle::open(&bytes).unwrap();
        let names: Vec<&str> = bundle.entries().map(|entry| entry.name).collect();
        assert_eq!(names, ["setting", "profile", "argument"]);
    }

    #[test]
    fn what_is_not_a_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = write(folder.path(), "notes.txt", "");
        assert!(matches!(
            Program::build(&[], &compiler()),
            Err(ProgramError::Empty)
        ));
        assert!(matches!(
            Program::build(&[text], &compiler()),
            Err(ProgramError::UnknownKind { .. })
        ));
        let twice = [
            write(folder.path(), "a/same.ll", ""),
            write(folder.path(), "b/same.ll", ""),
        ];
        let error = Program::build(&twice, &compiler()).unwrap_err().to_string();
        assert!(
            error.contains("a/same.ll") && error.contains("b/same.ll"),
            "{error}"
        );
    }

    #[test]
    fn a_compile_error_names_file_and_command() {
        let folder = tempfile::tempdir().unwrap();
        let source = write(folder.path(), "x.c", "");
        let error = Program::build(&[source], &compiler())
            .unwrap_err()
            .to_string();
        assert!(error.contains("x.c does not compile"), "{error}");
        assert!(
            error.contains("/usr/bin/false --target=x86_64-unknown-none-elf"),
            "{error}"
        );
    }
}
