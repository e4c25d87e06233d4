//! The record of touches on the volume, and the volume itself, which is mounted once.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bareflow_cxx_runtime::platform::Stream;
use bareflow_guest::{DiskVolume, mount, mount_quietly};
use bareflow_pager::{RECORD_FOLDER, RECORD_NAMES, Record};
use bareflow_volume::VolumeError;

use super::PAGER;
use crate::one_thread::OneThread;
use crate::{console, disk};

/// The volume while nobody has taken it, and what was read from it.
pub(super) struct Remembered {
    is_read: bool,
    pub(super) volume: Option<DiskVolume>,
    pub(super) record: Record,
    /// The name of the record that was read.
    pub(super) name: Option<&'static str>,
}

pub(super) static REMEMBERED: OneThread<Remembered> = OneThread::new(Remembered {
    is_read: false,
    volume: None,
    record: Record::EMPTY,
    name: None,
});

pub(super) fn note(text: fmt::Arguments) {
    console::print(Stream::Error, format_args!("bareflow: note: {text}\n"));
}

/// Mounts the volume and reads the record, once.
pub(super) fn read(remembered: &mut Remembered) {
    if remembered.is_read {
        return;
    }
    remembered.is_read = true;
    // A program without the engine needs no volume.
    let mount = if cfg!(feature = "engine") {
        mount
    } else {
        mount_quietly
    };
    let Some(mut volume) = disk::handle().and_then(mount) else {
        return;
    };
    for name in RECORD_NAMES {
        match read_record(&mut volume, name) {
            Ok(Some(record)) if record.weight() >= remembered.record.weight() => {
                remembered.record = record;
                remembered.name = Some(name);
            }
            Ok(_) => {}
            Err(reason) => note(format_args!("the record of touches is ignored: {reason}")),
        }
    }
    remembered.volume = Some(volume);
}

/// Has the volume for the engine and the program from now on.
pub(crate) fn keep_volume() {
    let mut remembered = REMEMBERED.borrow();
    read(&mut remembered);
    if let Some(volume) = remembered.volume.take() {
        bareflow_guest::keep_volume(Some(volume));
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
    let mut remembered = REMEMBERED.borrow();
    read(&mut remembered);
    remembered.record.clusters.clone()
}
