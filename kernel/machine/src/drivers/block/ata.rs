//! ATA disks at the ports of old, by programmed input and output (ATA/ATAPI-8 ACS, sections 7 and 9).

use core::array;

use bareflow_volume::{DeviceError, SECTOR_SIZE_BYTES};

use super::Deadline;
use crate::arch::io::{self, Port};

/// Both channels: their first port, and the port of the device control register.
const CHANNELS: [(u16, u16); 2] = [(0x1f0, 0x3f6), (0x170, 0x376)];

/// Registers, from a channel's first port on.
const DATA: u16 = 0;
const SECTOR_COUNT: u16 = 2;
const LBA_LOW: u16 = 3;
const LBA_MID: u16 = 4;
const LBA_HIGH: u16 = 5;
const DEVICE: u16 = 6;
/// Status when read, command when written.
const STATUS: u16 = 7;

const STATUS_ERROR: u8 = 1 << 0;
const STATUS_DATA_REQUEST: u8 = 1 << 3;
const STATUS_FAULT: u8 = 1 << 5;
const STATUS_BUSY: u8 = 1 << 7;
/// What is read where no device is.
const STATUS_FLOATING: u8 = 0xff;

const CONTROL_NO_INTERRUPTS: u8 = 1 << 1;
const DEVICE_LBA: u8 = 1 << 6;
const DEVICE_SECOND: u8 = 1 << 4;

const IDENTIFY_DEVICE: u8 = 0xec;
const SET_MULTIPLE_MODE: u8 = 0xc6;
const FLUSH_CACHE: u8 = 0xe7;
const FLUSH_CACHE_EXT: u8 = 0xea;
/// For 28-bit and 48-bit addresses, one sector or several for each request of data.
const READ: [[u8; 2]; 2] = [[0x20, 0xc4], [0x24, 0x29]];
const WRITE: [[u8; 2]; 2] = [[0x30, 0xc5], [0x34, 0x39]];

/// What a command of either kind transfers at most here.
const LARGEST_COUNT: usize = 128;
const SECTORS_28: u64 = 1 << 28;

/// Words of IDENTIFY DEVICE.
const WORD_MULTIPLE: usize = 47;
const WORDS_SECTORS_28: usize = 60;
const WORD_COMMAND_SETS: usize = 83;
const COMMAND_SET_48_BIT: u16 = 1 << 10;
const WORDS_SECTORS_48: usize = 100;

/// Where a disk may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    channel: usize,
    device: u8,
}

/// Every place, in the firmware's order.
pub(super) fn places() -> impl Iterator<Item = Place> {
    (0..CHANNELS.len())
        .flat_map(|channel| [0, DEVICE_SECOND].map(|device| Place { channel, device }))
}

/// A disk.
pub(crate) struct AtaDisk {
    place: Place,
    sector_count: u64,
    has_48_bits: bool,
    /// Sectors for each request of data.
    multiple: usize,
}

impl Place {
    fn register(self, register: u16) -> Port<u8> {
        Port::new(CHANNELS[self.channel].0 + register)
    }

    fn control(self) -> Port<u8> {
        Port::new(CHANNELS[self.channel].1)
    }

    fn write(self, register: u16, value: u8) {
        // SAFETY: the registers of a disk that nobody else uses; it accesses no memory.
        unsafe { self.register(register).write(value) };
    }

    fn status(self) -> u8 {
        // SAFETY: reading the status only acknowledges an interrupt, which is disabled.
        unsafe { self.register(STATUS).read() }
    }

    fn select(self, bits: u8) {
        self.write(DEVICE, 0xa0 | self.device | bits);
        self.settle();
    }

    fn command(self, command: u8) {
        self.write(STATUS, command);
        self.settle();
    }

    /// The device has 400 ns to change its status, which reading a register four times takes.
    fn settle(self) {
        for _ in 0..4 {
            // SAFETY: the alternate status changes nothing.
            unsafe { self.control().read() };
        }
    }

    /// Until the device is not busy; its status then.
    fn wait(self) -> Result<u8, DeviceError> {
        let deadline = Deadline::start();
        loop {
            let status = self.status();
            if status & STATUS_BUSY == 0 {
                return if status & (STATUS_ERROR | STATUS_FAULT) == 0 {
                    Ok(status)
                } else {
                    Err(DeviceError::Failed("it reports an error"))
                };
            }
            if deadline.is_over() {
                return Err(DeviceError::Failed("it did not answer in time"));
            }
        }
    }

    fn wait_for_data(self) -> Result<(), DeviceError> {
        if self.wait()? & STATUS_DATA_REQUEST == 0 {
            return Err(DeviceError::Short);
        }
        Ok(())
    }

    fn read_data(self, buffer: &mut [u8]) {
        let port = CHANNELS[self.channel].0 + DATA;
        // SAFETY: the device has the data ready.
        unsafe { io::read_words(port, buffer) };
    }

