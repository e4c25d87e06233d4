//! The record of touches on the volume.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bareflow_cxx_runtime::platform::Stream;
use bareflow_pager::{RECORD_FOLDER, RECORD_NAMES, Record};
use bareflow_program_env::DiskVolume;
use bareflow_volume::VolumeError;

use super::PAGER;
use crate::single_thread_cell::SingleThreadCell;
use crate::{console, storage};

/// What was read from the volume.
pub(super) struct Remembered {
    pub(super) record: Record,
    /// The name of the record that was read.
    pub(super) name: Option<&'static str>,
}

pub(super) static REMEMBERED: SingleThreadCell<Remembered> = SingleThreadCell::new(Remembered {
    record: Record::EMPTY,
    name: None,
});

pub(super) fn note(text: fmt::Arguments) {
    console::print(Stream::Error, format_args!("bareflow: note: {text}\n"));
}

/// Reads the record.
pub(super) fn read(volume: &mut DiskVolume) {
    let mut remembered = REMEMBERED.borrow();
    for name in RECORD_NAMES {
        match read_record(volume, name) {
            Ok(Some(record)) if record.weight() >= remembered.record.weight() => {
                remembered.record = record;
                remembered.name = Some(name);
            }
            Ok(_) => {}
            Err(reason) => note(format_args!("the record of touches is ignored: {reason}")),
        }
    }
}

fn read_record(volume: &mut DiskVolume, name: &str) -> Result<Option<Record>, String> {
    let pager = PAGER.borrow();
    let Some(stored) = pager.as_ref().and_then(|pager| pager.stored.as_ref()) else {
        return Ok(None);
    };
    let text = |error: VolumeError| format!("{error}");
    let file = match volume
        .open_folder(RECORD_FOLDER)
        .and_then(|folder| volume.find(folder, name))
    {
        Err(VolumeError::NotFound) => return Ok(None),
        file => file.map_err(text)?,
    };
    let bytes = volume.read(&file).map_err(text)?;
    Record::decode(&bytes, &stored.owner)
        .map(Some)
        .map_err(|error| format!("{error}"))
}

/// The clusters that earlier boots have touched.
pub(super) fn known() -> Vec<u16> {
    storage::mount();
    REMEMBERED.borrow().record.clusters.clone()
}
