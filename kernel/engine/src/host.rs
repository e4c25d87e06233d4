//! What a kernel offers to the engine beside the platform of the runtime.

use alloc::format;

use bareflow_profile::Kernel;
use bareflow_volume::{BlockDevice, Partition, Volume};

use bareflow_guest::report_note;

/// The FAT16 volume of a disk.
pub type DiskVolume = Volume<Partition<&'static mut dyn BlockDevice>>;

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
    fn volume(&mut self) -> Option<&mut DiskVolume>;

    /// Counters as they are now.
    fn counters(&self) -> HostCounters;
}

/// Mounts the FAT16 volume of a disk and tidies up what power cuts have left. Says on the console why there is
/// none.
#[must_use]
pub fn mount(disk: &'static mut dyn BlockDevice) -> Option<DiskVolume> {
    let partition = match Partition::find_fat16(disk) {
        Ok(partition) => partition,
        Err(error) => {
            report_note(&format!("nothing is remembered: {error}"));
            return None;
        }
    };
    let mut volume = match Volume::mount(partition) {
        Ok(volume) => volume,
        Err(error) => {
            report_note(&format!("nothing is remembered: {error}"));
            return None;
        }
    };
    if volume.recovery().is_needed()
        && let Err(error) = volume.recover()
    {
        report_note(&format!("the volume cannot be tidied up: {error}"));
    }
    Some(volume)
}
