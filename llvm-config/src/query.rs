//! The answers of `llvm-config`, in the form of upstream's.

use std::error::Error;
use std::fmt;
use std::fs;
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
pub enum QueryError {
    /// An option that is not known.
    UnknownOption(String),
    /// A component that is not known.
    Graph(GraphError),
    /// Shared libraries were asked for.
    NoSharedLibraries,
    /// Nothing was asked.
    NoOption,
}

impl fmt::Display for QueryError {
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

impl Error for QueryError {}

/// What `--help` prints, for this target.
#[must_use]
pub fn usage(target: &str) -> String {
    USAGE.replace("TARGET", target)
}

const USAGE: &str = "\
usage: llvm-config OPTION... [COMPONENT...]

Answers for the LLVM libraries of this distribution, which are cross-built for TARGET.
This program runs on the machine that builds: it is the llvm-config for cross builds.

  --version          version of LLVM           --prefix           folder of the distribution
  --bindir           folder of programs        --includedir       folder of headers
  --libdir           folder of libraries       --cmakedir         folder of LLVMConfig.cmake
  --src-root         the distribution          --obj-root         the distribution
  --libs             libraries to link         --libnames         their file names
  --libfiles         their paths               --system-libs      the libraries under LLVM
  --cflags           flags for C               --cxxflags         flags for C++
  --cppflags         preprocessor flags        --ldflags          linker flags, by clang
  --components       all components            --targets-built    targets of the code generators
  --host-target      target triple             --build-mode       CMake's build type
  --assertion-mode   ON or OFF                 --has-rtti         YES or NO
  --build-system     cmake                     --shared-mode      shared or static
  --link-static      link static libraries (always)
  --link-shared      an error                  --ignore-libllvm   accepted, changes nothing
  --rustflags        what CARGO_ENCODED_RUSTFLAGS must be for programs in Rust
  --quote-paths      quote all paths as a shell reads them; among flags they are where they must be
  --help             this text

Components are those of upstream's llvm-config, groups such as all, engine, native and x86 too.
Without components, libraries are those of all. A program, from its source to a static Linux program:

  clang++ $(llvm-config --cxxflags) -c x.cpp
  clang++ $(llvm-config --ldflags) x.o $(llvm-config --libs --system-libs) -o x
";

/// What the arguments ask for, as it is to be printed.
///
/// # Errors
/// [`QueryError`] says what is wrong with them.
pub fn answer(distribution: &Distribution, arguments: &[String]) -> Result<String, QueryError> {
    let (options, mut components): (Vec<String>, Vec<String>) = arguments
        .iter()
        .cloned()
        .partition(|argument| argument.starts_with('-'));
    if options.is_empty() {
        return Err(QueryError::NoOption);
    }
    if components.is_empty() {
        components.push("all".to_owned());
    }
    let folders = if options.iter().any(|option| option == "--quote-paths") {
        Quoting::Always
    } else {
        Quoting::Never
    };
    let mut output = String::new();
    for option in &options {
        if let Some(line) = distribution.line(option, &components, folders)? {
            output.push_str(&line);
            output.push('\n');
        }
    }
    Ok(output)
}

/// When paths are quoted as a shell reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoting {
    /// A path alone on its line, which build scripts take as it is.
    Never,
    /// A path among flags: where it must be.
    WhereNeeded,
    /// By `--quote-paths`.
    Always,
}

/// What has a meaning between a shell's quotes.
const SPECIAL: [char; 4] = ['"', '\\', '$', '`'];

impl Quoting {
    fn among_flags(self) -> Self {
        match self {
            Self::Never => Self::WhereNeeded,
            other => other,
        }
    }

    /// As upstream's later versions quote.
    fn form(self, path: &str) -> String {
        let needed = path.contains(SPECIAL) || path.contains([' ', '\t', '\'', ';', '&', '(', ')']);
        if self == Self::Never || self == Self::WhereNeeded && !needed {
            return path.to_owned();
        }
        let mut quoted = String::from("\"");
        for character in path.chars() {
            if SPECIAL.contains(&character) {
                quoted.push('\\');
            }
            quoted.push(character);
        }
        quoted.push('"');
        quoted
    }
}

/// Folders of libraries with nothing in them, which Rust's standard library asks for by name.
const RUST_FOLDER: &str = "lib/rust";

/// What the distribution's own C++ is compiled with besides.
const CXX_FLAGS: &[&str] = &["-std=c++17", "-fno-exceptions", "-fno-rtti", "-nostdinc++"];

/// What separates flags in `CARGO_ENCODED_RUSTFLAGS`.
const ENCODED_SEPARATOR: &str = "\u{1f}";

