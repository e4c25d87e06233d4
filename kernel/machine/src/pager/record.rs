//! The record of touches on the volume, and the volume itself, which is mounted once.
//!
//! The record is a file of two possible names: a new one is written under the name that is free, and the old one
//! is deleted then. After a power cut in between there are two, and the one that names more is the newer.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bareflow_cxx_runtime::platform::Stream;
use bareflow_engine::{DiskVolume, Host, mount};
use bareflow_pager::{decode, encode, grown};
use bareflow_volume::{Timestamp, VolumeError};

use super::PAGER;
use crate::one_thread::OneThread;
use crate::{console, disk};

const FOLDER: &str = "boot";
const NAMES: [&str; 2] = ["touch_a.rec", "touch_b.rec"];

/// The volume while nobody has taken it, and what was read from it.
struct Remembered {
    is_read: bool,
    volume: Option<DiskVolume>,
    clusters: Vec<u16>,
    /// The name of the record that was read.
    name: Option<&'static str>,
}

static REMEMBERED: OneThread<Remembered> = OneThread::new(Remembered {
    is_read: false,
    volume: None,
    clusters: Vec::new(),
    name: None,
});

fn note(text: fmt::Arguments) {
    console::print(Stream::Error, format_args!("bareflow: note: {text}\n"));
}

/// Mounts the volume and reads the record, once.
fn read(remembered: &mut Remembered) {
    if remembered.is_read {
        return;
    }
    remembered.is_read = true;
    let Some(mut volume) = disk::handle().and_then(mount) else {
        return;
    };
    for name in NAMES {
        match read_record(&mut volume, name) {
            Ok(Some(clusters)) if clusters.len() >= remembered.clusters.len() => {
                remembered.clusters = clusters;
                remembered.name = Some(name);
            }
            Ok(_) => {}
            Err(reason) => note(format_args!("the record of touches is ignored: {reason}")),
        }
    }
    remembered.volume = Some(volume);
}

fn read_record(volume: &mut DiskVolume, name: &str) -> Result<Option<Vec<u16>>, String> {
    let pager = PAGER.borrow();
    let Some(stored) = pager.as_ref().and_then(|pager| pager.stored.as_ref()) else {
        return Ok(None);
    };
    let text = |error: VolumeError| format!("{error}");
    let file = match volume
        .open_folder(FOLDER)
        .and_then(|folder| volume.find(folder, name))
    {
        Err(VolumeError::NotFound) => return Ok(None),
        file => file.map_err(text)?,
    };
    let bytes = volume.read(&file).map_err(text)?;
    decode(&bytes, stored.image, stored.clusters.count())
        .map(Some)
        .map_err(|error| format!("{error}"))
}

/// The clusters that earlier boots have touched.
pub(super) fn known() -> Vec<u16> {
    let mut remembered = REMEMBERED.borrow();
    read(&mut remembered);
    remembered.clusters.clone()
}

/// The volume, for whoever keeps it from now on.
pub(crate) fn keep() -> Option<DiskVolume> {
    let mut remembered = REMEMBERED.borrow();
    read(&mut remembered);
    remembered.volume.take()
}

/// Writes what was touched for the next boot, if the record does not have it.
pub(crate) fn remember(host: &mut dyn Host) {
    let Some(bytes) = new_record() else {
        return;
    };
    let Some(volume) = host.volume() else {
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
