//! What a function's code has seen of its control flow, as bytes: most of the numbers are small.

use alloc::vec::Vec;

const CONTINUES: u8 = 0x80;
const DIGIT_BITS: u32 = CONTINUES.trailing_zeros();

/// The numbers in LEB128.
#[must_use]
pub fn encode(words: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(words.len());
    for &word in words {
        let mut rest = word;
        while rest >= u64::from(CONTINUES) {
            bytes.push(rest as u8 | CONTINUES);
            rest >>= DIGIT_BITS;
        }
        bytes.push(rest as u8);
    }
    bytes
}

/// The numbers; `None` if the bytes are not some.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Vec<u64>> {
    let mut words = Vec::new();
    let (mut word, mut shift) = (0_u64, 0);
    for byte in bytes {
        let digit = u64::from(byte & !CONTINUES);
        let placed = digit.checked_shl(shift)?;
        if placed >> shift != digit {
            return None;
        }
        word |= placed;
        if byte & CONTINUES == 0 {
            words.push(word);
            (word, shift) = (0, 0);
        } else {
            shift += DIGIT_BITS;
        }
    }
    (shift == 0).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn numbers_come_back() {
        let words = [0, 1, 127, 128, 16_383, 16_384, u64::MAX, 1 << 63];
        assert_eq!(decode(&encode(&words)), Some(words.to_vec()));
        assert_eq!(encode(&[5, 300]), [5, 0xac, 2]);
        assert_eq!(decode(&[]), Some(vec![]));
    }

    #[test]
    fn other_bytes_are_no_numbers() {
        assert_eq!(decode(&[0x80]), None);
        let mut too_large = vec![0xff; 9];
        too_large.push(2);
        assert_eq!(decode(&too_large), None);
        assert_eq!(decode(&[0x80; 20]), None);
    }
}
