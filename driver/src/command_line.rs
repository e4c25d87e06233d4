//! The command line of clang, as far as the driver itself must understand it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::error::{DriverError, Result};
use crate::flags::{OptimizationLevel, StandardHeaders, TARGET};
use crate::options::{self, Purpose};

/// How far the work goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// To a program.
    #[default]
    Link,
    /// `-c`: to objects.
    Object,
    /// `-S`: to the text of IR.
    Assembly,
    /// `-fsyntax-only`: to messages.
    Check,
    /// `-E`, `-M`, `-MM`: to text.
    Preprocess,
}

/// A file to compile or to link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it is; `-` is the standard input.
    pub path: PathBuf,
    /// What `-x` says it is.
    pub language: Option<String>,
}

/// What is linked, in the order of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A file.
    Input(Input),
    /// `-l`.
    Library(String),
    /// An argument of the linker.
    Linker(String),
}

/// Which of the target's libraries are linked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StandardLibraries {
    /// All.
    #[default]
    Linked,
    /// `-nostdlib++`: not those of C++.
    WithoutCxx,
    /// `-nostdlib`, `-nodefaultlibs`.
    Left,
}

/// Whether a link makes a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkResult {
    /// A program.
    #[default]
    Program,
    /// `-r`: an object.
    Object,
}

/// Whether commands are shown, and run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commands {
    /// Run.
    #[default]
    Run,
    /// `-v`: shown and run.
    ShowAndRun,
    /// `-###`: shown.
    Show,
}

/// Dependency files, as far as their names depend on what the driver does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// `-MD` or `-MMD` is there.
    pub wanted: bool,
    /// And `-MF`.
    pub has_file: bool,
    /// And `-MT` or `-MQ`.
    pub has_target: bool,
}

/// A command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// How far the work goes.
    pub mode: Mode,
    /// `-o`.
    pub output: Option<PathBuf>,
    /// What goes to the compiler.
    pub compile_flags: Vec<OsString>,
    /// The last `-O`.
    pub level: OptimizationLevel,
    /// Whether `-nostdinc` is there.
    pub standard_headers: StandardHeaders,
    /// Files, libraries and arguments of the linker.
    pub items: Vec<Item>,
    /// `-L`.
    pub library_folders: Vec<PathBuf>,
    /// Which of the target's libraries are linked.
    pub standard_libraries: StandardLibraries,
    /// What a link makes.
    pub link_result: LinkResult,
    /// Whether commands are shown.
    pub commands: Commands,
    /// What is said about dependency files.
    pub dependencies: Dependencies,
    /// A question instead of work, such as `--version` or `-print-prog-name=ld`.
    pub query: Option<String>,
}

