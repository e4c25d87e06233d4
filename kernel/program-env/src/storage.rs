//! The volume of a disk.

use alloc::format;

use bareflow_volume::{BlockDevice, Partition, Volume, VolumeError};

use crate::report_note;

/// The FAT16 volume of a disk.
pub type DiskVolume = Volume<Partition<&'static mut dyn BlockDevice>>;

/// Mounts the FAT16 volume of a disk and tidies up what power cuts have left. Says on the console why there is
/// none.
#[must_use]
pub fn mount(disk: &'static mut dyn BlockDevice) -> Option<DiskVolume> {
    match find(disk) {
        Ok(volume) => Some(tidied_up(volume)),
        Err(error) => {
            report_note(&format!("nothing is remembered: {error}"));
            None
        }
    }
}

/// The same for those who can do without: nobody is told why there is none.
#[must_use]
pub fn mount_quietly(disk: &'static mut dyn BlockDevice) -> Option<DiskVolume> {
    find(disk).ok().map(tidied_up)
}

fn find(disk: &'static mut dyn BlockDevice) -> Result<DiskVolume, VolumeError> {
    Volume::mount(Partition::find_fat16(disk)?)
}

fn tidied_up(mut volume: DiskVolume) -> DiskVolume {
    if volume.recovery().is_needed()
        && let Err(error) = volume.recover()
    {
        report_note(&format!("the volume cannot be tidied up: {error}"));
    }
    volume
}
