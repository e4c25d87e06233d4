//! Moments, by the time stamp counter and by the clock.

pub(crate) use crate::arch::read_clock as now;

/// A moment, by the time stamp counter and by the clock.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) cycles: u64,
    ns: u64,
}

impl Start {
    pub(crate) fn now() -> Self {
        Self {
            cycles: now(),
            ns: bareflow_cxx_runtime::platform().monotonic_ns(),
        }
    }

    /// Cycles and nanoseconds since then.
    pub(crate) fn elapsed(&self) -> (u64, u64) {
        let now = Self::now();
        (
            now.cycles.saturating_sub(self.cycles),
            now.ns.saturating_sub(self.ns),
        )
    }
}
