//! What tests of other kernels than the usual ones share: kernels that have all code generators, and minimal ones.

use std::sync::{Arc, OnceLock};

use bareflow_build::kernel::{KernelKind, LlvmExtent};

use super::refusals::set_of_refusing_levels;
use super::subject::Subject;

/// What the kernels of tests are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// All of LLVM, and the other code generators.
    Generators,
    /// Only what is used of LLVM.
    Minimal,
}

/// Kernels beside the usual ones, each made when the first test wants it.
pub struct Kernels {
    plain: Arc<Subject>,
    make: Make,
    hosted: OnceLock<Result<Subject, String>>,
    machine: OnceLock<Result<Subject, String>>,
}

impl Kernels {
    /// Beside those that have all of LLVM and nothing else.
    pub fn beside(plain: &Arc<Subject>, make: Make) -> Arc<Self> {
        Arc::new(Self {
            plain: Arc::clone(plain),
            make,
            hosted: OnceLock::new(),
            machine: OnceLock::new(),
        })
    }

    /// The usual kernels.
    pub fn plain(&self) -> &Arc<Subject> {
        &self.plain
    }

    /// The hosted kernel.
    ///
    /// # Errors
    /// What kept it from being built.
    pub fn hosted(&self) -> Result<&Subject, String> {
        let make = || self.build(KernelKind::Hosted);
        self.hosted.get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// The machine's.
    ///
    /// # Errors
    /// What kept it from being built.
    pub fn machine(&self) -> Result<&Subject, String> {
        let make = || self.build(KernelKind::Machine);
        let made = self.machine.get_or_init(make);
        made.as_ref().map_err(Clone::clone)
    }

    fn build(&self, kind: KernelKind) -> Result<Subject, String> {
        let context = &self.plain.context;
        let (builder, extent) = match self.make {
            Make::Generators => {
                let builder = context.kernel_builder_for(&set_of_refusing_levels());
                (builder, LlvmExtent::Full)
            }
            Make::Minimal => (context.kernel_builder(), LlvmExtent::Jit),
        };
        let kernel = builder.build(kind, extent);
        let kernel = Some(kernel.map_err(|error| error.to_string())?);
        let (hosted, machine) = match kind {
            KernelKind::Machine => (None, kernel),
            _ => (kernel, None),
        };
        Subject::new(context, hosted, machine).map_err(|error| error.to_string())
    }
}
