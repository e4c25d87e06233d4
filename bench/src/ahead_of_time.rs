//! Programs compiled ahead of time, by the host's clang: what the tiers are compared with.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSection, SectionKind};

use bareflow_build::shell;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Module, Program};
use bareflow_targets::DEFAULT;

/// How hard clang tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimisation {
    /// `-O2`
    O2,
    /// `-O3 -march=native`
    O3Native,
}

impl Optimisation {
    /// Its flags.
    pub const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::O2 => &["-O2"],
            Self::O3Native => &["-O3", "-march=native"],
        }
    }
}

/// A program for Linux.
#[derive(Clone, Debug)]
pub struct Executable {
    /// Its file.
    pub path: PathBuf,
    /// The code that clang made of the source, without what was linked to it.
    pub code_bytes: u64,
}

/// Compiles and links for Linux. As in the programs for the kernels, every operation is rounded.
///
/// # Errors
/// What clang said.
pub fn build(
    context: &Context,
    source: &Path,
    optimisation: Optimisation,
    folder: &Path,
) -> Result<Executable> {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let path = folder.join(format!("{stem}{}", optimisation.flags().concat()));
    let object = path.with_extension("o");
    let mut arguments = flags(optimisation);
    arguments.extend(["-c", "-o"].map(OsString::from));
    arguments.extend([object.clone().into(), source.into()]);
    clang(context, &arguments)?;
    clang(
        context,
        &[
            "-o".into(),
            path.clone().into(),
            object.clone().into(),
            "-lm".into(),
        ],
    )?;
    let data = fs::read(&object)?;
    let code_bytes = code_bytes(&data)
        .map_err(|error| Error::build(format!("cannot read {}: {error}", object.display())))?;
    Ok(Executable { path, code_bytes })
}

/// The same of several sources and with these libraries, to `path`.
///
/// # Errors
/// What clang said.
pub fn build_from(
    context: &Context,
    sources: &[PathBuf],
    optimisation: Optimisation,
    libraries: &[&str],
    path: &Path,
) -> Result<()> {
    let mut arguments = flags(optimisation);
    arguments.extend(["-o".into(), path.into()]);
    arguments.extend(sources.iter().map(Into::into));
    arguments.extend(libraries.iter().map(OsString::from));
    clang(context, &arguments)
}

fn flags(optimisation: Optimisation) -> Vec<OsString> {
    let flags = optimisation.flags().iter().chain(&["-ffp-contract=off"]);
    flags.map(OsString::from).collect()
}

fn code_bytes(object: &[u8]) -> std::result::Result<u64, object::Error> {
    let file = object::File::parse(object)?;
    Ok(file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .map(|section| section.size())
        .sum())
}

/// A program for the kernels that is nothing but the assembly code which `clang -O2` makes of the source,
/// and a `main` that goes there.
///
/// # Errors
/// What clang said.
pub fn embed(context: &Context, source: &Path, folder: &Path) -> Result<Program> {
    let assembly = folder.join("embedded.s");
    let compiler = context.program_compiler();
    let mut arguments = compiler.target_arguments();
    arguments
        .extend(["-S", "-fno-addrsig", "-DROUNDS_MAIN=ahead_of_time", "-o"].map(OsString::from));
    arguments.extend([assembly.clone().into(), source.into()]);
    clang(context, &arguments)?;
    let text = embedding(&fs::read_to_string(&assembly)?);
    Ok(Program {
        name: "embedded".into(),
        modules: vec![Module {
            name: "embedded.ll".into(),
            bytes: text.into_bytes(),
        }],
        environment: BTreeMap::new(),
        files: Vec::new(),
    })
}

/// Calls with an aligned stack; the callee keeps what the System V convention tells it to.
const MAIN: &str = r#"
define i32 @main(i32 %count, ptr %arguments) {
  %status = call i32 asm sideeffect
    "movq %rsp, %rbx\0Aandq $$-16, %rsp\0Acallq ahead_of_time\0Amovq %rbx, %rsp",
    "={ax},{di},{si},~{rbx},~{rcx},~{rdx},~{rdi},~{rsi},~{r8},~{r9},~{r10},~{r11},~{xmm0},~{xmm1},~{xmm2},~{xmm3},~{xmm4},~{xmm5},~{xmm6},~{xmm7},~{xmm8},~{xmm9},~{xmm10},~{xmm11},~{xmm12},~{xmm13},~{xmm14},~{xmm15},~{memory},~{flags}"
    (i32 %count, ptr %arguments)
  ret i32 %status
}
"#;

fn embedding(assembly: &str) -> String {
    let mut text = format!("target triple = \"{}\"\n", DEFAULT.triple);
    for line in assembly.lines() {
        let line = line
            .replace('\\', "\\5C")
            .replace('"', "\\22")
            .replace('\t', "\\09");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "module asm \"{line}\"");
    }
    text + MAIN
}

fn clang(context: &Context, arguments: &[OsString]) -> Result<()> {
    let program = &context.tools.program_clang;
    let mut command = Command::new(program);
    let output = command
        .args(arguments)
        .output()
        .map_err(|error| Error::build(format!("cannot start {}: {error}", program.display())))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::build(format!(
        "{} failed\n{}",
        shell::display(&command),
        String::from_utf8_lossy(&output.stderr)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assembly_is_quoted_as_ir_wants_it() {
        let text = embedding("a:\n\t.asciz\t\"x\\n\"\n");
        assert!(text.contains("module asm \"a:\"\n"));
        assert!(text.contains("module asm \"\\09.asciz\\09\\22x\\5Cn\\22\"\n"));
    }
}
