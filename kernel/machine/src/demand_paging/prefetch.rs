//! What the last boots touched is read at once when LLVM is used first.

use bareflow_pager::runs;

use super::{PAGER, record};
use crate::memory;

/// A machine with less free memory than this reads only what it touches.
const SPARE_MEMORY_BYTES: usize = 24 << 20;

/// The first of LLVM's static constructors.
// SAFETY: the linker script puts it where functions of this kind are called once, before LLVM's own.
#[unsafe(link_section = ".late_init_array.first")]
#[used]
static PREFETCH: extern "C" fn() = prefetch;

extern "C" fn prefetch() {
    if !is_on_disk() {
        return;
    }
    let known = record::known();
    let mut pager = PAGER.borrow();
    let Some(pager) = pager.as_mut() else {
        return;
    };
    let Some(stored) = &mut pager.stored else {
        return;
    };
    let runs = runs(&known, &stored.clusters, |run| stored.fit_in_a_read(run));
    for run in runs {
        if memory::free_bytes() < SPARE_MEMORY_BYTES {
            return;
        }
        stored.read(&pager.window, run.clone());
        for cluster in run {
            stored.clusters.set_present(cluster);
        }
    }
}

fn is_on_disk() -> bool {
    let pager = PAGER.borrow();
    pager.as_ref().is_some_and(|pager| pager.stored.is_some())
}
