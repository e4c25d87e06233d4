//! The start-of-day structure of the PVH boot protocol
//! (<https://xenbits.xen.org/docs/unstable/misc/pvh.html>).

use arrayvec::ArrayVec;
use bareflow_memory::Region;

use crate::module::{BUNDLE, Module, NAMES};
use crate::{BootError, BootInfo, FirmwareTables, LoaderMemory, Screen};

/// `hvm_start_info`, and the offsets of its fields.
const START_INFO_SIZE_BYTES: usize = 56;
const VERSION: usize = 4;
const MODULE_COUNT: usize = 12;
const MODULES: usize = 16;
const COMMAND_LINE: usize = 24;
const ROOT_TABLE: usize = 32;
const MEMORY_MAP: usize = 40;
const MEMORY_MAP_ENTRIES: usize = 48;
/// The first version with a memory map.
const VERSION_WITH_MEMORY_MAP: u32 = 1;

/// `hvm_modlist_entry`: address, size, address of the command line, reserved.
const MODULE_SIZE_BYTES: usize = 32;
/// `hvm_memmap_table_entry`: address, size, type (ACPI 6.5, section 15), reserved.
const REGION_SIZE_BYTES: usize = 24;

/// A command line is no longer.
const TEXT_LIMIT_BYTES: usize = 1024;

/// Where the root of ACPI's tables is on a PC if the loader does not say (ACPI 6.5, section 5.2.5.1).
const FIRMWARE: core::ops::Range<u64> = 0xe_0000..0x10_0000;

fn word(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(core::array::from_fn(|index| bytes[offset + index]))
}

fn long(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(core::array::from_fn(|index| bytes[offset + index]))
}

/// Everything behind an address, which is 0 if there is nothing.
fn table<'a>(
    memory: &impl LoaderMemory<'a>,
    address: u64,
    count: u32,
    entry_size_bytes: usize,
    name: &'static str,
) -> Result<&'a [u8], BootError> {
    if count == 0 {
        return Ok(&[]);
    }
    (count as usize)
        .checked_mul(entry_size_bytes)
        .and_then(|size_bytes| memory.bytes(address, size_bytes))
        .ok_or(BootError::Unreadable(name))
}

/// A text that ends with a zero; nothing at address 0.
fn text<'a>(memory: &impl LoaderMemory<'a>, address: u64) -> &'a [u8] {
    let byte_at = |index| memory.bytes(address.checked_add(index)?, 1);
    let mut bytes = (0..TEXT_LIMIT_BYTES as u64).map_while(byte_at);
    let length = bytes.position(|byte| byte == [0]);
    length
        .and_then(|length| memory.bytes(address, length))
        .unwrap_or_default()
}

fn module<'a>(memory: &impl LoaderMemory<'a>, index: usize, entry: &[u8]) -> Module<'a> {
    let (start, size_bytes) = (long(entry, 0) as usize, long(entry, 8) as usize);
    let name = match text(memory, long(entry, 16)) {
        // Who starts the kernel by the protocol alone gives the program first, and no name that the kernel knows.
        name if index == 0 && NAMES.iter().all(|known| known.as_bytes() != name) => {
            BUNDLE.as_bytes()
        }
        name => name,
    };
    Module {
        name,
        bytes: start..start.saturating_add(size_bytes),
    }
}

