//! The C library: programs whose output is that of the same source built by clang for Linux, the headers in every
//! standard of C and C++, and whether every function that a header declares is there.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};

use bareflow_driver::kernel_symbols::is_provided;

use super::examples::{build_for_linux_with, difference};
use super::exported::Exported;
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Run, Subject};
use bareflow_image::program::{Program, Tier};

/// Under `tests/fixtures/libc`.
const PROGRAMS: &[&str] = &[
    "blocks",
    "language",
    "own_names",
    "printed",
    "read",
    "streams",
    "texts",
    "wide",
];

const RUNS: &[(Place, Tier)] = &[
    (Place::Hosted, Tier::Auto),
    (Place::Hosted, Tier::O0),
    (Place::Hosted, Tier::O3),
    (Place::Pvh, Tier::Auto),
];

/// Of the machine that exported programs run in.
const EXPORTED_MEMORY_MIB: u32 = 64;

/// The headers that clang brings.
const COMPILER_HEADERS: &[&str] = &[
    "float.h",
    "iso646.h",
    "stdalign.h",
    "stdarg.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdnoreturn.h",
];
/// Those of C alone: C++ has headers of its own under these names.
const NOT_IN_CXX: &[&str] = &[
    "complex.h",
    "stdalign.h",
    "stdnoreturn.h",
    "tgmath.h",
    "threads.h",
];

const C_STANDARDS: &[&str] = &["gnu89", "c89", "c99", "c11", "c17", "gnu2x"];
const CXX_STANDARDS: &[&str] = &["c++98", "c++17", "c++20"];

/// The tests of the C library.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    for &name in PROGRAMS {
        let compared: Arc<OnceLock<Result<Compared, String>>> = Arc::default();
        for &(place, tier) in RUNS {
            let (subject, compared) = (Arc::clone(subject), Arc::clone(&compared));
            let test_name = format!("libc::{name}::{}::{}", place.name(), tier.name());
            tests.push(Test::new(test_name, move || {
                Outcome::from(
                    compared
                        .get_or_init(|| Compared::build(&subject, name))
                        .as_ref()
                        .map_err(Clone::clone)
                        .and_then(|compared| compared.check(&subject, place, tier)),
                )
            }));
        }
    }
    let mut add = |name: &str, check: fn(&Subject) -> Result<(), String>| {
        let subject = Arc::clone(subject);
        tests.push(Test::new(format!("libc::{name}"), move || {
            Outcome::from(check(&subject))
        }));
    };
    // What a linker does for programs, done by one.
    add("language::exported", |subject| {
        Compared::build(subject, "language")?.check_exported(subject)
    });
    add("headers", check_headers);
    add("declared", check_declared);
    tests
}

/// A program, and what it prints on Linux.
struct Compared {
    program: Program,
    expected: Vec<u8>,
}

impl Compared {
    fn build(subject: &Subject, name: &str) -> Result<Self, String> {
        let source = subject
            .context
            .root
            .join(format!("tests/fixtures/libc/{name}.c"));
        let executable = subject.fresh_path(name);
        let clang = &subject.context.tools.program_clang;
        build_for_linux_with(
            &["-O0", "-w"],
            clang,
            std::slice::from_ref(&source),
            &executable,
        )?;
        let output = Command::new(&executable)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("on Linux it ended with {}", output.status));
        }
        Ok(Self {
            program: Program::build(&[source], &subject.compiler)
                .map_err(|error| error.to_string())?,
            expected: output.stdout,
        })
    }

    fn check(&self, subject: &Subject, place: Place, tier: Tier) -> Result<(), String> {
        let run = subject.run(
            place,
            &self.program.bundle(&[], tier),
            Conditions::default(),
        )?;
        self.compare(&run)
    }

    fn check_exported(&self, subject: &Subject) -> Result<(), String> {
        let bundle = self.program.bundle(&[], Tier::Auto);
        let exported = Exported::of(subject, &bundle, None).map_err(|error| error.to_string())?;
        self.compare(&exported.run(subject, EXPORTED_MEMORY_MIB)?.0)
    }

    fn compare(&self, run: &Run) -> Result<(), String> {
        match difference(&self.expected, &run.output) {
            None if run.ending.code == 0 => Ok(()),
            difference => Err(format!(
                "{}\n{}",
                difference.unwrap_or_default(),
                run.describe()
            )),
        }
    }
}

