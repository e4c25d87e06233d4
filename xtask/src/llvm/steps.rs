//! The steps of the build: native tools, sysroot, llvm-libc, libc++, LLVM.

mod libc_bitcode;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bareflow_llvm_config::graph::Graph;
use walkdir::WalkDir;

use super::configuration;
use super::inputs::{Inputs, Profile};
use super::{Request, TARGET};
use crate::error::{Error, Result, system};
use crate::paths::{self, Cache};
use crate::shell::{Log, display, write_whole};
use crate::temporary::TemporaryFolder;
use crate::tools::Tools;

/// What every object of the distribution is compiled with.
pub fn machine_flags() -> &'static [&'static str] {
    &[
        "-march=x86-64",
        "-mno-red-zone",
        "-mcmodel=small",
        "-fno-pic",
        "-fno-stack-protector",
        "-ffunction-sections",
        "-fdata-sections",
        "-fno-unwind-tables",
        "-fno-asynchronous-unwind-tables",
        "-nostdlibinc",
    ]
}

/// Every option that can change what is built, other than the paths of the cache.
pub fn options() -> Vec<String> {
    let mut options: Vec<String> = machine_flags()
        .iter()
        .map(|flag| (*flag).to_owned())
        .collect();
    options.extend(
        LIBC_FLAGS
            .iter()
            .chain(LIBRARY_FLAGS)
            .map(|flag| (*flag).to_owned()),
    );
    for table in [NATIVE_OPTIONS, LIBC_OPTIONS, LIBCXX_OPTIONS] {
        options.extend(definitions(table));
    }
    options.push(BLAKE3_FLAGS.to_owned());
    options.extend(libc_bitcode::options());
    options
}

/// A build in progress.
#[derive(Debug)]
pub struct Build<'a> {
    /// Where it happens.
    pub cache: &'a Cache,
    /// What it uses.
    pub tools: &'a Tools,
    /// What it is made from.
    pub inputs: &'a Inputs,
    /// The unpacked sources.
    pub source: &'a Path,
    /// What was asked for.
    pub request: &'a Request,
}

