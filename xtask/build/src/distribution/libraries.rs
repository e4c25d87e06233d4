//! What is compiled for the distribution beside LLVM: the runtime, the Linux platform, the engine, `llvm-config`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bareflow_llvm_config::build_info::BuildInfo;
use bareflow_targets::Target;
use serde::Deserialize;

use super::inputs::Inputs;
use crate::cargo::clean_cargo;
use crate::compiler_cache::CompilerCache;
use crate::error::{Error, Result, system};
use crate::kernel::KernelBuilder;
use crate::llvm::LlvmProfile;
use crate::llvm::steps::llvm::components;
use crate::packing::copy;
use crate::paths::{self, Cache};
use crate::rust_library;
use crate::shell::{Log, display, shell};
use crate::tools::Tools;

/// Rust's target for programs of the host.
const HOST: &str = bareflow_targets::DEFAULT.rust.target;

/// The runtime is one object of which C's names alone are visible: with Rust programs it shares none.
const RUNTIME_PROFILE: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2"),
];
/// A program that needs nothing of the Linux that it runs on.
const PROGRAM_FLAGS: &[&str] = &["-Ctarget-feature=+crt-static", "-Cstrip=symbols"];
/// Of the Linux platform.
const PLATFORM_FLAGS: &[&str] = &["-std=c17", "-Os", "-Wall", "-Wextra", "-Werror"];
/// Programs may bring functions of their own in the place of the runtime's.
const WEAKEN_FLAGS: &[&str] = &["--weaken", "--strip-debug"];

/// What Rust's standard library for Linux is linked with.
const RUST_LIBRARIES: &[&str] = &["gcc", "gcc_eh", "gcc_s", "util", "rt", "pthread", "dl"];

/// Every flag and option.
pub fn options(target: &Target) -> Vec<String> {
    let pairs = RUNTIME_PROFILE
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let flags = [
        &[target.rust.target],
        target.rust.flags,
        PROGRAM_FLAGS,
        PLATFORM_FLAGS,
        WEAKEN_FLAGS,
    ];
    let flags = flags.into_iter().flatten().map(|flag| (*flag).to_owned());
    pairs
        .chain(flags)
        .chain(components(LlvmProfile::Jit, target))
        .collect()
}

/// A build in progress.
#[derive(Debug)]
pub struct Build<'a> {
    /// Where logs go and where the result goes.
    pub cache: &'a Cache,
    /// What compiles.
    pub tools: &'a Tools,
    /// LLVM, as built for the target.
    pub llvm: &'a Path,
    /// What that says of itself.
    pub information: &'a BuildInfo,
    /// What the distribution is made from.
    pub inputs: &'a Inputs,
}

/// What cargo says of a build script that ran.
#[derive(Debug, Deserialize)]
struct CargoMessage {
    reason: String,
    package_id: Option<String>,
    out_dir: Option<PathBuf>,
}

