//! The layout of the boot disk: what `cargo xtask image` writes and stage 2 and the kernel read.
//!
//! 1. Numbers are little endian; sectors have 512 bytes.
//! 2. Everything that is loaded has a checksum, and the header that names it has one of its own.
//!
//! | sector | what |
//! |---|---|
//! | 0 | stage 1 and the partition table |
//! | 1 to 8 | stage 2 |
//! | 64 | the first partition: [`KernelHeader`], then the kernel, the bundle, the [table](clusters) of LLVM, LLVM, and the program's [files](files), each from a new sector |
//! | after it | the second partition: FAT16 |
//!
//! The boot stages take the numbers of it that they need from [`assembler`].
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod assembler;
mod checksum;
pub mod clusters;
pub mod files;
mod header;
pub mod symbols;

pub use checksum::Checksum;
pub use header::{HeaderError, KernelHeader, PageRange};

/// Bytes in a sector.
pub const SECTOR_SIZE_BYTES: usize = 512;
/// Stage 1 may fill this much of the first sector; the disk's signature and the partitions follow.
pub const STAGE1_LIMIT_BYTES: usize = 440;
/// Where stage 1 finds stage 2.
pub const STAGE2_SECTOR: u32 = 1;
/// How large stage 2 is.
pub const STAGE2_SIZE_BYTES: usize = 4096;
/// The last four bytes of stage 2.
pub const STAGE2_MARK: [u8; 4] = *b"BLF2";
/// Where the first partition begins.
pub const BOOT_PARTITION_SECTOR: u32 = 64;
/// The first partition's type.
pub const BOOT_PARTITION_TYPE: u8 = 0x7f;
/// The second partition's type: FAT16 of 32 MiB and more.
pub const FAT16_PARTITION_TYPE: u8 = 0x06;
