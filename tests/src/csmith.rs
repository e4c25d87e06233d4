//! Programs that [csmith](https://github.com/csmith-project/csmith) makes up, and what clang for Linux makes
//! of them.
//!
//! csmith writes programs with hardly any undefined behaviour, which print a checksum of their variables. A seed and
//! options stand for one program, in one version of csmith.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use super::examples::build_for_linux_with;
use bareflow_build::process::{End, Recorder, supervise};
use bareflow_build::tools;

/// What the programs are made of: all that csmith knows, but for instructions that the baseline lacks. They are
/// a third of csmith's usual size: many small programs find more in the same time than a few large ones.
pub const OPTIONS: &[&str] = &[
    "--float",
    "--builtins",
    "--disable-builtin-kinds",
    "x86",
    "--concise",
    "--max-funcs",
    "5",
    "--max-block-depth",
    "3",
    "--max-expr-complexity",
    "6",
];
/// Of csmith's usual size.
pub const LARGE: &[&str] = &[
    "--float",
    "--builtins",
    "--disable-builtin-kinds",
    "x86",
    "--concise",
];
/// The argument that asks a program for the checksum after each variable.
pub const ARGUMENT: &str = "1";

/// csmith does not end for some seeds, and neither do some of its programs; most take some milliseconds.
const GENERATION_TIMEOUT: Duration = Duration::from_secs(5);
const LINUX_TIMEOUT: Duration = Duration::from_secs(2);
const OUTPUT_LIMIT_BYTES: usize = 4 << 20;
const INCLUDE: &str = "#include \"csmith.h\"";
/// Ends a program that does something undefined, such as the conversion of a large float to an integer, which
/// csmith does not avoid. Packed structures have fields that are not aligned, which works everywhere.
const SANITIZED: &[&str] = &[
    "-O0",
    "-fsanitize=undefined",
    "-fno-sanitize=alignment",
    "-fsanitize-trap=all",
];
/// Before each program: no warnings, of which there are many, and no counting of zeros in a zero, which is
/// undefined.
const PROLOGUE: &str = "\
#pragma clang diagnostic ignored \"-Weverything\"
#define __builtin_clz(x) __builtin_clz((x) | 1)
#define __builtin_clzl(x) __builtin_clzl((x) | 1)
#define __builtin_clzll(x) __builtin_clzll((x) | 1)
#define __builtin_ctz(x) __builtin_ctz((x) | 1)
#define __builtin_ctzl(x) __builtin_ctzl((x) | 1)
#define __builtin_ctzll(x) __builtin_ctzll((x) | 1)
";

/// A program, and what it does on Linux.
#[derive(Clone, Debug)]
pub struct RandomProgram {
    /// Its only file.
    pub source: PathBuf,
    /// Its output on Linux.
    pub expected: Vec<u8>,
    /// Its exit status there.
    pub status: u8,
}

/// Why a seed is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Useless {
    /// csmith made no program in its time, or crashed.
    NotGenerated,
    /// The program does not end on Linux in its time.
    Long,
    /// The program is killed on Linux.
    Killed,
    /// What the program does depends on the optimisation for Linux.
    Ambiguous,
    /// The program does what C does not define.
    Undefined,
}

impl fmt::Display for Useless {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGenerated => write!(
                formatter,
                "no program within {} s",
                GENERATION_TIMEOUT.as_secs()
            ),
            Self::Long => write!(
                formatter,
                "does not end on Linux within {} s",
                LINUX_TIMEOUT.as_secs()
            ),
            Self::Killed => formatter.write_str("killed on Linux"),
            Self::Ambiguous => formatter.write_str("at -O2 on Linux something else"),
            Self::Undefined => formatter.write_str("undefined behaviour"),
        }
    }
}

/// What is missing of csmith.
pub fn missing() -> Option<&'static str> {
    if tools::which("csmith").is_none() {
        Some("csmith")
    } else if tools::csmith_headers().is_none() {
        Some("csmith.h")
    } else {
        None
    }
}

