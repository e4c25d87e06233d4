//! The finished distribution: a folder, and the same as one compressed archive.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bareflow_llvm_config::build_info::BuildInfo;
use bareflow_llvm_config::graph::Graph;
use walkdir::WalkDir;

use super::cmake;
use super::libraries::Build;
use crate::error::{Error, Result, system};
use crate::llvm::LlvmProfile;
use crate::llvm::inputs::is_source;
use crate::llvm::steps::llvm::components;
use crate::packing::{MANIFEST, Manifest, Origin, copy, copy_tree, publish};
use crate::paths;
use crate::shell::shell;

/// The version of what lies around LLVM.
pub const PRODUCT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where LLVM's build says how it was configured.
const INFORMATION: &str = "share/bareflow/build-info.json";
/// The component graph.
const GRAPH: &str = "share/bareflow/LibraryDependencies.inc";

/// The libraries under LLVM, in link order.
const BASE_LIBRARIES: &[&str] = &["bareflow-linux", "c++", "bareflow-runtime", "c", "m"];

/// Flags that are advice: a project may have others. All others hold what is compiled and the libraries together.
const TUNING: &[&str] = &["-march=", "-ffunction-sections", "-fdata-sections"];

/// Flags of all C++.
const CXX_FLAGS: &[&str] = &["-fno-exceptions", "-fno-rtti", "-nostdinc++"];

/// Packages what was built; returns the folder of the distribution.
///
/// # Errors
/// When a file is missing or cannot be written.
pub fn make(build: &Build) -> Result<PathBuf> {
    let identity = build.inputs.identity();
    publish(build.cache, &identity, origin(build)?, |root| {
        llvm(build.llvm, root)?;
        let lib = root.join("lib");
        build.runtime(&lib.join("libbareflow-runtime.a"))?;
        build.linux_platform(&lib.join("libbareflow-linux.a"))?;
        build.rust_folder(&lib.join("rust"))?;
        if build.inputs.target.has_engine {
            build.engine(&lib.join("libbareflow-engine.a"))?;
            engine_files(root)?;
        }
        build.llvm_config(&root.join("bin/llvm-config"))?;
        files(build, root)?;
        build_systems(build, root)
    })
}

/// What LLVM's package says of itself.
///
/// # Errors
/// When it cannot be read.
pub fn information(llvm: &Path) -> Result<BuildInfo> {
    let path = llvm.join(INFORMATION);
    serde_json::from_str(&shell()?.read_file(&path)?)
        .map_err(|error| Error::Build(format!("{}: {error}", path.display())))
}

