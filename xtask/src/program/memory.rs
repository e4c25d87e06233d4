//! Programs that were built before from files that are as they were: compiling and linking them again would bring the
//! same.
//!
//! What is remembered was made by a command line whose effects are known, from files that name themselves: clang lists
//! the headers that it reads. A program that brings a warning is compiled each time, so that it warns each time.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::build::Made;
use super::{Module, Program, ProgramCompiler, ProgramError, Sources};
use crate::paths::Cache;
use crate::remembered::{States, Store, is_older};
use crate::temporary::TemporaryFolder;

/// The programs that are remembered.
const MOST_PROGRAMS: usize = 32;

/// Words that do nothing but what they say, and read nothing but files that clang lists.
const KNOWN_WORDS: &[&str] = &[
    "-ansi",
    "-fcommon",
    "-fexceptions",
    "-frtti",
    "-fsigned-char",
    "-funsigned-char",
    "-fwrapv",
    "-g",
    "-include",
    "-pthread",
    "-w",
    "-x",
];
/// The beginnings of such words.
const KNOWN_BEGINNINGS: &[&str] = &[
    "-D",
    "-I",
    "-L",
    "-O",
    "-U",
    "-W",
    "-fno-",
    "-iquote",
    "-isystem",
    "-l",
    "-pedantic",
    "-std=",
];
/// Of these, the beginnings of words that do more: arguments of other tools.
const OTHER_TOOLS: &[&str] = &["-Wa,", "-Wl,", "-Wp,"];
/// Flags whose value, a folder, is searched.
const SEARCHED: &[&str] = &["-I", "-L", "-iquote", "-isystem"];

/// What makes a source say something else each time, or read what clang does not list.
const UNSTEADY: &[&str] = &["__DATE__", "__TIME__", "__TIMESTAMP__", ".incbin"];

/// A program, as it is kept: this line, and then the bytes of its modules.
#[derive(Debug, Deserialize, Serialize)]
struct Record {
    inputs: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
    key: String,
    name: String,
    modules: Vec<(String, usize)>,
}

impl Record {
    fn key(&self) -> String {
        let mut states = States::default();
        for path in &self.inputs {
            states.file_if_there(path);
        }
        for folder in &self.folders {
            states.names(folder);
        }
        states.key()
    }
}

/// The programs that were built before.
#[derive(Clone, Debug)]
pub struct Memory {
    store: Store,
}

impl Memory {
    /// In the cache.
    pub fn of(cache: &Cache) -> Self {
        Self {
            store: Store::new(cache.programs(), MOST_PROGRAMS),
        }
    }

    /// The program that these sources make, built if one of its files has changed since it was built last.
    ///
    /// # Errors
    /// As [`Program::build_from`].
    pub fn build(
        &self,
        sources: &Sources,
        compiler: &ProgramCompiler,
    ) -> Result<Program, ProgramError> {
        let Some(question) = question(sources, compiler) else {
            return Program::build_from(sources, compiler);
        };
        if let Some(program) = self.recall(&question) {
            return Ok(program);
        }
        let start = SystemTime::now();
        let watched = Watched::new(compiler).map_err(ProgramError::TemporaryFolder)?;
        let made = Program::make(sources, &watched.compiler)?;
        if let Some(record) = watched.record(sources, &made, start) {
            self.keep(&question, &record, &made.program);
        }
        Ok(made.program)
    }

    fn recall(&self, question: &str) -> Option<Program> {
        let bytes = self.store.get(question)?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let record: Record = serde_json::from_slice(&bytes[..end]).ok()?;
        if record.key() != record.key {
            return None;
        }
        let mut rest = &bytes[end + 1..];
        let mut modules = Vec::with_capacity(record.modules.len());
        for (name, size) in record.modules {
            let (module, after) = rest.split_at_checked(size)?;
            rest = after;
            modules.push(Module {
                name,
                bytes: module.to_vec(),
            });
        }
        Some(Program::of_modules(record.name, modules))
    }

    fn keep(&self, question: &str, record: &Record, program: &Program) {
        let mut bytes = serde_json::to_vec(record).expect("paths are written as text");
        bytes.push(b'\n');
        for module in &program.modules {
            bytes.extend_from_slice(&module.bytes);
        }
        self.store.put(question, &bytes);
    }
}

