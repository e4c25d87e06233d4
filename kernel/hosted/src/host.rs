//! What the process offers to the engine.

use alloc::boxed::Box;

use bareflow_engine::{Host, HostCounters, Kernel};
use bareflow_guest::{DiskVolume, mount};

use crate::disk::FileDisk;

/// The process, with the disk that it was given.
pub(crate) struct HostedKernel {
    volume: Option<DiskVolume>,
}

impl HostedKernel {
    pub(crate) fn new(disk: Option<FileDisk>) -> Self {
        let disk = disk.map(|disk| Box::leak(Box::new(disk)));
        Self {
            volume: disk.and_then(|disk| mount(disk)),
        }
    }
}

impl Host for HostedKernel {
    fn kernel(&self) -> Kernel {
        Kernel::Hosted
    }

    fn volume(&mut self) -> Option<&mut DiskVolume> {
        self.volume.as_mut()
    }

    fn counters(&self) -> HostCounters {
        HostCounters::default()
    }
}
