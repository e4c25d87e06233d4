//! From a platform to `main`.

use core::cell::OnceCell;
use core::ffi::{CStr, c_char, c_int, c_void};

use bareflow_cxx_runtime::errno::EINVAL;
use bareflow_cxx_runtime::platform::Platform;
use bareflow_cxx_runtime::program::{Arguments, Destructor, ExitHandlers, start_image};
use bareflow_cxx_runtime::termination::{Termination, set_interceptor};
use bareflow_cxx_runtime::{install, run_constructors, thread_local};

use crate::engine;
use crate::platform::{CPlatform, Installed};

/// Two steps: the heap must have a platform before the lists of the whole one can be made.
struct Steps {
    bare: OnceCell<Installed>,
    bare_reference: OnceCell<&'static dyn Platform>,
    whole: OnceCell<Installed>,
    whole_reference: OnceCell<&'static dyn Platform>,
}

// SAFETY: there is one thread.
unsafe impl Sync for Steps {}

static STEPS: Steps = Steps {
    bare: OnceCell::new(),
    bare_reference: OnceCell::new(),
    whole: OnceCell::new(),
    whole_reference: OnceCell::new(),
};

/// `bareflow_install`.
///
/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn bareflow_install(platform: *const CPlatform) -> c_int {
    // SAFETY: the caller's promise.
    let Some(table) = (unsafe { platform.as_ref() }) else {
        return EINVAL;
    };
    if !table.is_complete() || STEPS.bare.get().is_some() {
        return EINVAL;
    }
    let bare = STEPS.bare.get_or_init(|| Installed::bare(table));
    install(STEPS.bare_reference.get_or_init(|| bare));
    let whole = STEPS.whole.get_or_init(|| {
        // SAFETY: the caller's promise.
        unsafe { Installed::whole(table) }
    });
    install(STEPS.whole_reference.get_or_init(|| whole));
    set_interceptor(Some(engine::intercept));
    0
}

/// `bareflow_thread_block_size`.
#[unsafe(no_mangle)]
extern "C" fn bareflow_thread_block_size() -> usize {
    thread_local::block_size_bytes()
}

/// `bareflow_thread_block_initialise`.
///
/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn bareflow_thread_block_initialise(block: *mut u8) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { thread_local::initialise_block(block) }
}

/// What runs when the image exits. Programs that the engine runs in it have their own, which end with them: a static object
/// of LLVM that first comes to life in one of their compilations is used by the next.
pub(crate) static IMAGE: ExitHandlers = ExitHandlers::new();

/// `atexit` and `__cxa_atexit` of the image, for a platform that wants its static objects destroyed. Kernels do not: their
/// LLVM lives as long as the machine.
///
/// # Safety
/// The call must be right at the end.
#[unsafe(no_mangle)]
unsafe extern "C" fn bareflow_image_at_exit(
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { IMAGE.at_exit(function, argument) };
    0
}

type Main = unsafe extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;

/// The destructors that the linker has collected, the last one first.
fn destructors() -> impl DoubleEndedIterator<Item = Destructor> {
    unsafe extern "C" {
        static __fini_array_start: Destructor;
        static __fini_array_end: Destructor;
    }
    let (start, end) = (&raw const __fini_array_start, &raw const __fini_array_end);
    let count = (end.addr() - start.addr()) / size_of::<Destructor>();
    (0..count).rev().map(move |index| {
        // SAFETY: the linker script delimits the functions.
        unsafe { *start.add(index) }
    })
}

/// `bareflow_run`.
///
/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn bareflow_run(main: Main, count: c_int, arguments: *const *const c_char) -> ! {
    let copies = (0..usize::try_from(count).unwrap_or(0)).map(|index| {
        // SAFETY: the caller's promise: there are so many C strings.
        unsafe { CStr::from_ptr(*arguments.add(index)) }.to_bytes()
    });
    let arguments = Arguments::of(copies).expect("a C string has no zero byte");
    let started = start_image(arguments);
    IMAGE.set_destructors(destructors());
    // SAFETY: the platform is installed, and the linker script delimits the constructors; `main` gets what C says.
    let status = unsafe {
        run_constructors();
        main(started.count, started.arguments, started.environment)
    };
    // `exit` of the runtime, and not the program's own.
    engine::intercept(Termination::Exit(status))
}
