//! The fast ports of the console: a virtio console device with several ports (virtio 1.2, section 5.3). The host
//! connects port 1 to the program's output, port 2 to its errors, port 3 to its input.
//!
//! All buffers are static, since a device sees what lies at its physical address. Whoever waits asks the device
//! again and again.

use core::cell::UnsafeCell;

use bitflags::bitflags;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::pci::PciTransport;
use virtio_drivers::transport::{DeviceType, Transport};

use crate::drivers::bus::memory::MachineMemory;
use crate::drivers::bus::pci;

bitflags! {
    /// Features (sections 5.3.3 and 6).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Features: u64 {
        /// Several ports.
        const MULTIPORT = 1 << 1;
        /// A device of today's kind.
        const VERSION_1 = 1 << 32;
    }
}

/// The queues (section 5.3.2): those of port 0 come first, then the two of control, then those of the other ports.
const CONTROL_IN_QUEUE: u16 = 2;
const CONTROL_OUT_QUEUE: u16 = 3;

const OUTPUT: u32 = 1;
const ERRORS: u32 = 2;
const INPUT: u32 = 3;
const PORTS: usize = 4;

const fn queue_to_driver(port: u32) -> u16 {
    2 + 2 * port as u16
}

const fn queue_to_device(port: u32) -> u16 {
    3 + 2 * port as u16
}

/// Events of control messages (section 5.3.6.2).
mod event {
    pub(crate) const DEVICE_READY: u16 = 0;
    pub(crate) const PORT_ADD: u16 = 1;
    pub(crate) const PORT_READY: u16 = 3;
    pub(crate) const PORT_OPEN: u16 = 6;
}

const CONTROL_SIZE_BYTES: usize = 8;

/// A control message: the port, the event and its value.
#[derive(Clone, Copy)]
struct Control {
    port: u32,
    event: u16,
    value: u16,
}

impl Control {
    fn bytes(self) -> [u8; CONTROL_SIZE_BYTES] {
        let [a, b, c, d] = self.port.to_le_bytes();
        let [e, f] = self.event.to_le_bytes();
        let [g, h] = self.value.to_le_bytes();
        [a, b, c, d, e, f, g, h]
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h] = *bytes.first_chunk()?;
        Some(Self {
            port: u32::from_le_bytes([a, b, c, d]),
            event: u16::from_le_bytes([e, f]),
            value: u16::from_le_bytes([g, h]),
        })
    }
}

const QUEUE_SIZE: usize = 16;

type Queue = VirtQueue<MachineMemory, QUEUE_SIZE>;

/// A message is 8 bytes, and a port's name at most.
const CONTROL_BUFFER_BYTES: usize = 128;
/// What QEMU hands over at once.
const INPUT_BUFFER_BYTES: usize = 4096;
const ERROR_BUFFER_BYTES: usize = 4096;

/// Buffers that the device sees.
#[repr(C, align(4096))]
struct Buffers {
    input: [[u8; INPUT_BUFFER_BYTES]; QUEUE_SIZE],
    errors: [u8; ERROR_BUFFER_BYTES],
    control_in: [[u8; CONTROL_BUFFER_BYTES]; QUEUE_SIZE],
    control_out: [u8; CONTROL_SIZE_BYTES],
}

struct Shared(UnsafeCell<Buffers>);

// SAFETY: `Ports::open` takes the buffers, once.
unsafe impl Sync for Shared {}

static BUFFERS: Shared = Shared(UnsafeCell::new(Buffers {
    input: [[0; INPUT_BUFFER_BYTES]; QUEUE_SIZE],
    errors: [0; ERROR_BUFFER_BYTES],
    control_in: [[0; CONTROL_BUFFER_BYTES]; QUEUE_SIZE],
    control_out: [0; CONTROL_SIZE_BYTES],
}));

/// A queue to the driver, with its buffers.
struct Receiver<const SIZE: usize> {
    queue: Queue,
    buffers: &'static mut [[u8; SIZE]; QUEUE_SIZE],
    /// The buffer of each token.
    owners: [usize; QUEUE_SIZE],
}

