//! `cargo xtask fuzz snapshot`.
#![no_main]

use bareflow_robustness::SNAPSHOT;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| (SNAPSHOT.check)(data));
