//! Build trees: where the steps of a build happen, and with what.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;
use xshell::{Cmd, cmd};

use super::Request;
use super::inputs::{is_source, sysroot_files};
use super::package::flags;
use crate::compiler_cache::CompilerCache;
use crate::error::{Error, Result};
use crate::paths::{Cache, Package};
use crate::shell::{Log, shell, write_whole};
use crate::tools::Tools;

/// Where a build happens, and with what.
#[derive(Clone, Copy, Debug)]
pub struct BuildTrees<'a> {
    /// What is built.
    pub package: Package,
    /// Where it happens.
    pub cache: &'a Cache,
    /// What it uses.
    pub tools: &'a Tools,
    /// The unpacked sources.
    pub source: &'a Path,
    /// What was asked for.
    pub request: &'a Request,
}

/// Which compilers a tree uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compilers {
    /// Those of the distribution and of the kernels.
    Build,
    /// Those of programs.
    Program,
}

impl BuildTrees<'_> {
    /// Where all of the package's trees are.
    fn folder(&self) -> PathBuf {
        self.cache.build(self.package, self.request.target)
    }

    /// The build tree of a step.
    pub fn tree(&self, step: &str) -> PathBuf {
        self.folder().join(step)
    }

    /// Where the output of a step's tools goes.
    pub fn log(&self, step: &str) -> PathBuf {
        let step = step.replace('/', "-");
        let trees = self.package.trees(self.request.target);
        self.cache.log(&format!("{trees}-{step}"))
    }

    /// Empties the folder of all build trees unless they are of this key.
    ///
    /// # Errors
    /// When it cannot be emptied.
    pub fn discard_foreign(&self, key: &str) -> Result<()> {
        discard_foreign_trees(&self.folder(), key)
    }

    /// Runs a step unless it was done with this key.
    ///
    /// # Errors
    /// What the step says.
    pub fn step(
        &self,
        name: &str,
        key: &str,
        action: impl FnOnce(&Log) -> Result<()>,
    ) -> Result<()> {
        let tree = self.tree(name);
        shell()?.create_dir(&tree)?;
        run_stamped(&tree.join(".bareflow-key"), key, self.request.force, || {
            // Answers of an older configuration must not leak into this one.
            let _ = fs::remove_file(tree.join("CMakeCache.txt"));
            action(&Log::start(self.log(name))?)
        })
    }

    /// Configures a part of the sources into the tree of a step.
    ///
    /// # Errors
    /// As [`Log::run`].
    pub fn cmake(&self, log: &Log, source: &str, step: &str, options: &[String]) -> Result<()> {
        let (sh, source, tree) = (shell()?, self.source.join(source), self.tree(step));
        let launcher = self.launcher();
        let command = cmd!(
            sh,
            "cmake -G Ninja -S {source} -B {tree} {options...} {launcher...}"
        );
        log.run_cmd(self.with_compiler_cache(cleaned(command)))
    }

    /// Builds targets in the tree of a step.
    ///
    /// # Errors
    /// As [`Log::run_ninja`].
    pub fn ninja(&self, log: &Log, step: &str, targets: &[&str]) -> Result<()> {
        let (sh, tree) = (shell()?, self.tree(step));
        let jobs = self.request.jobs.map(|jobs| format!("-j{jobs}"));
        let command = cmd!(sh, "ninja -C {tree} {jobs...} {targets...}");
        let command = self.with_compiler_cache(cleaned(command));
        log.run_ninja(step, &mut command.into())
    }

    fn with_compiler_cache<'s>(&self, command: Cmd<'s>) -> Cmd<'s> {
        let cache = CompilerCache::find(self.tools, self.cache);
        command.envs(cache.iter().flat_map(CompilerCache::variables))
    }

    /// What has CMake use the compiler cache, if there is one.
    fn launcher(&self) -> Vec<String> {
        let Some(_) = &self.tools.ccache else {
            return Vec::new();
        };
        ["C", "CXX"]
            .map(|language| format!("-DCMAKE_{language}_COMPILER_LAUNCHER=ccache"))
            .to_vec()
    }

    /// The flags of the target, and those that keep the places of this cache out of what is made.
    pub fn machine(&self) -> String {
        let mut flags = flags(self.request.target).join(" ");
        for (path, name) in [(self.source, "/llvm"), (&self.folder(), "/build")] {
            flags.push_str(&format!(" -ffile-prefix-map={}={name}", path.display()));
        }
        flags
    }

    /// Where the step `name` keeps its copy of the repository's sysroot: its path must not depend on the checkout.
    pub fn sysroot_input(&self, step: &str) -> PathBuf {
        self.tree(step).join("input")
    }

    /// Copies these folders of the repository's sysroot to where the step `name` keeps them.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn copy_sysroot(&self, step: &str, folders: &[&str]) -> Result<()> {
        let input = self.sysroot_input(step);
        let files = sysroot_files(self.request.target)?;
        for folder in folders {
            let is_kept = |path: &Path| files.keys().any(|file| Path::new(file) == path);
            remove_others(&input.join(folder), |inner| {
                is_kept(&Path::new(folder).join(inner))
            })?;
            for (file, from) in &files {
                if Path::new(file).starts_with(folder) {
                    copy_if_changed(from, &input.join(file))?;
                }
            }
        }
        Ok(())
    }

    /// CMake's options for the target, with the toolchain file in `sysroot`.
    pub fn toolchain(
        &self,
        sysroot: &Path,
        compilers: Compilers,
        c_flags: &str,
        cxx_flags: &str,
    ) -> Vec<String> {
        let (clang, clangxx) = match compilers {
            Compilers::Build => (&self.tools.clang, &self.tools.clangxx),
            Compilers::Program => (&self.tools.program_clang, &self.tools.program_clangxx),
        };
        let mut options = vec![format!(
            "-DCMAKE_TOOLCHAIN_FILE={}",
            sysroot.join("cmake/toolchain.cmake").display()
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
        let target = self.request.target;
        options.extend(definitions(&[
            ("BAREFLOW_TRIPLE", target.triple),
            ("BAREFLOW_PROCESSOR", target.architecture),
            ("CMAKE_BUILD_TYPE", "MinSizeRel"),
        ]));
        options.push(format!("-DBAREFLOW_C_FLAGS={c_flags}"));
        options.push(format!("-DBAREFLOW_CXX_FLAGS={cxx_flags}"));
        options
    }
}

/// What reaches the tools of a build from the environment: where programs and temporary files are. Compilers take flags,
/// folders of headers and more from other variables, which no key has.
const KEPT_VARIABLES: &[&str] = &["HOME", "PATH", "TERM", "TMPDIR"];

/// A tool of a build, in an environment that says the same on every machine.
pub fn cleaned(command: Cmd) -> Cmd {
    let command = command.env_clear().env("LANG", "C.UTF-8").env("TZ", "UTC");
    let kept = KEPT_VARIABLES
        .iter()
        .filter_map(|name| Some((name, env::var_os(name)?)));
    command.envs(kept)
}

/// CMake's options for these variables.
pub fn definitions<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = String> + use<'a> {
    pairs
        .iter()
        .map(|(name, value)| format!("-D{name}={value}"))
}

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
        shell()?.remove_path(folder)?;
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
    shell()?.remove_path(stamp)?;
    action()?;
    write_whole(stamp, key.as_bytes())
}

