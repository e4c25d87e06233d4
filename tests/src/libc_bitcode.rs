//! The C library as bitcode: what it defines, what it must not hold, and that it links.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::downstream::finish;
use super::subject::Subject;
use bareflow_build::kernel::KernelKind;
use bareflow_targets::DEFAULT;

/// Functions that programs call in loops.
const REQUIRED: &[&str] = &[
    "floor", "isdigit", "memcmp", "memcpy", "memmove", "memset", "tolower",
];
/// Those of them whose loops must not be recognised as calls of themselves. The attribute for that keeps
/// a function from being inlined, so the others must not have it.
const KEEP_NO_BUILTINS: &[&str] = &["memcmp", "memcpy", "memmove", "memset"];
const NO_BUILTINS: &str = "\"no-builtins\"";

/// Checks `lib/libc.bc`.
pub fn check(subject: &Subject) -> Result<(), String> {
    let lib = subject.context.sdk.join("lib");
    let bitcode = lib.join("libc.bc");
    let defined = defined_names(subject, &[&bitcode])?;
    for name in REQUIRED {
        if !defined.contains(*name) {
            return Err(format!("{name} is not defined"));
        }
    }
    let compiled = defined_names(subject, &[&lib.join("libc.a"), &lib.join("libm.a")])?;
    let additional: Vec<_> = defined.difference(&compiled).collect();
    if !additional.is_empty() {
        return Err(format!("neither libc.a nor libm.a defines {additional:?}"));
    }
    let mut print = Command::new(&subject.context.tools.program_dis);
    let text = finish(print.args(["-o", "-"]).arg(&bitcode).output(), "llvm-dis")?;
    check_text(&text)?;
    check_link(subject, &text)?;
    eprintln!("libc.bc defines {} functions", defined.len());
    Ok(())
}

fn defined_names(subject: &Subject, files: &[&Path]) -> Result<BTreeSet<String>, String> {
    let mut list = Command::new(&subject.context.tools.nm);
    list.args(["--defined-only", "--extern-only", "--format=just-symbols"])
        .args(files);
    let text = finish(list.output(), "llvm-nm")?;
    Ok(text
        .lines()
        // Members of archives have headings.
        .filter(|line| !line.is_empty() && !line.ends_with(':'))
        .map(str::to_owned)
        .collect())
}

/// What the printed module must say, and what it must not.
fn check_text(text: &str) -> Result<(), String> {
    let triple = format!("target triple = \"{}\"", DEFAULT.triple);
    if !text.lines().any(|line| line == triple) {
        return Err(format!("there is no line {triple}"));
    }
    for unwanted in ["!DICompileUnit", "llvm.dbg.", "!llvm.ident", " alias "] {
        if text.contains(unwanted) {
            return Err(format!("{unwanted} is in it"));
        }
    }
    for (name, linkage) in text.lines().filter_map(variable) {
        let is_changed = text.lines().any(|line| {
            mentions(line, name) && variable(line).is_none() && !line.contains(" = load ")
        });
        if linkage != "external" && is_changed {
            return Err(format!("the variable {name} can change"));
        }
    }
    for name in REQUIRED {
        let attributes = attributes_of(text, name).ok_or(format!("{name} has no attributes"))?;
        if attributes.contains(NO_BUILTINS) != KEEP_NO_BUILTINS.contains(name) {
            return Err(format!("{name} has the attributes {attributes}"));
        }
        if !attributes.contains("\"target-cpu\"=\"x86-64\"") {
            return Err(format!("{name} is for another processor: {attributes}"));
        }
    }
    Ok(())
}

/// The name and the linkage of the variable that a line defines or declares; constants are none.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, definition) = line.strip_prefix('@')?.split_once(" = ")?;
    definition
        .split(' ')
        .any(|word| word == "global")
        .then(|| (name, definition.split(' ').next().unwrap_or_default()))
}

fn mentions(line: &str, name: &str) -> bool {
    line.split('@').skip(1).any(|rest| {
        rest.strip_prefix(name).is_some_and(|rest| {
            !rest.starts_with(|next: char| next.is_alphanumeric() || "._$".contains(next))
        })
    })
}

/// The group of attributes of a function that is defined in the printed module.
fn attributes_of<'a>(text: &'a str, function: &str) -> Option<&'a str> {
    let start = format!("@{function}(");
    let definition = text
        .lines()
        .find(|line| line.starts_with("define ") && line.contains(&start))?;
    let group = definition
        .split(' ')
        .find(|word| word.len() > 1 && word.starts_with('#'))?;
    let start = format!("attributes {group} = ");
    text.lines().find_map(|line| line.strip_prefix(&start))
}

/// Instead of the members of the archives, and with the rest of a kernel: the linker refuses undefined and
/// duplicate symbols. What the kernel has itself is weak for that.
fn check_link(subject: &Subject, text: &str) -> Result<(), String> {
    let builder = subject.context.kernel_builder();
    let library = builder
        .compile(KernelKind::Hosted)
        .map_err(|error| error.to_string())?;
    let is_replaced = |line: &str| {
        let mut names = super::distribution::REPLACED.iter();
        line.starts_with("define ") && names.any(|name| line.contains(&format!("@{name}(")))
    };
    let weak: String = text
        .lines()
        .map(|line| match line.strip_prefix("define ") {
            Some(rest) if is_replaced(line) => format!("define weak {rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let source = subject.fresh_path("libc.ll");
    fs::write(&source, weak).map_err(|error| error.to_string())?;
    let object = subject.fresh_path("libc.o");
    let mut generate = Command::new(&subject.context.tools.program_clang);
    generate.arg("-c").arg("-o").arg(&object).arg(&source);
    finish(generate.output(), "clang -c libc.ll")?;
    let mut link = Command::new(&builder.lld);
    link.args(["-static", "-nostdlib", "-z", "noexecstack"])
        .args(["--error-limit=0", "--gc-sections", "-T"])
        .arg(builder.root.join("kernel/hosted/link.ld"))
        .arg("-o")
        .arg(subject.fresh_path("with-libc"))
        .args([library, object])
        .args(super::distribution::linked_archives(&builder)?);
    finish(link.output(), "ld.lld").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_from_constants_and_from_longer_names() {
        assert_eq!(
            variable("@x = internal unnamed_addr global float 0.0, align 4"),
            Some(("x", "internal"))
        );
        assert_eq!(variable("@x = internal constant i32 1, align 4"), None);
        assert_eq!(variable("  store i32 1, ptr @x, align 4"), None);
        assert!(mentions("  store i32 1, ptr @x, align 4", "x"));
        assert!(!mentions("  store i32 1, ptr @x.1, align 4", "x"));
    }

    #[test]
    fn attributes_are_those_of_the_functions_group() {
        let text = "define dso_local i64 @strlen(ptr %0) local_unnamed_addr #1 {\n\
                    attributes #1 = { nounwind }\nattributes #10 = { cold }\n";
        assert_eq!(attributes_of(text, "strlen"), Some("{ nounwind }"));
        assert_eq!(attributes_of(text, "strnlen"), None);
    }
}
