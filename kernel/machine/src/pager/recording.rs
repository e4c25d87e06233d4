//! Writing the record of touches: the new one under the name that is free; then the old one is deleted.

use alloc::vec::Vec;

use bareflow_guest::DiskVolume;
use bareflow_pager::{encode, grown};
use bareflow_volume::{Timestamp, VolumeError};

use super::PAGER;
use super::record::{FOLDER, NAMES, REMEMBERED, note, read};

/// The volume, for whoever keeps it from now on.
pub(crate) fn keep() -> Option<DiskVolume> {
    let mut remembered = REMEMBERED.borrow();
    read(&mut remembered);
    remembered.volume.take()
}

/// Writes what was touched for the next boot, if the record does not have it.
pub(crate) fn remember(volume: Option<&mut DiskVolume>) {
    let Some(volume) = volume else {
        return;
    };
    let Some(bytes) = new_record() else {
        return;
    };
    let old_name = REMEMBERED.borrow().name;
    if let Err(error) = write(volume, old_name, &bytes) {
        note(format_args!(
            "the record of touches is not written: {error}"
        ));
    }
}

fn new_record() -> Option<Vec<u8>> {
    let remembered = REMEMBERED.borrow();
    let pager = PAGER.borrow();
    let stored = pager.as_ref()?.stored.as_ref()?;
    let clusters = grown(&remembered.clusters, stored.clusters.touched())?;
    Some(encode(stored.image, &clusters))
}

fn write(volume: &mut DiskVolume, old_name: Option<&str>, bytes: &[u8]) -> Result<(), VolumeError> {
    let [first, second] = NAMES;
    let (new_name, other) = if old_name == Some(first) {
        (second, first)
    } else {
        (first, second)
    };
    let folder = volume.open_folder(FOLDER)?;
    // One that was refused, or the older of two.
    delete(volume, new_name)?;
    volume.create(folder, new_name, bytes, Timestamp::FIRST)?;
    delete(volume, other)
}

fn delete(volume: &mut DiskVolume, name: &str) -> Result<(), VolumeError> {
    let folder = volume.open_folder(FOLDER)?;
    match volume.delete(folder, name) {
        Err(VolumeError::NotFound) => Ok(()),
        result => result,
    }
}
