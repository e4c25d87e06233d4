//! Building and linking the kernels.
//!
//! Cargo makes a static library of a kernel's Rust and C++; ld.lld links it with the distribution's
//! archives under the kernel's own linker script. The link is done again only when one of its inputs has
//! changed, so that an edit costs what it must.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::SystemTime;

use bareflow_targets::Target;

use crate::cargo::clean_cargo;
use crate::compiler_cache::CompilerCache;
use crate::generator_sources;
use crate::paths::Cache;
use crate::remembered::{States, files_below, is_older};
use crate::shell;
use crate::symbols::append as append_symbols;

/// Why there is no kernel.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A file or tool cannot be used.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The same, as a shell says it.
    #[error(transparent)]
    Shell(#[from] xshell::Error),
    /// Cargo refused the sources. It has said why on stderr.
    #[error("{package} does not compile; the command was:\n  {command}")]
    Compile {
        /// The kernel's package.
        package: &'static str,
        /// The command line.
        command: String,
    },
    /// The linker refused its inputs.
    #[error("{package} does not link; the command was:\n  {command}\n{output}")]
    Link {
        /// The kernel's package.
        package: &'static str,
        /// The command line.
        command: String,
        /// What the linker said.
        output: String,
    },
    /// A code generator's sources are not to be had.
    #[error("the sources of MIR: {0}")]
    NoSources(String),
    /// The distribution has no LLVM in it.
    #[error("{folder} holds no archives of LLVM; `cargo xtask llvm --force` builds them again")]
    NoArchives {
        /// The distribution's library folder.
        folder: PathBuf,
    },
}

fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> KernelError {
    let what = what.into();
    |source| KernelError::System { what, source }
}

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelKind {
    /// A Linux process.
    Hosted,
    /// The bare machine.
    Machine,
    /// The bare machine without LLVM, for one program that is linked with it.
    Native,
    /// The same as a Linux process.
    NativeHosted,
    /// The same as [`Self::Native`], for a program that this code generator compiles while it runs.
    Jit(JitGenerator),
    /// And as a Linux process.
    JitHosted(JitGenerator),
}

/// What compiles a program in a kernel without LLVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum JitGenerator {
    /// Cranelift, in two tiers
    Cranelift,
    /// MIR
    Mir,
    /// QBE
    Qbe,
}

impl JitGenerator {
    /// Its name, for kernels and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cranelift => "cranelift",
            Self::Mir => "mir",
            Self::Qbe => "qbe",
        }
    }

    /// Whether it makes fast code that counts first, and better code of what has counted enough.
    #[must_use]
    pub const fn has_tiers(self) -> bool {
        matches!(self, Self::Cranelift)
    }
}

impl KernelKind {
    fn package(self) -> &'static str {
        match self {
            Self::Hosted => "bareflow-hosted",
            Self::Machine => "bareflow-machine",
            Self::Native | Self::NativeHosted | Self::Jit(_) | Self::JitHosted(_) => {
                "bareflow-exported"
            }
        }
    }

    /// What of the package is wanted, if that is not what it is by default.
    fn features(self, has_generators: bool) -> &'static [&'static str] {
        match self {
            Self::NativeHosted => &["--no-default-features", "--features", "hosted"],
            Self::Jit(JitGenerator::Cranelift) => &["--features", "cranelift"],
            Self::Jit(JitGenerator::Mir) => &["--features", "mir"],
            Self::Jit(JitGenerator::Qbe) => &["--features", "qbe"],
            Self::JitHosted(JitGenerator::Cranelift) => {
                &["--no-default-features", "--features", "hosted,cranelift"]
            }
            Self::JitHosted(JitGenerator::Mir) => {
                &["--no-default-features", "--features", "hosted,mir"]
            }
            Self::JitHosted(JitGenerator::Qbe) => {
                &["--no-default-features", "--features", "hosted,qbe"]
            }
            Self::Hosted | Self::Machine if has_generators => &["--features", GENERATORS],
            Self::Hosted | Self::Machine | Self::Native => &[],
        }
    }

    fn link_script(self) -> &'static str {
        match self {
            Self::Hosted | Self::NativeHosted | Self::JitHosted(_) => "kernel/hosted/link.ld",
            Self::Machine | Self::Native | Self::Jit(_) => "kernel/machine/link.ld",
        }
    }

    /// Whether it is a program's Linux process.
    fn is_process(self) -> bool {
        matches!(self, Self::NativeHosted | Self::JitHosted(_))
    }

    /// What of its package's forms it is, if that is not the one that the package has by default.
    fn form(self) -> Option<String> {
        match self {
            Self::Hosted | Self::Machine | Self::Native => None,
            Self::NativeHosted => Some("process".to_owned()),
            Self::Jit(generator) => Some(generator.name().to_owned()),
            Self::JitHosted(generator) => Some(format!("process-{}", generator.name())),
        }
    }
}