impl CommandLine {
    /// Of the arguments after the program's name, with response files expanded.
    ///
    /// # Errors
    /// [`DriverError::Usage`].
    pub fn parse(arguments: &[OsString]) -> Result<Self> {
        let mut line = Self::default();
        let mut language = None;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            // A name that is no text is a file's.
            let text = argument.to_str().unwrap_or_default();
            match text {
                "--" => {
                    for path in rest.by_ref() {
                        line.add_input(path, language.as_ref());
                    }
                }
                "-o" => line.output = Some(value(text, &mut rest)?.into()),
                "-x" => language = language_of(&value_text(text, &mut rest)?),
                "-L" => line.library_folders.push(value(text, &mut rest)?.into()),
                "-l" => line.items.push(Item::Library(value_text(text, &mut rest)?)),
                "-Xlinker" => line.items.push(Item::Linker(value_text(text, &mut rest)?)),
                "-target" => check_target(&value_text(text, &mut rest)?)?,
                _ if !text.starts_with('-') || text == "-" => {
                    line.add_input(argument, language.as_ref());
                }
                _ => match options::with_value(text) {
                    Some(purpose) => {
                        let value = value(text, &mut rest)?;
                        line.note_dependencies(text);
                        line.add(purpose, text, [argument.clone(), value])?;
                    }
                    None => line.add_word(text, argument, &mut language)?,
                },
            }
        }
        Ok(line)
    }

    /// The files.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.items.iter().filter_map(|item| match item {
            Item::Input(input) => Some(input),
            Item::Library(_) | Item::Linker(_) => None,
        })
    }

    fn add_input(&mut self, path: &OsStr, language: Option<&String>) {
        self.items.push(Item::Input(Input {
            path: path.into(),
            language: language.cloned(),
        }));
    }

    fn advance_to(&mut self, mode: Mode) {
        self.mode = self.mode.max(mode);
    }

    fn note_dependencies(&mut self, option: &str) {
        match option {
            "-MD" | "-MMD" => self.dependencies.wanted = true,
            "-MF" => self.dependencies.has_file = true,
            "-MT" | "-MQ" => self.dependencies.has_target = true,
            _ => {}
        }
    }

    /// An argument that starts with `-` and is no option with a value in the next one.
    fn add_word(
        &mut self,
        text: &str,
        argument: &OsString,
        language: &mut Option<String>,
    ) -> Result<()> {
        match text {
            "-c" => self.advance_to(Mode::Object),
            "-S" => self.advance_to(Mode::Assembly),
            "-fsyntax-only" => self.advance_to(Mode::Check),
            "-E" => self.advance_to(Mode::Preprocess),
            "-M" | "-MM" => {
                self.advance_to(Mode::Preprocess);
                self.compile_flags.push(argument.clone());
            }
            "-MD" | "-MMD" => {
                self.note_dependencies(text);
                self.compile_flags.push(argument.clone());
            }
            "-v" | "--verbose" => self.commands = self.commands_at_least(Commands::ShowAndRun),
            "-###" => self.commands = Commands::Show,
            "-r" => self.link_result = LinkResult::Object,
            "-nostdinc" => self.standard_headers = StandardHeaders::Left,
            "-nostdlib" | "-nodefaultlibs" => self.standard_libraries = StandardLibraries::Left,
            "-nostdlib++" if self.standard_libraries == StandardLibraries::Linked => {
                self.standard_libraries = StandardLibraries::WithoutCxx;
            }
            "-nostdlib++" | "-nolibc" => {}
            "-pthread" | "-pthreads" => self.compile_flags.push("-D_REENTRANT".into()),
            _ if is_query(text) => self.query = Some(text.to_owned()),
            _ => return self.add_prefixed(text, argument, language),
        }
        Ok(())
    }

    fn add_prefixed(
        &mut self,
        text: &str,
        argument: &OsString,
        language: &mut Option<String>,
    ) -> Result<()> {
        if let Some(purpose) = options::of_one_word(text).or_else(|| options::joined(text)) {
            return self.add(purpose, text, [argument.clone()]);
        }
        if let Some(list) = text.strip_prefix("-Wl,") {
            let words = list.split(',').filter(|word| !word.is_empty());
            self.items
                .extend(words.map(|word| Item::Linker(word.to_owned())));
        } else if let Some(target) = text.strip_prefix("--target=") {
            check_target(target)?;
        } else if let Some(level) = text.strip_prefix("-O") {
            self.level = OptimizationLevel::parse(level).ok_or_else(|| {
                DriverError::Usage(format!("{text}: no level of optimisation is called so"))
            })?;
        } else if let Some(path) = text.strip_prefix("-o") {
            self.output = Some(path.into());
        } else if let Some(name) = text.strip_prefix("-x") {
            *language = language_of(name);
        } else if let Some(folder) = text.strip_prefix("-L") {
            self.library_folders.push(folder.into());
        } else if let Some(name) = text.strip_prefix("-l") {
            self.items.push(Item::Library(name.to_owned()));
        } else {
            for (prefix, option) in [("-MF", "-MF"), ("-MT", "-MT"), ("-MQ", "-MT")] {
                if text.starts_with(prefix) {
                    self.note_dependencies(option);
                }
            }
            self.compile_flags.push(argument.clone());
        }
        Ok(())
    }

    fn add<const COUNT: usize>(
        &mut self,
        purpose: Purpose,
        text: &str,
        words: [OsString; COUNT],
    ) -> Result<()> {
        match purpose {
            Purpose::Compile => self.compile_flags.extend(words),
            Purpose::Link => {
                let words = words.map(|word| word.to_string_lossy().into_owned());
                self.items.extend(words.map(Item::Linker));
            }
            Purpose::Nothing => {}
            Purpose::Refused(reason) => {
                return Err(DriverError::Usage(format!("{text}: {reason}")));
            }
        }
        Ok(())
    }

    fn commands_at_least(&self, commands: Commands) -> Commands {
        if self.commands == Commands::Show {
            Commands::Show
        } else {
            commands
        }
    }
}

