//! The kernel's sources, as text.

use std::fs;
use std::path::{Path, PathBuf};

/// How much of a source is read.
#[derive(Clone, Copy)]
pub enum Extent {
    Whole,
    WithoutUnitTests,
}

/// The folder of the kernel's crates.
pub fn kernel() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the repository")
        .join("kernel")
}

/// Adds all sources below the folder.
pub fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            sources(&path, files);
        } else if matches!(extension, Some("rs" | "cpp" | "h" | "cmake")) {
            files.push(path);
        }
    }
}

/// Code without its comment.
pub fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Lines below `folder`, but for those in the `excepted` ones, whose code `is_wrong`.
pub fn offenders(
    folder: &str,
    excepted: &[&str],
    extent: Extent,
    is_wrong: impl Fn(&str) -> bool,
) -> Vec<String> {
    let root = kernel().join(folder);
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(!files.is_empty(), "{} has no sources", root.display());
    files.retain(|file| {
        let mut excepted = excepted.iter();
        !excepted.any(|except| file.starts_with(root.join(except)))
    });
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source is text");
        let lines = text.lines().take_while(|line| match extent {
            Extent::Whole => true,
            Extent::WithoutUnitTests => *line != "#[cfg(test)]",
        });
        for (index, line) in lines.enumerate() {
            if is_wrong(code(line)) {
                found.push(format!("{}:{}: {line}", file.display(), index + 1));
            }
        }
    }
    found
}
