//! Runs of the hosted kernel for benchmarks.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::kernel::{KernelKind, LlvmExtent};
use crate::launch::Kernel;
use crate::supervise::Recorder;
use crate::temporary::TemporaryFolder;
use crate::workbench::Workbench;

const TIMEOUT: Duration = Duration::from_secs(300);
const RECORD_LIMIT_BYTES: usize = 1 << 20;

/// The hosted kernel, built.
pub struct Hosted {
    executable: PathBuf,
    folder: TemporaryFolder,
}

impl Hosted {
    /// Builds the kernel.
    ///
    /// # Errors
    /// Whatever kept it from being built.
    pub fn build(bench: &Workbench) -> Result<Self> {
        let builder = bench.kernel_builder();
        Ok(Self {
            executable: builder.build(KernelKind::Hosted, LlvmExtent::Full)?,
            folder: TemporaryFolder::new("bench")?,
        })
    }

    /// What the program in `bundle` prints.
    ///
    /// # Errors
    /// That it did not end with status 0.
    pub fn output_of(&self, bundle: &[u8]) -> Result<String> {
        let path = self.folder.path().join("bundle");
        fs::write(&path, bundle)?;
        let kernel = Kernel::Hosted {
            executable: self.executable.clone(),
            bundle: path,
            memory_mib: None,
            disk: None,
        };
        let output = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
        let ending = kernel.run(TIMEOUT, output.clone(), io::stderr())?;
        if ending.code != 0 {
            return Err(Error::Build(format!(
                "the program ended with status {}",
                ending.code
            )));
        }
        Ok(String::from_utf8_lossy(&output.bytes()).into_owned())
    }
}
