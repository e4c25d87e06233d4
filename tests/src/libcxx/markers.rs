//! What a test of libc++ says about itself in comments, as LLVM's test runner lit reads them.

use std::fmt;

/// What is true of every build, whatever the standard: libc++ as the SDK has it, clang 16, and a machine with one
/// thread and one locale.
const FEATURES: &[&str] = &[
    "-fsized-deallocation",
    "can-create-symlinks",
    "char8_t",
    "clang",
    "clang-16",
    "diagnose-if-support",
    "fcoroutines-ts",
    "has-64-bit-atomics",
    "has-fconstexpr-steps",
    "libcpp-hardening-mode=none",
    "libcpp-has-no-experimental-stop_token",
    "libcpp-has-no-experimental-syncstream",
    "libcpp-has-no-incomplete-pstl",
    "libcpp-has-no-incomplete-tzdb",
    "no-exceptions",
    "no-threads",
    "no-tzdb",
    "stdlib=libc++",
    "stdlib=llvm-libc++",
];

/// A standard of C++ that tests are compiled for: what lit calls it, and clang's flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standard {
    feature: &'static str,
    flag: &'static str,
}

/// The first that a test is for is taken.
const STANDARDS: &[Standard] = &[
    Standard {
        feature: "c++20",
        flag: "-std=c++20",
    },
    Standard {
        feature: "c++17",
        flag: "-std=c++17",
    },
    Standard {
        feature: "c++23",
        flag: "-std=c++2b",
    },
];

/// How a test is compiled, and what it needs to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The compiler's flags.
    pub flags: Vec<String>,
    /// Files beside the source that the program opens.
    pub files: Vec<String>,
}

/// Why a test is not for this target: the marker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut(String);

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How the test with this text is run.
///
/// # Errors
/// The marker that leaves it out.
pub fn recipe(text: &str) -> Result<Recipe, LeftOut> {
    let mut first = None;
    for standard in STANDARDS {
        match marker_against(text, *standard) {
            None => {
                let mut flags = vec![standard.flag.to_owned()];
                flags.extend(values(text, "ADDITIONAL_COMPILE_FLAGS").map(str::to_owned));
                let conditional = "ADDITIONAL_COMPILE_FLAGS(has-fconstexpr-steps)";
                flags.extend(values(text, conditional).map(str::to_owned));
                let files = values(text, "FILE_DEPENDENCIES")
                    .map(|name| name.trim_end_matches(',').to_owned())
                    .collect();
                return Ok(Recipe { flags, files });
            }
            Some(marker) => first = first.or(Some(marker)),
        }
    }
    Err(first.unwrap_or_else(|| LeftOut("no standard".into())))
}

/// The marker that keeps a test from this standard.
fn marker_against(text: &str, standard: Standard) -> Option<LeftOut> {
    let is_true = |name: &str| name == standard.feature || FEATURES.contains(&name);
    let against = |keyword: &str, holds: bool| {
        lines(text, keyword)
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .find(|condition| evaluate(condition, &is_true) == holds)
            .map(|condition| LeftOut(format!("{keyword}: {condition}")))
    };
    against("UNSUPPORTED", true)
        .or_else(|| against("XFAIL", true))
        .or_else(|| against("REQUIRES", false))
        .or_else(|| against("MODULE_DEPENDENCIES", false))
}

/// What follows a keyword, line by line.
fn lines<'a>(text: &'a str, keyword: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        line.trim_start()
            .strip_prefix("//")?
            .trim_start()
            .strip_prefix(keyword)?
            .strip_prefix(':')
    })
}

/// The words after a keyword.
fn values<'a>(text: &'a str, keyword: &'a str) -> impl Iterator<Item = &'a str> {
    lines(text, keyword).flat_map(str::split_whitespace)
}

/// Whether a condition holds: names, `!`, `&&`, `||` and parentheses. `*` is always true; names with patterns stand
/// for other targets.
fn evaluate(condition: &str, is_true: &dyn Fn(&str) -> bool) -> bool {
    let mut rest = condition;
    disjunction(&mut rest, is_true)
}

fn take(rest: &mut &str, token: &str) -> bool {
    match rest.trim_start().strip_prefix(token) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn disjunction(rest: &mut &str, is_true: &dyn Fn(&str) -> bool) -> bool {
    let mut value = conjunction(rest, is_true);
    while take(rest, "||") {
        value |= conjunction(rest, is_true);
    }
    value
}

fn conjunction(rest: &mut &str, is_true: &dyn Fn(&str) -> bool) -> bool {
    let mut value = negation(rest, is_true);
    while take(rest, "&&") {
        value &= negation(rest, is_true);
    }
    value
}

fn negation(rest: &mut &str, is_true: &dyn Fn(&str) -> bool) -> bool {
    if take(rest, "!") {
        return !negation(rest, is_true);
    }
    if take(rest, "(") {
        let value = disjunction(rest, is_true);
        take(rest, ")");
        return value;
    }
    let text = rest.trim_start();
    let mut end = 0;
    // Patterns in double braces may hold anything.
    while let Some(character) = text[end..].chars().next() {
        if let Some(pattern) = text[end..].strip_prefix("{{") {
            end += pattern.find("}}").map_or(text.len() - end, |at| at + 4);
        } else if character.is_whitespace() || "()!&|".contains(character) {
            break;
        } else {
            end += character.len_utf8();
        }
    }
    let (name, after) = text.split_at(end);
    *rest = after;
    name == "*" || is_true(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_evaluated() {
        let is_true = |name: &str| ["a", "b", "c++20"].contains(&name);
        for (condition, expected) in [
            ("a", true),
            ("x", false),
            ("!x && (x || b)", true),
            ("a && !b || x", false),
            ("x || a && b", true),
            ("*", true),
            ("target={{.+}}-windows{{.*}}", false),
            ("!target={{x|(y)}} && a", true),
            ("c++03 || c++20", true),
        ] {
            assert_eq!(evaluate(condition, &is_true), expected, "{condition}");
        }
    }

    #[test]
    fn the_newest_usual_standard_is_taken() {
        let flags = |text: &str| recipe(text).map(|recipe| recipe.flags);
        assert_eq!(flags("int main() {}"), Ok(vec!["-std=c++20".into()]));
        let older = "// REQUIRES: c++03 || c++11 || c++14 || c++17\n\
                     // ADDITIONAL_COMPILE_FLAGS: -DA -DB\n\
                     // ADDITIONAL_COMPILE_FLAGS(gcc-style-warnings): -Wno-x\n";
        assert_eq!(
            flags(older),
            Ok(vec!["-std=c++17".into(), "-DA".into(), "-DB".into()])
        );
        let newer = "// UNSUPPORTED: c++03, c++11, c++14, c++17, c++20\n";
        assert_eq!(flags(newer), Ok(vec!["-std=c++2b".into()]));
    }

    #[test]
    fn a_marker_says_why_a_test_is_left_out() {
        let reason = |text: &str| recipe(text).unwrap_err().to_string();
        assert_eq!(
            reason("// UNSUPPORTED: c++03, no-exceptions\n"),
            "UNSUPPORTED: no-exceptions"
        );
        assert_eq!(
            reason("// REQUIRES: locale.en_US.UTF-8\n"),
            "REQUIRES: locale.en_US.UTF-8"
        );
        assert_eq!(reason("  // XFAIL: *\n"), "XFAIL: *");
    }

    #[test]
    fn files_are_named() {
        let recipe = recipe("// FILE_DEPENDENCIES: test.dat, other.dat\n").unwrap();
        assert_eq!(recipe.files, ["test.dat", "other.dat"]);
    }
}
