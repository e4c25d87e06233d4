//! What the machine offers to the engine.

use bareflow_engine::{Companion, Host, HostCounters, Kernel};
use bareflow_guest::VolumeGuard;

use crate::{memory, pager, second};

/// The machine.
#[derive(Default)]
pub(crate) struct MachineHost;

impl Host for MachineHost {
    fn kernel(&self) -> Kernel {
        Kernel::Machine
    }

    fn volume(&mut self) -> Option<VolumeGuard> {
        pager::keep_volume();
        bareflow_guest::volume()
    }

    fn counters(&self) -> HostCounters {
        HostCounters {
            llvm_bytes_read: pager::counters().map(|read| read.bytes),
            memory_bytes: Some(memory::peak_bytes() as u64),
        }
    }

    fn companion(&self) -> Result<&'static dyn Companion, &'static str> {
        second::companion()
    }
}
