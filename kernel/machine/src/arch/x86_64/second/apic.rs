//! The processors' own interrupt controllers (local APIC; Intel SDM volume 3, chapter 11), as far as two processors
//! need them: to start and stop the second, to call each other, and for the second's timer.

use core::arch::x86_64::__cpuid;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use x86_64::instructions::interrupts::without_interrupts;
use x86_64::registers::model_specific::Msr;

use crate::clock;

const BASE: Msr = Msr::new(0x1b);
const BASE_ENABLED: u64 = 1 << 11;
const BASE_X2: u64 = 1 << 10;
const BASE_ADDRESS: u64 = 0xf_ffff_f000;

/// Registers, by their offsets.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Register {
    Id = 0x20,
    EndOfInterrupt = 0xb0,
    Spurious = 0xf0,
    Command = 0x300,
    CommandTarget = 0x310,
    Timer = 0x320,
    LocalPin0 = 0x350,
    InitialCount = 0x380,
    CurrentCount = 0x390,
    Divider = 0x3e0,
}

const REGISTERS_SIZE_BYTES: usize = 0x400;
const SPURIOUS_VECTOR: u32 = 0xff;
const SOFTWARE_ENABLED: u32 = 1 << 8;
/// The pair of old controllers is at this pin.
const EXTERNAL: u32 = 7 << 8;
const PENDING: u32 = 1 << 12;
const INIT: u32 = 5 << 8 | ASSERTED;
const STARTUP: u32 = 6 << 8 | ASSERTED;
const ASSERTED: u32 = 1 << 14;
const PERIODIC: u32 = 1 << 17;
const DIVIDE_BY_16: u32 = 0b0011;
/// A command that is still pending then is given up.
const SENDING_LIMIT_NS: u64 = 1_000_000;

/// How the registers are reached: none, as registers of the processor, or at this address.
static PLACE: AtomicUsize = AtomicUsize::new(NONE);
/// The first processor's number.
static FIRST: AtomicU32 = AtomicU32::new(0);
const NONE: usize = 0;
const X2: usize = 1;

/// The first processor's number.
pub(super) fn first() -> u32 {
    FIRST.load(Relaxed)
}

/// The number of this processor, before anything is mapped.
pub(crate) fn initial_id() -> u32 {
    if is_x2() {
        // SAFETY: the controller is in the mode in which it has this register.
        return unsafe { x2_register(Register::Id).read() } as u32;
    }
    __cpuid(1).ebx >> 24
}

fn base() -> u64 {
    // SAFETY: every processor with 64-bit mode has the register.
    unsafe { BASE.read() }
}

fn is_x2() -> bool {
    base() & (BASE_ENABLED | BASE_X2) == BASE_ENABLED | BASE_X2
}

/// Makes the registers reachable, which `map` maps if they are memory, and lets this processor, the first one, be called.
/// False if it has no controller.
pub(super) fn open(map: impl FnOnce(u64, usize) -> Option<usize>) -> bool {
    if PLACE.load(Relaxed) != NONE {
        return true;
    }
    if base() & BASE_ENABLED == 0 {
        return false;
    }
    let place = match is_x2() {
        true => Some(X2),
        false => map(base() & BASE_ADDRESS, REGISTERS_SIZE_BYTES),
    };
    PLACE.store(place.unwrap_or(NONE), Relaxed);
    FIRST.store(initial_id(), Relaxed);
    if place.is_some() && read(Register::Spurious) & SOFTWARE_ENABLED == 0 {
        // Interrupts of the old controllers have come through as they do without a local one.
        write(Register::LocalPin0, EXTERNAL);
    }
    enable();
    place.is_some()
}

fn enable() {
    write(Register::Spurious, SOFTWARE_ENABLED | SPURIOUS_VECTOR);
}

fn x2_register(register: Register) -> Msr {
    Msr::new(0x800 + register as u32 / 16)
}

fn read(register: Register) -> u32 {
    match PLACE.load(Relaxed) {
        NONE => 0,
        // SAFETY: the controller has this register; reading it changes nothing.
        X2 => unsafe { x2_register(register).read() as u32 },
        // SAFETY: the registers are mapped there.
        place => unsafe {
            core::ptr::with_exposed_provenance::<u32>(place + register as usize).read_volatile()
        },
    }
}

fn write(register: Register, value: u32) {
    match PLACE.load(Relaxed) {
        NONE => {}
        // SAFETY: the controller has this register; what the callers write concerns interrupts, which have handlers.
        X2 => unsafe { x2_register(register).write(value.into()) },
        // SAFETY: the registers are mapped there; the rest as above.
        place => unsafe {
            core::ptr::with_exposed_provenance_mut::<u32>(place + register as usize)
                .write_volatile(value);
        },
    }
}

fn send(target: u32, command: u32) {
    if PLACE.load(Relaxed) == X2 {
        let command = u64::from(target) << 32 | u64::from(command);
        // SAFETY: see `write`.
        unsafe { x2_register(Register::Command).write(command) };
        return;
    }
    let start = clock::monotonic_ns();
    while read(Register::Command) & PENDING != 0 && clock::monotonic_ns() - start < SENDING_LIMIT_NS
    {
        core::hint::spin_loop();
    }
    write(Register::CommandTarget, target << 24);
    write(Register::Command, command);
}

/// Resets a processor.
pub(super) fn send_init(target: u32) {
    send(target, INIT);
}

/// Has a processor that was reset begin at this page.
pub(super) fn send_startup(target: u32, page: u8) {
    send(target, STARTUP | u32::from(page));
}

/// Interrupts a processor. No handler sends meanwhile: each send is of two writes.
pub(super) fn interrupt(target: u32, vector: usize) {
    without_interrupts(|| send(target, ASSERTED | vector as u32));
}

/// The handler has done its work.
pub(in crate::arch) fn end_of_interrupt() {
    write(Register::EndOfInterrupt, 0);
}

/// On the second processor: lets it be called, and starts its timer.
pub(super) fn start_timer(vector: usize, interval_ns: u64) {
    enable();
    write(Register::Divider, DIVIDE_BY_16);
    write(Register::InitialCount, u32::MAX);
    let start = clock::monotonic_ns();
    while clock::monotonic_ns() - start < interval_ns {
        core::hint::spin_loop();
    }
    let counted = u32::MAX - read(Register::CurrentCount);
    write(Register::Timer, PERIODIC | vector as u32);
    write(Register::InitialCount, counted.max(1));
}