/// How much of LLVM is in the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LlvmExtent {
    /// Every object of every library
    #[default]
    Full,
    /// Only what the kernel uses, as small as can be
    Jit,
}

impl LlvmExtent {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Jit => "jit",
        }
    }
}

/// What kernels are made with.
#[derive(Clone, Debug)]
pub struct KernelBuilder {
    /// The repository.
    pub root: PathBuf,
    /// What kernels run on.
    pub target: &'static Target,
    /// The LLVM distribution.
    pub distribution: PathBuf,
    /// The SDK: its C library is the kernels', and programs inline from its bitcode.
    pub sdk: PathBuf,
    /// Compiles the engine's C++.
    pub clangxx: PathBuf,
    /// Links.
    pub lld: PathBuf,
    /// Keeps what was compiled before: an edit of one file of the engine's C++ then costs one file.
    pub compiler_cache: Option<CompilerCache>,
    /// The cache with the sources of the other code generators, if kernels have those beside LLVM's: all of them.
    pub generators: Option<Cache>,
    /// The sources of QBE, if kernels are to have that among them.
    pub qbe: Option<PathBuf>,
}

/// The feature of kernels that have them, and the folder of what is compiled for them.
const GENERATORS: &str = "generators";

/// Where kernels are, in a folder for each of the environments that they are made with.
const ENVIRONMENTS: &str = "environments";

/// Kernels of so many environments are kept.
const MOST_ENVIRONMENTS: usize = 4;

/// Names of LLVM's functions: the machine has them first, in this order. `cargo xtask order` writes it.
pub const FUNCTION_ORDER: &str = "kernel/machine/llvm.order";
/// In the folder of an architecture: what minimal kernels leave out of LLVM.
pub const LEFT_OUT: &str = "left-out.ld";

/// What an exported program's kernel needs beside its image: a stack of 8 MiB, a heap of 4 MiB, page tables.
const PROGRAM_MEMORY_BYTES: u64 = 16 << 20;
/// And what the compiler of a program needs that is compiled while it runs.
const COMPILER_MEMORY_BYTES: u64 = 16 << 20;

impl KernelBuilder {
    /// Builds the kernel if it is not up to date; returns its ELF file.
    ///
    /// # Errors
    /// [`KernelError`] says which step failed and how to repeat it.
    pub fn build(&self, kind: KernelKind, extent: LlvmExtent) -> Result<PathBuf, KernelError> {
        let _lock = self.lock()?;
        let library = self.compile(kind)?;
        let output = self.output(kind, extent);
        let (mut arguments, key) = self.link_step(kind, extent, &library, &output)?;
        let stamp = output.with_extension("key");
        if output.is_file() && fs::read_to_string(&stamp).is_ok_and(|text| text == key) {
            return Ok(output);
        }
        remove_if_there(&stamp)?;
        // Another command may be about to start the kernel that is there.
        let fresh = output.with_extension(format!("{}.new", process::id()));
        arguments.extend(["-o".into(), fresh.clone().into()]);
        self.link(kind, &arguments)?;
        if kind == KernelKind::Machine {
            append_symbols(&fresh)
                .map_err(system(format!("cannot add symbols to {}", fresh.display())))?;
        }
        fs::rename(&fresh, &output)
            .map_err(system(format!("cannot write {}", output.display())))?;
        shell::shell()?.write_file(&stamp, key)?;
        self.remove_old_environments()?;
        Ok(output)
    }