/// Makes the files of `from` also those of `to`. A file that is equal keeps its time, so that nothing is
/// compiled again for it. What editors leave stays where it is.
pub fn copy_changed(from: &Path, to: &Path) -> Result<()> {
    for entry in WalkDir::new(from).sort_by_file_name() {
        let entry = entry
            .map_err(|error| Error::Build(format!("cannot read {}: {error}", from.display())))?;
        if entry.file_type().is_file() && is_source(entry.file_name()) {
            let inner = entry.path().strip_prefix(from).unwrap_or(entry.path());
            copy_if_changed(entry.path(), &to.join(inner))?;
        }
    }
    Ok(())
}

/// Removes the files of `folder` that `model` does not have.
pub fn remove_extra(folder: &Path, model: &Path) -> Result<()> {
    remove_others(folder, |inner| model.join(inner).is_file())
}

/// Removes the files of `folder` but for those that are kept, by their paths in it.
fn remove_others(folder: &Path, is_kept: impl Fn(&Path) -> bool) -> Result<()> {
    for entry in WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
    {
        let inner = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        if !is_kept(inner) {
            shell()?.remove_path(entry.path())?;
        }
    }
    Ok(())
}

/// Copies a file unless the other is equal, whose time then stays: ninja would build what depends on it.
///
/// # Errors
/// That one cannot be read, or the other not written.
pub fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let bytes = shell()?.read_binary_file(from)?;
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
        fs::write(from.join("a.h~"), "0").unwrap();
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
        assert!(!to.join("a.h~").exists());
    }
}
