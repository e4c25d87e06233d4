//! Ports.

use core::arch::asm;

use uart_16550::backend::PioBackend;
use uart_16550::{BaudRate, Config, Uart16550};

pub(crate) use x86_64::instructions::port::Port;

/// A serial port's device.
pub(crate) type Uart = Uart16550<PioBackend>;

/// The device at this port, set up; `None` if there is none.
///
/// # Safety
/// Nobody else may drive it.
pub(crate) unsafe fn open_uart(port: u16) -> Option<Uart> {
    let config = Config {
        baud_rate: BaudRate::Baud115200,
        ..Config::default()
    };
    // SAFETY: the caller's promise.
    let mut uart = unsafe { Uart16550::new_port(port) }.ok()?;
    uart.init(config).ok()?;
    Some(uart)
}

/// Reads as many 32-bit words from a port as the buffer has room for.
///
/// # Safety
/// The device at the port must have them ready.
pub(crate) unsafe fn read_words(port: u16, buffer: &mut [u8]) {
    // SAFETY: the caller's promise; the buffer has room for them.
    unsafe {
        asm!(
            "rep insd",
            in("dx") port,
            inout("ecx") buffer.len() / 4 => _,
            inout("rdi") buffer.as_mut_ptr() => _,
            options(nostack, preserves_flags),
        );
    }
}

/// Writes 32-bit words to a port.
///
/// # Safety
/// The device at the port must wait for them.
pub(crate) unsafe fn write_words(port: u16, bytes: &[u8]) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "rep outsd",
            in("dx") port,
            inout("ecx") bytes.len() / 4 => _,
            inout("rsi") bytes.as_ptr() => _,
            options(nostack, preserves_flags, readonly),
        );
    }
}