    /// Where a kernel goes. What is made with other tools, or with another distribution or SDK, goes elsewhere: commands
    /// that run at the same time with different settings do not take each other's kernels away.
    pub fn output(&self, kind: KernelKind, extent: LlvmExtent) -> PathBuf {
        self.target_folder()
            .join(ENVIRONMENTS)
            .join(self.environment())
            .join(format!("{}-{}", kind.package(), extent.name()))
    }

    /// A name for what kernels are made with.
    fn environment(&self) -> String {
        let mut states = States::default();
        for path in [&self.distribution, &self.sdk, &self.clangxx, &self.lld] {
            states.word(path.as_os_str().as_encoded_bytes());
        }
        if self.generators.is_some() {
            states.word(GENERATORS.as_bytes());
            states.word(self.qbe_folder().as_encoded_bytes());
        }
        states.key()[..16].to_owned()
    }

    /// Waits until nobody else makes kernels of this checkout: the static library, which cargo makes, has one place.
    fn lock(&self) -> Result<File, KernelError> {
        let folder = self
            .target_folder()
            .join(ENVIRONMENTS)
            .join(self.environment());
        shell::shell()?.create_dir(&folder)?;
        let path = self.target_folder().join("lock");
        let file =
            File::create(&path).map_err(system(format!("cannot write {}", path.display())))?;
        file.lock()
            .map_err(system(format!("cannot lock {}", path.display())))?;
        Ok(file)
    }

    /// Removes the kernels of all environments but the newest.
    fn remove_old_environments(&self) -> Result<(), KernelError> {
        let time = |path: &PathBuf| fs::metadata(path).and_then(|found| found.modified()).ok();
        let mut folders = shell::shell()?.read_dir(self.target_folder().join(ENVIRONMENTS))?;
        folders.sort_by_key(|path| std::cmp::Reverse(time(path)));
        for old in folders.iter().skip(MOST_ENVIRONMENTS) {
            remove_if_there(old)?;
        }
        Ok(())
    }

    /// The linker's arguments, and the key of everything that it reads.
    fn link_step(
        &self,
        kind: KernelKind,
        extent: LlvmExtent,
        library: &Path,
        output: &Path,
    ) -> Result<(Vec<OsString>, String), KernelError> {
        let archives = self.archives()?;
        let arguments = self.link_arguments(kind, extent, library, &archives, output);
        let script = self.root.join(kind.link_script());
        let mut inputs = vec![self.lld.clone(), script, library.to_owned()];
        inputs.extend(self.function_order(kind));
        if extent == LlvmExtent::Jit {
            inputs.push(self.left_out());
        }
        inputs.extend(archives.all());
        let key = key_of(&arguments, &inputs)?;
        Ok((arguments, key))
    }

    /// What a minimal kernel's LLVM is linked without.
    fn left_out(&self) -> PathBuf {
        let folder = self.root.join("kernel/engine/cpp/arch");
        folder.join(self.target.architecture).join(LEFT_OUT)
    }

    /// The file with the order of LLVM's functions in this kernel.
    fn function_order(&self, kind: KernelKind) -> Option<PathBuf> {
        (kind == KernelKind::Machine).then(|| self.root.join(FUNCTION_ORDER))
    }

    /// The map of the link that made the kernel that is there; `None` if one of its inputs has changed since. It is
    /// as large as the kernel: only who wants it has it written.
    ///
    /// # Errors
    /// [`KernelError`] says which step failed.
    pub fn link_map(
        &self,
        kind: KernelKind,
        extent: LlvmExtent,
    ) -> Result<Option<PathBuf>, KernelError> {
        let output = self.output(kind, extent);
        let library = self.library(kind);
        let (mut arguments, key) = self.link_step(kind, extent, &library, &output)?;
        if !fs::read_to_string(output.with_extension("key")).is_ok_and(|text| text == key) {
            return Ok(None);
        }
        let map = output.with_extension("map");
        let is_fresh = |map: &Path| {
            let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
            time(map) > time(&output)
        };
        if !is_fresh(&map) {
            let again = output.with_extension("again");
            let mut option = OsString::from("-Map=");
            option.push(&map);
            arguments.extend(["-o".into(), again.clone().into(), option]);
            self.link(kind, &arguments)?;
            remove_if_there(&again)?;
        }
        Ok(Some(map))
    }

