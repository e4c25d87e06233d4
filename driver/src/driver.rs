//! The compiler driver itself: from a command line to its output.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write, stdout};
use std::path::Path;

use crate::command_line::{CommandLine, Commands, Input, Item, Mode};
use crate::compile::{Compiler, Job, Product, Shown, Source};
use crate::error::{DriverError, Result, reading, system};
use crate::flags::Language;

use crate::link::{Link, Linked};
use crate::output::Destination;
use crate::parts::{Making, Texts, default_output};
use crate::queries;
use crate::sdk::Sdk;
use crate::toolchain::Toolchain;
use crate::words;

/// Build systems start as many compilers as are good for the host.
const ONE_AFTER_THE_OTHER: usize = 1;

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
            check_input(input)?;
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
            commands: self.line.commands,
            folder: None,
        }
    }

    fn source<'a>(&self, input: &'a Input) -> Option<Source<'a>> {
        Source::of(input, self.language)
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
        let mut jobs = Vec::new();
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
            jobs.push(Job {
                source,
                product,
                output,
                flags: Vec::new(),
            });
        }
        self.compiler().compile_all(&jobs, ONE_AFTER_THE_OTHER)
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
        let compiler = self.compiler();
        let parts = Making {
            compiler: &compiler,
            libraries: &self.sdk.libraries,
            scratch: scratch.path(),
            parallel: ONE_AFTER_THE_OTHER,
            texts: Texts::Compiled,
        }
        .parts(&self.line)?;
        let link = Link {
            toolchain: &self.toolchain,
            parts: &parts,
            result: self.line.link_result,
            scratch: scratch.path(),
        };
        if self.line.commands.show(&link.command(&path)) == Shown::Instead {
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
}

/// Checks what shows before anything is done with an input.
///
/// # Errors
/// That it is not there, or a folder.
pub fn check_input(input: &Input) -> Result<()> {
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
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DriverError::Input(format!("{path}: there is no such file")));
        }
        Err(error) => return Err(reading(&input.path)(error)),
        Ok(metadata) if metadata.is_dir() => {
            return Err(DriverError::Input(format!("{path}: this is a folder")));
        }
        Ok(_) => {}
    }
    Ok(())
}
