//! The answers of `llvm-config`, in the form of upstream's.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::build_info::BuildInfo;
use crate::graph::{Graph, GraphError};

/// A distribution that answers.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// Its folder.
    pub prefix: PathBuf,
    /// How it was built.
    pub build: BuildInfo,
    /// Its components.
    pub graph: Graph,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// An option that is not known.
    UnknownOption(String),
    /// A component that is not known.
    Graph(GraphError),
    /// Shared libraries were asked for.
    NoSharedLibraries,
    /// Nothing was asked.
    NoOption,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::UnknownOption(option) => {
                write!(formatter, "unknown option: {option} (see --help)")
            }
            Self::Graph(error) => error.fmt(formatter),
            Self::NoSharedLibraries => formatter.write_str(
                "--link-shared: this distribution has static libraries only; use --link-static",
            ),
            Self::NoOption => formatter.write_str("no option was given (see --help)"),
        }
    }
}

impl std::error::Error for AnswerError {}

/// What `--help` prints.
pub const USAGE: &str = "\
usage: llvm-config OPTION... [COMPONENT...]

Answers for the LLVM libraries of this distribution, which are cross-built for x86_64-unknown-none-elf.

  --version          version of LLVM           --prefix           folder of the distribution
  --bindir           folder of programs        --includedir       folder of headers
  --libdir           folder of libraries       --cmakedir         folder of the CMake toolchain file
  --libs             libraries to link         --libnames         their file names
  --libfiles         their paths               --system-libs      other libraries (none)
  --cflags           flags for C               --cxxflags         flags for C++
  --cppflags         preprocessor flags        --ldflags          linker flags
  --components       all components            --targets-built    targets of the code generators
  --host-target      target triple             --build-mode       CMake's build type
  --assertion-mode   ON or OFF                 --has-rtti         YES or NO
  --shared-mode      shared or static          --link-static      link static libraries (always)
  --link-shared      an error                  --ignore-libllvm   accepted, changes nothing
  --help             this text

Components are those of upstream's llvm-config, groups such as all, engine, native and x86 too.
Without components, libraries are those of all.
";

/// What the arguments ask for, as it is to be printed.
///
/// # Errors
/// [`AnswerError`] says what is wrong with them.
pub fn answer(distribution: &Distribution, arguments: &[String]) -> Result<String, AnswerError> {
    let (options, mut components): (Vec<String>, Vec<String>) = arguments
        .iter()
        .cloned()
        .partition(|argument| argument.starts_with('-'));
    if options.is_empty() {
        return Err(AnswerError::NoOption);
    }
    if components.is_empty() {
        components.push("all".to_owned());
    }
    let mut output = String::new();
    for option in &options {
        if let Some(line) = distribution.line(option, &components)? {
            output.push_str(&line);
            output.push('\n');
        }
    }
    Ok(output)
}

impl Distribution {
    fn folder(&self, name: &str) -> String {
        self.prefix.join(name).display().to_string()
    }

    /// The line for an option; `None` for one that only changes others.
    fn line(&self, option: &str, components: &[String]) -> Result<Option<String>, AnswerError> {
        let build = &self.build;
        let line = match option {
            "--version" => build.version.clone(),
            "--prefix" => self.prefix.display().to_string(),
            "--bindir" => self.folder("bin"),
            "--includedir" => self.folder("include"),
            "--libdir" => self.folder("lib"),
            "--cmakedir" => self.folder("share/bareflow"),
            "--libs" => self.libraries(components, |library| format!("-l{library}"))?,
            "--libnames" => self.libraries(components, |library| format!("lib{library}.a"))?,
            "--libfiles" => {
                let folder = self.folder("lib");
                self.libraries(components, |library| format!("{folder}/lib{library}.a"))?
            }
            // What LLVM needs below it is the runtime that a kernel brings along.
            "--system-libs" => String::new(),
            "--cppflags" => self.preprocessor_flags(),
            "--cflags" => format!("{} {}", build.c_flags.join(" "), self.preprocessor_flags()),
            "--cxxflags" => format!(
                "{} -std=c++17 -fno-exceptions -fno-rtti -nostdinc++ -isystem {} -isystem {} {}",
                build.c_flags.join(" "),
                self.folder("include/bareflow/cxx"),
                self.folder("include/c++/v1"),
                self.preprocessor_flags()
            ),
            "--ldflags" => format!("-L{}", self.folder("lib")),
            "--components" => {
                let names: Vec<&str> = self
                    .graph
                    .components()
                    .iter()
                    .map(|component| component.name.as_str())
                    .collect();
                names.join(" ")
            }
            "--targets-built" => build.targets.join(" "),
            "--host-target" => build.target.clone(),
            "--build-mode" => build.build_mode.clone(),
            "--assertion-mode" => "OFF".to_owned(),
            "--has-rtti" => "NO".to_owned(),
            "--shared-mode" => "static".to_owned(),
            "--link-static" | "--ignore-libllvm" | "--quote-paths" => return Ok(None),
            "--link-shared" => return Err(AnswerError::NoSharedLibraries),
            "--help" => USAGE.trim_end().to_owned(),
            other => return Err(AnswerError::UnknownOption(other.to_owned())),
        };
        Ok(Some(line))
    }

