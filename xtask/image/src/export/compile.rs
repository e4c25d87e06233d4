//! From modules to one object file, by the tools that read the programs' bitcode.
//!
//! `llvm-link` makes one module of all and of `kernel/exported/src/program.c`; `opt` hides everything but the entry and
//! removes what nobody uses; `clang -O3` does the rest. In between the module is text, which is adapted, and to which
//! the entry is added. What was seen of the program's control flow is said there as well: then `opt` calls usual targets
//! directly and optimises as for the whole program, in the order of link-time optimisation, and `clang` generates code.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use bareflow_build::shell::shell;
use bareflow_bundle::{Bundle, MODULE};
use bareflow_driver::flags::TARGET;
use xshell::cmd;

use super::ExportError;
use super::adapt::{adapt, bounded_sections};
use super::annotate::annotate;
use super::guidance::Guidance;
use crate::context::Context;
use bareflow_build::kernel::NativeProgram;

/// What the native kernel calls.
const ENTRY: &str = "bareflow_main";
/// The program's side of `exit` and the like.
const PROGRAM_FUNCTIONS: &str = "kernel/exported/src/program.c";
/// How large a hot function may be to be inlined, in LLVM's units: between what others get at O3 (250) and what a
/// call in a hot block gets with counts of every block (3000).
const HOT_INLINE_THRESHOLD: u32 = 1000;
/// Marks functions, and removes what the entry does not reach.
const REDUCING: &str = "forceattrs,internalize,globaldce";
/// The whole program's optimisation, when its counts are known: usual targets first, so that they can be inlined.
const BY_COUNTS: &str = "pgo-icall-prom,lto-pre-link<O3>,lto<O3>";

/// A program as native code.
#[derive(Debug)]
pub struct Compiled {
    pub program: NativeProgram,
    /// Of how many functions it was known how often they run.
    pub guided_functions: usize,
}

/// One program on its way.
#[derive(Debug)]
pub struct Compilation<'a> {
    pub context: &'a Context,
    pub guidance: Option<&'a Guidance>,
    pub processor: &'a str,
    /// For what is made on the way.
    pub folder: &'a Path,
}

/// A program as one module, of which the entry is visible alone.
#[derive(Debug)]
pub struct Reduced {
    /// Its bitcode.
    pub module: PathBuf,
    /// The sections whose bounds it asks for.
    pub sections: Vec<String>,
    /// Of how many functions it was known how often they run.
    pub guided_functions: usize,
}

impl Compilation<'_> {
    /// Compiles the modules in `bundle`.
    pub fn run(&self, bundle: &Bundle) -> Result<Compiled, ExportError> {
        let reduced = self.reduced(bundle)?;
        Ok(Compiled {
            program: NativeProgram {
                objects: vec![self.generate(&reduced.module)?],
                sections: reduced.sections,
            },
            guided_functions: reduced.guided_functions,
        })
    }

    /// Makes one module of those in `bundle`.
    pub fn reduced(&self, bundle: &Bundle) -> Result<Reduced, ExportError> {
        let linked = self.link(bundle)?;
        let text = self.path("linked.ll");
        self.disassemble(&linked, &text)?;
        let sh = shell()?;
        let ir = sh.read_file(&text)?;
        check_target(&ir)?;
        let (ir, guided_functions) = match self.guidance.filter(|_| self.is_counted()) {
            Some(guidance) => {
                let annotated = annotate(&ir, &guidance.counts);
                (annotated.text, annotated.function_count)
            }
            None => (ir, 0),
        };
        let edited = adapt(&ir) + &entry(&ir)?;
        sh.write_file(&text, edited)?;
        let sections = bounded_sections(&ir);
        Ok(Reduced {
            module: self.reduce(&text)?,
            sections: sections.into_iter().map(str::to_owned).collect(),
            guided_functions,
        })
    }

    /// Whether it is known how control went.
    fn is_counted(&self) -> bool {
        let known = self.guidance.map(|guidance| &guidance.counts.flows);
        known.is_some_and(|flows| !flows.is_empty())
    }

    fn disassemble(&self, linked: &Path, text: &Path) -> Result<(), ExportError> {
        let tools = &self.context.tools;
        let mut arguments = words(&[linked, Path::new("-o"), text]);
        if !self.is_counted() {
            return run(&tools.program_dis, &arguments);
        }
        // What the programmer has expected would later take the place of what was seen.
        arguments.extend(["-S", "-passes=lower-expect"].map(OsString::from));
        run(&tools.program_opt, &arguments)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn link(&self, bundle: &Bundle) -> Result<PathBuf, ExportError> {
        let mut arguments = Vec::new();
        for (index, module) in bundle.with_prefix(MODULE).enumerate() {
            let path = self.path(&format!("{index}-{}", module.name.replace('/', "-")));
            shell()?.write_file(&path, module.contents)?;
            arguments.push(path.into());
        }
        let functions = self
            .context
            .program_compiler()
            .compile(&self.context.root.join(PROGRAM_FUNCTIONS))
            .map_err(|error| ExportError::BadProgram(error.to_string()))?;
        let path = self.path("program-functions.bc");
        shell()?.write_file(&path, functions)?;
        arguments.push(path.into());
        let output = self.path("linked.bc");
        arguments.extend(["-o".into(), output.clone().into()]);
        run(&self.context.tools.program_link, &arguments)?;
        Ok(output)
    }

    /// Marks hot and cold functions; removes what the entry does not reach; and optimises if there are counts.
    fn reduce(&self, text: &Path) -> Result<PathBuf, ExportError> {
        let output = self.path("reduced.bc");
        let mut arguments = words(&[text, Path::new("-o"), &output]);
        if self.is_counted() {
            arguments.extend([
                format!("-passes={REDUCING},{BY_COUNTS}").into(),
                // Functions that are hidden by now are meant by their own names.
                "-icp-lto".into(),
                format!("-mcpu={}", self.processor).into(),
            ]);
        } else {
            arguments.push(format!("-passes={REDUCING}").into());
        }
        arguments.push(format!("-internalize-public-api-list={ENTRY}").into());
        if let Some(guidance) = self.guidance {
            let options = self.path("attributes");
            shell()?.write_file(&options, guidance.attribute_options().join("\n"))?;
            // There can be more options than a command line holds.
            arguments.push(format!("@{}", options.display()).into());
        }
        run(&self.context.tools.program_opt, &arguments)?;
        Ok(output)
    }

    /// An object of a module.
    pub fn generate(&self, reduced: &Path) -> Result<PathBuf, ExportError> {
        let output = self.path("program.o");
        let mut arguments = self.context.program_compiler().target_arguments();
        arguments.extend(
            [
                "-O3",
                "-ffunction-sections",
                "-fdata-sections",
                // The headers are not wanted, and the triple may be spelt in another way.
                "-Wno-unused-command-line-argument",
                "-Wno-override-module",
            ]
            .map(OsString::from),
        );
        arguments.push(format!("-march={}", self.processor).into());
        if self.is_counted() {
            arguments.extend(["-Xclang", "-disable-llvm-passes"].map(OsString::from));
        } else if self.guidance.is_some() {
            let threshold = format!("-inlinehint-threshold={HOT_INLINE_THRESHOLD}");
            arguments.extend(["-mllvm".into(), threshold.into()]);
        }
        arguments.extend(["-x", "ir", "-c"].map(OsString::from));
        arguments.extend(words(&[reduced, Path::new("-o"), &output]));
        run(&self.context.tools.program_clang, &arguments)?;
        Ok(output)
    }
}

