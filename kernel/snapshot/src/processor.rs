//! On which processors a snapshot's code runs.
//!
//! The key of a snapshot is one of two things. It may be what CPUID said, in hexadecimal words behind the vendor's name
//! of 12 characters: leaf 1 (eax, ecx, edx), leaf 7 (eax, ebx, ecx, edx), leaf 7.1 (the same), leaf 0xD.1 (eax), leaf
//! 0x80000001 (ecx, edx), then XCR0, without the bits that tell of further processors; then the code is for this very
//! processor. Or it is a level of the x86-64 psABI (<https://gitlab.com/x86-psABIs/x86-64-ABI>, table 3.1): then the
//! code runs on every processor that has it.

use alloc::vec::Vec;

/// The level that every processor has.
pub const BASELINE: &str = "x86-64";

const VENDOR_CHARACTERS: usize = 12;
const WORDS: usize = 15;

/// Words by their anchor in the key, and the bits that a level needs of them.
type Needs = [(usize, &'static [u32]); 4];

const FEATURES: usize = 1;
const STRUCTURED: usize = 4;
const EXTENDED: usize = 12;
const STATE: usize = 14;

const LEVELS: [(&str, Needs); 3] = [
    (
        "x86-64-v2",
        [
            // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT
            (FEATURES, &[0, 9, 13, 19, 20, 23]),
            (STRUCTURED, &[]),
            // LAHF and SAHF
            (EXTENDED, &[0]),
            (STATE, &[]),
        ],
    ),
    (
        "x86-64-v3",
        [
            // FMA, MOVBE, OSXSAVE, AVX, F16C
            (FEATURES, &[12, 22, 27, 28, 29]),
            // BMI1, AVX2, BMI2
            (STRUCTURED, &[3, 5, 8]),
            // LZCNT
            (EXTENDED, &[5]),
            // the registers of SSE and AVX
            (STATE, &[1, 2]),
        ],
    ),
    (
        "x86-64-v4",
        [
            (FEATURES, &[]),
            // AVX-512 F, DQ, CD, BW, VL
            (STRUCTURED, &[16, 17, 28, 30, 31]),
            (EXTENDED, &[]),
            // the registers of AVX-512
            (STATE, &[5, 6, 7]),
        ],
    ),
];

/// The levels, the lowest first.
pub fn levels() -> impl Iterator<Item = &'static str> {
    core::iter::once(BASELINE).chain(LEVELS.iter().map(|(name, _)| *name))
}

/// The level of this name.
#[must_use]
pub fn level_named(name: &str) -> Option<&'static str> {
    levels().find(|level| *level == name)
}

/// The highest level that is sure to be there with this key; the lowest if the key is not understood.
#[must_use]
pub fn level_of(key: &str) -> &'static str {
    level_named(key).unwrap_or_else(|| level_of_words(key))
}

/// Whether code for `key` runs on the processor with the key `own`.
pub(crate) fn runs_on(key: &str, own: &str) -> bool {
    let anchor = |name: &str| levels().position(|level| level == name);
    key == own || anchor(key).is_some_and(|needed| anchor(level_of(own)) >= Some(needed))
}

fn level_of_words(key: &str) -> &'static str {
    let words = match key.split_at_checked(VENDOR_CHARACTERS) {
        Some((_, words)) => words,
        None => return BASELINE,
    };
    let words: Option<Vec<u32>> = words
        .split_whitespace()
        .map(|word| u32::from_str_radix(word, 16).ok())
        .collect();
    let Some(words) = words.filter(|words| words.len() == WORDS) else {
        return BASELINE;
    };
    LEVELS
        .iter()
        .take_while(|(_, needs)| {
            needs
                .iter()
                .all(|(word, bits)| bits.iter().all(|bit| words[*word] >> bit & 1 != 0))
        })
        .last()
        .map_or(BASELINE, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    fn key(change: impl FnOnce(&mut [u32; WORDS])) -> String {
        let mut words = [u32::MAX; WORDS];
        change(&mut words);
        let words: Vec<String> = words.iter().map(|word| format!("{word:x}")).collect();
        format!("GenuineIntel {}", words.join(" "))
    }

    #[test]
    fn a_level_needs_all_of_its_features() {
        assert_eq!(level_of(&key(|_| ())), "x86-64-v4");
        assert_eq!(level_of(&key(|words| words[STATE] = 7)), "x86-64-v3");
        assert_eq!(level_of(&key(|words| words[STATE] = 3)), "x86-64-v2");
        assert_eq!(
            level_of(&key(|words| words[STRUCTURED] &= !(1 << 5))),
            "x86-64-v2"
        );
        assert_eq!(level_of(&key(|words| words[FEATURES] = 0)), BASELINE);
    }

    #[test]
    fn an_unknown_key_is_the_least_processor() {
        for key in ["", "x86-64", "GenuineIntel 1 2", "GenuineIntel x y z"] {
            assert_eq!(level_of(key), BASELINE, "{key}");
        }
    }

    #[test]
    fn code_for_a_level_runs_wherever_the_level_is() {
        let own = key(|words| words[STATE] = 7);
        assert_eq!(level_of("x86-64-v3"), "x86-64-v3");
        for level in ["x86-64", "x86-64-v2", "x86-64-v3"] {
            assert!(runs_on(level, &own), "{level}");
        }
        assert!(!runs_on("x86-64-v4", &own));
        assert!(!runs_on("x86-64-v5", &own));
        assert!(!runs_on("", &own));
        assert!(runs_on(&own, &own));
        // What was made for one processor is for no other, even if that has more.
        assert!(!runs_on(&own, &key(|_| ())));
        assert!(!runs_on("x86-64-v2", "an unknown processor"));
    }
}
