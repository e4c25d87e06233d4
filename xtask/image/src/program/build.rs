//! From the files on a command line to the modules of a program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use bareflow_driver::command_line::{CommandLine, Input, Item};
use bareflow_driver::compile::Compiler;
use bareflow_driver::driver::check_input;
use bareflow_driver::flags::Language;
use bareflow_driver::input::{Contents, InputKind, check_linkable, kind_of};
use bareflow_driver::link::{Link, Linked, Part};
use bareflow_driver::parts::{Making, Texts};
use bareflow_driver::{DriverError, libraries};

use super::{Module, Program, ProgramCompiler, ProgramError, read};
use bareflow_build::temporary::TemporaryFolder;

/// More compilers than this at once would not leave the host to others.
const MOST_PARALLEL: usize = 2;

/// What a program is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Files, flags, libraries and folders, as on the command line of the compiler driver.
    pub words: Vec<OsString>,
    /// What relative paths are relative to, if not to the current folder.
    pub folder: Option<PathBuf>,
    /// What the program sees as `argv[0]`, if not the name of its first file.
    pub name: Option<String>,
}

impl Sources {
    /// Of files alone.
    pub fn of_files(files: &[PathBuf]) -> Self {
        Self {
            words: files.iter().map(OsString::from).collect(),
            ..Self::default()
        }
    }
}

/// A program and what it was made from.
pub(super) struct Made {
    pub program: Program,
    /// The files on the command line, and the libraries that were found.
    pub files: Vec<PathBuf>,
}

impl Program {
    /// Of modules, without an environment and files.
    pub(super) fn of_modules(name: String, modules: Vec<Module>) -> Self {
        Self {
            name,
            modules,
            environment: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    /// Reads and compiles `files`.
    ///
    /// # Errors
    /// [`ProgramError`] says which file and why.
    pub fn build(files: &[PathBuf], compiler: &ProgramCompiler) -> Result<Self, ProgramError> {
        Self::build_from(&Sources::of_files(files), compiler)
    }

    /// Reads, compiles and, where there is something that only a linker knows how to put together, links.
    ///
    /// The modules of a program of C and IR alone stay apart: the kernel, which must check them anyway, links them.
    ///
    /// # Errors
    /// [`ProgramError`] says which files and why.
    pub fn build_from(sources: &Sources, compiler: &ProgramCompiler) -> Result<Self, ProgramError> {
        Ok(Self::make(sources, compiler)?.program)
    }

    /// As [`Program::build_from`], and says what the program was made from.
    pub(super) fn make(
        sources: &Sources,
        compiler: &ProgramCompiler,
    ) -> Result<Made, ProgramError> {
        let mut words = vec![OsString::from("-O2")];
        words.extend_from_slice(&sources.words);
        let line = CommandLine::parse(&words)?;
        let clang = compiler.of_line(&line, sources.folder.clone());
        let mut name = sources.name.clone();
        let mut files = Vec::new();
        for input in line.inputs() {
            let there = Input {
                path: clang.in_folder(&input.path),
                ..input.clone()
            };
            check_input(&there)?;
            files.push(there.path);
            name.get_or_insert_with(|| stem(&input.path));
        }
        let name = name.ok_or(ProgramError::Empty)?;

        let is_linked = wants_linker(&line, &clang, compiler)?;
        let scratch = TemporaryFolder::new("program").map_err(ProgramError::TemporaryFolder)?;
        let parallel = thread::available_parallelism().map_or(1, NonZero::get);
        let mut parts = Making {
            compiler: &clang,
            libraries: &compiler.sdk.libraries,
            scratch: scratch.path(),
            parallel: parallel.min(MOST_PARALLEL),
            texts: if is_linked {
                Texts::Compiled
            } else {
                Texts::Kept
            },
        }
        .parts(&line)?;
        if is_linked && has_cxx(&line) {
            parts.extend(libraries::of_cxx_if_there(&compiler.sdk.libraries));
        }
        files.extend(parts.iter().filter_map(|part| match part {
            Part::File { path, .. } if !path.starts_with(scratch.path()) => Some(path.clone()),
            _ => None,
        }));
        if !is_linked {
            let program = Self::of_modules(name, modules(&parts)?);
            return Ok(Made { program, files });
        }
        let link = Link {
            toolchain: &compiler.toolchain,
            parts: &parts,
            result: line.link_result,
            scratch: scratch.path(),
        };
        match link.run()? {
            Linked::Bitcode(bytes) => {
                let module = Module {
                    name: format!("{name}.bc"),
                    bytes,
                };
                Ok(Made {
                    program: Self::of_modules(name, vec![module]),
                    files,
                })
            }
            Linked::Answer(text) => Err(DriverError::Usage(text).into()),
        }
    }
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    stem.to_string_lossy().into_owned()
}

fn has_cxx(line: &CommandLine) -> bool {
    line.inputs()
        .any(|input| kind_of(input, Language::C) == InputKind::Source(Language::Cxx))
}

/// Whether the kernel cannot put the parts together: C++, archives, or whatever has arguments for the linker.
fn wants_linker(
    line: &CommandLine,
    clang: &Compiler,
    compiler: &ProgramCompiler,
) -> Result<bool, ProgramError> {
    let folders: Vec<PathBuf> = line
        .library_folders
        .iter()
        .map(|folder| clang.in_folder(folder))
        .collect();
    let mut wants = has_cxx(line);
    for item in &line.items {
        wants |= match item {
            Item::Input(input) => {
                // IR is for the kernel to judge, which says more about it.
                kind_of(input, Language::C) == InputKind::Linked
                    && !is_bitcode_by_name(&input.path)
                    && check_linkable(&clang.in_folder(&input.path))? == Contents::Archive
            }
            Item::Library(name) => {
                !libraries::find(name, &folders, &compiler.sdk.libraries)?.is_empty()
            }
            Item::Linker(_) => true,
        };
    }
    Ok(wants)
}

fn is_bitcode_by_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "bc")
}

fn modules(parts: &[Part]) -> Result<Vec<Module>, ProgramError> {
    let mut modules: Vec<Module> = Vec::with_capacity(parts.len());
    for part in parts {
        let Part::File { path, name } = part else {
            continue;
        };
        let short = Path::new(name)
            .file_name()
            .map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned());
        let is_taken = |name: &String| modules.iter().any(|module| module.name == *name);
        let name = if is_taken(&short) { name } else { &short };
        if is_taken(name) {
            return Err(ProgramError::Twice { path: name.into() });
        }
        modules.push(Module {
            name: name.clone(),
            bytes: read(path)?,
        });
    }
    Ok(modules)
}
