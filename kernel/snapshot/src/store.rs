//! The folder of snapshots.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;

use bareflow_volume::{BlockDevice, Entry, Folder, Timestamp, Volume, VolumeError};

use crate::decode::{Expected, decode, inspect, parse_accepted};
use crate::model::Snapshot;
use crate::refusal::Refusal;

/// Where snapshots are on the volume.
pub const FOLDER: &str = "/boot/snapshots";
/// How many snapshots are kept unless the configuration says something else.
pub const DEFAULT_KEEP: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");

const SUFFIX: &str = ".snap";
/// The most digits of a number.
const MOST_DIGITS: usize = 9;
/// Twice the code pool's usual size. What is larger is not even read.
const MOST_BYTES: u32 = 256 << 20;
const LAST_NUMBER: u32 = 999_999_999;

/// What snapshots are about. Each series has numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// Code, data and counts.
    Code,
    /// Counts only: what is worth a write at every boot.
    Counts,
}

impl Series {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "boot_",
            Self::Counts => "counts_",
        }
    }
}

/// Why there is no new snapshot. Those that are there still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// The volume says why; [`VolumeError::Full`] if deleting refused and older snapshots would not do.
    Volume(VolumeError),
    /// What is read is not what was written.
    ReadBack,
    /// There is a snapshot with the last number.
    NoNumberLeft,
}

impl From<VolumeError> for SaveError {
    fn from(error: VolumeError) -> Self {
        Self::Volume(error)
    }
}

impl fmt::Display for SaveError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Volume(error) => error.fmt(formatter),
            Self::ReadBack => formatter.write_str("what is on the disk is not what was written"),
            Self::NoNumberLeft => formatter.write_str("the numbers of snapshots are used up"),
        }
    }
}

impl core::error::Error for SaveError {}

/// A snapshot that nothing speaks against.
#[derive(Clone, Debug)]
pub struct LoadedSnapshot {
    number: u32,
    name: String,
    bytes: Vec<u8>,
}

impl LoadedSnapshot {
    /// The number in its name.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How large its file is, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The bytes of its file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is in it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<'_> {
        parse_accepted(&self.bytes).expect("it was read when it was loaded")
    }
}

/// What saving has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The number of the new snapshot.
    pub number: u32,
    /// How many snapshots were deleted.
    pub deleted: usize,
}

/// The snapshots of a volume.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    series: Series,
    keep: NonZeroUsize,
}

impl Store {
    /// A store that keeps so many snapshots of a series.
    #[must_use]
    pub fn new(series: Series, keep: NonZeroUsize) -> Self {
        Self { series, keep }
    }

    /// The newest snapshot that is not refused, if there is any. `refused` hears the name of each newer one, and
    /// why it is refused.
    ///
    /// # Errors
    /// [`VolumeError`] if the folder cannot be read.
    pub fn load<D: BlockDevice>(
        &self,
        volume: &mut Volume<D>,
        expected: &Expected,
        refused: impl FnMut(&str, Refusal),
    ) -> Result<Option<LoadedSnapshot>, VolumeError> {
        self.load_before(volume, u32::MAX, expected, refused)
    }

    /// As [`load`](Self::load), among those with smaller numbers than `end`: for who cannot use what it got.
    ///
    /// # Errors
    /// [`VolumeError`] if the folder cannot be read.
    pub fn load_before<D: BlockDevice>(
        &self,
        volume: &mut Volume<D>,
        end: u32,
        expected: &Expected,
        refused: impl FnMut(&str, Refusal),
    ) -> Result<Option<LoadedSnapshot>, VolumeError> {
        newest(
            volume,
            self.series,
            end,
            |bytes| decode(bytes, expected).map(drop),
            refused,
        )
    }

    /// Saves a snapshot under the next number, in the place of the oldest if there are as many as are kept.
    /// `in_use` is the number of the snapshot that [`load`](Self::load) gave, which is never deleted before the new
    /// one is there.
    ///
    /// # Errors
    /// [`SaveError`]. When an older snapshot cannot be deleted, the new one is there nevertheless.
    pub fn save<D: BlockDevice>(
        &self,
        volume: &mut Volume<D>,
        bytes: &[u8],
        in_use: Option<u32>,
        timestamp: Timestamp,
    ) -> Result<Saved, SaveError> {
        let (folder, mut present) = list(volume, self.series)?;
        let number = present.last().map_or(1, |(number, _)| number + 1);
        if number > LAST_NUMBER {
            return Err(SaveError::NoNumberLeft);
        }
        let mut deleted = make_room(volume, folder, &mut present, bytes.len(), in_use)?;
        let draft = volume.draft(bytes)?;
        if volume.read_draft(&draft)? != bytes {
            volume.discard(&draft)?;
            return Err(SaveError::ReadBack);
        }
        let surplus = (present.len() + 1).saturating_sub(self.keep.get());
        let mut surplus = present[..surplus].iter().map(|(_, entry)| entry);
        let replaced = surplus.next();
        let name = name_of(self.series, number);
        volume.publish(folder, &name, &draft, replaced, timestamp)?;
        deleted += usize::from(replaced.is_some());
        for entry in surplus {
            volume.delete(folder, entry.name())?;
            deleted += 1;
        }
        Ok(Saved { number, deleted })
    }
}

