//! `bareflow_platform_t` as a [`Platform`].

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::slice;

use alloc::vec::Vec;
use bareflow_cxx_runtime::platform::{
    File, FileContents, Platform, PlatformError, Protection, Stream,
};

/// `BAREFLOW_READ`, `BAREFLOW_WRITE` and `BAREFLOW_EXECUTE`.
const PROTECTIONS: [(Protection, c_uint); 3] = [
    (Protection::READ, 1),
    (Protection::WRITE, 2),
    (Protection::EXECUTE, 4),
];

/// `bareflow_file_t`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct CFile {
    path: *const c_char,
    contents: *const u8,
    size: usize,
}

/// `bareflow_platform_t`. Functions that may be left out are options.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct CPlatform {
    size: usize,
    user: *mut c_void,
    page_size: usize,
    map_pages: Option<unsafe extern "C" fn(*mut c_void, usize, c_uint) -> *mut c_void>,
    unmap_pages: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> c_int>,
    protect_pages: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize, c_uint) -> c_int>,
    console_write: Option<unsafe extern "C" fn(*mut c_void, c_int, *const u8, usize)>,
    console_read: Option<unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> usize>,
    is_terminal: Option<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>,
    monotonic_ns: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    realtime_ns: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    sleep_ns: Option<unsafe extern "C" fn(*mut c_void, u64)>,
    fill_random: Option<unsafe extern "C" fn(*mut c_void, *mut u8, usize)>,
    exit: Option<unsafe extern "C" fn(*mut c_void, c_int)>,
    abort: Option<unsafe extern "C" fn(*mut c_void, *const u8, usize)>,
    environment: *const *const c_char,
    files: *const CFile,
    file_count: usize,
}

impl CPlatform {
    /// Whether it is of this version or a later one, and has all that the runtime cannot do without.
    pub(crate) fn is_complete(&self) -> bool {
        self.size >= size_of::<Self>()
            && (self.page_size == 0 || self.page_size.is_power_of_two())
            && self.map_pages.is_some()
            && self.console_write.is_some()
            && self.monotonic_ns.is_some()
            && self.realtime_ns.is_some()
            && self.fill_random.is_some()
            && self.exit.is_some()
            && self.abort.is_some()
    }
}

type Variable = (&'static str, &'static CStr);

/// A complete table, and what the runtime wants of it in Rust's types.
#[derive(Debug)]
pub(crate) struct Installed {
    table: &'static CPlatform,
    environment: &'static [Variable],
    files: &'static [File],
}

// SAFETY: there is one thread.
unsafe impl Sync for Installed {}

impl Installed {
    /// Without environment and files: making their lists needs a heap, and that a platform.
    pub(crate) const fn bare(table: &'static CPlatform) -> Self {
        Self {
            table,
            environment: &[],
            files: &[],
        }
    }

    /// With both.
    ///
    /// # Safety
    /// The table's strings and files must be as the header says, and stay.
    pub(crate) unsafe fn whole(table: &'static CPlatform) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Self {
                table,
                environment: variables(table.environment).leak(),
                files: files(table).leak(),
            }
        }
    }
}

/// # Safety
/// The pointer must be null or lead to C strings that stay, with a null pointer behind them.
unsafe fn variables(mut entry: *const *const c_char) -> Vec<Variable> {
    let mut variables = Vec::new();
    // SAFETY: the caller's promise; a value is the rest of a C string.
    unsafe {
        while !entry.is_null() && !(*entry).is_null() {
            let text = CStr::from_ptr(*entry);
            let bytes = text.to_bytes();
            if let Some(end) = bytes.iter().position(|byte| *byte == b'=')
                && let Ok(name) = str::from_utf8(&bytes[..end])
            {
                variables.push((name, CStr::from_ptr(text.as_ptr().add(end + 1))));
            }
            entry = entry.add(1);
        }
    }
    variables
}

