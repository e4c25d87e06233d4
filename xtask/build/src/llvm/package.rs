//! What a finished distribution holds.

use std::path::{Path, PathBuf};

use bareflow_llvm_config::build_info::BuildInfo;
use bareflow_targets::Target;

use super::VERSION;
use super::inputs::Inputs;
use super::steps::Build;
use crate::error::Result;
use crate::packing::{Origin, copy, copy_tree, publish, write_json};

/// The source of the code that fills a package, for the key.
pub const CODE: &str = include_str!("package.rs");

/// Packages what was built; returns the folder of the distribution.
///
/// # Errors
/// When a file is missing or cannot be written.
pub fn make(build: &Build, inputs: &Inputs) -> Result<PathBuf> {
    let identity = inputs.identity();
    let origin = origin(build, inputs)?;
    publish(build.trees.cache, &identity, origin, |root| {
        libraries(build, root)?;
        headers(build, root)?;
        extras(build, root)
    })
}

fn libraries(build: &Build, root: &Path) -> Result<()> {
    let lib = root.join("lib");
    for library in build.libraries()? {
        let name = format!("lib{library}.a");
        copy(
            &build.tree("llvm").join("lib").join(&name),
            &lib.join(&name),
        )?;
    }
    copy(
        &build.tree("libcxx").join("lib/libc++.a"),
        &lib.join("libc++.a"),
    )?;
    let libc = build.libc();
    for name in ["libc.a", "libm.a"] {
        copy(&libc.archives_folder().join(name), &lib.join(name))?;
    }
    copy(&libc.bitcode_file(), &lib.join("libc.bc"))
}

fn headers(build: &Build, root: &Path) -> Result<()> {
    let include = root.join("include");
    let has_extension = |path: &Path, wanted: &[&str]| {
        path.extension()
            .is_some_and(|extension| wanted.iter().any(|wanted| extension == *wanted))
    };
    for folder in [
        build.trees.source.join("llvm/include"),
        build.tree("llvm").join("include"),
    ] {
        copy_tree(&folder, &include, |path| {
            has_extension(path, &["h", "def", "inc", "modulemap", "td"])
        })?;
    }
    copy_tree(
        &build.tree("libcxx").join("include/c++/v1"),
        &include.join("c++/v1"),
        |_| true,
    )?;
    for name in ["cxxabi.h", "__cxxabi_config.h"] {
        copy(
            &build.trees.source.join("libcxxabi/include").join(name),
            &include.join("c++/v1").join(name),
        )?;
    }
    let ours = include.join("bareflow");
    copy_tree(&build.sysroot_input().join("overlay"), &ours, |_| true)?;
    copy_tree(&build.libc_headers(), &ours.join("libc"), |path| {
        has_extension(path, &["h"])
    })
}

fn extras(build: &Build, root: &Path) -> Result<()> {
    let share = root.join("share/bareflow");
    copy(&build.graph_file(), &share.join("LibraryDependencies.inc"))?;
    for part in ["llvm", "libc", "libcxx", "libcxxabi"] {
        copy(
            &build.trees.source.join(part).join("LICENSE.TXT"),
            &root.join("licenses").join(format!("{part}.txt")),
        )?;
    }
    let target = build.trees.request.target;
    let information = BuildInfo {
        version: VERSION.to_owned(),
        target: target.triple.to_owned(),
        build_mode: "MinSizeRel".to_owned(),
        targets: vec![target.backend.to_owned()],
        c_flags: flags(target),
    };
    write_json(&share.join("build-info.json"), &information)
}

/// What every object is compiled with.
pub fn flags(target: &Target) -> Vec<String> {
    let mut flags = vec![format!("-march={}", target.baseline)];
    flags.extend(target.object_flags().map(str::to_owned));
    flags
}

fn origin(build: &Build, inputs: &Inputs) -> Result<Origin> {
    let graph = build.graph()?;
    let components = build
        .libraries()?
        .iter()
        .map(|library| (format!("lib/lib{library}.a"), graph.components_of(library)))
        .collect();
    let ground = &inputs.ground;
    Ok(Origin {
        source: ground.source_hash.clone(),
        toolchain: ground.tools.build.clone(),
        flags: flags(ground.target),
        components,
    })
}
