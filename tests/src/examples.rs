//! The programs under `examples/`, and what clang for Linux makes of them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program with its expected output: `NAME.expected` beside `NAME.c`, `NAME.ll` or the folder
/// `NAME/` of several `.c` files; `.cpp` in the place of `.c` is C++.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What it is called.
    pub name: String,
    /// Its files, sorted.
    pub sources: Vec<PathBuf>,
    /// What it prints without arguments.
    pub expected: Vec<u8>,
}

/// Finds all examples in `folder`, sorted by name.
///
/// # Errors
/// That the folder cannot be read, or that an expected output has no program.
pub fn find(folder: &Path) -> io::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "expected")
        {
            examples.push(read(&path)?);
        }
    }
    examples.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(examples)
}

fn read(expected: &Path) -> io::Result<Example> {
    let stem = expected.with_extension("");
    let mut sources: Vec<PathBuf> = ["c", "cpp", "ll", "bc"]
        .iter()
        .map(|extension| expected.with_extension(extension))
        .filter(|path| path.is_file())
        .collect();
    if stem.is_dir() {
        for entry in fs::read_dir(&stem)? {
            let path = entry?.path();
            let is_source = |extension: &OsStr| extension == "c" || extension == "cpp";
            if path.extension().is_some_and(is_source) {
                sources.push(path);
            }
        }
    }
    sources.sort();
    if sources.is_empty() {
        return Err(io::Error::other(format!(
            "{} has no program beside it",
            expected.display()
        )));
    }
    let name = stem
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Example {
        name,
        sources,
        expected: fs::read(expected)?,
    })
}

/// Builds `sources` with `clang` for Linux as `executable`, optimised.
///
/// # Errors
/// What the compiler said.
pub fn build_for_linux(clang: &Path, sources: &[PathBuf], executable: &Path) -> Result<(), String> {
    build_for_linux_with(&["-O2"], clang, sources, executable)
}

/// As [`build_for_linux`], with `flags` for optimisation and the like.
///
/// # Errors
/// What the compiler said.
pub fn build_for_linux_with(
    flags: &[&str],
    clang: &Path,
    sources: &[PathBuf],
    executable: &Path,
) -> Result<(), String> {
    let output = Command::new(clang)
        .args(["--target=x86_64-linux-gnu", "-ffp-contract=off"])
        .args(flags)
        // An example in IR names the target of the kernels.
        .args([
            "-Wno-override-module",
            "-Wno-unused-command-line-argument",
            "-o",
        ])
        .arg(executable)
        .args(sources)
        .arg("-lm")
        .output()
        .map_err(|error| format!("cannot start {}: {error}", clang.display()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The first line where `found` is not `expected`; `None` if they are equal.
pub fn difference(expected: &[u8], found: &[u8]) -> Option<String> {
    if expected == found {
        return None;
    }
    let mut expected_lines = expected.split(|byte| *byte == b'\n');
    let mut found_lines = found.split(|byte| *byte == b'\n');
    for number in 1.. {
        let pair = (expected_lines.next(), found_lines.next());
        if pair.0 != pair.1 || pair.0.is_none() {
            let show = |line: Option<&[u8]>| match line {
                Some(line) => format!("\"{}\"", line.escape_ascii()),
                None => "nothing more".into(),
            };
            return Some(format!(
                "line {number} differs:\n  expected {}\n  found    {}",
                show(pair.0),
                show(pair.1)
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_examples_are_complete() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let examples = find(&folder).unwrap();
        assert!(examples.len() >= 12, "{}", examples.len());
        let life = examples
            .iter()
            .find(|example| example.name == "life")
            .unwrap();
        assert_eq!(life.sources.len(), 4);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // A crate that stands for a project of a user.
            if path.join("Cargo.toml").is_file() {
                continue;
            }
            let name = path.file_stem().unwrap().to_str().unwrap();
            // They do nothing without files: the tests of language models run them.
            if name.starts_with("llama") {
                continue;
            }
            assert!(
                examples.iter().any(|example| example.name == name),
                "{} has no expected output",
                path.display()
            );
        }
    }

    #[test]
    fn a_difference_names_the_line() {
        assert_eq!(difference(b"a\nb\n", b"a\nb\n"), None);
        let text = difference(b"a\nb\nc\n", b"a\nx\nc\n").unwrap();
        assert!(text.starts_with("line 2 differs"), "{text}");
        assert!(text.contains("\"b\"") && text.contains("\"x\""), "{text}");
        let text = difference(b"a\nb", b"a").unwrap();
        assert!(text.contains("found    nothing more"), "{text}");
    }
}