/// Every header of programs, by the name that it is included by.
fn headers(subject: &Subject) -> Result<Vec<String>, String> {
    let folder = subject.context.root.join("sysroot/program/include");
    let mut names: Vec<String> = COMPILER_HEADERS
        .iter()
        .copied()
        .map(str::to_owned)
        .collect();
    for part in ["", "sys/"] {
        let entries = fs::read_dir(folder.join(part)).map_err(|error| error.to_string())?;
        for entry in entries {
            let name = entry.map_err(|error| error.to_string())?.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".h") && !name.starts_with('_') {
                names.push(format!("{part}{name}"));
            }
        }
    }
    names.sort();
    Ok(names)
}

/// What clang makes of a text that includes these headers.
fn compile(
    subject: &Subject,
    headers: &[String],
    arguments: &[&str],
    standard: &str,
) -> Result<Output, String> {
    let is_cxx = standard.starts_with("c++");
    let source = subject.fresh_path(if is_cxx { "headers.cpp" } else { "headers.c" });
    let text: String = headers
        .iter()
        .map(|header| format!("#include <{header}>\n"))
        .collect();
    fs::write(&source, text + "int main(void) { return 0; }\n")
        .map_err(|error| error.to_string())?;
    let mut command = Command::new(&subject.context.tools.program_clang);
    command.args(subject.compiler.target_arguments());
    if is_cxx {
        command.arg("-nostdinc++");
    }
    command
        .args(["-fsyntax-only", "-pedantic-errors", "-Werror"])
        .args(arguments)
        .arg(format!("-std={standard}"))
        .arg(&source)
        .output()
        .map_err(|error| error.to_string())
}

fn check_headers(subject: &Subject) -> Result<(), String> {
    let all = headers(subject)?;
    for standard in C_STANDARDS.iter().chain(CXX_STANDARDS) {
        let mut wanted = all.clone();
        if standard.starts_with("c++") {
            wanted.retain(|name| !NOT_IN_CXX.contains(&name.as_str()));
        }
        let alone = wanted.chunks(1);
        for headers in alone.chain([wanted.as_slice()]) {
            let output = compile(subject, headers, &[], standard)?;
            if !output.status.success() {
                let messages = String::from_utf8_lossy(&output.stderr);
                return Err(format!(
                    "<{}> as {standard}:\n{messages}",
                    headers.join(">, <")
                ));
            }
        }
    }
    Ok(())
}

/// The functions that a program can call of those that clang lists, by the names that the linker sees.
fn declared_functions(tree: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_declaration = false;
    for line in tree.lines() {
        if let Some(declaration) = line
            .strip_prefix("|-FunctionDecl ")
            .or_else(|| line.strip_prefix("`-FunctionDecl "))
        {
            let (head, kind) = declaration.split_once(" '").unwrap_or((declaration, ""));
            is_declaration = !kind.ends_with(" inline") && !kind.contains(" static");
            if is_declaration {
                names.extend(head.rsplit(' ').next());
            }
        } else if is_declaration && line.contains("AsmLabelAttr") {
            names.pop();
            names.extend(line.split('"').nth(1));
        } else if line.starts_with("|-") {
            is_declaration = false;
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn check_declared(subject: &Subject) -> Result<(), String> {
    let dump = ["-Xclang", "-ast-dump", "-D_GNU_SOURCE"];
    let output = compile(subject, &headers(subject)?, &dump, "gnu17")?;
    let tree = String::from_utf8_lossy(&output.stdout);
    let declared = declared_functions(&tree);
    if declared.len() < 500 {
        return Err(format!("only {} functions are declared", declared.len()));
    }
    let missing: Vec<&str> = declared
        .into_iter()
        // What generated headers declare wrongly is given another name there, which nobody uses; inline functions of
        // headers use what the compiler itself has.
        .filter(|name| *name != "main" && !name.starts_with("__bareflow_wrong_"))
        .filter(|name| !name.starts_with("__builtin_"))
        .filter(|name| !is_provided(name))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("declared and missing: {}", missing.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::declared_functions;

    #[test]
    fn functions_are_found_in_the_tree() {
        let tree = "TranslationUnitDecl 0x1\n\
            |-TypedefDecl 0x2 <a.h:1:1> col:1 x 'int'\n\
            |-FunctionDecl 0x3 <a.h:2:1, col:20> col:5 puts 'int (const char *)' extern\n\
            | `-ParmVarDecl 0x4 <col:9> col:19 'const char *'\n\
            |-FunctionDecl 0x5 prev 0x3 <a.h:3:1> col:7 basename 'char *(char *)'\n\
            | `-AsmLabelAttr 0x6 <col:30> \"__xpg_basename\" IsLiteralLabel\n\
            |-FunctionDecl 0x7 <a.h:4:1> col:9 own 'int (void)' static inline\n\
            `-FunctionDecl 0x8 <t.c:1:1> col:5 main 'int (void)'\n";
        assert_eq!(declared_functions(tree), ["__xpg_basename", "main", "puts"]);
    }
}
