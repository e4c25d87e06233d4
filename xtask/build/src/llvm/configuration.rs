//! What the build of LLVM and libc++ believes of the target, against the list that was reviewed.
//!
//! A check that only builds a library says yes to every function, so a belief that nobody has looked at
//! is an error.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bareflow_targets::Target;

/// The headers that the build generates: the step whose tree has it, and its path under `include/`.
pub const HEADERS: &[(&str, &str)] = &[
    ("llvm", "llvm/Config/config.h"),
    ("llvm", "llvm/Config/llvm-config.h"),
    ("libcxx", "c++/v1/__config_site"),
];

/// The reviewed list of the target.
pub fn reviewed(target: &Target) -> String {
    include_str!("../../../../sysroot/llvm/configuration.txt").replace("@TRIPLE@", target.triple)
}

const UNDEFINED: &str = "undefined";

/// The answers of a generated header: `#define NAME VALUE` and `/* #undef NAME */`.
fn answers(header: &str) -> BTreeMap<String, String> {
    header
        .lines()
        .filter_map(|line| {
            if let Some(rest) = line.strip_prefix("/* #undef ") {
                let name = rest.split_whitespace().next()?;
                return Some((name.to_owned(), UNDEFINED.to_owned()));
            }
            let rest = line.strip_prefix("#define ")?;
            let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
            Some((name.to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// The reviewed answers for one header: the lines `NAME VALUE` under `[header]`.
fn reviewed_answers(list: &str, header: &str) -> BTreeMap<String, String> {
    let title = format!("[{header}]");
    list.lines()
        .map(str::trim)
        .skip_while(|line| *line != title)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            (name.to_owned(), value.trim().to_owned())
        })
        .collect()
}

/// Compares a generated header with the reviewed list.
///
/// # Errors
/// Every answer that differs, one line each.
pub fn compare(list: &str, header: &str, generated: &str) -> Result<(), String> {
    let expected = reviewed_answers(list, header);
    let found = answers(generated);
    let mut message = String::new();
    let nothing = String::from("not mentioned");
    for name in expected
        .keys()
        .chain(found.keys().filter(|name| !expected.contains_key(*name)))
    {
        let (wanted, got) = (expected.get(name), found.get(name));
        if wanted != got {
            // Writing to a String cannot fail.
            let _ = writeln!(
                message,
                "{header}: {name} is {}; reviewed: {}",
                got.unwrap_or(&nothing),
                wanted.unwrap_or(&nothing)
            );
        }
    }
    if message.is_empty() {
        Ok(())
    } else {
        Err(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "# reviewed\n[a.h]\nHAVE_X 1\nHAVE_Y undefined\nGUARD_H\n\n[b.h]\nNAME \"b c\"\n";

    #[test]
    fn equal_answers_pass() {
        let header =
            "#ifndef GUARD_H\n#define GUARD_H\n#define HAVE_X 1\n/* #undef HAVE_Y */\n#endif\n";
        assert_eq!(compare(LIST, "a.h", header), Ok(()));
        assert_eq!(compare(LIST, "b.h", "#define NAME \"b c\"\n"), Ok(()));
    }

    #[test]
    fn every_difference_is_named() {
        let header = "#define GUARD_H\n#define HAVE_X 0\n#define HAVE_Z 1\n";
        let message = compare(LIST, "a.h", header).unwrap_err();
        assert_eq!(
            message,
            "a.h: HAVE_X is 0; reviewed: 1\n\
             a.h: HAVE_Y is not mentioned; reviewed: undefined\n\
             a.h: HAVE_Z is 1; reviewed: not mentioned\n"
        );
    }

    #[test]
    fn the_list_covers_every_header() {
        for (_, header) in HEADERS {
            let reviewed = reviewed(bareflow_targets::DEFAULT);
            assert!(!reviewed_answers(&reviewed, header).is_empty(), "{header}");
        }
    }
}
