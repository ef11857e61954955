//! Durations as people write them in every file of Prometheus and Alertmanager: `1h30m`, `15s`, `100ms`, `1d`.

use crate::Millis;

/// Units from the largest to the smallest; a duration must name them in this order, each at most once.
const UNITS: [(&str, i64); 7] =
    [("y", 365 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads `1h30m`, `15s`, `0`. Signs and fractions are refused, as Prometheus does (`model.ParseDuration`).
/// The error is a lowercase fragment that can follow a field's name.
pub fn parse_duration(text: &str) -> Result<Millis, String> {
    if text == "0" {
        return Ok(Millis::ZERO);
    }
    if text.is_empty() {
        return Err("empty duration; write for example 15s or 1h30m".into());
    }
    let refuse = || format!("not a valid duration: {text:?}; write for example 15s, 5m or 1h30m");
    let mut rest = text;
    let mut total: i64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().map_err(|_| refuse())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let unit = &rest[..letters];
        rest = &rest[letters..];
        let position = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(refuse)?;
        if position < next_unit {
            return Err(refuse());
        }
        next_unit = position + 1;
        let part = number.checked_mul(UNITS[position].1).ok_or_else(|| format!("duration out of range: {text:?}"))?;
        total = total.checked_add(part).ok_or_else(|| format!("duration out of range: {text:?}"))?;
    }
    Ok(Millis(total))
}

/// The shortest spelling as Prometheus prints it: `90000 -> 1m30s`. Weeks and years only when they are exact (`14d`, `2w`, `1y`).
pub fn format_duration(length: Millis) -> String {
    if length.0 == 0 {
        return "0s".into();
    }
    let mut out = String::new();
    let mut rest = length.0.unsigned_abs();
    if length.0 < 0 {
        out.push('-');
    }
    for (unit, size) in UNITS {
        let size = size as u64;
        let exact_only = matches!(unit, "y" | "w");
        if exact_only && !rest.is_multiple_of(size) {
            continue;
        }
        if rest >= size {
            out.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prometheus_reads() {
        for (text, ms) in [
            ("0", 0),
            ("15s", 15_000),
            ("1h30m", 5_400_000),
            ("100ms", 100),
            ("1d", 86_400_000),
            ("2w", 14 * 86_400_000),
            ("1y1ms", 31_536_000_001),
        ] {
            assert_eq!(parse_duration(text), Ok(Millis(ms)), "{text}");
        }
    }

    #[test]
    fn refuses_what_prometheus_refuses() {
        for text in ["", "1", "-5s", "1.5h", "5m1h", "5s5s", "5 s", "s", "1x", "99999999999999y"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prints_as_prometheus() {
        for (ms, text) in [
            (0, "0s"),
            (90_000, "1m30s"),
            (86_400_000, "1d"),
            (14 * 86_400_000, "2w"),
            (8 * 86_400_000, "8d"),
            (1, "1ms"),
            (31_536_000_000, "1y"),
            (-60_000, "-1m"),
        ] {
            assert_eq!(format_duration(Millis(ms)), text);
        }
    }
}
