//! Files of the program that an image has beside the bundle: read in blocks when somebody asks, and checked.

use alloc::format;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bareflow_boot_layout::Checksum;
use bareflow_boot_layout::files::{self, BLOCK_SIZE_BYTES, Block};
use bareflow_cxx_runtime::errno;
use bareflow_cxx_runtime::platform::{RemoteFile, StorageResult};
use bareflow_volume::DeviceError;

use crate::report_note;

/// How often a block is read before the program hears of it.
const ATTEMPTS: usize = 3;

/// What is kept in memory of all files together: 1 MiB.
const CACHE_BLOCKS: usize = 16;

/// Where the files are.
pub trait FileRegion: Sync {
    /// Reads whole sectors, at most a block, counted from the first file's beginning on.
    ///
    /// # Errors
    /// [`DeviceError`].
    fn read(&self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError>;
}

/// A file beside the bundle.
pub(crate) struct StoredFile {
    /// As the program calls it.
    path: &'static str,
    description: files::StoredFile<'static>,
    region: &'static dyn FileRegion,
    is_reported: AtomicBool,
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.path)
    }
}

/// A block in memory, by its first sector.
struct Kept {
    first_sector: u64,
    /// The higher, the later it was used.
    used: u64,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Cache {
    blocks: Vec<Kept>,
    uses: u64,
}

struct Shared(RefCell<Cache>);

// SAFETY: there is one thread, and handlers do not come here.
unsafe impl Sync for Shared {}

static CACHE: Shared = Shared(RefCell::new(Cache {
    blocks: Vec::new(),
    uses: 0,
}));

/// Why a block is not there.
enum BlockError {
    OutOfMemory,
    Damaged,
    Device(DeviceError),
}

impl fmt::Display for BlockError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::OutOfMemory => formatter.write_str("there is no memory"),
            Self::Damaged => formatter.write_str("its checksum is wrong"),
            Self::Device(error) => write!(formatter, "{error}"),
        }
    }
}

impl Cache {
    /// The bytes of a block, from memory or from where it is.
    fn block(&mut self, block: &Block, region: &dyn FileRegion) -> Result<&[u8], BlockError> {
        self.uses += 1;
        let known = self
            .blocks
            .iter()
            .position(|kept| kept.first_sector == block.first_sector);
        let index = match known {
            Some(index) => index,
            None => self.read(block, region)?,
        };
        let kept = &mut self.blocks[index];
        kept.used = self.uses;
        Ok(&kept.bytes)
    }

    fn read(&mut self, block: &Block, region: &dyn FileRegion) -> Result<usize, BlockError> {
        let mut bytes = self.room()?;
        bytes.resize(block.padded_size_bytes(), 0);
        let mut result = Err(BlockError::Damaged);
        for _ in 0..ATTEMPTS {
            result = match region.read(block.first_sector, &mut bytes) {
                Ok(()) if Checksum::of(&bytes[..block.size_bytes]) == block.checksum => Ok(()),
                Ok(()) => Err(BlockError::Damaged),
                Err(error) => Err(BlockError::Device(error)),
            };
            if result.is_ok() {
                break;
            }
        }
        result?;
        self.blocks.push(Kept {
            first_sector: block.first_sector,
            used: self.uses,
            bytes,
        });
        Ok(self.blocks.len() - 1)
    }

    /// Memory for a block: that of the one that was not used for longest if there are enough, or if there is no other.
    fn room(&mut self) -> Result<Vec<u8>, BlockError> {
        if self.blocks.len() < CACHE_BLOCKS {
            let mut bytes = Vec::new();
            if bytes.try_reserve_exact(BLOCK_SIZE_BYTES).is_ok() {
                return Ok(bytes);
            }
        }
        let oldest = (0..self.blocks.len()).min_by_key(|index| self.blocks[*index].used);
        let oldest = oldest.ok_or(BlockError::OutOfMemory)?;
        let mut bytes = self.blocks.swap_remove(oldest).bytes;
        bytes.clear();
        Ok(bytes)
    }
}

impl StoredFile {
    /// The file that the bundle describes so; `None` if that is no description.
    pub(crate) fn new(
        path: &'static str,
        description: &'static [u8],
        region: &'static dyn FileRegion,
    ) -> Option<Self> {
        Some(Self {
            path,
            description: files::StoredFile::open(description)?,
            region,
            is_reported: AtomicBool::new(false),
        })
    }

    fn fail(&self, offset: usize, error: &BlockError) -> core::ffi::c_int {
        if matches!(error, BlockError::OutOfMemory) {
            return errno::ENOMEM;
        }
        if !self.is_reported.swap(true, Relaxed) {
            report_note(&format!(
                "{} cannot be read at byte {offset}: {error}",
                self.path
            ));
        }
        errno::EIO
    }
}

impl RemoteFile for StoredFile {
    fn size_bytes(&self) -> usize {
        self.description.size_bytes()
    }

    fn read(&self, offset: usize, buffer: &mut [u8]) -> StorageResult<usize> {
        let rest = self.size_bytes().saturating_sub(offset).min(buffer.len());
        let (index, range) = files::place(offset, rest);
        if range.is_empty() {
            return Ok(0);
        }
        let block = self.description.block(index).ok_or(errno::EIO)?;
        // A fault may have ended somebody who used it.
        let mut cache = CACHE.0.try_borrow_mut().map_err(|_| errno::EIO)?;
        match cache.block(&block, self.region) {
            Ok(bytes) => {
                buffer[..range.len()].copy_from_slice(&bytes[range.clone()]);
                Ok(range.len())
            }
            Err(error) => {
                drop(cache);
                Err(self.fail(index * BLOCK_SIZE_BYTES, &error))
            }
        }
    }
}
