//! One file for each command.

pub mod bench;
pub mod cache;
pub mod ci;
pub mod converge;
pub mod disk;
pub mod doctor;
pub mod export;
pub mod files;
pub mod fuzz;
mod guest;
pub mod image;
pub mod llvm;
pub mod order;
pub mod path;
pub mod program;
pub mod release;
pub mod report;
pub mod run;
pub mod sdk;
pub mod shrink;
pub mod size;
pub mod test;
pub mod training;
