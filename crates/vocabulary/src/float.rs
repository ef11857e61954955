//! Numbers as Prometheus reads and prints them.

/// The shortest text that reads back as the same number, without exponent, with Go's names for what is no number:
/// `strconv.FormatFloat(v, 'f', -1, 64)`. This is the form of the HTTP API's sample values.
pub fn format_float(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else {
        // Rust prints f64 without an exponent and with the fewest digits that read back.
        format!("{value}")
    }
}

/// Reads a number as Go's `strconv.ParseFloat` does for the texts that exposition formats and rules contain:
/// decimal, exponent, `NaN`, `Inf`, `+Inf`, `-Inf` in any case, hexadecimal floats excluded.
pub fn parse_float(text: &str) -> Option<f64> {
    // Go refuses a lone sign, spaces and, outside of literals, underscores; Rust refuses those as well.
    text.parse::<f64>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_go() {
        for (value, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (1e21, "1000000000000000000000"),
            (1e-7, "0.0000001"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (-0.0, "-0"),
        ] {
            assert_eq!(format_float(value), text);
        }
        assert_eq!(format_float(f64::NAN), "NaN");
    }

    #[test]
    fn reads_as_go() {
        assert_eq!(parse_float("1e3"), Some(1000.0));
        assert_eq!(parse_float("+Inf"), Some(f64::INFINITY));
        assert!(parse_float("nan").is_some_and(f64::is_nan));
        assert_eq!(parse_float(" 1"), None);
        assert_eq!(parse_float(""), None);
    }
}
