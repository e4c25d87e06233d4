//! A program that is compiled while it runs, in a kernel without LLVM.
//!
//! `opt` optimises the program as a whole. The hosted kernel translates each of its functions into the low-level IR; what
//! the code generator refuses stays, and is compiled ahead of time with the program's variables. What is linked with the
//! kernel is that, the functions' low-level IR, and what leads to their code when there is some
//! (`kernel/jit/src/program.rs`).

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bareflow_build::kernel::{JitGenerator, KernelKind, LlvmExtent, NativeProgram};
use bareflow_build::process::{Input, Output, Recorder, Streams};
use bareflow_build::shell::shell;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_bundle::{Builder, Bundle, MODULE, TRANSLATE};
use bareflow_lir::{Binding, Refused, Translation};
use bareflow_run::launch::Runner;
use bareflow_snapshot::BASELINE;
use object::read::archive::ArchiveFile;

use super::adapt::{LOCAL, defined_name, renamed};
use super::compile::{Compilation, run, words};
use super::{ExportError, system};
use crate::context::Context;

/// What is done once for all functions, before they are translated. Vectors would be taken apart again.
const OPTIMISING: &str = "-passes=default<O2>,name-anon-globals";
const WITHOUT_VECTORS: [&str; 2] = ["-vectorize-loops=false", "-vectorize-slp=false"];
/// A translation of a large program takes seconds.
const TIMEOUT: Duration = Duration::from_secs(1200);
const RECORD_LIMIT_BYTES: usize = 1 << 20;

/// A program to be compiled while it runs.
#[derive(Clone, Copy, Debug)]
pub struct JitProgram<'a> {
    /// Its modules.
    pub bundle: &'a Bundle<'a>,
    /// What compiles it.
    pub generator: JitGenerator,
    /// How many calls of a function, and rounds of its loops, there are before the optimiser compiles it.
    pub promotion: u32,
    /// Whether it is a Linux process, rather than a machine.
    pub is_hosted: bool,
}

/// The default of [`JitProgram::promotion`].
pub const DEFAULT_PROMOTION: u32 = 10_000;

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// How many functions are compiled while it runs.
    pub function_count: usize,
    /// The others, which are compiled ahead of time.
    pub refused: Vec<Refused>,
}

impl fmt::Display for Translated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (translated, refused) = (self.function_count, self.refused.len());
        write!(
            formatter,
            "{translated} functions are compiled while the program runs, {refused} are compiled already"
        )?;
        for Refused { name, reason } in &self.refused {
            write!(formatter, "\n  {name}: {reason}")?;
        }
        Ok(())
    }
}

/// Links the program with a kernel that compiles it, as `kernel`.
///
/// # Errors
/// [`ExportError`].
pub fn build_jit_kernel(
    context: &Context,
    program: &JitProgram,
    kernel: &Path,
) -> Result<Translated, ExportError> {
    let folder = TemporaryFolder::new("jit").map_err(system("cannot make a temporary folder"))?;
    let compilation = Compilation {
        context,
        guidance: None,
        processor: BASELINE,
        folder: folder.path(),
    };
    let making = Making {
        compilation,
        program,
    };
    if let Some(folder) = kernel.parent() {
        shell()?.create_dir(folder)?;
    }
    making.run(kernel)
}

/// A module that can be taken apart.
struct Visible {
    module: PathBuf,
    /// What has other names than before.
    renamed: BTreeSet<String>,
}

struct Making<'a> {
    compilation: Compilation<'a>,
    program: &'a JitProgram<'a>,
}

