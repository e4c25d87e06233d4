//! The build automation of BareFlow.

fn main() {}
