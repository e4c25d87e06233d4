//! The steps of the build: native tools, sysroot, llvm-libc, libc++, LLVM.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use bareflow_llvm_config::graph::Graph;
use bareflow_targets::DEFAULT;

use super::configuration;
use super::inputs::{Inputs, Profile};
use super::libc::{LIBC_FLAGS, LibcBuild, STATEFUL, bitcode_options};
use super::trees::{
    BuildTrees, Compilers, copy_changed, copy_if_changed, definitions, remove_extra,
};
use crate::error::{Error, Result, system};
use crate::shell::{Log, display, shell};
use crate::temporary::TemporaryFolder;

/// What every object of the distribution is compiled with.
pub fn machine_flags() -> Vec<String> {
    let mut flags = vec![format!("-march={}", DEFAULT.baseline)];
    flags.extend(DEFAULT.object_flags().map(str::to_owned));
    flags
}

/// Every option that can change what is built, other than the paths of the cache.
pub fn options() -> Vec<String> {
    let mut options = machine_flags();
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
    options.extend(bitcode_options());
    options
}

/// The folders of the sysroot that the distribution is made from.
const SYSROOT_FOLDERS: &[&str] = &["cmake", "libc", "llvm", "overlay"];

/// A build in progress.
#[derive(Debug)]
pub struct Build<'a> {
    /// Where it happens, and with what.
    pub trees: BuildTrees<'a>,
    /// What it is made from.
    pub inputs: &'a Inputs,
}

impl Build<'_> {
    /// Runs every step that is not done yet.
    ///
    /// # Errors
    /// The first step that fails.
    pub fn all(&self) -> Result<()> {
        let trees = &self.trees;
        trees.discard_foreign(&self.inputs.tree_key())?;
        let key = self.inputs.build_key();
        trees.step("native-tools", &key, |log| self.native_tools(log))?;
        trees.step("sysroot", &key, |_| self.sysroot())?;
        let libc = self.libc();
        trees.step(libc.archives_step, &key, |log| libc.archives(log))?;
        trees.step(libc.bitcode_step, &key, |log| libc.bitcode(log))?;
        trees.step("libcxx", &key, |log| self.libcxx(log))?;
        let key = format!("{key} {}", self.inputs.profile.name());
        trees.step("llvm", &key, |log| self.llvm(log))
    }

    /// The build tree of a step.
    pub fn tree(&self, step: &str) -> PathBuf {
        self.trees.tree(step)
    }

    /// The repository's sysroot folder, copied: its path must not depend on the checkout.
    pub fn sysroot_input(&self) -> PathBuf {
        self.trees.sysroot_input("sysroot")
    }

    /// The headers that llvm-libc's generator makes.
    pub fn libc_headers(&self) -> PathBuf {
        self.tree("sysroot").join("libc")
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
            self.trees.source.join("libcxxabi/include").display(),
            self.c_includes()
        )
    }

    fn toolchain(&self, c_flags: &str, cxx_flags: &str) -> Vec<String> {
        self.trees
            .toolchain(&self.sysroot_input(), Compilers::Build, c_flags, cxx_flags)
    }

    /// llvm-libc as the distribution has it.
    pub fn libc(&self) -> LibcBuild<'_> {
        LibcBuild {
            trees: &self.trees,
            archives_step: "libc",
            bitcode_step: "libc-bitcode",
            sysroot: self.sysroot_input(),
            configuration: "libc",
            includes: self.c_includes(),
            options: LIBC_OPTIONS,
            stateful: STATEFUL.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn native_tools(&self, log: &Log) -> Result<()> {
        let mut options = self.trees.launcher();
        options.push(format!(
            "-DCMAKE_C_COMPILER={}",
            self.trees.tools.clang.display()
        ));
        options.push(format!(
            "-DCMAKE_CXX_COMPILER={}",
            self.trees.tools.clangxx.display()
        ));
        options.extend(definitions(NATIVE_OPTIONS));
        log.run(&mut self.trees.cmake("llvm", "native-tools", &options))?;
        self.trees.ninja(
            log,
            "native-tools",
            &["llvm-tblgen", "llvm-min-tblgen", "libc-hdrgen"],
        )
    }

    fn sysroot(&self) -> Result<()> {
        self.trees.copy_sysroot("sysroot", SYSROOT_FOLDERS)?;
        let libc = self.trees.source.join("libc");
        let read_list = |name: &str| -> Result<Vec<String>> {
            let path = self.sysroot_input().join("libc").join(name);
            let text = shell()?.read_file(&path)?;
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
        Ok(())
    }

    fn libcxx(&self, log: &Log) -> Result<()> {
        let mut options = self.toolchain(
            &format!("{} {}", self.trees.machine(), self.c_includes()),
            &format!(
                "{} {} {}",
                self.trees.machine(),
                self.cxx_includes(),
                LIBRARY_FLAGS.join(" ")
            ),
        );
        options.push(format!(
            "-DLIBCXX_CXX_ABI_INCLUDE_PATHS={}",
            self.trees.source.join("libcxxabi/include").display()
        ));
        options.extend(definitions(LIBCXX_OPTIONS));
        log.run(&mut self.trees.cmake("runtimes", "libcxx", &options))?;
        self.trees
            .ninja(log, "libcxx", &["generate-cxx-headers", "cxx"])
    }

    fn llvm(&self, log: &Log) -> Result<()> {
        let defines = BLAKE3_FLAGS;
        let cmake = self.sysroot_input().join("cmake");
        let mut options = vec![
            "-C".to_owned(),
            cmake.join("llvm-cache.cmake").display().to_string(),
        ];
        options.extend(self.toolchain(
            &format!("{} {} {defines}", self.trees.machine(), self.c_includes()),
            &format!(
                "{} {} {defines} {} -Xclang -fno-pch-timestamp",
                self.trees.machine(),
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
        log.run(&mut self.trees.cmake("llvm", "llvm", &options))?;
        self.check_configuration()?;
        let libraries = self.libraries()?;
        let targets: Vec<&str> = libraries.iter().map(String::as_str).collect();
        self.trees.ninja(log, "llvm", &targets)
    }

    /// Compares the generated headers with the reviewed list.
    fn check_configuration(&self) -> Result<()> {
        for (tree, header) in configuration::HEADERS {
            let path = self.tree(tree).join("include").join(header);
            let text = shell()?.read_file(&path)?;
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
        let text = shell()?.read_file(&path)?;
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
pub const JIT_COMPONENTS: &[&str] = &[
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

/// What all C++ is compiled with besides.
pub const LIBRARY_FLAGS: &[&str] = &["-fno-exceptions", "-fno-rtti"];

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
    ("LIBC_CPU_FEATURES", DEFAULT.libc_cpu_features),
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
