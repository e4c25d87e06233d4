//! A program of many small functions, each of which is called a few times: what nobody should compile well.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::e2e::real::build::Built;
use crate::e2e::real::table::Run;
use crate::error::{Error, Result};
use crate::workbench::Workbench;

/// What it is called where projects are named.
pub const NAME: &str = "functions";
const FUNCTIONS: u32 = 5_000;
const CALLS: u32 = 20;
const SOURCE: &str = "functions.c";

/// The program, built for Linux and for BareFlow in folders of this one, and its only run.
///
/// # Errors
/// What kept it from being built.
pub fn build(bench: &Workbench, folder: &Path) -> Result<(Built, Run)> {
    let built = Built {
        linux: folder.join("linux"),
        bareflow: folder.join("bareflow"),
        inputs: folder.join("inputs"),
    };
    compile(&bench.tools.program_clang, &["-O2"], &built.linux)?;
    compile(
        &bench.sdk.join("bin/bareflow-cc"),
        &["-O2"],
        &built.bareflow,
    )?;
    let run = Run {
        program: NAME.into(),
        arguments: Vec::new(),
        files: Vec::new(),
        stdin: None,
    };
    Ok((built, run))
}

/// Compiles it into a new folder.
///
/// # Errors
/// What kept it from being built.
pub fn compile(compiler: &Path, flags: &[&str], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(SOURCE), source())?;
    let mut command = Command::new(compiler);
    command.args(["-w", SOURCE, "-o", NAME]).args(flags);
    let status = command.current_dir(folder).stdin(Stdio::null()).status()?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Build(format!(
        "{} cannot compile {SOURCE}",
        compiler.display()
    )))
}

fn source() -> String {
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
