//! From allocations to regions.

use alloc::vec::Vec;
use core::ops::Range;

use crate::model::{Access, Allocation, Owner, PAGE_SIZE_BYTES};

/// The pages of the pool that allocations lie in, as few ranges as there can be, each with one access. The allocations come by address, and
/// those that share a page have the same access.
#[must_use]
pub fn pages_of(allocations: &[Allocation]) -> Vec<(Range<u64>, Access)> {
    let mut ranges: Vec<(Range<u64>, Access)> = Vec::new();
    for allocation in allocations
        .iter()
        .filter(|allocation| allocation.owner != Owner::Outside)
    {
        let start = allocation.address - allocation.address % PAGE_SIZE_BYTES;
        let end = (allocation.address + allocation.size_bytes).next_multiple_of(PAGE_SIZE_BYTES);
        match ranges.last_mut() {
            Some((last, access)) if start <= last.end && *access == allocation.access => {
                last.end = last.end.max(end);
            }
            _ => ranges.push((start..end, allocation.access)),
        }
    }
    ranges
}

/// The parts that are not zeros, by offset: without long runs of zeros.
#[must_use]
pub fn without_zeros(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    /// A region of its own costs some bytes, and a page of its memory.
    const SHORTEST_RUN_BYTES: usize = 64 << 10;
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (number, page) in bytes.chunks(PAGE_SIZE_BYTES as usize).enumerate() {
        let length = without_last_zeros(page).len();
        if length == 0 {
            continue;
        }
        let start = number * PAGE_SIZE_BYTES as usize;
        match parts.last_mut() {
            Some(last) if start < last.end + SHORTEST_RUN_BYTES => last.end = start + length,
            _ => parts.push(start..start + length),
        }
    }
    let parts = parts.into_iter();
    parts.map(|part| (part.start, &bytes[part])).collect()
}

/// Without the zeros at its end.
#[must_use]
pub fn without_last_zeros(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0);
    &bytes[..end.map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_of_one_access_share_a_region_and_others_do_not() {
        let allocation = |address, size_bytes, access| Allocation {
            address,
            size_bytes,
            access,
            owner: Owner::Kept,
        };
        let allocations = [
            allocation(0x1010, 0x20, Access::Read),
            allocation(0x1040, 0x1000, Access::Read),
            allocation(0x3000, 0x10, Access::ReadExecute),
            allocation(0x4000, 0x2000, Access::ReadExecute),
            allocation(0x8000, 0x10, Access::ReadExecute),
            Allocation {
                owner: Owner::Outside,
                ..allocation(0x10_0000, 0x4000, Access::ReadWrite)
            },
        ];
        assert_eq!(
            pages_of(&allocations),
            [
                (0x1000..0x3000, Access::Read),
                (0x3000..0x6000, Access::ReadExecute),
                (0x8000..0x9000, Access::ReadExecute),
            ]
        );
        assert!(pages_of(&[]).is_empty());
    }

    #[test]
    fn long_runs_of_zeros_go() {
        let mut bytes = vec![0; 300_000];
        assert!(without_zeros(&bytes).is_empty());
        bytes[5000] = 1;
        bytes[20_000] = 2;
        bytes[200_000] = 3;
        let parts = without_zeros(&bytes);
        let found: Vec<(usize, usize)> = parts.iter().map(|(at, part)| (*at, part.len())).collect();
        let page = 200_000 - 200_000 % 4096;
        assert_eq!(found, [(4096, 20_001 - 4096), (page, 200_001 - page)]);
        assert_eq!(parts[1].1.last(), Some(&3));
    }

    #[test]
    fn only_the_last_zeros_go() {
        assert_eq!(without_last_zeros(&[0, 1, 0, 2, 0, 0]), [0, 1, 0, 2]);
        assert_eq!(without_last_zeros(&[0, 0]), []);
        assert_eq!(without_last_zeros(&[]), []);
    }
}
