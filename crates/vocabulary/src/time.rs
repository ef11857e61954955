//! Points in time and lengths of time, in milliseconds, as all formats of Prometheus count them.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds; negative lengths are allowed (an `offset -5m`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub i64);

impl Timestamp {
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// From seconds, rounded to the nearest millisecond, as Prometheus reads `time=1435781451.781`.
    pub fn from_seconds(seconds: f64) -> Timestamp {
        Timestamp((seconds * 1000.0).round() as i64)
    }

    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    pub fn saturating_add(self, length: Millis) -> Timestamp {
        Timestamp(self.0.saturating_add(length.0))
    }

    pub fn saturating_sub(self, length: Millis) -> Timestamp {
        Timestamp(self.0.saturating_sub(length.0))
    }

    /// `2026-01-13T10:00:00.123Z`, as Prometheus and Alertmanager print times. Milliseconds appear only when there are any.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(stamp) => stamp.to_string(),
            // Outside of year -9999 to 9999: no such text exists.
            Err(_) => format!("{}ms", self.0),
        }
    }

    /// Reads an RFC 3339 time with any offset. `None` when it is not one.
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(|stamp| Timestamp(stamp.as_millisecond()))
    }
}

impl Millis {
    pub const ZERO: Millis = Millis(0);

    pub const fn from_seconds(seconds: i64) -> Millis {
        Millis(seconds * 1000)
    }

    pub const fn from_minutes(minutes: i64) -> Millis {
        Millis(minutes * 60_000)
    }

    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// For timers; a negative length is no wait at all.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.max(0) as u64)
    }
}

impl Add<Millis> for Timestamp {
    type Output = Timestamp;
    fn add(self, length: Millis) -> Timestamp {
        Timestamp(self.0 + length.0)
    }
}

impl AddAssign<Millis> for Timestamp {
    fn add_assign(&mut self, length: Millis) {
        self.0 += length.0;
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Timestamp;
    fn sub(self, length: Millis) -> Timestamp {
        Timestamp(self.0 - length.0)
    }
}

impl Sub for Timestamp {
    type Output = Millis;
    fn sub(self, earlier: Timestamp) -> Millis {
        Millis(self.0 - earlier.0)
    }
}

impl Add for Millis {
    type Output = Millis;
    fn add(self, other: Millis) -> Millis {
        Millis(self.0 + other.0)
    }
}

impl Sub for Millis {
    type Output = Millis;
    fn sub(self, other: Millis) -> Millis {
        Millis(self.0 - other.0)
    }
}

impl Mul<i64> for Millis {
    type Output = Millis;
    fn mul(self, times: i64) -> Millis {
        Millis(self.0 * times)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::format_duration(*self))
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_and_read_as_rfc3339() {
        let t = Timestamp(1_768_298_400_123);
        assert_eq!(t.rfc3339(), "2026-01-13T10:00:00.123Z");
        assert_eq!(Timestamp::parse_rfc3339("2026-01-13T11:00:00.123+01:00"), Some(t));
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
        assert_eq!(Timestamp(0).rfc3339(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn seconds_round_to_the_nearest_millisecond() {
        assert_eq!(Timestamp::from_seconds(1435781451.7814).0, 1435781451781);
        assert_eq!(Timestamp::from_seconds(-0.0006).0, -1);
    }
}
