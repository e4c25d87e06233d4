//! What stage 2 gives, which a BIOS has started: the structure of the PVH protocol, each module with its name as its
//! command line, and in the machine's command line the BIOS's number of the drive. It stays in memory and can load
//! more.

use crate::BootInfo;
use bareflow_protocol::loader::DRIVE;

use crate::module::HEADER;

/// The BIOS's number of the drive that the machine was started from; `None` if it was not stage 2 that has started it.
#[must_use]
pub fn drive(info: &BootInfo) -> Option<u8> {
    info.module(HEADER)?;
    let digits = info.command_line.strip_prefix(DRIVE.as_bytes())?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::{BUNDLE, FILES, LLVM};
    use crate::pvh;
    use crate::pvh::tests::{Given, NOTHING, laid_out};

    fn info(command_line: &str, names: &[&'static str]) -> BootInfo<'static> {
        let modules = names.iter().map(|name| (0x1000, 512, Some(*name)));
        let given = Given {
            command_line: Some(command_line),
            modules: modules.collect(),
            ..NOTHING
        };
        pvh::read(&laid_out(&given), 0x9000).unwrap()
    }

    #[test]
    fn stage_2_is_known_by_the_drive_and_the_header() {
        let names = ["bundle", "header", "llvm", "files"];
        let known = info("drive=128", &names);
        assert_eq!(drive(&known), Some(128));
        for name in [BUNDLE, HEADER, LLVM, FILES] {
            assert_eq!(known.module(name), Some(0x1000..0x1200));
        }
        assert_eq!(drive(&info("drive=000", &names)), Some(0));
        assert_eq!(drive(&info("drive=256", &names)), None);
        assert_eq!(drive(&info("drive=128", &["bundle"])), None);
        assert_eq!(drive(&info("quiet", &names)), None);
    }
}
