//! The program of a command: its files and flags, or its `bareflow.toml`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use bareflow_driver::words;
use clap::Args;

use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{
    CONFIG_FILE, Memory, Program, ProgramError, ProgramFile, ProjectConfig, Sources,
};

/// What a program is made of.
#[derive(Args, Debug, Default)]
pub struct ProgramArgs {
    /// Define a macro, as clang's -D
    #[arg(short = 'D', value_name = "NAME[=VALUE]", help_heading = "Program")]
    define: Vec<String>,
    /// Search a folder for headers, as clang's -I
    #[arg(short = 'I', value_name = "FOLDER", help_heading = "Program")]
    include_folder: Vec<PathBuf>,
    /// Include a file before the source; -include is taken, too
    #[arg(long, value_name = "FILE", help_heading = "Program")]
    include: Vec<PathBuf>,
    /// Other flags of the compiler driver, in one word
    #[arg(
        long,
        value_name = "FLAGS",
        allow_hyphen_values = true,
        help_heading = "Program"
    )]
    cflags: Vec<String>,
    /// Search a folder for libraries
    #[arg(short = 'L', value_name = "FOLDER", help_heading = "Program")]
    library_folder: Vec<PathBuf>,
    /// Link a library: an archive of bitcode
    #[arg(short = 'l', value_name = "NAME", help_heading = "Program")]
    library: Vec<String>,
    /// Take the program from this bareflow.toml
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "program",
        help_heading = "Program"
    )]
    config: Option<PathBuf>,
    /// Show the commands that compile the program
    #[arg(long, help_heading = "Program")]
    verbose: bool,
    /// The program: .c .cc .cpp .cxx .o .a .bc .ll files, linked as one, or a folder with a bareflow.toml
    #[arg(value_name = "PROGRAM")]
    program: Vec<PathBuf>,
}

/// A program that is not built yet.
#[derive(Debug)]
pub struct Project {
    sources: Sources,
    /// The arguments that its `bareflow.toml` gives it.
    pub arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    /// The files that its `bareflow.toml` gives it.
    pub files: Vec<ProgramFile>,
}

impl ProgramArgs {
    /// Whether no program is named.
    pub fn is_empty(&self) -> bool {
        self.program.is_empty() && self.config.is_none()
    }

    /// The program's name: that of its first file, or of its folder.
    pub fn name(&self) -> String {
        let first = self.program.first().or(self.config.as_ref());
        let stem = first.and_then(|path| path.file_stem());
        stem.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Every file that is named: none of them may be written.
    ///
    /// # Errors
    /// As [`ProgramArgs::project`].
    pub fn inputs(&self) -> Result<Vec<PathBuf>> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let Project { sources, files, .. } = self.project()?;
        let folder = sources.folder.unwrap_or_default();
        let words = sources.words.iter().map(|word| folder.join(word));
        let files = files.into_iter().map(|file| file.path);
        Ok(words.chain(self.config_file()?).chain(files).collect())
    }

    /// What it is made of.
    ///
    /// # Errors
    /// [`Error::Usage`]: a `bareflow.toml` that cannot be used.
    pub fn project(&self) -> Result<Project> {
        let mut project = match self.config_file()? {
            Some(path) => {
                let wrong =
                    |error: bareflow_image::program::ConfigError| Error::usage(error.to_string());
                let config = ProjectConfig::read(&path).map_err(wrong)?;
                Project {
                    sources: config.sources(&path).map_err(wrong)?,
                    files: config.files(&path).map_err(wrong)?,
                    arguments: config.arguments,
                    environment: config.environment,
                }
            }
            None if self.program.is_empty() => {
                return Err(Error::usage(ProgramError::Empty.to_string()));
            }
            None => Project {
                sources: Sources::of_files(&self.program),
                arguments: Vec::new(),
                environment: BTreeMap::new(),
                files: Vec::new(),
            },
        };
        let mut words = self.flags()?;
        words.append(&mut project.sources.words);
        words.extend(
            self.library
                .iter()
                .map(|name| OsString::from(format!("-l{name}"))),
        );
        project.sources.words = words;
        Ok(project)
    }

