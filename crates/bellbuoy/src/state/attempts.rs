//! Every attempt to deliver a message, with its answer: the last few of each message, gone with it.
//!
//! In:    what became of an attempt, in its settlement's transaction. Out: the attempts of one message, oldest first.
//! Never: holds more than `ATTEMPTS_MAX` of a message; the outbox counts them all.

use bellbuoy_vocabulary::{Millis, Timestamp};
use rusqlite::{Connection, params};

use super::{OutboxRow, OutboxStatus, Settlement, State, StateError, read_outbox};

const ATTEMPTS_MAX: i64 = 20;

pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS attempts (outbox_id INTEGER NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, took_ms INTEGER, status TEXT NOT NULL,
  answer TEXT NOT NULL, PRIMARY KEY (outbox_id, number)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS attempts_go AFTER DELETE ON outbox BEGIN DELETE FROM attempts WHERE outbox_id = old.id; END;
";

#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// When its answer was there.
    pub at: Timestamp,
    pub took: Option<Millis>,
    /// Pending: it is tried again.
    pub status: OutboxStatus,
    pub answer: String,
}

/// What the history knows of one destination.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DestinationHistory {
    pub delivered_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    /// The newest message.
    pub newest: Option<i64>,
}

/// After the outbox row was updated.
pub fn note(connection: &Connection, settlement: &Settlement) -> Result<(), StateError> {
    let Settlement { id, status, at, answer, took, .. } = settlement;
    let mut insert =
        connection.prepare_cached("INSERT OR REPLACE INTO attempts SELECT id, attempts, ?2, ?3, ?4, ?5 FROM outbox WHERE id = ?1")?;
    insert.execute(params![id, at.0, took.map(|took| took.0), status.word(), answer])?;
    let mut forget = connection
        .prepare_cached("DELETE FROM attempts WHERE outbox_id = ?1 AND number <= (SELECT attempts FROM outbox WHERE id = ?1) - ?2")?;
    forget.execute(params![id, ATTEMPTS_MAX])?;
    Ok(())
}

