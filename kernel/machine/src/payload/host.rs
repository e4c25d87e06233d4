//! What the machine offers to the engine.

use bareflow_engine::{Companion, Host, HostCounters, Kernel};
use bareflow_guest::VolumeGuard;

use crate::{clock, counters, second, storage};

/// The machine.
#[derive(Default)]
pub(crate) struct MachineHost;

impl Host for MachineHost {
    fn kernel(&self) -> Kernel {
        Kernel::Machine
    }

    fn volume(&mut self) -> Option<VolumeGuard> {
        storage::volume()
    }

    fn counters(&self) -> HostCounters {
        let counted = counters::at(clock::cycles());
        HostCounters {
            llvm_bytes_read: counted.llvm.map(|read| read.bytes),
            memory_bytes: Some(counted.peak_memory_bytes),
        }
    }

    fn companion(&self) -> Result<&'static dyn Companion, &'static str> {
        second::companion()
    }
}
