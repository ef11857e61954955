//! The history of notifications: what the outbox still knows of what was told, and how long it is kept.
//!
//! In:    filters and a place to go on from. Out: messages, newest first, a bounded number at a time.
//! Never: keeps the database from its writers for longer than one batch; deletes a message that still waits.

use bellbuoy_vocabulary::{Millis, Timestamp};
use rusqlite::params;
use serde_json::Value;

use super::outbox::read;
use super::{OutboxRow, OutboxStatus, State, StateError};

/// Rows that are looked at before writers may go on.
const BATCH_ROWS: usize = 100;

/// Which notifications are asked for.
#[derive(Clone, Debug, Default)]
pub struct HistoryQuery {
    /// A receiver's name, or one integration of it as `receiver/kind/index`.
    pub receiver: Option<String>,
    pub status: Option<OutboxStatus>,
    /// One of its alerts has this name.
    pub alertname: Option<String>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this one: where the last answer ended.
    pub before: Option<i64>,
    pub limit: usize,
}

/// `storage.notifications_retention` and `storage.notifications_max` of bellbuoy.yml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    pub retention: Millis,
    pub rows_max: u64,
}

impl Default for HistoryLimits {
    /// Alertmanager's `--data.retention`, and what a busy week of ours makes.
    fn default() -> HistoryLimits {
        HistoryLimits { retention: Millis::from_minutes(120 * 60), rows_max: 100_000 }
    }
}

impl HistoryQuery {
    fn takes(&self, destination: &str, notice: &Value) -> bool {
        let alerts = || notice.get("alerts").and_then(Value::as_array).into_iter().flatten();
        self.receiver.as_ref().is_none_or(|name| destination == name || notice.get("receiver").and_then(Value::as_str) == Some(name))
            && self.alertname.as_ref().is_none_or(|name| alerts().any(|alert| alert["labels"]["alertname"] == name.as_str()))
    }
}

impl State {
    /// The messages that fit, newest first, and from where to go on when there may be more.
    pub fn history(&self, query: &HistoryQuery) -> Result<(Vec<OutboxRow>, Option<i64>), StateError> {
        let mut found = Vec::new();
        let mut before = query.before.unwrap_or(i64::MAX);
        loop {
            let inner = self.lock();
            let mut statement = inner.connection.prepare_cached(
                "SELECT * FROM outbox WHERE id < ?1 AND created_at_ms >= ?2 AND (?3 = '' OR status = ?3)
                 AND substr(destination, 1, length(?4)) = ?4 ORDER BY id DESC LIMIT ?5",
            )?;
            let (since, status) = (query.since.map_or(i64::MIN, |at| at.0), query.status.map_or("", OutboxStatus::word));
            let receiver = query.receiver.as_deref().unwrap_or("");
            let rows = statement.query_map(params![before, since, status, receiver, BATCH_ROWS as i64], read)?;
            let mut looked_at = 0;
            for row in rows {
                let row = row?;
                if found.len() >= query.limit {
                    return Ok((found, Some(before)));
                }
                let row = row.row()?;
                (before, looked_at) = (row.id, looked_at + 1);
                if query.takes(&row.destination, &row.notice) {
                    found.push(row);
                }
            }
            if looked_at < BATCH_ROWS {
                return Ok((found, None));
            }
        }
    }

    /// Deletes what was settled before the retention or is beyond the number of rows. Gives how many.
    pub fn forget_notifications(&self, limits: &HistoryLimits, now: Timestamp) -> Result<u64, StateError> {
        let mut inner = self.lock();
        let mut gone = 0;
        let oldest = now - limits.retention;
        let rows_max = i64::try_from(limits.rows_max).unwrap_or(i64::MAX);
        for status in OutboxStatus::SETTLED {
            let deleted = inner.connection.execute(
                "DELETE FROM outbox WHERE status = ?1 AND (settled_at_ms < ?2 OR id <= (SELECT max(id) FROM outbox) - ?3)",
                params![status.word(), oldest.0, rows_max],
            )? as u64;
            let count = inner.counts.entry(status).or_insert(0);
            *count = count.saturating_sub(deleted);
            gone += deleted;
        }
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Durability, Settlement, Write};
    use super::*;
    use crate::fixtures;

