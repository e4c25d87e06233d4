//! What the runtime needs of the machine under it: one small trait.

use core::ops::BitOr;

/// Which console stream bytes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: the program's own output.
    Output,
    /// Standard error: everything else.
    Error,
}

/// Which accesses a range of pages permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection(u8);

impl Protection {
    /// No access: a guard.
    pub const NONE: Self = Self(0);
    /// Loads.
    pub const READ: Self = Self(1);
    /// Stores.
    pub const WRITE: Self = Self(2);
    /// Instruction fetches.
    pub const EXECUTE: Self = Self(4);

    /// Whether every access in `other` is permitted.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Protection {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Why the platform could not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformError {
    /// No memory or address space is left.
    OutOfMemory,
    /// The range or the protection is not one that the platform can serve.
    InvalidRange,
    /// The platform does not have this service.
    Unsupported,
}

/// A file of the read-only file table.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Absolute path, `/` separated.
    pub path: &'static str,
    /// The whole contents.
    pub contents: &'static [u8],
}

/// The machine under the runtime.
///
/// # Safety
/// `map_pages` must return fresh zeroed memory that nothing else uses until it is unmapped, and
/// every returned address must stay valid for the accesses that its protection permits.
pub unsafe trait Platform: Sync {
    /// Bytes in a page; a power of two.
    fn page_size_bytes(&self) -> usize {
        4096
    }

    /// Maps `size_bytes` (a multiple of the page size) of zeroed memory and returns its address.
    ///
    /// # Errors
    /// [`PlatformError::OutOfMemory`] when nothing that large is left.
    fn map_pages(&self, size_bytes: usize, protection: Protection) -> Result<usize, PlatformError>;

    /// Gives back pages that [`Platform::map_pages`] returned, whole or in part.
    ///
    /// # Errors
    /// [`PlatformError::InvalidRange`] when the range is not mapped.
    ///
    /// # Safety
    /// Nothing may use the range afterwards.
    unsafe fn unmap_pages(&self, address: usize, size_bytes: usize) -> Result<(), PlatformError>;

    /// Changes the protection of mapped pages. Pages are never writable and executable at once.
    ///
    /// # Errors
    /// [`PlatformError::InvalidRange`] when the range is not mapped or asks for W and X together.
    ///
    /// # Safety
    /// Nothing may rely on an access that the new protection forbids.
    unsafe fn protect_pages(
        &self,
        address: usize,
        size_bytes: usize,
        protection: Protection,
    ) -> Result<(), PlatformError>;

    /// Writes all of `bytes` to the console. It does not fail: when standard output cannot be written, the run ends.
    fn console_write(&self, stream: Stream, bytes: &[u8]);

    /// Reads console input into `buffer`; returns the number of bytes read, 0 at the end of input.
    fn console_read(&self, buffer: &mut [u8]) -> usize;

    /// Whether somebody sits at the other end of a standard descriptor, 0 to 2.
    fn is_terminal(&self, _descriptor: core::ffi::c_int) -> bool {
        false
    }

    /// Nanoseconds since an arbitrary fixed start; never goes back.
    fn monotonic_ns(&self) -> u64;

    /// Nanoseconds since 1970-01-01 00:00:00 UTC.
    fn realtime_ns(&self) -> u64;

    /// Waits, at least for about `duration_ns`.
    fn sleep_ns(&self, duration_ns: u64) {
        let end = self.monotonic_ns().saturating_add(duration_ns);
        while self.monotonic_ns() < end {
            core::hint::spin_loop();
        }
    }

    /// Fills `buffer` with random bytes.
    fn fill_random(&self, buffer: &mut [u8]);

    /// The read-only file table.
    fn files(&self) -> &[File] {
        &[]
    }

    /// The value of an environment variable.
    fn environment(&self, _name: &str) -> Option<&'static core::ffi::CStr> {
        None
    }

    /// All environment variables: names and values.
    fn environment_entries(&self) -> &'static [(&'static str, &'static core::ffi::CStr)] {
        &[]
    }

    /// Has a timer's handler called about so often from now on: what the kernel does in it is its business.
    fn start_timer(&self, _interval_us: u32) {}

    /// The program is about to run: for those who measure.
    fn program_starts(&self) {}

    /// The program has just ended.
    fn program_ends(&self) {}

    /// Hands a profile to whoever asked for one.
    fn write_profile(&self, _json: &[u8]) {}

    /// Ends the process or the machine with `status`.
    fn exit(&self, status: i32) -> !;

    /// Ends the process or the machine after a failure that `message` describes.
    fn abort(&self, message: &str) -> !;

    /// Ends the process or the machine because memory is exhausted and nobody could be told.
    fn out_of_memory(&self) -> ! {
        self.abort("out of memory")
    }
}

#[cfg(test)]
pub(crate) mod test_platform {
    //! The host's allocator and standard streams as a platform.

    use super::*;

    struct Host;

    const FILES: &[File] = &[
        File {
            path: "/etc/motd",
            contents: b"hello\nworld\n",
        },
        File {
            path: "/data/empty",
            contents: b"",
        },
    ];

    // SAFETY: the pages come zeroed from the host's allocator and are never handed out twice.
    unsafe impl Platform for Host {
        fn map_pages(&self, size_bytes: usize, _: Protection) -> Result<usize, PlatformError> {
            if size_bytes > 1 << 30 {
                return Err(PlatformError::OutOfMemory);
            }
            let layout = core::alloc::Layout::from_size_align(size_bytes, 4096)
                .map_err(|_| PlatformError::OutOfMemory)?;
            // SAFETY: the layout is not empty.
            Ok(unsafe { std::alloc::alloc_zeroed(layout) } as usize)
        }

        unsafe fn unmap_pages(&self, _: usize, _: usize) -> Result<(), PlatformError> {
            Ok(())
        }

        unsafe fn protect_pages(
            &self,
            _: usize,
            _: usize,
            _: Protection,
        ) -> Result<(), PlatformError> {
            Ok(())
        }

        fn console_write(&self, _: Stream, bytes: &[u8]) {
            print!("{}", String::from_utf8_lossy(bytes));
        }

        fn console_read(&self, _: &mut [u8]) -> usize {
            0
        }

        fn monotonic_ns(&self) -> u64 {
            1_500_000_000
        }

        fn realtime_ns(&self) -> u64 {
            1_700_000_000_123_456_789
        }

        fn fill_random(&self, buffer: &mut [u8]) {
            buffer.fill(4);
        }

        fn files(&self) -> &[File] {
            FILES
        }

        fn exit(&self, status: i32) -> ! {
            panic!("exit({status})")
        }

        fn abort(&self, message: &str) -> ! {
            panic!("{message}")
        }
    }

    pub(crate) fn install() {
        static HOST: &dyn Platform = &Host;
        crate::runtime::install(&HOST);
    }
}