/// The newest snapshot of a series that [`inspect`] accepts, whatever it was made for. `refused` hears the name of each newer one,
/// and why it is refused.
///
/// # Errors
/// [`VolumeError`] if the folder cannot be read.
pub fn inspect_newest<D: BlockDevice>(
    volume: &mut Volume<D>,
    series: Series,
    refused: impl FnMut(&str, Refusal),
) -> Result<Option<LoadedSnapshot>, VolumeError> {
    newest(
        volume,
        series,
        u32::MAX,
        |bytes| inspect(bytes).map(drop),
        refused,
    )
}

fn newest<D: BlockDevice>(
    volume: &mut Volume<D>,
    series: Series,
    end: u32,
    check: impl Fn(&[u8]) -> Result<(), Refusal>,
    mut refused: impl FnMut(&str, Refusal),
) -> Result<Option<LoadedSnapshot>, VolumeError> {
    let present = list(volume, series)?.1.into_iter().rev();
    for (number, entry) in present.filter(|(number, _)| *number < end) {
        match read(volume, &entry, &check) {
            Ok(bytes) => {
                let name = entry.name().into();
                return Ok(Some(LoadedSnapshot {
                    number,
                    name,
                    bytes,
                }));
            }
            Err(refusal) => refused(entry.name(), refusal),
        }
    }
    Ok(None)
}

fn read<D: BlockDevice>(
    volume: &mut Volume<D>,
    entry: &Entry,
    check: impl Fn(&[u8]) -> Result<(), Refusal>,
) -> Result<Vec<u8>, Refusal> {
    if entry.size_bytes() > MOST_BYTES {
        return Err(Refusal::TooLarge(entry.size_bytes().into()));
    }
    let bytes = volume.read(entry)?;
    check(&bytes)?;
    Ok(bytes)
}

/// The snapshots by number, the oldest first.
fn list<D: BlockDevice>(
    volume: &mut Volume<D>,
    series: Series,
) -> Result<(Folder, Vec<(u32, Entry)>), VolumeError> {
    let folder = volume.open_folder(FOLDER)?;
    let entries = volume.list(folder)?.into_iter();
    let mut snapshots: Vec<_> = entries
        .filter(|entry| !entry.is_folder())
        .filter_map(|entry| Some((number_of(series, entry.name())?, entry)))
        .collect();
    snapshots.sort_unstable_by_key(|(number, _)| *number);
    Ok((folder, snapshots))
}

/// Deletes snapshots, the oldest first, until a file of this size fits. Deletes nothing if it cannot fit.
fn make_room<D: BlockDevice>(
    volume: &mut Volume<D>,
    folder: Folder,
    present: &mut Vec<(u32, Entry)>,
    size_bytes: usize,
    in_use: Option<u32>,
) -> Result<usize, VolumeError> {
    // The folder may need a cluster too.
    let needed_bytes = volume.occupied_bytes(size_bytes as u64) + volume.occupied_bytes(1);
    let mut free_bytes = volume.free_bytes();
    let mut victims = Vec::new();
    for (number, entry) in present.iter() {
        if free_bytes >= needed_bytes {
            break;
        }
        if Some(*number) != in_use {
            free_bytes += volume.occupied_bytes(entry.size_bytes().into());
            victims.push(*number);
        }
    }
    if free_bytes < needed_bytes {
        return Err(VolumeError::Full {
            needed_bytes,
            free_bytes,
        });
    }
    for (_, entry) in present
        .extract_if(.., |(number, _)| victims.contains(number))
        .collect::<Vec<_>>()
    {
        volume.delete(folder, entry.name())?;
    }
    Ok(victims.len())
}

fn name_of(series: Series, number: u32) -> String {
    alloc::format!("{}{number:03}{SUFFIX}", series.prefix())
}

/// The number in the name of a snapshot.
fn number_of(series: Series, name: &str) -> Option<u32> {
    let name = name.to_ascii_lowercase();
    let digits = name.strip_prefix(series.prefix())?.strip_suffix(SUFFIX)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || digits.len() > MOST_DIGITS {
        return None;
    }
    digits.parse().ok()
}