    fn message(number: i64, receiver: &str, alertname: &str) -> Write {
        let notice = fixtures::notice(receiver, &format!("g{number}"), vec![fixtures::alert(alertname)], number);
        fixtures::message(&number.to_string(), notice)
    }

    fn settled(id: i64, at: i64) -> Write {
        let settled = Settlement::without_attempt(id, OutboxStatus::Delivered, "delivered", Timestamp(at));
        Write::Settle(Settlement { attempted: true, ..settled })
    }

    /// 250 messages: to `a` and `a/b` by turns, every fifth about B; the first 200 are delivered a moment after they were made.
    fn state() -> State {
        let state = State::open(Path::new(":memory:")).expect("in memory");
        let receiver = |number: i64| if number % 2 == 0 { "a" } else { "a/b" };
        let name = |number: i64| if number % 5 == 0 { "B" } else { "A" };
        let messages: Vec<Write> = (1..=250).map(|number| message(number, receiver(number), name(number))).collect();
        state.commit(&messages, Durability::Logged).expect("commit");
        let done: Vec<Write> = (1..=200).map(|id| settled(id, id + 1)).collect();
        state.commit(&done, Durability::Logged).expect("commit");
        state
    }

    fn check(query: HistoryQuery, expected: (usize, i64, i64), next: Option<i64>) {
        let (rows, found_next) = state().history(&query).expect("query");
        let ends = |row: Option<&OutboxRow>| row.map_or(0, |row| row.id);
        assert_eq!(((rows.len(), ends(rows.first()), ends(rows.last())), found_next), (expected, next), "{query:?}");
    }

    #[test]
    fn filters_and_pages() {
        let all = HistoryQuery { limit: 1000, ..HistoryQuery::default() };
        check(all.clone(), (250, 250, 1), None);
        check(HistoryQuery { limit: 10, ..all.clone() }, (10, 250, 241), Some(241));
        check(HistoryQuery { limit: 10, before: Some(241), ..all.clone() }, (10, 240, 231), Some(231));
        check(HistoryQuery { limit: 10, before: Some(5), ..all.clone() }, (4, 4, 1), None);
        check(HistoryQuery { receiver: Some("a".into()), ..all.clone() }, (125, 250, 2), None);
        check(HistoryQuery { receiver: Some("a/b/webhook/0".into()), ..all.clone() }, (125, 249, 1), None);
        check(HistoryQuery { receiver: Some("x".into()), ..all.clone() }, (0, 0, 0), None);
        check(HistoryQuery { status: Some(OutboxStatus::Pending), ..all.clone() }, (50, 250, 201), None);
        check(HistoryQuery { since: Some(Timestamp(240)), ..all.clone() }, (11, 250, 240), None);
        check(HistoryQuery { alertname: Some("B".into()), limit: 3, ..all.clone() }, (3, 250, 240), Some(240));
        check(HistoryQuery { alertname: Some("B".into()), receiver: Some("a".into()), ..all }, (25, 250, 10), None);
    }

    #[test]
    fn old_ones_are_forgotten_but_never_those_that_wait() {
        let state = state();
        let forget = |retention: i64, rows_max: u64| {
            state.forget_notifications(&HistoryLimits { retention: Millis(retention), rows_max }, Timestamp(1000)).expect("delete")
        };
        assert_eq!(forget(1000, 1000), 0);
        assert_eq!(forget(899, 1000), 99, "settled before 101");
        assert_eq!(forget(899, 100), 51, "the newest hundred stay: 151 to 250");
        assert_eq!(forget(0, 0), 50);
        let all = HistoryQuery { limit: 1000, ..HistoryQuery::default() };
        assert_eq!(state.history(&all).expect("query").0.len(), 50);
        let counts = state.message_counts();
        assert!(counts.contains(&(OutboxStatus::Delivered, 0)) && counts.contains(&(OutboxStatus::Pending, 50)), "{counts:?}");
    }
}