impl State {
    pub fn attempts(&self, id: i64) -> Result<Vec<Attempt>, StateError> {
        let inner = self.lock();
        let mut statement = inner
            .connection
            .prepare_cached("SELECT number, at_ms, took_ms, status, answer FROM attempts WHERE outbox_id = ?1 ORDER BY number")?;
        let rows = statement.query_map([id], |row| {
            Ok(Attempt {
                number: row.get(0)?,
                at: Timestamp(row.get(1)?),
                took: row.get::<_, Option<i64>>(2)?.map(Millis),
                status: OutboxStatus::parse(&row.get::<_, String>(3)?),
                answer: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One message.
    pub fn message(&self, id: i64) -> Result<Option<OutboxRow>, StateError> {
        let inner = self.lock();
        let mut statement = inner.connection.prepare_cached("SELECT * FROM outbox WHERE id = ?1")?;
        let Some((mut row, notice)) = statement.query_map([id], read_outbox)?.next().transpose()? else { return Ok(None) };
        row.notice = serde_json::from_str(&notice)?;
        Ok(Some(row))
    }

    /// Whether its group told this destination something newer since.
    pub fn is_superseded(&self, row: &OutboxRow) -> Result<bool, StateError> {
        let inner = self.lock();
        let mut statement =
            inner.connection.prepare_cached("SELECT 1 FROM outbox WHERE id > ?1 AND destination = ?2 AND group_key = ?3")?;
        Ok(statement.exists(params![row.id, row.destination, row.group_key])?)
    }

    /// By destination.
    pub fn destinations(&self) -> Result<std::collections::HashMap<String, DestinationHistory>, StateError> {
        let inner = self.lock();
        let mut statement = inner
            .connection
            .prepare_cached("SELECT destination, status, max(id), max(settled_at_ms) FROM outbox GROUP BY destination, status")?;
        let mut rows = statement.query([])?;
        let mut found: std::collections::HashMap<String, DestinationHistory> = Default::default();
        while let Some(row) = rows.next()? {
            let one = found.entry(row.get(0)?).or_default();
            let at = row.get::<_, Option<i64>>(3)?.map(Timestamp);
            match OutboxStatus::parse(&row.get::<_, String>(1)?) {
                OutboxStatus::Delivered => one.delivered_at = at,
                OutboxStatus::Failed => one.failed_at = at,
                OutboxStatus::Pending | OutboxStatus::Replaced => {}
            }
            one.newest = one.newest.max(row.get(2)?);
        }
        Ok(found)
    }
}

/// A message that was given up waits again. True when there was one.
pub fn again(connection: &Connection, id: i64, at: Timestamp) -> Result<bool, StateError> {
    let mut update = connection
        .prepare_cached("UPDATE outbox SET status = 'pending', settled_at_ms = NULL, due_at_ms = ?2 WHERE id = ?1 AND status = 'failed'")?;
    Ok(update.execute(params![id, at.0])? > 0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use bellbuoy_notify::Notice;
    use bellbuoy_vocabulary::Labels;

    use super::super::{Durability, HistoryLimits, NewMessage, Write};
    use super::*;

    #[test]
    fn the_last_attempts_are_kept_and_go_with_their_message() {
        let state = State::open(Path::new(":memory:")).expect("in memory");
        let notice = Notice {
            receiver: "team".into(),
            integration_kind: "webhook".into(),
            integration_index: 0,
            group_key: "g".into(),
            group_labels: Labels::empty(),
            alerts: Vec::new(),
            reason: "first notification".into(),
            sequence: 1,
            at: Timestamp(0),
        };
        let message = |key: &str| Write::Message(NewMessage { key: key.into(), notice: Arc::new(notice.clone()), at: Timestamp(0) });
        state.commit(&[message("a"), message("b")], Durability::Logged).expect("commit");
        let settle = |number: i64, status: OutboxStatus| {
            let took = Some(Millis(number));
            let (due_at, answer) = (Timestamp(number), format!("HTTP 50{number}"));
            Write::Settle(Settlement {
                id: 1,
                status,
                due_at,
                at: Timestamp(number),
                answer,
                remote_id: None,
                memory: None,
                attempted: true,
                took,
            })
        };
        for number in 1..=25 {
            state.commit(&[settle(number, OutboxStatus::Pending)], Durability::Logged).expect("commit");
        }
        let numbers = || state.attempts(1).expect("rows").iter().map(|attempt| attempt.number).collect::<Vec<_>>();
        assert_eq!(numbers(), (6..=25).collect::<Vec<_>>());
        let first = state.attempts(1).expect("rows").remove(0);
        assert_eq!(
            (first.at, first.took, first.status, first.answer.as_str()),
            (Timestamp(6), Some(Millis(6)), OutboxStatus::Pending, "HTTP 506")
        );
        state.commit(&[settle(26, OutboxStatus::Failed)], Durability::Logged).expect("commit");
        let row = state.message(1).expect("query").expect("a row");
        assert!(state.is_superseded(&row).expect("query"), "the group told something newer");
        assert_eq!(
            state.destinations().expect("query")["team/webhook/0"],
            DestinationHistory { delivered_at: None, failed_at: Some(Timestamp(26)), newest: Some(2) }
        );
        state
            .commit(&[Write::Again { id: 1, at: Timestamp(30) }, Write::Again { id: 2, at: Timestamp(30) }], Durability::Logged)
            .expect("commit");
        let counts = |status| state.message_counts().into_iter().find(|(known, _)| *known == status).map_or(0, |(_, count)| count);
        assert_eq!((counts(OutboxStatus::Pending), counts(OutboxStatus::Failed)), (2, 0), "one that waits already is no news");
        state.commit(&[settle(31, OutboxStatus::Delivered)], Durability::Logged).expect("commit");
        let limits = HistoryLimits { retention: Millis(1), rows_max: 10 };
        assert_eq!(state.forget_notifications(&limits, Timestamp(100)).expect("delete"), 1);
        assert_eq!((numbers(), state.message(1).expect("query")), (Vec::new(), None));
    }
}
