//! Traces: how large the units of a program are and how often they were counted, to try policies on.

use std::fmt::Write as _;

use bareflow_tier_policy::Size;

use super::RunProfile;

/// A line for each unit that ran: `f` for a function or `l` for a loop, the instructions that are compiled, those that run
/// for one more in the count, and the count.
pub fn render(profile: &RunProfile) -> String {
    let mut text = String::new();
    let mut line = |kind: char, size: Option<Size>, count: u64| {
        if let Some(size) = size.filter(|_| count > 0) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{kind} {} {} {count}", size.compiled, size.executed);
        }
    };
    for function in &profile.functions {
        line('f', function.size, function.calls);
        for part in &function.loops {
            line('l', part.size, part.iterations);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::tests::fixture;

    #[test]
    fn what_has_a_size_and_ran_is_in_it() {
        assert_eq!(render(&fixture()), "f 20 12 2692537\n");
    }
}
