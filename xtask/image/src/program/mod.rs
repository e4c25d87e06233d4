//! Programs: from the files named on the command line to the bundle that a kernel runs.
//!
//! A program is made of C, C++, IR, objects and archives of bitcode. What is compiled is compiled for the target by
//! a clang that LLVM 18 can read; IR is passed through as it is, so that the kernel, which must check it anyway, is
//! the only judge of it. What only a linker can put together is linked.

mod build;
mod compiler;
mod config;
mod files;
mod memory;
mod without_snapshots;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bareflow_bundle::{
    ARGUMENT, Builder, ENVIRONMENT, FILE, HOST_FILE, MODULE, PROFILE, SECRET, SETTING, SNAPSHOT,
    TIER,
};

use bareflow_driver::DriverError;
use bareflow_protocol::exit_code;
use bareflow_tier_policy::{Config, Level, LevelSet};

pub use build::Sources;
pub use compiler::ProgramCompiler;
pub use config::{CONFIG_FILE, ConfigError, ProjectConfig};
pub use files::{ProgramFile, Transfer, merge};
pub use memory::Memory;
pub use without_snapshots::without_snapshots;

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// No file was named.
    #[error(
        "no program was named; name its files: .c .cc .cpp .cxx .o .a .bc .ll, or a folder with a bareflow.toml"
    )]
    Empty,
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file was named twice.
    #[error("{path} is named twice")]
    Twice {
        /// The file.
        path: PathBuf,
    },
    /// There is no temporary folder.
    #[error("cannot make a temporary folder: {0}")]
    TemporaryFolder(std::io::Error),
    /// It cannot be compiled or linked.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

impl ProgramError {
    /// The exit code of the command that failed this way.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Driver(error) => error.exit_code(),
            Self::Empty | Self::Read { .. } | Self::Twice { .. } | Self::TemporaryFolder(_) => {
                exit_code::BUILD_FAILED
            }
        }
    }
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
    /// Native code by QBE; by LLVM what it refuses
    #[value(name = "QBE")]
    Qbe,
    /// Native code by Cranelift, not optimised; by LLVM what it refuses
    #[value(name = "C0")]
    C0,
    /// Native code by MIR; by LLVM what it refuses
    #[value(name = "MIR")]
    Mir,
    /// Native code by Cranelift, optimised; by LLVM what it refuses
    #[value(name = "C1")]
    C1,
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
    /// All that every kernel has.
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
            Self::Qbe => "QBE",
            Self::C0 => "C0",
            Self::Mir => "MIR",
            Self::C1 => "C1",
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
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// Its files: their names without the first slash, and what the bundle has of them.
    pub files: Vec<(String, Contents)>,
}

/// A file of a program, as the bundle has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Where it is on the host.
    Path(PathBuf),
}

fn read(path: &Path) -> Result<Vec<u8>, ProgramError> {
    fs::read(path).map_err(|source| ProgramError::Read {
        path: path.into(),
        source,
    })
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
                "--levels, --set, --profile, --snapshot and --secret go with the automatic tiers; --tier {} has none",
                tier.name()
            ));
        }
        self.config().map(drop)
    }

    fn config(&self) -> Result<Config, String> {
        let mut config = Config::AUTOMATIC;
        for setting in &self.settings {
            config
                .set(setting)
                .map_err(|error| match setting.strip_prefix("levels=") {
                    Some(levels) => format!("--levels {levels}: {error}"),
                    None => format!("--set {setting}: {error}"),
                })?;
        }
        Ok(config)
    }

    /// The levels at which there may be code of a program at `tier`.
    ///
    /// # Errors
    /// As [`TierOptions::check`].
    pub fn levels(&self, tier: Tier) -> Result<LevelSet, String> {
        match Level::from_name(tier.name()) {
            Some(level) => Ok(LevelSet::of(level)),
            None => Ok(self.config()?.levels),
        }
    }
}

impl Program {
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
        for (name, value) in &self.environment {
            builder.add(&format!("{ENVIRONMENT}{name}"), value.as_bytes());
        }
        for module in &self.modules {
            builder.add(&format!("{MODULE}{}", module.name), &module.bytes);
        }
        for (name, contents) in &self.files {
            match contents {
                Contents::Bytes(bytes) => builder.add(&format!("{FILE}{name}"), bytes),
                Contents::Path(path) => builder.add(
                    &format!("{HOST_FILE}{name}"),
                    path.as_os_str().as_encoded_bytes(),
                ),
            };
        }
        builder.finish()
    }

    /// Gives the program these files.
    ///
    /// # Errors
    /// That one cannot be read.
    pub fn add_files(
        &mut self,
        files: Vec<ProgramFile>,
        transfer: Transfer,
    ) -> Result<(), ProgramError> {
        for file in files {
            let contents = match transfer {
                Transfer::Embedded => Contents::Bytes(read(&file.path)?),
                Transfer::ByPath => Contents::Path(file.path),
            };
            self.files.push((file.name, contents));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bareflow_bundle::Bundle;
    use bareflow_driver::toolchain::Toolchain;

    fn compiler() -> ProgramCompiler {
        let nothing = PathBuf::from("/usr/bin/false");
        let toolchain = Toolchain {
            version: 16,
            clang: nothing.clone(),
            lld: nothing.clone(),
            link: nothing.clone(),
            ar: nothing.clone(),
            ranlib: nothing.clone(),
            nm: nothing,
        };
        ProgramCompiler::new(toolchain, Path::new("/nowhere"))
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
            environment: BTreeMap::from([("A".into(), "b".into())]),
            files: Vec::new(),
        };
        let bytes = program.bundle_with(&[], Tier::Auto, &good);
        let bundle = Bundle::open(&bytes).unwrap();
        let names: Vec<&str> = bundle.entries().map(|entry| entry.name).collect();
        assert_eq!(names, ["setting", "profile", "argument", "environment/A"]);
    }

    #[test]
    fn what_is_not_a_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = write(folder.path(), "notes.txt", "");
        assert!(matches!(
            Program::build(&[], &compiler()),
            Err(ProgramError::Empty)
        ));
        let error = Program::build(&[text], &compiler()).unwrap_err();
        assert!(error.to_string().contains("notes.txt: neither"), "{error}");
        let missing = Program::build(&["nowhere.c".into()], &compiler()).unwrap_err();
        assert_eq!(missing.to_string(), "nowhere.c: there is no such file");
    }

    #[test]
    fn files_of_one_name_are_told_apart_by_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            write(folder.path(), "a/same.ll", "1"),
            write(folder.path(), "b/same.ll", "2"),
        ];
        let program = Program::build(&files, &compiler()).unwrap();
        assert_eq!(program.modules[0].name, "same.ll");
        assert!(program.modules[1].name.ends_with("b/same.ll"));

        let twice = [files[0].clone(), files[1].clone(), files[1].clone()];
        let error = Program::build(&twice, &compiler()).unwrap_err();
        assert!(
            error.to_string().contains("b/same.ll is named twice"),
            "{error}"
        );
    }

    #[test]
    fn all_files_that_do_not_compile_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            write(folder.path(), "x.c", ""),
            write(folder.path(), "y.c", ""),
        ];
        let error = Program::build(&files, &compiler()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("x.c") && text.ends_with("y.c do not compile"),
            "{text}"
        );
        assert!(!text.contains("--target"), "{text}");
    }
}
