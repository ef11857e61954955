//! The outbox on disk: messages from the decision until they are settled, and what the history still knows of them.
//!
//! In:    new messages and what became of them, each as a `Write` of a commit. Out: rows, in the order of their ids.
//! Never: sends, or chooses what is sent next (`outbox.rs` does, in memory); holds a secret or a rendered message.
//! Holds: a key is one row, however often its message is written.

use std::collections::HashMap;
use std::sync::Arc;

use bellbuoy_notify::Notice;
use bellbuoy_vocabulary::{Millis, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{State, StateError, attempts};

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, destination TEXT NOT NULL, group_key TEXT NOT NULL, reason TEXT NOT NULL,
  status TEXT NOT NULL, attempts INTEGER NOT NULL, due_at_ms INTEGER NOT NULL, created_at_ms INTEGER NOT NULL,
  settled_at_ms INTEGER, last_answer TEXT NOT NULL, remote_id TEXT, notice TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (id) WHERE status = 'pending';
";

/// A message on its way. `id` gives the order.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    pub id: i64,
    /// Stable over retries and restarts; a second row with the same key is not made.
    pub key: String,
    /// Receiver, kind and index: one queue each.
    pub destination: String,
    pub group_key: String,
    pub reason: String,
    /// The notification's data, from which the message is composed at each attempt.
    pub notice: Value,
    pub status: OutboxStatus,
    pub attempts: u32,
    pub due_at: Timestamp,
    pub created_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    /// The last answer or error in words; no secrets.
    pub last_answer: String,
    pub remote_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutboxStatus {
    Pending,
    Delivered,
    Failed,
    /// A newer message of its group said all of it before it could be sent.
    Replaced,
}

impl OutboxStatus {
    pub const ALL: [OutboxStatus; 4] = [OutboxStatus::Pending, OutboxStatus::Delivered, OutboxStatus::Failed, OutboxStatus::Replaced];
    /// Of messages that are done with: history.
    pub const SETTLED: [OutboxStatus; 3] = [OutboxStatus::Delivered, OutboxStatus::Failed, OutboxStatus::Replaced];

    pub fn word(self) -> &'static str {
        match self {
            OutboxStatus::Pending => "pending",
            OutboxStatus::Delivered => "delivered",
            OutboxStatus::Failed => "failed",
            OutboxStatus::Replaced => "replaced",
        }
    }

    pub fn from_word(word: &str) -> Option<OutboxStatus> {
        OutboxStatus::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Of a row. A word that nobody wrote counts as pending: such a message is rather told twice than forgotten.
    pub(super) fn of_row(word: &str) -> OutboxStatus {
        OutboxStatus::from_word(word).unwrap_or(OutboxStatus::Pending)
    }
}

/// A new outbox row; the database numbers it.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub key: String,
    pub notice: Arc<Notice>,
    pub at: Timestamp,
}

/// What became of an attempt, or of a message without one.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub id: i64,
    pub status: OutboxStatus,
    pub due_at: Timestamp,
    pub at: Timestamp,
    /// In words; no secrets.
    pub answer: String,
    pub remote_id: Option<String>,
    /// To be remembered of the group; null forgets, `None` changes nothing.
    pub memory: Option<Value>,
    pub attempted: bool,
    /// How long the attempt took.
    pub took: Option<Millis>,
}

impl Settlement {
    /// Of a message that was settled without an attempt: replaced, given up, unreadable.
    pub fn without_attempt(id: i64, status: OutboxStatus, answer: &str, at: Timestamp) -> Settlement {
        let answer = answer.to_string();
        Settlement { id, status, due_at: at, at, answer, remote_id: None, memory: None, attempted: false, took: None }
    }
}

/// What the history knows of one destination.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DestinationHistory {
    pub delivered_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    /// The newest message.
    pub newest: Option<i64>,
}

impl State {
    /// The messages that wait, in their order.
    pub fn pending(&self) -> Result<Vec<OutboxRow>, StateError> {
        self.outbox_rows("SELECT * FROM outbox WHERE status = 'pending' ORDER BY id LIMIT ?1", i64::MAX)
    }

    /// Messages, newest first, with what became of them.
    pub fn messages(&self, rows_max: usize) -> Result<Vec<OutboxRow>, StateError> {
        self.outbox_rows("SELECT * FROM outbox ORDER BY id DESC LIMIT ?1", rows_max as i64)
    }

    fn outbox_rows(&self, query: &str, rows_max: i64) -> Result<Vec<OutboxRow>, StateError> {
        let inner = self.lock();
        let connection = &inner.connection;
        let mut statement = connection.prepare_cached(query)?;
        let rows = statement.query_map([rows_max], read)?;
        rows.map(|row| row?.row()).collect()
    }

    /// How many messages have each status.
    pub fn message_counts(&self) -> Vec<(OutboxStatus, u64)> {
        self.lock().counts.iter().map(|(status, count)| (*status, *count)).collect()
    }

    /// One message.
    pub fn message(&self, id: i64) -> Result<Option<OutboxRow>, StateError> {
        let inner = self.lock();
        let mut statement = inner.connection.prepare_cached("SELECT * FROM outbox WHERE id = ?1")?;
        statement.query_row([id], read).optional()?.map(Read::row).transpose()
    }

