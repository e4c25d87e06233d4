//! Disks of hypervisors (virtio 1.2, sections 4.1 and 5.2), with the driver of the crate `virtio-drivers`.

use bareflow_volume::DeviceError;
use virtio_drivers::device::blk::{BlkReq, BlkResp, VirtIOBlk};
use virtio_drivers::transport::pci::PciTransport;
use virtio_drivers::transport::pci::bus::DeviceFunction;

use super::Deadline;
use crate::drivers::bus::memory::MachineMemory;
use crate::drivers::bus::pci;

/// A disk.
pub(crate) struct VirtioDisk {
    device: VirtIOBlk<MachineMemory, PciTransport>,
    /// The device may still write to them after a request that took too long: they live as long as the driver.
    request: BlkReq,
    response: BlkResp,
    is_lost: bool,
}

impl VirtioDisk {
    /// Takes the device over, if it is of today's kind.
    pub(super) fn open(function: DeviceFunction) -> Option<Self> {
        let mut root = pci::enable(function);
        let transport = PciTransport::new::<MachineMemory, _>(&mut root, function).ok()?;
        Some(Self {
            device: VirtIOBlk::new(transport).ok()?,
            request: BlkReq::default(),
            response: BlkResp::default(),
            is_lost: false,
        })
    }

    pub(super) fn sector_count(&self) -> u64 {
        self.device.capacity()
    }

    pub(super) fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        self.check()?;
        // SAFETY: request, buffer and response stay and are not used until the request is complete; if it
        // never is, the driver is not used again.
        let token = unsafe {
            self.device.read_blocks_nb(
                sector as usize,
                &mut self.request,
                buffer,
                &mut self.response,
            )
        };
        let token = token.map_err(failure)?;
        self.wait()?;
        // SAFETY: the same request with the same buffers.
        unsafe {
            self.device
                .complete_read_blocks(token, &self.request, buffer, &mut self.response)
        }
        .map_err(failure)
    }

    pub(super) fn write(&mut self, sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.check()?;
        if self.device.readonly() {
            return Err(DeviceError::ReadOnly);
        }
        // SAFETY: as for reading.
        let token = unsafe {
            self.device.write_blocks_nb(
                sector as usize,
                &mut self.request,
                bytes,
                &mut self.response,
            )
        };
        let token = token.map_err(failure)?;
        self.wait()?;
        // SAFETY: the same request with the same buffers.
        unsafe {
            self.device
                .complete_write_blocks(token, &self.request, bytes, &mut self.response)
        }
        .map_err(failure)
    }

    pub(super) fn flush(&mut self) -> Result<(), DeviceError> {
        self.check()?;
        self.device.flush().map_err(failure)
    }

    fn check(&self) -> Result<(), DeviceError> {
        if self.is_lost {
            return Err(DeviceError::Failed("it did not answer in time"));
        }
        Ok(())
    }

    /// Until the one request is complete.
    fn wait(&mut self) -> Result<(), DeviceError> {
        let deadline = Deadline::start();
        while self.device.peek_used().is_none() {
            if deadline.is_over() {
                self.is_lost = true;
                return self.check();
            }
            core::hint::spin_loop();
        }
        Ok(())
    }
}

fn failure(error: virtio_drivers::Error) -> DeviceError {
    DeviceError::Failed(match error {
        virtio_drivers::Error::IoError => "it reports an input or output error",
        virtio_drivers::Error::Unsupported => "it does not know the request",
        _ => "its driver failed",
    })
}
