//! The tier policy: when a unit of a program, a function or a loop, is compiled, and at which level.
//!
//! 1. A unit never goes down, and is never compiled twice at the same level.
//! 2. Counts decide: calls of a function, iterations of a loop. A threshold for each level says how many it
//!    takes; the highest level whose threshold is reached is the one. The thresholds follow from what compiling the
//!    unit costs and wins ([`Costs`]), or are settings.
//! 3. A function whose loop has reached a level is as hot as the loop.
//! 4. A level at which a compilation failed is not tried again; what is above it still may be, unless the
//!    compilation took too long.
//! 5. When the budget of compile time is spent, everything stays where it is. When the share of time that
//!    promotions may take is used up, a unit is put off.
//! 6. What needs its first code is compiled together with what it is going to call soon ([`Company`]).
//!
//! "Interpreter only" and "O3 at once" are two settings of it. It knows nothing of LLVM.
#![no_std]
#![forbid(unsafe_code)]

mod company;
mod config;
mod costs;
pub mod exchange;
mod level;
mod level_set;
mod rules;
mod unit;

pub use company::{Candidate, Company};
pub use config::{Config, ConfigError, Policy, Thresholds};
pub use costs::{Costs, Learnt, Size};
pub use level::{Capabilities, Counting, Generator, LEVELS, Level, Row, TABLE, TIERS, Tier};
pub use level_set::LevelSet;
pub use rules::Rules;
pub use unit::{Kind, Unit};
