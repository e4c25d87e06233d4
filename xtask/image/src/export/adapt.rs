//! The program's module, as text, made fit for the final compilation. The engine does the same when it reads IR
//! (`kernel/engine/cpp/{adapt,library_functions}.cpp`).
//!
//! 1. The front end's processor is forgotten: without it the code is for the compiler's `-march`.
//! 2. No function has a red zone, nor checks that need a runtime of their own.
//! 3. What lies in a section whose bounds the program asks for is kept there, and nothing else is in a section with a
//!    name of the program's.
//! 4. The program's own definitions of the C library's functions are kept, also for calls that the code generator makes,
//!    and the optimiser does not take them for the library's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bareflow_driver::assembly::WANTS;

use super::library::is_library_function;

/// Attributes with values that the front end gives every function.
const PROCESSOR_ATTRIBUTES: [&str; 3] = ["target-cpu", "target-features", "tune-cpu"];
/// Checks whose runtime is not there.
const CHECKS: [&str; 5] = ["ssp", "sspstrong", "sspreq", "safestack", "shadowcallstack"];
/// What LLVM up to 18 takes for a variable character above 127 in a constant string is wrong
/// (<https://github.com/llvm/llvm-project/pull/106121>).
const WRONGLY_OPTIMISED: &str = "memchr";
/// What names get that others have too.
pub const LOCAL: &str = ".local";
const KEPT: &str = "@llvm.compiler.used = appending global [";

/// The module with other attributes, and with its own library functions marked as used.
pub fn adapt(ir: &str) -> String {
    let own = own_library_functions(ir);
    let mut kept = own.clone();
    kept.extend(wanted_by_assembly(ir));
    let sections = bounded_sections(ir);
    kept.extend(variables_in(ir, &sections));
    let local = local_library_functions(ir);
    let added = added_attributes(&own);
    let new_group = next_group(ir);
    let mut text = String::with_capacity(ir.len() + 4096);
    let mut needs_group = false;
    let mut has_kept = false;
    for line in ir.lines() {
        let line = without_other_section(&renamed(line, &local), &sections);
        if line.starts_with("attributes #") {
            text.push_str(&with_other_attributes(&line, &added));
        } else if line.starts_with("define ") {
            let place = place_of_attributes(&line);
            match place {
                Some(place) if !line[place..].starts_with(" #") => {
                    needs_group = true;
                    // Writing to a String cannot fail.
                    let _ = write!(text, "{} #{new_group}{}", &line[..place], &line[place..]);
                }
                _ => text.push_str(&line),
            }
        } else if line.starts_with(KEPT) && !kept.is_empty() {
            has_kept = true;
            text.push_str(&with_kept(&line, &kept));
        } else {
            text.push_str(&line);
        }
        text.push('\n');
    }
    if !kept.is_empty() && !has_kept {
        let empty = format!("{KEPT}0 x ptr] [], section \"llvm.metadata\"");
        text.push_str(&with_kept(&empty, &kept));
        text.push('\n');
    }
    if needs_group {
        let _ = writeln!(text, "attributes #{new_group} = {{{added} }}");
    }
    text
}

fn added_attributes(own: &BTreeSet<&str>) -> String {
    let mut text = String::from(" noredzone");
    for name in own.iter().copied().chain([WRONGLY_OPTIMISED]) {
        // Writing to a String cannot fail.
        let _ = write!(text, " \"no-builtin-{name}\"");
    }
    text
}

/// The name of the function that a line defines, if it has one without quotes.
pub fn defined_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("define ")?;
    let start = rest.find(" @")? + 2;
    let length = rest[start..].find('(')?;
    Some(&rest[start..start + length])
}

fn is_local(line: &str) -> bool {
    line.starts_with("define internal ") || line.starts_with("define private ")
}

/// The module's own functions and variables that assembly refers to.
fn wanted_by_assembly(ir: &str) -> BTreeSet<&str> {
    let wanted: BTreeSet<&str> = ir
        .lines()
        .filter_map(|line| {
            line.strip_prefix("module asm \"")?
                .strip_prefix(WANTS)?
                .strip_suffix('"')
        })
        .collect();
    let defined = ir
        .lines()
        .filter_map(|line| defined_name(line).or_else(|| defined_variable(line)));
    if wanted.is_empty() {
        return wanted;
    }
    defined.filter(|name| wanted.contains(name)).collect()
}

/// The name of the variable that a line defines, if it has one without quotes.
fn defined_variable(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix('@')?.split_once(" = ")?;
    let is_declared = rest.starts_with("external ") || rest.starts_with("extern_weak ");
    (!is_declared).then_some(name)
}