/// The libraries under LLVM, each before those that it needs.
const SYSTEM_LIBRARIES: &str = "-lbareflow-linux -lc++ -lbareflow-runtime -lc -lm";

fn read(path: &Path) -> Result<String, Box<dyn Error>> {
    fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

impl Distribution {
    /// The distribution in a folder.
    ///
    /// # Errors
    /// When what it says of itself is not there, or not to be read.
    pub fn open(prefix: PathBuf) -> Result<Self, Box<dyn Error>> {
        let share = prefix.join("share/bareflow");
        Ok(Self {
            build: serde_json::from_str(&read(&share.join("build-info.json"))?)?,
            graph: Graph::parse(&read(&share.join("LibraryDependencies.inc"))?)?,
            prefix,
        })
    }

    fn path(&self, name: &str, quoting: Quoting) -> String {
        quoting.form(&self.prefix.join(name).display().to_string())
    }

    /// The line for an option; `None` for one that only changes others.
    fn line(
        &self,
        option: &str,
        components: &[String],
        folders: Quoting,
    ) -> Result<Option<String>, QueryError> {
        let build = &self.build;
        let folder = |name| self.path(name, folders);
        let paths = folders.among_flags();
        let line = match option {
            "--version" => build.version.clone(),
            "--prefix" | "--src-root" | "--obj-root" => {
                folders.form(&self.prefix.display().to_string())
            }
            "--bindir" => folder("bin"),
            "--includedir" => folder("include"),
            "--libdir" => folder("lib"),
            "--cmakedir" => folder("lib/cmake/llvm"),
            "--libs" => self.libraries(components, |library| format!("-l{library}"))?,
            "--libnames" => self.libraries(components, |library| format!("lib{library}.a"))?,
            "--libfiles" => self.libraries(components, |library| {
                self.path(&format!("lib/lib{library}.a"), paths)
            })?,
            "--system-libs" => SYSTEM_LIBRARIES.to_owned(),
            "--cppflags" => self.preprocessor_flags(paths).join(" "),
            "--cflags" => [self.machine_flags(), self.preprocessor_flags(paths)]
                .concat()
                .join(" "),
            "--cxxflags" => self.quoted_cxx_flags(paths).join(" "),
            "--ldflags" => self.linker_flags(paths),
            "--rustflags" => self.rust_flags(),
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
            "--build-system" => "cmake".to_owned(),
            "--assertion-mode" => "OFF".to_owned(),
            "--has-rtti" => "NO".to_owned(),
            "--shared-mode" => "static".to_owned(),
            "--link-static" | "--ignore-libllvm" | "--quote-paths" => return Ok(None),
            "--link-shared" => return Err(QueryError::NoSharedLibraries),
            "--help" => usage(&build.target).trim_end().to_owned(),
            other => return Err(QueryError::UnknownOption(other.to_owned())),
        };
        Ok(Some(line))
    }

    fn machine_flags(&self) -> Vec<String> {
        let mut flags = vec![format!("--target={}", self.build.target)];
        flags.extend_from_slice(&self.build.c_flags);
        flags
    }

    /// What C++ is compiled with that uses the distribution: the words of a command line, as no shell reads them.
    #[must_use]
    pub fn cxx_flags(&self) -> Vec<String> {
        self.quoted_cxx_flags(Quoting::Never)
    }

    fn quoted_cxx_flags(&self, paths: Quoting) -> Vec<String> {
        let mut flags = self.machine_flags();
        flags.extend(CXX_FLAGS.iter().map(|flag| (*flag).to_owned()));
        for folder in ["include/bareflow/cxx", "include/c++/v1"] {
            flags.extend(["-isystem".to_owned(), self.path(folder, paths)]);
        }
        flags.extend(self.preprocessor_flags(paths));
        flags
    }

    /// Clang's driver for Linux starts lld; that for the bare machine would start a gcc. What it compiles on the way is
    /// still for the bare machine.
    fn linker_flags(&self, paths: Quoting) -> String {
        let target = &self.build.target;
        let architecture = target.split('-').next().unwrap_or_default();
        format!(
            "--target={architecture}-unknown-linux-gnu -Xclang -triple -Xclang {target} -static -nostdlib \
             -fuse-ld=lld -Wl,-z,noexecstack -Wl,--gc-sections -T {} -L{}",
            self.path("share/bareflow/linux.ld", paths),
            self.path("lib", paths)
        )
    }

    fn libraries(
        &self,
        components: &[String],
        form: impl Fn(&str) -> String,
    ) -> Result<String, QueryError> {
        let libraries = self
            .graph
            .libraries(components)
            .map_err(QueryError::Graph)?;
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

    /// For `CARGO_ENCODED_RUSTFLAGS`: a Rust program with its standard library becomes a static Linux program over the
    /// runtime. The linker is clang, of whatever name.
    fn rust_flags(&self) -> String {
        let path = |name| self.path(name, Quoting::Never);
        let mut flags = vec![
            "-Crelocation-model=static".to_owned(),
            "-Ctarget-feature=+crt-static".to_owned(),
            "-Cpanic=abort".to_owned(),
            "-Clink-arg=-nostdlib".to_owned(),
            "-Clink-arg=-fuse-ld=lld".to_owned(),
            format!("-Clink-arg=-T{}", path("share/bareflow/linux.ld")),
            format!("-Lnative={}", path(RUST_FOLDER)),
            format!("-Lnative={}", path("lib")),
        ];
        let libraries = SYSTEM_LIBRARIES.split(' ');
        flags.extend(libraries.map(|library| format!("-Clink-arg={library}")));
        flags.join(ENCODED_SEPARATOR)
    }

    fn preprocessor_flags(&self, paths: Quoting) -> Vec<String> {
        let mut flags = Vec::new();
        for folder in ["include/bareflow/c", "include/bareflow/libc"] {
            flags.extend(["-isystem".to_owned(), self.path(folder, paths)]);
        }
        flags.push(format!("-I{}", self.path("include", paths)));
        flags.extend(["CONSTANT", "FORMAT", "LIMIT"].map(|kind| format!("-D__STDC_{kind}_MACROS")));
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph;

    fn ask(arguments: &[&str]) -> Result<String, QueryError> {
        ask_in("/no/such/dist", arguments)
    }

    fn ask_in(prefix: &str, arguments: &[&str]) -> Result<String, QueryError> {
        let distribution = Distribution {
            prefix: prefix.into(),
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
        assert_eq!(ask(&["--build-system"]).unwrap(), "cmake\n");
        assert_eq!(ask(&["--obj-root"]).unwrap(), "/no/such/dist\n");
        assert_eq!(
            ask(&["--cmakedir"]).unwrap(),
            "/no/such/dist/lib/cmake/llvm\n"
        );
    }

    #[test]
    fn flags_are_whole_commands() {
        for option in ["--cflags", "--cxxflags"] {
            let flags = ask(&[option]).unwrap();
            assert!(flags.starts_with("--target=x86_64-unknown-none-elf -mno-red-zone "));
            assert!(flags.contains(" -isystem /no/such/dist/include/bareflow/libc "));
        }
        let flags = ask(&["--ldflags"]).unwrap();
        assert!(flags.starts_with("--target=x86_64-unknown-linux-gnu "));
        assert!(flags.contains(" -Xclang -triple -Xclang x86_64-unknown-none-elf "));
        assert!(flags.ends_with(" -T /no/such/dist/share/bareflow/linux.ld -L/no/such/dist/lib\n"));
        assert!(
            ask(&["--help"])
                .unwrap()
                .contains("x86_64-unknown-none-elf")
        );
    }

    #[test]
    fn paths_are_quoted_when_asked() {
        let asked = |arguments: &[&str]| ask_in("/a b/$c", arguments).unwrap();
        assert_eq!(asked(&["--libdir"]), "/a b/$c/lib\n");
        assert_eq!(asked(&["--quote-paths", "--libdir"]), "\"/a b/\\$c/lib\"\n");
        assert!(asked(&["--cflags"]).contains(" -I\"/a b/\\$c/include\" "));
        assert_eq!(
            asked(&["--libfiles", "support"]),
            "\"/a b/\\$c/lib/libLLVMSupport.a\"\n"
        );
        assert!(asked(&["--rustflags"]).contains("\u{1f}-Lnative=/a b/$c/lib\u{1f}"));
        let quoted = ask(&["--quote-paths", "--cppflags"]).unwrap();
        assert!(quoted.contains(" -I\"/no/such/dist/include\" "));
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
                let word = word.trim_end_matches(')');
                ask(&[word]).unwrap();
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(
            ask(&["--link-shared", "--libs"]),
            Err(QueryError::NoSharedLibraries)
        );
        assert_eq!(
            ask(&["--lib"]),
            Err(QueryError::UnknownOption("--lib".to_owned()))
        );
        assert_eq!(ask(&["core"]), Err(QueryError::NoOption));
        assert!(
            ask(&["--libs", "cores"])
                .unwrap_err()
                .to_string()
                .contains("unknown component name: cores")
        );
    }
}
