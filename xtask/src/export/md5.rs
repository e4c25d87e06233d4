//! MD5 ([RFC 1321](https://www.rfc-editor.org/rfc/rfc1321)): LLVM knows functions by it in profiles.

const BLOCK_BYTES: usize = 64;
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
/// By how much each round rotates, in turns.
const ROTATIONS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// The first half of the digest, as LLVM takes it: little endian.
pub fn first_half(text: &[u8]) -> u64 {
    let mut bytes = text.to_vec();
    bytes.push(0x80);
    let filled = (bytes.len() + size_of::<u64>()).next_multiple_of(BLOCK_BYTES);
    bytes.resize(filled - size_of::<u64>(), 0);
    bytes.extend((text.len() as u64 * 8).to_le_bytes());
    let mut state = START;
    for block in bytes.chunks_exact(BLOCK_BYTES) {
        let mut words = [0; 16];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_le_bytes(bytes.try_into().expect("there are four"));
        }
        state = mixed(state, &words);
    }
    u64::from(state[0]) | u64::from(state[1]) << 32
}

fn mixed(state: [u32; 4], words: &[u32; 16]) -> [u32; 4] {
    let [mut a, mut b, mut c, mut d] = state;
    for step in 0..64 {
        let (round, turn) = (step / 16, step % 16);
        let (mix, word) = match round {
            0 => (b & c | !b & d, turn),
            1 => (b & d | c & !d, (5 * turn + 1) % 16),
            2 => (b ^ c ^ d, (3 * turn + 5) % 16),
            _ => (c ^ (b | !d), 7 * turn % 16),
        };
        // The RFC has a table of these.
        let sine = (f64::from(step as u32 + 1).sin().abs() * 2_f64.powi(32)) as u32;
        let sum = a
            .wrapping_add(mix)
            .wrapping_add(sine)
            .wrapping_add(words[word]);
        (a, d, c) = (d, c, b);
        b = b.wrapping_add(sum.rotate_left(ROTATIONS[round][turn % 4]));
    }
    let added = [a, b, c, d];
    std::array::from_fn(|index| state[index].wrapping_add(added[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The RFC's own tests.
    #[test]
    fn digests_are_those_of_the_rfc() {
        let digits = "1234567890".repeat(8);
        for (text, digest) in [
            ("", "d41d8cd98f00b204"),
            ("a", "0cc175b9c0f1b6a8"),
            ("message digest", "f96b697d7cb7938d"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e400"),
            (&digits, "57edf4a22be3c955"),
        ] {
            let half = first_half(text.as_bytes()).swap_bytes();
            assert_eq!(format!("{half:016x}"), digest, "{text}");
        }
    }
}
