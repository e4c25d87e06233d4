//! The compiler driver itself: from a command line to its output.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command_line::{
    CommandLine, Commands, Input, Item, LinkResult, Mode, StandardLibraries,
};
use crate::compile::{Compiler, Product, Source};
use crate::error::{DriverError, Result, system};
use crate::flags::Language;
use crate::input::{InputKind, kind_of};
use crate::libraries;
use crate::link::{Link, Linked, Part};
use crate::output::Destination;
use crate::queries;
use crate::sdk::Sdk;
use crate::toolchain::Toolchain;
use crate::words;

/// What a program is called when nobody says so.
const DEFAULT_PROGRAM: &str = "a.out";

/// Does what the arguments after the program's name say.
///
/// # Errors
/// What is wrong with them or with the files.
pub fn run(language: Language, arguments: impl IntoIterator<Item = OsString>) -> Result<()> {
    let line = CommandLine::parse(&words::expand(arguments)?)?;
    let driver = Driver {
        toolchain: Toolchain::find()?,
        sdk: Sdk::find()?,
        language,
        line,
    };
    driver.run()
}

/// A command line and what it is carried out with.
#[derive(Clone, Debug)]
pub struct Driver {
    /// The tools.
    pub toolchain: Toolchain,
    /// Headers and libraries.
    pub sdk: Sdk,
    /// Which compiler it is called as.
    pub language: Language,
    /// The command line.
    pub line: CommandLine,
}

impl Driver {
    /// Carries it out.
    ///
    /// # Errors
    /// The first that went wrong; what is wrong with other files has been said on stderr.
    pub fn run(&self) -> Result<()> {
        if let Some(query) = &self.line.query {
            return queries::answer(query, &self.toolchain, &self.sdk);
        }
        if self.line.inputs().next().is_none() {
            return self.without_inputs();
        }
        for input in self.line.inputs() {
            check_input(input, self.language)?;
        }
        match self.line.mode {
            Mode::Link => self.link(),
            Mode::Object => self.compile_each(Product::Bitcode, "o"),
            Mode::Assembly => self.compile_each(Product::IrText, "s"),
            Mode::Check => self.compile_each(Product::Messages, ""),
            Mode::Preprocess => self.compile_each(Product::Text, ""),
        }
    }

    fn without_inputs(&self) -> Result<()> {
        if self.line.commands == Commands::ShowAndRun {
            return queries::answer("--version", &self.toolchain, &self.sdk);
        }
        let asks_linker = |item: &Item| match item {
            Item::Linker(argument) => matches!(
                argument.trim_start_matches('-'),
                "v" | "version" | "help" | "V"
            ),
            Item::Input(_) | Item::Library(_) => false,
        };
        if self.line.items.iter().any(asks_linker) {
            return self.link();
        }
        Err(DriverError::Usage("no input files".to_owned()))
    }

    fn compiler(&self) -> Compiler {
        Compiler {
            clang: self.toolchain.clang.clone(),
            driver: self.language,
            headers: self.sdk.headers.clone(),
            standard_headers: self.line.standard_headers,
            flags: self.line.compile_flags.clone(),
            level: self.line.level,
        }
    }

