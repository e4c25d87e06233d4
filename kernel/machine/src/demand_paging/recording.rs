//! Writing the record of touches: the new one under the name that is free; then the old one is deleted.

use alloc::vec::Vec;

use bareflow_pager::{Contents, PageSet, RECORD_FOLDER, RECORD_NAMES};
use bareflow_program_env::DiskVolume;
use bareflow_volume::{Timestamp, VolumeError};

use super::record::{REMEMBERED, note};
use super::{PAGER, Stored};
use crate::image::LlvmWindow;
use crate::memory;

/// A program may have left nothing. With less than this there is no record: it is a hint, and not worth a failure.
const SPARE_MEMORY_BYTES: usize = 1 << 20;

/// Writes what was touched and used, for the next boot and for `cargo xtask`, if the record does not have it.
pub(crate) fn remember(volume: Option<&mut DiskVolume>) {
    let Some(volume) = volume.filter(|_| memory::free_bytes() >= SPARE_MEMORY_BYTES) else {
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
    let pager = pager.as_ref()?;
    let stored = pager.stored.as_ref()?;
    let used = used(stored, &pager.window);
    let record = remembered.record.grown(stored.clusters.touched(), &used)?;
    Some(record.encode(stored.owner.table))
}

/// The pages that were used in this boot.
fn used(stored: &Stored, window: &LlvmWindow) -> PageSet {
    let mut used = PageSet::new(stored.owner.pages);
    let table = stored.table();
    let pages = (0..).map_while(|position| table.page(position));
    for page in pages.filter_map(|page| window.find_stored(page)) {
        if let Contents::Stored(stored) = page.contents
            && memory::is_used(page.number)
        {
            used.insert(stored);
        }
    }
    used
}

fn write(volume: &mut DiskVolume, old_name: Option<&str>, bytes: &[u8]) -> Result<(), VolumeError> {
    let [first, second] = RECORD_NAMES;
    let (new_name, other) = if old_name == Some(first) {
        (second, first)
    } else {
        (first, second)
    };
    let folder = volume.open_folder(RECORD_FOLDER)?;
    // One that was refused, or the older of two.
    delete(volume, new_name)?;
    volume.create(folder, new_name, bytes, Timestamp::FIRST)?;
    delete(volume, other)
}

fn delete(volume: &mut DiskVolume, name: &str) -> Result<(), VolumeError> {
    let folder = volume.open_folder(RECORD_FOLDER)?;
    match volume.delete(folder, name) {
        Err(VolumeError::NotFound) => Ok(()),
        result => result,
    }
}
