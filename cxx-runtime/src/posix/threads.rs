//! POSIX and ISO C threads, and semaphores, with one thread: locks are counters, and a second thread cannot be made.

use core::ffi::{c_char, c_int, c_uint, c_void};
use core::ptr;

use alloc::vec::Vec;

use super::single_thread_cell::SingleThreadCell;
use super::wait_for_ever;
use super::waiting::{self, CLOCK_REALTIME, TimeSpec};
use crate::cstr;
use crate::errno::{self, fail};
use crate::termination::{Termination, terminate};

/// The only thread's number.
const SELF: u64 = 1;

const NORMAL: c_int = 0;
const RECURSIVE: c_int = 1;
const ERROR_CHECK: c_int = 2;

/// `pthread_mutex_t`.
#[repr(C)]
pub(super) struct Mutex {
    kind: c_int,
    /// How often it is locked.
    count: c_int,
}

/// Waits until a deadline that nothing comes before; 0 if there is none to wait for.
unsafe fn time_out(clock: c_int, deadline: *const TimeSpec) -> c_int {
    // SAFETY: the caller passes a time.
    match unsafe { *deadline }.to_ns() {
        Some(ns) => {
            waiting::sleep_until(waiting::monotonic_deadline(clock, ns));
            waiting::deliver_expired();
            errno::ETIMEDOUT
        }
        None => errno::EINVAL,
    }
}

impl Mutex {
    fn try_lock(&mut self) -> c_int {
        match self.kind {
            _ if self.count == 0 => {}
            RECURSIVE if self.count == c_int::MAX => return errno::EAGAIN,
            RECURSIVE => {}
            _ => return errno::EBUSY,
        }
        self.count += 1;
        0
    }

    fn lock(&mut self) -> c_int {
        match self.try_lock() {
            errno::EBUSY if self.kind == ERROR_CHECK => errno::EDEADLK,
            errno::EBUSY => wait_for_ever("its only thread locks a mutex that it has locked"),
            result => result,
        }
    }

    fn unlock(&mut self) -> c_int {
        if self.count == 0 {
            return if self.kind == NORMAL { 0 } else { errno::EPERM };
        }
        self.count -= 1;
        0
    }
}

