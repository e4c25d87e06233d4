//! The volume against others that read and write FAT, against power cuts, and against bad disks.

mod agreement;
mod bad_input;
mod disks;
mod hadris_order;
mod open_files;
mod power_cuts;
mod refusals;
mod simulation;
