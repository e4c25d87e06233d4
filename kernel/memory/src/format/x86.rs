//! The format of long mode, which is that of PAE, too (Intel SDM volume 3, tables 5-11 and 5-20).

use crate::{Access, Cache, Entry, PAGE_SIZE_BYTES, TABLE_PAGES};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3;
const NO_CACHE: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 5;
/// In a directory: maps 2 MiB.
const LARGE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;
/// The address of a frame, of 52 bits.
const ADDRESS: u64 = ((1 << 52) - 1) & !(PAGE_SIZE_BYTES as u64 - 1);

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct X86Entry(u64);

const fn rights(access: Access, cache: Cache) -> u64 {
    let access = match access {
        Access::None => 0,
        Access::Read => PRESENT | NO_EXECUTE,
        Access::ReadWrite => PRESENT | WRITABLE | NO_EXECUTE,
        Access::ReadExecute => PRESENT,
    };
    let cache = match cache {
        Cache::On => 0,
        Cache::Off => NO_CACHE | WRITE_THROUGH,
    };
    access | cache
}

const fn address(frame: u64) -> u64 {
    (frame * PAGE_SIZE_BYTES as u64) & ADDRESS
}

impl X86Entry {
    const fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }
}

impl Entry for X86Entry {
    const UNUSED: Self = Self(0);

    fn page(frame: u64, access: Access, cache: Cache) -> Self {
        Self(address(frame) | rights(access, cache))
    }

    fn large(frame: u64, access: Access, cache: Cache) -> Self {
        Self(address(frame) | rights(access, cache) | LARGE)
    }

    fn table(frame: u64) -> Self {
        Self(address(frame) | PRESENT | WRITABLE)
    }

    fn frame(self) -> u64 {
        (self.0 & ADDRESS) / PAGE_SIZE_BYTES as u64
    }

    fn with_frame(self, frame: u64) -> Self {
        Self((self.0 & !ADDRESS) | address(frame))
    }

    fn part(self, index: usize) -> Self {
        debug_assert!(index < TABLE_PAGES);
        Self(self.0 & !LARGE).with_frame(self.frame() + index as u64)
    }

    fn is_unused(self) -> bool {
        self == Self::UNUSED
    }

    fn is_present(self) -> bool {
        self.has(PRESENT)
    }

    fn is_writable(self) -> bool {
        self.has(WRITABLE)
    }

    fn is_large(self) -> bool {
        self.has(LARGE)
    }

    fn is_cached(self) -> bool {
        !self.has(NO_CACHE)
    }

    fn is_accessed(self) -> bool {
        self.has(ACCESSED)
    }

    fn set_accessed(&mut self) {
        self.0 |= ACCESSED;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Access; 4] = [
        Access::None,
        Access::Read,
        Access::ReadWrite,
        Access::ReadExecute,
    ];

    #[test]
    fn entries_are_as_the_manual_says() {
        let entry = |access, cache| X86Entry::page(0x1_2345, access, cache).0;
        assert_eq!(entry(Access::None, Cache::On), 0x1234_5000);
        assert_eq!(entry(Access::Read, Cache::On), 0x8000_0000_1234_5001);
        assert_eq!(entry(Access::ReadWrite, Cache::On), 0x8000_0000_1234_5003);
        assert_eq!(entry(Access::ReadExecute, Cache::On), 0x1234_5001);
        assert_eq!(entry(Access::ReadWrite, Cache::Off), 0x8000_0000_1234_501b);
        let large = X86Entry::large(0x200, Access::ReadExecute, Cache::On);
        assert_eq!(large.0, 0x20_0081);
        assert_eq!(X86Entry::table(7).0, 0x7003);
    }

    #[test]
    fn nothing_is_writable_and_executable() {
        for entry in ALL.map(|access| X86Entry::page(1, access, Cache::On)) {
            assert!(!entry.is_writable() || entry.has(NO_EXECUTE));
        }
    }

    #[test]
    fn every_entry_says_what_it_was_made_of() {
        let last = (1 << 40) - 1;
        for (frame, access) in [0, 1, 0xfee00, last].into_iter().zip(ALL) {
            for cache in [Cache::On, Cache::Off] {
                let mut entry = X86Entry::page(frame, access, cache);
                assert_eq!(entry.frame(), frame);
                assert_eq!(entry.is_present(), access != Access::None);
                assert_eq!(entry.is_writable(), access == Access::ReadWrite);
                assert_eq!(entry.is_cached(), cache == Cache::On);
                assert!(!entry.is_large() && !entry.is_accessed());
                assert_eq!(entry.with_frame(5), X86Entry::page(5, access, cache));
                entry.set_accessed();
                assert!(entry.is_accessed());
                let large = X86Entry::large(1024, access, cache);
                assert!(large.is_large());
                assert_eq!(large.part(3), X86Entry::page(1027, access, cache));
            }
        }
        assert!(X86Entry::UNUSED.is_unused() && X86Entry::UNUSED.frame() == 0);
    }
}
