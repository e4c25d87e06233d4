//! From bitcode and archives to one program, as a static linker does it.
//!
//! `ld.lld` resolves the symbols, takes the archive members that are needed and merges the modules; it stops where
//! native code would be made. What is then still undefined must be what the kernels provide.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bareflow_protocol::exit_code::{BUILD_FAILED, DISK_FULL};
use object::read::archive::ArchiveFile;

use crate::bitcode::Identity;
use crate::command_line::LinkResult;
use crate::compile::{is_disk_full, run};
use crate::error::{DriverError, Result, reading, system};
use crate::flags::TARGET;
use crate::input::{Contents, check_linkable};
use crate::kernel_symbols;
use crate::texts::{may_have_texts, with_texts};
use crate::toolchain::Toolchain;

/// Where a program starts.
const ENTRY: &str = "main";

/// One argument of the link, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A file of bitcode or an archive.
    File {
        /// Where it is.
        path: PathBuf,
        /// What messages call it.
        name: String,
    },
    /// An argument for the linker.
    Argument(String),
}

impl Part {
    /// A library, by its path.
    #[must_use]
    pub fn from_library(path: PathBuf) -> Self {
        let name = path.display().to_string();
        Self::File { path, name }
    }
}

/// What a link came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linked {
    /// The program.
    Bitcode(Vec<u8>),
    /// The linker has answered a question, such as `-Wl,--version`.
    Answer(String),
}

/// A link.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// The tools.
    pub toolchain: &'a Toolchain,
    /// What is linked.
    pub parts: &'a [Part],
    /// What is made.
    pub result: LinkResult,
    /// An empty folder.
    pub scratch: &'a Path,
}

