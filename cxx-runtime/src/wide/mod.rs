//! Wide characters: `wchar_t` is a Unicode code point, and multibyte characters are UTF-8 in every locale.

mod classes;
mod multibyte;
mod strings;
mod time;
mod unicode;

pub(crate) use classes::is_space;
pub(crate) use multibyte::multibyte_length;

/// What no wide character is.
pub(crate) const WEOF: u32 = u32::MAX;

/// Bytes that [`encode_any`] needs at most.
pub(crate) const ENCODED_BYTES: usize = 7;

/// The UTF-8 of a character; `None` if it is no Unicode scalar value.
pub(crate) fn encode(unit: u32, buffer: &mut [u8; ENCODED_BYTES]) -> Option<&[u8]> {
    let character = char::from_u32(unit)?;
    Some(character.encode_utf8(buffer).as_bytes())
}

/// UTF-8 continued to 32 bits, for values that may be no characters and stay inside the library.
pub(crate) fn encode_any(unit: u32, buffer: &mut [u8; ENCODED_BYTES]) -> &[u8] {
    let length = match unit {
        0..0x80 => {
            buffer[0] = unit as u8;
            return &buffer[..1];
        }
        0x80..0x800 => 2,
        0x800..0x1_0000 => 3,
        0x1_0000..0x20_0000 => 4,
        0x20_0000..0x400_0000 => 5,
        0x400_0000..0x8000_0000 => 6,
        _ => 7,
    };
    let mut rest = unit;
    for place in buffer[1..length].iter_mut().rev() {
        *place = 0x80 | (rest & 0x3f) as u8;
        rest >>= 6;
    }
    buffer[0] = !(0xff_u8 >> length) | rest as u8;
    &buffer[..length]
}

/// How many characters these whole multibyte characters are.
pub(crate) fn character_count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// A wide string without its zero.
///
/// # Safety
/// The text must end with a zero and live for `'a`.
pub(crate) unsafe fn units<'a>(text: *const u32) -> &'a [u32] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut length = 0;
        while *text.add(length) != 0 {
            length += 1;
        }
        core::slice::from_raw_parts(text, length)
    }
}

/// `mbstate_t`: a character of which some bytes are known. All zero is the initial state.
///
/// The highest byte says how many bytes are still missing and how many there are in all; below are the bits that are
/// known. Conversions to other encodings keep what they have not given out yet in the same word, marked by
/// [`State::PENDING`].
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State(u32);

impl State {
    /// Marks a state that holds what is still to be given out, not what was taken in.
    const PENDING: u32 = 1 << 31;

    /// Nothing is known.
    pub(crate) const INITIAL: Self = Self(0);

    /// Whether nothing is known.
    pub(crate) fn is_initial(self) -> bool {
        self.0 == 0
    }

    /// Takes a byte: gives the character that it completes. An error leaves the initial state.
    pub(crate) fn push(&mut self, byte: u8) -> Result<Option<u32>, ()> {
        let (missing, total, known) = (self.0 >> 24 & 3, self.0 >> 26 & 7, self.0 & 0xff_ffff);
        if missing == 0 {
            let (missing, bits) = match byte {
                0..0x80 => return Ok(Some(u32::from(byte))),
                0xc2..0xe0 => (1, byte & 0x1f),
                0xe0..0xf0 => (2, byte & 0xf),
                0xf0..0xf5 => (3, byte & 7),
                _ => return Err(()),
            };
            self.0 = missing << 24 | (missing + 1) << 26 | u32::from(bits);
            return Ok(None);
        }
        self.0 = 0;
        let value = known << 6 | u32::from(byte & 0x3f);
        let is_second = missing + 1 == total;
        // The second byte shows what is longer than it must be, a surrogate, or beyond Unicode.
        let is_wrong = byte & 0xc0 != 0x80
            || (is_second && total == 3 && (value < 0x20 || (0x360..0x380).contains(&value)))
            || (is_second && total == 4 && !(0x10..0x110).contains(&value));
        if is_wrong {
            return Err(());
        }
        if missing == 1 {
            return Ok(Some(value));
        }
        self.0 = (missing - 1) << 24 | total << 26 | value;
        Ok(None)
    }
}

/// The characters of bytes.
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Of UTF-8; what is none, or ends within a character, gives an error and the end.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Of whole characters that [`encode_any`] made.
    pub(crate) fn of_any(bytes: &'a [u8]) -> impl Iterator<Item = u32> {
        let starts = bytes.iter().enumerate();
        starts
            .filter(|(_, byte)| **byte & 0xc0 != 0x80)
            .map(|(index, first)| {
                let ones = first.leading_ones();
                let bits = if ones == 0 {
                    u32::from(*first)
                } else {
                    u32::from(*first) & (0x7f >> ones)
                };
                bytes[index + 1..]
                    .iter()
                    .take_while(|byte| **byte & 0xc0 == 0x80)
                    .fold(bits, |sum, byte| sum << 6 | u32::from(byte & 0x3f))
            })
    }
}

impl Iterator for Decoder<'_> {
    type Item = Result<u32, ()>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let mut state = State::default();
        while let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match state.push(*byte) {
                Ok(None) => {}
                Ok(Some(unit)) => return Some(Ok(unit)),
                Err(()) => break,
            }
        }
        self.rest = &[];
        Some(Err(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_encoded_and_decoded() {
        for unit in (0..0x11_0000).step_by(7) {
            let mut buffer = [0; ENCODED_BYTES];
            let encoded = encode(unit, &mut buffer).map(<[u8]>::to_vec);
            let any = encode_any(unit, &mut buffer).to_vec();
            assert_eq!(Decoder::of_any(&any).collect::<Vec<_>>(), [unit]);
            let decoded: Vec<_> = Decoder::of(&any).collect();
            match encoded {
                Some(encoded) => {
                    assert_eq!(encoded, any);
                    assert_eq!(decoded, [Ok(unit)]);
                }
                None => assert_eq!(decoded, [Err(())]),
            }
        }
        let mut buffer = [0; ENCODED_BYTES];
        let beyond = encode_any(u32::MAX, &mut buffer).to_vec();
        assert_eq!(Decoder::of_any(&beyond).collect::<Vec<_>>(), [u32::MAX]);
    }

    #[test]
    fn what_is_no_utf_8_is_refused_as_rust_refuses_it() {
        for word in 0..=0xffff_u32 {
            for tail in [&[][..], &[0x80], &[0x80, 0x80]] {
                let mut bytes = vec![(word >> 8) as u8, word as u8];
                bytes.extend_from_slice(tail);
                let is_text = Decoder::of(&bytes).all(|unit| unit.is_ok());
                assert_eq!(is_text, std::str::from_utf8(&bytes).is_ok(), "{bytes:x?}");
            }
        }
    }
}
