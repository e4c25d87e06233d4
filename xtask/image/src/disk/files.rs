//! The program's files in an image: in the bundle where they are small, and else in a part of their own, which is read
//! when the program asks.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bareflow_boot_layout::files::{BLOCK_SIZE_BYTES, describe};
use bareflow_boot_layout::{Checksum, SECTOR_SIZE_BYTES};
use bareflow_bundle::{
    Builder, Bundle, Entry, FILE, HOST_FILE, INPUT, INPUT_FILE, STORED_FILE, STORED_INPUT,
};

use super::{ImageError, is_zero};

/// So much of files is loaded with the bundle: that is quicker than to ask for each.
const LIMIT_IN_BUNDLE_BYTES: u64 = 1 << 20;

/// Where the bytes of a file come from.
#[derive(Clone, Debug)]
enum Source<'a> {
    Bytes(&'a [u8]),
    Path(PathBuf),
}

/// A file as it is given.
struct Given<'a> {
    source: Source<'a>,
    /// What its entry is called if its bytes are in the bundle, and what if they are not.
    names: [String; 2],
}

impl<'a> Given<'a> {
    /// The file of an entry, if it is one.
    fn of(entry: &Entry<'a>) -> Option<Self> {
        let names = |name: &str| [format!("{FILE}{name}"), format!("{STORED_FILE}{name}")];
        let of_input = || [INPUT, STORED_INPUT].map(str::to_owned);
        let (names, is_path) = if entry.name == INPUT {
            (of_input(), false)
        } else if entry.name == INPUT_FILE {
            (of_input(), true)
        } else if let Some(name) = entry.name.strip_prefix(FILE) {
            (names(name), false)
        } else {
            (names(entry.name.strip_prefix(HOST_FILE)?), true)
        };
        let source = match is_path {
            false => Source::Bytes(entry.contents),
            true => Source::Path(OsStr::from_bytes(entry.contents).into()),
        };
        Some(Self { source, names })
    }
}

#[derive(Clone, Debug)]
struct StoredFile<'a> {
    /// Its entry's.
    name: String,
    source: Source<'a>,
    size_bytes: u64,
    /// From the part's beginning on.
    first_sector: u64,
}

/// The files that are not in the bundle.
#[derive(Clone, Debug, Default)]
pub(super) struct FilesPart<'a> {
    files: Vec<StoredFile<'a>>,
    sector_count: u64,
}

fn read_error(path: &Path) -> impl FnOnce(io::Error) -> ImageError {
    |source| ImageError::File {
        path: path.into(),
        source,
    }
}

impl<'a> FilesPart<'a> {
    /// Those of a bundle, where there is more of them than the bundle takes. Nothing is read yet.
    pub(super) fn of(bundle: &'a [u8]) -> Result<Self, ImageError> {
        let mut part = Self::default();
        let Ok(bundle) = Bundle::open(bundle) else {
            return Ok(part);
        };
        let mut total = 0;
        for entry in bundle.entries() {
            let Some(Given { source, names }) = Given::of(&entry) else {
                continue;
            };
            let size_bytes = match &source {
                Source::Bytes(bytes) => bytes.len() as u64,
                Source::Path(path) => path.metadata().map_err(read_error(path))?.len(),
            };
            let [_, name] = names;
            total += size_bytes;
            part.files.push(StoredFile {
                name,
                source,
                size_bytes,
                first_sector: part.sector_count,
            });
            part.sector_count += size_bytes.div_ceil(SECTOR_SIZE_BYTES as u64);
        }
        Ok(if total > LIMIT_IN_BUNDLE_BYTES {
            part
        } else {
            Self::default()
        })
    }

    /// How many sectors they take.
    pub(super) fn sector_count(&self) -> u64 {
        self.sector_count
    }

    /// The bundle as the image has it: with a description in the place of each of these files, and with the bytes of all
    /// others. Descriptions whose checksums are not wanted yet have as many zeros.
    pub(super) fn bundle(
        &self,
        bundle: &'a [u8],
        checksums: Checksums,
    ) -> Result<Cow<'a, [u8]>, ImageError> {
        let Ok(opened) = Bundle::open(bundle) else {
            return Ok(Cow::Borrowed(bundle));
        };
        let mut builder = Builder::default();
        let mut stored = self.files.iter();
        for entry in opened.entries() {
            let Some(Given { source, names }) = Given::of(&entry) else {
                builder.add(entry.name, entry.contents);
                continue;
            };
            match (stored.next(), source) {
                (Some(file), _) => {
                    let sums = match checksums {
                        Checksums::Zero => {
                            let blocks = file.size_bytes.div_ceil(BLOCK_SIZE_BYTES as u64);
                            vec![Checksum::default(); blocks as usize]
                        }
                        Checksums::Real => file.checksums()?,
                    };
                    let description = describe(file.first_sector, file.size_bytes, &sums);
                    builder.add(&file.name, &description);
                }
                (None, Source::Path(path)) => {
                    let bytes = std::fs::read(&path).map_err(read_error(&path))?;
                    builder.add(&names[0], &bytes);
                }
                (None, Source::Bytes(bytes)) => builder.add(&names[0], bytes),
            }
        }
        Ok(Cow::Owned(builder.finish()))
    }

    /// Writes them from a sector of the image on, where it holds zeros.
    pub(super) fn write(&self, image: &mut File, first_sector: u32) -> io::Result<()> {
        let start = u64::from(first_sector) * SECTOR_SIZE_BYTES as u64;
        for file in &self.files {
            let mut offset = start + file.first_sector * SECTOR_SIZE_BYTES as u64;
            file.read_blocks(|block| {
                // What is zero takes no room on the host.
                if !is_zero(block) {
                    image.seek(SeekFrom::Start(offset))?;
                    image.write_all(block)?;
                }
                offset += block.len() as u64;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Which checksums a bundle has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksums {
    /// None yet: nothing is read.
    Zero,
    /// Those of the files.
    Real,
}

impl StoredFile<'_> {
    /// Shows all blocks to `action`. A file that has become shorter or longer meanwhile is an error.
    fn read_blocks(&self, mut action: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let path = match &self.source {
            Source::Bytes(bytes) => return bytes.chunks(BLOCK_SIZE_BYTES).try_for_each(action),
            Source::Path(path) => path,
        };
        let mut file = File::open(path)?;
        let mut block = vec![0; BLOCK_SIZE_BYTES];
        let mut left = self.size_bytes;
        while left > 0 {
            let size = left.min(BLOCK_SIZE_BYTES as u64);
            let block = &mut block[..size as usize];
            file.read_exact(block)?;
            action(block)?;
            left -= size;
        }
        if file.read(&mut [0])? > 0 {
            return Err(io::Error::other("it has become longer meanwhile"));
        }
        Ok(())
    }

    fn checksums(&self) -> Result<Vec<Checksum>, ImageError> {
        let mut sums = Vec::new();
        let read = self.read_blocks(|block| {
            sums.push(Checksum::of(block));
            Ok(())
        });
        read.map_err(read_error(Path::new(match &self.source {
            Source::Path(path) => path.as_os_str(),
            Source::Bytes(_) => self.name.as_ref(),
        })))?;
        Ok(sums)
    }
}
