//! What the boot stages and the kernel's entry need of the layout and of the protocol, for GNU assembler.

use alloc::string::String;
use alloc::vec::Vec;

use bareflow_protocol::assembler;

use crate::header::{OFFSETS, SIGNATURE, VERSION};
use crate::{SECTOR_SIZE_BYTES, STAGE2_MARK, STAGE2_SECTOR, STAGE2_SIZE_BYTES};

/// The name of the file that assembler files include.
pub const FILE_NAME: &str = "definitions.S";

/// Its contents.
#[must_use]
pub fn definitions() -> String {
    let mut numbers: Vec<(&str, u32)> = OFFSETS.to_vec();
    numbers.extend([
        ("HEADER_SIGNATURE_VALUE", u32::from_le_bytes(SIGNATURE)),
        ("HEADER_VERSION_VALUE", VERSION),
        ("SECTOR_BYTES", SECTOR_SIZE_BYTES as u32),
        ("STAGE2_SECTOR", STAGE2_SECTOR),
        ("STAGE2_BYTES", STAGE2_SIZE_BYTES as u32),
        ("STAGE2_MARK", u32::from_le_bytes(STAGE2_MARK)),
        ("START_MAGIC", START_MAGIC),
    ]);
    assembler::definitions(&numbers)
}

/// `XEN_HVM_START_MAGIC_VALUE` of the PVH boot protocol
/// (<https://xenbits.xen.org/docs/unstable/misc/pvh.html>).
const START_MAGIC: u32 = 0x336e_c578;
