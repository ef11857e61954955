//! Times, lengths and label sets in the words of an explanation.

use bellbuoy_vocabulary::{Labels, Millis, Timestamp, format_duration, format_float};

/// `10:02`, with seconds and the day where they matter: another day than `now`'s is said.
pub fn clock(at: Timestamp, now: Timestamp) -> String {
    let (text, today) = (at.rfc3339(), now.rfc3339());
    let (Some(day), Some(time)) = (text.get(..10), text.get(11..19)) else { return text };
    let time = time.strip_suffix(":00").unwrap_or(time);
    if today.starts_with(day) { format!("{time} UTC") } else { format!("{day} {time} UTC") }
}

/// `6m`, without the small change: `1h30m`, not `1h30m12s345ms`.
pub fn length(length: Millis) -> String {
    let unit = match length.0.abs() {
        0..1_000 => 1,
        1_000..600_000 => 1_000,
        600_000..86_400_000 => 60_000,
        _ => 3_600_000,
    };
    format_duration(Millis(length.0 / unit * unit))
}

/// A value as people read it: at most six significant digits.
pub fn number(value: f64) -> String {
    if !value.is_finite() || value == 0.0 || value.fract() == 0.0 && value.abs() < 1e15 {
        return format_float(value);
    }
    let digits = (5 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text };
    if text.parse::<f64>().is_ok_and(|read| read != 0.0) { text } else { format!("{value:e}") }
}

pub fn series(count: usize) -> String {
    if count == 1 { "1 series".into() } else { format!("{count} series") }
}

pub fn are_series(count: usize) -> String {
    if count == 1 { "is 1 series".into() } else { format!("are {count} series") }
}

/// `{job="api"}` without the name; `the one series` when nothing tells it apart.
pub fn who(labels: &Labels) -> String {
    let rest = labels.without_name();
    if rest.is_empty() { String::new() } else { rest.to_string() }
}

pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_string();
    }
    text.chars().take(max.saturating_sub(1)).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_short() {
        let now = Timestamp::parse_rfc3339("2026-11-21T10:08:30Z").expect("a time");
        assert_eq!(clock(now, now), "10:08:30 UTC");
        assert_eq!(clock(now - Millis::from_seconds(30), now), "10:08 UTC");
        assert_eq!(clock(now - Millis::from_minutes(24 * 60), now), "2026-11-20 10:08:30 UTC");
        assert_eq!(length(Millis(5_401_234)), "1h30m");
        assert_eq!(length(Millis(61_234)), "1m1s");
        for (value, text) in [
            (0.31, "0.31"),
            (1.0 / 3.0, "0.333333"),
            (1234567.8, "1234568"),
            (0.00001234567, "0.0000123457"),
            (1e-20, "1e-20"),
            (f64::NAN, "NaN"),
            (100.0, "100"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
