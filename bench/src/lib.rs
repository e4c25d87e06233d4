//! Benchmarks: each prints ratios measured in one run.

use std::io;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

mod ahead_of_time;
pub mod baseline;
pub mod boot;
pub mod compile;
pub mod console;
pub mod edit;
pub mod floor;
pub mod generators;
mod hosted;
mod images;
pub mod libm;
pub mod llvm_build;
pub mod loops;
pub mod memcpy;
pub mod profile;
pub mod real;
mod rounds;
pub mod snapshot;
pub mod tiers;

/// User time of the child processes that `action` starts and waits for.
fn user_time_of<E: From<io::Error>>(action: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let (user, _) = children_times_of(action)?;
    Ok(user)
}

/// As [`user_time_of`], with the time that the system spent for them.
fn cpu_time_of<E: From<io::Error>>(action: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let (user, system) = children_times_of(action)?;
    Ok(user + system)
}

fn children_times_of<E: From<io::Error>>(
    action: impl FnOnce() -> Result<(), E>,
) -> Result<(Duration, Duration), E> {
    let before = children_times()?;
    action()?;
    let after = children_times()?;
    Ok((
        after.0.saturating_sub(before.0),
        after.1.saturating_sub(before.1),
    ))
}

fn children_times() -> io::Result<(Duration, Duration)> {
    let duration = |time: TimeVal| {
        Duration::from_micros(
            time.tv_sec().unsigned_abs() * 1_000_000 + time.tv_usec().unsigned_abs(),
        )
    };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok((duration(usage.user_time()), duration(usage.system_time())))
}