impl Build<'_> {
    fn log(&self, step: &str) -> Result<Log> {
        Log::start(self.cache.log(&format!("distribution-{step}")))
    }

    /// Cargo for this repository's crates, with a folder of its own for each sort of flags. No path of this machine gets
    /// into what it builds.
    fn cargo(&self, folder: &str, flags: &[&str]) -> (Command, PathBuf) {
        let repository = paths::repository();
        let target = repository.join("target/shipped").join(folder);
        let home = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
            .unwrap_or_default();
        let mut flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        for (path, name) in [(&repository, "/bareflow"), (&home, "/cargo")] {
            flags.push(format!("--remap-path-prefix={}={name}", path.display()));
        }
        let mut cargo = clean_cargo(&repository);
        cargo
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        (cargo, target)
    }

    /// `libbareflow-runtime.a`.
    ///
    /// # Errors
    /// When cargo or llvm-objcopy fails.
    pub fn runtime(&self, output: &Path) -> Result<()> {
        let log = self.log("runtime")?;
        let rust = &self.inputs.target.rust;
        let (mut cargo, target) = self.cargo("runtime", rust.flags);
        cargo
            .args(["build", "--release", "--target", rust.target])
            .args(["--package", "bareflow-runtime"])
            .envs(RUNTIME_PROFILE.iter().copied());
        rust_library::provide(self.cache, rust.target)?.apply(&mut cargo);
        log.run(&mut cargo)?;
        let built = target
            .join(rust.target)
            .join("release/libbareflow_runtime.a");
        log.run(
            Command::new(self.beside_archiver("llvm-objcopy")?)
                .args(WEAKEN_FLAGS)
                .args([&built, output]),
        )
    }

    /// A tool of the version and in the folder of llvm-ar.
    fn beside_archiver(&self, tool: &str) -> Result<PathBuf> {
        let archiver = &self.tools.ar;
        let name = archiver.file_name().unwrap_or_default().to_string_lossy();
        let path = archiver.with_file_name(name.replace("llvm-ar", tool));
        if path.is_file() {
            return Ok(path);
        }
        Err(Error::Build(format!(
            "{} is not there, beside {}; it comes in the same package",
            path.display(),
            archiver.display()
        )))
    }

    /// `libbareflow-linux.a`.
    ///
    /// # Errors
    /// When clang or llvm-ar fails.
    pub fn linux_platform(&self, output: &Path) -> Result<()> {
        let log = self.log("linux")?;
        let sources = paths::repository().join("distribution");
        let architecture = self.inputs.target.architecture;
        let shipped = paths::repository().join("target/shipped");
        let folder = shipped.join("linux").join(architecture);
        shell()?.create_dir(&folder)?;
        let mut objects = Vec::new();
        for name in ["start", "platform"] {
            let object = folder.join(format!("{name}.o"));
            let mut compile = Command::new(&self.tools.clang);
            compile
                .arg(format!("--target={}", self.information.target))
                .args(&self.information.c_flags)
                .args(PLATFORM_FLAGS)
                .arg("-I")
                .arg(sources.join("include"))
                .arg("-I")
                .arg(sources.join("linux").join(architecture));
            for headers in ["c", "libc"] {
                compile
                    .arg("-isystem")
                    .arg(self.llvm.join("include/bareflow").join(headers));
            }
            compile
                .arg("-c")
                .arg(sources.join("linux").join(name).with_extension("c"));
            log.run(compile.arg("-o").arg(&object))?;
            objects.push(object);
        }
        shell()?.remove_path(output)?;
        let mut archive = Command::new(&self.tools.ar);
        log.run(archive.arg("rcsD").arg(output).args(objects))
    }

    /// The libraries that Rust's standard library asks for by name, with nothing in them: the runtime has what it needs.
    ///
    /// # Errors
    /// When llvm-ar fails.
    pub fn rust_folder(&self, folder: &Path) -> Result<()> {
        let log = self.log("rust")?;
        shell()?.create_dir(folder)?;
        for name in RUST_LIBRARIES {
            let output = folder.join(format!("lib{name}.a"));
            log.run(Command::new(&self.tools.ar).arg("rcsD").arg(output))?;
        }
        Ok(())
    }

    /// `libbareflow-engine.a`: the C++ of the engine's package, which its build script compiles.
    ///
    /// # Errors
    /// When cargo fails.
    pub fn engine(&self, output: &Path) -> Result<()> {
        let compilers = KernelBuilder {
            target: self.inputs.target,
            root: paths::repository(),
            distribution: self.llvm.to_owned(),
            sdk: self.llvm.to_owned(),
            clangxx: self.tools.clangxx.clone(),
            lld: self.tools.lld.clone(),
            compiler_cache: CompilerCache::find(self.tools, self.cache),
            generators: None,
            qbe: None,
        };
        let compiler = compilers
            .cached_compiler()
            .map_err(|error| Error::Build(error.to_string()))?;
        let (mut cargo, _) = self.cargo("engine", &[]);
        if let Some(cache) = &compilers.compiler_cache {
            cargo.envs(cache.variables());
        }
        cargo
            .args(["check", "--release", "--package", "bareflow-engine"])
            .args(["--message-format", "json-render-diagnostics"])
            .env("BAREFLOW_DIST", self.llvm)
            .env("BAREFLOW_CLANGXX", compiler)
            .env("AR", &self.tools.ar)
            .stderr(Stdio::inherit());
        eprintln!("$ {}", display(&cargo));
        let result = cargo.output().map_err(system("cannot start cargo"))?;
        if !result.status.success() {
            return Err(Error::Build(format!(
                "the engine does not compile: {}",
                display(&cargo)
            )));
        }
        let messages = String::from_utf8_lossy(&result.stdout);
        let folder = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<CargoMessage>(line).ok())
            .find(|message| {
                message.reason == "build-script-executed"
                    && message
                        .package_id
                        .as_ref()
                        .is_some_and(|package| package.contains("kernel/engine"))
            })
            .and_then(|message| message.out_dir)
            .ok_or_else(|| {
                Error::Build("cargo does not say where the engine's C++ was compiled".to_owned())
            })?;
        copy(&folder.join("libbareflow_engine_shim.a"), output)
    }

    /// `llvm-config`, which runs on any Linux.
    ///
    /// # Errors
    /// When cargo fails.
    pub fn llvm_config(&self, output: &Path) -> Result<()> {
        let log = self.log("llvm-config")?;
        let (mut cargo, target) = self.cargo("programs", PROGRAM_FLAGS);
        cargo.args(["build", "--release", "--target", HOST]).args([
            "--package",
            "bareflow-llvm-config",
            "--bin",
            "llvm-config",
        ]);
        log.run(&mut cargo)?;
        copy(&target.join(HOST).join("release/llvm-config"), output)
    }
}
