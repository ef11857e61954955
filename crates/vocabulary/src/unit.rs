//! How a figure prints for people: one spelling in events, decisions and messages.

/// What a figure is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Between 0 and 1, as a percentage: `54.2%`.
    Share,
    /// Four decimals: R2, ROC AUC.
    Score,
    /// Four decimals and a sign: an improvement.
    Change,
    /// Two decimals, or as many as a small one needs, in the unit of what is predicted: RMSE, MAE.
    Amount,
    /// A whole number.
    Count,
    /// As it was written: lines.
    Plain,
}

/// Of a small amount.
const DIGITS_MIN: usize = 3;

impl Unit {
    pub fn text(self, number: f64) -> String {
        self.text_with(number, 0)
    }

    /// With more decimals than usual where the usual ones would make it look like `line`: 0.64999, not 0.6500, is below 0.65.
    pub fn text_beside(self, number: f64, line: f64) -> String {
        let differs = |more: &usize| number == line || self.text_with(number, *more) != self.text_with(line, *more);
        self.text_with(number, (0..=9).find(differs).unwrap_or(0))
    }

    /// A line that somebody wrote: no zeros behind it.
    pub fn line_text(self, line: f64) -> String {
        match self {
            Unit::Share => format!("{}%", trimmed(&format!("{:.6}", line * 100.0))),
            _ => line.to_string(),
        }
    }

    fn text_with(self, number: f64, more: usize) -> String {
        if !number.is_finite() {
            return number.to_string();
        }
        if number.abs() >= 1e15 && self != Unit::Share {
            return format!("{number:e}");
        }
        match self {
            Unit::Share => format!("{:.*}%", 1 + more, number * 100.0),
            Unit::Score => format!("{number:.*}", 4 + more),
            Unit::Change => format!("{number:+.*}", 4 + more),
            Unit::Amount => format!("{number:.*}", amount_decimals(number) + more),
            Unit::Count => format!("{number:.0}"),
            Unit::Plain => number.to_string(),
        }
    }
}

fn amount_decimals(number: f64) -> usize {
    // 0.0123 would be 0.01.
    if number == 0.0 || number.abs() >= 0.1 {
        2
    } else {
        (DIGITS_MIN as f64 - 1.0 - number.abs().log10().floor()).clamp(2.0, 15.0) as usize
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::Unit::{Amount, Change, Count, Plain, Score, Share};
    use super::*;

    #[test]
    fn texts() {
        let check = |unit: Unit, number: f64, expected: &str| assert_eq!(unit.text(number), expected, "{unit:?} {number}");
        check(Share, 0.542, "54.2%");
        check(Score, 0.72341, "0.7234");
        check(Change, 0.0622, "+0.0622");
        check(Change, -0.0622, "-0.0622");
        check(Amount, 63.917, "63.92");
        check(Amount, 0.0, "0.00");
        check(Amount, 0.012_345, "0.0123");
        check(Amount, -0.000_5, "-0.000500");
        check(Amount, 1e300, "1e300");
        check(Count, 8.0, "8");
        check(Plain, 0.65, "0.65");
        check(Score, f64::NAN, "NaN");
    }

    #[test]
    fn a_number_beside_its_line_does_not_look_like_it() {
        let check = |unit: Unit, number: f64, line: f64, expected: &str| {
            let said = format!("{} {}", unit.text_beside(number, line), unit.line_text(line));
            assert_eq!(said, expected);
        };
        check(Score, 0.5321, 0.65, "0.5321 0.65");
        check(Score, 0.649_99, 0.65, "0.64999 0.65");
        check(Score, 0.65, 0.65, "0.6500 0.65");
        check(Share, 0.499_96, 0.5, "49.996% 50%");
        check(Share, 0.5, 0.125, "50.0% 12.5%");
        check(Amount, 60.000_1, 60.0, "60.0001 60");
        check(Change, 0.000_001, 0.0, "+0.000001 0");
    }
}