    fn libraries(
        &self,
        components: &[String],
        form: impl Fn(&str) -> String,
    ) -> Result<String, AnswerError> {
        let libraries = self
            .graph
            .libraries(components)
            .map_err(AnswerError::Graph)?;
        let is_there = |library: &&str| self.library_is_there(library);
        Ok(libraries
            .into_iter()
            .filter(is_there)
            .map(form)
            .collect::<Vec<_>>()
            .join(" "))
    }

    /// The jit profile has a part of the libraries; a group stands for those that are there.
    fn library_is_there(&self, library: &str) -> bool {
        let folder = self.prefix.join("lib");
        !Path::new(&folder).is_dir() || folder.join(format!("lib{library}.a")).is_file()
    }

    fn preprocessor_flags(&self) -> String {
        format!(
            "-isystem {} -isystem {} -I{} -D__STDC_CONSTANT_MACROS -D__STDC_FORMAT_MACROS -D__STDC_LIMIT_MACROS",
            self.folder("include/bareflow/c"),
            self.folder("include/bareflow/libc"),
            self.folder("include")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph;

    fn ask(arguments: &[&str]) -> Result<String, AnswerError> {
        let distribution = Distribution {
            prefix: "/no/such/dist".into(),
            build: BuildInfo {
                version: "18.1.8".to_owned(),
                target: "x86_64-unknown-none-elf".to_owned(),
                build_mode: "MinSizeRel".to_owned(),
                targets: vec!["X86".to_owned()],
                c_flags: vec!["-mno-red-zone".to_owned()],
            },
            graph: Graph::parse(graph::tests::SAMPLE).unwrap(),
        };
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        answer(&distribution, &arguments)
    }

    #[test]
    fn each_option_has_a_line() {
        assert_eq!(
            ask(&["--version", "--prefix"]).unwrap(),
            "18.1.8\n/no/such/dist\n"
        );
        assert_eq!(ask(&["--has-rtti"]).unwrap(), "NO\n");
        assert_eq!(ask(&["--shared-mode"]).unwrap(), "static\n");
        assert_eq!(ask(&["--ldflags"]).unwrap(), "-L/no/such/dist/lib\n");
        assert_eq!(ask(&["--system-libs"]).unwrap(), "\n");
    }

    #[test]
    fn libraries_come_in_three_forms() {
        assert_eq!(ask(&["--libs", "support"]).unwrap(), "-lLLVMSupport\n");
        assert_eq!(
            ask(&["--link-static", "--libnames", "Support"]).unwrap(),
            "libLLVMSupport.a\n"
        );
        assert_eq!(
            ask(&["--libfiles", "support"]).unwrap(),
            "/no/such/dist/lib/libLLVMSupport.a\n"
        );
        assert_eq!(ask(&["--libs"]).unwrap(), ask(&["--libs", "all"]).unwrap());
    }

    #[test]
    fn every_option_of_the_usage_is_known() {
        for word in USAGE
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            if word != "--link-shared" {
                ask(&[word]).unwrap();
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(
            ask(&["--link-shared", "--libs"]),
            Err(AnswerError::NoSharedLibraries)
        );
        assert_eq!(
            ask(&["--lib"]),
            Err(AnswerError::UnknownOption("--lib".to_owned()))
        );
        assert_eq!(ask(&["core"]), Err(AnswerError::NoOption));
        assert!(
            ask(&["--libs", "cores"])
                .unwrap_err()
                .to_string()
                .contains("unknown component name: cores")
        );
    }
}
