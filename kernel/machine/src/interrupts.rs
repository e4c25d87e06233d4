//! What is done at each interrupt.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bareflow_guest::guest;

use crate::arch::trap::{TrapFrame, with_nested_page_faults};
use crate::drivers::console::display;
#[cfg(feature = "engine")]
use crate::second;
use crate::{console, demand_paging, fault};

/// How many timer interrupts there are between two refreshes of the display.
const REFRESH_INTERVAL: u64 = 4;

/// The timer, which the first processor has.
pub(crate) fn on_timer() {
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

/// The second processor wants something.
#[cfg(feature = "engine")]
pub(crate) fn on_request() {
    second::answer_request();
}

/// A tick of a processor's timer, whose handler has done its work.
pub(crate) fn on_tick(frame: &mut TrapFrame) {
    let resume = guest().and_then(|guest| guest.tick(frame.instruction()));
    if let Some(resume) = resume {
        frame.go_to(resume);
    }
}

/// A page that is not there was touched.
pub(crate) fn on_missing_page(frame: &mut TrapFrame, address: usize) {
    match demand_paging::resolve(address) {
        demand_paging::Fault::Resolved => {}
        demand_paging::Fault::Absent => {
            with_nested_page_faults(|| fault::handle_absent_page(frame, address));
        }
        demand_paging::Fault::Foreign => with_nested_page_faults(|| fault::handle(frame, address)),
    }
}
