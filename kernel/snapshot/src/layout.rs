//! From pieces to regions.

use alloc::vec::Vec;
use core::ops::Range;

use crate::model::{Access, PAGE_SIZE_BYTES, Piece};

/// The pages that pieces lie in, as few ranges as there can be, each with one access. The pieces come by address, and
/// those that share a page have the same access.
#[must_use]
pub fn pages_of(pieces: &[Piece]) -> Vec<(Range<u64>, Access)> {
    let mut ranges: Vec<(Range<u64>, Access)> = Vec::new();
    for piece in pieces {
        let start = piece.address - piece.address % PAGE_SIZE_BYTES;
        let end = (piece.address + piece.size_bytes).next_multiple_of(PAGE_SIZE_BYTES);
        match ranges.last_mut() {
            Some((last, access)) if start <= last.end && *access == piece.access => {
                last.end = last.end.max(end);
            }
            _ => ranges.push((start..end, piece.access)),
        }
    }
    ranges
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
    use crate::model::Owner;

    #[test]
    fn pieces_of_one_access_share_a_region_and_others_do_not() {
        let piece = |address, size_bytes, access| Piece {
            address,
            size_bytes,
            access,
            owner: Owner::Kept,
        };
        let pieces = [
            piece(0x1010, 0x20, Access::Read),
            piece(0x1040, 0x1000, Access::Read),
            piece(0x3000, 0x10, Access::ReadExecute),
            piece(0x4000, 0x2000, Access::ReadExecute),
            piece(0x8000, 0x10, Access::ReadExecute),
        ];
        assert_eq!(
            pages_of(&pieces),
            [
                (0x1000..0x3000, Access::Read),
                (0x3000..0x6000, Access::ReadExecute),
                (0x8000..0x9000, Access::ReadExecute),
            ]
        );
        assert!(pages_of(&[]).is_empty());
    }

    #[test]
    fn only_the_last_zeros_go() {
        assert_eq!(without_last_zeros(&[0, 1, 0, 2, 0, 0]), [0, 1, 0, 2]);
        assert_eq!(without_last_zeros(&[0, 0]), []);
        assert_eq!(without_last_zeros(&[]), []);
    }
}
