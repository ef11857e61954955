//! Sample values: read and printed exactly as Go's `strconv` does, which is what every client library agrees with.

/// The NaN that Prometheus stores for any NaN of a target (`model/value/value.go`), so that no target can send the staleness marker.
const NORMAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// Powers of ten that are exact in a float.
const POWERS_OF_TEN: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

/// Reads a value: decimal, exponent, `NaN`, `Inf`, `+Inf`, `-Inf` in any case. `None` for anything else, for hexadecimal
/// floats, underscores and numbers too large for a float, as Prometheus' parsers do.
pub fn parse_value(text: &[u8]) -> Option<f64> {
    if let Some(value) = short_decimal(text) {
        return Some(value);
    }
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    if value.is_nan() {
        // Go knows no signed NaN.
        return (!text.starts_with(['+', '-'])).then_some(NORMAL_NAN);
    }
    // Go reports 1e400 as out of range; Rust calls it infinite.
    if value.is_infinite() && text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(value)
}

/// The common case, exactly: when the digits fit into 53 bits and the power of ten is exact, one multiplication or
/// division rounds once, which is the correct rounding (Clinger 1990). `None` means "ask the slow path".
fn short_decimal(text: &[u8]) -> Option<f64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mut mantissa, mut digits, mut scale, mut exponent, mut point) = (0u64, 0u32, 0i32, 0i32, false);
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                // 18 digits can not overflow the mantissa.
                if digits == 18 {
                    return None;
                }
                digits += 1;
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                scale -= i32::from(point);
            }
            b'.' if !point => point = true,
            b'e' | b'E' => {
                exponent = short_exponent(&text[index + 1..])?;
                break;
            }
            _ => return None,
        }
    }
    if digits == 0 || mantissa > 1 << 53 {
        return None;
    }
    let power = scale + exponent;
    let factor = *POWERS_OF_TEN.get(power.unsigned_abs() as usize)?;
    let value = if power < 0 { mantissa as f64 / factor } else { mantissa as f64 * factor };
    Some(if negative { -value } else { value })
}

fn short_exponent(text: &[u8]) -> Option<i32> {
    let (sign, text) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    if text.is_empty() || text.len() > 3 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(sign * text.iter().fold(0, |sum, b| sum * 10 + i32::from(b - b'0')))
}

/// As Prometheus' client libraries print a value: `strconv.FormatFloat(v, 'g', -1, 64)`: `1`, `0.25`, `1.234567e+06`, `+Inf`, `NaN`.
pub fn format_value(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    // Rust's shortest digits are Go's; only the exponent's form differs: `1.5e6`.
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("{:e} of a finite number has an exponent");
    let exponent: i32 = exponent.parse().expect("{:e} writes a number after the e");
    // Go's 'g' with the shortest digits turns to an exponent below 1e-4 and from 1e6 on.
    if (-4..6).contains(&exponent) || value == 0.0 {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// As OpenMetrics wants it: like `format_value`, and a whole number says `.0`.
pub fn format_openmetrics_value(value: f64) -> String {
    let mut text = format_value(value);
    if value.is_finite() && !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, want) in [
            ("1", 1.0),
            ("+1", 1.0),
            ("-1.5", -1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1E+03", 1000.0),
            ("1.7560473e+07", 17560473.0),
            ("4.9351e-05", 4.9351e-05),
            ("0.00038", 0.00038),
            ("1e-320", 1e-320),
            ("1e-999", 0.0),
            ("123456789012345678901234567890", 1.2345678901234568e29),
            ("179769313486231570000000000000e279", f64::MAX),
            ("inf", f64::INFINITY),
            ("+Inf", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse_value(text.as_bytes()), Some(want), "{text}");
        }
        assert_eq!(parse_value(b"NaN").map(f64::to_bits), Some(0x7ff8_0000_0000_0001));
        assert!(parse_value(b"-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in [
            "", "-", ".", "e5", "1e", "1e+", "1x", "0x1p3", "0x10", "1_000", "1e400", "+NaN", "-nan", "in", "1 ", " 1", "1.2.3", "--1",
            "1\r",
        ] {
            assert_eq!(parse_value(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_value(b"\xff"), None);
    }

    #[test]
    fn prints_as_go() {
        for (value, text, openmetrics) in [
            (1.0, "1", "1.0"),
            (0.0, "0", "0.0"),
            (-0.0, "-0", "-0.0"),
            (0.1, "0.1", "0.1"),
            (123456.0, "123456", "123456.0"),
            (1234567.0, "1.234567e+06", "1.234567e+06"),
            (1e6, "1e+06", "1e+06"),
            (1e100, "1e+100", "1e+100"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001234, "1.234e-05", "1.234e-05"),
            (-2.5e-7, "-2.5e-07", "-2.5e-07"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
            (f64::NAN, "NaN", "NaN"),
        ] {
            assert_eq!((format_value(value).as_str(), format_openmetrics_value(value).as_str()), (text, openmetrics));
        }
    }

    proptest::proptest! {
        /// The fast path must be exactly `str::parse`, to the last bit.
        #[test]
        fn the_fast_path_is_exact(whole in 0u64..10_000_000_000_000_000, places in 0usize..20, exponent in -30i32..30) {
            let mut text = whole.to_string();
            if places > 0 && places < text.len() {
                text.insert(text.len() - places, '.');
            }
            text.push_str(&format!("e{exponent}"));
            proptest::prop_assert_eq!(parse_value(text.as_bytes()).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
        }

        #[test]
        fn printing_and_reading_is_the_identity(bits in proptest::num::u64::ANY) {
            let value = f64::from_bits(bits);
            proptest::prop_assume!(!value.is_nan());
            proptest::prop_assert_eq!(parse_value(format_value(value).as_bytes()).map(f64::to_bits), Some(bits));
            proptest::prop_assert_eq!(parse_value(format_openmetrics_value(value).as_bytes()).map(f64::to_bits), Some(bits));
        }
    }
}