impl Build<'_> {
    /// Runs every step that is not done yet.
    ///
    /// # Errors
    /// The first step that fails.
    pub fn all(&self) -> Result<()> {
        discard_foreign_trees(&self.cache.root().join("build"), &self.inputs.tree_key())?;
        let key = self.inputs.build_key();
        self.step("native-tools", &key, |log| self.native_tools(log))?;
        self.step("sysroot", &key, |_| self.sysroot())?;
        self.step("libc", &key, |log| self.libc(log))?;
        self.step(libc_bitcode::STEP, &key, |log| self.libc_bitcode(log))?;
        self.step("libcxx", &key, |log| self.libcxx(log))?;
        let key = format!("{key} {}", self.inputs.profile.name());
        self.step("llvm", &key, |log| self.llvm(log))
    }

    /// The build tree of a step.
    pub fn tree(&self, step: &str) -> PathBuf {
        self.cache.build(step)
    }

    fn step(&self, name: &str, key: &str, action: impl FnOnce(&Log) -> Result<()>) -> Result<()> {
        let tree = self.tree(name);
        fs::create_dir_all(&tree).map_err(system(format!("cannot create {}", tree.display())))?;
        run_stamped(&tree.join(".bareflow-key"), key, self.request.force, || {
            // Answers of an older configuration must not leak into this one.
            let _ = fs::remove_file(tree.join("CMakeCache.txt"));
            action(&Log::start(self.cache.log(name))?)
        })
    }

    fn cmake(&self, source: &str, step: &str, options: &[String]) -> Command {
        let mut command = Command::new("cmake");
        command
            .args(["-G", "Ninja", "-S"])
            .arg(self.source.join(source))
            .arg("-B")
            .arg(self.tree(step))
            .args(options);
        self.with_compiler_cache(&mut command);
        command
    }

    fn ninja(&self, log: &Log, step: &str, targets: &[&str]) -> Result<()> {
        let mut command = Command::new("ninja");
        command.arg("-C").arg(self.tree(step));
        if let Some(jobs) = self.request.jobs {
            command.arg(format!("-j{jobs}"));
        }
        command.args(targets);
        self.with_compiler_cache(&mut command);
        log.run_ninja(step, &mut command)
    }

    fn with_compiler_cache(&self, command: &mut Command) {
        command
            .env("CCACHE_DIR", self.cache.root().join("ccache"))
            .env(
                "CCACHE_SLOPPINESS",
                "pch_defines,time_macros,include_file_mtime,include_file_ctime",
            )
            .env("CCACHE_NOHASHDIR", "1")
            .env("CCACHE_MAXSIZE", "5G");
    }

    fn launcher(&self) -> Vec<String> {
        let Some(_) = &self.tools.ccache else {
            return Vec::new();
        };
        ["C", "CXX"]
            .map(|language| format!("-DCMAKE_{language}_COMPILER_LAUNCHER=ccache"))
            .to_vec()
    }

    /// The repository's sysroot folder, copied: its path must not depend on the checkout.
    pub fn sysroot_input(&self) -> PathBuf {
        self.tree("sysroot").join("input")
    }

    /// The headers that llvm-libc's generator makes.
    pub fn libc_headers(&self) -> PathBuf {
        self.tree("sysroot").join("libc")
    }

    fn machine(&self) -> String {
        let mut flags = machine_flags().join(" ");
        for (path, name) in [
            (self.source, "/llvm"),
            (&self.cache.root().join("build"), "/build"),
        ] {
            flags.push_str(&format!(" -ffile-prefix-map={}={name}", path.display()));
        }
        flags
    }

    fn c_includes(&self) -> String {
        format!(
            "-isystem {} -isystem {}",
            self.sysroot_input().join("overlay/c").display(),
            self.libc_headers().display()
        )
    }

    fn cxx_includes(&self) -> String {
        format!(
            "-nostdinc++ -isystem {} -isystem {} -isystem {} {}",
            self.sysroot_input().join("overlay/cxx").display(),
            self.tree("libcxx").join("include/c++/v1").display(),
            self.source.join("libcxxabi/include").display(),
            self.c_includes()
        )
    }

    fn toolchain(&self, c_flags: &str, cxx_flags: &str) -> Vec<String> {
        self.toolchain_of(&self.tools.clang, &self.tools.clangxx, c_flags, cxx_flags)
    }

    fn toolchain_of(
        &self,
        clang: &Path,
        clangxx: &Path,
        c_flags: &str,
        cxx_flags: &str,
    ) -> Vec<String> {
        let mut options = vec![format!(
            "-DCMAKE_TOOLCHAIN_FILE={}",
            self.sysroot_input().join("cmake/toolchain.cmake").display()
        )];
        for (name, tool) in [
            ("CLANG", clang),
            ("CLANGXX", clangxx),
            ("AR", &self.tools.ar),
            ("RANLIB", &self.tools.ranlib),
            ("NM", &self.tools.nm),
            ("LLD", &self.tools.lld),
        ] {
            options.push(format!("-DBAREFLOW_{name}={}", tool.display()));
        }
        options.push("-DCMAKE_BUILD_TYPE=MinSizeRel".to_owned());
        options.extend(self.launcher());
        options.push(format!("-DBAREFLOW_C_FLAGS={c_flags}"));
        options.push(format!("-DBAREFLOW_CXX_FLAGS={cxx_flags}"));
        options
    }

    fn native_tools(&self, log: &Log) -> Result<()> {
        let mut options = self.launcher();
        options.push(format!("-DCMAKE_C_COMPILER={}", self.tools.clang.display()));
        options.push(format!(
            "-DCMAKE_CXX_COMPILER={}",
            self.tools.clangxx.display()
        ));
        options.extend(definitions(NATIVE_OPTIONS));
        log.run(&mut self.cmake("llvm", "native-tools", &options))?;
        self.ninja(
            log,
            "native-tools",
            &["llvm-tblgen", "llvm-min-tblgen", "libc-hdrgen"],
        )
    }

    fn sysroot(&self) -> Result<()> {
        let repository = paths::repository().join("sysroot");
        remove_extra(&self.sysroot_input(), &repository)?;
        copy_changed(&repository, &self.sysroot_input())?;
        let libc = self.source.join("libc");
        let read_list = |name: &str| -> Result<Vec<String>> {
            let path = self.sysroot_input().join("libc").join(name);
            let text = fs::read_to_string(&path)
                .map_err(system(format!("cannot read {}", path.display())))?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        let functions = read_list("declared-functions.txt")?;
        let generated = TemporaryFolder::new("headers")?;
        for header in read_list("generated-headers.txt")? {
            let output = generated.path().join(&header);
            if let Some(folder) = output.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut command = Command::new(self.tree("native-tools").join("bin/libc-hdrgen"));
            command
                .arg("-o")
                .arg(&output)
                .args(["--header", &header, "--def"])
                .arg(libc.join("include").join(format!("{header}.def")))
                .arg("-I")
                .arg(&libc)
                .args(functions.iter().map(|function| format!("--e={function}")))
                .arg(libc.join("config/linux/api.td"));
            let result = command.output().map_err(system("cannot run libc-hdrgen"))?;
            if !result.status.success() {
                return Err(Error::Build(format!(
                    "{}\n  failed: {}",
                    display(&command),
                    String::from_utf8_lossy(&result.stderr)
                )));
            }
        }
        let include = libc.join("include");
        for folder in ["llvm-libc-types", "llvm-libc-macros"] {
            copy_changed(&include.join(folder), &generated.path().join(folder))?;
        }
        let common = "__llvm-libc-common.h";
        copy_if_changed(&include.join(common), &generated.path().join(common))?;
        remove_extra(&self.libc_headers(), generated.path())?;
        copy_changed(generated.path(), &self.libc_headers())?;
        // llvm-libc's own build would generate headers for another set of functions.
        let no_generator = self.no_generator();
        write_whole(&no_generator, b"#!/bin/sh\nexit 0\n")?;
        fs::set_permissions(&no_generator, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    fn no_generator(&self) -> PathBuf {
        self.tree("sysroot").join("no-hdrgen")
    }

    fn libc(&self, log: &Log) -> Result<()> {
        let options = self.libc_options(&self.tools.clang, &self.tools.clangxx);
        log.run(&mut self.cmake("runtimes", "libc", &options))?;
        self.ninja(log, "libc", &["libc", "libm"])
    }

    /// How llvm-libc is configured, for these compilers.
    fn libc_options(&self, clang: &Path, clangxx: &Path) -> Vec<String> {
        let flags = format!(
            "{} {} {}",
            self.machine(),
            self.c_includes(),
            LIBC_FLAGS.join(" ")
        );
        let cxx_flags = format!("{flags} {}", LIBRARY_FLAGS.join(" "));
        let mut options = self.toolchain_of(clang, clangxx, &flags, &cxx_flags);
        options.push(format!("-DLIBC_TARGET_TRIPLE={TARGET}"));
        options.push(format!(
            "-DLIBC_CONFIG_PATH={}",
            self.sysroot_input().join("libc").display()
        ));
        options.push(format!(
            "-DLIBC_HDRGEN_EXE={}",
            self.no_generator().display()
        ));
        options.extend(definitions(LIBC_OPTIONS));
        options
    }

    fn libcxx(&self, log: &Log) -> Result<()> {
        let mut options = self.toolchain(
            &format!("{} {}", self.machine(), self.c_includes()),
            &format!(
                "{} {} {}",
                self.machine(),
                self.cxx_includes(),
                LIBRARY_FLAGS.join(" ")
            ),
        );
        options.push(format!(
            "-DLIBCXX_CXX_ABI_INCLUDE_PATHS={}",
            self.source.join("libcxxabi/include").display()
        ));
        options.extend(definitions(LIBCXX_OPTIONS));
        log.run(&mut self.cmake("runtimes", "libcxx", &options))?;
        self.ninja(log, "libcxx", &["generate-cxx-headers", "cxx"])
    }

    fn llvm(&self, log: &Log) -> Result<()> {
        let defines = BLAKE3_FLAGS;
        let cmake = self.sysroot_input().join("cmake");
        let mut options = vec![
            "-C".to_owned(),
            cmake.join("llvm-cache.cmake").display().to_string(),
        ];
        options.extend(self.toolchain(
            &format!("{} {} {defines}", self.machine(), self.c_includes()),
            &format!(
                "{} {} {defines} {} -Xclang -fno-pch-timestamp",
                self.machine(),
                self.cxx_includes(),
                LIBRARY_FLAGS.join(" ")
            ),
        ));
        let native = self.tree("native-tools").join("bin");
        for (name, path) in [
            ("LLVM_TABLEGEN", native.join("llvm-tblgen")),
            ("LLVM_HEADERS_TABLEGEN", native.join("llvm-min-tblgen")),
            (
                "CMAKE_PROJECT_LLVM_INCLUDE",
                cmake.join("llvm-inject.cmake"),
            ),
            ("BAREFLOW_PCH_DIR", self.sysroot_input().join("llvm/pch")),
        ] {
            options.push(format!("-D{name}={}", path.display()));
        }
        log.run(&mut self.cmake("llvm", "llvm", &options))?;
        self.check_configuration()?;
        let libraries = self.libraries()?;
        let targets: Vec<&str> = libraries.iter().map(String::as_str).collect();
        self.ninja(log, "llvm", &targets)
    }

    /// Compares the generated headers with the reviewed list.
    fn check_configuration(&self) -> Result<()> {
        for (tree, header) in configuration::HEADERS {
            let path = self.tree(tree).join("include").join(header);
            let text = fs::read_to_string(&path)
                .map_err(system(format!("cannot read {}", path.display())))?;
            configuration::compare(configuration::REVIEWED, header, &text).map_err(
                |differences| {
                    Error::Build(format!(
                        "the configuration is not the reviewed one \
                     (sysroot/llvm/configuration.txt):\n{differences}"
                    ))
                },
            )?;
        }
        Ok(())
    }

    /// The component graph that LLVM's build wrote.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn graph(&self) -> Result<Graph> {
        let path = self.graph_file();
        let text =
            fs::read_to_string(&path).map_err(system(format!("cannot read {}", path.display())))?;
        Graph::parse(&text).map_err(|error| Error::Build(format!("{}: {error}", path.display())))
    }

    /// Where LLVM's build writes the component graph.
    pub fn graph_file(&self) -> PathBuf {
        self.tree("llvm").join("LibraryDependencies.inc")
    }

    /// The libraries of the profile, such as `LLVMCore`.
    ///
    /// # Errors
    /// When the graph cannot be read.
    pub fn libraries(&self) -> Result<Vec<String>> {
        let components: Vec<String> = match self.inputs.profile {
            Profile::Full => vec!["all".to_owned()],
            Profile::Jit => JIT_COMPONENTS
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        };
        let graph = self.graph()?;
        let libraries = graph
            .libraries(&components)
            .map_err(|error| Error::Build(error.to_string()))?;
        let mut libraries: Vec<String> = libraries.into_iter().map(str::to_owned).collect();
        libraries.sort();
        Ok(libraries)
    }
}

/// What the engine links; everything that these depend on is built with them.
const JIT_COMPONENTS: &[&str] = &[
    "orcjit",
    "interpreter",
    "passes",
    "irreader",
    "bitwriter",
    "linker",
    "x86codegen",
    "x86asmparser",
    "x86desc",
    "x86info",
];

fn definitions<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = String> + use<'a> {
    pairs
        .iter()
        .map(|(name, value)| format!("-D{name}={value}"))
}