impl Link<'_> {
    /// The linker's command; the bitcode goes to `output`.
    #[must_use]
    pub fn command(&self, output: &Path) -> Command {
        let mut command = match self.result {
            LinkResult::Program => {
                let mut command = Command::new(&self.toolchain.lld);
                command.args(["-m", TARGET.elf_emulation, "--plugin-opt=emit-llvm", "--trace"]);
                // Names stay as they are: what is linked says the same as its modules one by one.
                command.args(["-e", ENTRY, "--export-dynamic"]);
                command
            }
            // What ld.lld has linked says so, and cannot be linked again.
            LinkResult::Object => Command::new(&self.toolchain.link),
        };
        command.arg("-o").arg(output);
        command.args(self.parts.iter().filter_map(|part| match part {
            Part::File { path, .. } => Some(path.into()),
            Part::Argument(argument) => {
                (self.result == LinkResult::Program).then(|| OsString::from(argument))
            }
        }));
        command
    }

    /// Links.
    ///
    /// # Errors
    /// [`DriverError::Input`] names the symbols that are undefined or defined twice and their files.
    pub fn run(&self) -> Result<Linked> {
        let mut unfit = HashMap::new();
        for part in self.parts {
            let Part::File { path, name } = part else {
                continue;
            };
            match check_linkable(path)? {
                Contents::Archive => unfit.extend(self.unfit_members(path)?),
                _ => {
                    let bytes = fs::read(path).map_err(reading(path))?;
                    Identity::of(&bytes).check(name, self.toolchain.version)?;
                    if self.result == LinkResult::Program && is_linked(&bytes) {
                        return Err(DriverError::Input(format!(
                            "{name}: this is a program, which is linked already; link its objects instead"
                        )));
                    }
                }
            }
        }
        let output = self.scratch.join("linked.bc");
        let mut command = self.command(&output);
        let end = run(command.stdout(Stdio::piped()))?;
        let messages = String::from_utf8_lossy(&end.stderr);
        let trace = String::from_utf8_lossy(&end.stdout);
        let loaded: Vec<&str> = trace.lines().collect();
        if let Some(reason) = loaded.iter().find_map(|name| unfit.remove(*name)) {
            return Err(reason);
        }
        if !end.status.success() {
            return Err(self.failure(&messages));
        }
        if !output.is_file() {
            return Ok(Linked::Answer(trace.into_owned()));
        }
        let symbols = match self.result {
            LinkResult::Program => self.symbols([output.as_path()], &["--no-sort"])?,
            LinkResult::Object => Vec::new(),
        };
        if self.result == LinkResult::Program {
            self.check_symbols(&symbols, &loaded)?;
        }
        let bytes = fs::read(&output).map_err(reading(&output))?;
        fs::remove_file(&output).map_err(system(format!("cannot remove {}", output.display())))?;
        let may_have_texts = |symbol: &Symbol| may_have_texts(&symbol.name);
        if symbols.iter().any(may_have_texts) {
            return Ok(Linked::Bitcode(with_texts(
                bytes,
                &self.toolchain.clang,
                self.scratch,
            )?));
        }
        Ok(Linked::Bitcode(bytes))
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.parts.iter().filter_map(|part| match part {
            Part::File { path, .. } => Some(path),
            Part::Argument(_) => None,
        })
    }

    /// The members of an archive that cannot be linked, as the linker names them, and why. Unless they are needed,
    /// they do no harm.
    fn unfit_members(&self, path: &Path) -> Result<Vec<(String, DriverError)>> {
        let damaged = |error: object::Error| {
            DriverError::Input(format!("{}: a damaged archive: {error}", path.display()))
        };
        let bytes = fs::read(path).map_err(reading(path))?;
        let archive = ArchiveFile::parse(bytes.as_slice()).map_err(damaged)?;
        if archive.is_thin() {
            return Ok(Vec::new());
        }
        let mut unfit = Vec::new();
        for member in archive.members() {
            let member = member.map_err(damaged)?;
            let data = member.data(bytes.as_slice()).map_err(damaged)?;
            let name = format!(
                "{}({})",
                path.display(),
                String::from_utf8_lossy(member.name())
            );
            let result = match Contents::of(data) {
                Contents::Elf(_) => Err(DriverError::Input(format!(
                    "{name}: native code, not LLVM bitcode; compile its source with bareflow-cc and make the archive \
                     with bareflow-ar"
                ))),
                _ => Identity::of(data).check(&name, self.toolchain.version),
            };
            unfit.extend(result.err().map(|reason| (name, reason)));
        }
        Ok(unfit)
    }

    /// The linker's messages as errors of the driver, which name the user's files.
    fn failure(&self, messages: &str) -> DriverError {
        let text: Vec<String> = messages
            .lines()
            .map(|line| {
                let line = self.with_names(line);
                let rest = line.split_once("error: ");
                match rest.filter(|(tool, _)| tool.is_empty() || tool.contains("ld")) {
                    Some((_, rest)) => rest.to_owned(),
                    None => line,
                }
            })
            .collect();
        let text = text.join("\n");
        if is_disk_full(&text) {
            return DriverError::Tool {
                text,
                exit_code: DISK_FULL,
            };
        }
        if text.starts_with("unknown argument") {
            return DriverError::Usage(format!("the linker: {text}"));
        }
        DriverError::Input(text)
    }

    /// Puts the user's names where the text names objects that were made on the way.
    fn with_names(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for part in self.parts {
            if let Part::File { path, name } = part
                && path.starts_with(self.scratch)
            {
                text = text.replace(&path.display().to_string(), name);
            }
        }
        text
    }

    /// Checks that the kernels provide what is not there, and that there is a start.
    fn check_symbols(&self, symbols: &[Symbol], loaded: &[&str]) -> Result<()> {
        let is_start = |symbol: &Symbol| symbol.name == ENTRY && symbol.is_defined();
        let has_start = symbols.iter().any(is_start);
        // What assembly in a module wants or defines is listed beside the module's own symbols.
        let defined: HashSet<&str> = symbols
            .iter()
            .filter(|symbol| symbol.is_defined())
            .map(|symbol| symbol.name.as_str())
            .collect();
        let undefined: BTreeSet<&str> = symbols
            .iter()
            .filter(|symbol| symbol.kind == 'U')
            .map(|symbol| symbol.name.as_str())
            .filter(|name| !defined.contains(name) && !kernel_symbols::is_provided(name))
            .collect();
        if undefined.is_empty() && has_start {
            return Ok(());
        }
        let wanted = if undefined.is_empty() {
            BTreeMap::new()
        } else {
            self.wanted(loaded)?
        };
        let mut lines = Vec::new();
        if !has_start {
            lines.push(format!(
                "undefined symbol: {ENTRY}\n>>> a program starts there"
            ));
        }
        for name in undefined {
            let files = wanted.get(name).map_or(&[][..], Vec::as_slice);
            lines.push(undefined_message(name, files));
        }
        Err(DriverError::Input(lines.join("\n")))
    }

    /// Which of the loaded files want which symbols.
    fn wanted(&self, loaded: &[&str]) -> Result<BTreeMap<String, Vec<String>>> {
        let loaded: HashSet<&str> = loaded.iter().copied().collect();
        let files = self.files().map(PathBuf::as_path);
        let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for symbol in self.symbols(files, &["--undefined-only"])? {
            if loaded.contains(symbol.file.as_str()) {
                let files = wanted.entry(symbol.name).or_default();
                files.push(self.with_names(&symbol.file));
            }
        }
        Ok(wanted)
    }

    fn symbols<'a>(
        &self,
        files: impl IntoIterator<Item = &'a Path>,
        options: &[&str],
    ) -> Result<Vec<Symbol>> {
        let mut command = Command::new(&self.toolchain.nm);
        command
            .args(["--print-file-name", "--format=posix"])
            .args(options)
            .args(files);
        let end = run(command.stdout(Stdio::piped()))?;
        if !end.status.success() {
            return Err(DriverError::Tool {
                text: String::from_utf8_lossy(&end.stderr).into_owned(),
                exit_code: BUILD_FAILED,
            });
        }
        let text = String::from_utf8_lossy(&end.stdout);
        Ok(text.lines().filter_map(Symbol::parse).collect())
    }
}