    /// Empty without QBE.
    fn qbe_folder(&self) -> &OsStr {
        self.qbe.as_deref().map_or(OsStr::new(""), Path::as_os_str)
    }

    fn target_folder(&self) -> PathBuf {
        self.root.join("target/kernel")
    }

    /// Compiles the kernel's Rust and C++; returns the static library.
    ///
    /// # Errors
    /// [`KernelError`] says which step failed and how to repeat it.
    pub fn compile(&self, kind: KernelKind) -> Result<PathBuf, KernelError> {
        let package = kind.package();
        let mut arguments = vec![
            "build",
            "--profile",
            "kernel",
            "--target",
            self.target.rust.target,
            "--package",
            package,
            "--quiet",
        ];
        arguments.extend(kind.features(self.generators.is_some()));
        let compiler = self.cached_compiler()?;
        let library = self.library(kind);
        let stamp = library.with_extension("key");
        let sources = Sources {
            root: &self.root,
            library: &library,
            words: [
                self.distribution.as_os_str(),
                self.sdk.as_os_str(),
                self.clangxx.as_os_str(),
                self.qbe_folder(),
            ],
        };
        if sources
            .key()
            .is_ok_and(|key| fs::read_to_string(&stamp).is_ok_and(|text| text == key))
        {
            return Ok(library);
        }
        remove_if_there(&stamp)?;
        let start = SystemTime::now();
        let flags = self.target.rust.flags.join(" ");
        eprintln!("$ cargo {}", arguments.join(" "));
        let generators = match &self.generators {
            Some(cache) => Some((
                "BAREFLOW_MIR",
                generator_sources::mir(cache).map_err(KernelError::NoSources)?,
            )),
            None => None,
        };
        let mut command = clean_cargo(&self.root);
        if let Some(cache) = &self.compiler_cache {
            command.envs(cache.variables());
        }
        if let Some(folder) = &self.qbe {
            command.env("BAREFLOW_QBE", folder);
        }
        let status = command
            .args(&arguments)
            .env("CARGO_TARGET_DIR", self.cargo_folder(kind))
            .env("RUSTFLAGS", &flags)
            .env("BAREFLOW_DIST", &self.distribution)
            .env("BAREFLOW_SDK", &self.sdk)
            .env("BAREFLOW_CLANGXX", compiler)
            .envs(generators)
            // Cargo's stdout must not mix with the program's.
            .stdout(io::stderr())
            .status()
            .map_err(system("cannot start cargo"))?;
        if !status.success() {
            return Err(KernelError::Compile {
                package,
                command: format!(
                    "RUSTFLAGS='{flags}' BAREFLOW_DIST={} BAREFLOW_SDK={} cargo {}",
                    self.distribution.display(),
                    self.sdk.display(),
                    arguments.join(" ")
                ),
            });
        }
        if kind.form().is_some() {
            let made = self.made_library(kind);
            let moved = fs::copy(made.with_extension("d"), library.with_extension("d"))
                .and_then(|_| fs::rename(&made, &library));
            moved.map_err(system(format!("cannot move {}", made.display())))?;
        }
        if sources.are_older(start)
            && let Ok(key) = sources.key()
        {
            shell::shell()?.write_file(&stamp, key)?;
        }
        Ok(library)
    }

    /// Where a kernel's static library is.
    fn library(&self, kind: KernelKind) -> PathBuf {
        let made = self.made_library(kind);
        match kind.form() {
            Some(form) => made.with_extension(format!("{form}.a")),
            None => made,
        }
    }

