//! What every program is compiled with, whoever compiles it.

use std::ffi::OsString;
use std::path::PathBuf;

use bareflow_targets::{NO_HOST_HEADERS, Target};

/// The target of programs.
pub const TARGET: &Target = bareflow_targets::DEFAULT;

/// What is decided for programs, but may be decided otherwise: it comes before the user's flags.
const DEFAULTS: &[&str] = &[
    "-fno-asynchronous-unwind-tables",
    // Frames of programs are not walked.
    "-fomit-frame-pointer",
    // A fused multiplication and addition rounds once: results would depend on the processor.
    "-ffp-contract=off",
    // What programs ask for when they choose between the systems that they know.
    "-D__bareflow__=1",
    "-D__unix__=1",
    "-D__unix=1",
];

/// Names outside of those that ISO C reserves, which clang defines for Unix where the user asks for no strict standard.
const DEFAULTS_OF_GNU: &[&str] = &["-Dunix=1"];

/// What clang defines for Linux in C++, whatever the standard.
const DEFAULTS_OF_CXX: &[&str] = &["-D_GNU_SOURCE=1"];

/// clang's option that names the target of programs.
#[must_use]
pub fn target_option() -> String {
    format!("--target={}", TARGET.triple)
}

/// There is nothing that could catch an exception; `throw` is an error that says so.
const ENFORCED_CXX: &[&str] = &["-fno-exceptions", "-nostdinc++"];

/// The IR is not optimised yet, but may be: the kernel's tiers do it.
pub const IR_FLAGS: &[&str] = &["-Xclang", "-disable-llvm-passes", "-emit-llvm"];

/// The language of a source file, as far as flags depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// C.
    C,
    /// C++.
    Cxx,
}

/// How much is optimised where the user says so: the tiers decide, but source files can ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptimizationLevel {
    /// `-O0` or nothing.
    #[default]
    None,
    /// `-O1`, `-O2`, `-O3`, `-Og`.
    Speed,
    /// `-Os`, `-Oz`.
    Size,
    /// `-Ofast`.
    Fast,
}

impl OptimizationLevel {
    /// Of what follows `-O` on the command line.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::None),
            "" | "1" | "2" | "3" | "4" | "g" => Some(Self::Speed),
            "s" | "z" => Some(Self::Size),
            "fast" => Some(Self::Fast),
            _ => None,
        }
    }

    /// What makes the IR of `-O2`, which can be optimised, from a source that sees this level.
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::None => &["-U__OPTIMIZE__", "-D__NO_INLINE__=1"],
            Self::Speed => &[],
            Self::Size => &["-D__OPTIMIZE_SIZE__=1"],
            Self::Fast => &["-ffast-math"],
        }
    }
}

/// Where the headers of programs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Of C, in the order of the search.
    pub c: Vec<PathBuf>,
    /// Of C++, before those of C.
    pub cxx: Vec<PathBuf>,
}

impl Headers {
    fn folders(&self, language: Language) -> impl Iterator<Item = &PathBuf> {
        let cxx: &[PathBuf] = match language {
            Language::C => &[],
            Language::Cxx => &self.cxx,
        };
        cxx.iter().chain(&self.c)
    }
}

/// Whether the target's headers are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StandardHeaders {
    /// After the user's folders.
    #[default]
    Searched,
    /// `-nostdinc`.
    Left,
}