    fn source<'a>(&self, input: &'a Input) -> Option<Source<'a>> {
        match kind_of(input, self.language) {
            InputKind::Source(language) => Some(Source::Text {
                path: &input.path,
                language,
                named: input.language.as_deref(),
            }),
            InputKind::IrText => Some(Source::Ir(&input.path)),
            InputKind::Assembler | InputKind::Linked => None,
        }
    }

    /// One output for each source file, or none.
    fn compile_each(&self, product: Product, extension: &str) -> Result<()> {
        let sources: Vec<(&Input, Source)> = self
            .line
            .inputs()
            .filter_map(|input| Some((input, self.source(input)?)))
            .collect();
        if let Some(output) = self.line.output.as_ref().filter(|_| sources.len() > 1) {
            return Err(DriverError::Usage(format!(
                "-o {}: there are several outputs; without -o each has the name of its source file",
                output.display()
            )));
        }
        for input in self.line.inputs() {
            if self.source(input).is_none() {
                let path = input.path.display();
                eprintln!("bareflow: warning: {path} is left out, since nothing is linked");
            }
        }
        let compiler = self.compiler();
        let mut first_error = None;
        for (input, source) in sources {
            let output = match (&self.line.output, product) {
                (Some(path), _) => Some(path.clone()),
                (None, Product::Bitcode | Product::IrText) => {
                    Some(default_output(&input.path, extension))
                }
                (None, Product::Messages | Product::Text) => None,
            };
            if let Some(path) = &output {
                Destination::check(path, self.line.inputs().map(|input| input.path.as_path()))?;
            }
            keep_first(
                &mut first_error,
                self.compile(&compiler, source, product, output.as_deref()),
            );
        }
        first_error.map_or(Ok(()), Err)
    }

    fn compile(
        &self,
        compiler: &Compiler,
        source: Source,
        product: Product,
        output: Option<&Path>,
    ) -> Result<()> {
        if self.line.commands != Commands::Run {
            let mut command = Command::new(&compiler.clang);
            show(command.args(compiler.arguments(source, product, output)));
        }
        if self.line.commands == Commands::Show {
            return Ok(());
        }
        let messages = compiler.compile(source, product, output)?;
        // There is nobody to tell that stderr is gone.
        let _ = stderr().write_all(messages.as_bytes());
        Ok(())
    }

    fn link(&self) -> Result<()> {
        let inputs = self.line.inputs().map(|input| input.path.as_path());
        let path = self
            .line
            .output
            .clone()
            .unwrap_or_else(|| DEFAULT_PROGRAM.into());
        let destination = Destination::check(&path, inputs)?;
        let scratch = tempfile::Builder::new()
            .prefix("bareflow-cc-")
            .tempdir()
            .map_err(system("cannot make a temporary folder".to_owned()))?;
        let parts = self.parts(scratch.path(), &path)?;
        let link = Link {
            toolchain: &self.toolchain,
            parts: &parts,
            result: self.line.link_result,
            scratch: scratch.path(),
        };
        if self.line.commands != Commands::Run {
            show(&link.command(&path));
        }
        if self.line.commands == Commands::Show {
            return Ok(());
        }
        match link.run()? {
            Linked::Bitcode(bytes) => destination.write_program(&bytes),
            Linked::Answer(text) => {
                // A reader that has gone does not want the rest.
                let _ = stdout().write_all(text.as_bytes());
                Ok(())
            }
        }
    }

    /// What is linked, after the source files among it have been compiled.
    fn parts(&self, scratch: &Path, program: &Path) -> Result<Vec<Part>> {
        let compiler = self.compiler();
        let has_sources = self.line.inputs().any(|input| self.source(input).is_some());
        if !has_sources && !compiler.flags.is_empty() {
            compiler.check_flags()?;
        }
        let mut parts = Vec::new();
        let mut first_error = None;
        for (index, item) in self.line.items.iter().enumerate() {
            match item {
                Item::Input(input) => {
                    let name = input.path.display().to_string();
                    let Some(source) = self.source(input) else {
                        parts.push(Part::File {
                            path: input.path.clone(),
                            name,
                        });
                        continue;
                    };
                    let folder = scratch.join(index.to_string());
                    fs::create_dir(&folder)
                        .map_err(system(format!("cannot make {}", folder.display())))?;
                    let path = folder.join(default_output(&input.path, "o"));
                    let compiler = self.with_dependencies(&compiler, &input.path, program);
                    keep_first(
                        &mut first_error,
                        self.compile(&compiler, source, Product::Bitcode, Some(&path)),
                    );
                    parts.push(Part::File { path, name });
                }
                Item::Library(name) => parts.extend(
                    libraries::find(name, &self.line.library_folders, &self.sdk.libraries)?
                        .into_iter()
                        .map(archive),
                ),
                Item::Linker(argument) => parts.push(Part::Argument(argument.clone())),
            }
        }
        if let Some(error) = first_error {
            return Err(error);
        }
        let wants_cxx = self.language == Language::Cxx
            && self.line.standard_libraries == StandardLibraries::Linked
            && self.line.link_result == LinkResult::Program;
        if wants_cxx {
            let libraries = libraries::of_cxx(libraries::CXX_LIBRARIES, &self.sdk.libraries)?;
            parts.extend(libraries.into_iter().map(archive));
        }
        Ok(parts)
    }

    /// With the names that dependency files have when source files are linked at once.
    fn with_dependencies(&self, compiler: &Compiler, source: &Path, program: &Path) -> Compiler {
        let mut compiler = compiler.clone();
        let dependencies = self.line.dependencies;
        if dependencies.wanted && !dependencies.has_file {
            let path = match self.line.output {
                Some(_) => program.with_extension("d"),
                None => default_output(source, "d"),
            };
            compiler.flags.extend(["-MF".into(), path.into()]);
        }
        if dependencies.wanted && !dependencies.has_target {
            let target = default_output(source, "o");
            compiler.flags.extend(["-MT".into(), target.into()]);
        }
        compiler
    }
}

fn archive(path: PathBuf) -> Part {
    let name = path.display().to_string();
    Part::File { path, name }
}

fn check_input(input: &Input, language: Language) -> Result<()> {
    let path = input.path.display();
    if input.path == Path::new("-") {
        if input.language.is_none() {
            return Err(DriverError::Usage(
                "-: the standard input has no name that says what it is; add -x c or -x c++"
                    .to_owned(),
            ));
        }
        return Ok(());
    }
    match fs::metadata(&input.path) {
        Err(error) => return Err(DriverError::Input(format!("{path}: {error}"))),
        Ok(metadata) if metadata.is_dir() => {
            return Err(DriverError::Input(format!("{path}: this is a folder")));
        }
        Ok(_) => {}
    }
    if kind_of(input, language) == InputKind::Assembler {
        return Err(DriverError::Input(format!(
            "{path}: assembly is native code, and programs are LLVM IR; most projects have the same in C (with \
             configure often --disable-asm)"
        )));
    }
    Ok(())
}

fn default_output(source: &Path, extension: &str) -> PathBuf {
    let stem = source.file_stem().unwrap_or_else(|| OsStr::new("a"));
    let mut name = stem.to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn keep_first(first: &mut Option<DriverError>, result: Result<()>) {
    match (result, first.is_some()) {
        (Err(error), false) => *first = Some(error),
        (Err(error), true) => eprintln!("{error}"),
        (Ok(()), _) => {}
    }
}

fn show(command: &Command) {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words
        .map(|word| format!("{:?}", word.to_string_lossy()))
        .collect();
    eprintln!(" {}", words.join(" "));
}
