//! `__floattixf` and `__floatuntixf`: a signed and an unsigned 128-bit integer as an x87 extended double,
//! which Rust has no type for.
//!
//! The high word times 2^64 and the low word are both exact in 64 bits of significand, so the one
//! addition rounds once, as it must.

macro_rules! conversions {
    ($signed:literal, $unsigned:literal) => {
        core::arch::global_asm!(
            ".pushsection .rodata.bareflow_two_to_the_64, \"a\", @progbits",
            ".balign 4",
            "bareflow_two_to_the_64:",
            ".long 0x5f800000",
            ".popsection",
            concat!(".pushsection .text.", $signed, ", \"ax\", @progbits"),
            concat!(".globl ", $signed),
            concat!(".type ", $signed, ", @function"),
            concat!($signed, ":"),
            "sub rsp, 24",
            "mov [rsp], rdi",
            "mov [rsp + 8], rsi",
            "fild qword ptr [rsp + 8]",
            "jmp 3f",
            concat!(".size ", $signed, ", . - ", $signed),
            concat!(".globl ", $unsigned),
            concat!(".type ", $unsigned, ", @function"),
            concat!($unsigned, ":"),
            "sub rsp, 24",
            "mov [rsp], rdi",
            "mov [rsp + 8], rsi",
            "fild qword ptr [rsp + 8]",
            "test rsi, rsi",
            "jns 3f",
            "fadd dword ptr [rip + bareflow_two_to_the_64]",
            "3:",
            "fmul dword ptr [rip + bareflow_two_to_the_64]",
            "fild qword ptr [rsp]",
            "test rdi, rdi",
            "jns 2f",
            "fadd dword ptr [rip + bareflow_two_to_the_64]",
            "2:",
            "faddp st(1), st",
            "add rsp, 24",
            "ret",
            concat!(".size ", $unsigned, ", . - ", $unsigned),
            ".popsection",
        );
    };
}

#[cfg(not(test))]
conversions!("__floattixf", "__floatuntixf");

#[cfg(test)]
mod tests {
    use core::arch::asm;

    // The host has functions of the real names.
    conversions!("bareflow_test_floattixf", "bareflow_test_floatuntixf");

    /// The 10 bytes of an extended double: significand, then sign and exponent.
    fn bytes_of(value: u128, is_signed: bool) -> (u64, u16) {
        let mut result = [0_u8; 16];
        let (low, high) = (value as u64, (value >> 64) as u64);
        let place = result.as_mut_ptr();
        macro_rules! convert {
            ($function:literal) => {
                // SAFETY: the function takes two words, returns in st(0), which is stored and popped;
                // the place is in a register that it preserves.
                unsafe {
                    asm!(
                        concat!("call ", $function),
                        "fstp tbyte ptr [r12]",
                        in("r12") place,
                        in("rdi") low,
                        in("rsi") high,
                        clobber_abi("C"),
                    );
                }
            };
        }
        if is_signed {
            convert!("bareflow_test_floattixf");
        } else {
            convert!("bareflow_test_floatuntixf");
        }
        let significand = u64::from_le_bytes(result[..8].try_into().unwrap());
        (significand, u16::from_le_bytes([result[8], result[9]]))
    }

    /// The same by integer arithmetic: round to nearest, ties to even.
    fn expected(magnitude: u128, is_negative: bool) -> (u64, u16) {
        if magnitude == 0 {
            return (0, 0);
        }
        let length = 128 - magnitude.leading_zeros();
        let (mut significand, mut exponent) = if length <= 64 {
            (magnitude << (64 - length), length - 1)
        } else {
            let cut = length - 64;
            let (kept, rest) = (magnitude >> cut, magnitude & ((1 << cut) - 1));
            let half = 1_u128 << (cut - 1);
            let is_up = rest > half || (rest == half && kept & 1 == 1);
            (kept + u128::from(is_up), length - 1)
        };
        if significand >> 64 != 0 {
            significand >>= 1;
            exponent += 1;
        }
        let sign = if is_negative { 0x8000 } else { 0 };
        (significand as u64, sign | (16383 + exponent) as u16)
    }

    #[test]
    fn conversions_round_once() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let corners = [
            0,
            1,
            u128::MAX,
            1 << 127,
            (1 << 64) - 1,
            1 << 63,
            (1 << 65) | 1,
            (3 << 64) | 1,
        ];
        let ties = (0..60).map(|shift| (u128::from(u64::MAX) << (shift + 1)) | (1 << shift));
        let randoms = (0..20_000).map(|_| {
            let value = u128::from(random()) << 64 | u128::from(random());
            value >> (random() % 128)
        });
        for value in corners.into_iter().chain(ties).chain(randoms) {
            assert_eq!(bytes_of(value, false), expected(value, false), "{value:#x}");
            let signed = value as i128;
            assert_eq!(
                bytes_of(value, true),
                expected(signed.unsigned_abs(), signed < 0),
                "{signed:#x}"
            );
        }
    }
}
