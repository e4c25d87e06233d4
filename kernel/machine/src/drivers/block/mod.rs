//! Disks. Drivers wait by asking the device again and again, for a bounded time.

mod ata;
mod virtio;

use bareflow_volume::DeviceError;
use virtio_drivers::transport::DeviceType;

use crate::arch::clock::cycles;
use crate::drivers::bus::pci;

/// A device with its driver.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, and its static place lies at its own physical address"
)]
pub(crate) enum Driver {
    Virtio(virtio::VirtioDisk),
    Ata(ata::AtaDisk),
}

impl Driver {
    pub(crate) fn sector_count(&self) -> u64 {
        match self {
            Self::Virtio(disk) => disk.sector_count(),
            Self::Ata(disk) => disk.sector_count(),
        }
    }

    pub(crate) fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        match self {
            Self::Virtio(disk) => disk.read(first_sector, buffer),
            Self::Ata(disk) => disk.read(first_sector, buffer),
        }
    }

    pub(crate) fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        match self {
            Self::Virtio(disk) => disk.write(first_sector, bytes),
            Self::Ata(disk) => disk.write(first_sector, bytes),
        }
    }

    pub(crate) fn flush(&mut self) -> Result<(), DeviceError> {
        match self {
            Self::Virtio(disk) => disk.flush(),
            Self::Ata(disk) => disk.flush(),
        }
    }
}

/// Every disk that there is a driver for. One is taken over when it is asked for.
pub(crate) fn disks() -> impl Iterator<Item = Driver> {
    let virtio = pci::virtio_functions(DeviceType::Block).filter_map(virtio::VirtioDisk::open);
    let ata = ata::places().filter_map(ata::AtaDisk::open);
    virtio.map(Driver::Virtio).chain(ata.map(Driver::Ata))
}

/// How long a device may take: before the clock is set, in cycles, which is more than 5 s on any processor.
struct Deadline(u64);

impl Deadline {
    const LIMIT_CYCLES: u64 = 30_000_000_000;

    fn start() -> Self {
        Self(cycles() + Self::LIMIT_CYCLES)
    }

    fn is_over(&self) -> bool {
        cycles() > self.0
    }
}
