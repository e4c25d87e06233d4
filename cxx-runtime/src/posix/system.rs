//! The process and the machine: identity, limits, times, and what only a system of several processes could do.

use core::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use core::ptr;

use alloc::string::String;

use super::single_thread_cell::SingleThreadCell;
use super::waiting::{self, TimeSpec, TimeVal};
use crate::cstr;
use crate::errno::{self, fail};
use crate::files::DESCRIPTOR_LIMIT;
use crate::platform::Stream;
use crate::runtime::platform;

macro_rules! fails {
    ($number:ident: $($name:ident($($argument:ty),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($(_: $argument),*) -> c_int {
                fail(errno::$number)
            }
        )*
    };
}

// A variadic function that ignores its arguments does not see the others.
fails! { ENOSYS:
    vfork();
    daemon(c_int, c_int);
    execvp(*const c_char, *const *const c_char);
    execvpe(*const c_char, *const *const c_char, *const *const c_char);
    execl(*const c_char, *const c_char);
    execle(*const c_char, *const c_char);
    execlp(*const c_char, *const c_char);
    fexecve(c_int, *const *const c_char, *const *const c_char);
    sem_unlink(*const c_char);
    sem_close(*const c_void);
    socketpair(c_int, c_int, c_int, *mut c_int);
    shutdown(c_int, c_int);
    setsockopt(c_int, c_int, c_int, *const c_void, c_uint);
    getsockopt(c_int, c_int, c_int, *mut c_void, *mut c_uint);
    getsockname(c_int, *mut c_void, *mut c_uint);
    getpeername(c_int, *mut c_void, *mut c_uint);
    statfs(*const c_char, *mut c_void);
    fstatfs(c_int, *mut c_void);
    mount(*const c_char, *const c_char, *const c_char, c_ulong, *const c_void);
    umount(*const c_char);
}

fails! { EPERM:
    clock_settime(c_int, *const TimeSpec);
    settimeofday(*const c_void, *const c_void);
    sethostname(*const c_char, usize);
    setsid();
    chroot(*const c_char);
}

fails! { ECHILD:
    wait3(*mut c_int, c_int, *mut c_void);
    waitid(c_int, c_uint, *mut c_void, c_int);
}

macro_rules! fails_with_size {
    ($($name:ident($($argument:ty),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($(_: $argument),*) -> isize {
                fail(errno::ENOSYS) as isize
            }
        )*
    };
}

fails_with_size! {
    send(c_int, *const c_void, usize, c_int);
    sendto(c_int, *const c_void, usize, c_int, *const c_void, c_uint);
    sendmsg(c_int, *const c_void, c_int);
    recv(c_int, *mut c_void, usize, c_int);
    recvfrom(c_int, *mut c_void, usize, c_int, *mut c_void, *mut c_uint);
    recvmsg(c_int, *mut c_void, c_int);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sem_open(_name: *const c_char, _flags: c_int) -> *mut c_void {
    errno::set(errno::ENOSYS);
    ptr::null_mut()
}

/// There is no shell to run the command.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn popen(_command: *const c_char, _mode: *const c_char) -> *mut c_void {
    errno::set(errno::ENOSYS);
    ptr::null_mut()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pclose(_stream: *mut c_void) -> c_int {
    fail(errno::ECHILD)
}

/// 0 for no command: there is no shell.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn system(command: *const c_char) -> c_int {
    if command.is_null() {
        0
    } else {
        fail(errno::ENOSYS)
    }
}

macro_rules! returns {
    ($value:expr, $type:ty: $($name:ident($($argument:ty),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($(_: $argument),*) -> $type {
                $value
            }
        )*
    };
}

returns! { errno::ENOSYS, c_int:
    posix_spawn(*mut c_int, *const c_char, *const c_void, *const c_void, *const c_void, *const c_void);
    posix_spawnp(*mut c_int, *const c_char, *const c_void, *const c_void, *const c_void, *const c_void);
}

returns! { 0, c_int:
    posix_spawnattr_init(*mut c_void);
    posix_spawnattr_destroy(*mut c_void);
    posix_spawnattr_setflags(*mut c_void, i16);
    posix_spawn_file_actions_init(*mut c_void);
    posix_spawn_file_actions_destroy(*mut c_void);
    posix_spawn_file_actions_addopen(*mut c_void, c_int, *const c_char, c_int, c_uint);
    posix_spawn_file_actions_addclose(*mut c_void, c_int);
    posix_spawn_file_actions_adddup2(*mut c_void, c_int, c_int);
    sched_get_priority_max(c_int);
    sched_get_priority_min(c_int);
    sched_setparam(c_int, *const c_int);
    sched_getscheduler(c_int);
    sched_setscheduler(c_int, c_int, *const c_int);
}

// The process and its group have one number.
returns! { 1, c_int:
    getpgrp();
    getpgid(c_int);
    get_nprocs();
    get_nprocs_conf();
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setpgid(process: c_int, group: c_int) -> c_int {
    if matches!(process, 0 | 1) && matches!(group, 0 | 1) {
        0
    } else {
        fail(errno::ESRCH)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setpgrp() -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sched_getparam(_process: c_int, priority: *mut c_int) -> c_int {
    // SAFETY: the caller gives a place for the parameters, which are a priority.
    unsafe { *priority = 0 };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sched_rr_get_interval(_process: c_int, interval: *mut TimeSpec) -> c_int {
    // SAFETY: the caller gives a place for the interval.
    unsafe { *interval = TimeSpec::of_ns(0) };
    0
}

static NICENESS: SingleThreadCell<c_int> = SingleThreadCell::new(0);
const NICENESS_RANGE: (c_int, c_int) = (-20, 19);

/// The number is kept; nobody competes for the processor.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn nice(increment: c_int) -> c_int {
    let value = NICENESS
        .read()
        .saturating_add(increment)
        .clamp(NICENESS_RANGE.0, NICENESS_RANGE.1);
    NICENESS.set(value);
    value
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getpriority(which: c_int, _who: c_uint) -> c_int {
    if (0..=2).contains(&which) {
        NICENESS.read()
    } else {
        fail(errno::EINVAL)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setpriority(which: c_int, _who: c_uint, value: c_int) -> c_int {
    if !(0..=2).contains(&which) {
        return fail(errno::EINVAL);
    }
    NICENESS.set(value.clamp(NICENESS_RANGE.0, NICENESS_RANGE.1));
    0
}

const RLIMIT_STACK: c_int = 3;
const RLIMIT_CORE: c_int = 4;
const RLIMIT_NOFILE: c_int = 7;
const RLIMIT_LAST: c_int = 15;
const INFINITY: u64 = u64::MAX;
const STACK_BYTES: u64 = 8 << 20;
const OPEN_FILES: c_long = DESCRIPTOR_LIMIT as c_long;

/// The limits that are in force; none can be raised.
fn limit_of(resource: c_int) -> u64 {
    match resource {
        RLIMIT_STACK => STACK_BYTES,
        RLIMIT_CORE => 0,
        RLIMIT_NOFILE => OPEN_FILES as u64,
        _ => INFINITY,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getrlimit(resource: c_int, limit: *mut [u64; 2]) -> c_int {
    if !(0..=RLIMIT_LAST).contains(&resource) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller gives a place for both limits.
    unsafe { *limit = [limit_of(resource); 2] };
    0
}

/// A limit that is not below what is in force changes nothing; others cannot be enforced.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn setrlimit(resource: c_int, limit: *const [u64; 2]) -> c_int {
    if !(0..=RLIMIT_LAST).contains(&resource) {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller passes both limits.
    let [soft, hard] = unsafe { *limit };
    if soft > hard {
        return fail(errno::EINVAL);
    }
    if soft == limit_of(resource) {
        0
    } else {
        fail(errno::EPERM)
    }
}

/// `struct rusage`.
#[repr(C)]
struct Usage {
    user: TimeVal,
    system: TimeVal,
    greatest_kib: c_long,
    rest: [c_long; 13],
}

/// The process has had the processor since it started.
fn used_ns() -> u64 {
    waiting::deliver_expired();
    platform().monotonic_ns()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getrusage(who: c_int, usage: *mut Usage) -> c_int {
    const CHILDREN: c_int = -1;
    let (used, bytes) = match who {
        0 | 1 => (used_ns(), crate::heap::heap_bytes()),
        CHILDREN => (0, 0),
        _ => return fail(errno::EINVAL),
    };
    // SAFETY: the caller gives a place for the usage.
    unsafe {
        *usage = Usage {
            user: TimeVal::of_ns(used),
            system: TimeVal::of_ns(0),
            greatest_kib: (bytes / 1024) as c_long,
            rest: [0; 13],
        };
    }
    0
}

const TICKS_PER_SECOND: c_long = 100;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn times(result: *mut [c_long; 4]) -> c_long {
    let ticks = (used_ns() / (1_000_000_000 / TICKS_PER_SECOND as u64)) as c_long;
    if !result.is_null() {
        // SAFETY: the caller gives null or a place for the four times.
        unsafe { *result = [ticks, 0, 0, 0] };
    }
    ticks
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getloadavg(averages: *mut f64, count: c_int) -> c_int {
    let count = count.clamp(0, 3);
    for index in 0..count as usize {
        // SAFETY: the caller gives `count` places.
        unsafe { *averages.add(index) = 0.0 };
    }
    count
}

/// `struct sysinfo`.
#[repr(C)]
struct SystemInformation {
    up_seconds: c_long,
    loads: [c_ulong; 3],
    memory: [c_ulong; 6],
    processes: u16,
    high_memory: [c_ulong; 2],
    unit_bytes: c_uint,
}

/// How much memory there is in all is not known here: what is in use is said to be all of it.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sysinfo(result: *mut SystemInformation) -> c_int {
    // SAFETY: the caller gives a place for the information.
    unsafe {
        *result = SystemInformation {
            up_seconds: (platform().monotonic_ns() / 1_000_000_000) as c_long,
            loads: [0; 3],
            memory: [crate::heap::heap_bytes() as c_ulong, 0, 0, 0, 0, 0],
            processes: 1,
            high_memory: [0; 2],
            unit_bytes: 1,
        };
    }
    0
}

/// What has no limit.
const UNLIMITED: c_long = -1;

/// The value of a name of `unistd.h`, or none if the name is unknown.
fn configuration(name: c_int) -> Option<c_long> {
    const POSIX_VERSION: c_long = 200_809;
    Some(match name {
        0 => 131_072,
        // Rust's standard library asks by glibc's number.
        1 | 30 => c_long::try_from(platform().page_size_bytes()).unwrap_or(4096),
        2 => TICKS_PER_SECOND,
        3 | 8 | 9 => UNLIMITED,
        4 => 32,
        5 => OPEN_FILES,
        6 => 16,
        7 => 6,
        29 | 46 | 67 | 149 => POSIX_VERSION,
        43 => 2048,
        44 => 32_767,
        60 => 1024,
        69 | 70 => 1024,
        71 => 256,
        72 => 32,
        74 => 1024,
        75 => 16384,
        76 | 83 | 84 => 1,
        85 | 86 => UNLIMITED,
        87 => c_long::from(c_int::MAX),
        89 => 700,
        173 => 40,
        180 => 64,
        190 => 64,
        _ => return None,
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sysconf(name: c_int) -> c_long {
    configuration(name).unwrap_or_else(|| c_long::from(fail(errno::EINVAL)))
}

fn path_configuration(name: c_int) -> c_long {
    match name {
        0 => 1,
        1 | 2 => 255,
        3 => 255,
        4 => 4096,
        5 => 4096,
        6 | 7 => 1,
        8 => 0,
        _ => c_long::from(fail(errno::EINVAL)),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pathconf(_path: *const c_char, name: c_int) -> c_long {
    path_configuration(name)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fpathconf(_descriptor: c_int, name: c_int) -> c_long {
    path_configuration(name)
}

/// The search path of the utilities, which are not there.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn confstr(name: c_int, buffer: *mut c_char, size: usize) -> usize {
    const PATH: &CStr = c"/bin:/usr/bin";
    if name != 0 {
        errno::set(errno::EINVAL);
        return 0;
    }
    if size != 0 {
        // SAFETY: the caller gives `size` bytes.
        unsafe { cstr::store(PATH.to_bytes(), buffer, size) };
    }
    PATH.count_bytes() + 1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getdtablesize() -> c_int {
    OPEN_FILES as c_int
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn gethostid() -> c_long {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getdomainname(name: *mut c_char, size: usize) -> c_int {
    // SAFETY: the caller gives `size` bytes.
    if unsafe { cstr::store(b"(none)", name, size) } {
        0
    } else {
        fail(errno::EINVAL)
    }
}

/// No terminal can hide what is typed.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getpass(_prompt: *const c_char) -> *mut c_char {
    errno::set(errno::ENXIO);
    ptr::null_mut()
}

/// There is no break to move: memory comes from the heap and from `mmap`.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sbrk(_increment: isize) -> *mut c_void {
    errno::set(errno::ENOMEM);
    usize::MAX as *mut c_void
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn brk(_end: *mut c_void) -> c_int {
    fail(errno::ENOMEM)
}

/// The name of the thread is all that can be set and read.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn prctl(option: c_int, argument: *mut c_char) -> c_int {
    const SET_NAME: c_int = 15;
    const GET_NAME: c_int = 16;
    const NAME_BYTES: usize = 16;
    // SAFETY: the caller passes a name, or 16 bytes for one.
    let result = unsafe {
        match option {
            SET_NAME => super::threads::set_name(cstr::bytes(argument)),
            GET_NAME => super::threads::pthread_getname_np(1, argument, NAME_BYTES),
            _ => errno::EINVAL,
        }
    };
    if result == 0 { 0 } else { fail(result) }
}

/// What `openlog` has set.
struct Log {
    identity: *const c_char,
    options: c_int,
    mask: c_int,
}

static LOG: SingleThreadCell<Log> = SingleThreadCell::new(Log {
    identity: ptr::null(),
    options: 0,
    mask: 0xff,
});

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn openlog(identity: *const c_char, options: c_int, _facility: c_int) {
    LOG.with(|log| {
        log.identity = identity;
        log.options = options;
    });
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn closelog() {
    LOG.with(|log| {
        log.identity = ptr::null();
        log.options = 0;
    });
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setlogmask(mask: c_int) -> c_int {
    LOG.with(|log| {
        let before = log.mask;
        if mask != 0 {
            log.mask = mask;
        }
        before
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn vsyslog(priority: c_int, format: *const c_char, arguments: *mut c_void) {
    const LOG_PID: c_int = 1;
    let (identity, options, mask) = LOG.with(|log| (log.identity, log.options, log.mask));
    if mask & 1 << (priority & 7) == 0 {
        return;
    }
    let mut prefix = String::new();
    if !identity.is_null() {
        // SAFETY: `openlog` was given a C string that lives on.
        prefix.push_str(&String::from_utf8_lossy(unsafe { cstr::bytes(identity) }));
    }
    if options & LOG_PID != 0 {
        prefix.push_str("[1]");
    }
    if !prefix.is_empty() {
        prefix.push_str(": ");
    }
    // SAFETY: the caller passes a format and its arguments.
    unsafe { super::messages::print_line(&prefix, format, arguments, None) };
}

/// Writes to standard error, behind what was written to standard output.
pub(super) fn write_error(parts: &[&[u8]]) {
    crate::stdio::flush();
    for part in parts {
        platform().console_write(Stream::Error, part);
    }
}

/// The digits of POSIX's radix-64 notation.
const DIGITS_64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS_64_LIMIT: usize = 6;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn a64l(text: *const c_char) -> c_long {
    // SAFETY: the caller passes a C string.
    let digits = unsafe { cstr::bytes(text) }.iter().take(DIGITS_64_LIMIT);
    let mut number = 0_u32;
    for (index, digit) in digits.enumerate() {
        let Some(value) = DIGITS_64.iter().position(|known| known == digit) else {
            break;
        };
        number |= (value as u32).wrapping_shl(6 * index as u32);
    }
    c_long::from(number.cast_signed())
}

static RADIX_64: SingleThreadCell<[u8; DIGITS_64_LIMIT + 1]> =
    SingleThreadCell::new([0; DIGITS_64_LIMIT + 1]);

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn l64a(number: c_long) -> *mut c_char {
    let mut rest = number as u32;
    RADIX_64.with(|text| {
        text.fill(0);
        for digit in text.iter_mut().take(DIGITS_64_LIMIT) {
            if rest == 0 {
                break;
            }
            *digit = DIGITS_64[rest as usize % 64];
            rest /= 64;
        }
    });
    RADIX_64.get().cast()
}
