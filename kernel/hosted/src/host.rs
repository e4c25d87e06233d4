//! What the process offers to the engine.

use bareflow_engine::{Companion, EngineHost, HostCounters, KernelFlavour};
use bareflow_program_env::{VolumeGuard, volume};

use crate::companion::COMPANION;

/// The process.
pub(crate) struct HostedKernel;

impl EngineHost for HostedKernel {
    fn kernel(&self) -> KernelFlavour {
        KernelFlavour::Hosted
    }

    fn volume(&mut self) -> Option<VolumeGuard> {
        volume()
    }

    fn counters(&self) -> HostCounters {
        HostCounters::default()
    }

    fn companion(&self) -> Result<&'static dyn Companion, &'static str> {
        Ok(&COMPANION)
    }
}