    /// Whether its group told this destination something newer since.
    pub fn is_superseded(&self, row: &OutboxRow) -> Result<bool, StateError> {
        let inner = self.lock();
        let mut statement =
            inner.connection.prepare_cached("SELECT 1 FROM outbox WHERE id > ?1 AND destination = ?2 AND group_key = ?3")?;
        Ok(statement.exists(params![row.id, row.destination, row.group_key])?)
    }

    /// By destination.
    pub fn destinations(&self) -> Result<HashMap<String, DestinationHistory>, StateError> {
        let inner = self.lock();
        let mut statement = inner
            .connection
            .prepare_cached("SELECT destination, status, max(id), max(settled_at_ms) FROM outbox GROUP BY destination, status")?;
        let mut rows = statement.query([])?;
        let mut found: HashMap<String, DestinationHistory> = Default::default();
        while let Some(row) = rows.next()? {
            let one = found.entry(row.get(0)?).or_default();
            let at = row.get::<_, Option<i64>>(3)?.map(Timestamp);
            match OutboxStatus::of_row(&row.get::<_, String>(1)?) {
                OutboxStatus::Delivered => one.delivered_at = at,
                OutboxStatus::Failed => one.failed_at = at,
                OutboxStatus::Pending | OutboxStatus::Replaced => {}
            }
            one.newest = one.newest.max(row.get(2)?);
        }
        Ok(found)
    }
}

/// Gives its row; `None` when its key was there already.
pub(super) fn insert(connection: &Connection, message: &NewMessage) -> Result<Option<i64>, StateError> {
    let notice = &message.notice;
    let mut insert = connection.prepare_cached(
        "INSERT INTO outbox (key, destination, group_key, reason, status, attempts, due_at_ms, created_at_ms, last_answer, notice)
         VALUES (?1, ?2, ?3, ?4, 'pending', 0, ?5, ?5, '', ?6) ON CONFLICT (key) DO NOTHING",
    )?;
    let body = serde_json::to_string(&**notice)?;
    let new = insert.execute(params![message.key, notice.destination(), notice.group_key, notice.reason, message.at.0, body])?;
    Ok((new > 0).then(|| connection.last_insert_rowid()))
}

pub(super) fn settle(connection: &Connection, settlement: &Settlement) -> Result<(), StateError> {
    let Settlement { id, status, due_at, at, answer, remote_id, memory, attempted, .. } = settlement;
    let settled = (*status != OutboxStatus::Pending).then_some(at.0);
    let mut update = connection.prepare_cached(
        "UPDATE outbox SET status = ?2, due_at_ms = ?3, settled_at_ms = ?4, last_answer = ?5, remote_id = coalesce(?6, remote_id), attempts = attempts + ?7
         WHERE id = ?1",
    )?;
    update.execute(params![id, status.word(), due_at.0, settled, answer, remote_id, i64::from(*attempted)])?;
    if *attempted {
        attempts::note(connection, settlement)?;
    }
    match memory {
        None => 0,
        Some(Value::Null) => connection.execute(FORGET, [id])?,
        Some(memory) => connection.execute(REMEMBER, params![id, memory.to_string(), at.0])?,
    };
    Ok(())
}

/// A message that was given up waits again. True when there was one.
pub(super) fn again(connection: &Connection, id: i64, at: Timestamp) -> Result<bool, StateError> {
    let mut update = connection
        .prepare_cached("UPDATE outbox SET status = 'pending', settled_at_ms = NULL, due_at_ms = ?2 WHERE id = ?1 AND status = 'failed'")?;
    Ok(update.execute(params![id, at.0])? > 0)
}

/// A row whose notice is still text: SQLite's own errors come first.
pub(super) struct Read {
    row: OutboxRow,
    notice: String,
}

impl Read {
    pub(super) fn row(self) -> Result<OutboxRow, StateError> {
        Ok(OutboxRow { notice: serde_json::from_str(&self.notice)?, ..self.row })
    }
}

pub(super) fn read(row: &rusqlite::Row<'_>) -> Result<Read, rusqlite::Error> {
    let notice = row.get("notice")?;
    let row = OutboxRow {
        id: row.get("id")?,
        key: row.get("key")?,
        destination: row.get("destination")?,
        group_key: row.get("group_key")?,
        reason: row.get("reason")?,
        notice: Value::Null,
        status: OutboxStatus::of_row(&row.get::<_, String>("status")?),
        attempts: row.get("attempts")?,
        due_at: Timestamp(row.get("due_at_ms")?),
        created_at: Timestamp(row.get("created_at_ms")?),
        settled_at: row.get::<_, Option<i64>>("settled_at_ms")?.map(Timestamp),
        last_answer: row.get("last_answer")?,
        remote_id: row.get("remote_id")?,
    };
    Ok(Read { row, notice })
}

/// Under the name that the group's entry in the notification log has, with which it goes.
const REMEMBER: &str = "INSERT INTO receiver_data SELECT destination || ':' || group_key, ?2, ?3 FROM outbox WHERE id = ?1
 ON CONFLICT (key) DO UPDATE SET body = excluded.body, at_ms = excluded.at_ms";
const FORGET: &str = "DELETE FROM receiver_data WHERE key = (SELECT destination || ':' || group_key FROM outbox WHERE id = ?1)";
