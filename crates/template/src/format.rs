//! Numbers, times and everything else printed as Go's `fmt` prints them.
//!
//! In:    values of templates. Out: text to the letter as Go's `%v`, `%f`, `%g`, ... and Prometheus' `humanize...` print it.
//! Never: fails: every value has a text.

use bellbuoy_vocabulary::Timestamp;
use gotmpl::Value;

use crate::data::{Kind, Time, kind};
use crate::layout;

/// Go's `%v` of a float64: the fewest digits that read back, `1e+06` from a million on, `1e-05` below 0.0001.
pub fn format_float_go(value: f64) -> String {
    if let Some(word) = not_finite(value) {
        return word.into();
    }
    let shortest = format!("{value:e}");
    let (digits, exponent) = split_exponent(&shortest);
    if (-4..6).contains(&exponent) { format!("{value}") } else { scientific(digits, exponent) }
}

/// Go's `%.<precision>g`: `precision` digits that count, without trailing zeros.
pub(crate) fn format_g(value: f64, precision: usize) -> String {
    if let Some(word) = not_finite(value) {
        return word.into();
    }
    let rounded = format!("{:.*e}", precision.saturating_sub(1), value);
    let (digits, exponent) = split_exponent(&rounded);
    if exponent < -4 || exponent >= precision as i32 {
        return scientific(without_trailing_zeros(digits), exponent);
    }
    let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
    without_trailing_zeros(&format!("{value:.decimals$}")).to_string()
}

fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        v if v.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn split_exponent(text: &str) -> (&str, i32) {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (digits, exponent.parse().unwrap_or(0))
}

/// Go writes the exponent with its sign and at least two digits.
fn scientific(digits: &str, exponent: i32) -> String {
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

fn scaled_down(mut value: f64, base: f64, prefixes: &[&'static str]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        prefix = next;
        value /= base;
    }
    (value, prefix)
}

fn scaled_up(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1000.0;
    }
    (value, prefix)
}

/// `1234567 -> 1.235M` (Prometheus, `template/template.go`).
pub(crate) fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format_g(value, 4);
    }
    let (value, prefix) = if value.abs() >= 1.0 { scaled_down(value, 1000.0, &LARGE) } else { scaled_up(value) };
    format_g(value, 4) + prefix
}

/// `1048576 -> 1Mi`.
pub(crate) fn humanize1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return format_g(value, 4);
    }
    let (value, prefix) = scaled_down(value, 1024.0, &BINARY);
    format_g(value, 4) + prefix
}

/// Seconds as `1d 2h 3m 4s`, `12.34s`, `1.234ms` (`template_helpers.go` of prometheus/common).
pub fn humanize_duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return format_g(seconds, 4);
    }
    if seconds == 0.0 {
        return format_g(seconds, 4) + "s";
    }
    if seconds.abs() < 1.0 {
        let (value, prefix) = scaled_up(seconds);
        return format!("{}{prefix}s", format_g(value, 4));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let length = seconds.abs();
    let whole = length as i64;
    let (d, h, m, s) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    if d != 0 {
        format!("{sign}{d}d {h}h {m}m {s}s")
    } else if h != 0 {
        format!("{sign}{h}h {m}m {s}s")
    } else if m != 0 {
        format!("{sign}{m}m {s}s")
    } else {
        format!("{sign}{}s", format_g(length, 4))
    }
}

pub(crate) fn humanize_percentage(ratio: f64) -> String {
    format_g(ratio * 100.0, 4) + "%"
}

/// The time of a number of seconds since 1970, as Go prints a `time.Time`.
pub(crate) fn humanize_timestamp(seconds: f64) -> String {
    if seconds.is_finite() { print_time(&seconds_to_time(seconds)) } else { format_g(seconds, 4) }
}

pub(crate) fn seconds_to_time(seconds: f64) -> Time {
    Time { at_ms: Timestamp::from_seconds(seconds).0, zone: String::new() }
}