/// The key of a command line, with what works on it; `None` if what it does is not known well enough.
fn question(sources: &Sources, compiler: &ProgramCompiler) -> Option<String> {
    if !sources.words.iter().all(|word| is_known(word)) {
        return None;
    }
    let mut states = States::default();
    for word in &sources.words {
        states.word(word.as_bytes());
    }
    let name = sources.name.clone().unwrap_or_default();
    states
        .word(name)
        .word(env::current_dir().ok()?.as_os_str().as_bytes());
    states.word(
        sources
            .folder
            .as_deref()
            .unwrap_or(Path::new(""))
            .as_os_str()
            .as_bytes(),
    );
    states.word(compiler.sdk.root.as_os_str().as_bytes());
    let tools = &compiler.toolchain;
    for tool in [&tools.clang, &tools.lld, &tools.link, &tools.nm] {
        states.program(tool);
    }
    // What is done with the tools' results is done by this program.
    states.file(&env::current_exe().ok()?).ok()?;
    Some(states.key())
}

fn is_known(word: &OsStr) -> bool {
    let Some(text) = word.to_str() else {
        return false;
    };
    let starts = |beginnings: &[&str]| beginnings.iter().any(|known| text.starts_with(known));
    match text.as_bytes() {
        [b'@', ..] | [b'-'] | [] => false,
        [b'-', ..] => {
            KNOWN_WORDS.contains(&text) || starts(KNOWN_BEGINNINGS) && !starts(OTHER_TOOLS)
        }
        _ => true,
    }
}

/// A compiler that lists the headers that it reads, and keeps what it says.
struct Watched {
    folder: TemporaryFolder,
    compiler: ProgramCompiler,
}

impl Watched {
    fn new(compiler: &ProgramCompiler) -> std::io::Result<Self> {
        let folder = TemporaryFolder::new("watched")?;
        let path = folder.path().join("clang");
        let script = format!(
            "#!/bin/sh\n\
             folder='{}'\n\
             CC_PRINT_HEADERS=1 CC_PRINT_HEADERS_FILE=\"$folder/headers\" '{}' \"$@\" 2>\"$folder/said.$$\"\n\
             status=$?\n\
             cat \"$folder/said.$$\" >&2\n\
             [ $status -le 128 ] || kill -$((status - 128)) $$\n\
             exit $status\n",
            folder.path().display(),
            compiler.clang().display(),
        );
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(Self {
            folder,
            compiler: compiler.with_clang(path),
        })
    }

    /// What the program was made from; `None` if that would not say whether it would be the same again.
    fn record(&self, sources: &Sources, made: &Made, start: SystemTime) -> Option<Record> {
        let here = sources.folder.as_deref().unwrap_or(Path::new(""));
        let here = std::path::absolute(here)
            .or_else(|_| env::current_dir())
            .ok()?;
        let mut inputs: BTreeSet<PathBuf> = made.files.iter().map(|path| here.join(path)).collect();
        for entry in fs::read_dir(self.folder.path()).ok()? {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            if name.starts_with("said.") && fs::metadata(&path).ok()?.len() != 0 {
                return None;
            }
            if name == "headers" {
                let text = fs::read_to_string(&path).ok()?;
                inputs.extend(text.lines().map(|header| here.join(header)));
            }
        }
        let sdk = &self.compiler.sdk.root;
        let own: Vec<&PathBuf> = inputs
            .iter()
            .filter(|path| !path.starts_with(sdk))
            .collect();
        if !own
            .iter()
            .all(|path| is_older(path, start) && is_steady(path))
        {
            return None;
        }
        let mut folders: BTreeSet<PathBuf> = own
            .iter()
            .filter_map(|path| path.parent())
            .map(Path::to_owned)
            .collect();
        for word in sources.words.iter().filter_map(|word| word.to_str()) {
            let value = SEARCHED.iter().find_map(|flag| word.strip_prefix(flag));
            folders.insert(here.join(value.unwrap_or(word)));
        }
        folders.retain(|folder| folder.is_dir() && !folder.starts_with(sdk));
        let modules = made.program.modules.iter();
        let mut record = Record {
            inputs,
            folders,
            key: String::new(),
            name: made.program.name.clone(),
            modules: modules
                .map(|module| (module.name.clone(), module.bytes.len()))
                .collect(),
        };
        record.key = record.key();
        Some(record)
    }
}

fn is_steady(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        UNSTEADY.iter().all(|word| !text.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_do_more_than_is_listed_are_not_known() {
        for word in [
            "a.c", "-DA=1", "-I", "include", "-O3", "-Wall", "-std=c11", "-x", "-include",
        ] {
            assert!(is_known(OsStr::new(word)), "{word}");
        }
        for word in [
            "@words",
            "-",
            "",
            "-v",
            "-###",
            "-MD",
            "-Wl,-r",
            "-Wa,-g",
            "-include-pch",
            "-save-temps",
        ] {
            assert!(!is_known(OsStr::new(word)), "{word}");
        }
    }
}
