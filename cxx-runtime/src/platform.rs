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
    pub contents: FileContents,
}

/// What is in a file.
#[derive(Clone, Copy, Debug)]
pub enum FileContents {
    /// These bytes.
    Memory(&'static [u8]),
    /// What is read when somebody asks.
    Elsewhere(&'static dyn RemoteFile),
}

/// A file that is not in memory.
pub trait RemoteFile: core::fmt::Debug + Sync {
    /// How long it is.
    fn size_bytes(&self) -> usize;
    /// Reads from an offset on; perhaps less than the buffer holds, but nothing only at the file's end. The buffer is
    /// never the program's own memory, which may fault.
    ///
    /// # Errors
    /// A number of [`crate::errno`].
    fn read(&self, offset: usize, buffer: &mut [u8]) -> StorageResult<usize>;
}

/// A file or folder of a [`Storage`].
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// What it is called in its folder.
    pub name: alloc::string::String,
    /// What it is.
    pub kind: StoredKind,
    /// When it was written last, in seconds since 1970-01-01 00:00:00 UTC.
    pub modified_s: i64,
}

/// What a name in a [`Storage`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredKind {
    /// A folder, by its number.
    Folder(u32),
    /// A file, by its number, with its size in bytes.
    File(u32, usize),
}

/// What a [`Storage`] returns: errors are numbers of [`crate::errno`].
pub type StorageResult<T> = Result<T, core::ffi::c_int>;

/// Files that are there for the next program, too: the program sees them in `/data`. Files and folders have numbers,
/// which stay as long as the platform. Errors are those of the POSIX functions that are served. Buffers are never the program's own memory, which may fault.
#[expect(
    clippy::missing_errors_doc,
    reason = "all functions fail as those of POSIX that they serve"
)]
pub trait Storage {
    /// What is in a folder; number 0 is the outermost.
    fn list(&self, folder: u32) -> StorageResult<alloc::vec::Vec<StoredEntry>>;
    /// Makes an empty file.
    fn create(&self, folder: u32, name: &str) -> StorageResult<u32>;
    /// Makes an empty folder.
    fn make_folder(&self, parent: u32, name: &str) -> StorageResult<u32>;
    /// Removes an empty folder.
    fn remove_folder(&self, parent: u32, name: &str) -> StorageResult<()>;
    /// Gives a folder another name where it is.
    fn rename_folder(&self, parent: u32, old_name: &str, name: &str) -> StorageResult<()>;
    /// Gives a file another name, or that of another file, which has none from then on.
    fn rename(
        &self,
        file: u32,
        folder: u32,
        name: &str,
        replaced: Option<u32>,
    ) -> StorageResult<()>;
    /// Takes a file's name away.
    fn unlink(&self, file: u32) -> StorageResult<()>;
    /// Frees a file without a name.
    fn release(&self, file: u32);
    /// Reads from an offset on; less at the file's end.
    fn read(&self, file: u32, offset: usize, buffer: &mut [u8]) -> StorageResult<usize>;
    /// Writes from an offset on; less when the volume is full then.
    fn write(&self, file: u32, offset: usize, bytes: &[u8]) -> StorageResult<usize>;
    /// Makes a file longer, with zeros, or shorter.
    fn resize(&self, file: u32, size_bytes: usize) -> StorageResult<()>;
    /// Says when a file was written last.
    fn set_modified(&self, file: u32, seconds: i64);
    /// Returns when all of a file is where no power cut reaches it.
    fn commit(&self, file: u32) -> StorageResult<()>;
    /// Does so for every file.
    fn commit_all(&self);
    /// How many bytes are free.
    fn free_bytes(&self) -> u64;
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

    /// Maps zeroed memory for variables of the program that it has from beginning to end, wherever there are addresses.
    /// The first call should give the same address in every run: snapshots of the program are used only then.
    ///
    /// # Errors
    /// [`PlatformError::OutOfMemory`] when nothing that large is left.
    fn map_large(&self, size_bytes: usize) -> Result<usize, PlatformError> {
        self.map_pages(size_bytes, Protection::READ | Protection::WRITE)
    }

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

    /// All of the program's standard input, where it is not what [`Platform::console_read`] reads.
    fn standard_input(&self) -> Option<FileContents> {
        None
    }

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

    /// The files in `/data`, if the platform can keep some.
    fn storage(&self) -> Option<&'static dyn Storage> {
        None
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
    use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

    struct Host;

    const FILES: &[File] = &[
        File {
            path: "/etc/motd",
            contents: FileContents::Memory(b"hello\nworld\n"),
        },
        File {
            path: "/data/empty",
            contents: FileContents::Memory(b""),
        },
    ];

    // SAFETY: the pages come zeroed from the host's allocator and are never handed out twice.
    unsafe impl Platform for Host {
        fn map_pages(&self, size_bytes: usize, _: Protection) -> Result<usize, PlatformError> {
            if size_bytes > 1 << 30 {
                return Err(PlatformError::OutOfMemory);
            }
            MAPPED_IN_THE_ARENA.fetch_or(crate::arena::is_selected(), Relaxed);
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

    static MAPPED_IN_THE_ARENA: AtomicBool = AtomicBool::new(false);

    /// Whether any pages were asked for while the arena was selected.
    pub(crate) fn was_mapped_in_the_arena() -> bool {
        MAPPED_IN_THE_ARENA.load(Relaxed)
    }

    pub(crate) fn install() {
        static HOST: &dyn Platform = &Host;
        crate::runtime::install(&HOST);
    }
}
