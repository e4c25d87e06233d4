//! What differs by architecture. Each has a folder that defines the names in this file; everything outside compiles
//! with these alone, and names no register, no instruction and no other crate of an architecture.
//!
//! A test holds both (`tests/tests/seams`).

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
use self::x86_64 as current;

/// The processor itself.
pub(crate) mod cpu {
    pub(crate) use super::current::cpu::{
        are_interrupts_enabled, disable_interrupts, enable_features, enable_interrupts,
        fill_random, run_on_stack, set_thread_pointer, wait_for_interrupt, without_interrupts,
    };
    #[cfg(feature = "engine")]
    pub(crate) use super::current::cpu::{
        enable_interrupts_and_wait, stack_pointer, thread_pointer,
    };
}

/// The address space of devices that is not memory. An architecture without one has a window of memory that its bus
/// takes for it.
pub(crate) mod io {
    pub(crate) use super::current::io::{Port, Uart, open_uart, read_words, write_words};
}

/// Page tables.
pub(crate) mod mm {
    #[cfg(feature = "engine")]
    pub(crate) use super::current::mm::connect_copy;
    pub(crate) use super::current::mm::{
        Entry, FIRST_LARGE_SLOT, LARGE_SLOT_LIMIT, activate, attach_large, directory, flush_all,
        flush_page, upper_tables,
    };
}

/// Exceptions and interrupts.
pub(crate) mod trap {
    #[cfg(feature = "engine")]
    pub(crate) use super::current::trap::load_again;
    pub(crate) use super::current::trap::{
        HANDLER_STACK_SIZE_BYTES, HANDLER_STACKS, LONGEST_CALL_BYTES, Trap, TrapFrame, acknowledge,
        ends_call, initialise_controller, load, set_handler_stacks, with_nested_page_faults,
    };
}

/// Time.
pub(crate) mod clock {
    pub(crate) use super::current::clock::{cycles, measure_counter_hz, real_time_s, start_ticks};
}

/// The machine's end.
pub(crate) mod power {
    pub(crate) use super::current::power::off;
}

/// The second processor.
#[cfg(feature = "engine")]
pub(crate) mod second {
    pub(crate) use super::current::second::{
        Orders, become_second, call, initial_id, is_second, open, request, restart, start_ticks,
    };
}