/// clang's arguments that make code for the kernels from a source file, whatever is made of it, with the `user`'s
/// flags in their place.
#[must_use]
pub fn target_arguments(
    headers: &Headers,
    language: Language,
    level: OptimizationLevel,
    standard_headers: StandardHeaders,
    user: &[OsString],
) -> Vec<OsString> {
    let (defaults_of_language, enforced_of_language) = match language {
        Language::C => (&[][..], &[][..]),
        Language::Cxx => (DEFAULTS_OF_CXX, ENFORCED_CXX),
    };
    let defaults_of_dialect = if is_strict(user) {
        &[]
    } else {
        DEFAULTS_OF_GNU
    };
    let defaults = [
        DEFAULTS,
        defaults_of_dialect,
        defaults_of_language,
        level.flags(),
    ];
    let mut arguments: Vec<OsString> = defaults.concat().into_iter().map(OsString::from).collect();
    arguments.extend_from_slice(user);
    // What the kernels rely on comes after the user's flags.
    arguments.extend([target_option().into(), "-O2".into()]);
    arguments.extend(
        [TARGET.code_flags, &[NO_HOST_HEADERS], enforced_of_language]
            .concat()
            .into_iter()
            .map(OsString::from),
    );
    if standard_headers == StandardHeaders::Searched {
        for folder in headers.folders(language) {
            arguments.push("-isystem".into());
            arguments.push(folder.into());
        }
    }
    arguments
}

/// Whether the last word on it asks for a standard without GNU's extensions.
fn is_strict(user: &[OsString]) -> bool {
    let last = user.iter().rev().find_map(|flag| {
        let flag = flag.to_str()?;
        if flag == "-ansi" {
            return Some(true);
        }
        let standard = flag
            .strip_prefix("-std=")
            .or_else(|| flag.strip_prefix("--std="))?;
        Some(!standard.starts_with("gnu"))
    });
    last.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(language: Language, level: OptimizationLevel) -> Vec<OsString> {
        let headers = Headers {
            c: vec!["/c".into(), "/libc".into()],
            cxx: vec!["/c++".into()],
        };
        let user = ["-fPIC".into(), "-isystem".into(), "/mine".into()];
        target_arguments(&headers, language, level, StandardHeaders::Searched, &user)
    }

    fn position(arguments: &[OsString], wanted: &str) -> usize {
        let found = arguments.iter().position(|argument| argument == wanted);
        found.unwrap_or_else(|| panic!("{wanted} is not among {arguments:?}"))
    }

    #[test]
    fn what_the_kernels_rely_on_wins_over_the_users_flags() {
        let arguments = arguments(Language::C, OptimizationLevel::Speed);
        let user = position(&arguments, "-fPIC");
        assert!(position(&arguments, "-ffp-contract=off") < user);
        assert!(position(&arguments, "-fno-pic") > user);
        assert!(position(&arguments, "/c") > position(&arguments, "/mine"));
        assert!(position(&arguments, "/libc") > position(&arguments, "/c"));
        assert!(!arguments.contains(&"/c++".into()));
    }

    #[test]
    fn headers_of_cxx_come_before_those_of_c() {
        let arguments = arguments(Language::Cxx, OptimizationLevel::None);
        assert!(position(&arguments, "/c++") < position(&arguments, "/c"));
        assert!(position(&arguments, "-U__OPTIMIZE__") < position(&arguments, "-fPIC"));
        position(&arguments, "-fno-exceptions");
    }

    #[test]
    fn names_that_are_the_programs_are_defined_in_gnu_dialects_only() {
        let has_unix = |user: &[&str]| {
            let user: Vec<OsString> = user.iter().map(OsString::from).collect();
            target_arguments(
                &Headers::default(),
                Language::C,
                OptimizationLevel::None,
                StandardHeaders::Searched,
                &user,
            )
            .contains(&"-Dunix=1".into())
        };
        assert!(has_unix(&["-Wall"]));
        assert!(has_unix(&["-ansi", "-std=gnu99"]));
        assert!(!has_unix(&["-std=c11"]));
        assert!(!has_unix(&["-std=gnu99", "-ansi"]));
    }

    #[test]
    fn levels_are_those_of_clang() {
        assert_eq!(OptimizationLevel::parse("s"), Some(OptimizationLevel::Size));
        assert_eq!(OptimizationLevel::parse(""), Some(OptimizationLevel::Speed));
        assert_eq!(OptimizationLevel::parse("9x"), None);
    }
}
