//! `cargo xtask bench llvm-build`: what precompiled headers and sources compiled together save.
//!
//! The same sample of LLVM's objects is compiled as the build does it, and then each of their sources alone and without a
//! precompiled header, one after the other in one run, by the very command lines of the build tree. The result is a ratio
//! of user times: it does not depend on how busy the machine is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use super::user_time_of;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::error::{Error, Result};
use bareflow_run::say;

/// Why the benchmark could not be run.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The build tree does not answer.
    #[error("cannot list the compile commands of {tree}: {reason}; run `cargo xtask llvm` first")]
    NoCommands {
        /// The build tree of LLVM.
        tree: PathBuf,
        /// What ninja said.
        reason: String,
    },
    /// A source does not compile.
    #[error("{command}\nfailed: {reason}")]
    Compile {
        /// The command line.
        command: String,
        /// Its error output.
        reason: String,
    },
}

impl From<BenchError> for Error {
    fn from(error: BenchError) -> Self {
        Self::build(error.to_string())
    }
}

/// Prints how much user time is saved, by this many objects of the build tree of LLVM.
///
/// # Errors
/// [`BenchError`], as the error of a build.
pub fn run(tree: &Path, objects: usize) -> Result<()> {
    let comparison = compare(tree, objects)?;
    let seconds = Duration::as_secs_f64;
    say!(
        "sample: {} objects of {} sources, of {} sources in all",
        comparison.object_count,
        comparison.source_count,
        comparison.build_source_count
    );
    for (what, time) in [
        ("as the build compiles them:", &comparison.together),
        ("each alone, with precompiled headers:", &comparison.alone),
        ("each alone, without:", &comparison.plain),
    ] {
        say!("user time {what:<40} {:7.1} s", seconds(time));
    }
    say!(
        "user time of the headers themselves:             {:7.1} s, once",
        seconds(&comparison.headers_themselves)
    );
    say!(
        "ratios to plain compilation, the headers' share included: {:.3}, of the headers alone {:.3}",
        comparison.ratio(comparison.together),
        comparison.ratio(comparison.alone)
    );
    Ok(())
}

/// One entry of a compilation database.
#[derive(Clone, Debug, Deserialize)]
struct CompileCommand {
    directory: PathBuf,
    command: String,
    file: PathBuf,
}

/// User times of the sample.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Objects compiled each way.
    pub object_count: usize,
    /// Sources in them.
    pub source_count: usize,
    /// As the build does it: some sources at once, with the precompiled headers.
    pub together: Duration,
    /// Each source alone, with them.
    pub alone: Duration,
    /// Each source alone, without them.
    pub plain: Duration,
    /// Compiling the precompiled headers themselves, once for the whole build.
    pub headers_themselves: Duration,
    /// Sources of the whole build.
    pub build_source_count: usize,
}

impl Comparison {
    /// A user time of the sample over that of plain compilation; the share of the sample in the cost of the headers
    /// themselves is counted.
    #[must_use]
    pub fn ratio(&self, time: Duration) -> f64 {
        let share = self.source_count as f64 / self.build_source_count as f64;
        (time.as_secs_f64() + share * self.headers_themselves.as_secs_f64())
            / self.plain.as_secs_f64()
    }
}

