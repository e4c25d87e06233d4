//! The partition table. The input is the disk's first sector, behind a few bytes about the disk.

use arbitrary::Unstructured;
use bareflow_volume::{BlockDevice, DeviceError, Partition, PartitionError, SECTOR_SIZE_BYTES};

use crate::assert_is_reason;

const TABLE_OFFSET: usize = 446;
/// Below 32 MiB; from 32 MiB on; the same, addressed by sector numbers only.
const FAT16_TYPES: [u8; 3] = [0x04, 0x06, 0x0e];
const GPT_PROTECTIVE: u8 = 0xee;

/// A disk of any size with one sector that is not empty; it notes what it is asked for.
struct SparseDisk {
    first: [u8; SECTOR_SIZE_BYTES],
    sector_count: u64,
    /// Where the last read or write was.
    last: Option<u64>,
    fails: Option<DeviceError>,
}

impl SparseDisk {
    fn access(&mut self, first_sector: u64, length_bytes: usize) -> Result<(), DeviceError> {
        let sectors = (length_bytes / SECTOR_SIZE_BYTES) as u64;
        let end = first_sector.checked_add(sectors);
        assert!(
            end.is_some_and(|end| end <= self.sector_count),
            "sector {first_sector} of {}",
            self.sector_count
        );
        self.last = Some(first_sector);
        self.fails.map_or(Ok(()), Err)
    }
}

impl BlockDevice for SparseDisk {
    fn sector_count(&self) -> u64 {
        self.sector_count
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        self.access(first_sector, buffer.len())?;
        buffer.fill(0);
        if first_sector == 0 {
            let length = buffer.len().min(SECTOR_SIZE_BYTES);
            buffer[..length].copy_from_slice(&self.first[..length]);
        }
        Ok(())
    }

    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.access(first_sector, bytes.len())
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// Start and end of the partition that must be found, or why there is none.
fn expected(
    first: &[u8; SECTOR_SIZE_BYTES],
    disk_sectors: u64,
) -> Result<(u64, u64), PartitionError> {
    if first[510..] != [0x55, 0xaa] {
        return Err(PartitionError::NoTable);
    }
    let entries: Vec<(u8, u64, u64)> = first[TABLE_OFFSET..510]
        .chunks(16)
        .map(|entry| {
            let number = |at: usize| {
                u64::from(u32::from_le_bytes(
                    *entry[at..].first_chunk().expect("16 bytes"),
                ))
            };
            (entry[4], number(8), number(8) + number(12))
        })
        .collect();
    for (index, (kind, start, end)) in entries.iter().enumerate() {
        match *kind {
            0 => continue,
            GPT_PROTECTIVE => return Err(PartitionError::Gpt),
            _ if *start == 0 || start == end || *end > disk_sectors => {
                return Err(PartitionError::OutsideDisk(index + 1));
            }
            _ => (),
        }
        let common = entries[..index]
            .iter()
            .position(|(kind, other_start, other_end)| {
                *kind != 0 && start.max(other_start) < end.min(other_end)
            });
        if let Some(other) = common {
            return Err(PartitionError::Overlap(other + 1, index + 1));
        }
    }
    let found = entries.iter().find(|(kind, ..)| FAT16_TYPES.contains(kind));
    found
        .map(|(_, start, end)| (*start, *end))
        .ok_or(PartitionError::NoFat16)
}

/// A partition is found exactly when the table is right, and nothing outside it can be reached through it.
pub(crate) fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let mut number = || input.arbitrary::<u64>().unwrap_or_default();
    let (size, place, flags) = (number(), number(), number());
    let mut first = [0; SECTOR_SIZE_BYTES];
    let rest = input.take_rest();
    let length = rest.len().min(SECTOR_SIZE_BYTES);
    first[..length].copy_from_slice(&rest[..length]);
    let fails = (flags & 0xff == 1).then_some(DeviceError::Short);
    let disk = SparseDisk {
        first,
        // At least the first sector; mostly as small as tables can describe.
        sector_count: (size >> (flags >> 8 & 63)).max(1),
        last: None,
        fails,
    };
    let expected = match fails {
        Some(error) => Err(PartitionError::Device(error)),
        None => expected(&disk.first, disk.sector_count),
    };
    let found = Partition::find_fat16(disk);
    let mut partition = match (found, expected) {
        (Ok(partition), Ok((start, end))) => {
            assert_eq!(partition.first_sector(), start);
            assert_eq!(partition.sector_count(), end - start);
            partition
        }
        (Err(reason), Err(expected)) => {
            assert_eq!(reason, expected);
            assert_is_reason(&reason);
            return;
        }
        (found, expected) => panic!("{:?}, {expected:?} expected", found.err()),
    };
    let (start, count) = (partition.first_sector(), partition.sector_count());
    // Both near the partition's end, and anywhere.
    for sector in [place, place % (count + 2)] {
        for sectors in [1, 2] {
            let mut buffer = [0; 2 * SECTOR_SIZE_BYTES];
            let buffer = &mut buffer[..sectors * SECTOR_SIZE_BYTES];
            let is_inside = sector
                .checked_add(sectors as u64)
                .is_some_and(|end| end <= count);
            let expected = if is_inside {
                Ok(())
            } else {
                Err(DeviceError::OutOfRange)
            };
            assert_eq!(partition.read(sector, buffer), expected);
            assert_eq!(partition.write(sector, buffer), expected);
            if is_inside {
                partition = assert_was_at(partition, start + sector);
            }
        }
    }
    let mut odd = [0; SECTOR_SIZE_BYTES - 1];
    assert_eq!(partition.read(0, &mut odd), Err(DeviceError::OutOfRange));
    assert_eq!(partition.write(0, &odd), Err(DeviceError::OutOfRange));
}

/// The disk was asked for this sector last.
fn assert_was_at(partition: Partition<SparseDisk>, sector: u64) -> Partition<SparseDisk> {
    let disk = partition.into_device();
    assert_eq!(disk.last, Some(sector));
    Partition::find_fat16(disk).expect("it was found before")
}

/// Tables with one to four partitions.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let tables: [&[(u8, u32, u32)]; 6] = [
        &[(0x06, 2048, 100_000)],
        &[(0x83, 63, 1000), (0x0e, 2048, 100_000)],
        &[(0x04, 1, 9), (0x83, 10, 10), (0x06, 20, 10), (0x05, 30, 10)],
        &[(0xee, 1, u32::MAX)],
        &[(0x06, 10, 20), (0x83, 29, 5)],
        &[(0x0c, 2048, 100_000)],
    ];
    let seed = |table: &&[(u8, u32, u32)]| {
        let mut sector = [0; SECTOR_SIZE_BYTES];
        for (entry, (kind, start, count)) in sector[TABLE_OFFSET..].chunks_mut(16).zip(*table) {
            entry[4] = *kind;
            entry[8..12].copy_from_slice(&start.to_le_bytes());
            entry[12..16].copy_from_slice(&count.to_le_bytes());
        }
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        let numbers = [200_000_u64, 9, 0].map(u64::to_le_bytes);
        [numbers.as_flattened(), &sector].concat()
    };
    tables.iter().map(seed).collect()
}
