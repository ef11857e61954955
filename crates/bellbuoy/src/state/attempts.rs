//! Every attempt to deliver a message, with its answer: the last few of each message, gone with it.
//!
//! In:    what became of an attempt, in its settlement's transaction. Out: the attempts of one message, oldest first.
//! Never: holds more than `ATTEMPTS_MAX` of a message; the outbox counts them all.

use bellbuoy_vocabulary::{Millis, Timestamp};
use rusqlite::{Connection, params};

use super::{OutboxStatus, Settlement, State, StateError};

const ATTEMPTS_MAX: i64 = 20;

pub(super) const SCHEMA: &str = "
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

/// After the outbox row was updated.
pub(super) fn note(connection: &Connection, settlement: &Settlement) -> Result<(), StateError> {
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
                status: OutboxStatus::of_row(&row.get::<_, String>(3)?),
                answer: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{DestinationHistory, Durability, HistoryLimits, Write};
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_last_attempts_are_kept_and_go_with_their_message() {
        let state = State::open(Path::new(":memory:")).expect("in memory");
        let message = |key: &str| fixtures::message(key, fixtures::notice("team", "g", Vec::new(), 0));
        state.commit(&[message("a"), message("b")], Durability::Logged).expect("commit");
        let settle = |number: i64, status: OutboxStatus| {
            let settled = Settlement::without_attempt(1, status, &format!("HTTP 50{number}"), Timestamp(number));
            Write::Settle(Settlement { attempted: true, took: Some(Millis(number)), ..settled })
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