/// What llvm-libc is compiled with besides; it is for one thread.
const LIBC_FLAGS: &[&str] = &[
    "-nostdinc++",
    "-Dthread_local=",
    "-D_Thread_local=",
    "-DLIBC_COPT_USE_C_ASSERT",
];

/// What all C++ is compiled with besides.
const LIBRARY_FLAGS: &[&str] = &["-fno-exceptions", "-fno-rtti"];

/// BLAKE3's widest variants are assembler that no baseline machine may run.
const BLAKE3_FLAGS: &str = "-DBLAKE3_NO_AVX2 -DBLAKE3_NO_AVX512";

const NATIVE_OPTIONS: &[(&str, &str)] = &[
    ("CMAKE_BUILD_TYPE", "Release"),
    // The tools run for seconds and compile for minutes.
    ("CMAKE_C_FLAGS_RELEASE", "-O1"),
    ("CMAKE_CXX_FLAGS_RELEASE", "-O1"),
    ("LLVM_TARGETS_TO_BUILD", ""),
    ("LLVM_ENABLE_PROJECTS", "libc"),
    ("LIBC_HDRGEN_ONLY", "ON"),
    ("LLVM_LIBC_FULL_BUILD", "ON"),
    ("LLVM_INCLUDE_TESTS", "OFF"),
    ("LLVM_INCLUDE_BENCHMARKS", "OFF"),
    ("LLVM_INCLUDE_EXAMPLES", "OFF"),
    ("LLVM_INCLUDE_DOCS", "OFF"),
    ("LIBC_INCLUDE_DOCS", "OFF"),
    ("LLVM_ENABLE_ZLIB", "OFF"),
    ("LLVM_ENABLE_ZSTD", "OFF"),
    ("LLVM_ENABLE_LIBXML2", "OFF"),
    ("LLVM_ENABLE_TERMINFO", "OFF"),
    ("LLVM_ENABLE_LIBEDIT", "OFF"),
    ("LLVM_ENABLE_ASSERTIONS", "OFF"),
];

