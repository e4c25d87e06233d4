//! What a program is linked from: the objects of the source files on a command line, the other files, the libraries.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::command_line::{CommandLine, Input, Item, LinkResult, StandardLibraries};
use crate::compile::{Compiler, Job, Product, Source};
use crate::error::{Result, system};
use crate::flags::Language;
use crate::libraries;
use crate::link::Part;

/// How the parts of a program are made.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    /// Compiles.
    pub compiler: &'a Compiler,
    /// Where the target's libraries are.
    pub libraries: &'a Path,
    /// An empty folder.
    pub scratch: &'a Path,
    /// How many files are compiled at the same time.
    pub parallel: usize,
    /// What becomes of IR in text.
    pub texts: Texts,
}

/// What becomes of IR in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// It is made into bitcode, as linking needs it.
    Compiled,
    /// It stays as it is.
    Kept,
}

impl Making<'_> {
    /// The parts, in the order of the command line.
    ///
    /// # Errors
    /// What does not compile, and which libraries are not there.
    pub fn parts(&self, line: &CommandLine) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut jobs = Vec::new();
        for (index, item) in line.items.iter().enumerate() {
            match item {
                Item::Input(input) => {
                    let name = input.path.display().to_string();
                    let source = Source::of(input, self.compiler.driver).filter(|source| {
                        self.texts == Texts::Compiled || !matches!(source, Source::Ir(_))
                    });
                    let Some(source) = source else {
                        let path = self.compiler.in_folder(&input.path);
                        parts.push(Part::File { path, name });
                        continue;
                    };
                    let folder = self.scratch.join(index.to_string());
                    fs::create_dir(&folder)
                        .map_err(system(format!("cannot make {}", folder.display())))?;
                    let path = folder.join(default_output(&input.path, "o"));
                    jobs.push(Job {
                        source,
                        product: Product::Bitcode,
                        output: Some(path.clone()),
                        flags: dependency_flags(line, input),
                    });
                    parts.push(Part::File { path, name });
                }
                Item::Library(name) => {
                    let folders: Vec<PathBuf> = line
                        .library_folders
                        .iter()
                        .map(|folder| self.compiler.in_folder(folder))
                        .collect();
                    parts.extend(
                        libraries::find(name, &folders, self.libraries)?
                            .into_iter()
                            .map(Part::from_library),
                    );
                }
                Item::Linker(argument) => parts.push(Part::Argument(argument.clone())),
            }
        }
        if jobs.is_empty() && !self.compiler.flags.is_empty() {
            self.compiler.check_flags()?;
        }
        self.compiler.compile_all(&jobs, self.parallel)?;
        let wants_cxx = (self.compiler.driver == Language::Cxx)
            && line.standard_libraries == StandardLibraries::Linked
            && line.link_result == LinkResult::Program;
        if wants_cxx {
            parts.extend(libraries::of_cxx_if_there(self.libraries));
        }
        Ok(parts)
    }
}

/// The names that dependency files have when source files are linked at once.
fn dependency_flags(line: &CommandLine, input: &Input) -> Vec<OsString> {
    let mut flags = Vec::new();
    let dependencies = line.dependencies;
    if dependencies.wanted && !dependencies.has_file {
        let path = match &line.output {
            Some(program) => program.with_extension("d"),
            None => default_output(&input.path, "d"),
        };
        flags.extend(["-MF".into(), path.into()]);
    }
    if dependencies.wanted && !dependencies.has_target {
        let target = default_output(&input.path, "o");
        flags.extend(["-MT".into(), target.into()]);
    }
    flags
}

/// What the output of a source file is called when nobody says so.
pub(crate) fn default_output(source: &Path, extension: &str) -> PathBuf {
    let stem = source.file_stem().unwrap_or_else(|| OsStr::new("a"));
    let mut name = stem.to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}
