//! What a kernel offers to the engine beside the platform of the runtime.

use bareflow_guest::VolumeGuard;
use bareflow_profile::Kernel;

/// What the kernel knows of the memory and of the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounters {
    /// How much of LLVM was read from the disk when it was touched, in bytes; `None` if all of LLVM is loaded
    /// when the kernel starts.
    pub llvm_bytes_read: Option<u64>,
    /// How much memory is in use, in bytes; `None` if the kernel does not know.
    pub memory_bytes: Option<u64>,
}

/// A kernel.
pub trait Host {
    /// Which one.
    fn kernel(&self) -> Kernel;

    /// The volume for snapshots, if there is a disk with one.
    fn volume(&mut self) -> Option<VolumeGuard>;

    /// Counters as they are now.
    fn counters(&self) -> HostCounters;
}
