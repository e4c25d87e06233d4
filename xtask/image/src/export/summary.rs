//! What is hot and what is cold in a program, as LLVM knows it: a summary of all counts.
//!
//! `llvm/lib/IR/ProfileSummary.cpp` of LLVM has the form, `ProfileSummaryBuilder.cpp` the shares.

use std::fmt::Write as _;

/// For each of these shares, in millionths: how many counts, the largest first, make it up, and the least of them.
const CUTOFFS: [u64; 16] = [
    10_000, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000,
    950_000, 990_000, 999_000, 999_900, 999_990, 999_999,
];
const WHOLE: u128 = 1_000_000;

/// The counts of a program.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    counts: Vec<u64>,
    function_count: usize,
    most_entries: u64,
    most_executions: u64,
}

impl Summary {
    /// Adds a function: how often it was entered, and its blocks were.
    pub fn add(&mut self, entries: u64, executions: &[u64]) {
        self.function_count += 1;
        self.most_entries = self.most_entries.max(entries);
        self.most_executions = executions
            .iter()
            .copied()
            .fold(self.most_executions, u64::max);
        self.counts.push(entries);
        self.counts.extend(executions);
    }

    /// How many functions were added.
    pub fn function_count(&self) -> usize {
        self.function_count
    }

    /// As an operand of the module's flag.
    pub fn metadata(&self) -> String {
        let mut counts = self.counts.clone();
        counts.sort_unstable_by(|left, right| right.cmp(left));
        let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
        let most = counts.first().copied().unwrap_or(0);
        let mut text = String::from("!{!{!\"ProfileFormat\", !\"InstrProf\"}");
        let fields = [
            ("TotalCount", u64::try_from(total).unwrap_or(u64::MAX)),
            ("MaxCount", most),
            ("MaxInternalCount", self.most_executions),
            ("MaxFunctionCount", self.most_entries),
            ("NumCounts", counts.len() as u64),
            ("NumFunctions", self.function_count as u64),
        ];
        for (name, value) in fields {
            // Writing to a String cannot fail.
            let _ = write!(text, ", !{{!\"{name}\", i64 {value}}}");
        }
        let mut shares = Vec::new();
        let (mut taken, mut sum, mut least) = (0, 0_u128, 0);
        for cutoff in CUTOFFS {
            while sum * WHOLE < total * u128::from(cutoff) {
                least = counts[taken];
                sum += u128::from(least);
                taken += 1;
            }
            shares.push(format!("!{{i32 {cutoff}, i64 {least}, i32 {taken}}}"));
        }
        let _ = write!(
            text,
            ", !{{!\"DetailedSummary\", !{{{}}}}}}}",
            shares.join(", ")
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_largest_counts() {
        let mut summary = Summary::default();
        summary.add(10, &[10, 900, 70]);
        summary.add(0, &[]);
        summary.add(8, &[2]);
        assert_eq!(summary.function_count(), 3);
        let text = summary.metadata();
        for part in [
            "!{!\"TotalCount\", i64 1000}, !{!\"MaxCount\", i64 900}, !{!\"MaxInternalCount\", i64 900}, \
             !{!\"MaxFunctionCount\", i64 10}, !{!\"NumCounts\", i64 7}, !{!\"NumFunctions\", i64 3}",
            "!{i32 900000, i64 900, i32 1}, !{i32 950000, i64 70, i32 2}, !{i32 990000, i64 10, i32 4}",
            "!{i32 999999, i64 2, i32 6}",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn of_nothing_there_is_one_too() {
        let text = Summary::default().metadata();
        assert!(text.contains("!{!\"TotalCount\", i64 0}"), "{text}");
        assert!(text.contains("!{i32 999999, i64 0, i32 0}"), "{text}");
    }
}
