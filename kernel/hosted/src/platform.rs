//! Linux as a platform.

use core::cell::Cell;
use core::ffi::CStr;
use core::fmt;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bareflow_bundle::{Bundle, ENVIRONMENT, FILE};
use bareflow_cxx_runtime::platform::{File, Platform, PlatformError, Protection, Stream};

use crate::system::{self, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE};

const PAGE: usize = 4096;

/// Address ranges that memory is given from, in this order: around the code pool, below 2 GiB.
const RANGES: [(usize, usize); 2] = [
    (0x0800_0000, bareflow_engine::POOL_ADDRESS),
    (
        bareflow_engine::POOL_ADDRESS + bareflow_engine::POOL_SIZE_BYTES,
        0x7fff_0000,
    ),
];

/// A failure that the platform reports has this code: an internal error of the engine.
const EXIT_ABORT: i32 = 116;
/// Memory is exhausted.
const EXIT_OUT_OF_MEMORY: i32 = 112;

/// Linux under the runtime.
pub struct Linux {
    /// Where the next pages of each range start. Address space is not used twice: 1.7 GiB is more than a
    /// run maps, since the heap keeps its pages.
    next: [Cell<usize>; RANGES.len()],
    files: Cell<&'static [File]>,
    environment: Cell<&'static [(&'static str, &'static CStr)]>,
}

// SAFETY: there is one thread.
unsafe impl Sync for Linux {}

/// The one instance.
pub static LINUX: Linux = Linux {
    next: [Cell::new(RANGES[0].0), Cell::new(RANGES[1].0)],
    files: Cell::new(&[]),
    environment: Cell::new(&[]),
};

impl Linux {
    /// Makes the bundle's files and environment variables visible.
    pub fn set_bundle(&self, bundle: Bundle<'static>) {
        let files: Vec<File> = bundle
            .with_prefix(FILE)
            .map(|entry| File {
                path: format!("/{}", entry.name).leak(),
                contents: entry.contents,
            })
            .collect();
        self.files.set(files.leak());
        let environment: Vec<(&str, &CStr)> = bundle
            .with_prefix(ENVIRONMENT)
            .filter_map(|entry| {
                let mut value = Vec::from(entry.contents);
                value.push(0);
                Some((entry.name, CStr::from_bytes_with_nul(value.leak()).ok()?))
            })
            .collect();
        self.environment.set(environment.leak());
    }

    /// Sets address space aside without memory behind it.
    pub fn reserve(&self, address: usize, size_bytes: usize) -> bool {
        system::map_at(address, size_bytes, PROT_NONE)
    }
}

fn protection_bits(protection: Protection) -> Result<usize, PlatformError> {
    if protection.contains(Protection::WRITE | Protection::EXECUTE) {
        return Err(PlatformError::InvalidRange);
    }
    let bits = [
        (Protection::READ, PROT_READ),
        (Protection::WRITE, PROT_WRITE),
        (Protection::EXECUTE, PROT_EXEC),
    ];
    Ok(bits
        .iter()
        .filter(|(access, _)| protection.contains(*access))
        .fold(PROT_NONE, |sum, (_, bit)| sum | bit))
}

// SAFETY: pages are mapped where nothing was, so they are fresh and zeroed, and the system keeps them.
unsafe impl Platform for Linux {
    fn page_size_bytes(&self) -> usize {
        PAGE
    }

    fn map_pages(&self, size_bytes: usize, protection: Protection) -> Result<usize, PlatformError> {
        let bits = protection_bits(protection)?;
        for (next, (_, end)) in self.next.iter().zip(RANGES) {
            let address = next.get();
            if size_bytes <= end - address {
                next.set(address + size_bytes);
                return if system::map_at(address, size_bytes, bits) {
                    Ok(address)
                } else {
                    Err(PlatformError::OutOfMemory)
                };
            }
        }
        Err(PlatformError::OutOfMemory)
    }

    unsafe fn unmap_pages(&self, address: usize, size_bytes: usize) -> Result<(), PlatformError> {
        // SAFETY: the caller gives the range up.
        if unsafe { system::unmap(address, size_bytes) } {
            Ok(())
        } else {
            Err(PlatformError::InvalidRange)
        }
    }

    unsafe fn protect_pages(
        &self,
        address: usize,
        size_bytes: usize,
        protection: Protection,
    ) -> Result<(), PlatformError> {
        let bits = protection_bits(protection)?;
        // SAFETY: the caller answers for the range.
        if unsafe { system::protect(address, size_bytes, bits) } {
            Ok(())
        } else {
            Err(PlatformError::InvalidRange)
        }
    }

    fn console_write(&self, stream: Stream, bytes: &[u8]) {
        system::write_all(if stream == Stream::Output { 1 } else { 2 }, bytes);
    }

    fn console_read(&self, buffer: &mut [u8]) -> usize {
        system::read(0, buffer)
    }

    fn monotonic_ns(&self) -> u64 {
        system::clock_ns(1)
    }

    fn realtime_ns(&self) -> u64 {
        system::clock_ns(0)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        system::random(buffer);
    }

    fn files(&self) -> &[File] {
        self.files.get()
    }

    fn environment(&self, name: &str) -> Option<&'static CStr> {
        self.environment
            .get()
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }

    fn exit(&self, status: i32) -> ! {
        system::exit(status)
    }

    fn abort(&self, message: &str) -> ! {
        let mut text = String::from("bareflow: error: ");
        text.push_str(message);
        text.push('\n');
        self.console_write(Stream::Error, text.as_bytes());
        system::exit(if message.contains("out of memory") {
            EXIT_OUT_OF_MEMORY
        } else {
            EXIT_ABORT
        })
    }
}

/// Standard error for formatted text, without the heap.
pub struct ErrorStream;

impl fmt::Write for ErrorStream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        system::write_all(2, text.as_bytes());
        Ok(())
    }
}