impl<const SIZE: usize> Receiver<SIZE> {
    fn new(queue: Queue, buffers: &'static mut [[u8; SIZE]; QUEUE_SIZE]) -> Self {
        Self {
            queue,
            buffers,
            owners: [0; QUEUE_SIZE],
        }
    }

    /// Gives a buffer to the device.
    fn give(&mut self, index: usize) {
        // SAFETY: the buffer is not used again before the device has given it back.
        let token = unsafe { self.queue.add(&[], &mut [&mut self.buffers[index]]) };
        let token = token.expect("there are as many buffers as places in the queue");
        self.owners[usize::from(token)] = index;
    }

    fn give_all(&mut self) {
        (0..QUEUE_SIZE).for_each(|index| self.give(index));
    }

    /// Takes the next buffer that the device has filled: its index and how much is in it.
    fn take(&mut self) -> Option<(usize, usize)> {
        let token = self.queue.peek_used()?;
        let index = *self.owners.get(usize::from(token))?;
        // SAFETY: it is the buffer that `give` has given with this token.
        let length = unsafe {
            self.queue
                .pop_used(token, &[], &mut [&mut self.buffers[index]])
        };
        Some((index, (length.ok()? as usize).min(SIZE)))
    }
}

/// What there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// So many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    End,
}

/// Output that the device has not taken yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    token: u16,
    bytes: &'static [u8],
}

/// The device with its driver.
pub(crate) struct Ports {
    transport: PciTransport,
    control_in: Receiver<CONTROL_BUFFER_BYTES>,
    control_out: Queue,
    control_buffer: &'static mut [u8; CONTROL_SIZE_BYTES],
    output: Queue,
    errors: Queue,
    error_buffer: &'static mut [u8; ERROR_BUFFER_BYTES],
    input: Receiver<INPUT_BUFFER_BYTES>,
    /// The rest of the input that was taken last: the buffer, from where, to where.
    rest: Option<(usize, usize, usize)>,
    /// Whether the device has buffers for input: it reads nothing that nobody wants.
    is_reading: bool,
    is_there: [bool; PORTS],
    /// Whether the host's end of the input is open.
    is_open: bool,
}

impl Ports {
    /// Takes over the first such device. To be called once.
    pub(crate) fn open() -> Option<Self> {
        let function = pci::virtio_functions(DeviceType::Console).next()?;
        let mut root = pci::enable(function);
        let mut transport = PciTransport::new::<MachineMemory, _>(&mut root, function).ok()?;
        let features = transport.begin_init(Features::MULTIPORT | Features::VERSION_1);
        if !features.contains(Features::MULTIPORT) {
            return None;
        }
        let mut queue = |index| {
            let mut queue = Queue::new(&mut transport, index, false, false).ok()?;
            queue.set_dev_notify(false);
            Some(queue)
        };
        // SAFETY: this function is called once.
        let buffers = unsafe { &mut *BUFFERS.0.get() };
        let mut ports = Self {
            control_in: Receiver::new(queue(CONTROL_IN_QUEUE)?, &mut buffers.control_in),
            control_out: queue(CONTROL_OUT_QUEUE)?,
            control_buffer: &mut buffers.control_out,
            output: queue(queue_to_device(OUTPUT))?,
            errors: queue(queue_to_device(ERRORS))?,
            error_buffer: &mut buffers.errors,
            input: Receiver::new(queue(queue_to_driver(INPUT))?, &mut buffers.input),
            rest: None,
            is_reading: false,
            is_there: [false; PORTS],
            is_open: true,
            transport,
        };
        ports.transport.finish_init();
        ports.greet();
        Some(ports)
    }

