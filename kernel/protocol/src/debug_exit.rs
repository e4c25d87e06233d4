//! QEMU's device `isa-debug-exit`, which ends it (<https://www.qemu.org/docs/master/>, `hw/misc/debugexit.c`): with the
//! value that is written, times two and one.

/// The port.
pub const PORT: u16 = 0xf4;
/// What the machine writes there at its end, whatever the exit code.
pub const VALUE: u8 = 0x10;
/// The status that QEMU ends with then.
pub const STATUS: i32 = VALUE as i32 * 2 + 1;
