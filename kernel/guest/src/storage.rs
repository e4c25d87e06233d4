//! The volume of a disk.

use alloc::format;

use bareflow_volume::{BlockDevice, Partition, Volume};

use crate::report_note;

/// The FAT16 volume of a disk.
pub type DiskVolume = Volume<Partition<&'static mut dyn BlockDevice>>;

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
