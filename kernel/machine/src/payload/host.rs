//! What the machine offers to the engine.

use bareflow_engine::{Companion, EngineHost, HostCounters, KernelFlavour};
use bareflow_program_env::VolumeGuard;

use crate::{clock, counters, second, storage};

/// The machine.
#[derive(Default)]
pub(crate) struct MachineHost;

impl EngineHost for MachineHost {
    fn kernel(&self) -> KernelFlavour {
        KernelFlavour::Machine
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