impl Making<'_> {
    fn run(&self, kernel: &Path) -> Result<Translated, ExportError> {
        let kind = match self.program.is_hosted {
            true => KernelKind::JitHosted(self.program.generator),
            false => KernelKind::Jit(self.program.generator),
        };
        let builder = self.compilation.context.kernel_builder_of_all();
        let reduced = self.compilation.reduced(self.program.bundle)?;
        let taken = names_in(&builder.native_archives(kind)?)?;
        let Visible { module, renamed } =
            self.visible(&self.optimised(&reduced.module)?, &taken)?;
        let mut translation = self.translated(&module)?;
        for symbol in &mut translation.symbols {
            // Of what stands for an operation, the program may have a definition of its own.
            if renamed.contains(&symbol.name) {
                symbol.name.push_str(LOCAL);
            }
        }
        let native = NativeProgram {
            objects: vec![
                self.compilation
                    .generate(&self.rest(&module, &translation)?)?,
                self.linked_part(&translation)?,
            ],
            sections: reduced.sections,
        };
        builder.build_native(kind, &native, kernel)?;
        Ok(Translated {
            function_count: translation.functions.len(),
            refused: translation.refused,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.compilation.path(name)
    }

    fn optimised(&self, module: &Path) -> Result<PathBuf, ExportError> {
        let output = self.path("optimised.ll");
        let mut arguments = words(&[module, Path::new("-o"), &output]);
        arguments.extend(["-S", OPTIMISING].map(Into::into));
        arguments.extend(WITHOUT_VECTORS.map(Into::into));
        run(&self.compilation.context.tools.program_opt, &arguments)?;
        Ok(output)
    }

    /// The module, with everything in it visible to the other parts that are linked.
    fn visible(&self, text: &Path, taken: &BTreeSet<String>) -> Result<Visible, ExportError> {
        let sh = shell()?;
        let ir = sh.read_file(text)?;
        let renamed = clashing(&ir, taken);
        let edited = self.path("visible.ll");
        sh.write_file(&edited, visible(&ir, &renamed))?;
        let output = self.path("visible.bc");
        let mut arguments = words(&[&edited, Path::new("-o"), &output]);
        arguments.push("-passes=verify".into());
        run(&self.compilation.context.tools.program_opt, &arguments)?;
        Ok(Visible {
            module: output,
            renamed: renamed.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Has the hosted kernel translate what it can.
    fn translated(&self, module: &Path) -> Result<Translation, ExportError> {
        let generator = self.program.generator;
        let context = self.compilation.context;
        let kernel = context
            .kernel_builder_of_all()
            .build(KernelKind::Hosted, LlvmExtent::Full)?;
        let mut builder = Builder::default();
        builder.add(TRANSLATE, generator.name().as_bytes());
        let bitcode = shell()?.read_binary_file(module)?;
        builder.add(&format!("{MODULE}program"), &bitcode);
        let bundle = self.path("bundle");
        shell()?.write_file(&bundle, builder.finish())?;
        let runner = Runner::Hosted {
            executable: kernel,
            bundle,
            memory_mib: None,
            disk: None,
        };
        let log = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
        let streams = Streams {
            input: Input::Empty,
            output: Output::To(io::sink()),
            errors: Output::To(log.clone()),
        };
        let output = self.path("translation");
        let ending = runner.run_with(TIMEOUT, streams, Some(&output));
        let ending = ending.map_err(|error| ExportError::BadProgram(error.to_string()))?;
        let bytes = fs::read(&output).unwrap_or_default();
        match Translation::decode(&bytes) {
            Ok(translation) if ending.code == 0 => Ok(translation),
            _ => {
                let log = String::from_utf8_lossy(&log.bytes()).into_owned();
                let reason = ending.note.unwrap_or(log);
                Err(ExportError::BadProgram(format!(
                    "the program cannot be translated: {}",
                    reason.trim_end()
                )))
            }
        }
    }

    /// The module without what was translated.
    fn rest(&self, whole: &Path, translation: &Translation) -> Result<PathBuf, ExportError> {
        let functions: String = names_of(translation)
            .map(|name| format!("--func={}\n", quoted(name)))
            .collect();
        let list = self.path("functions");
        // There can be more than a command line holds.
        shell()?.write_file(&list, functions)?;
        let output = self.path("rest.bc");
        let mut arguments = words(&[whole, Path::new("-o"), &output]);
        arguments.push("--delete".into());
        arguments.push(format!("@{}", list.display()).into());
        run(&self.compilation.context.tools.program_extract, &arguments)?;
        Ok(output)
    }

    /// What leads to the code of translated functions, and they themselves.
    fn linked_part(&self, translation: &Translation) -> Result<PathBuf, ExportError> {
        let bytes = self.path("program.lir");
        let functions = translation.functions.iter();
        let all: Vec<u8> = functions
            .flat_map(|function| &function.bytes)
            .copied()
            .collect();
        let sh = shell()?;
        sh.write_file(&bytes, all)?;
        let source = self.path("program.s");
        sh.write_file(
            &source,
            assembly(translation, &bytes, self.program.promotion),
        )?;
        let output = self.path("linked-part.o");
        let mut arguments = self
            .compilation
            .context
            .program_compiler()
            .target_arguments();
        arguments.extend(["-Wno-unused-command-line-argument", "-c"].map(Into::into));
        arguments.extend(words(&[&source, Path::new("-o"), &output]));
        run(&self.compilation.context.tools.program_clang, &arguments)?;
        Ok(output)
    }
}

fn names_of(translation: &Translation) -> impl Iterator<Item = &str> {
    let functions = translation.functions.iter();
    functions.map(|function| &*translation.symbols[function.symbol.0 as usize].name)
}

/// For response files and assembler.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The names that archives define.
fn names_in(archives: &[PathBuf]) -> Result<BTreeSet<String>, ExportError> {
    let mut names = BTreeSet::new();
    for path in archives {
        let bytes = shell()?.read_binary_file(path)?;
        let wrong = |error: object::Error| ExportError::System {
            what: format!("{}", path.display()),
            source: io::Error::other(error),
        };
        let archive = ArchiveFile::parse(&*bytes).map_err(wrong)?;
        let symbols = archive.symbols().map_err(wrong)?;
        for symbol in symbols.into_iter().flatten() {
            let symbol = symbol.map_err(wrong)?;
            names.insert(String::from_utf8_lossy(symbol.name()).into_owned());
        }
    }
    Ok(names)
}

/// Local functions and variables that have names of the kernel's.
fn clashing<'a>(ir: &'a str, taken: &BTreeSet<String>) -> BTreeSet<&'a str> {
    let local = ir.lines().filter(|line| local_word(line).is_some());
    local
        .filter_map(|line| defined_name(line).or_else(|| variable_name(line)))
        .filter(|name| taken.contains(*name))
        .collect()
}

/// The module's text, with hidden functions and variables in the place of local ones, and other names for those that clash.
fn visible(ir: &str, clashing: &BTreeSet<&str>) -> String {
    let mut text = String::with_capacity(ir.len());
    for line in ir.lines() {
        let line = match local_word(line) {
            Some(word) => line.replacen(word, "hidden", 1),
            None => line.to_owned(),
        };
        text.push_str(&renamed(&line, clashing));
        text.push('\n');
    }
    text
}

fn variable_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('@')?.split_once(" = ")?;
    Some(name)
}

/// The word that makes a definition local to its module.
fn local_word(line: &str) -> Option<&'static str> {
    let rest = match line.strip_prefix("define ") {
        Some(rest) => rest,
        None if line.starts_with('@') => line.split_once(" = ")?.1,
        None => return None,
    };
    ["internal", "private"].into_iter().find(|word| {
        rest.strip_prefix(word)
            .is_some_and(|rest| rest.starts_with(' '))
    })
}

