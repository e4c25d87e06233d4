//! Programs of this repository among the real ones: functions that nobody should compile well, kernels of numerics, and a
//! language model.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_tests::DATA_VARIABLE;
use bareflow_tests::real::build::Built;
use bareflow_tests::real::table::Run;

/// A program of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Many small functions, each of which is called a few times.
    Functions,
    /// Loops over matrices.
    Kernels,
    /// Inference of the model in the folder that [`DATA_VARIABLE`] names.
    Llama,
}

const FUNCTIONS: u32 = 5_000;
const CALLS: u32 = 20;
/// The kernels, as the program calls them.
const KERNELS: [&str; 5] = ["gemm", "atax", "jacobi-2d", "floyd-warshall", "cholesky"];
/// The model and its words, so many of which are written.
const MODEL: [&str; 2] = ["stories260K.bin", "tok512.bin"];
const TOKENS: &str = "256";
/// As everything that is compared: each operation is rounded.
const FLAGS: [&str; 2] = ["-w", "-ffp-contract=off"];

impl Own {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Functions, Self::Kernels, Self::Llama];

    /// What it is called where projects are named.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Functions => "functions",
            Self::Kernels => "kernels",
            Self::Llama => "llama",
        }
    }

    /// Whether all that it needs is there.
    pub fn is_there(self) -> bool {
        self != Self::Llama || data().is_some()
    }

    /// The program, built for Linux and for BareFlow in folders of this one, and its runs.
    ///
    /// # Errors
    /// What kept it from being built.
    pub fn build(self, context: &Context, folder: &Path) -> Result<(Built, Vec<Run>)> {
        let built = Built {
            linux: folder.join("linux"),
            bareflow: folder.join("bareflow"),
            inputs: folder.join("inputs"),
        };
        self.compile(
            context,
            &context.tools.program_clang,
            &["-O2"],
            &built.linux,
        )?;
        let driver = context.sdk.join("bin/bareflow-cc");
        self.compile(context, &driver, &["-O2"], &built.bareflow)?;
        Ok((built, self.runs()?))
    }

    fn runs(self) -> Result<Vec<Run>> {
        let run = |arguments: &[&str], files: Vec<String>| Run {
            program: self.name().into(),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            files,
            stdin: None,
        };
        Ok(match self {
            Self::Functions => vec![run(&[], Vec::new())],
            Self::Kernels => KERNELS
                .iter()
                .map(|name| run(&[name], Vec::new()))
                .collect(),
            Self::Llama => {
                let data = data().ok_or_else(|| {
                    Error::build(format!("{DATA_VARIABLE} names no folder with a model"))
                })?;
                let files = MODEL.map(|name| data.join(name).display().to_string());
                let arguments = [MODEL[0], MODEL[1], TOKENS, "Once upon a time"];
                vec![run(&arguments, files.to_vec())]
            }
        })
    }

    /// Compiles it into a new folder.
    ///
    /// # Errors
    /// What kept it from being built.
    pub fn compile(
        self,
        context: &Context,
        compiler: &Path,
        flags: &[&str],
        folder: &Path,
    ) -> Result<()> {
        fs::create_dir_all(folder)?;
        let source = self.source(context, folder)?;
        let mut command = Command::new(compiler);
        command.args(FLAGS).arg(&source).args(["-o", self.name()]);
        command.args(flags).arg("-lm");
        let status = command.current_dir(folder).stdin(Stdio::null()).status()?;
        if status.success() {
            return Ok(());
        }
        Err(Error::build(format!(
            "{} cannot compile {}",
            compiler.display(),
            source.display()
        )))
    }

    fn source(self, context: &Context, folder: &Path) -> Result<PathBuf> {
        Ok(match self {
            Self::Functions => {
                let path = folder.join("functions.c");
                fs::write(&path, functions())?;
                path
            }
            Self::Kernels => context.root.join("bench/programs/kernels.c"),
            Self::Llama => context.root.join("examples/llama.c"),
        })
    }
}

fn data() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os(DATA_VARIABLE)?);
    let is_there = MODEL.iter().all(|name| folder.join(name).is_file());
    is_there.then_some(folder)
}

fn functions() -> String {
    let mut text = String::from("#include <stdio.h>\n");
    // Writing to a String cannot fail.
    for number in 0..FUNCTIONS {
        let _ = writeln!(
            text,
            "static unsigned f{number}(unsigned x) {{ unsigned y = x ^ {}u; if (y % {} == 0) y += {number}; \
             return y * 2654435761u + (y >> {}); }}",
            number.wrapping_mul(2_246_822_519),
            number % 7 + 2,
            number % 31 + 1
        );
    }
    text += "static unsigned (*const functions[])(unsigned) = {\n";
    for number in 0..FUNCTIONS {
        let _ = writeln!(text, "f{number},");
    }
    let _ = write!(
        text,
        "}};\nint main(void) {{\n  unsigned x = 1;\n  for (int round = 0; round < {CALLS}; round++)\n    \
         for (int i = 0; i < {FUNCTIONS}; i++) x = functions[i](x);\n  printf(\"%u\\n\", x);\n  return 0;\n}}\n"
    );
    text
}