/// `pthread_mutexattr_t`.
#[repr(C)]
struct MutexAttributes {
    kind: c_int,
    protocol: c_int,
    shared: c_int,
    robust: c_int,
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_mutex_init(
    mutex: *mut Mutex,
    attributes: *const MutexAttributes,
) -> c_int {
    // SAFETY: the caller gives a place for the mutex, and null or attributes.
    unsafe {
        let kind = if attributes.is_null() {
            NORMAL
        } else {
            (*attributes).kind
        };
        *mutex = Mutex { kind, count: 0 };
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_mutex_destroy(mutex: *mut Mutex) -> c_int {
    // SAFETY: the caller passes a mutex.
    if unsafe { (*mutex).count } == 0 {
        0
    } else {
        errno::EBUSY
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_mutex_lock(mutex: *mut Mutex) -> c_int {
    // SAFETY: the caller passes a mutex.
    unsafe { (*mutex).lock() }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_mutex_trylock(mutex: *mut Mutex) -> c_int {
    // SAFETY: the caller passes a mutex.
    unsafe { (*mutex).try_lock() }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_mutex_timedlock(
    mutex: *mut Mutex,
    deadline: *const TimeSpec,
) -> c_int {
    // SAFETY: the caller passes a mutex and a time.
    unsafe { pthread_mutex_clocklock(mutex, CLOCK_REALTIME, deadline) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_mutex_clocklock(
    mutex: *mut Mutex,
    clock: c_int,
    deadline: *const TimeSpec,
) -> c_int {
    // SAFETY: the caller passes a mutex and a time.
    unsafe {
        match (*mutex).try_lock() {
            errno::EBUSY if (*mutex).kind == ERROR_CHECK => errno::EDEADLK,
            errno::EBUSY => time_out(clock, deadline),
            result => result,
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_mutex_unlock(mutex: *mut Mutex) -> c_int {
    // SAFETY: the caller passes a mutex.
    unsafe { (*mutex).unlock() }
}

/// No owner has ever died.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_mutex_consistent(_mutex: *mut Mutex) -> c_int {
    errno::EINVAL
}

/// Functions that make attributes as they are at first, and that have nothing to undo.
macro_rules! initialised {
    ($($init:ident and $destroy:ident of $type:ty;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $init(attributes: *mut $type) -> c_int {
                // SAFETY: the caller gives a place for them, and zeros are their first values.
                unsafe { attributes.write_bytes(0, 1) };
                0
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $destroy(_attributes: *mut $type) -> c_int {
                0
            }
        )*
    };
}

/// Functions that read and set a field.
macro_rules! fields {
    ($($get:ident and $set:ident of $type:ty, $field:ident: $kind:ty where $valid:expr;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $get(attributes: *const $type, result: *mut $kind) -> c_int {
                // SAFETY: the caller passes attributes and a place for the result.
                unsafe { *result = (*attributes).$field };
                0
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $set(attributes: *mut $type, value: $kind) -> c_int {
                let is_valid: fn(&$kind) -> bool = $valid;
                if !is_valid(&value) {
                    return errno::EINVAL;
                }
                // SAFETY: the caller passes attributes.
                unsafe { (*attributes).$field = value };
                0
            }
        )*
    };
}

/// `pthread_condattr_t`.
#[repr(C)]
struct ConditionAttributes {
    clock: c_int,
    shared: c_int,
}

/// `pthread_rwlockattr_t` and `pthread_barrierattr_t`.
#[repr(C)]
struct SharedAttribute {
    shared: c_int,
}

/// `pthread_attr_t`.
#[repr(C)]
struct ThreadAttributes {
    detach_state: c_int,
    inherit: c_int,
    policy: c_int,
    priority: c_int,
    scope: c_int,
    stack_size: usize,
    guard_size: usize,
    stack: *mut c_void,
}

initialised! {
    pthread_mutexattr_init and pthread_mutexattr_destroy of MutexAttributes;
    pthread_condattr_init and pthread_condattr_destroy of ConditionAttributes;
    pthread_rwlockattr_init and pthread_rwlockattr_destroy of SharedAttribute;
    pthread_barrierattr_init and pthread_barrierattr_destroy of SharedAttribute;
}

const LEAST_STACK_BYTES: usize = 16384;

fields! {
    pthread_mutexattr_gettype and pthread_mutexattr_settype of MutexAttributes, kind: c_int
        where |kind| (NORMAL..=ERROR_CHECK).contains(kind);
    pthread_mutexattr_getprotocol and pthread_mutexattr_setprotocol of MutexAttributes, protocol: c_int
        where |protocol| (0..=2).contains(protocol);
    pthread_mutexattr_getpshared and pthread_mutexattr_setpshared of MutexAttributes, shared: c_int
        where |shared| (0..=1).contains(shared);
    pthread_mutexattr_getrobust and pthread_mutexattr_setrobust of MutexAttributes, robust: c_int
        where |robust| (0..=1).contains(robust);
    pthread_condattr_getclock and pthread_condattr_setclock of ConditionAttributes, clock: c_int
        where |clock| waiting::is_clock(*clock);
    pthread_condattr_getpshared and pthread_condattr_setpshared of ConditionAttributes, shared: c_int
        where |shared| (0..=1).contains(shared);
    pthread_rwlockattr_getpshared and pthread_rwlockattr_setpshared of SharedAttribute, shared: c_int
        where |shared| (0..=1).contains(shared);
    pthread_barrierattr_getpshared and pthread_barrierattr_setpshared of SharedAttribute, shared: c_int
        where |shared| (0..=1).contains(shared);
    pthread_attr_getdetachstate and pthread_attr_setdetachstate of ThreadAttributes, detach_state: c_int
        where |state| (0..=1).contains(state);
    pthread_attr_getinheritsched and pthread_attr_setinheritsched of ThreadAttributes, inherit: c_int
        where |inherit| (0..=1).contains(inherit);
    pthread_attr_getschedpolicy and pthread_attr_setschedpolicy of ThreadAttributes, policy: c_int
        where |policy| (0..=2).contains(policy);
    pthread_attr_getscope and pthread_attr_setscope of ThreadAttributes, scope: c_int
        where |scope| *scope == 0;
    pthread_attr_getstacksize and pthread_attr_setstacksize of ThreadAttributes, stack_size: usize
        where |size| *size >= LEAST_STACK_BYTES;
    pthread_attr_getguardsize and pthread_attr_setguardsize of ThreadAttributes, guard_size: usize
        where |_| true;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_attr_init(attributes: *mut ThreadAttributes) -> c_int {
    // SAFETY: the caller gives a place for the attributes.
    unsafe {
        *attributes = ThreadAttributes {
            detach_state: 0,
            inherit: 0,
            policy: 0,
            priority: 0,
            scope: 0,
            stack_size: 8 << 20,
            guard_size: 4096,
            stack: ptr::null_mut(),
        };
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_attr_destroy(_attributes: *mut ThreadAttributes) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_attr_getstack(
    attributes: *const ThreadAttributes,
    stack: *mut *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: the caller passes attributes and places for the results.
    unsafe {
        *stack = (*attributes).stack;
        *size = (*attributes).stack_size;
    }
    0
}

/// The frame that the program was started from: its stack lies below.
static STACK_TOP: SingleThreadCell<usize> = SingleThreadCell::new(0);

/// Notes where the program's stack starts.
pub(super) fn set_stack_top(top: usize) {
    STACK_TOP.set(top);
}

/// The stack of the only thread, for those who look for pointers there.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_getattr_np(thread: u64, attributes: *mut ThreadAttributes) -> c_int {
    const PAGE_BYTES: usize = 4096;
    if thread != SELF {
        return errno::ESRCH;
    }
    // SAFETY: the caller gives a place for the attributes.
    unsafe {
        pthread_attr_init(attributes);
        let top = STACK_TOP.read().next_multiple_of(PAGE_BYTES);
        let start = top.saturating_sub((*attributes).stack_size);
        (*attributes).stack = ptr::with_exposed_provenance_mut(start);
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_attr_setstack(
    attributes: *mut ThreadAttributes,
    stack: *mut c_void,
    size: usize,
) -> c_int {
    if size < LEAST_STACK_BYTES {
        return errno::EINVAL;
    }
    // SAFETY: the caller passes attributes.
    unsafe {
        (*attributes).stack = stack;
        (*attributes).stack_size = size;
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_attr_getschedparam(
    attributes: *const ThreadAttributes,
    priority: *mut c_int,
) -> c_int {
    // SAFETY: the caller passes attributes and a place for the parameters, which are a priority.
    unsafe { *priority = (*attributes).priority };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_attr_setschedparam(
    attributes: *mut ThreadAttributes,
    priority: *const c_int,
) -> c_int {
    // SAFETY: the caller passes attributes and parameters, which are a priority.
    unsafe { (*attributes).priority = *priority };
    0
}

/// There is no second thread.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_create(
    _thread: *mut u64,
    _attributes: *const ThreadAttributes,
    _start: *const c_void,
    _argument: *mut c_void,
) -> c_int {
    errno::EAGAIN
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_join(thread: u64, _result: *mut *mut c_void) -> c_int {
    if thread == SELF {
        errno::EDEADLK
    } else {
        errno::ESRCH
    }
}

fn of_self(thread: u64) -> c_int {
    if thread == SELF { 0 } else { errno::ESRCH }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_detach(thread: u64) -> c_int {
    of_self(thread)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_self() -> u64 {
    SELF
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_equal(left: u64, right: u64) -> c_int {
    c_int::from(left == right)
}

/// The last thread ends the program as `exit(0)` does.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_exit(_result: *mut c_void) -> ! {
    run_cleanups();
    run_destructors();
    terminate(Termination::Exit(0))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn thrd_exit(_result: c_int) -> ! {
    pthread_exit(ptr::null_mut())
}

/// A thread that cancels itself ends at the next cancellation point: here.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_cancel(thread: u64) -> c_int {
    if thread != SELF {
        return errno::ESRCH;
    }
    if CANCEL.with(|state| state[0]) != 0 {
        return 0;
    }
    pthread_exit(ptr::null_mut())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_testcancel() {}

/// Cancellation's state and type.
static CANCEL: SingleThreadCell<[c_int; 2]> = SingleThreadCell::new([0; 2]);

unsafe fn exchange_cancel(index: usize, value: c_int, old: *mut c_int) -> c_int {
    if !(0..=1).contains(&value) {
        return errno::EINVAL;
    }
    let before = CANCEL.with(|state| core::mem::replace(&mut state[index], value));
    if !old.is_null() {
        // SAFETY: the caller gives null or a place for the old value.
        unsafe { *old = before };
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { exchange_cancel(0, state, old) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { exchange_cancel(1, kind, old) }
}

/// Nothing forks.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_atfork(
    _prepare: *const c_void,
    _parent: *const c_void,
    _child: *const c_void,
) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_once(once: *mut c_int, routine: extern "C" fn()) -> c_int {
    // SAFETY: the caller passes a once control.
    unsafe {
        if *once == 0 {
            *once = 1;
            routine();
        }
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn call_once(once: *mut c_int, routine: extern "C" fn()) {
    // SAFETY: the caller's promise.
    unsafe { pthread_once(once, routine) };
}

const NAME_BYTES: usize = 16;
static NAME: SingleThreadCell<[u8; NAME_BYTES]> =
    SingleThreadCell::new(*b"main\0\0\0\0\0\0\0\0\0\0\0\0");

/// Sets the thread's name, or returns the error.
pub(super) fn set_name(name: &[u8]) -> c_int {
    if name.len() >= NAME_BYTES {
        return errno::ERANGE;
    }
    NAME.with(|place| {
        place.fill(0);
        place[..name.len()].copy_from_slice(name);
    });
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_setname_np(thread: u64, name: *const c_char) -> c_int {
    // SAFETY: the caller passes a C string.
    match set_name(unsafe { cstr::bytes(name) }) {
        0 => of_self(thread),
        number => number,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn pthread_getname_np(
    thread: u64,
    name: *mut c_char,
    size: usize,
) -> c_int {
    if size < NAME_BYTES {
        return errno::ERANGE;
    }
    let own = NAME.read();
    // SAFETY: the caller gives `size` bytes.
    unsafe { ptr::copy_nonoverlapping(own.as_ptr().cast(), name, NAME_BYTES) };
    of_self(thread)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_getschedparam(
    thread: u64,
    policy: *mut c_int,
    priority: *mut c_int,
) -> c_int {
    // SAFETY: the caller gives places for both.
    unsafe {
        *policy = 0;
        *priority = 0;
    }
    of_self(thread)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_setschedparam(thread: u64, _policy: c_int, _priority: *const c_int) -> c_int {
    of_self(thread)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_setconcurrency(_level: c_int) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_getconcurrency() -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_getcpuclockid(thread: u64, clock: *mut c_int) -> c_int {
    const CLOCK_THREAD_CPUTIME_ID: c_int = 3;
    // SAFETY: the caller gives a place for the clock.
    unsafe { *clock = CLOCK_THREAD_CPUTIME_ID };
    of_self(thread)
}

type Destructor = Option<unsafe extern "C" fn(*mut c_void)>;

/// A key that exists.
#[derive(Clone, Copy)]
struct Key {
    destructor: Destructor,
    value: *mut c_void,
}

const KEY_LIMIT: usize = 1024;
static KEYS: SingleThreadCell<Vec<Option<Key>>> = SingleThreadCell::new(Vec::new());

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_key_create(key: *mut c_uint, destructor: Destructor) -> c_int {
    let new = Some(Key {
        destructor,
        value: ptr::null_mut(),
    });
    let index = KEYS.with(|keys| {
        if let Some(free) = keys.iter().position(Option::is_none) {
            keys[free] = new;
            return Some(free);
        }
        (keys.len() < KEY_LIMIT).then(|| {
            keys.push(new);
            keys.len() - 1
        })
    });
    let Some(index) = index else {
        return errno::EAGAIN;
    };
    // SAFETY: the caller gives a place for the key.
    unsafe { *key = index as c_uint };
    0
}

/// Calls `action` with a key that exists.
fn with_key<R>(key: c_uint, action: impl FnOnce(&mut Option<Key>) -> R) -> Option<R> {
    KEYS.with(|keys| {
        let slot = keys.get_mut(key as usize)?;
        slot.is_some().then(|| action(slot))
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_key_delete(key: c_uint) -> c_int {
    with_key(key, |slot| *slot = None).map_or(errno::EINVAL, |()| 0)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_getspecific(key: c_uint) -> *mut c_void {
    with_key(key, |slot| slot.map_or(ptr::null_mut(), |key| key.value)).unwrap_or(ptr::null_mut())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_setspecific(key: c_uint, value: *mut c_void) -> c_int {
    with_key(key, |slot| {
        if let Some(key) = slot {
            key.value = value;
        }
    })
    .map_or(errno::EINVAL, |()| 0)
}

const DESTRUCTOR_ROUNDS: usize = 4;

/// Calls the destructors of values that are not null, again while they leave new ones.
fn run_destructors() {
    for _ in 0..DESTRUCTOR_ROUNDS {
        let mut index = 0;
        let mut has_called = false;
        while index < KEYS.with(|keys| keys.len()) {
            let key = KEYS.with(|keys| {
                let key = keys[index].as_mut()?;
                let value = core::mem::replace(&mut key.value, ptr::null_mut());
                key.destructor
                    .filter(|_| !value.is_null())
                    .map(|destructor| (destructor, value))
            });
            if let Some((destructor, value)) = key {
                has_called = true;
                // SAFETY: the program registered it for the values of this key.
                unsafe { destructor(value) };
            }
            index += 1;
        }
        if !has_called {
            break;
        }
    }
}

/// `struct __bareflow_cleanup`.
#[repr(C)]
struct Cleanup {
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
    outer: *mut Cleanup,
}

static CLEANUPS: SingleThreadCell<*mut Cleanup> = SingleThreadCell::new(ptr::null_mut());

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __bareflow_cleanup_push(cleanup: *mut Cleanup) {
    // SAFETY: the macro passes a cleanup that lives until it is popped.
    unsafe { (*cleanup).outer = CLEANUPS.read() };
    CLEANUPS.set(cleanup);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __bareflow_cleanup_pop(cleanup: *mut Cleanup, execute: c_int) {
    // SAFETY: the macro passes what it has pushed.
    unsafe {
        CLEANUPS.set((*cleanup).outer);
        if execute != 0 {
            ((*cleanup).function)((*cleanup).argument);
        }
    }
}

fn run_cleanups() {
    loop {
        let innermost = CLEANUPS.read();
        if innermost.is_null() {
            break;
        }
        // SAFETY: the frames that have pushed the cleanups have not returned.
        unsafe { __bareflow_cleanup_pop(innermost, 1) };
    }
}

/// As at the start of a program.
pub(super) fn reset() {
    KEYS.with(Vec::clear);
    CLEANUPS.set(ptr::null_mut());
    CANCEL.set([0; 2]);
}

/// `pthread_cond_t`.
#[repr(C)]
struct Condition {
    clock: c_int,
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_cond_init(
    condition: *mut Condition,
    attributes: *const ConditionAttributes,
) -> c_int {
    // SAFETY: the caller gives a place for the condition, and null or attributes.
    unsafe {
        let clock = if attributes.is_null() {
            CLOCK_REALTIME
        } else {
            (*attributes).clock
        };
        *condition = Condition { clock };
    }
    0
}

/// Nobody waits.
macro_rules! nobody_waits {
    ($($name:ident)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name(_: *mut c_void) -> c_int {
                0
            }
        )*
    };
}

nobody_waits! {
    pthread_cond_destroy pthread_cond_signal pthread_cond_broadcast pthread_rwlock_destroy pthread_spin_destroy
    pthread_barrier_destroy cnd_signal cnd_broadcast cnd_destroy mtx_destroy sem_destroy
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pthread_cond_wait(_condition: *mut Condition, _mutex: *mut Mutex) -> c_int {
    wait_for_ever("for a condition that no other thread can signal")
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_cond_timedwait(
    condition: *mut Condition,
    _mutex: *mut Mutex,
    deadline: *const TimeSpec,
) -> c_int {
    // SAFETY: the caller passes a condition and a time.
    unsafe { time_out((*condition).clock, deadline) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_cond_clockwait(
    _condition: *mut Condition,
    _mutex: *mut Mutex,
    clock: c_int,
    deadline: *const TimeSpec,
) -> c_int {
    // SAFETY: the caller passes a time.
    unsafe { time_out(clock, deadline) }
}

/// `pthread_rwlock_t`.
#[repr(C)]
struct ReadWriteLock {
    readers: c_int,
    writer: c_int,
}

impl ReadWriteLock {
    fn try_read(&mut self) -> c_int {
        if self.writer != 0 {
            return errno::EBUSY;
        }
        self.readers += 1;
        0
    }

    fn try_write(&mut self) -> c_int {
        if self.writer != 0 || self.readers != 0 {
            return errno::EBUSY;
        }
        self.writer = 1;
        0
    }
}

/// The owner is the caller itself.
fn or_deadlock(result: c_int) -> c_int {
    if result == errno::EBUSY {
        errno::EDEADLK
    } else {
        result
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_rwlock_init(
    lock: *mut ReadWriteLock,
    _attributes: *const SharedAttribute,
) -> c_int {
    // SAFETY: the caller gives a place for the lock.
    unsafe {
        *lock = ReadWriteLock {
            readers: 0,
            writer: 0,
        };
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_rwlock_rdlock(lock: *mut ReadWriteLock) -> c_int {
    // SAFETY: the caller passes a lock.
    or_deadlock(unsafe { (*lock).try_read() })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_rwlock_tryrdlock(lock: *mut ReadWriteLock) -> c_int {
    // SAFETY: the caller passes a lock.
    unsafe { (*lock).try_read() }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_rwlock_wrlock(lock: *mut ReadWriteLock) -> c_int {
    // SAFETY: the caller passes a lock.
    or_deadlock(unsafe { (*lock).try_write() })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_rwlock_trywrlock(lock: *mut ReadWriteLock) -> c_int {
    // SAFETY: the caller passes a lock.
    unsafe { (*lock).try_write() }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_rwlock_timedrdlock(
    lock: *mut ReadWriteLock,
    _deadline: *const TimeSpec,
) -> c_int {
    // SAFETY: the caller passes a lock.
    or_deadlock(unsafe { (*lock).try_read() })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_rwlock_timedwrlock(
    lock: *mut ReadWriteLock,
    _deadline: *const TimeSpec,
) -> c_int {
    // SAFETY: the caller passes a lock.
    or_deadlock(unsafe { (*lock).try_write() })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_rwlock_unlock(lock: *mut ReadWriteLock) -> c_int {
    // SAFETY: the caller passes a lock.
    let lock = unsafe { &mut *lock };
    if lock.writer != 0 {
        lock.writer = 0;
    } else if lock.readers != 0 {
        lock.readers -= 1;
    } else {
        return errno::EPERM;
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_spin_init(lock: *mut c_int, _shared: c_int) -> c_int {
    // SAFETY: the caller gives a place for the lock.
    unsafe { *lock = 0 };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_spin_trylock(lock: *mut c_int) -> c_int {
    // SAFETY: the caller passes a lock.
    if unsafe { lock.replace(1) } == 0 {
        0
    } else {
        errno::EBUSY
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_spin_lock(lock: *mut c_int) -> c_int {
    // SAFETY: the caller passes a lock.
    or_deadlock(unsafe { pthread_spin_trylock(lock) })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_spin_unlock(lock: *mut c_int) -> c_int {
    // SAFETY: the caller passes a lock.
    unsafe { *lock = 0 };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_barrier_init(
    barrier: *mut c_uint,
    _attributes: *const SharedAttribute,
    count: c_uint,
) -> c_int {
    if count == 0 {
        return errno::EINVAL;
    }
    // SAFETY: the caller gives a place for the barrier.
    unsafe { *barrier = count };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_barrier_wait(barrier: *mut c_uint) -> c_int {
    const SERIAL_THREAD: c_int = -1;
    // SAFETY: the caller passes a barrier.
    if unsafe { *barrier } == 1 {
        SERIAL_THREAD
    } else {
        wait_for_ever("at a barrier for other threads")
    }
}

const THRD_SUCCESS: c_int = 0;
const THRD_BUSY: c_int = 1;
const THRD_ERROR: c_int = 2;
const THRD_TIMED_OUT: c_int = 4;

/// What ISO C calls a result of POSIX.
fn iso(result: c_int) -> c_int {
    match result {
        0 => THRD_SUCCESS,
        errno::EBUSY => THRD_BUSY,
        errno::ETIMEDOUT => THRD_TIMED_OUT,
        _ => THRD_ERROR,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn thrd_create(
    _thread: *mut u64,
    _start: *const c_void,
    _argument: *mut c_void,
) -> c_int {
    THRD_ERROR
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn thrd_current() -> u64 {
    SELF
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn thrd_detach(thread: u64) -> c_int {
    iso(of_self(thread))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn thrd_equal(left: u64, right: u64) -> c_int {
    pthread_equal(left, right)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn thrd_join(_thread: u64, _result: *mut c_int) -> c_int {
    THRD_ERROR
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn thrd_yield() {}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mtx_init(mutex: *mut Mutex, kind: c_int) -> c_int {
    // Its bit for recursion is that of ours; the bit for time changes nothing.
    let kind = kind & RECURSIVE;
    // SAFETY: the caller gives a place for the mutex.
    unsafe { *mutex = Mutex { kind, count: 0 } };
    THRD_SUCCESS
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mtx_lock(mutex: *mut Mutex) -> c_int {
    // SAFETY: the caller passes a mutex.
    iso(unsafe { (*mutex).lock() })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mtx_timedlock(mutex: *mut Mutex, deadline: *const TimeSpec) -> c_int {
    // SAFETY: the caller passes a mutex and a time.
    iso(unsafe { pthread_mutex_timedlock(mutex, deadline) })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mtx_trylock(mutex: *mut Mutex) -> c_int {
    // SAFETY: the caller passes a mutex.
    iso(unsafe { (*mutex).try_lock() })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mtx_unlock(mutex: *mut Mutex) -> c_int {
    // SAFETY: the caller passes a mutex.
    iso(unsafe { (*mutex).unlock() })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn cnd_init(condition: *mut Condition) -> c_int {
    // SAFETY: the caller gives a place for the condition.
    unsafe { pthread_cond_init(condition, ptr::null()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn cnd_wait(condition: *mut Condition, mutex: *mut Mutex) -> c_int {
    pthread_cond_wait(condition, mutex)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn cnd_timedwait(
    condition: *mut Condition,
    mutex: *mut Mutex,
    deadline: *const TimeSpec,
) -> c_int {
    // SAFETY: the caller's promises.
    iso(unsafe { pthread_cond_timedwait(condition, mutex, deadline) })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn tss_create(key: *mut c_uint, destructor: Destructor) -> c_int {
    // SAFETY: the caller gives a place for the key.
    iso(unsafe { pthread_key_create(key, destructor) })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn tss_delete(key: c_uint) {
    pthread_key_delete(key);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn tss_get(key: c_uint) -> *mut c_void {
    pthread_getspecific(key)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn tss_set(key: c_uint, value: *mut c_void) -> c_int {
    iso(pthread_setspecific(key, value))
}

const SEM_VALUE_MAX: c_uint = 0x7fff_ffff;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sem_init(semaphore: *mut c_uint, _shared: c_int, value: c_uint) -> c_int {
    if value > SEM_VALUE_MAX {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller gives a place for the semaphore.
    unsafe { *semaphore = value };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sem_getvalue(semaphore: *const c_uint, value: *mut c_int) -> c_int {
    // SAFETY: the caller passes a semaphore and a place for the value.
    unsafe { *value = (*semaphore).cast_signed() };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sem_post(semaphore: *mut c_uint) -> c_int {
    // SAFETY: the caller passes a semaphore.
    unsafe {
        if *semaphore == SEM_VALUE_MAX {
            return fail(errno::EOVERFLOW);
        }
        *semaphore += 1;
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sem_trywait(semaphore: *mut c_uint) -> c_int {
    // SAFETY: the caller passes a semaphore.
    unsafe {
        if *semaphore == 0 {
            return fail(errno::EAGAIN);
        }
        *semaphore -= 1;
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sem_timedwait(semaphore: *mut c_uint, deadline: *const TimeSpec) -> c_int {
    // SAFETY: the caller passes a semaphore and a time.
    unsafe { sem_clockwait(semaphore, CLOCK_REALTIME, deadline) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sem_clockwait(
    semaphore: *mut c_uint,
    clock: c_int,
    deadline: *const TimeSpec,
) -> c_int {
    // SAFETY: the caller passes a semaphore and a time.
    unsafe {
        if sem_trywait(semaphore) == 0 {
            return 0;
        }
        fail(time_out(clock, deadline))
    }
}

/// A handler of a timer may post.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sem_wait(semaphore: *mut c_uint) -> c_int {
    // SAFETY: the caller passes a semaphore.
    while unsafe { sem_trywait(semaphore) } != 0 {
        if waiting::wait_for_timer().is_none() {
            wait_for_ever("at a semaphore that no other thread can post");
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutexes_are_of_three_kinds() {
        let mut recursive = Mutex {
            kind: RECURSIVE,
            count: 0,
        };
        assert_eq!((recursive.lock(), recursive.lock()), (0, 0));
        assert_eq!((recursive.unlock(), recursive.unlock()), (0, 0));
        assert_eq!(recursive.unlock(), errno::EPERM);
        let mut checked = Mutex {
            kind: ERROR_CHECK,
            count: 0,
        };
        assert_eq!(checked.lock(), 0);
        assert_eq!(checked.lock(), errno::EDEADLK);
        assert_eq!(checked.try_lock(), errno::EBUSY);
        assert_eq!(checked.unlock(), 0);
    }

    #[test]
    #[should_panic(expected = "the program waits for ever: its only thread locks a mutex")]
    fn a_normal_mutex_says_that_it_is_locked_twice() {
        crate::platform::test_platform::install();
        let mut normal = Mutex {
            kind: NORMAL,
            count: 0,
        };
        assert_eq!(normal.lock(), 0);
        normal.lock();
    }

    #[test]
    fn keys_are_used_again_and_their_destructors_are_called() {
        use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        unsafe extern "C" fn note(value: *mut c_void) {
            SEEN.fetch_add(value as usize, Relaxed);
        }
        let (mut first, mut second) = (0, 0);
        // SAFETY: both are places for a key.
        unsafe {
            assert_eq!(pthread_key_create(&raw mut first, Some(note)), 0);
            assert_eq!(pthread_key_delete(first), 0);
            assert_eq!(pthread_key_create(&raw mut second, Some(note)), 0);
        }
        assert_eq!(first, second);
        assert_eq!(pthread_setspecific(second, 5 as *mut c_void), 0);
        assert_eq!(pthread_getspecific(second) as usize, 5);
        run_destructors();
        assert_eq!(SEEN.load(Relaxed), 5);
        assert_eq!(pthread_setspecific(77, ptr::null_mut()), errno::EINVAL);
    }

    #[test]
    fn locks_of_readers_and_writers() {
        let mut lock = ReadWriteLock {
            readers: 0,
            writer: 0,
        };
        assert_eq!((lock.try_read(), lock.try_read()), (0, 0));
        assert_eq!(lock.try_write(), errno::EBUSY);
        // SAFETY: it is a lock.
        unsafe {
            pthread_rwlock_unlock(&raw mut lock);
            pthread_rwlock_unlock(&raw mut lock);
            assert_eq!(pthread_rwlock_wrlock(&raw mut lock), 0);
            assert_eq!(pthread_rwlock_wrlock(&raw mut lock), errno::EDEADLK);
        }
    }
}