    /// Learns which ports there are, and opens them.
    fn greet(&mut self) {
        self.control_in.give_all();
        self.transport.notify(CONTROL_IN_QUEUE);
        self.tell(Control {
            port: 0,
            event: event::DEVICE_READY,
            value: 1,
        });
        // The device has answered when the message is taken.
        self.listen();
        for port in [OUTPUT, ERRORS, INPUT] {
            if !self.is_there[port as usize] {
                continue;
            }
            for event in [event::PORT_READY, event::PORT_OPEN] {
                self.tell(Control {
                    port,
                    event,
                    value: 1,
                });
            }
        }
        self.listen();
    }

    fn tell(&mut self, message: Control) {
        *self.control_buffer = message.bytes();
        // The device takes it at once.
        let _ = self.control_out.add_notify_wait_pop(
            &[&*self.control_buffer],
            &mut [],
            &mut self.transport,
        );
    }

    /// Takes the device's messages.
    fn listen(&mut self) {
        while let Some((index, length)) = self.control_in.take() {
            let message = Control::of(&self.control_in.buffers[index][..length]);
            self.control_in.give(index);
            let Some(message) = message else { continue };
            match message.event {
                event::PORT_ADD => {
                    if let Some(is_there) = self.is_there.get_mut(message.port as usize) {
                        *is_there = true;
                    }
                }
                event::PORT_OPEN if message.port == INPUT => self.is_open = message.value != 0,
                _ => {}
            }
        }
        self.transport.notify(CONTROL_IN_QUEUE);
    }

    /// Whether output goes here.
    pub(crate) fn has_output(&self) -> bool {
        self.is_there[OUTPUT as usize]
    }

    /// Whether errors go here.
    pub(crate) fn has_errors(&self) -> bool {
        self.is_there[ERRORS as usize]
    }

    /// Whether input comes from here.
    pub(crate) fn has_input(&self) -> bool {
        self.is_there[INPUT as usize]
    }

    /// Hands output to the device, which reads it until [`Ports::is_taken`] says otherwise.
    pub(crate) fn send(&mut self, bytes: &'static [u8]) -> Option<Sent> {
        // SAFETY: the bytes are static, and whoever gave them does not change them until they are taken.
        let token = unsafe { self.output.add(&[bytes], &mut []) }.ok()?;
        self.transport.notify(queue_to_device(OUTPUT));
        Some(Sent { token, bytes })
    }

    /// Whether the device has taken what was sent last.
    pub(crate) fn is_taken(&mut self, sent: Sent) -> bool {
        // SAFETY: these are the bytes that were sent with this token.
        unsafe { self.output.pop_used(sent.token, &[sent.bytes], &mut []) }.is_ok()
    }

    /// Writes errors; returns whether they go here.
    pub(crate) fn write_errors(&mut self, bytes: &[u8]) -> bool {
        if !self.has_errors() {
            return false;
        }
        for part in bytes.chunks(ERROR_BUFFER_BYTES) {
            let buffer = &mut self.error_buffer[..part.len()];
            buffer.copy_from_slice(part);
            // The device takes them when the host does.
            let _ = self
                .errors
                .add_notify_wait_pop(&[&*buffer], &mut [], &mut self.transport);
        }
        true
    }

    /// Reads what has come, if anything has.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> Received {
        if !self.is_reading {
            self.is_reading = true;
            self.input.give_all();
            self.transport.notify(queue_to_driver(INPUT));
        }
        if self.rest.is_none() {
            let was_open = self.is_open;
            self.rest = self.input.take().map(|(index, length)| (index, 0, length));
            if self.rest.is_none() {
                self.listen();
                // What came before the end is taken before the end is told.
                return match was_open {
                    true => Received::Nothing,
                    false => Received::End,
                };
            }
        }
        let mut count = 0;
        while let Some((index, start, end)) = self.rest {
            let part = (end - start).min(buffer.len() - count);
            buffer[count..count + part]
                .copy_from_slice(&self.input.buffers[index][start..start + part]);
            count += part;
            if start + part < end {
                self.rest = Some((index, start + part, end));
                break;
            }
            self.input.give(index);
            self.transport.notify(queue_to_driver(INPUT));
            self.rest = self.input.take().map(|(index, length)| (index, 0, length));
        }
        Received::Bytes(count)
    }
}
