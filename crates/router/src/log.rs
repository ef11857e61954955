//! The notification log: what each integration was last told of each group, and the table that says when to tell it more.
//!
//! In:    what fires and what has ended in a group, `now`. Out: whether to tell it, why, and the entry that says it was told.

use std::fmt;

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Reason;

/// How long an entry is kept at least when its group is gone (Alertmanager's `--data.retention`, 120h).
pub(crate) const RETENTION: Millis = Millis::from_minutes(120 * 60);

/// Prints as the name under which an entry is stored: `{}:{alertname="A"}|pager/discord/0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogKey {
    pub group_key: String,
    pub receiver: String,
    pub integration_kind: String,
    pub integration_index: usize,
}

/// What an integration was last told of a group. Fingerprints are sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub key: LogKey,
    #[serde(with = "millis")]
    pub at: Timestamp,
    pub firing: Vec<u64>,
    pub resolved: Vec<u64>,
    /// How many messages so far, see `Notification::sequence`.
    pub sequence: u64,
    /// After this time the entry is dropped, unless its group is still there.
    #[serde(with = "millis")]
    pub expires_at: Timestamp,
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}/{}/{}", self.group_key, self.receiver, self.integration_kind, self.integration_index)
    }
}

/// A time as its number of milliseconds.
mod millis {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp)
    }
}

/// Whether to tell, and why (Alertmanager's `DedupStage.needsUpdate`). `firing` and `resolved` are sorted fingerprints.
pub(crate) fn decide(
    entry: Option<&LogEntry>,
    firing: &[u64],
    resolved: &[u64],
    send_resolved: bool,
    repeat_interval: Millis,
    now: Timestamp,
) -> Result<Reason, Reason> {
    let Some(entry) = entry else {
        return if firing.is_empty() { Err(Reason::ResolvedUnheard) } else { Ok(Reason::FirstNotification) };
    };
    if !is_subset(firing, &entry.firing) {
        return Ok(if entry.firing.is_empty() { Reason::FirstNotification } else { Reason::NewAlertsInGroup });
    }
    if firing.is_empty() {
        // Irrespective of send_resolved, so that the log forgets what fired.
        return if entry.firing.is_empty() { Err(Reason::ResolvedUnheard) } else { Ok(Reason::AllAlertsResolved) };
    }
    if send_resolved && !is_subset(resolved, &entry.resolved) {
        return Ok(Reason::SomeAlertsResolved);
    }
    // Alertmanager asks for strictly before, on a clock that has moved on since the entry was written: with a
    // repeat_interval that is a multiple of group_interval it is one group_interval late. Here it is on time.
    if entry.at.saturating_add(repeat_interval) <= now { Ok(Reason::RepeatIntervalElapsed) } else { Err(Reason::NothingNew) }
}

fn is_subset(part: &[u64], whole: &[u64]) -> bool {
    part.iter().all(|one| whole.binary_search(one).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let hour = Millis::from_minutes(60);
        let at = |minutes: i64| Timestamp(minutes * 60_000);
        let entry = |firing: &[u64], resolved: &[u64]| LogEntry {
            key: LogKey { group_key: String::new(), receiver: String::new(), integration_kind: String::new(), integration_index: 0 },
            at: at(0),
            firing: firing.to_vec(),
            resolved: resolved.to_vec(),
            sequence: 1,
            expires_at: at(1000),
        };
        use Reason::*;
        type Case<'a> = (Option<LogEntry>, &'a [u64], &'a [u64], bool, i64, Result<Reason, Reason>);
        let cases: &[Case] = &[
            (None, &[1], &[], true, 1, Ok(FirstNotification)),
            (None, &[], &[1], true, 1, Err(ResolvedUnheard)),
            (Some(entry(&[1], &[])), &[1, 2], &[], true, 1, Ok(NewAlertsInGroup)),
            (Some(entry(&[], &[1])), &[1], &[], true, 1, Ok(FirstNotification)),
            (Some(entry(&[1], &[])), &[], &[1], true, 1, Ok(AllAlertsResolved)),
            (Some(entry(&[1], &[])), &[], &[1], false, 1, Ok(AllAlertsResolved)),
            (Some(entry(&[], &[1])), &[], &[1, 2], true, 1, Err(ResolvedUnheard)),
            (Some(entry(&[1, 2], &[])), &[1], &[2], true, 1, Ok(SomeAlertsResolved)),
            (Some(entry(&[1, 2], &[])), &[1], &[2], false, 1, Err(NothingNew)),
            (Some(entry(&[1, 2], &[])), &[1], &[], true, 1, Err(NothingNew)),
            (Some(entry(&[1], &[])), &[1], &[], true, 59, Err(NothingNew)),
            (Some(entry(&[1], &[])), &[1], &[], true, 60, Ok(RepeatIntervalElapsed)),
        ];
        for (entry, firing, resolved, send_resolved, minute, expected) in cases {
            let got = decide(entry.as_ref(), firing, resolved, *send_resolved, hour, at(*minute));
            assert_eq!(&got, expected, "{entry:?} {firing:?} {resolved:?} {send_resolved} {minute}");
        }
    }
}