const LIBC_OPTIONS: &[(&str, &str)] = &[
    ("LLVM_ENABLE_RUNTIMES", "libc"),
    ("LLVM_LIBC_FULL_BUILD", "ON"),
    // Its own detection looks at the machine that builds.
    ("LIBC_CPU_FEATURES", "SSE2"),
    ("LIBC_INCLUDE_DOCS", "OFF"),
    ("LIBC_WNO_ERROR", "ON"),
    ("LLVM_INCLUDE_TESTS", "OFF"),
    ("LLVM_INCLUDE_DOCS", "OFF"),
    (
        "LIBC_CONF_PRINTF_FLOAT_TO_STR_USE_MEGA_LONG_DOUBLE_TABLE",
        "OFF",
    ),
    ("LIBC_CONF_PRINTF_DISABLE_WRITE_INT", "ON"),
];

const LIBCXX_OPTIONS: &[(&str, &str)] = &[
    ("LLVM_ENABLE_RUNTIMES", "libcxx"),
    ("LLVM_INCLUDE_TESTS", "OFF"),
    ("LLVM_INCLUDE_DOCS", "OFF"),
    ("LIBCXX_ENABLE_SHARED", "OFF"),
    ("LIBCXX_ENABLE_STATIC", "ON"),
    ("LIBCXX_ENABLE_EXCEPTIONS", "OFF"),
    ("LIBCXX_ENABLE_RTTI", "OFF"),
    ("LIBCXX_ENABLE_FILESYSTEM", "OFF"),
    ("LIBCXX_ENABLE_LOCALIZATION", "ON"),
    ("LIBCXX_ENABLE_RANDOM_DEVICE", "ON"),
    ("LIBCXX_ENABLE_WIDE_CHARACTERS", "OFF"),
    ("LIBCXX_HAS_EXTERNAL_THREAD_API", "ON"),
    ("LIBCXX_HAS_MUSL_LIBC", "OFF"),
    (
        "LIBCXX_EXTRA_SITE_DEFINES",
        "_LIBCPP_PROVIDES_DEFAULT_RUNE_TABLE",
    ),
    // Its headers, not its archive: without them promises abort, and ORC uses promises.
    ("LIBCXX_CXX_ABI", "libcxxabi"),
    ("LIBCXX_ENABLE_STATIC_ABI_LIBRARY", "OFF"),
    ("LIBCXX_ENABLE_NEW_DELETE_DEFINITIONS", "OFF"),
    ("LIBCXX_PSTL_CPU_BACKEND", "serial"),
    // Else objects ask the linker for libraries that do not exist.
    ("LIBCXX_HAS_PTHREAD_LIB", "OFF"),
    ("LIBCXX_HAS_RT_LIB", "OFF"),
    ("LIBCXX_HAS_ATOMIC_LIB", "OFF"),
    ("LIBCXX_INCLUDE_DOCS", "OFF"),
    ("LIBCXX_INCLUDE_TESTS", "OFF"),
    ("LIBCXX_INCLUDE_BENCHMARKS", "OFF"),
    ("LIBCXX_ENABLE_TIME_ZONE_DATABASE", "OFF"),
    ("LIBCXX_INSTALL_MODULES", "OFF"),
];

