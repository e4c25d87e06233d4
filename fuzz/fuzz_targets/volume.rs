//! `cargo xtask fuzz volume`.
#![no_main]

use bareflow_robustness::VOLUME;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| (VOLUME.check)(data));
