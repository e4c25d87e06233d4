//! `cargo xtask bench libm`: errors of the C library's mathematics against correctly rounded results.
//!
//! A program calls the functions in the hosted kernel and writes operands and results; another one, for Linux,
//! compares them with what MPFR and MPC compute.

mod functions;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::functions::{FUNCTIONS, Function, Range};
use super::hosted::{Hosted, Setup};
use bareflow_build::temporary::TemporaryFolder;
use bareflow_build::tools::install_command;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result, system};
use bareflow_image::program::{Program, Tier};
use bareflow_run::say;

const FOLDER: &str = "bench/programs/libm";
/// What the comparing program is linked with, and the packages that have it.
const LIBRARIES: &[&str] = &["-lmpc", "-lmpfr", "-lgmp", "-lm"];
const PACKAGES: &[&str] = &["libmpc-dev", "libmpfr-dev"];

/// Names of the precisions, and how the programs call them.
const PRECISIONS: [(&str, &str); 3] = [("float", "f"), ("double", "d"), ("long double", "l")];
/// What an error may exceed the documented one by.
const TOLERANCE_ULP: f64 = 1.0;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Request {
    /// Points of each function and precision.
    pub points: u32,
    /// One function only.
    pub function: Option<String>,
    /// Where the points of the short test are written instead: so many of each.
    pub fixture: Option<(PathBuf, u32)>,
}

/// Prints the table of errors.
///
/// # Errors
/// Whatever kept them from being measured, and that one is larger than it may be.
pub fn run(context: &Context, request: &Request) -> Result<()> {
    let folder = context.root.join(FOLDER);
    let build = TemporaryFolder::new("libm")?;
    let comparison = Comparison {
        hosted: Hosted::build(context)?,
        program: Program::build(&[folder.join("measure.c")], &context.program_compiler())?,
        reference: build_reference(context, &folder, build.path())?,
    };
    let functions = FUNCTIONS.iter().filter(|function| {
        request
            .function
            .as_deref()
            .is_none_or(|name| name == function.name)
    });
    if let Some((path, points)) = &request.fixture {
        return comparison.write_fixture(functions, path, *points);
    }
    say!("| function | float | documented | double | documented | long double | documented |");
    say!("|---|--:|--:|--:|--:|--:|--:|");
    let mut too_large = String::new();
    for function in functions {
        let mut row = format!("| `{}` |", function.name);
        for (index, (name, _)) in PRECISIONS.iter().enumerate() {
            let errors = comparison.errors(function, index, request.points)?;
            let documented = function.documented[index];
            let _ = write!(row, " {} | {documented} |", errors.text(function));
            if errors.largest() > f64::from(documented).max(0.5) + TOLERANCE_ULP {
                let _ = writeln!(
                    too_large,
                    "{} of {name} is wrong by {} ulp at {}",
                    function.name,
                    errors.largest(),
                    errors.worst
                );
            }
        }
        say!("{row}");
        io::stdout().flush()?;
    }
    if too_large.is_empty() {
        Ok(())
    } else {
        Err(Error::build(too_large))
    }
}

/// The largest errors of a function.
struct Errors {
    parts: [f64; 2],
    /// Where they are.
    worst: String,
}

impl Errors {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let _count: u64 = words.next()?.parse().ok()?;
        let parts = [words.next()?.parse().ok()?, words.next()?.parse().ok()?];
        let _share_of_not_nearest = words.next()?;
        Some(Self {
            parts,
            worst: words.collect::<Vec<_>>().join(" "),
        })
    }

    fn largest(&self) -> f64 {
        self.parts[0].max(self.parts[1])
    }

    fn text(&self, function: &Function) -> String {
        let [re, im] = self.parts;
        if function.is_complex {
            format!("{re:.2}, {im:.2}")
        } else {
            format!("{re:.2}")
        }
    }
}

struct Comparison {
    hosted: Hosted,
    program: Program,
    reference: PathBuf,
}

impl Comparison {
    fn errors(&self, function: &Function, precision: usize, points: u32) -> Result<Errors> {
        let output = self.compare(function, precision, points, &[])?;
        Errors::parse(&output)
            .ok_or_else(|| Error::build(format!("the comparison printed {output:?}")))
    }

    /// What the comparing program prints.
    fn compare(
        &self,
        function: &Function,
        precision: usize,
        points: u32,
        more: &[String],
    ) -> Result<String> {
        let (_, letter) = PRECISIONS[precision];
        let mut arguments = vec![
            function.name.to_owned(),
            letter.to_owned(),
            points.to_string(),
        ];
        for range in [&function.x, &function.y] {
            arguments.extend(range_arguments(range, precision));
        }
        let setup = Setup::from(Tier::O2);
        let records = self.hosted.run(&self.program, &setup, &arguments)?.output;
        let mut child = Command::new(&self.reference)
            .args([function.name, letter])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(system("cannot run the comparison"))?;
        // It prints nothing of length before it has read everything.
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(&records)?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let message = format!(
                "the comparison of {} ended: {}",
                function.name, output.status
            );
            return Err(Error::build(message));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes points with their right results as macros of C.
    fn write_fixture<'a>(
        &self,
        functions: impl Iterator<Item = &'a Function>,
        path: &Path,
        points: u32,
    ) -> Result<()> {
        let mut text = String::from(
            "/* Points and the nearest long doubles to the right results, from `cargo xtask bench libm --fixture`. */\n",
        );
        for function in functions {
            // Points of float are points of all precisions.
            text += &self.compare(function, 0, 10 * points, &[points.to_string()])?;
        }
        Ok(std::fs::write(path, text)?)
    }
}

fn range_arguments(range: &Range, precision: usize) -> [String; 4] {
    let (low, high) = range.ends[precision];
    let (least, largest) = range.exponents[precision];
    [
        low.to_string(),
        high.to_string(),
        least.to_string(),
        largest.to_string(),
    ]
}

fn build_reference(context: &Context, sources: &Path, folder: &Path) -> Result<PathBuf> {
    let executable = folder.join("reference");
    let output = Command::new(&context.tools.program_clang)
        .arg("-O2")
        .arg(sources.join("reference.c"))
        .arg("-o")
        .arg(&executable)
        .args(LIBRARIES)
        .output()
        .map_err(system("cannot run clang"))?;
    if output.status.success() {
        return Ok(executable);
    }
    let packages: Vec<String> = PACKAGES.iter().map(ToString::to_string).collect();
    Err(Error::build(format!(
        "{}\nthe comparison needs MPFR and MPC: {}",
        String::from_utf8_lossy(&output.stderr).trim_end(),
        install_command(&packages)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_comparison_are_read() {
        let errors = Errors::parse("100 0.5000 1.2500 0.01 0x1p+0 0x0p+0 0x1p+1 0x0p+0\n");
        assert_eq!(errors.map(|errors| errors.largest()), Some(1.25));
        assert!(Errors::parse("").is_none());
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