    fn config_file(&self) -> Result<Option<PathBuf>> {
        if self.config.is_some() {
            return Ok(self.config.clone());
        }
        let [path] = self.program.as_slice() else {
            return Ok(None);
        };
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            return Ok(Some(path.clone()));
        }
        if !path.is_dir() {
            return Ok(None);
        }
        let config = path.join(CONFIG_FILE);
        if config.is_file() {
            return Ok(Some(config));
        }
        Err(Error::usage(format!(
            "{}: a folder without a {CONFIG_FILE}; name the files of the program",
            path.display()
        )))
    }

    fn flags(&self) -> Result<Vec<OsString>> {
        let mut flags: Vec<OsString> = Vec::new();
        for text in &self.cflags {
            let words = words::split(text).map_err(ProgramError::from)?;
            flags.extend(words.into_iter().map(OsString::from));
        }
        let mut add = |option: &str, value: OsString| flags.extend([option.into(), value]);
        for value in &self.define {
            add("-D", value.into());
        }
        // Those that a command line names are relative to where it was typed.
        for (option, paths) in [
            ("-I", &self.include_folder),
            ("-include", &self.include),
            ("-L", &self.library_folder),
        ] {
            for path in paths {
                add(option, std::path::absolute(path)?.into());
            }
        }
        if self.verbose {
            flags.push("-v".into());
        }
        Ok(flags)
    }
}

impl Project {
    /// Builds it, if it was not built before as it is now.
    ///
    /// # Errors
    /// What does not compile or link.
    pub fn build(&self, context: &Context) -> Result<Program> {
        let memory = Memory::of(context.cache());
        Ok(Program {
            environment: self.environment.clone(),
            ..memory.build(&self.sources, &context.program_compiler())?
        })
    }
}

/// The words of a command line with clang's `-include` spelt as options of several letters are here. What follows
/// `--` is the program's own.
pub fn with_long_include(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut is_own = true;
    words
        .into_iter()
        .map(|word| {
            is_own &= word != "--";
            if is_own && word == "-include" {
                return "--include".into();
            }
            word
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::fs;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        program: ProgramArgs,
    }

    fn parse(words: &[&str]) -> ProgramArgs {
        let words = with_long_include(words.iter().map(OsString::from));
        Cli::try_parse_from(words).unwrap().program
    }

    #[test]
    fn flags_are_clangs() {
        let args = parse(&[
            "x",
            "-DA=1",
            "-D",
            "B",
            "-I/inc",
            "-include",
            "/a.h",
            "--cflags",
            "-std=c99 '-DC=x y'",
            "-lm",
            "-L/lib",
            "a.c",
        ]);
        let project = args.project().unwrap();
        assert_eq!(
            project.sources.words,
            [
                "-std=c99", "-DC=x y", "-D", "A=1", "-D", "B", "-I", "/inc", "-include", "/a.h",
                "-L", "/lib", "a.c", "-lm"
            ]
        );
        assert_eq!(args.name(), "a");
    }

    #[test]
    fn a_folder_needs_a_file_that_describes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let error = parse(&["x", path]).project().unwrap_err();
        assert_eq!(error.exit_code(), 105);
        assert!(error.to_string().contains(CONFIG_FILE), "{error}");
        fs::write(folder.path().join("a.c"), "").unwrap();
        fs::write(
            folder.path().join(CONFIG_FILE),
            "sources = ['*.c']\narguments = ['1']",
        )
        .unwrap();
        let project = parse(&["x", path]).project().unwrap();
        assert_eq!(project.sources.words, ["a.c"]);
        assert_eq!(project.arguments, ["1"]);
        assert!(parse(&["x"]).project().is_err());
    }

    #[test]
    fn what_belongs_to_the_program_stays() {
        let words = ["run", "-include", "x", "--", "-include"].map(OsString::from);
        let words = with_long_include(words);
        assert_eq!(words, ["run", "--include", "x", "--", "-include"]);
    }
}
