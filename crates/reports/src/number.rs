//! Numbers for people: few digits, no false precision.

/// 8645 as `8,645`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Four digits that count: `0.2413`, `63.94`, `1,235`, `1.2e-7`. `-` for what is no number.
pub fn number(value: f64) -> String {
    with_digits(value, 4)
}

/// Three digits, for sentences.
pub fn brief(value: f64) -> String {
    with_digits(value, 3)
}

fn with_digits(value: f64, digits: i32) -> String {
    let size = value.abs();
    match () {
        () if !value.is_finite() => "-".into(),
        () if size == 0.0 => "0".into(),
        () if !(1e-4..1e15).contains(&size) => format!("{value:.1e}"),
        () if size >= 999.5 => format!("{}{}", if value < 0.0 { "-" } else { "" }, count(size.round() as u64)),
        () => trimmed(format!("{value:.*}", (digits - 1 - size.log10().floor() as i32).clamp(0, 7) as usize)),
    }
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `0.031`, `<0.0001`: a p-value of 1e-200 tells no more than that.
pub fn p_value(p: f64) -> String {
    if p.is_finite() && p < 1e-4 {
        return "<0.0001".into();
    }
    trimmed(if p < 0.01 { format!("{p:.4}") } else { format!("{p:.3}") })
}

/// A share of 1 as `12 %`, `3.1 %`, `<0.1 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match () {
        () if !percent.is_finite() => "-".into(),
        () if percent == 0.0 => "0 %".into(),
        () if percent.abs() < 0.1 => "<0.1 %".into(),
        // Nearly all is not all.
        () if (99.5..100.0).contains(&percent) => format!("{:.1} %", (percent * 10.0).floor() / 10.0),
        () if percent.abs() < 9.95 => format!("{} %", trimmed(format!("{percent:.1}"))),
        () => format!("{percent:.0} %"),
    }
}

/// `1 column`, `12 columns`.
pub fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number as u64), if number == 1 { one } else { many })
}

/// Round places for an axis between the two, at most `most`: multiples of 1, 2 or 5 times a power of ten.
pub fn ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let range = high - low;
    if !(range > 0.0 && range.is_finite()) {
        return vec![low];
    }
    let raw = range / most.max(1) as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= raw).unwrap_or(raw);
    let first = (low / step).ceil() as i64;
    let mut out = Vec::new();
    for at in 0..=most as i64 {
        // Rounded, so that 3 x 0.1 is written 0.3.
        let tick = (first.saturating_add(at)) as f64 * step;
        if tick <= high + step * 1e-9 {
            out.push(tick);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_few_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.24131, "0.2413"),
            (-0.5, "-0.5"),
            (63.941, "63.94"),
            (999.9, "1,000"),
            (-1234.5, "-1,235"),
            (0.00012, "0.00012"),
            (1.25e-7, "1.2e-7"),
            (3e200, "3.0e200"),
            (f64::NAN, "-"),
            (100.0, "100"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 1e-9, 0.00123, 0.0312, 1.0].map(p_value), ["<0.0001", "<0.0001", "0.0012", "0.031", "1"]);
        let shares = [0.0, 0.0004, 0.031, 0.05, 0.124, 0.9996, 1.0].map(percent);
        assert_eq!(shares, ["0 %", "<0.1 %", "3.1 %", "5 %", "12 %", "99.9 %", "100 %"]);
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 1.0, 5).iter().map(|tick| number(*tick)).collect::<Vec<_>>(), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(ticks(-3.0, 22.0, 4), [0.0, 10.0, 20.0]);
        assert_eq!(ticks(5.0, 5.0, 4), [5.0]);
        assert!(ticks(-1e308, 1e308, 4).len() <= 5 && ticks(0.0, f64::INFINITY, 4).len() == 1);
    }
}
