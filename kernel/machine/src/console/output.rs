//! The program's output: gathered, and sent when enough has come, at the next interrupt of the timer, and before the
//! machine ends or waits. What comes first is sent at once.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use bareflow_console::shown;
use bareflow_cxx_runtime::platform::Stream;

use super::{wait_until, with_ports};
use crate::drivers::console::ports::{Ports, Sent};
use crate::drivers::console::{display, serial};
use crate::single_thread_cell::SingleThreadCell;

/// What is sent at once.
const BUFFER_SIZE_BYTES: usize = 64 << 10;

/// One is filled while the device reads the other.
#[repr(C, align(4096))]
struct Buffers(UnsafeCell<[[u8; BUFFER_SIZE_BYTES]; 2]>);

// SAFETY: there is one thread, and the timer's handler touches nothing that is being copied to.
unsafe impl Sync for Buffers {}

static BUFFERS: Buffers = Buffers(UnsafeCell::new([[0; BUFFER_SIZE_BYTES]; 2]));
/// The buffer that is being filled, and how far it is.
static FILLING: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicUsize = AtomicUsize::new(0);
/// Set while bytes of the program are copied, which may fault: nothing that the fault's handler does depends on it.
static IS_COPYING: AtomicBool = AtomicBool::new(false);
/// What the device reads.
static SENT: SingleThreadCell<Option<Sent>> = SingleThreadCell::new(None);

static TICKS: AtomicU64 = AtomicU64::new(0);
static LAST_SENT: AtomicU64 = AtomicU64::new(u64::MAX);

/// Writes all of `bytes`.
pub(super) fn write(bytes: &[u8]) {
    if with_ports(|ports| ports.has_output()) != Some(true) {
        serial::write(Stream::Output, bytes);
        display::write(bytes);
        return;
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        let room = BUFFER_SIZE_BYTES - USED.load(Relaxed);
        let (part, others) = rest.split_at(rest.len().min(room));
        gather(part);
        rest = others;
        if !rest.is_empty() {
            wait_until(try_send);
        }
    }
    if LAST_SENT.load(Relaxed) != TICKS.load(Relaxed) {
        try_send();
    }
}

/// Copies to the buffer what fits in it.
fn gather(bytes: &[u8]) {
    IS_COPYING.store(true, Relaxed);
    let used = USED.load(Relaxed);
    // SAFETY: the device does not read this buffer, nobody else refers to it now, and the caller has seen that there
    // is room, which a tick in between has only made larger.
    unsafe {
        let place = BUFFERS
            .0
            .get()
            .cast::<u8>()
            .add(FILLING.load(Relaxed) * BUFFER_SIZE_BYTES + used);
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
    }
    USED.store(used + bytes.len(), Relaxed);
    IS_COPYING.store(false, Relaxed);
}

/// Sends what was gathered; `false` if the device still reads what was sent before.
fn try_send() -> bool {
    with_ports(send).unwrap_or(true)
}

/// Whether the device has taken what was sent last.
fn is_taken(ports: &mut Ports) -> bool {
    let mut sent = SENT.borrow();
    if sent.is_some_and(|sent| !ports.is_taken(sent)) {
        return false;
    }
    *sent = None;
    true
}

fn send(ports: &mut Ports) -> bool {
    if !is_taken(ports) {
        return false;
    }
    let used = USED.load(Relaxed);
    if used == 0 {
        return true;
    }
    let filling = FILLING.load(Relaxed);
    // SAFETY: this buffer is not written to before the device has taken it: the other one is filled next.
    let bytes: &'static [u8] = unsafe {
        let place = BUFFERS
            .0
            .get()
            .cast::<u8>()
            .add(filling * BUFFER_SIZE_BYTES);
        core::slice::from_raw_parts(place, used)
    };
    display::write(shown(bytes));
    *SENT.borrow() = ports.send(bytes);
    FILLING.store(1 - filling, Relaxed);
    USED.store(0, Relaxed);
    LAST_SENT.store(TICKS.load(Relaxed), Relaxed);
    true
}

/// Sends what was gathered, and waits until the device has taken it.
pub(crate) fn flush() {
    wait_until(try_send);
    wait_until(|| with_ports(is_taken).unwrap_or(true));
}

/// The timer's handler calls this.
pub(crate) fn on_tick() {
    TICKS.store(TICKS.load(Relaxed) + 1, Relaxed);
    if !IS_COPYING.load(Relaxed) {
        try_send();
    }
}
