//! The finished distribution: a folder, and the same as one compressed archive.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bareflow_llvm_config::build_info::BuildInfo;
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::inputs::file_hash;
use super::steps::{Build, machine_flags};
use super::trees::BuildTrees;
use super::{TARGET, VERSION, store};
use crate::cargo::clean_cargo;
use crate::error::{Error, Result, system};
use crate::paths::{self, Cache};
use crate::shell::{Log, Progress, shell};
use crate::temporary::TemporaryFolder;

/// Where the manifest is in a distribution.
pub const MANIFEST: &str = "share/bareflow/manifest.json";

/// What a distribution consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of LLVM.
    pub version: String,
    /// Target triple.
    pub target: String,
    /// Which libraries.
    pub profile: String,
    /// The distribution's key.
    pub key: String,
    /// SHA-256 or name of the sources.
    pub source: String,
    /// What the toolchain says of itself.
    pub toolchain: String,
    /// What every object was compiled with.
    pub flags: Vec<String>,
    /// Every archive, and the C library as bitcode.
    pub archives: Vec<ArchiveEntry>,
}

/// A file of a distribution's `lib`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveEntry {
    /// Its path in the distribution.
    pub file: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// LLVM components that it is the library of.
    pub components: Vec<String>,
}

/// Packages what was built; returns the folder of the distribution.
///
/// # Errors
/// When a file is missing or cannot be written.
pub fn make(build: &Build, name: &str) -> Result<PathBuf> {
    publish(build.trees.cache, name, |root| {
        libraries(build, root)?;
        headers(build, root)?;
        extras(build, root)?;
        manifest(build, root)
    })
}

/// Has a folder filled, and enters it into the cache under this name, with its archive; returns it.
///
/// # Errors
/// When a file is missing or cannot be written.
pub fn publish(
    cache: &Cache,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let parent = cache.distributions();
    let sh = shell()?;
    sh.create_dir(&parent)?;
    let partial = TemporaryFolder::new_in(&parent)
        .map_err(system(format!("cannot write in {}", parent.display())))?;
    let root = partial.path();
    eprintln!("packaging {name}");
    fill(root)?;
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;

    let archive = parent.join(format!("{name}.tar.zst"));
    compress(root, &archive)?;
    let folder = store::folder(cache, name);
    sh.remove_path(&folder)?;
    fs::rename(partial.path(), &folder)
        .map_err(system(format!("cannot write {}", folder.display())))?;
    drop(partial.keep());
    Ok(folder)
}

/// Copies a file, after having made the folder that it goes to.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let sh = shell()?;
    if let Some(folder) = to.parent() {
        sh.create_dir(folder)?;
    }
    Ok(sh.copy_file(from, to)?)
}

/// Copies the files below a folder that are to be kept.
///
/// # Errors
/// When one cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path, keep: impl Fn(&Path) -> bool) -> Result<()> {
    for entry in WalkDir::new(from).follow_links(true) {
        let entry = entry
            .map_err(|error| Error::Build(format!("cannot read {}: {error}", from.display())))?;
        if entry.file_type().is_file() && keep(entry.path()) {
            copy(
                entry.path(),
                &to.join(entry.path().strip_prefix(from).unwrap_or(entry.path())),
            )?;
        }
    }
    Ok(())
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
    copy(
        &build
            .sysroot_input()
            .join("cmake/distribution-toolchain.cmake"),
        &share.join("toolchain.cmake"),
    )?;
    copy(
        &build.sysroot_input().join("cmake/Platform/BareFlow.cmake"),
        &share.join("Platform/BareFlow.cmake"),
    )?;
    for part in ["llvm", "libc", "libcxx", "libcxxabi"] {
        copy(
            &build.trees.source.join(part).join("LICENSE.TXT"),
            &root.join("licenses").join(format!("{part}.txt")),
        )?;
    }
    let information = BuildInfo {
        version: VERSION.to_owned(),
        target: TARGET.to_owned(),
        build_mode: "MinSizeRel".to_owned(),
        targets: vec!["X86".to_owned()],
        c_flags: machine_flags()
            .iter()
            .map(|flag| (*flag).to_owned())
            .collect(),
    };
    write_json(&share.join("build-info.json"), &information)?;

    copy(
        &host_program(&build.trees, "bareflow-llvm-config", "llvm-config")?,
        &root.join("bin/llvm-config"),
    )
}

