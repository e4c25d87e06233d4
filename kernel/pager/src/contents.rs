//! What a cluster on the disk has in memory.

/// The `size_bytes` bytes of a cluster in memory, of which these are stored: the same bytes, or fewer, a block of LZ4,
/// which is decompressed into `buffer`. `None` if these are no such block, or if the buffer is smaller.
#[must_use]
pub fn contents<'a>(stored: &'a [u8], size_bytes: usize, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    if stored.len() == size_bytes {
        return Some(stored);
    }
    let buffer = buffer.get_mut(..size_bytes)?;
    let decompressed = lz4_flex::block::decompress_into(stored, buffer).ok()?;
    (decompressed == size_bytes).then_some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE_BYTES: usize = 16 << 10;

    /// Bytes that repeat themselves at several distances, as code does.
    fn cluster() -> Vec<u8> {
        let mut state = 1_u32;
        let mut bytes: Vec<u8> = Vec::new();
        while bytes.len() < SIZE_BYTES {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let distance = state as usize >> 18;
            if state.is_multiple_of(3) || distance >= bytes.len() {
                bytes.extend_from_slice(&state.to_le_bytes());
            } else {
                let start = bytes.len() - 1 - distance;
                let end = (start + 4 + (state as usize >> 8) % 300).min(bytes.len());
                bytes.extend_from_within(start..end);
            }
        }
        bytes.truncate(SIZE_BYTES);
        bytes
    }

    #[test]
    fn a_cluster_comes_back() {
        let mut buffer = [0; SIZE_BYTES];
        let (code, zeros) = (cluster(), vec![0; SIZE_BYTES]);
        for bytes in [&code[..], &code[..4096], &zeros] {
            let stored = lz4_flex::block::compress(bytes);
            assert!(stored.len() < bytes.len());
            assert_eq!(contents(&stored, bytes.len(), &mut buffer), Some(bytes));
        }
        assert_eq!(contents(&code, code.len(), &mut []), Some(&code[..]));
    }

    #[test]
    fn a_block_of_another_size_is_refused() {
        let mut buffer = [0; SIZE_BYTES];
        let bytes = cluster();
        let stored = lz4_flex::block::compress(&bytes);
        for size_bytes in [0, 1, 4096, SIZE_BYTES - 1, SIZE_BYTES + 1, usize::MAX] {
            assert_eq!(contents(&stored, size_bytes, &mut buffer), None);
        }
        let short = &mut buffer[..SIZE_BYTES - 1];
        assert_eq!(contents(&stored, SIZE_BYTES, short), None);
        for length in 0..stored.len() {
            assert_eq!(
                contents(&stored[..length], SIZE_BYTES, &mut buffer),
                None,
                "{length}"
            );
        }
    }

    /// Whatever is stored, it is refused or gives so many bytes.
    #[test]
    fn no_stored_bytes_do_harm() {
        let mut buffer = [0; SIZE_BYTES];
        let stored = lz4_flex::block::compress(&cluster());
        let mut refused = 0;
        for index in 0..stored.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = stored.clone();
                changed[index] ^= change;
                match contents(&changed, SIZE_BYTES, &mut buffer) {
                    Some(bytes) => assert_eq!(bytes.len(), SIZE_BYTES),
                    None => refused += 1,
                }
            }
        }
        assert!(refused > 0);
        let mut state = 7_u32;
        for _ in 0..20_000 {
            let random: Vec<u8> = (0..1 + state as usize % 60)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let size_bytes = 200;
            let bytes = contents(&random, size_bytes, &mut buffer);
            assert!(bytes.is_none_or(|bytes| bytes.len() == size_bytes));
        }
    }
}
