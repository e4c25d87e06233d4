//! LLVM's libraries.

use bareflow_llvm_config::graph::Graph;
use bareflow_targets::Target;

use std::path::PathBuf;

use super::{Build, CMakeStep, LIBRARY_FLAGS};
use crate::error::{Error, Result};
use crate::llvm::LlvmProfile;
use crate::llvm::configuration;
use crate::llvm::trees::definitions;
use crate::shell::{Log, shell};

/// BLAKE3's widest variants are assembler that no baseline machine may run.
const BLAKE3_FLAGS: &str = "-DBLAKE3_NO_AVX2 -DBLAKE3_NO_AVX512";

/// What the engine links besides the parts of the target's back end; everything that these depend on is built with them.
const JIT_COMPONENTS: &[&str] = &[
    "orcjit",
    "interpreter",
    "passes",
    "irreader",
    "bitwriter",
    "linker",
];

/// Parts of a back end, whose names its own goes before.
const BACKEND_COMPONENTS: &[&str] = &["codegen", "asmparser", "desc", "info"];

/// The components of a profile.
pub fn components(profile: LlvmProfile, target: &Target) -> Vec<String> {
    match profile {
        LlvmProfile::Full => vec!["all".to_owned()],
        LlvmProfile::Jit => {
            let backend = target.backend.to_lowercase();
            let parts = BACKEND_COMPONENTS.iter();
            let own = parts.map(|part| format!("{backend}{part}"));
            JIT_COMPONENTS
                .iter()
                .map(|name| (*name).to_owned())
                .chain(own)
                .collect()
        }
    }
}

impl Build<'_> {
    pub(super) fn llvm(&self) -> CMakeStep {
        let machine = self.trees.machine();
        let cmake = self.sysroot_input().join("cmake");
        let mut options = self.toolchain(
            &format!("{machine} {} {BLAKE3_FLAGS}", self.c_includes()),
            &format!(
                "{machine} {} {BLAKE3_FLAGS} {} -Xclang -fno-pch-timestamp",
                self.cxx_includes(),
                LIBRARY_FLAGS.join(" ")
            ),
        );
        let backend = self.trees.request.target.backend;
        options.extend(definitions(&[("BAREFLOW_BACKEND", backend)]));
        // It reads the definitions before it.
        options.extend([
            "-C".to_owned(),
            cmake.join("llvm-cache.cmake").display().to_string(),
        ]);
        for (name, path) in [
            ("LLVM_TABLEGEN", self.native_tool("llvm-tblgen")),
            ("LLVM_HEADERS_TABLEGEN", self.native_tool("llvm-min-tblgen")),
            (
                "CMAKE_PROJECT_LLVM_INCLUDE",
                cmake.join("llvm-inject.cmake"),
            ),
            ("BAREFLOW_PCH_DIR", self.sysroot_input().join("llvm/pch")),
        ] {
            options.push(format!("-D{name}={}", path.display()));
        }
        CMakeStep {
            source: "llvm",
            options,
            targets: &[],
        }
    }

    pub(super) fn build_llvm(&self, step: &str, log: &Log) -> Result<()> {
        self.llvm().configure(&self.trees, step, log)?;
        self.check_configuration()?;
        let libraries = self.libraries()?;
        let targets: Vec<&str> = libraries.iter().map(String::as_str).collect();
        self.trees.ninja(log, step, &targets)
    }

    /// Compares the generated headers with the reviewed list.
    fn check_configuration(&self) -> Result<()> {
        let target = self.trees.request.target;
        for (tree, header) in configuration::HEADERS {
            let path = self.tree(tree).join("include").join(header);
            let text = shell()?.read_file(&path)?;
            let reviewed = configuration::reviewed(target);
            configuration::compare(&reviewed, header, &text).map_err(|differences| {
                Error::Build(format!(
                    "the configuration is not the reviewed one (sysroot/llvm/configuration.txt):\n{differences}"
                ))
            })?;
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
        let components = components(self.profile, self.trees.request.target);
        let graph = self.graph()?;
        let libraries = graph
            .libraries(&components)
            .map_err(|error| Error::Build(error.to_string()))?;
        let mut libraries: Vec<String> = libraries.into_iter().map(str::to_owned).collect();
        libraries.sort();
        Ok(libraries)
    }
}
