//! Fletcher's checksum over 32-bit words, both sums modulo 2^32: it sees exchanged words, and stage 2
//! computes it while it copies.

/// The two sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum {
    /// Of the words.
    pub low: u32,
    /// Of the intermediate values of the first sum.
    pub high: u32,
}

impl Checksum {
    /// The checksum of `bytes`, padded with zeros to whole words.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut sums = Self::default();
        sums.add(bytes);
        sums
    }

    /// Adds more words.
    pub fn add(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(4) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.low = self.low.wrapping_add(u32::from_le_bytes(word));
            self.high = self.high.wrapping_add(self.low);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(Checksum::of(&[]), Checksum { low: 0, high: 0 });
        assert_eq!(Checksum::of(&[1, 0, 0, 0, 2]), Checksum { low: 3, high: 4 });
        assert_eq!(
            Checksum::of(&[0xff; 8]),
            Checksum {
                low: u32::MAX - 1,
                high: u32::MAX - 2
            }
        );
    }

    #[test]
    fn exchanged_words_and_zeros_at_the_end_show() {
        assert_ne!(Checksum::of(b"aaaabbbb"), Checksum::of(b"bbbbaaaa"));
        assert_ne!(Checksum::of(b"aaaa"), Checksum::of(b"aaaa\0\0\0\0"));
    }

    #[test]
    fn adding_in_parts_is_the_same() {
        let bytes: [u8; 64] = core::array::from_fn(|index| index as u8);
        let mut sums = Checksum::of(&bytes[..12]);
        sums.add(&bytes[12..]);
        assert_eq!(sums, Checksum::of(&bytes));
    }
}