/// `2026-01-13 10:00:00.5 +0000 UTC`, Go's `Time.String`.
pub(crate) fn print_time(time: &Time) -> String {
    layout::format(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// `1h2m3.5s`, Go's `Duration.String`.
pub(crate) fn print_duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".into();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let length = nanos.unsigned_abs();
    if length < 1_000_000_000 {
        let (unit, size) = match length {
            n if n < 1000 => ("ns", 1),
            n if n < 1_000_000 => ("µs", 1000),
            _ => ("ms", 1_000_000),
        };
        return format!("{sign}{}{unit}", fraction(length, size));
    }
    let (h, m) = (length / 3_600_000_000_000, length / 60_000_000_000 % 60);
    let s = fraction(length % 60_000_000_000, 1_000_000_000);
    match (h, m) {
        (0, 0) => format!("{sign}{s}s"),
        (0, m) => format!("{sign}{m}m{s}s"),
        (h, m) => format!("{sign}{h}h{m}m{s}s"),
    }
}

fn fraction(length: u64, size: u64) -> String {
    let decimals = size.ilog10() as usize;
    if length.is_multiple_of(size) {
        return (length / size).to_string();
    }
    without_trailing_zeros(&format!("{}.{:0decimals$}", length / size, length % size)).to_string()
}

/// Values that hold more parts than this print no further; a template can nest lists into themselves.
const PRINTED_PARTS_MAX: usize = 100_000;

/// The same as `print_value`, but maps of texts and their pairs are Alertmanager's KV and Pairs, which print as `a=b, c=d`.
pub(crate) fn print_kv(value: &Value) -> String {
    let pair = |name: &str, value: &Value| format!("{name}={}", print_value(value));
    match value {
        Value::Map(entries) if matches!(kind(entries), Kind::Map) => {
            entries.iter().map(|(name, value)| pair(name, value)).collect::<Vec<_>>().join(", ")
        }
        Value::List(items) if !items.is_empty() => {
            let pairs: Option<Vec<String>> = items
                .iter()
                .map(|item| match (item.field("Name"), item.field("Value")) {
                    (Some(Value::String(name)), Some(value)) => Some(pair(name, value)),
                    _ => None,
                })
                .collect();
            pairs.map_or_else(|| print_value(value), |pairs| pairs.join(", "))
        }
        other => print_value(other),
    }
}

/// Go's `%v` of anything.
pub(crate) fn print_value(value: &Value) -> String {
    let mut out = String::new();
    let mut parts = PRINTED_PARTS_MAX;
    print_into(&mut out, value, &mut parts);
    out
}

fn print_into(out: &mut String, value: &Value, parts: &mut usize) {
    if *parts == 0 || out.len() > crate::OUTPUT_BYTES_MAX {
        return;
    }
    *parts -= 1;
    match value {
        Value::Float(number) => out.push_str(&format_float_go(*number)),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                print_into(out, item, parts);
            }
            out.push(']');
        }
        Value::Map(entries) => match kind(entries) {
            Kind::Time(time) => out.push_str(&print_time(&time)),
            Kind::Duration(nanos) => out.push_str(&print_duration(nanos)),
            Kind::Struct(order) => {
                out.push('{');
                for (at, name) in order.iter().enumerate() {
                    if at > 0 {
                        out.push(' ');
                    }
                    if let Value::String(name) = name
                        && let Some(field) = entries.get(name)
                    {
                        print_into(out, field, parts);
                    }
                }
                out.push('}');
            }
            Kind::Map => {
                out.push_str("map[");
                for (at, (name, item)) in entries.iter().enumerate() {
                    if at > 0 {
                        out.push(' ');
                    }
                    out.push_str(name);
                    out.push(':');
                    print_into(out, item, parts);
                }
                out.push(']');
            }
        },
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_go() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (123456.0, "123456"),
            (1e6, "1e+06"),
            (123456789.0, "1.23456789e+08"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(format_float_go(value), text);
        }
        for (value, text) in [(1234.5678, "1235"), (0.5, "0.5"), (12.3456, "12.35"), (99999.0, "1e+05"), (0.00001234, "1.234e-05")] {
            assert_eq!(format_g(value, 4), text);
        }
    }

    #[test]
    fn durations_as_go() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (1_000_000_000, "1s"),
            (90_500_000_000, "1m30.5s"),
            (3_600_000_000_000, "1h0m0s"),
            (-5_000_000_000, "-5s"),
        ] {
            assert_eq!(print_duration(nanos), text);
        }
    }

    #[test]
    fn humanized() {
        assert_eq!(humanize(1234567.0), "1.235M");
        assert_eq!(humanize(0.00123), "1.23m");
        assert_eq!(humanize1024(1048576.0), "1Mi");
        assert_eq!(humanize_duration(93784.0), "1d 2h 3m 4s");
        assert_eq!(humanize_duration(0.5), "500ms");
        assert_eq!(humanize_duration(-3.14567), "-3.146s");
        assert_eq!(humanize_percentage(0.54), "54%");
        assert_eq!(humanize_timestamp(1_768_298_400.5), "2026-01-13 10:00:00.5 +0000 UTC");
    }
}
