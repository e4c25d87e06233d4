//! What is done at each exception and interrupt.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bareflow_program_env::payload;

use crate::arch::trap::{Trap, TrapFrame, acknowledge, with_nested_page_faults};
use crate::drivers::console::{display, keyboard};
#[cfg(feature = "engine")]
use crate::second;
use crate::{console, demand_paging, fault};

/// How many timer interrupts there are between two refreshes of the display.
const REFRESH_INTERVAL: u64 = 4;

/// Called by the entries.
#[unsafe(no_mangle)]
extern "C" fn handle_trap(frame: &mut TrapFrame) {
    let trap = frame.trap();
    match trap {
        Trap::Timer => {
            on_timer();
            acknowledge(trap);
            on_tick(frame);
        }
        #[cfg(feature = "engine")]
        Trap::SecondTimer => {
            acknowledge(trap);
            on_tick(frame);
        }
        #[cfg(feature = "engine")]
        Trap::Request => {
            second::answer_request();
            acknowledge(trap);
        }
        #[cfg(feature = "engine")]
        Trap::Call => acknowledge(trap),
        Trap::Keyboard => {
            keyboard::on_interrupt();
            acknowledge(trap);
        }
        Trap::MissingPage { address } => on_missing_page(frame, address),
        Trap::ForbiddenAccess { address } => {
            with_nested_page_faults(|| fault::handle(frame, Some(address)));
        }
        Trap::Exception => fault::handle(frame, None),
        Trap::Spurious => {}
    }
}

fn on_timer() {
    static TICKS: AtomicU64 = AtomicU64::new(0);
    let ticks = TICKS.load(Relaxed) + 1;
    TICKS.store(ticks, Relaxed);
    console::on_tick();
    #[cfg(feature = "engine")]
    second::answer_request();
    if ticks.is_multiple_of(REFRESH_INTERVAL) {
        display::refresh();
    }
}

fn on_tick(frame: &mut TrapFrame) {
    let resume = payload().and_then(|payload| payload.tick(frame.instruction()));
    if let Some(resume) = resume {
        frame.go_to(resume);
    }
}

fn on_missing_page(frame: &mut TrapFrame, address: usize) {
    match demand_paging::resolve(address) {
        demand_paging::Fault::Resolved => {}
        demand_paging::Fault::Absent => {
            with_nested_page_faults(|| fault::handle_absent_page(frame, address));
        }
        demand_paging::Fault::Foreign => {
            with_nested_page_faults(|| fault::handle(frame, Some(address)));
        }
    }
}
