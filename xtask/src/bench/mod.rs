//! Benchmarks: each prints ratios measured in one run.

use std::io;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

pub mod boot;
mod hosted;
pub mod llvm_build;
pub mod loops;
pub mod memcpy;
pub mod tiers;

pub use llvm_build::BenchError;

/// User time of the child processes that `action` starts and waits for.
fn user_time_of<E: From<io::Error>>(action: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let before = children_user_time()?;
    action()?;
    Ok(children_user_time()?.saturating_sub(before))
}

fn children_user_time() -> io::Result<Duration> {
    let time = getrusage(UsageWho::RUSAGE_CHILDREN)?.user_time();
    Ok(Duration::from_micros(
        time.tv_sec().unsigned_abs() * 1_000_000 + time.tv_usec().unsigned_abs(),
    ))
}
