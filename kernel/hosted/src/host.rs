//! What the process offers to the engine.

use alloc::boxed::Box;

use bareflow_engine::{Companion, Host, HostCounters, Kernel};
use bareflow_guest::{VolumeGuard, keep_volume, mount, volume};

use crate::companion::COMPANION;
use crate::disk::FileDisk;

/// The process.
pub(crate) struct HostedKernel;

impl HostedKernel {
    /// With the disk that it was given.
    pub(crate) fn new(disk: Option<FileDisk>) -> Self {
        let disk = disk.map(|disk| Box::leak(Box::new(disk)));
        keep_volume(disk.and_then(|disk| mount(disk)));
        Self
    }
}

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

    fn companion(&self) -> Option<&'static dyn Companion> {
        Some(&COMPANION)
    }
}
