//! The partition table in the first sector of a disk (UEFI Specification 2.10, section 5.2.1, "Legacy Master Boot
//! Record").

use core::fmt;

use crate::device::{BlockDevice, DeviceError, SECTOR_SIZE_BYTES, check_range};

const TABLE_OFFSET: usize = 446;
const ENTRY_SIZE_BYTES: usize = 16;
const ENTRY_COUNT: usize = 4;
const SIGNATURE_OFFSET: usize = 510;
const SIGNATURE: [u8; 2] = [0x55, 0xaa];
const UNUSED: u8 = 0;
/// The one partition of a disk whose real table is a GPT.
const GPT_PROTECTIVE: u8 = 0xee;
/// Below 32 MiB; from 32 MiB on; the same, addressed by sector numbers only.
const FAT16_TYPES: [u8; 3] = [0x04, bareflow_boot_layout::FAT16_PARTITION_TYPE, 0x0e];

/// Why there is no partition to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionError {
    /// The disk fails.
    Device(DeviceError),
    /// The first sector has no signature.
    NoTable,
    /// The disk has a GPT, which nothing here reads.
    Gpt,
    /// No partition has a type of FAT16.
    NoFat16,
    /// A partition, counted from 1, is empty, begins at sector 0 or ends behind the disk.
    OutsideDisk(usize),
    /// Two partitions, counted from 1, have sectors in common.
    Overlap(usize, usize),
}

impl From<DeviceError> for PartitionError {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

impl fmt::Display for PartitionError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Device(error) => error.fmt(formatter),
            Self::NoTable => formatter.write_str("the disk has no partition table"),
            Self::Gpt => formatter.write_str("the disk has a GPT, not an MBR"),
            Self::NoFat16 => formatter.write_str("the disk has no FAT16 partition"),
            Self::OutsideDisk(number) => write!(formatter, "partition {number} is not on the disk"),
            Self::Overlap(first, second) => {
                write!(formatter, "partitions {first} and {second} overlap")
            }
        }
    }
}

impl core::error::Error for PartitionError {}

/// A part of a disk, as if it were the whole.
#[derive(Clone, Debug)]
pub struct Partition<D> {
    device: D,
    first_sector: u64,
    sector_count: u64,
}

impl<D: BlockDevice> Partition<D> {
    /// The first partition of FAT16 of a disk. The whole table is checked.
    ///
    /// # Errors
    /// [`PartitionError`].
    pub fn find_fat16(mut device: D) -> Result<Self, PartitionError> {
        let mut sector = [0; SECTOR_SIZE_BYTES];
        device.read(0, &mut sector)?;
        if sector[SIGNATURE_OFFSET..] != SIGNATURE {
            return Err(PartitionError::NoTable);
        }
        let mut entries = [Entry::default(); ENTRY_COUNT];
        for (entry, bytes) in entries
            .iter_mut()
            .zip(sector[TABLE_OFFSET..].chunks_exact(ENTRY_SIZE_BYTES))
        {
            *entry = Entry::parse(bytes);
        }
        check(&entries, device.sector_count())?;
        let entry = entries
            .iter()
            .find(|entry| FAT16_TYPES.contains(&entry.kind))
            .ok_or(PartitionError::NoFat16)?;
        Ok(Self {
            device,
            first_sector: entry.first_sector,
            sector_count: entry.sector_count,
        })
    }

    /// Where it begins on the disk.
    pub fn first_sector(&self) -> u64 {
        self.first_sector
    }

    /// The disk.
    pub fn into_device(self) -> D {
        self.device
    }
}

impl<D: BlockDevice> BlockDevice for Partition<D> {
    fn sector_count(&self) -> u64 {
        self.sector_count
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        check_range(self.sector_count, first_sector, buffer.len())?;
        self.device.read(self.first_sector + first_sector, buffer)
    }

    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        check_range(self.sector_count, first_sector, bytes.len())?;
        self.device.write(self.first_sector + first_sector, bytes)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.device.flush()
    }
}

#[derive(Clone, Copy, Default)]
struct Entry {
    kind: u8,
    first_sector: u64,
    sector_count: u64,
}

impl Entry {
    fn parse(bytes: &[u8]) -> Self {
        let number = |offset: usize| {
            let bytes = [0, 1, 2, 3].map(|index| bytes[offset + index]);
            u64::from(u32::from_le_bytes(bytes))
        };
        Self {
            kind: bytes[4],
            first_sector: number(8),
            sector_count: number(12),
        }
    }

    fn end(&self) -> u64 {
        self.first_sector + self.sector_count
    }
}

fn check(entries: &[Entry; ENTRY_COUNT], disk_sectors: u64) -> Result<(), PartitionError> {
    for (index, entry) in entries.iter().enumerate() {
        if entry.kind == UNUSED {
            continue;
        }
        if entry.kind == GPT_PROTECTIVE {
            return Err(PartitionError::Gpt);
        }
        if entry.first_sector == 0 || entry.sector_count == 0 || entry.end() > disk_sectors {
            return Err(PartitionError::OutsideDisk(index + 1));
        }
        for (earlier_index, earlier) in entries[..index].iter().enumerate() {
            let apart = entry.first_sector >= earlier.end() || earlier.first_sector >= entry.end();
            if earlier.kind != UNUSED && !apart {
                return Err(PartitionError::Overlap(earlier_index + 1, index + 1));
            }
        }
    }
    Ok(())
}