/// For `kernel/jit/src/program.rs`.
fn assembly(translation: &Translation, bytes: &Path, promotion: u32) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut line = |line: std::fmt::Arguments| {
        let _ = text.write_fmt(line);
        text.push('\n');
    };
    let count = translation.functions.len();
    line(format_args!(".text"));
    for (number, name) in names_of(translation).map(quoted).enumerate() {
        line(format_args!(
            ".globl {name}\n.hidden {name}\n.type {name}, @function"
        ));
        line(format_args!(".p2align 4\n{name}:"));
        line(format_args!(
            "jmpq *bareflow_jit_slots+{}(%rip)",
            number * 8
        ));
        line(format_args!(
            ".Lfirst{number}:\npushq ${number}\njmp bareflow_jit_enter"
        ));
        line(format_args!(".size {name}, . - {name}"));
    }
    line(format_args!(
        ".data\n.p2align 3\n.globl bareflow_jit_slots\nbareflow_jit_slots:"
    ));
    for number in 0..count {
        line(format_args!(".quad .Lfirst{number}"));
    }
    line(format_args!(
        ".globl bareflow_jit_counters\nbareflow_jit_counters:"
    ));
    line(format_args!(".fill {count}, 4, {promotion}"));
    line(format_args!(".section .rodata\n.p2align 3"));
    for (name, number) in [
        ("function_count", count),
        ("symbol_count", translation.symbols.len()),
    ] {
        line(format_args!(
            ".globl bareflow_jit_{name}\nbareflow_jit_{name}: .quad {number}"
        ));
    }
    line(format_args!(
        ".globl bareflow_jit_functions\nbareflow_jit_functions:"
    ));
    let mut start = 0;
    for (number, function) in translation.functions.iter().enumerate() {
        let size = function.bytes.len();
        line(format_args!(
            ".quad .Lbytes+{start}, {size}, .Lname{number}"
        ));
        start += size;
    }
    line(format_args!(
        ".globl bareflow_jit_symbols\nbareflow_jit_symbols:"
    ));
    for symbol in &translation.symbols {
        let name = quoted(&symbol.name);
        if symbol.binding == Binding::Weak {
            line(format_args!(".weak {name}"));
        }
        line(format_args!(".quad {name}"));
    }
    for (number, name) in names_of(translation).map(quoted).enumerate() {
        line(format_args!(".Lname{number}: .asciz {name}"));
    }
    line(format_args!(
        ".Lbytes: .incbin {}",
        quoted(&bytes.to_string_lossy())
    ));
    text
}
