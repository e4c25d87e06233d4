//! What programs and kernels are made with: the repository, the tools and the distribution.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::{BootStages, DiskImage, ImageError, ImageOptions};
use crate::program::ProgramCompiler;
use bareflow_build::compiler_cache::CompilerCache;
use bareflow_build::error::Error;
use bareflow_build::generator_sources;
use bareflow_build::kernel::KernelBuilder;
use bareflow_build::llvm::{self, Request};
use bareflow_build::paths::{self, Cache};
use bareflow_build::sdk;
use bareflow_build::tools::{Installation, Tools};
use bareflow_targets::DEFAULT as TARGET;
use bareflow_tier_policy::{Generator, Level, LevelSet};

/// Names a finished distribution to use instead of the one of this state of the repository.
const DISTRIBUTION_VARIABLE: &str = "BAREFLOW_DISTRIBUTION";

/// Names a finished SDK to use instead of the one of this state of the repository.
const SDK_VARIABLE: &str = "BAREFLOW_SDK";

/// Below the repository: kernels with their programs, and their link maps.
const EXPORTED_KERNELS: &str = "target/kernel/exported";

/// Everything that building and running a program needs.
#[derive(Clone, Debug)]
pub struct Context {
    /// The repository.
    pub root: PathBuf,
    /// The tools of the host.
    pub tools: Tools,
    /// The LLVM distribution, with all libraries.
    pub distribution: PathBuf,
    /// What programs are built with, and the C library of the kernels that run them.
    pub sdk: PathBuf,
    cache: Cache,
}

impl Context {
    /// Finds the tools, after having installed what is missing, and restores or builds the
    /// distribution and the SDK.
    ///
    /// # Errors
    /// What is missing and how to get it.
    pub fn prepare(installation: Installation) -> Result<Self, Error> {
        let tools = Tools::find(installation)?;
        let cache = Cache::find()?;
        let distribution = match env::var_os(DISTRIBUTION_VARIABLE) {
            Some(folder) => chosen_distribution(folder.into())?,
            None => llvm::distribution(&cache, &tools, &Request::default())?,
        };
        let sdk = match env::var_os(SDK_VARIABLE) {
            Some(folder) => chosen_sdk(folder.into())?,
            None => sdk::provide(&cache, &tools, &distribution, &Request::default())?,
        };
        Ok(Self {
            root: paths::repository(),
            tools,
            distribution,
            sdk,
            cache,
        })
    }

    /// The cache.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Of programs.
    pub fn program_compiler(&self) -> ProgramCompiler {
        ProgramCompiler::new(self.tools.program_toolchain.clone(), &self.sdk)
    }

    /// Of the kernels.
    pub fn kernel_builder(&self) -> KernelBuilder {
        KernelBuilder {
            root: self.root.clone(),
            target: TARGET,
            distribution: self.distribution.clone(),
            sdk: self.sdk.clone(),
            clangxx: self.tools.clangxx.clone(),
            lld: self.tools.lld.clone(),
            compiler_cache: CompilerCache::find(&self.tools, &self.cache),
            generators: None,
            qbe: None,
        }
    }

    /// Of kernels that have the code generators of these levels.
    pub fn kernel_builder_for(&self, levels: &LevelSet) -> KernelBuilder {
        let is_other = |level: Level| level.row().generator != Generator::Llvm;
        match levels.iter().any(is_other) {
            true => self.kernel_builder_of_all(),
            false => self.kernel_builder(),
        }
    }

    /// Of kernels that have all code generators.
    pub fn kernel_builder_of_all(&self) -> KernelBuilder {
        // The other ones are there in any case; what QBE was to compile, the next level does.
        let qbe = generator_sources::qbe(&self.cache)
            .inspect_err(|reason| eprintln!("warning: kernels will have no QBE: {reason}"));
        KernelBuilder {
            generators: Some(self.cache.clone()),
            qbe: qbe.ok(),
            ..self.kernel_builder()
        }
    }

    /// Where the kernel of the exported image `image` goes: fault addresses and sizes are read from it.
    pub fn exported_kernel(&self, image: &Path) -> PathBuf {
        self.root
            .join(EXPORTED_KERNELS)
            .join(image.file_name().unwrap_or_default())
    }

    /// The kernels of exported images that are there.
    pub fn exported_kernels(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join(EXPORTED_KERNELS));
        let paths = entries.into_iter().flatten().flatten();
        paths
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_none_or(|extension| extension != "map"))
            .collect()
    }

    /// Writes a disk image that boots `kernel` and runs the program in `bundle`.
    ///
    /// # Errors
    /// That it cannot be written.
    pub fn write_image<'a>(
        &self,
        kernel: &Path,
        bundle: &[u8],
        options: impl Into<ImageOptions<'a>>,
        image: &Path,
    ) -> Result<(), ImageError> {
        let (clang, lld) = (&self.tools.clang, &self.tools.lld);
        let stages = BootStages::remembered(&self.cache.answers(), &self.root, TARGET, clang, lld)?;
        let disk = DiskImage {
            stages: &stages,
            kernel,
            bundle,
            options: options.into(),
        };
        disk.write(image)
    }
}

fn chosen_distribution(folder: PathBuf) -> Result<PathBuf, Error> {
    if folder.join("lib").is_dir() && folder.join("include/bareflow").is_dir() {
        return Ok(folder);
    }
    Err(Error::Usage(format!(
        "{DISTRIBUTION_VARIABLE}={}: not a distribution of LLVM; `cargo xtask llvm` prints where one is",
        folder.display()
    )))
}

fn chosen_sdk(folder: PathBuf) -> Result<PathBuf, Error> {
    if folder.join("lib/libc.bc").is_file() && folder.join("include/program").is_dir() {
        return Ok(folder);
    }
    Err(Error::Usage(format!(
        "{SDK_VARIABLE}={}: not an SDK; `cargo xtask sdk` prints where one is",
        folder.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_no_sdk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = chosen_sdk(folder.path().into()).unwrap_err();
        assert_eq!(error.exit_code(), 105);
        for part in ["lib", "include/program"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        fs::write(folder.path().join("lib/libc.bc"), "").unwrap();
        assert_eq!(chosen_sdk(folder.path().into()).unwrap(), folder.path());
    }

    #[test]
    fn a_folder_that_is_no_distribution_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = chosen_distribution(folder.path().into()).unwrap_err();
        assert_eq!(error.exit_code(), 105);
        std::fs::create_dir_all(folder.path().join("lib")).unwrap();
        std::fs::create_dir_all(folder.path().join("include/bareflow")).unwrap();
        assert_eq!(
            chosen_distribution(folder.path().into()).unwrap(),
            folder.path()
        );
    }
}