/// A line of `llvm-nm`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Symbol {
    /// As the linker names it: `file` or `archive(member)`.
    file: String,
    name: String,
    kind: char,
}

impl Symbol {
    /// Of `archive[member]: name U 0 0`.
    fn parse(line: &str) -> Option<Self> {
        let (file, rest) = line.split_once(": ")?;
        let mut words = rest.rsplitn(4, ' ');
        let kind = words.nth(2)?.chars().next()?;
        let name = words.next()?.to_owned();
        let file = match file
            .strip_suffix(']')
            .and_then(|file| file.rsplit_once('['))
        {
            Some((archive, member)) => format!("{archive}({member})"),
            None => file.to_owned(),
        };
        Some(Self { file, name, kind })
    }

    fn is_defined(&self) -> bool {
        !matches!(self.kind, 'U' | 'w' | 'v')
    }
}

/// Whether `ld.lld` has made this bitcode: it leaves a flag, which must not be there twice.
fn is_linked(bitcode: &[u8]) -> bool {
    const FLAG: &[u8] = b"LTOPostLink";
    bitcode.windows(FLAG.len()).any(|window| window == FLAG)
}

/// How many of the files that want a symbol are named.
const MOST_NAMED: usize = 5;

fn undefined_message(name: &str, files: &[String]) -> String {
    let mut text = format!("undefined symbol: {}", demangled(name));
    for file in files.iter().take(MOST_NAMED) {
        text.push_str("\n>>> wanted by ");
        text.push_str(file);
    }
    if files.len() > MOST_NAMED {
        text.push_str(&format!(
            "\n>>> wanted by {} more",
            files.len() - MOST_NAMED
        ));
    }
    text
}

/// Names of C stay as they are, though some are those of types in the other encoding.
fn demangled(name: &str) -> String {
    if !name.starts_with("_Z") {
        return name.to_owned();
    }
    cpp_demangle::Symbol::new(name)
        .ok()
        .and_then(|symbol| symbol.demangle().ok())
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_nm_are_read() {
        let symbol = Symbol::parse("dir/libx.a[b.o]: puts U 0 0").unwrap();
        assert_eq!(symbol.file, "dir/libx.a(b.o)");
        assert_eq!((symbol.name.as_str(), symbol.kind), ("puts", 'U'));
        let symbol = Symbol::parse("a.o: a name T 0 0").unwrap();
        assert_eq!(symbol.name, "a name");
        assert!(symbol.is_defined());
        assert_eq!(Symbol::parse(""), None);
    }

    #[test]
    fn who_wants_a_symbol_is_said() {
        let files: Vec<String> = (0..7).map(|number| format!("{number}.o")).collect();
        let text = undefined_message("_Z3foov", &files);
        assert_eq!(undefined_message("f", &[]), "undefined symbol: f");
        assert!(
            text.starts_with("undefined symbol: foo()\n>>> wanted by 0.o\n"),
            "{text}"
        );
        assert!(text.ends_with(">>> wanted by 2 more"), "{text}");
    }
}
