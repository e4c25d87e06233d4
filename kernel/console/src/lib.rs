//! The text screen and the editing of input lines, as plain logic.
//!
//! 1. The screen is a picture in memory; whoever owns the display copies it there now and then.
//! 2. Input is line by line, as on a terminal: what is typed can be corrected until Enter.
//!
//! It never touches a device.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod line;
mod screen;

pub use line::{Echo, LineEditor};
pub use screen::{CELLS, COLUMNS, ROWS, Screen, shown};