    /// Where cargo puts it. A package in another form goes to the same place, and is taken away from there.
    fn made_library(&self, kind: KernelKind) -> PathBuf {
        let name = format!("lib{}.a", kind.package().replace('-', "_"));
        self.cargo_folder(kind)
            .join(self.target.rust.target)
            .join("kernel")
            .join(name)
    }

    fn cargo_folder(&self, kind: KernelKind) -> PathBuf {
        match kind {
            KernelKind::Hosted | KernelKind::Machine if self.generators.is_some() => {
                self.target_folder().join(GENERATORS)
            }
            // The generators are there already.
            KernelKind::Jit(_) | KernelKind::JitHosted(_) => self.target_folder().join(GENERATORS),
            KernelKind::Hosted
            | KernelKind::Machine
            | KernelKind::Native
            | KernelKind::NativeHosted => self.target_folder(),
        }
    }

    /// The compiler, behind the cache if there is one. Build scripts want one program without arguments.
    ///
    /// # Errors
    /// That the wrapper cannot be written.
    pub fn cached_compiler(&self) -> Result<PathBuf, KernelError> {
        let Some(cache) = &self.compiler_cache else {
            return Ok(self.clangxx.clone());
        };
        let path = self.target_folder().join("cached-clang++");
        let script = format!(
            "#!/bin/sh\nexec '{}' '{}' \"$@\"\n",
            cache.program.display(),
            self.clangxx.display()
        );
        if fs::read_to_string(&path).is_ok_and(|text| text == script) {
            return Ok(path);
        }
        let written = fs::create_dir_all(self.target_folder())
            .and_then(|()| fs::write(&path, script))
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)));
        written.map_err(system(format!("cannot write {}", path.display())))?;
        Ok(path)
    }

    fn archives(&self) -> Result<Archives, KernelError> {
        let folder = self.distribution.join("lib");
        let mut llvm = Vec::new();
        for path in shell::shell()?.read_dir(&folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("libLLVM") && name.ends_with(".a") {
                llvm.push(path);
            }
        }
        if llvm.is_empty() {
            return Err(KernelError::NoArchives { folder });
        }
        // The order in the folder must not decide the order in the kernel.
        llvm.sort();
        let mut base = vec![folder.join("libc++.a")];
        base.extend(self.c_library());
        Ok(Archives { llvm, base })
    }

    /// The archives of the C library.
    pub fn c_library(&self) -> [PathBuf; 2] {
        ["libc.a", "libm.a"].map(|name| self.sdk.join("lib").join(name))
    }

    fn link_arguments(
        &self,
        kind: KernelKind,
        extent: LlvmExtent,
        library: &Path,
        archives: &Archives,
        output: &Path,
    ) -> Vec<OsString> {
        let mut arguments = self.common_link_arguments(kind, output);
        if let Some(order) = self.function_order(kind) {
            arguments.extend([
                "--no-warn-symbol-ordering".into(),
                "--symbol-ordering-file".into(),
                order.into(),
            ]);
        }
        arguments.push(library.into());
        if extent == LlvmExtent::Full {
            arguments.push("--whole-archive".into());
        } else {
            arguments.extend(["--gc-sections", "--icf=safe", "-T"].map(OsString::from));
            arguments.push(self.left_out().into());
        }
        arguments.extend(archives.llvm.iter().map(Into::into));
        if extent == LlvmExtent::Full {
            arguments.push("--no-whole-archive".into());
        }
        arguments.extend(archives.base.iter().map(Into::into));
        arguments
    }

    fn common_link_arguments(&self, kind: KernelKind, output: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = [
            "-static",
            "-nostdlib",
            "--build-id=sha1",
            "-z",
            "noexecstack",
            "-T",
        ]
        .map(OsString::from)
        .to_vec();
        arguments.push(self.root.join(kind.link_script()).into());
        arguments.extend(["-o".into(), output.into()]);
        arguments
    }

    /// What is linked with a program: names that these define are taken.
    ///
    /// # Errors
    /// [`KernelError`] says which step failed and how to repeat it.
    pub fn native_archives(&self, kind: KernelKind) -> Result<Vec<PathBuf>, KernelError> {
        let _lock = self.lock()?;
        let mut archives = vec![self.compile(kind)?];
        archives.extend(self.archives()?.base);
        Ok(archives)
    }

    /// Builds a native kernel with a program; writes it and its link map.
    ///
    /// # Errors
    /// [`KernelError`] says which step failed and how to repeat it.
    pub fn build_native(
        &self,
        kind: KernelKind,
        program: &NativeProgram,
        output: &Path,
    ) -> Result<(), KernelError> {
        let _lock = self.lock()?;
        let library = self.compile(kind)?;
        let mut arguments = self.common_link_arguments(kind, output);
        let memory = match kind {
            KernelKind::Jit(_) => PROGRAM_MEMORY_BYTES + COMPILER_MEMORY_BYTES,
            _ => PROGRAM_MEMORY_BYTES,
        };
        if !kind.is_process() {
            arguments.push(format!("--defsym=__program_memory={memory}").into());
        }
        let mut map = OsString::from("-Map=");
        map.push(output);
        map.push(".map");
        arguments.extend(["--gc-sections".into(), map]);
        if !program.sections.is_empty() {
            let script = output.with_extension("ld");
            shell::shell()?.write_file(&script, program.link_script())?;
            arguments.extend(["-T".into(), script.into()]);
        }
        arguments.push(library.into());
        arguments.extend(program.objects.iter().map(Into::into));
        arguments.extend(self.archives()?.base.iter().map(Into::into));
        self.link(kind, &arguments)?;
        if kind.is_process() {
            return Ok(());
        }
        append_symbols(output).map_err(system(format!(
            "cannot add symbols to {}",
            output.display()
        )))
    }

    fn link(&self, kind: KernelKind, arguments: &[OsString]) -> Result<(), KernelError> {
        eprintln!(
            "$ {} ... ({} arguments)",
            self.lld.display(),
            arguments.len()
        );
        let mut command = Command::new(&self.lld);
        let output = command
            .args(arguments)
            .output()
            .map_err(system(format!("cannot start {}", self.lld.display())))?;
        let messages = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            eprint!("{messages}");
            return Ok(());
        }
        Err(KernelError::Link {
            package: kind.package(),
            command: shell::display(&command),
            output: messages.into_owned(),
        })
    }
}

