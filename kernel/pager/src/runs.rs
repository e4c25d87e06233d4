//! Few large reads instead of many small ones.

use alloc::vec::Vec;
use core::ops::Range;

use crate::Clusters;

/// The neighbours among the clusters that are wanted and not yet in memory, from the disk's start to its end: as many
/// together as `fit` in one read, and one if not even that does.
#[must_use]
pub fn runs(
    wanted: &[u16],
    clusters: &Clusters,
    fit: impl Fn(Range<usize>) -> bool,
) -> Vec<Range<usize>> {
    let mut missing: Vec<usize> = wanted
        .iter()
        .map(|cluster| usize::from(*cluster))
        .filter(|cluster| *cluster < clusters.count() && !clusters.is_present(*cluster))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    let mut runs: Vec<Range<usize>> = Vec::new();
    for cluster in missing {
        match runs.last_mut() {
            Some(run) if run.end == cluster && fit(run.start..cluster + 1) => run.end += 1,
            _ => runs.push(cluster..cluster + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_read_together_and_nothing_twice() {
        let mut clusters = Clusters::new(100);
        clusters.set_present(6);
        let wanted = [9, 5, 6, 4, 7, 8, 50, 10, 50, 200];
        let three = |run: Range<usize>| run.len() <= 3;
        assert_eq!(
            runs(&wanted, &clusters, three),
            [4..6, 7..10, 10..11, 50..51]
        );
        assert_eq!(runs(&[], &clusters, three), []);
        assert_eq!(runs(&[8, 9], &clusters, |_| false), [8..9, 9..10]);
    }
}