/// Everything of LLVM's package but its manifest. It is never written to again: a second name does for a copy.
fn llvm(from: &Path, root: &Path) -> Result<()> {
    for entry in WalkDir::new(from).min_depth(1) {
        let entry = entry
            .map_err(|error| Error::Build(format!("cannot read {}: {error}", from.display())))?;
        let inner = entry.path().strip_prefix(from).unwrap_or(entry.path());
        let to = root.join(inner);
        if entry.file_type().is_dir() {
            shell()?.create_dir(&to)?;
        } else if !is_replaced(inner) && fs::hard_link(entry.path(), &to).is_err() {
            copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// What this package has in its own form.
fn is_replaced(inner: &Path) -> bool {
    [MANIFEST, GRAPH]
        .iter()
        .any(|name| inner == Path::new(name))
}

/// Whether a file is not one that editors leave.
fn is_source_file(path: &Path) -> bool {
    path.file_name().is_some_and(is_source)
}

/// Headers, scripts, examples and texts.
fn files(build: &Build, root: &Path) -> Result<()> {
    let repository = paths::repository();
    let sources = repository.join("distribution");
    let share = root.join("share/bareflow");
    copy_tree(
        &sources.join("include"),
        &root.join("include"),
        is_source_file,
    )?;
    copy_tree(&sources.join("scripts"), &share, is_source_file)?;
    fs::set_permissions(share.join("run"), fs::Permissions::from_mode(0o755))
        .map_err(system("cannot make share/bareflow/run executable"))?;
    copy_example("hello", root)?;
    copy(
        &repository.join("LICENSE"),
        &root.join("licenses/bareflow.txt"),
    )?;
    let graph = shell()?.read_file(build.llvm.join(GRAPH))?;
    Ok(shell()?.write_file(root.join(GRAPH), with_jit(&graph))?)
}

fn copy_example(name: &str, root: &Path) -> Result<()> {
    let inner = Path::new("examples").join(name);
    copy_tree(
        &paths::repository().join("distribution").join(&inner),
        &root.join("share/bareflow").join(&inner),
        is_source_file,
    )
}

/// What is of the engine and of kernels, besides the engine's own library and what build systems know of it.
fn engine_files(root: &Path) -> Result<()> {
    copy_example("kernel", root)?;
    copy(
        &paths::repository().join("kernel/engine/include/llvm_baremetal.h"),
        &root.join("include/llvm_baremetal.h"),
    )
}

/// The engine for pkg-config.
const ENGINE_PACKAGE: &str = "bareflow-engine.pc";

/// Whether a file for build systems goes into the package.
fn is_shipped(build: &Build, path: &Path) -> bool {
    is_source_file(path) && (build.inputs.target.has_engine || !path.ends_with(ENGINE_PACKAGE))
}

/// A cross-build of LLVM takes the engine for the interpreter alone; these libraries have the JIT as a native build does.
fn with_jit(graph: &str) -> String {
    let lines = graph.lines().map(|line| {
        if line.trim_start().starts_with("{ \"engine\", nullptr,") {
            "{ \"engine\", nullptr, true, {\"interpreter\", \"mcjit\", \"native\"} },\n".to_owned()
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

/// The libraries of LLVM that are there, each before those that it needs.
fn available(graph: &Graph, root: &Path) -> Result<Vec<String>> {
    let libraries = graph
        .libraries(&["all".to_owned()])
        .map_err(|error| Error::Build(error.to_string()))?;
    let is_there = |library: &&str| root.join("lib").join(format!("lib{library}.a")).is_file();
    let libraries = libraries.into_iter().filter(is_there);
    Ok(libraries.map(str::to_owned).collect())
}

fn graph(root: &Path) -> Result<Graph> {
    let path = root.join(GRAPH);
    Graph::parse(&shell()?.read_file(&path)?)
        .map_err(|error| Error::Build(format!("{}: {error}", path.display())))
}

/// Files of CMake and pkg-config, and the README, which knows the version too.
fn build_systems(build: &Build, root: &Path) -> Result<()> {
    let sources = paths::repository().join("distribution");
    let graph = graph(root)?;
    let libraries = available(&graph, root)?;
    let values = values(build, &libraries);
    let cmake = root.join("lib/cmake");
    let places = [
        ("cmake/llvm", cmake.join("llvm")),
        ("cmake/bareflow", cmake.join("bareflow")),
        ("cmake/Platform", root.join("share/bareflow/Platform")),
        ("pkgconfig", root.join("lib/pkgconfig")),
    ];
    let sh = shell()?;
    for (from, to) in places {
        let paths = sh.read_dir(sources.join(from))?.into_iter();
        for path in paths.filter(|path| is_shipped(build, path)) {
            let text = cmake::fill(&sh.read_file(&path)?, &values)?;
            sh.write_file(to.join(path.file_name().unwrap_or_default()), text)?;
        }
    }
    for (from, to) in [
        ("cmake/toolchain.cmake", "share/bareflow/toolchain.cmake"),
        ("meson.ini", "share/bareflow/meson.ini"),
        ("README.md", "README.md"),
    ] {
        let text = cmake::fill(&sh.read_file(sources.join(from))?, &values)?;
        sh.write_file(root.join(to), text)?;
    }
    let llvm = cmake.join("llvm");
    sh.write_file(
        llvm.join("LLVMExports.cmake"),
        cmake::exports(&graph, &libraries),
    )?;
    Ok(sh.write_file(
        llvm.join("LLVMComponents.cmake"),
        cmake::components(&graph, &libraries),
    )?)
}

/// What templates ask for.
fn values(build: &Build, libraries: &[String]) -> Vec<(&'static str, String)> {
    let information = build.information;
    let is_tuning = |flag: &&String| TUNING.iter().any(|prefix| flag.starts_with(prefix));
    let joined = |flags: Vec<&String>| {
        let words: Vec<&str> = flags.into_iter().map(String::as_str).collect();
        words.join(" ")
    };
    let (tuning, required) = information.c_flags.iter().partition(is_tuning);
    let mut version = information.version.split('.');
    let mut next = || version.next().unwrap_or("0").to_owned();
    let option = |library: &str| format!("-l{library}");
    let llvm: Vec<String> = libraries.iter().map(|library| option(library)).collect();
    let base: Vec<String> = BASE_LIBRARIES
        .iter()
        .map(|library| option(library))
        .collect();
    let link = link_flags(&information.target);
    vec![
        ("VERSION", information.version.clone()),
        ("MAJOR", next()),
        ("MINOR", next()),
        ("PATCH", next()),
        ("PRODUCT_VERSION", PRODUCT_VERSION.to_owned()),
        ("TARGET", information.target.clone()),
        ("BUILD_TYPE", information.build_mode.clone()),
        ("LLVM_TARGETS", information.targets.join(" ")),
        (
            "NATIVE",
            information.targets.first().cloned().unwrap_or_default(),
        ),
        ("TUNING", joined(tuning)),
        ("REQUIRED", joined(required)),
        ("CPU", cpu(&information.target).to_owned()),
        ("CPU_FAMILY", meson_family(&information.target).to_owned()),
        (
            "FLAGS_LIST",
            list(information.c_flags.iter().map(String::as_str)),
        ),
        ("CXX_LIST", list(CXX_FLAGS.iter().copied())),
        ("LINK_LIST", list(link.split(' '))),
        ("BASE_LIST", list(base.iter().map(String::as_str))),
        ("FLAGS", information.c_flags.join(" ")),
        ("CXX", CXX_FLAGS.join(" ")),
        (
            "ENGINE_COMPONENTS",
            components(LlvmProfile::Jit, build.inputs.target).join(" "),
        ),
        ("LLVM_LIBRARIES", llvm.join(" ")),
        (
            "LIBRARIES",
            format!("{} {}", llvm.join(" "), base.join(" ")),
        ),
        ("LINK", link),
    ]
}

/// The first word of a target.
fn cpu(target: &str) -> &str {
    target.split('-').next().unwrap_or_default()
}

/// What Meson calls the family of a target's processors.
fn meson_family(target: &str) -> &str {
    match cpu(target) {
        "i686" => "x86",
        other => other,
    }
}

/// A list in Meson's language.
fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    format!("[{}]", words.join(", "))
}

/// How clang links a static Linux program: its driver for Linux starts lld, that for the bare machine a gcc.
fn link_flags(target: &str) -> String {
    format!(
        "--target={}-unknown-linux-gnu -static -nostdlib -fuse-ld=lld -Wl,-z,noexecstack -Wl,--gc-sections",
        cpu(target)
    )
}

fn origin(build: &Build) -> Result<Origin> {
    let inner = Manifest::of(build.llvm)?;
    let inputs = build.inputs;
    let mut flags = inner.flags;
    flags.extend(inputs.flags.iter().cloned());
    let components = inner.files.into_iter();
    Ok(Origin {
        source: inner.source,
        toolchain: format!("{}\n{}", inner.toolchain, inputs.rustc.trim_end()),
        flags,
        components: components
            .map(|file| (file.path, file.components))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_of_the_graph_is_that_of_a_native_build() {
        let graph = "{ \"core\", \"LLVMCore\", true, {} },\n{ \"engine\", nullptr, true, {\"interpreter\"} },\n";
        let graph = Graph::parse(&with_jit(graph)).unwrap();
        let engine = &graph.components()[1];
        assert_eq!(engine.requires, ["interpreter", "mcjit", "native"]);
    }
}