/// A program for [`KernelBuilder::build_native`]: as native code, or with what compiles it.
#[derive(Clone, Debug)]
pub struct NativeProgram {
    /// The object files.
    pub objects: Vec<PathBuf>,
    /// The sections whose bounds it asks for.
    pub sections: Vec<String>,
}

impl NativeProgram {
    /// Where these sections lie: with the kernel's data. The linker defines the bounds of each.
    fn link_script(&self) -> String {
        let places = self
            .sections
            .iter()
            .map(|name| format!("    {name} : ALIGN(16) {{ KEEP(*({name})) }} :data\n"));
        format!(
            "SECTIONS {{\n{}}} INSERT AFTER .data;\n",
            places.collect::<String>()
        )
    }
}

/// The distribution's archives.
#[derive(Clone, Debug)]
struct Archives {
    llvm: Vec<PathBuf>,
    base: Vec<PathBuf>,
}

impl Archives {
    fn all(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.llvm.iter().chain(&self.base).cloned()
    }
}

fn remove_if_there(path: &Path) -> Result<(), KernelError> {
    Ok(shell::shell()?.remove_path(path)?)
}

/// Of everything that can change what the linker makes. A file is known by its size and time: reading
/// 150 MB of archives would take longer than the rest of an incremental build.
fn key_of(arguments: &[OsString], inputs: &[PathBuf]) -> Result<String, KernelError> {
    let mut states = States::default();
    for argument in arguments {
        states.word(argument.as_encoded_bytes());
    }
    for path in inputs {
        states
            .file(path)
            .map_err(system(format!("cannot find {}", path.display())))?;
    }
    Ok(states.key())
}

