//! Which clusters are in memory, and in which order they were touched.

const BITS: usize = u64::BITS as usize;

/// The most clusters that there can be.
pub const LIMIT_CLUSTERS: usize = 4096;

/// The clusters of one image.
#[derive(Debug)]
pub struct Clusters {
    count: usize,
    /// A set bit is a cluster in memory.
    present: [u64; LIMIT_CLUSTERS / BITS],
    /// Those that were read because they were touched.
    order: [u16; LIMIT_CLUSTERS],
    touched_count: usize,
}

impl Clusters {
    /// None is in memory. Of more than [`LIMIT_CLUSTERS`] the last are never.
    #[must_use]
    pub const fn new(count: usize) -> Self {
        Self {
            count: if count < LIMIT_CLUSTERS {
                count
            } else {
                LIMIT_CLUSTERS
            },
            present: [0; LIMIT_CLUSTERS / BITS],
            order: [0; LIMIT_CLUSTERS],
            touched_count: 0,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether the cluster is in memory.
    #[must_use]
    pub const fn is_present(&self, cluster: usize) -> bool {
        cluster < self.count && self.present[cluster / BITS] >> (cluster % BITS) & 1 == 1
    }

    /// The cluster is in memory now.
    pub const fn set_present(&mut self, cluster: usize) {
        if cluster < self.count {
            self.present[cluster / BITS] |= 1 << (cluster % BITS);
        }
    }

    /// The cluster is in memory now, because it was touched.
    pub const fn set_touched(&mut self, cluster: usize) {
        if cluster < self.count && !self.is_present(cluster) {
            self.set_present(cluster);
            // The limit fits in 16 bits.
            self.order[self.touched_count] = cluster as u16;
            self.touched_count += 1;
        }
    }

    /// Those that were touched before they were in memory, in order.
    #[must_use]
    pub fn touched(&self) -> &[u16] {
        &self.order[..self.touched_count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_touches_is_kept_once_each() {
        let mut clusters = Clusters::new(200);
        clusters.set_present(9);
        for cluster in [150, 3, 9, 150, 64] {
            clusters.set_touched(cluster);
        }
        assert_eq!(clusters.touched(), [150, 3, 64]);
        for cluster in 0..200 {
            assert_eq!(
                clusters.is_present(cluster),
                [3, 9, 64, 150].contains(&cluster)
            );
        }
    }

    #[test]
    fn clusters_that_do_not_exist_stay_away() {
        let mut clusters = Clusters::new(10);
        clusters.set_touched(10);
        clusters.set_present(usize::MAX);
        assert!(clusters.touched().is_empty());
        assert!(!clusters.is_present(10));
        assert_eq!(Clusters::new(LIMIT_CLUSTERS + 1).count(), LIMIT_CLUSTERS);
    }
}
