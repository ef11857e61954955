//! Series as people write them in rule tests: `http_requests_total{job="api"}` and `0+10x5 _ 60 stale`.
//!
//! The notation is promqltest's: `a+bxn` is `a` and `n` more values, each `b` larger; `axn` repeats `a` `n` times after the first;
//! `_` is no value, `_xn` is none `n` times; `stale` ends the series.

use bellbuoy_vocabulary::{Labels, METRIC_NAME, STALE_NAN, parse_float};

/// Values of one series: a typing mistake in a repeat count must not fill the memory.
pub const VALUES_MAX: usize = 1_000_000;

/// Reads `name`, `name{a="b", c="d"}`, `{a="b"}` and `{"utf-8 name", a="b"}`. The error names the place by what follows it.
pub fn parse_metric(text: &str) -> Result<Labels, String> {
    let text = text.trim();
    let (name, rest) = match text.find('{') {
        Some(at) => (text[..at].trim(), Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !name.is_empty() {
        if name.contains(char::is_whitespace) || name.contains(['"', '=', ',']) {
            return Err(format!("bad metric name {name:?}; write for example up{{job=\"api\"}}"));
        }
        pairs.push((METRIC_NAME.to_string(), name.to_string()));
    }
    let Some(rest) = rest else { return Ok(Labels::from_pairs(pairs)) };
    let Some(mut rest) = rest.trim_end().strip_suffix('}') else {
        return Err(format!("no closing brace in {text:?}"));
    };
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(Labels::from_pairs(pairs));
        }
        let (label, after) = match rest.starts_with(['"', '\'', '`']) {
            true => quoted(rest)?,
            false => {
                let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
                (rest[..end].to_string(), &rest[end..])
            }
        };
        let after = after.trim_start();
        rest = if let Some(after) = after.strip_prefix('=') {
            let (value, after) = quoted(after.trim_start())?;
            pairs.push((label, value));
            after
        } else if rest.starts_with(['"', '\'', '`']) {
            pairs.push((METRIC_NAME.to_string(), label));
            after
        } else {
            return Err(format!("label {label:?} has no value in {text:?}"));
        };
        rest = rest.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(after) => after,
            None if rest.is_empty() => rest,
            None => return Err(format!("expected a comma before {rest:?}")),
        };
    }
}

/// A text in quotes, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut letters = text.char_indices();
    let quote = match letters.next() {
        Some((_, quote @ ('"' | '\'' | '`'))) => quote,
        _ => return Err(format!("expected a quoted value before {text:?}")),
    };
    let mut out = String::new();
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            return Ok((out, &text[at + letter.len_utf8()..]));
        }
        if letter != '\\' || quote == '`' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some((_, 'n')) => out.push('\n'),
            Some((_, 't')) => out.push('\t'),
            Some((_, 'r')) => out.push('\r'),
            Some((_, same @ ('\\' | '"' | '\''))) => out.push(same),
            _ => return Err(format!("unknown escape sequence in {text:?}")),
        }
    }
    Err(format!("no closing quote in {text:?}"))
}

/// One entry for each interval; `None` is no value.
pub fn parse_values(text: &str) -> Result<Vec<Option<f64>>, String> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        if word.starts_with("{{") {
            return Err("native histograms in input series are not supported yet; use floats".into());
        }
        let bad = || format!("bad series value {word:?}; write for example 1, 0+10x5, 3x4, _ or stale");
        let (start, repeat) = split_repeat(word);
        let times: Option<usize> = match repeat {
            Some(digits) => Some(digits.parse().map_err(|_| bad())?),
            None => None,
        };
        if out.len() + times.unwrap_or(0) + 1 > VALUES_MAX {
            return Err(format!("more than {VALUES_MAX} values in a series"));
        }
        if start == "_" {
            out.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
            continue;
        }
        let (first, step) = split_step(start).ok_or_else(bad)?;
        if times.is_none() && step != 0.0 {
            return Err(bad());
        }
        let mut value = first;
        for _ in 0..=times.unwrap_or(0) {
            out.push(Some(value));
            // Added up step by step as Prometheus does, so that rounding is the same.
            value += step;
        }
    }
    Ok(out)
}

/// `0+10x5` -> (`0+10`, `5`). The x of a hexadecimal number is none.
fn split_repeat(word: &str) -> (&str, Option<&str>) {
    match word.rfind('x') {
        Some(at) if at > 0 && word[at + 1..].bytes().all(|b| b.is_ascii_digit()) => (&word[..at], Some(&word[at + 1..])),
        _ => (word, None),
    }
}

/// `0+10` -> (0, 10), `5-2` -> (5, -2), `7` -> (7, 0).
fn split_step(text: &str) -> Option<(f64, f64)> {
    if text == "stale" {
        return Some((STALE_NAN, 0.0));
    }
    if let Some(value) = parse_float(text) {
        return Some((value, 0.0));
    }
    // A sign that is neither the first letter nor part of an exponent.
    let bytes = text.as_bytes();
    let at = (1..bytes.len()).rev().find(|i| matches!(bytes[*i], b'+' | b'-') && !matches!(bytes[*i - 1], b'e' | b'E' | b'+' | b'-'))?;
    Some((parse_float(&text[..at])?, parse_float(&text[at..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_promqltests() {
        for (text, expected) in [
            ("1 2 3", vec![Some(1.0), Some(2.0), Some(3.0)]),
            ("0+10x2", vec![Some(0.0), Some(10.0), Some(20.0)]),
            ("5-2x2", vec![Some(5.0), Some(3.0), Some(1.0)]),
            ("-2-1x1", vec![Some(-2.0), Some(-3.0)]),
            ("1x2 _ _x2 4", vec![Some(1.0), Some(1.0), Some(1.0), None, None, None, Some(4.0)]),
            ("1e3+1e-1x1", vec![Some(1000.0), Some(1000.1)]),
            ("Inf -Inf", vec![Some(f64::INFINITY), Some(f64::NEG_INFINITY)]),
            ("", vec![]),
        ] {
            assert_eq!(parse_values(text), Ok(expected), "{text}");
        }
        let stale = parse_values("stale").expect("valid");
        assert!(bellbuoy_vocabulary::is_stale(stale[0].expect("a value")));
    }

    #[test]
    fn bad_values_are_errors() {
        for text in ["a", "1+1", "1+ax3", "1x99999999999999999999", "1x9999999", "{{count:1}}"] {
            assert!(parse_values(text).is_err(), "{text}");
        }
    }

    #[test]
    fn metrics_are_read() {
        let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        for (text, expected) in [
            ("up", labels(&[("__name__", "up")])),
            ("up{}", labels(&[("__name__", "up")])),
            (r#"up{job="a b", x='c"d',}"#, labels(&[("__name__", "up"), ("job", "a b"), ("x", "c\"d")])),
            (r#"{job="a{b}"}"#, labels(&[("job", "a{b}")])),
            (r#"{"my metric", "a.b"="c\\d"}"#, labels(&[("__name__", "my metric"), ("a.b", "c\\d")])),
        ] {
            assert_eq!(parse_metric(text), Ok(expected), "{text}");
        }
        for text in ["up{", "up{a}", "up{a=b}", "up{a=\"b}", "a b", "up{a=\"b\" c=\"d\"}"] {
            assert!(parse_metric(text).is_err(), "{text}");
        }
    }
}
