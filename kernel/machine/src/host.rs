//! What the machine offers to the engine.

use bareflow_engine::{Host, HostCounters, Kernel};
use bareflow_guest::DiskVolume;

use crate::{memory, pager};

/// The machine, with the volume of its disk once somebody has asked for it.
#[derive(Default)]
pub(crate) struct MachineHost {
    volume: Option<Option<DiskVolume>>,
}

impl Host for MachineHost {
    fn kernel(&self) -> Kernel {
        Kernel::Machine
    }

    fn volume(&mut self) -> Option<&mut DiskVolume> {
        self.volume.get_or_insert_with(pager::keep).as_mut()
    }

    fn counters(&self) -> HostCounters {
        HostCounters {
            llvm_bytes_read: pager::counters().map(|counters| counters.bytes_read),
            memory_bytes: Some(memory::peak_bytes() as u64),
        }
    }
}
