//! Round times of an axis and how they are written.

use bellbuoy_vocabulary::Timestamp;

const DAY_MS: i64 = 86_400_000;

const STEPS_MS: [i64; 17] = [
    1_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    900_000,
    3_600_000,
    3 * 3_600_000,
    6 * 3_600_000,
    12 * 3_600_000,
    DAY_MS,
    2 * DAY_MS,
    7 * DAY_MS,
    14 * DAY_MS,
    28 * DAY_MS,
    91 * DAY_MS,
];

/// At most six.
pub(crate) struct TimeTicks {
    next_ms: i64,
    to_ms: i64,
    step_ms: i64,
}

impl TimeTicks {
    pub fn of(from: Timestamp, to: Timestamp) -> TimeTicks {
        let range = to.0.saturating_sub(from.0);
        let step_ms = STEPS_MS.into_iter().find(|step| range as f64 / *step as f64 <= 5.0).unwrap_or((range / 5).max(1));
        TimeTicks { next_ms: (from.0 as f64 / step_ms as f64).ceil() as i64 * step_ms, to_ms: to.0, step_ms }
    }
}

impl Iterator for TimeTicks {
    type Item = (Timestamp, String);

    fn next(&mut self) -> Option<(Timestamp, String)> {
        if self.next_ms > self.to_ms {
            return None;
        }
        let at = Timestamp(self.next_ms);
        self.next_ms = self.next_ms.saturating_add(self.step_ms);
        let text = at.rfc3339();
        let part = match self.step_ms {
            DAY_MS.. => text.get(..10),
            60_000.. => text.get(5..16),
            _ => text.get(11..19),
        };
        Some((at, part.unwrap_or(&text).replace('T', " ")))
    }
}
