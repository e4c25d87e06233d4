//! What a kernel offers to the engine beside the platform of the runtime.

use core::ffi::c_void;
use core::sync::atomic::AtomicU32;

use bareflow_profile::KernelFlavour;
use bareflow_program_env::VolumeGuard;

/// What the kernel knows of the memory and of the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounters {
    /// How much of LLVM was read from the disk when it was touched, in bytes; `None` if all of LLVM is loaded
    /// when the kernel starts.
    pub llvm_bytes_read: Option<u64>,
    /// How much memory is in use, in bytes; `None` if the kernel does not know.
    pub memory_bytes: Option<u64>,
}

/// A kernel.
pub trait EngineHost {
    /// Which one.
    fn kernel(&self) -> KernelFlavour;

    /// The volume for snapshots, if there is a disk with one.
    fn volume(&mut self) -> Option<VolumeGuard>;

    /// Counters as they are now.
    fn counters(&self) -> HostCounters;

    /// What it takes to compile beside the program.
    ///
    /// # Errors
    /// Why that cannot be done.
    fn companion(&self) -> Result<&'static dyn Companion, &'static str>;
}

/// A process beside the program's, or another processor: with a copy of its memory, it goes on with something else.
pub trait Companion: Sync {
    /// How many processors there are for the program and the copy.
    fn processor_count(&self) -> usize;

    /// How much memory both share for what is handed over.
    fn ring_size_bytes(&self) -> usize;

    /// Maps zeroed memory that copies share; `None` if there is none.
    fn map_shared(&self, size_bytes: usize) -> Option<usize>;

    /// Lets copies share pages that are in use. False if that cannot be done: then nothing has changed.
    ///
    /// # Safety
    /// The range must be of whole pages that can be written.
    unsafe fn share(&self, address: usize, size_bytes: usize) -> bool;

    /// Makes the copy, which does nothing but `run(user)`, on a stack of its own. It has none of the files that are open,
    /// and ends with this process. False if there is none. One at a time.
    ///
    /// # Safety
    /// `run` must be able to run beside everything that is on the stack, and must be allowed to have `user`.
    unsafe fn start(&self, run: unsafe extern "C" fn(*mut c_void), user: *mut c_void) -> bool;

    /// Whether the copy still runs.
    fn is_running(&self) -> bool;

    /// Ends the copy, at once; returns when it has ended.
    fn stop(&self);

    /// As above, without waiting: there is none afterwards.
    fn abandon(&self);

    /// Waits until the word is no longer what it was seen as; may return early.
    fn wait(&self, word: &AtomicU32, seen: u32);

    /// Wakes whoever waits for the word.
    fn wake(&self, word: &AtomicU32);

    /// How long this process has had a processor, in nanoseconds.
    fn processor_ns(&self) -> u64;
}
