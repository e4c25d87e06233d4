//! The PCI bus, by configuration mechanism 1 (PCI Local Bus Specification 3.0, section 3.2.2.3.2).

use virtio_drivers::transport::DeviceType;
use virtio_drivers::transport::pci::bus::{
    Command, ConfigurationAccess, DeviceFunction, HeaderType, PciRoot,
};
use virtio_drivers::transport::pci::virtio_device_type;

use crate::arch::io::Port;

const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
const ENABLE: u32 = 1 << 31;

/// In a bridge's header: the buses behind it.
const BUS_NUMBERS: u8 = 0x18;

/// The configuration space, by ports.
pub(crate) struct Ports;

fn select(function: DeviceFunction, offset: u8) {
    let address = ENABLE
        | u32::from(function.bus) << 16
        | u32::from(function.device) << 11
        | u32::from(function.function) << 8
        | u32::from(offset & !3);
    // SAFETY: the write only selects a register.
    unsafe { Port::new(ADDRESS).write(address) };
}

impl ConfigurationAccess for Ports {
    fn read_word(&self, function: DeviceFunction, offset: u8) -> u32 {
        select(function, offset);
        // SAFETY: reading the configuration space changes nothing.
        unsafe { Port::new(DATA).read() }
    }

    fn write_word(&mut self, function: DeviceFunction, offset: u8, word: u32) {
        select(function, offset);
        // SAFETY: the drivers write what the devices' specifications allow.
        unsafe { Port::new(DATA).write(word) };
    }

    unsafe fn unsafe_clone(&self) -> Self {
        Self
    }
}

/// Every virtio device of this kind that the firmware has found.
pub(crate) fn virtio_functions(kind: DeviceType) -> impl Iterator<Item = DeviceFunction> {
    let mut last_bus = 0;
    let mut next_bus = 0;
    core::iter::from_fn(move || {
        if next_bus > last_bus {
            return None;
        }
        let bus = u8::try_from(next_bus).ok()?;
        next_bus += 1;
        let functions = PciRoot::new(Ports).enumerate_bus(bus);
        for (function, information) in functions {
            if information.header_type == HeaderType::PciPciBridge {
                let [_, _, last, _] = Ports.read_word(function, BUS_NUMBERS).to_le_bytes();
                last_bus = last_bus.max(u16::from(last));
            }
        }
        Some(bus)
    })
    .flat_map(|bus| PciRoot::new(Ports).enumerate_bus(bus))
    .filter(move |(_, information)| virtio_device_type(information) == Some(kind))
    .map(|(function, _)| function)
}

/// The bus for a driver, with the device's access to memory enabled.
pub(crate) fn enable(function: DeviceFunction) -> PciRoot<Ports> {
    let mut root = PciRoot::new(Ports);
    let (_, command) = root.get_status_command(function);
    root.set_command(
        function,
        command | Command::MEMORY_SPACE | Command::BUS_MASTER,
    );
    root
}