/// The sections whose bounds the program asks for, by `__start_NAME` or `__stop_NAME`, and which have something in them.
pub fn bounded_sections(ir: &str) -> BTreeSet<&str> {
    let asked: BTreeSet<&str> = ir
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix('@')?.split_once(" = ")?;
            let is_declared = rest.contains("external ") || rest.contains("extern_weak ");
            let section = name
                .strip_prefix("__start_")
                .or_else(|| name.strip_prefix("__stop_"))?;
            is_declared.then_some(section)
        })
        .collect();
    let there = ir.lines().filter_map(own_section);
    there.filter(|section| asked.contains(section)).collect()
}

fn variables_in<'a>(ir: &'a str, sections: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    ir.lines()
        .filter(|line| own_section(line).is_some_and(|section| sections.contains(section)))
        .filter_map(defined_variable)
        .collect()
}

const SECTION: &str = " section \"";

/// The section of a variable or a function, if its name is one that C has too: the linker makes bounds of such alone, and
/// others mean something to linkers and runtimes.
fn own_section(line: &str) -> Option<&str> {
    if !line.starts_with('@') && !line.starts_with("define ") {
        return None;
    }
    let (_, rest) = line.split_once(SECTION)?;
    let (name, _) = rest.split_once('"')?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    name.chars().all(is_name).then_some(name)
}

fn without_other_section(line: &str, sections: &BTreeSet<&str>) -> String {
    match own_section(line) {
        Some(section) if !sections.contains(section) => {
            let words = format!("{SECTION}{section}\"");
            line.replacen(&format!(",{words}"), "", 1)
                .replacen(&words, "", 1)
        }
        _ => line.to_owned(),
    }
}

fn library_functions(ir: &str, wants_local: bool) -> BTreeSet<&str> {
    ir.lines()
        .filter(|line| is_local(line) == wants_local)
        .filter_map(defined_name)
        .filter(|name| is_library_function(name))
        .collect()
}

fn own_library_functions(ir: &str) -> BTreeSet<&str> {
    library_functions(ir, false)
}

/// What one file calls so for itself. A call that the code generator makes does not mean it.
fn local_library_functions(ir: &str) -> BTreeSet<&str> {
    library_functions(ir, true)
}

/// The line with other names for local functions and variables. Text in quotes is left alone.
pub fn renamed(line: &str, local: &BTreeSet<&str>) -> String {
    if local.is_empty() || !line.contains('@') {
        return line.to_owned();
    }
    let mut text = String::with_capacity(line.len());
    let mut is_quoted = false;
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            is_quoted = !is_quoted;
        }
        text.push(first);
        rest = &rest[first.len_utf8()..];
        if first != '@' || is_quoted {
            continue;
        }
        let is_part =
            |letter: char| letter.is_ascii_alphanumeric() || ['_', '.', '$', '-'].contains(&letter);
        let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (name, others) = rest.split_at(length);
        text.push_str(name);
        if local.contains(name) {
            text.push_str(LOCAL);
        }
        rest = others;
    }
    text
}

fn next_group(ir: &str) -> u32 {
    ir.lines()
        .filter_map(|line| line.strip_prefix("attributes #"))
        .filter_map(|rest| rest.split(' ').next()?.parse::<u32>().ok())
        .max()
        .map_or(0, |last| last + 1)
}

/// Where a definition's group of attributes stands, or would stand: behind its parameters and the words on addresses.
fn place_of_attributes(line: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let start = line.find('@')?;
    let mut place = None;
    for (index, letter) in line[start..].char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => {
                depth -= 1;
                if depth == 0 {
                    place = Some(start + index + 1);
                    break;
                }
            }
            _ => {}
        }
    }
    let mut place = place?;
    for word in [" local_unnamed_addr", " unnamed_addr"] {
        if line[place..].starts_with(word) {
            place += word.len();
        }
    }
    Some(place)
}

fn with_other_attributes(line: &str, added: &str) -> String {
    let mut line = line.to_owned();
    for name in PROCESSOR_ATTRIBUTES {
        remove_valued(&mut line, name);
    }
    if !line.contains("\"probe-stack\"=\"inline-asm\"") {
        remove_valued(&mut line, "probe-stack");
    }
    for check in CHECKS {
        let word = format!(" {check} ");
        if let Some(from) = line.find(&word) {
            line.replace_range(from..from + word.len(), " ");
        }
    }
    if let Some(end) = line.rfind(" }") {
        line.insert_str(end, added);
    }
    line
}

fn remove_valued(line: &mut String, name: &str) {
    let start = format!("\"{name}\"=\"");
    while let Some(from) = line.find(&start) {
        let value = from + start.len();
        let Some(length) = line[value..].find('"') else {
            break;
        };
        line.replace_range(from..value + length + 1, "");
    }
}

