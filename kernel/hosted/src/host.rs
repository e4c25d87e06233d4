//! What the process offers to the engine.

use bareflow_engine::{Companion, Host, HostCounters, Kernel};
use bareflow_guest::{VolumeGuard, volume};

use crate::companion::COMPANION;

/// The process.
pub(crate) struct HostedKernel;

impl Host for HostedKernel {
    fn kernel(&self) -> Kernel {
        Kernel::Hosted
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
