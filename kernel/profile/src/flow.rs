//! How control went in a program's functions, for a compiler elsewhere.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// What is known of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlFlow {
    /// Those of its functions of which something is known.
    pub functions: Vec<FunctionFlow>,
}

/// What is known of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionFlow {
    /// Its name.
    pub name: String,
    /// Its edges. Several between the same blocks are one.
    pub edges: Vec<Edge>,
    /// Its calls by address, in its order; none if nothing is known of them.
    pub calls: Vec<Call>,
}

/// Where blocks lead from and to that are none of the function's: its caller.
pub const OUTSIDE: u32 = 0;

/// An edge of a function's control flow. Its blocks have numbers, from 1 on, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The block that it leaves, or [`OUTSIDE`].
    pub from: u32,
    /// The block that it enters, or [`OUTSIDE`].
    pub to: u32,
    /// How often it was taken.
    pub taken: u64,
}

/// A call by address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The function that it usually leads to, if that is one of the program's.
    pub target: Option<String>,
    /// How often it led there.
    pub times: u64,
    /// How often it was called.
    pub calls: u64,
}