/// What cargo makes a kernel's static library from, so that it need not be asked, which takes longer than looking, when
/// nothing has changed.
struct Sources<'a> {
    root: &'a Path,
    library: &'a Path,
    /// Where else the build looks.
    words: [&'a OsStr; 4],
}

impl Sources<'_> {
    /// The files and folders that cargo has written down beside the library, and what cargo itself reads.
    fn places(&self) -> io::Result<Vec<PathBuf>> {
        let text = fs::read_to_string(self.library.with_extension("d"))?;
        let mut places = makefile_inputs(&text);
        let manifests: BTreeSet<PathBuf> = places
            .iter()
            .flat_map(|path| path.ancestors())
            .filter(|folder| folder.starts_with(self.root))
            .map(|folder| folder.join("Cargo.toml"))
            .filter(|path| path.is_file())
            .collect();
        places.extend(manifests);
        places.extend(["Cargo.lock", ".cargo/config.toml"].map(|name| self.root.join(name)));
        Ok(places)
    }

    /// What they, what they lead to and the library itself are known by. A toolchain that has changed has built this
    /// program anew.
    fn key(&self) -> io::Result<String> {
        let mut states = States::default();
        for word in self.words {
            states.word(word.as_encoded_bytes());
        }
        states.file(&env::current_exe()?)?.file(self.library)?;
        let places = self.places()?;
        for place in &places {
            states.file_if_there(place);
        }
        for file in files_below(places.iter().map(PathBuf::as_path)) {
            states.file(&file)?;
        }
        Ok(states.key())
    }

    /// Whether none has been written since `start`.
    fn are_older(&self, start: SystemTime) -> bool {
        let made = self.root.join("target");
        self.places().is_ok_and(|places| {
            files_below(places.iter().map(PathBuf::as_path))
                .all(|file| file.starts_with(&made) || is_older(&file, start))
        })
    }
}