/// Makes the program of `seed` in `folder`, which must exist, and runs it on Linux without optimisation.
///
/// # Errors
/// What keeps all seeds from being used.
pub fn make(
    clang: &Path,
    seed: u32,
    options: &[&str],
    folder: &Path,
) -> Result<Result<RandomProgram, Useless>, String> {
    let headers = tools::csmith_headers().ok_or("csmith.h is missing")?;
    let source = folder.join("program.c");
    let mut csmith = Command::new(tools::which("csmith").unwrap_or("csmith".into()));
    csmith
        .args(options)
        .args(["--seed", &seed.to_string(), "--output"])
        .arg(&source)
        // It leaves a file about the platform there.
        .current_dir(folder);
    let messages = Recorder::new(OUTPUT_LIMIT_BYTES, io::sink());
    let end = supervise(
        &mut csmith,
        GENERATION_TIMEOUT,
        io::sink(),
        messages.clone(),
    )
    .map_err(|error| format!("cannot start csmith: {error}"))?;
    match end {
        End::TimedOut | End::OutputLost(_) => return Ok(Err(Useless::NotGenerated)),
        End::Exited(status) if status.code().is_none() => return Ok(Err(Useless::NotGenerated)),
        End::Exited(status) if !status.success() => {
            let messages = String::from_utf8_lossy(&messages.bytes()).into_owned();
            return Err(format!("csmith --seed {seed}: {status}\n{messages}"));
        }
        End::Exited(_) => {}
    }
    let text = fs::read_to_string(&source).map_err(|error| error.to_string())?;
    fs::write(&source, standing_alone(&text, &headers)).map_err(|error| error.to_string())?;
    Ok(
        run_on_linux(clang, &["-O0"], &source)?.map(|(expected, status)| RandomProgram {
            source,
            expected,
            status,
        }),
    )
}

impl RandomProgram {
    /// Whether the program means something: on Linux it does at -O2, too, what it does at -O0, and a
    /// sanitizer finds nothing undefined.
    ///
    /// # Errors
    /// That it cannot be compiled or started.
    pub fn check_meaning(&self, clang: &Path) -> Result<Result<(), Useless>, String> {
        for (flags, useless) in [
            (&["-O2"][..], Useless::Ambiguous),
            (SANITIZED, Useless::Undefined),
        ] {
            match run_on_linux(clang, flags, &self.source)? {
                Ok((output, status)) if output == self.expected && status == self.status => {}
                _ => return Ok(Err(useless)),
            }
        }
        Ok(Ok(()))
    }
}

/// The program's text, such that it compiles from anywhere, quietly, and has a meaning.
fn standing_alone(text: &str, headers: &Path) -> String {
    let include = format!("#include \"{}\"", headers.join("csmith.h").display());
    format!("{PROLOGUE}{}", text.replacen(INCLUDE, &include, 1))
}

fn run_on_linux(
    clang: &Path,
    flags: &[&str],
    source: &Path,
) -> Result<Result<(Vec<u8>, u8), Useless>, String> {
    let executable = source.with_extension("linux");
    build_for_linux_with(flags, clang, &[source.to_path_buf()], &executable)?;
    let output = Recorder::new(OUTPUT_LIMIT_BYTES, io::sink());
    let end = supervise(
        Command::new(&executable).arg(ARGUMENT),
        LINUX_TIMEOUT,
        output.clone(),
        io::sink(),
    )
    .map_err(|error| format!("cannot start {}: {error}", executable.display()))?;
    // What is left goes with the folder.
    let _ = fs::remove_file(&executable);
    Ok(status_of(end).map(|status| (output.bytes(), status)))
}

fn status_of(end: End) -> Result<u8, Useless> {
    let code = |status: ExitStatus| status.code().and_then(|code| u8::try_from(code).ok());
    match end {
        End::TimedOut => Err(Useless::Long),
        End::OutputLost(_) => Err(Useless::Killed),
        End::Exited(status) => code(status).ok_or(Useless::Killed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_program_finds_its_headers_from_anywhere() {
        let text = standing_alone(
            "// Options:\n#include \"csmith.h\"\nint x;\n",
            Path::new("/usr/include/csmith"),
        );
        assert_eq!(
            text.strip_prefix(PROLOGUE).unwrap(),
            "// Options:\n#include \"/usr/include/csmith/csmith.h\"\nint x;\n"
        );
    }

    #[test]
    fn only_programs_that_end_by_themselves_are_of_use() {
        assert_eq!(status_of(End::Exited(ExitStatus::from_raw(3 << 8))), Ok(3));
        assert_eq!(
            status_of(End::Exited(ExitStatus::from_raw(11))),
            Err(Useless::Killed)
        );
        assert_eq!(status_of(End::TimedOut), Err(Useless::Long));
    }
}