/// Empties the folder of the build trees unless they are of this key.
fn discard_foreign_trees(folder: &Path, key: &str) -> Result<()> {
    let stamp = folder.join(".bareflow-trees");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == key) {
        return Ok(());
    }
    if folder.exists() {
        eprintln!(
            "removing build trees of another compiler or source: {}",
            folder.display()
        );
        fs::remove_dir_all(folder)
            .map_err(system(format!("cannot remove {}", folder.display())))?;
    }
    write_whole(&stamp, key.as_bytes())
}

/// Runs `action` unless the stamp says that it was done with this key. The stamp is removed first and
/// written last, so that an interrupted action is done again.
fn run_stamped(
    stamp: &Path,
    key: &str,
    force: bool,
    action: impl FnOnce() -> Result<()>,
) -> Result<()> {
    if !force && fs::read_to_string(stamp).is_ok_and(|text| text == key) {
        return Ok(());
    }
    match fs::remove_file(stamp) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(system(format!("cannot remove {}", stamp.display()))(error));
        }
        _ => {}
    }
    action()?;
    write_whole(stamp, key.as_bytes())
}

/// Makes the files of `from` also those of `to`. A file that is equal keeps its time, so that nothing is
/// compiled again for it.
fn copy_changed(from: &Path, to: &Path) -> Result<()> {
    for entry in WalkDir::new(from).sort_by_file_name() {
        let entry = entry
            .map_err(|error| Error::Build(format!("cannot read {}: {error}", from.display())))?;
        if entry.file_type().is_file() {
            let inner = entry.path().strip_prefix(from).unwrap_or(entry.path());
            copy_if_changed(entry.path(), &to.join(inner))?;
        }
    }
    Ok(())
}

