//! Storage: the disks, the volume that is mounted, and the program's files beside the bundle. What reads or writes
//! there is its client: demand paging, the engine's snapshots, the program.

mod disk;
mod files;
mod volume;

use bareflow_boot_layout::KernelHeader;

pub(crate) use disk::{TRANSFER_SIZE_BYTES, read_with};
pub(crate) use files::{REGION as FILES, are_loaded as files_are_loaded};
#[cfg(feature = "engine")]
pub(crate) use volume::volume;
pub(crate) use volume::{files, mount, when_mounted};

/// The disk that the machine was started from has no driver here.
pub(crate) struct NoDriver;

/// What the machine was started from.
pub(crate) struct BootPartition {
    /// Where it begins on the disk.
    pub(crate) first_sector: u64,
    /// What it has.
    pub(crate) header: KernelHeader,
}

/// Looks for the disk that has this header; for one with a volume if no disk has started the machine.
///
/// # Errors
/// [`NoDriver`].
pub(crate) fn initialise(header: Option<KernelHeader>) -> Result<Option<BootPartition>, NoDriver> {
    let Some(header) = header else {
        disk::find_volume_disk();
        return Ok(None);
    };
    let first_sector = disk::find_boot_disk(&header).ok_or(NoDriver)?;
    files::are_on_disk(first_sector + u64::from(header.files_sector()));
    Ok(Some(BootPartition {
        first_sector,
        header,
    }))
}
