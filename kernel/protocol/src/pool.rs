//! Where native code and the program's data lie: at the same place in every kernel, so that code of one boot is that of
//! the next.

/// The first address: 1 GiB.
pub const ADDRESS: usize = 0x4000_0000;
/// The address space set aside. The program's global data is the larger part, if it is large.
pub const SIZE_BYTES: usize = 512 << 20;