/// Removes the files of `folder` that `model` does not have.
fn remove_extra(folder: &Path, model: &Path) -> Result<()> {
    for entry in WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
    {
        let inner = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        if !model.join(inner).is_file() {
            fs::remove_file(entry.path())
                .map_err(system(format!("cannot remove {}", entry.path().display())))?;
        }
    }
    Ok(())
}

fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).map_err(system(format!("cannot read {}", from.display())))?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        Ok(())
    } else {
        write_whole(to, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_step_runs_once_for_each_key_and_again_after_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = folder.path().join("stamp");
        let runs = Cell::new(0);
        let run = |key: &str, force, result: fn() -> Result<()>| {
            run_stamped(&stamp, key, force, || {
                assert!(!stamp.exists());
                runs.set(runs.get() + 1);
                result()
            })
        };
        run("a", false, || Ok(())).unwrap();
        run("a", false, || Ok(())).unwrap();
        assert_eq!(runs.get(), 1);
        run("b", false, || Err(Error::Build(String::new()))).unwrap_err();
        run("b", false, || Ok(())).unwrap();
        assert_eq!(runs.get(), 3);
        run("b", true, || Ok(())).unwrap();
        assert_eq!(runs.get(), 4);
    }

    #[test]
    fn trees_of_another_compiler_are_discarded() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("build");
        let object = folder.join("llvm/a.o");
        let make = || write_whole(&object, b"object").unwrap();
        discard_foreign_trees(&folder, "clang 16").unwrap();
        make();
        discard_foreign_trees(&folder, "clang 16").unwrap();
        assert!(object.exists());
        discard_foreign_trees(&folder, "clang 17").unwrap();
        assert!(!object.exists());
        make();
        fs::remove_file(folder.join(".bareflow-trees")).unwrap();
        discard_foreign_trees(&folder, "clang 17").unwrap();
        assert!(!object.exists(), "nobody knows what made it");
    }

    #[test]
    fn an_equal_file_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::write(from.join("a.h"), "1").unwrap();
        copy_changed(&from, &to).unwrap();
        let time = || fs::metadata(to.join("a.h")).unwrap().modified().unwrap();
        let first = time();
        std::thread::sleep(std::time::Duration::from_millis(20));
        copy_changed(&from, &to).unwrap();
        assert_eq!(time(), first);
        fs::write(to.join("old.h"), "").unwrap();
        remove_extra(&to, &from).unwrap();
        assert!(!to.join("old.h").exists() && to.join("a.h").exists());
        fs::write(from.join("a.h"), "2").unwrap();
        copy_changed(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("a.h")).unwrap(), "2");
    }
}
