//! What the process offers to the engine.

use bareflow_engine::{DiskVolume, Host, HostCounters, Kernel};

/// The process, which has no disk yet.
pub(crate) struct HostedKernel;

impl Host for HostedKernel {
    fn kernel(&self) -> Kernel {
        Kernel::Hosted
    }

    fn volume(&mut self) -> Option<&mut DiskVolume> {
        None
    }

    fn counters(&self) -> HostCounters {
        HostCounters::default()
    }
}