/// The list of what is used by what LLVM does not see, with more names.
fn with_kept(line: &str, names: &BTreeSet<&str>) -> String {
    let Some((list, rest)) = line
        .strip_prefix(KEPT)
        .and_then(|rest| rest.split_once("x ptr] ["))
        .and_then(|(_, rest)| rest.split_once(']'))
    else {
        return line.to_owned();
    };
    let mut all: Vec<String> = list
        .split(", ")
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect();
    for name in names {
        let item = format!("ptr @{name}");
        if !all.contains(&item) {
            all.push(item);
        }
    }
    format!("{KEPT}{} x ptr] [{}]{rest}", all.len(), all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_ends_processor_is_forgotten() {
        let ir = "define i32 @f() #0 {\nattributes #0 = { nounwind \"target-cpu\"=\"x86-64\" \
                  \"target-features\"=\"+sse,+x87\" \"tune-cpu\"=\"generic\" }\n";
        let text = adapt(ir);
        assert!(text.contains("define i32 @f() #0 {\n"));
        assert!(text.contains("attributes #0 = { nounwind"));
        assert!(!text.contains("cpu") && !text.contains("sse"), "{text}");
    }

    #[test]
    fn what_assembly_wants_is_kept_if_it_is_there() {
        let ir = "module asm \"# wants f\"\nmodule asm \"# wants x\"\nmodule asm \"# wants y\"\n\
                  @x = global i32 1\n@y = external global i32\ndefine void @f() {\n}\n\
                  define void @g() {\n}\n";
        let text = adapt(ir);
        assert!(text.contains("[2 x ptr] [ptr @f, ptr @x]"), "{text}");
    }

    #[test]
    fn sections_whose_bounds_are_wanted_stay_and_are_whole() {
        let ir = "@one = internal global i32 1, section \"mine\", align 4\n\
                  @two = global i32 2, section \"others\", align 4\n\
                  @three = constant ptr @f, section \".init_array\"\n\
                  @__start_mine = external global [0 x i32], align 4\n\
                  @__stop_gone = external global [0 x i32], align 4\n\
                  define void @f() #0 section \"code\" {\n}\n";
        assert_eq!(bounded_sections(ir), BTreeSet::from(["mine"]));
        let text = adapt(ir);
        for line in [
            "@one = internal global i32 1, section \"mine\", align 4",
            "@two = global i32 2, align 4",
            "@three = constant ptr @f, section \".init_array\"",
            "define void @f() #0 {",
            "@llvm.compiler.used = appending global [1 x ptr] [ptr @one], section \"llvm.metadata\"",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn every_definition_is_without_a_red_zone() {
        let ir = "define i32 @f(ptr byval({ i64, i64 }) %0) local_unnamed_addr {\n\
                  define void @g() #4 {\n\
                  attributes #4 = { sspstrong \"probe-stack\"=\"__rust_probestack\" }\n";
        let text = adapt(ir);
        assert!(text.contains("@f(ptr byval({ i64, i64 }) %0) local_unnamed_addr #5 {\n"));
        assert!(
            text.contains("attributes #4 = {  noredzone \"no-builtin-memchr\" }"),
            "{text}"
        );
        assert!(text.contains("attributes #5 = { noredzone \"no-builtin-memchr\" }\n"));
    }

    #[test]
    fn own_library_functions_are_kept() {
        let ir = "@llvm.compiler.used = appending global [1 x ptr] [ptr @x], section \"llvm.metadata\"\n\
                  define dso_local ptr @memset(ptr %0, i32 %1, i64 %2) #0 {\n\
                  define dso_local i32 @mine() #0 {\n\
                  attributes #0 = { nounwind }\n";
        let text = adapt(ir);
        assert!(
            text.contains("[2 x ptr] [ptr @x, ptr @memset], section \"llvm.metadata\"\n"),
            "{text}"
        );
        assert!(
            text.contains("{ nounwind noredzone \"no-builtin-memset\" \"no-builtin-memchr\" }")
        );
        let text = adapt(&ir.replace("@llvm.compiler.used", "@other"));
        assert!(text.contains(
            "@llvm.compiler.used = appending global [1 x ptr] [ptr @memset], section \"llvm.metadata\"\n"
        ));
    }

    #[test]
    fn local_functions_of_such_names_get_others() {
        let ir = "@text = constant [8 x i8] c\"@memcpy\\00\"\n\
                  define internal ptr @memcpy(ptr %0) {\n  %2 = call ptr @memcpy(ptr %0)\n  \
                  call void @memcpy_all()\n";
        let text = adapt(ir);
        assert!(text.contains("c\"@memcpy\\00\""));
        assert!(
            text.contains("define internal ptr @memcpy.local(ptr %0) #0 {"),
            "{text}"
        );
        assert!(text.contains("call ptr @memcpy.local(ptr %0)"));
        assert!(text.contains("@memcpy_all()"));
        assert!(!text.contains("no-builtin-memcpy"));
    }
}