fn value<'a>(option: &str, rest: &mut impl Iterator<Item = &'a OsString>) -> Result<OsString> {
    rest.next()
        .cloned()
        .ok_or_else(|| DriverError::Usage(format!("{option} needs a value")))
}

fn value_text<'a>(option: &str, rest: &mut impl Iterator<Item = &'a OsString>) -> Result<String> {
    value(option, rest)?.into_string().map_err(|value| {
        DriverError::Usage(format!("{option} {}: no text", Path::new(&value).display()))
    })
}

/// What `-x` names; `none` goes back to what the names of files say.
fn language_of(name: &str) -> Option<String> {
    (name != "none").then(|| name.to_owned())
}

fn check_target(name: &str) -> Result<()> {
    let mut parts = name.split('-');
    let is_architecture = parts.next().is_some_and(|part| {
        part == TARGET.architecture || TARGET.architecture_aliases.contains(&part)
    });
    let is_system = parts.any(|part| matches!(part, "none" | "elf" | "bareflow"));
    if is_architecture && is_system {
        return Ok(());
    }
    Err(DriverError::Usage(format!(
        "the target {name} is another; programs are for {}",
        TARGET.triple
    )))
}

fn is_query(text: &str) -> bool {
    matches!(
        text,
        "--version" | "--help" | "-dumpmachine" | "-dumpversion" | "-dumpfullversion"
    ) || text.starts_with("-print-")
        || text.starts_with("--print-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::target_option;

    fn parse(text: &str) -> Result<CommandLine> {
        let arguments: Vec<OsString> = text.split(' ').map(OsString::from).collect();
        CommandLine::parse(&arguments)
    }

    #[test]
    fn what_is_compiled_and_what_is_linked_are_told_apart() {
        let line = parse(
            "-Wall -I inc -DX=1 -O2 a.c -L lib -lm b.o -Wl,--start-group,libx.a -Wl,--end-group -o prog -std=c99 -MD -MF a.d",
        )
        .unwrap();
        let flags = [
            "-Wall", "-I", "inc", "-DX=1", "-std=c99", "-MD", "-MF", "a.d",
        ];
        assert_eq!(line.compile_flags, flags);
        assert_eq!(line.mode, Mode::Link);
        assert_eq!(line.level, OptimizationLevel::Speed);
        assert_eq!(line.output.as_deref(), Some(Path::new("prog")));
        assert_eq!(line.library_folders, [Path::new("lib")]);
        assert!(line.dependencies.wanted && line.dependencies.has_file);
        assert!(!line.dependencies.has_target);
        let input = |path: &str| {
            Item::Input(Input {
                path: path.into(),
                language: None,
            })
        };
        let linker = |text: &str| Item::Linker(text.to_owned());
        assert_eq!(
            line.items,
            [
                input("a.c"),
                Item::Library("m".to_owned()),
                input("b.o"),
                linker("--start-group"),
                linker("libx.a"),
                linker("--end-group"),
            ]
        );
    }

    #[test]
    fn the_earliest_stop_wins() {
        assert_eq!(parse("-c -E a.c").unwrap().mode, Mode::Preprocess);
        assert_eq!(parse("-S -c a.c").unwrap().mode, Mode::Assembly);
        assert_eq!(parse("-MM a.c").unwrap().mode, Mode::Preprocess);
    }

    #[test]
    fn languages_hold_until_the_next_one() {
        let line = parse("-x c++ a.h -xnone b.c -x c -").unwrap();
        let languages: Vec<Option<&str>> = line
            .inputs()
            .map(|input| input.language.as_deref())
            .collect();
        assert_eq!(languages, [Some("c++"), None, Some("c")]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, word) in [
            ("-shared a.o", "static"),
            ("-m32 a.c", "64 bits"),
            ("--target=aarch64-none-elf a.c", "aarch64"),
            ("a.c -o", "-o needs a value"),
            ("-O7up a.c", "-O7up"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(word), "{text}: {error}");
            assert_eq!(error.exit_code(), 105);
        }
        assert!(parse(&format!("{} a.c", target_option())).is_ok());
    }

    #[test]
    fn questions_are_found_among_flags() {
        let line = parse("-O2 -print-prog-name=ld").unwrap();
        assert_eq!(line.query.as_deref(), Some("-print-prog-name=ld"));
    }
}