pub fn words(paths: &[&Path]) -> Vec<OsString> {
    paths.iter().map(OsString::from).collect()
}

pub fn run(program: &Path, arguments: &[OsString]) -> Result<(), ExportError> {
    let sh = shell()?;
    let command = cmd!(sh, "{program} {arguments...}").ignore_status();
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(ExportError::Tool {
        command: command.to_string(),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// As the kernels do, refuses IR for another target.
fn check_target(ir: &str) -> Result<(), ExportError> {
    let triple = ir
        .lines()
        .find_map(|line| line.strip_prefix("target triple = \""))
        .map_or("", |rest| rest.trim_end_matches('"'));
    if TARGET.is_named_by(triple) {
        return Ok(());
    }
    Err(ExportError::BadProgram(format!(
        "the IR is for target '{triple}', not for '{}'",
        TARGET.triple
    )))
}

/// The function that the kernel calls with all parameters and that returns a status, whatever `main` has of both.
fn entry(ir: &str) -> Result<String, ExportError> {
    let line = ir
        .lines()
        .find(|line| line.starts_with("define ") && line.contains(" @main("))
        .ok_or_else(|| ExportError::BadProgram("the program has no function 'main'".into()))?;
    let wrong = || {
        ExportError::BadProgram(
            "'main' must take (int, char **, char **) or fewer of them, and return int".into(),
        )
    };
    let (before, rest) = line.split_once(" @main(").ok_or_else(wrong)?;
    let result = before.rsplit(' ').next().unwrap_or_default();
    let (parameters, _) = rest.split_once(')').ok_or_else(wrong)?;
    let types: Vec<&str> = parameters
        .split(", ")
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split(' ').next().unwrap_or_default())
        .collect();
    let known = ["i32", "ptr", "ptr"];
    if !known.starts_with(&types) || !["i32", "void"].contains(&result) {
        return Err(wrong());
    }
    let arguments: Vec<String> = types
        .iter()
        .enumerate()
        .map(|(index, kind)| format!("{kind} %{index}"))
        .collect();
    let call = format!("call {result} @main({})", arguments.join(", "));
    let body = match result {
        "void" => format!("  {call}\n  ret i32 0\n"),
        _ => format!("  %status = {call}\n  ret i32 %status\n"),
    };
    Ok(format!(
        "\ndefine i32 @{ENTRY}(i32 %0, ptr %1, ptr %2) noredzone \
         !prof !{{!\"function_entry_count\", i64 1}} {{\n{body}}}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_may_leave_out_parameters_and_its_result() {
        let full =
            entry("define dso_local i32 @main(i32 noundef %0, ptr noundef %1) #0 {").unwrap();
        assert!(
            full.contains("%status = call i32 @main(i32 %0, ptr %1)\n"),
            "{full}"
        );
        assert!(full.contains("define i32 @bareflow_main(i32 %0, ptr %1, ptr %2)"));
        let none = entry("x\ndefine void @main() {").unwrap();
        assert!(
            none.contains("  call void @main()\n  ret i32 0\n"),
            "{none}"
        );
        for bad in [
            "",
            "declare i32 @main()",
            "define i64 @main() {",
            "define i32 @main(ptr %0) {",
            "define i32 @main(i32 %0, ...) {",
        ] {
            assert!(entry(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_targets_are_refused() {
        check_target(&format!("target triple = \"{}\"\n", TARGET.triple)).unwrap();
        check_target("define void @f()").unwrap();
        for bad in ["aarch64-unknown-linux-gnu", "x86_64-pc-linux-gnu"] {
            let error = check_target(&format!("target triple = \"{bad}\"\n")).unwrap_err();
            assert!(error.to_string().contains(bad));
        }
    }
}
