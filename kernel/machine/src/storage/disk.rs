//! The machine's disk as a row of sectors.
//!
//! All transfers go through one buffer,
//! which lies at its own physical address: what is read may go anywhere, also from a fault handler.

use alloc::boxed::Box;
use core::cell::UnsafeCell;

use bareflow_boot_layout::{BOOT_PARTITION_TYPE, KernelHeader};
use bareflow_volume::{BlockDevice, DeviceError, Partition, SECTOR_SIZE_BYTES};

use crate::arch::cpu::without_interrupts;
use crate::counters;
use crate::drivers::block::{Driver, disks};
use crate::single_thread_cell::SingleThreadCell;

/// What is transferred at once.
pub(crate) const TRANSFER_SIZE_BYTES: usize = 128 << 10;

#[repr(C, align(4096))]
struct Buffer(UnsafeCell<[u8; TRANSFER_SIZE_BYTES]>);

// SAFETY: it is used with the disk borrowed, which one thread does at a time.
unsafe impl Sync for Buffer {}

static BUFFER: Buffer = Buffer(UnsafeCell::new([0; TRANSFER_SIZE_BYTES]));

static DRIVER: SingleThreadCell<Option<Driver>> = SingleThreadCell::new(None);

/// Borrows the driver and the buffer. No handler runs meanwhile: one that touches LLVM needs the disk itself.
fn with_driver<T>(
    action: impl FnOnce(&mut Driver, &mut [u8; TRANSFER_SIZE_BYTES]) -> Result<T, DeviceError>,
) -> Result<T, DeviceError> {
    without_interrupts(|| {
        let mut driver = DRIVER.borrow();
        let driver = driver
            .as_mut()
            .ok_or(DeviceError::Failed("there is none"))?;
        // SAFETY: the buffer is only used here, and the driver is borrowed once.
        action(driver, unsafe { &mut *BUFFER.0.get() })
    })
}

/// Reads at most [`TRANSFER_SIZE_BYTES`] and shows them to `action`.
///
/// # Errors
/// [`DeviceError`].
pub(crate) fn read_with<T>(
    first_sector: u64,
    size_bytes: usize,
    action: impl FnOnce(&[u8]) -> T,
) -> Result<T, DeviceError> {
    with_driver(|driver, buffer| {
        let buffer = buffer
            .get_mut(..size_bytes)
            .ok_or(DeviceError::OutOfRange)?;
        check_range(driver, first_sector, buffer)?;
        driver.read(first_sector, buffer)?;
        counters::add_disk_bytes(size_bytes);
        Ok(action(buffer))
    })
}

fn check_range(driver: &Driver, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
    let sectors = (bytes.len() / SECTOR_SIZE_BYTES) as u64;
    let whole = bytes.len().is_multiple_of(SECTOR_SIZE_BYTES);
    match first_sector.checked_add(sectors) {
        Some(end) if whole && end <= driver.sector_count() => Ok(()),
        _ => Err(DeviceError::OutOfRange),
    }
}

/// The machine's disk for those who use it as a row of sectors.
#[derive(Debug)]
struct Disk {
    sector_count: u64,
}

impl BlockDevice for Disk {
    fn sector_count(&self) -> u64 {
        self.sector_count
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let mut sector = first_sector;
        for part in buffer.chunks_mut(TRANSFER_SIZE_BYTES) {
            read_with(sector, part.len(), |bytes| part.copy_from_slice(bytes))?;
            sector += (part.len() / SECTOR_SIZE_BYTES) as u64;
        }
        Ok(())
    }

    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        let mut sector = first_sector;
        for part in bytes.chunks(TRANSFER_SIZE_BYTES) {
            with_driver(|driver, buffer| {
                check_range(driver, sector, part)?;
                buffer[..part.len()].copy_from_slice(part);
                driver.write(sector, &buffer[..part.len()])
            })?;
            sector += (part.len() / SECTOR_SIZE_BYTES) as u64;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        with_driver(|driver, _| driver.flush())
    }
}

/// A new handle to the disk, if there is one.
pub(super) fn handle() -> Option<&'static mut dyn BlockDevice> {
    let sector_count = DRIVER.borrow().as_ref()?.sector_count();
    Some(Box::leak(Box::new(Disk { sector_count })))
}

/// Looks for the disk whose boot partition has this header, and keeps it; returns where the partition begins.
pub(super) fn find_boot_disk(header: &KernelHeader) -> Option<u64> {
    find(|disk| boot_partition(disk).filter(|sector| has_header(disk, *sector, header)))
}

/// Looks for a disk with a FAT16 partition, and keeps it.
pub(super) fn find_volume_disk() {
    find(|disk| Partition::find_fat16(disk).is_ok().then_some(()));
}

/// Keeps the first disk that `suits`.
fn find<T>(suits: impl Fn(&mut Disk) -> Option<T>) -> Option<T> {
    for driver in disks() {
        let mut disk = Disk {
            sector_count: driver.sector_count(),
        };
        *DRIVER.borrow() = Some(driver);
        let found = suits(&mut disk);
        if found.is_some() {
            return found;
        }
        *DRIVER.borrow() = None;
    }
    None
}

/// Where the partition table has a boot partition.
fn boot_partition(disk: &mut Disk) -> Option<u64> {
    const TABLE: usize = 446;
    const ENTRY_SIZE_BYTES: usize = 16;

    let mut sector = [0; SECTOR_SIZE_BYTES];
    disk.read(0, &mut sector).ok()?;
    let (entries, _) = sector[TABLE..510].as_chunks::<ENTRY_SIZE_BYTES>();
    let entry = entries
        .iter()
        .find(|entry| entry[4] == BOOT_PARTITION_TYPE)?;
    let start = u32::from_le_bytes([entry[8], entry[9], entry[10], entry[11]]);
    Some(u64::from(start))
}

fn has_header(disk: &mut Disk, sector: u64, header: &KernelHeader) -> bool {
    let mut bytes = [0; SECTOR_SIZE_BYTES];
    disk.read(sector, &mut bytes).is_ok() && KernelHeader::from_sector(&bytes) == Ok(*header)
}
