//! Programs that were built before from files that are as they were: compiling and linking them again would bring the
//! same.
//!
//! What is remembered was made by a command line whose effects are known, from files that name themselves: clang lists
//! the headers that it reads. A program that brings a warning is compiled each time, so that it warns each time.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::iter;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::build::Made;
use super::{Module, Program, ProgramCompiler, ProgramError, Sources};
use bareflow_build::paths::Cache;
use bareflow_build::remembered::{States, Store, is_older};
use bareflow_build::temporary::TemporaryFolder;

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

const HAS_INCLUDE: &str = "__has_include";

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
            let names = states.names(folder);
            for path in &self.inputs {
                for place in hiding_places(path, &names) {
                    states.file_if_there(&folder.join(place));
                }
            }
        }
        states.key()
    }
}

/// Where in a folder with these names a header may come to lie that is found instead of another, which was included as
/// `sub/x.h`: nobody knows how many of its own folders were named. Without the first of them the header is not there.
fn hiding_places<'a>(
    header: &'a Path,
    names: &BTreeSet<OsString>,
) -> impl Iterator<Item = &'a Path> {
    let mut rest = header.components();
    iter::from_fn(move || {
        let place = rest.as_path();
        rest.next().map(|first| (first, place))
    })
    .filter(|(first, place)| names.contains(first.as_os_str()) && place.file_name().is_some())
    .map(|(_, place)| place)
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
        let mut asked = Vec::new();
        for path in &own {
            if !is_older(path, start) {
                return None;
            }
            asked.extend(asked_headers(&fs::read(path).ok()?)?);
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
        inputs.extend(asked.iter().map(|name| here.join(name)));
        // One that is not there has no names, until it is.
        folders.retain(|folder| !folder.starts_with(sdk));
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

/// The headers that a source asks for by `__has_include` and its like; `None` if it says something else each time, or
/// does not name them.
fn asked_headers(source: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(source);
    if UNSTEADY.iter().any(|word| text.contains(word)) {
        return None;
    }
    let mut names = Vec::new();
    for rest in text.split(HAS_INCLUDE).skip(1) {
        let rest = rest.strip_prefix("_next").unwrap_or(rest).trim_start();
        // Without parentheses it is asked whether there is such a question.
        let Some(operand) = rest.strip_prefix('(') else {
            continue;
        };
        let mut letters = operand.trim_start().chars();
        let end = match letters.next()? {
            '<' => '>',
            '"' => '"',
            _ => return None,
        };
        names.push(letters.as_str().split_once(end)?.0.to_owned());
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_names_what_it_asks_for_or_is_not_remembered() {
        let asked = |text: &str| asked_headers(text.as_bytes());
        let text =
            "#ifdef __has_include\n#if __has_include(<a/b.h>) || __has_include_next ( \"c.h\" )\n";
        assert_eq!(
            asked(text),
            Some(vec!["a/b.h".to_owned(), "c.h".to_owned()])
        );
        for text in ["#if __has_include(NAME)\n", "__TIME__", ".incbin \"x\""] {
            assert_eq!(asked(text), None, "{text}");
        }
    }

    #[test]
    fn a_header_hides_behind_as_many_folders_as_may_have_been_named() {
        let names = ["a", "sub", "x.h"].map(OsString::from).into();
        let places: Vec<_> = hiding_places(Path::new("/a/b/sub/x.h"), &names).collect();
        assert_eq!(places, ["a/b/sub/x.h", "sub/x.h", "x.h"].map(Path::new));
    }

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
