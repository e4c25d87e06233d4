//! What the tests of all code generators but LLVM's share: kernels that have these.

use std::sync::{Arc, OnceLock};

use bareflow_build::kernel::{KernelKind, LlvmExtent};

use super::refusals::set_of_refusing_levels;
use super::subject::Subject;

/// Kernels that have all code generators, each made when the first test wants it.
pub struct Kernels {
    plain: Arc<Subject>,
    hosted: OnceLock<Result<Subject, String>>,
    machine: OnceLock<Result<Subject, String>>,
}

impl Kernels {
    /// Beside those that have LLVM's alone.
    pub fn beside(plain: &Arc<Subject>) -> Arc<Self> {
        Arc::new(Self {
            plain: Arc::clone(plain),
            hosted: OnceLock::new(),
            machine: OnceLock::new(),
        })
    }

    /// The kernels without other generators.
    pub fn plain(&self) -> &Arc<Subject> {
        &self.plain
    }

    /// The hosted kernel with them.
    ///
    /// # Errors
    /// What kept it from being built.
    pub fn hosted(&self) -> Result<&Subject, String> {
        let make = || self.make(KernelKind::Hosted);
        self.hosted.get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// The machine's.
    ///
    /// # Errors
    /// What kept it from being built.
    pub fn machine(&self) -> Result<&Subject, String> {
        let make = || self.make(KernelKind::Machine);
        let made = self.machine.get_or_init(make);
        made.as_ref().map_err(Clone::clone)
    }

    fn make(&self, kind: KernelKind) -> Result<Subject, String> {
        let context = &self.plain.context;
        let builder = context.kernel_builder_for(&set_of_refusing_levels());
        let kernel = builder.build(kind, LlvmExtent::Full);
        let kernel = Some(kernel.map_err(|error| error.to_string())?);
        let (hosted, machine) = match kind {
            KernelKind::Machine => (None, kernel),
            _ => (kernel, None),
        };
        Subject::new(context, hosted, machine).map_err(|error| error.to_string())
    }
}
