//! Doubles and floats, compared with what Rust's own exact conversions give.

use bareflow_decimal::{Decimal, Format, Rounding, Value, parse};

/// A generator of numbers that are spread over all bits.
fn numbers(seed: u64, count: usize) -> impl Iterator<Item = u64> {
    let mut state = seed;
    core::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    })
    .take(count)
}

fn double(text: &str) -> (f64, bool) {
    let parsed = parse(text.as_bytes(), Format::DOUBLE, Rounding::Nearest).unwrap();
    assert_eq!(parsed.length, text.len());
    let (biased, fraction) = Format::DOUBLE.pack(parsed.value);
    let sign = u64::from(parsed.is_negative) << 63;
    (
        f64::from_bits(sign | u64::from(biased) << 52 | fraction),
        parsed.is_out_of_range,
    )
}

fn float(text: &str) -> f32 {
    let parsed = parse(text.as_bytes(), Format::FLOAT, Rounding::Nearest).unwrap();
    let (biased, fraction) = Format::FLOAT.pack(parsed.value);
    f32::from_bits(u32::from(parsed.is_negative) << 31 | biased << 23 | fraction as u32)
}

#[test]
fn every_double_comes_back() {
    for bits in numbers(1, 20_000) {
        let number = f64::from_bits(bits);
        if number.is_finite() {
            let (back, out_of_range) = double(&format!("{number:e}"));
            assert_eq!(back.to_bits(), bits, "{number:e}");
            assert_eq!(out_of_range, number.is_subnormal());
        }
    }
}

#[test]
fn random_texts_are_read_as_rust_reads_them() {
    for bits in numbers(2, 20_000) {
        let exponent = (bits % 700) as i32 - 350;
        let text = format!("{}.{}e{exponent}", bits >> 40, bits.wrapping_mul(97));
        assert_eq!(double(&text).0, text.parse::<f64>().unwrap(), "{text}");
        let text = format!("{}e{}", bits >> 20, exponent / 6);
        assert_eq!(float(&text), text.parse::<f32>().unwrap(), "{text}");
    }
}

#[test]
fn ties_and_what_is_just_beside_them() {
    for text in [
        "9007199254740993",
        "9007199254740995",
        "1.00000000000000011102230246251565404236316680908203125",
    ] {
        for tail in ["", "00000000000000000000001", "0000000000"] {
            let text = if text.contains('.') {
                format!("{text}{tail}")
            } else {
                format!("{text}.0{tail}")
            };
            assert_eq!(double(&text).0, text.parse::<f64>().unwrap(), "{text}");
        }
    }
    let long = format!("0.{}1", "0".repeat(20_000));
    assert_eq!(double(&long), (0.0, true));
}

#[test]
fn only_inexact_subnormals_are_out_of_range() {
    assert_eq!(double("0x1p-1074"), (5e-324, false));
    assert_eq!(double("0x1.8p-1074"), (1e-323, true));
    assert_eq!(
        double("2.2250738585072014e-308"),
        (f64::MIN_POSITIVE, false)
    );
    // Tiny before rounding only.
    assert_eq!(
        double("0x1.fffffffffffffcp-1023"),
        (f64::MIN_POSITIVE, false)
    );
    assert_eq!(double("0x1.fffffffffffffp-1023"), (f64::MIN_POSITIVE, true));
    assert_eq!(double("1e400"), (f64::INFINITY, true));
    assert_eq!(double("-1e-400"), (-0.0, true));
    assert_eq!(double("0e99999999999999999999"), (0.0, false));
}

#[test]
fn words_and_their_ends() {
    let parse = |text: &str| {
        let parsed = parse(text.as_bytes(), Format::DOUBLE, Rounding::Nearest);
        parsed.map(|parsed| (parsed.value, parsed.length))
    };
    assert_eq!(parse("-infinit"), Some((Value::Infinite, 4)));
    assert_eq!(parse("INFINITYx"), Some((Value::Infinite, 8)));
    assert_eq!(parse("nan(0x1f)"), Some((Value::NotANumber(31), 9)));
    assert_eq!(parse("nan(x"), Some((Value::NotANumber(0), 3)));
    assert_eq!(parse("0x.p1").map(|(_, length)| length), Some(1));
    assert_eq!(parse("1e+").map(|(_, length)| length), Some(1));
    assert_eq!(parse("+."), None);
}

#[test]
fn digits_are_all_of_them() {
    for bits in numbers(3, 3_000) {
        let number = f64::from_bits(bits);
        let (is_negative, Value::Finite { mantissa, exponent }) = Format::of_double(number) else {
            continue;
        };
        for precision in [0, 3, 17, 40] {
            let mut decimal = Decimal::exact(mantissa, exponent);
            decimal.round(precision + 1, is_negative, Rounding::Nearest);
            let mut text = String::from(if is_negative { "-" } else { "" });
            let mut digits = decimal.digits.iter().map(|digit| char::from(b'0' + digit));
            text.push(digits.next().unwrap());
            text.push('.');
            text.extend(digits);
            let text = format!("{text}e{}", decimal.point - 1);
            let expected = format!("{number:.*e}", precision as usize);
            let (mantissa, exponent) = expected.split_once('e').unwrap();
            let expected = if mantissa.contains('.') {
                format!("{}e{exponent}", mantissa.trim_end_matches('0'))
            } else {
                format!("{mantissa}.e{exponent}")
            };
            assert_eq!(text, expected);
        }
    }
}

#[test]
fn rounding_reaches_beyond_the_first_digit() {
    let rounded = |count, rounding| {
        let mut decimal = Decimal::exact(3, -2); // 0.75
        decimal.round(count, false, rounding);
        (decimal.digits, decimal.point)
    };
    assert_eq!(rounded(0, Rounding::Nearest), (vec![1], 1));
    assert_eq!(rounded(-1, Rounding::Nearest), (vec![], 0));
    assert_eq!(rounded(-1, Rounding::Upward), (vec![1], 2));
    assert_eq!(rounded(0, Rounding::TowardZero), (vec![], 0));
    assert_eq!(rounded(1, Rounding::Nearest), (vec![8], 0));
}
