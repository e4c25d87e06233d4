//! From Linux's entry to what the process runs.

use alloc::boxed::Box;
use core::ffi::{CStr, c_char};
use core::fmt::Write;

use bareflow_cxx_runtime::{platform as runtime_platform, thread_local};
use bareflow_program_env::{Environment, Payload, keep_volume, mount, payload, set_payload};
use bareflow_protocol::exit_code;

use crate::address_space::{self, Stack};
use crate::arch;
use crate::disk::FileDisk;
use crate::linux::{self, Errno, ErrorStream, PROT_READ, PROT_WRITE};
use crate::{bundle_file, platform, signals};

/// Sets up memory, the thread-local block and the signal handlers, changes to the big stack, and runs the payload.
///
/// # Safety
/// Once, with the stack as Linux made it.
pub unsafe fn start(initial: *const usize, payload: &'static dyn Payload) -> ! {
    set_payload(payload);
    platform::install();
    let stack =
        prepare().unwrap_or_else(|error| refuse("there is too little memory to start", error));
    // SAFETY: the new stack is fresh and aligned, and nothing on the old one is needed but the
    // arguments, which stay where they are.
    unsafe { arch::switch_stack(stack.top, run, initial) }
}

fn prepare() -> Result<Stack, Errno> {
    #[cfg(feature = "engine")]
    address_space::reserve_pool()?;
    let page = runtime_platform().page_size_bytes();
    let size_bytes = thread_local::block_size_bytes().next_multiple_of(page);
    let block = address_space::map_pages(size_bytes, PROT_READ | PROT_WRITE)?;
    // SAFETY: the pages are fresh, zeroed and large enough, and stay for the whole process.
    unsafe {
        let thread_pointer = thread_local::initialise_block(block as *mut u8);
        arch::set_thread_pointer(thread_pointer as usize)?;
    }
    let stack = address_space::map_stack()?;
    signals::install(&stack.guard)?;
    Ok(stack)
}

/// The rest of the kernel's life, on its own stack.
unsafe extern "C" fn run(initial: *const usize) -> ! {
    // SAFETY: Linux put the argument count there.
    let count = unsafe { *initial };
    if !(2..=3).contains(&count) {
        platform::fail(
            exit_code::USAGE,
            "usage: the kernel takes the program bundle and, if it is to remember anything, a disk",
        );
    }
    // SAFETY: Linux put the arguments behind their count.
    let argument =
        |index: usize| unsafe { CStr::from_ptr(*initial.add(1 + index).cast::<*const c_char>()) };
    let path = argument(1);
    let disk = (count == 3).then(|| open_disk(argument(2)));
    let bundle = bundle_file::map(path).unwrap_or_else(|error| {
        cannot_read(path, "the program bundle", error);
    });
    // A bundle that cannot be read is refused by the payload, with the reason.
    platform::set_environment(Environment::with_host_files(bundle, |path| {
        Some(bundle_file::map(path).unwrap_or_else(|error| {
            cannot_read(path, "a file of the program", error);
        }))
    }));
    let disk = disk.map(|disk| Box::leak(Box::new(disk)));
    keep_volume(disk.and_then(|disk| mount(disk)));
    let payload = payload().expect("the process was started with a payload");
    linux::exit(i32::from(payload.run(bundle)))
}

fn open_disk(path: &CStr) -> FileDisk {
    match FileDisk::open(path) {
        Ok(disk) => disk,
        Err(Errno::EWOULDBLOCK) => {
            let name = path.to_str().unwrap_or("the disk");
            let _ = writeln!(
                ErrorStream,
                "bareflow: error: {name} is in use by another process"
            );
            linux::exit(exit_code::USAGE)
        }
        Err(error) => cannot_read(path, "the disk", error),
    }
}

fn cannot_read(path: &CStr, what: &str, error: Errno) -> ! {
    let name = path.to_str().unwrap_or(what);
    let _ = write!(ErrorStream, "bareflow: error: cannot read {name}: ");
    finish_refusal(exit_code::USAGE, error)
}

fn refuse(what: &str, error: Errno) -> ! {
    let _ = write!(ErrorStream, "bareflow: error: {what}: ");
    finish_refusal(exit_code::OUT_OF_MEMORY, error)
}

fn finish_refusal(code: u8, error: Errno) -> ! {
    let message = bareflow_cxx_runtime::errno::description(error.0);
    let _ = writeln!(ErrorStream, "{message}");
    linux::exit(code)
}