/// Builds a program of this repository that ships; returns where it is.
///
/// # Errors
/// When cargo fails.
pub fn host_program(trees: &BuildTrees, package: &str, program: &str) -> Result<PathBuf> {
    let log = Log::start(trees.log(program))?;
    let repository = paths::repository();
    let mut cargo = clean_cargo(&repository);
    cargo.args(["build", "--release", "--package", package]);
    // Of this checkout alone: cargo would take what another one has built for its own.
    let target = repository.join("target/shipped");
    log.run(cargo.args(["--bin", program, "--target-dir"]).arg(&target))?;
    Ok(target.join("release").join(program))
}

fn manifest(build: &Build, root: &Path) -> Result<()> {
    let graph = build.graph()?;
    let archives = archives(root, |library| graph.components_of(library))?;
    let inputs = build.inputs;
    write_json(
        &root.join(MANIFEST),
        &Manifest {
            version: VERSION.to_owned(),
            target: TARGET.to_owned(),
            profile: inputs.profile.name().to_owned(),
            key: inputs.distribution_key(),
            source: inputs.source_hash.clone(),
            toolchain: inputs.toolchain.clone(),
            flags: inputs.flags.clone(),
            archives,
        },
    )
}

/// The files of a distribution's `lib`; `components` says which a library is of.
///
/// # Errors
/// When one cannot be read.
pub fn archives(
    root: &Path,
    components: impl Fn(&str) -> Vec<String>,
) -> Result<Vec<ArchiveEntry>> {
    let mut archives = Vec::new();
    for entry in WalkDir::new(root.join("lib"))
        .sort_by_file_name()
        .into_iter()
        .flatten()
    {
        if !entry.file_type().is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let library = name
            .strip_prefix("lib")
            .and_then(|name| name.strip_suffix(".a"))
            .unwrap_or(&name);
        archives.push(ArchiveEntry {
            sha256: file_hash(entry.path())?,
            size_bytes: fs::metadata(entry.path())?.len(),
            components: components(library),
            file: format!("lib/{name}"),
        });
    }
    Ok(archives)
}

/// Writes a value as a file of JSON.
///
/// # Errors
/// When it cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Build(format!("cannot write {}: {error}", path.display())))?;
    text.push('\n');
    Ok(shell()?.write_file(path, text)?)
}

/// A good ratio at a speed that two processors reach.
const COMPRESSION_LEVEL: i32 = 9;

/// Writes a tar archive whose bytes depend on the files alone: sorted, without times or owners.
pub(super) fn compress(root: &Path, output: &Path) -> Result<()> {
    let failed = || format!("cannot write {}", output.display());
    let folder = output.parent().unwrap_or(Path::new("."));
    let partial = TemporaryFolder::new_in(folder).map_err(system(failed()))?;
    let packed = partial.path().join("packed");
    let file = File::create(&packed).map_err(system(failed()))?;
    let mut encoder = zstd::Encoder::new(file, COMPRESSION_LEVEL).map_err(system(failed()))?;
    encoder.include_checksum(true).map_err(system(failed()))?;
    encoder.multithread(2).map_err(system(failed()))?;
    let mut archive = tar::Builder::new(encoder);
    let mut progress = Progress::new("compress");
    let files: Vec<_> = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .collect();
    for (index, entry) in files.iter().enumerate() {
        let mut file = File::open(entry.path()).map_err(system(failed()))?;
        let metadata = file.metadata().map_err(system(failed()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(metadata.len());
        header.set_mode(if metadata.permissions().mode() & 0o100 == 0 {
            0o644
        } else {
            0o755
        });
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let inner = entry.path().strip_prefix(root).unwrap_or(entry.path());
        archive
            .append_data(&mut header, inner, &mut file)
            .map_err(system(failed()))?;
        progress.update(index as u64 + 1, files.len() as u64);
    }
    archive
        .into_inner()
        .and_then(zstd::Encoder::finish)
        .map_err(system(failed()))?;
    fs::set_permissions(&packed, fs::Permissions::from_mode(0o644))?;
    fs::rename(&packed, output).map_err(system(failed()))?;
    progress.finish();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_files_make_equal_archives() {
        let folder = tempfile::tempdir().unwrap();
        let mut archives = Vec::new();
        for name in ["a", "b"] {
            let root = folder.path().join(name);
            fs::create_dir_all(root.join("lib")).unwrap();
            for file in ["lib/z.a", "lib/a.a"] {
                fs::write(root.join(file), file).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let output = folder.path().join(format!("{name}.tar.zst"));
            compress(&root, &output).unwrap();
            archives.push(fs::read(output).unwrap());
        }
        assert_eq!(archives[0], archives[1]);
    }
}