/// # Safety
/// The files must be as the header says, and stay.
unsafe fn files(table: &'static CPlatform) -> Vec<File> {
    (0..table.file_count)
        .filter_map(|index| {
            // SAFETY: the caller's promise.
            unsafe {
                let file = &*table.files.add(index);
                let path = CStr::from_ptr(file.path).to_str().ok()?;
                let contents = if file.size == 0 {
                    &[]
                } else {
                    slice::from_raw_parts(file.contents, file.size)
                };
                Some(File {
                    path,
                    contents: FileContents::Memory(contents),
                })
            }
        })
        .collect()
}

fn bits(protection: Protection) -> c_uint {
    PROTECTIONS
        .iter()
        .filter(|(ours, _)| protection.contains(*ours))
        .map(|(_, bit)| bit)
        .sum()
}

/// Calls a function of the table that is there.
macro_rules! call {
    ($self:ident.$name:ident($($argument:expr),*)) => {
        $self.table.$name.map(|function| {
            // SAFETY: the header says what the function is for, and the table has passed `is_complete`.
            unsafe { function($self.table.user, $($argument),*) }
        })
    };
}

/// A function that must end the process or the machine has returned.
fn never() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

// SAFETY: the header asks the same of `map_pages`.
unsafe impl Platform for Installed {
    fn page_size_bytes(&self) -> usize {
        match self.table.page_size {
            0 => 4096,
            size => size,
        }
    }

    fn map_pages(&self, size_bytes: usize, protection: Protection) -> Result<usize, PlatformError> {
        call!(self.map_pages(size_bytes, bits(protection)))
            .filter(|pages| !pages.is_null())
            .map(|pages| pages.expose_provenance())
            .ok_or(PlatformError::OutOfMemory)
    }

    unsafe fn unmap_pages(&self, address: usize, size_bytes: usize) -> Result<(), PlatformError> {
        let pages = core::ptr::with_exposed_provenance_mut(address);
        match call!(self.unmap_pages(pages, size_bytes)) {
            Some(0) => Ok(()),
            Some(_) => Err(PlatformError::InvalidRange),
            None => Err(PlatformError::Unsupported),
        }
    }

    unsafe fn protect_pages(
        &self,
        address: usize,
        size_bytes: usize,
        protection: Protection,
    ) -> Result<(), PlatformError> {
        let pages = core::ptr::with_exposed_provenance_mut(address);
        match call!(self.protect_pages(pages, size_bytes, bits(protection))) {
            Some(0) => Ok(()),
            Some(_) => Err(PlatformError::InvalidRange),
            None => Err(PlatformError::Unsupported),
        }
    }

    fn console_write(&self, stream: Stream, bytes: &[u8]) {
        let descriptor = match stream {
            Stream::Output => 1,
            Stream::Error => 2,
        };
        call!(self.console_write(descriptor, bytes.as_ptr(), bytes.len()));
    }

    fn console_read(&self, buffer: &mut [u8]) -> usize {
        call!(self.console_read(buffer.as_mut_ptr(), buffer.len()))
            .unwrap_or(0)
            .min(buffer.len())
    }

    fn is_terminal(&self, descriptor: c_int) -> bool {
        call!(self.is_terminal(descriptor)).is_some_and(|answer| answer != 0)
    }

    fn monotonic_ns(&self) -> u64 {
        call!(self.monotonic_ns()).unwrap_or(0)
    }

    fn realtime_ns(&self) -> u64 {
        call!(self.realtime_ns()).unwrap_or(0)
    }

    fn sleep_ns(&self, duration_ns: u64) {
        if call!(self.sleep_ns(duration_ns)).is_none() {
            let end = self.monotonic_ns().saturating_add(duration_ns);
            while self.monotonic_ns() < end {
                core::hint::spin_loop();
            }
        }
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        call!(self.fill_random(buffer.as_mut_ptr(), buffer.len()));
    }

    fn files(&self) -> &[File] {
        self.files
    }

    fn environment(&self, name: &str) -> Option<&'static CStr> {
        let found = self.environment.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| *value)
    }

    fn environment_entries(&self) -> &'static [Variable] {
        self.environment
    }

    fn exit(&self, status: i32) -> ! {
        call!(self.exit(status));
        never()
    }

    fn abort(&self, message: &str) -> ! {
        call!(self.abort(message.as_ptr(), message.len()));
        never()
    }
}