/// Compiles a sample of `object_count` objects of the build tree `tree` all ways.
///
/// # Errors
/// [`BenchError`] when the tree has no compile commands or a source does not compile.
pub fn compare(tree: &Path, object_count: usize) -> std::result::Result<Comparison, BenchError> {
    let commands = compile_commands(tree)?;
    let (headers, users): (Vec<_>, Vec<_>) = commands
        .into_iter()
        .filter(|entry| entry.command.contains("cmake_pch.hxx"))
        .partition(|entry| entry.file.ends_with("cmake_pch.hxx.cxx"));
    let build_source_count = users.iter().map(|entry| sources(entry).len()).sum();
    let chosen = spread(&users, object_count);
    let source_count: usize = chosen.iter().map(|entry| sources(entry).len()).sum();
    let output = tempfile_dir(tree)?;
    let steps = chosen.len() + 2 * source_count + headers.len();
    let bar = ProgressBar::new(steps as u64).with_style(
        ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {elapsed} eta {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let compile = |entry: &CompileCommand, command: &str| {
        bar.inc(1);
        compile(entry, command, output.path())
    };
    let mut comparison = Comparison {
        object_count: chosen.len(),
        source_count,
        build_source_count,
        ..Comparison::default()
    };
    for header in &headers {
        comparison.headers_themselves += compile(header, &header.command)?;
    }
    for entry in chosen {
        comparison.together += compile(entry, &entry.command)?;
        for source in sources(entry) {
            let file = entry.file.display().to_string();
            let command = entry.command.replace(&file, &source);
            comparison.alone += compile(entry, &command)?;
            comparison.plain += compile(entry, &without_precompiled_header(&command))?;
        }
    }
    bar.finish_and_clear();
    Ok(comparison)
}

/// The sources of an object: those that CMake includes in a file of its own, or else the one.
fn sources(entry: &CompileCommand) -> Vec<String> {
    let is_unity = entry
        .file
        .parent()
        .is_some_and(|folder| folder.ends_with("Unity"));
    let text = is_unity.then(|| fs::read_to_string(entry.directory.join(&entry.file)).ok());
    match text.flatten() {
        Some(text) => text
            .lines()
            .filter_map(|line| line.strip_prefix("#include \"")?.strip_suffix('"'))
            .map(str::to_owned)
            .collect(),
        None => vec![entry.file.display().to_string()],
    }
}

fn tempfile_dir(tree: &Path) -> std::result::Result<TemporaryFolder, BenchError> {
    TemporaryFolder::new("bench").map_err(|error| BenchError::NoCommands {
        tree: tree.to_owned(),
        reason: format!("no temporary folder: {error}"),
    })
}

fn compile_commands(tree: &Path) -> std::result::Result<Vec<CompileCommand>, BenchError> {
    let failed = |reason: String| BenchError::NoCommands {
        tree: tree.to_owned(),
        reason,
    };
    let output = Command::new("ninja")
        .arg("-C")
        .arg(tree)
        .args(["-t", "compdb"])
        .stderr(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    // Ninja prints the folder it entered before the database.
    let text = String::from_utf8_lossy(&output.stdout);
    let start = text
        .find('[')
        .ok_or_else(|| failed("no compilation database".to_owned()))?;
    serde_json::from_str(&text[start..]).map_err(|error| failed(error.to_string()))
}

/// `count` entries, evenly spread over `entries`, so that every library is met.
fn spread<T>(entries: &[T], count: usize) -> Vec<&T> {
    let count = count.min(entries.len());
    (0..count)
        .map(|index| &entries[index * entries.len() / count])
        .collect()
}

/// The command line without its use of a precompiled header, and without a compiler cache.
fn without_precompiled_header(command: &str) -> String {
    let mut words = Vec::new();
    let mut iterator = command.split(' ');
    while let Some(word) = iterator.next() {
        if word == "-Xclang" {
            let option = iterator.next().unwrap_or_default();
            if option == "-include-pch" || option == "-include" {
                // The option's value follows behind one more -Xclang.
                iterator.next();
                iterator.next();
                continue;
            }
            words.push(word);
            words.push(option);
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Runs a compile command with its object in `folder`; returns the user time it took.
fn compile(
    entry: &CompileCommand,
    command: &str,
    folder: &Path,
) -> std::result::Result<Duration, BenchError> {
    let mut words: Vec<String> = command
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(unquote)
        .collect();
    if words.first().is_some_and(|word| word.ends_with("ccache")) {
        words.remove(0);
    }
    for index in 1..words.len() {
        if words[index - 1] == "-o" || words[index - 1] == "-MF" {
            words[index] = folder
                .join(format!("output-{}", &words[index - 1][1..]))
                .display()
                .to_string();
        }
    }
    let failed = |reason: String| BenchError::Compile {
        command: words.join(" "),
        reason,
    };
    let mut problem = None;
    let time = user_time_of(|| -> std::io::Result<()> {
        let output = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(&entry.directory)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            problem = Some(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(())
    })
    .map_err(|error| failed(error.to_string()))?;
    problem.map_or(Ok(time), |reason| Err(failed(reason)))
}

fn unquote(word: &str) -> String {
    word.replace(['"', '\\'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_precompiled_header_is_taken_out_of_a_command() {
        let command = "clang++ -Xclang -fno-pch-timestamp -Os -Xclang -include-pch -Xclang a.pch \
                       -Xclang -include -Xclang a.hxx -c a.cpp";
        assert_eq!(
            without_precompiled_header(command),
            "clang++ -Xclang -fno-pch-timestamp -Os -c a.cpp"
        );
    }

    #[test]
    fn a_sample_is_spread_evenly() {
        let entries: Vec<u32> = (0..100).collect();
        assert_eq!(spread(&entries, 4), [&0, &25, &50, &75]);
        assert_eq!(spread(&entries[..2], 60), [&0, &1]);
    }

    #[test]
    fn the_sources_of_an_object_are_those_that_cmake_includes() {
        let folder = tempfile::tempdir().unwrap();
        let entry = |name: &str| CompileCommand {
            directory: folder.path().to_owned(),
            command: String::new(),
            file: folder.path().join(name),
        };
        fs::create_dir(folder.path().join("Unity")).unwrap();
        fs::write(
            folder.path().join("Unity/unity_0_cxx.cxx"),
            "/* generated */\n\n#include \"/llvm/A.cpp\"\n#undef DEBUG_TYPE\n\n#include \"/llvm/B.cpp\"\n",
        )
        .unwrap();
        assert_eq!(
            sources(&entry("Unity/unity_0_cxx.cxx")),
            ["/llvm/A.cpp", "/llvm/B.cpp"]
        );
        let alone = entry("C.cpp");
        assert_eq!(sources(&alone), [alone.file.display().to_string()]);
    }

    #[test]
    fn the_cost_of_the_headers_is_shared_by_the_sources() {
        let comparison = Comparison {
            source_count: 10,
            together: Duration::from_secs(30),
            plain: Duration::from_secs(100),
            headers_themselves: Duration::from_secs(50),
            build_source_count: 100,
            ..Comparison::default()
        };
        assert!((comparison.ratio(comparison.together) - 0.35).abs() < 1e-9);
    }
}