/// The inputs in a dependency file in the language of `make`, in which a space of a name follows a backslash.
fn makefile_inputs(text: &str) -> Vec<PathBuf> {
    const SPACE: &str = "\0";
    let text = text.replace("\\ ", SPACE);
    let inputs = text.lines().filter_map(|line| line.split_once(": "));
    inputs
        .flat_map(|(_, inputs)| inputs.split_whitespace())
        .map(|name| name.replace(SPACE, " ").into())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn builder(root: &Path) -> KernelBuilder {
        KernelBuilder {
            root: root.into(),
            target: bareflow_targets::DEFAULT,
            distribution: root.join("dist"),
            sdk: root.join("sdk"),
            clangxx: "clang++".into(),
            lld: "ld.lld".into(),
            compiler_cache: None,
            generators: None,
            qbe: None,
        }
    }

    #[test]
    fn the_full_kernel_has_every_object_and_the_small_one_what_it_uses() {
        let folder = tempfile::tempdir().unwrap();
        let lib = folder.path().join("dist/lib");
        fs::create_dir_all(&lib).unwrap();
        let builder = builder(folder.path());
        assert!(matches!(
            builder.archives(),
            Err(KernelError::NoArchives { .. })
        ));
        for name in ["libLLVMSupport.a", "libLLVMCore.a", "libc.a", "notes.txt"] {
            fs::write(lib.join(name), "").unwrap();
        }
        let archives = builder.archives().unwrap();
        assert_eq!(
            archives.llvm,
            [lib.join("libLLVMCore.a"), lib.join("libLLVMSupport.a")]
        );

        let words = |extent| -> Vec<String> {
            builder
                .link_arguments(
                    KernelKind::Hosted,
                    extent,
                    Path::new("k.a"),
                    &archives,
                    Path::new("k"),
                )
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect()
        };
        let full = words(LlvmExtent::Full);
        let start = full
            .iter()
            .position(|word| word == "--whole-archive")
            .unwrap();
        let end = full
            .iter()
            .position(|word| word == "--no-whole-archive")
            .unwrap();
        assert_eq!(end - start, 3);
        assert!(full[start + 1].ends_with("libLLVMCore.a"));
        let jit = words(LlvmExtent::Jit);
        assert!(jit.contains(&"--gc-sections".to_owned()));
        assert!(!jit.contains(&"--whole-archive".to_owned()));
    }

    #[test]
    fn kernels_of_different_environments_have_different_places() {
        type Change = fn(&mut KernelBuilder);
        let folder = tempfile::tempdir().unwrap();
        let changes: [Change; 5] = [
            |_| {},
            |builder| builder.distribution.push("other"),
            |builder| builder.sdk.push("other"),
            |builder| builder.clangxx = "clang++-16".into(),
            |builder| builder.lld = "ld.lld-16".into(),
        ];
        let mut places = BTreeSet::new();
        for (second, change) in (1..).zip(changes) {
            let mut builder = builder(folder.path());
            change(&mut builder);
            let output = builder.output(KernelKind::Hosted, LlvmExtent::Full);
            drop(builder.lock().unwrap());
            fs::write(&output, "").unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(second);
            let place = output.parent().unwrap();
            File::open(place).unwrap().set_modified(time).unwrap();
            assert!(places.insert(output));
        }
        builder(folder.path()).remove_old_environments().unwrap();
        let left = places.iter().filter(|place| place.exists()).count();
        assert_eq!(left, MOST_ENVIRONMENTS);
        // The one that was used first has gone.
        let first = builder(folder.path()).output(KernelKind::Hosted, LlvmExtent::Full);
        assert!(!first.exists());
    }

    #[test]
    fn the_compiler_cache_is_one_program() {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = builder(folder.path());
        assert_eq!(builder.cached_compiler().unwrap(), Path::new("clang++"));
        builder.clangxx = "/bin/echo".into();
        builder.compiler_cache = Some(CompilerCache {
            program: "/usr/bin/env".into(),
            folder: folder.path().into(),
            shared: None,
        });
        let script = builder.cached_compiler().unwrap();
        let output = Command::new(script).args(["a b", "$c"]).output().unwrap();
        assert_eq!(output.stdout, b"a b $c\n");
    }

    #[test]
    fn the_key_changes_with_the_inputs_and_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input.a");
        fs::write(&input, "one").unwrap();
        let key = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(Into::into).collect();
            key_of(&words, std::slice::from_ref(&input)).unwrap()
        };
        let first = key(&["-o", "x"]);
        assert_eq!(first, key(&["-o", "x"]));
        assert_ne!(first, key(&["-ox"]));
        let file = fs::File::options().write(true).open(&input).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(5))
            .unwrap();
        assert_ne!(first, key(&["-o", "x"]));
    }

    #[test]
    fn a_kernels_library_is_known_by_all_that_cargo_made_it_from() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a b/cpp/sub")).unwrap();
        let library = root.join("lib.a");
        let names = [
            "Cargo.toml",
            "Cargo.lock",
            "a b/Cargo.toml",
            "a b/lib.rs",
            "a b/cpp/sub/x.cpp",
            "lib.a",
        ];
        for name in names {
            fs::write(root.join(name), "").unwrap();
        }
        let made = root.display().to_string().replace(' ', "\\ ");
        let text = format!("{made}/lib.a: {made}/a\\ b/lib.rs {made}/a\\ b/cpp\n");
        fs::write(root.join("lib.d"), text).unwrap();
        let sources = Sources {
            root,
            library: &library,
            words: [OsStr::new("dist"); 4],
        };
        assert!(sources.are_older(SystemTime::now() + Duration::from_secs(1)));
        assert!(!sources.are_older(SystemTime::now()));
        let mut keys = vec![sources.key().unwrap()];
        assert_eq!(sources.key().unwrap(), keys[0]);
        for name in names {
            fs::write(root.join(name), "x").unwrap();
            keys.push(sources.key().unwrap());
        }
        fs::write(root.join("a b/cpp/sub/new.cpp"), "").unwrap();
        keys.push(sources.key().unwrap());
        let other = Sources {
            words: [OsStr::new("other"); 4],
            ..sources
        };
        keys.push(other.key().unwrap());
        let different: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }
}
