//! The format of snapshots, their folder, and power cuts.

#[path = "../../../volume/tests/volume/disks.rs"]
#[expect(dead_code, reason = "the tests of the volume use all of it")]
mod disks;
mod format;
mod goldens;
mod power_cuts;
mod refusals;
mod sample;
#[path = "../../../volume/tests/volume/simulation.rs"]
mod simulation;
mod store;