/// Reads the structure at an address.
///
/// # Errors
/// [`BootError`].
pub fn read<'a>(memory: &impl LoaderMemory<'a>, address: u64) -> Result<BootInfo<'a>, BootError> {
    let info = memory
        .bytes(address, START_INFO_SIZE_BYTES)
        .ok_or(BootError::Unreadable("the start-of-day structure"))?;
    if word(info, VERSION) < VERSION_WITH_MEMORY_MAP {
        return Err(BootError::NoMemoryMap);
    }
    let mut memory_map = ArrayVec::new();
    let (start, count) = (long(info, MEMORY_MAP), word(info, MEMORY_MAP_ENTRIES));
    let entries = table(memory, start, count, REGION_SIZE_BYTES, "the memory map")?;
    for entry in entries.chunks_exact(REGION_SIZE_BYTES) {
        let region = Region::new(long(entry, 0), long(entry, 8), word(entry, 16));
        let kept = memory_map.try_push(region);
        kept.map_err(|_| BootError::TooMany("regions of memory"))?;
    }
    let mut modules = ArrayVec::new();
    let (start, count) = (long(info, MODULES), word(info, MODULE_COUNT));
    let entries = table(
        memory,
        start,
        count,
        MODULE_SIZE_BYTES,
        "the list of modules",
    )?;
    for (index, entry) in entries.chunks_exact(MODULE_SIZE_BYTES).enumerate() {
        let kept = modules.try_push(module(memory, index, entry));
        kept.map_err(|_| BootError::TooMany("modules"))?;
    }
    Ok(BootInfo {
        memory_map,
        modules,
        command_line: text(memory, long(info, COMMAND_LINE)),
        firmware_tables: match long(info, ROOT_TABLE) {
            0 => FirmwareTables::Within(FIRMWARE),
            root => FirmwareTables::Root(root),
        },
        screen: Screen::VgaText,
        reload: None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use bareflow_memory::RegionKind;

    use super::*;
    use crate::{MODULE_LIMIT, REGION_LIMIT};

    const START: u64 = 0x9000;

    /// Memory from [`START`] on.
    pub(crate) struct Fake(pub(crate) &'static [u8]);

    impl LoaderMemory<'static> for Fake {
        fn bytes(&self, address: u64, size_bytes: usize) -> Option<&'static [u8]> {
            let start = usize::try_from(address.checked_sub(START)?).ok()?;
            self.0.get(start..start.checked_add(size_bytes)?)
        }
    }

    pub(crate) struct Given<'a> {
        pub(crate) version: u32,
        pub(crate) root: u64,
        pub(crate) command_line: Option<&'a str>,
        pub(crate) regions: Vec<(u64, u64, u32)>,
        pub(crate) modules: Vec<(u64, u64, Option<&'a str>)>,
    }

    pub(crate) const NOTHING: Given = Given {
        version: 1,
        root: 0,
        command_line: None,
        regions: Vec::new(),
        modules: Vec::new(),
    };

    /// As the protocol lays it out: the structure, the map, the modules, the texts.
    pub(crate) fn laid_out(given: &Given) -> Fake {
        let map = START + START_INFO_SIZE_BYTES as u64;
        let list = map + (given.regions.len() * REGION_SIZE_BYTES) as u64;
        let mut next = list + (given.modules.len() * MODULE_SIZE_BYTES) as u64;
        let mut texts = Vec::new();
        let mut place = |text: Option<&str>| {
            let Some(text) = text else { return 0 };
            texts.extend([text.as_bytes(), &[0]].concat());
            next += text.len() as u64 + 1;
            next - text.len() as u64 - 1
        };
        let command_line = place(given.command_line);
        let mut memory = Vec::new();
        let mut words = |numbers: &[u32]| {
            memory.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        };
        let halves = |number: u64| [number as u32, (number >> 32) as u32];
        words(&[0x336e_c578, given.version, 0, given.modules.len() as u32]);
        for number in [list, command_line, given.root, map] {
            words(&halves(number));
        }
        words(&[given.regions.len() as u32, 0]);
        for (base, size_bytes, kind) in &given.regions {
            words(&halves(*base));
            words(&halves(*size_bytes));
            words(&[*kind, 0]);
        }
        for (start, size_bytes, name) in &given.modules {
            for number in [*start, *size_bytes, place(*name), 0] {
                words(&halves(number));
            }
        }
        memory.extend(texts);
        Fake(memory.leak())
    }

    fn read_given(given: &Given) -> Result<BootInfo<'static>, BootError> {
        read(&laid_out(given), START)
    }

    #[test]
    fn everything_is_found() {
        let info = read_given(&Given {
            root: 0xf_5ad0,
            command_line: Some("quiet"),
            regions: vec![(0, 0x9_fc00, 1), (0x1_0000_0000, 1 << 32, 2)],
            modules: vec![(0x20_0000, 77, None), (0x30_0000, 0x1000, Some("files"))],
            ..NOTHING
        })
        .unwrap();
        assert_eq!(info.memory_map.len(), 2);
        assert_eq!(info.memory_map[0].kind, RegionKind::Usable);
        assert_eq!(info.memory_map[1].base, 1 << 32);
        assert_eq!(info.memory_map[1].size_bytes, 1 << 32);
        assert_eq!(info.module(BUNDLE), Some(0x20_0000..0x20_004d));
        assert_eq!(
            info.module(crate::module::FILES),
            Some(0x30_0000..0x30_1000)
        );
        assert_eq!(info.module(crate::module::LLVM), None);
        assert_eq!(info.command_line, b"quiet");
        assert_eq!(info.firmware_tables, FirmwareTables::Root(0xf_5ad0));
        assert!(info.reload.is_none());
    }

    #[test]
    fn a_loader_may_give_nothing() {
        let info = read_given(&NOTHING).unwrap();
        assert!(info.memory_map.is_empty() && info.modules.is_empty());
        assert_eq!(info.command_line, b"");
        assert_eq!(info.firmware_tables, FirmwareTables::Within(FIRMWARE));
    }

    #[test]
    fn only_the_first_module_needs_no_name() {
        let info = read_given(&Given {
            modules: vec![(1, 1, Some("initrd")), (2, 1, Some("llvm"))],
            ..NOTHING
        })
        .unwrap();
        assert_eq!(info.module(BUNDLE), Some(1..2));
        assert_eq!(info.module(crate::module::LLVM), Some(2..3));
        let info = read_given(&Given {
            modules: vec![(1, 1, Some("files")), (2, 1, None)],
            ..NOTHING
        })
        .unwrap();
        assert_eq!(info.module(BUNDLE), None);
        assert_eq!(info.module(""), Some(2..3));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |given: Given| read_given(&given).unwrap_err();
        let old = Given {
            version: 0,
            ..NOTHING
        };
        assert_eq!(refused(old), BootError::NoMemoryMap);
        let many = Given {
            regions: vec![(0, 1, 1); REGION_LIMIT + 1],
            ..NOTHING
        };
        assert!(matches!(refused(many), BootError::TooMany(_)));
        let many = Given {
            modules: vec![(0, 1, None); MODULE_LIMIT + 1],
            ..NOTHING
        };
        assert!(matches!(refused(many), BootError::TooMany(_)));
        let cut = Fake(
            &laid_out(&Given {
                regions: vec![(0, 1, 1); 3],
                ..NOTHING
            })
            .0[..100],
        );
        assert!(matches!(read(&cut, START), Err(BootError::Unreadable(_))));
        assert!(matches!(read(&cut, 0), Err(BootError::Unreadable(_))));
    }

    #[test]
    fn a_text_without_an_end_is_none() {
        let fake = laid_out(&Given {
            command_line: Some("abc"),
            ..NOTHING
        });
        let cut = Fake(&fake.0[..fake.0.len() - 1]);
        assert_eq!(read(&cut, START).unwrap().command_line, b"");
        let endless = "x".repeat(2 * TEXT_LIMIT_BYTES);
        let info = read_given(&Given {
            command_line: Some(&endless),
            ..NOTHING
        });
        assert_eq!(info.unwrap().command_line, b"");
    }
}
