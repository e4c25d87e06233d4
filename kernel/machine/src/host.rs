//! What the machine offers to the engine.

use bareflow_engine::{DiskVolume, Host, HostCounters, Kernel};

use crate::memory;

/// The machine, which has no disk yet.
pub(crate) struct MachineHost;

impl Host for MachineHost {
    fn kernel(&self) -> Kernel {
        Kernel::Machine
    }

    fn volume(&mut self) -> Option<&mut DiskVolume> {
        None
    }

    fn counters(&self) -> HostCounters {
        HostCounters {
            llvm_bytes_read: None,
            memory_bytes: Some(memory::peak_bytes() as u64),
        }
    }
}
