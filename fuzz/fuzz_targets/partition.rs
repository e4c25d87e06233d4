//! `cargo xtask fuzz partition`.
#![no_main]

use bareflow_robustness::PARTITION;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| (PARTITION.check)(data));
