//! What becomes of an alert that is told again (Alertmanager, `types.Alert.Merge` and `provider/mem`).

use bellbuoy_vocabulary::{Alert, Timestamp};

/// The alert to keep: merged when both were active at a common time, else the new one.
pub(crate) fn merged(old: &Alert, new: Alert, now: Timestamp) -> Alert {
    let within = |at: Timestamp| old.starts_at < at && at < old.ends_at;
    let overlap = within(new.starts_at) || within(new.ends_at);
    if !overlap {
        return new;
    }
    if new.updated_at < old.updated_at { merge(&new, old.clone(), now) } else { merge(old, new, now) }
}

fn merge(older: &Alert, mut younger: Alert, now: Timestamp) -> Alert {
    younger.starts_at = younger.starts_at.min(older.starts_at);
    let end = younger.ends_at.max(older.ends_at);
    if younger.resolved_at(now) {
        // Of two that are over, the later end holds.
        if older.resolved_at(now) {
            younger.ends_at = end;
        }
    } else if !older.timeout {
        // An end that somebody said holds against one that was assumed, when it is the later one.
        younger.ends_at = end;
    }
    younger
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_vocabulary::Labels;

    fn alert(starts: i64, ends: i64, updated: i64, timeout: bool) -> Alert {
        Alert {
            labels: Labels::from_pairs([("alertname", "A")]),
            annotations: Labels::empty(),
            starts_at: Timestamp(starts),
            ends_at: Timestamp(ends),
            updated_at: Timestamp(updated),
            generator_url: String::new(),
            timeout,
        }
    }

    /// The cases of Alertmanager's TestAlertMerge, seconds around now = 0.
    #[test]
    fn as_alertmanager() {
        for (old, new, expected) in [
            // Both timeouts: the newest end.
            (alert(-60, 120, -60, true), alert(-60, 180, 0, true), alert(-60, 180, 0, true)),
            // The older end was said, and is later.
            (alert(-60, 180, -60, false), alert(-30, 120, 0, true), alert(-60, 180, 0, true)),
            // The older end was assumed.
            (alert(-60, 180, -60, true), alert(-30, 120, 0, true), alert(-60, 120, 0, true)),
            // An explicit resolve of the same alert.
            (alert(-60, 180, -60, false), alert(-60, -10, 0, false), alert(-60, -10, 0, false)),
            // Both over: the later end.
            (alert(-60, -10, -60, false), alert(-50, -20, 0, false), alert(-60, -10, 0, false)),
            // Another sender saw it earlier, and promises less: the earlier start, the later end.
            (alert(-60, 180, -60, false), alert(-90, 120, 0, false), alert(-90, 180, 0, false)),
            // The new one holds the whole time of the old one: nothing of the old one is left.
            (alert(-60, 120, -60, false), alert(-90, 180, 0, false), alert(-90, 180, 0, false)),
            // The same start, and an end that was not said yet.
            (alert(-60, 120, -60, false), alert(-60, 90, 0, true), alert(-60, 120, 0, true)),
            // No common time: a new alert.
            (alert(-60, -40, -60, false), alert(-30, 60, 0, true), alert(-30, 60, 0, true)),
        ] {
            assert_eq!(merged(&old, new.clone(), Timestamp(0)), expected, "{old:?} + {new:?}");
        }
    }
}