    fn write_data(self, bytes: &[u8]) {
        let port = CHANNELS[self.channel].0 + DATA;
        // SAFETY: the device waits for the data.
        unsafe { io::write_words(port, bytes) };
    }
}

impl AtaDisk {
    /// Asks the device for its properties, if there is one and it is a disk.
    pub(super) fn open(place: Place) -> Option<Self> {
        if place.status() == STATUS_FLOATING {
            return None;
        }
        // SAFETY: nobody waits for the disk's interrupts.
        unsafe { place.control().write(CONTROL_NO_INTERRUPTS) };
        let disk = Self::identify(place);
        if disk.is_none() {
            // SAFETY: the firmware may want them.
            unsafe { place.control().write(0_u8) };
        }
        disk
    }

    fn identify(place: Place) -> Option<Self> {
        place.select(0);
        for register in [SECTOR_COUNT, LBA_LOW, LBA_MID, LBA_HIGH] {
            place.write(register, 0);
        }
        place.command(IDENTIFY_DEVICE);
        if place.status() == 0 {
            return None;
        }
        // Devices that are no disks, such as ATAPI drives, refuse the command.
        place.wait_for_data().ok()?;
        let mut bytes = [0; SECTOR_SIZE_BYTES];
        place.read_data(&mut bytes);
        let word = |index: usize| u16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]]);
        let words = |first: usize, count: usize| {
            (0..count).fold(0, |number, index| {
                number | u64::from(word(first + index)) << (16 * index)
            })
        };
        let has_48_bits = word(WORD_COMMAND_SETS) & COMMAND_SET_48_BIT != 0;
        let sector_count = if has_48_bits {
            words(WORDS_SECTORS_48, 4)
        } else {
            words(WORDS_SECTORS_28, 2).min(SECTORS_28)
        };
        let [multiple, _] = word(WORD_MULTIPLE).to_le_bytes();
        let mut disk = Self {
            place,
            sector_count,
            has_48_bits,
            multiple: 1,
        };
        disk.set_multiple(multiple);
        (sector_count > 0).then_some(disk)
    }

    fn set_multiple(&mut self, multiple: u8) {
        if multiple > 1 {
            self.place.write(SECTOR_COUNT, multiple);
            self.place.command(SET_MULTIPLE_MODE);
            if self.place.wait().is_ok() {
                self.multiple = usize::from(multiple);
            }
        }
    }

    pub(super) fn sector_count(&self) -> u64 {
        self.sector_count
    }

    /// Starts a command on up to [`LARGEST_COUNT`] sectors.
    fn start(
        &mut self,
        commands: [[u8; 2]; 2],
        sector: u64,
        count: usize,
    ) -> Result<(), DeviceError> {
        let place = self.place;
        let bytes = sector.to_le_bytes();
        let is_long = sector + count as u64 > SECTORS_28;
        let top = if is_long { 0 } else { bytes[3] & 0xf };
        place.select(DEVICE_LBA | top);
        // A command that the device has not ended would take the registers' new contents for its own.
        if place.status() & STATUS_BUSY != 0 {
            return Err(DeviceError::Failed("it is busy"));
        }
        if is_long {
            let high: [u8; 3] = array::from_fn(|index| bytes[3 + index]);
            self.write_address(0, high);
        }
        // At most LARGEST_COUNT.
        self.write_address(count as u8, [bytes[0], bytes[1], bytes[2]]);
        let kind = commands[usize::from(is_long)];
        place.command(kind[usize::from(self.multiple > 1)]);
        Ok(())
    }

    fn write_address(&mut self, count: u8, address: [u8; 3]) {
        self.place.write(SECTOR_COUNT, count);
        for (register, byte) in [LBA_LOW, LBA_MID, LBA_HIGH].into_iter().zip(address) {
            self.place.write(register, byte);
        }
    }

    pub(super) fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let mut sector = sector;
        for part in buffer.chunks_mut(LARGEST_COUNT * SECTOR_SIZE_BYTES) {
            let count = part.len() / SECTOR_SIZE_BYTES;
            self.start(READ, sector, count)?;
            for block in part.chunks_mut(self.multiple * SECTOR_SIZE_BYTES) {
                self.place.wait_for_data()?;
                self.place.read_data(block);
            }
            sector += count as u64;
        }
        Ok(())
    }

    pub(super) fn write(&mut self, sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        let mut sector = sector;
        for part in bytes.chunks(LARGEST_COUNT * SECTOR_SIZE_BYTES) {
            let count = part.len() / SECTOR_SIZE_BYTES;
            self.start(WRITE, sector, count)?;
            for block in part.chunks(self.multiple * SECTOR_SIZE_BYTES) {
                self.place.wait_for_data()?;
                self.place.write_data(block);
            }
            self.place.wait()?;
            sector += count as u64;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), DeviceError> {
        self.place.select(DEVICE_LBA);
        let command = if self.has_48_bits {
            FLUSH_CACHE_EXT
        } else {
            FLUSH_CACHE
        };
        self.place.command(command);
        self.place.wait().map(|_| ())
    }
}
