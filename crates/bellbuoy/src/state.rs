//! The state that is not samples: one SQLite file, `DATA/state.db`, that a person can open.
//!
//! In:    alerts, notification log, outbox rows, states of rules, decisions, messages of the built-in inbox.
//! Out:   the same after a restart.
//! Never: holds a secret (messages are kept as data and composed again at each attempt; addresses are not in it).
//! Holds: what `commit` wrote `Synced` survives kill -9 and power loss, `Logged` a kill -9.
//!
//! ```text
//! alerts            what the router knows          | id, fingerprint, body (JSON)
//! notification_log  what was last said of a group  | key, body
//! silences          what people do not want to hear | id, body (JSON)
//! receiver_data     what a delivery left to be remembered of its group: ids | key (as in the log), body, at_ms
//! outbox            messages, pending to settled   | see `OutboxRow` (outbox.rs)
//! rules             pending and firing states      | key (file;group;rule), body
//! audit             decisions and events           | id, at_ms, body, hash (audit.rs)
//! audit_seals       where deleted entries ended    | up_to_id, at_ms, rows, hash
//! events            what pipelines and models told | id, at_ms, event_id, kind, key (until until_ms), body
//! pushed            groups of metrics that jobs pushed | key (JSON), body (metric text), times
//! attempts          each attempt of a message, its answer | outbox_id, number, times (attempts.rs)
//! inbox             messages as the built-in inbox received them
//! inbox_pictures    the picture of a message, added after it
//! kv                small things by name
//! ```

mod attempts;
mod audit;
mod history;
mod inbox;
mod outbox;
mod pushed;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use bellbuoy_notify::{AlertJson, alert_of};
use bellbuoy_vocabulary::{Alert, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

/// Settled outbox rows and inbox messages that are kept for the history; older ones are deleted.
const HISTORY_ROWS_MAX: i64 = 100_000;
const INBOX_ROWS_MAX: i64 = 10_000;
const EVENT_ROWS_MAX: i64 = 200_000;
/// Memories of groups; they go with their entry of the notification log, so this bounds those that have none.
const RECEIVER_DATA_ROWS_MAX: i64 = 100_000;

pub use self::attempts::Attempt;
pub use self::audit::AuditQuery;
pub use self::history::{HistoryLimits, HistoryQuery};
pub use self::inbox::InboxRow;
pub use self::outbox::{DestinationHistory, NewMessage, OutboxRow, OutboxStatus, Settlement};
pub use self::pushed::PushedRow;

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("state database {path}: {source}")]
    Open { path: String, source: rusqlite::Error },
    #[error("state database: {0}")]
    Query(#[from] rusqlite::Error),
    /// A transaction that others shared.
    #[error("{0}")]
    Shared(String),
    #[error("state database: a stored value is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

pub struct State {
    inner: Mutex<Inner>,
}

struct Inner {
    connection: Connection,
    /// The row of each alert. Rows are numbered as they come, so that new alerts share pages; by fingerprint each would take a page of its own.
    alert_rows: HashMap<u64, i64>,
    next_alert_row: i64,
    /// Messages by status.
    counts: HashMap<OutboxStatus, u64>,
    durability: Durability,
}

/// What a finished commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// kill -9
    Logged,
    /// Power loss too.
    Synced,
}

/// An event for the list. Its key, if it has one, stands for it until a time.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub event_id: String,
    pub at: Timestamp,
    pub kind: String,
    pub key: Option<(String, Timestamp)>,
    pub body: Value,
}

/// A key that was used, and until when it stands for its event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventKey {
    pub kind: String,
    pub key: String,
    pub event_id: String,
    pub until: Timestamp,
}

/// One change of the state; `commit` applies a list of them in one transaction.
#[derive(Clone, Debug)]
pub enum Write {
    Alert(Alert),
    /// By fingerprint.
    AlertGone(u64),
    Log {
        key: String,
        body: Value,
    },
    LogGone {
        key: String,
    },
    Silence {
        key: String,
        body: Value,
    },
    SilenceGone {
        key: String,
    },
    Message(NewMessage),
    Settle(Settlement),
    /// One that was given up waits again.
    Again {
        id: i64,
        at: Timestamp,
    },
    Rules {
        key: String,
        body: Value,
    },
    Audit {
        at: Timestamp,
        body: Value,
    },
    Event(NewEvent),
    Keep {
        name: String,
        body: Value,
    },
}

impl State {
    pub fn open(path: &Path) -> Result<State, StateError> {
        let open = |path: &Path| -> Result<Connection, rusqlite::Error> {
            let connection = Connection::open(path)?;
            // WAL with FULL: a commit is on disk when it returns, and readers do not wait for writers.
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -512;",
            )?;
            let old_alerts = old_alerts(&connection)?;
            connection.execute_batch(SCHEMA)?;
            connection.execute_batch(outbox::SCHEMA)?;
            connection.execute_batch(audit::SCHEMA)?;
            connection.execute_batch(attempts::SCHEMA)?;
            audit::open(&connection)?;
            for alert in old_alerts {
                let mut insert = connection.prepare_cached("INSERT INTO alerts (fingerprint, body) VALUES (?1, ?2)")?;
                insert.execute(params![alert.fingerprint() as i64, serde_json::to_string(&AlertJson(&alert)).unwrap_or_default()])?;
            }
            Ok(connection)
        };
        let connection = open(path).map_err(|source| StateError::Open { path: path.display().to_string(), source })?;
        let alert_rows = numbers(&connection, "SELECT fingerprint, id FROM alerts", |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?;
        let counts = numbers(&connection, "SELECT status, count(*) FROM outbox GROUP BY status", |row| {
            Ok((OutboxStatus::of_row(&row.get::<_, String>(0)?), row.get::<_, i64>(1)? as u64))
        })?;
        let next_alert_row = alert_rows.values().max().map_or(1, |last| last + 1);
        Ok(State { inner: Mutex::new(Inner { connection, alert_rows, next_alert_row, counts, durability: Durability::Synced }) })
    }

    /// Applies all of `writes` or none. Gives the row of each message among them, `None` for one that was there already.
    pub fn commit(&self, writes: &[Write], durability: Durability) -> Result<Vec<Option<i64>>, StateError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let mut inner = self.lock();
        let inner = &mut *inner;
        if inner.durability != durability {
            let word = if durability == Durability::Synced { "FULL" } else { "NORMAL" };
            inner.connection.pragma_update(None, "synchronous", word)?;
            inner.durability = durability;
        }
        let transaction = inner.connection.unchecked_transaction()?;
        // What memory knows changes only when the transaction is done.
        let mut rows = NewRows { next: inner.next_alert_row, ..NewRows::default() };
        for write in writes {
            apply(&transaction, write, &inner.alert_rows, &mut rows)?;
        }
        transaction.commit()?;
        inner.next_alert_row = rows.next;
        for (fingerprint, row) in rows.alerts {
            match row {
                Some(row) => inner.alert_rows.insert(fingerprint, row),
                None => inner.alert_rows.remove(&fingerprint),
            };
        }
        for (status, change) in rows.counts {
            let count = inner.counts.entry(status).or_insert(0);
            *count = count.saturating_add_signed(change);
        }
        Ok(rows.messages)
    }

    pub fn alerts(&self) -> Result<Vec<Value>, StateError> {
        self.bodies("SELECT body FROM alerts")
    }

    pub fn notification_log(&self) -> Result<Vec<Value>, StateError> {
        self.bodies("SELECT body FROM notification_log")
    }

    pub fn silences(&self) -> Result<Vec<Value>, StateError> {
        self.bodies("SELECT body FROM silences")
    }

    pub fn rules(&self) -> Result<Vec<(String, Value)>, StateError> {
        let inner = self.lock();
        let connection = &inner.connection;
        let mut statement = connection.prepare_cached("SELECT key, body FROM rules")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut out = Vec::new();
        for row in rows {
            let (key, body) = row?;
            out.push((key, serde_json::from_str(&body)?));
        }
        Ok(out)
    }

    pub fn kept(&self, name: &str) -> Result<Option<Value>, StateError> {
        let inner = self.lock();
        let connection = &inner.connection;
        let body: Option<String> = connection.query_row("SELECT body FROM kv WHERE name = ?1", [name], |row| row.get(0)).optional()?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// Events, newest first, that `wanted` takes; at most `rows_max` of them.
    pub fn events(&self, rows_max: usize, kind: Option<&str>, mut wanted: impl FnMut(&Value) -> bool) -> Result<Vec<Value>, StateError> {
        let inner = self.lock();
        let mut statement = inner.connection.prepare_cached("SELECT body FROM events WHERE ?1 IS NULL OR kind = ?1 ORDER BY id DESC")?;
        let mut rows = statement.query([kind])?;
        let mut out = Vec::new();
        while out.len() < rows_max {
            let Some(row) = rows.next()? else { break };
            let body: Value = serde_json::from_str(&row.get::<_, String>(0)?)?;
            if wanted(&body) {
                out.push(body);
            }
        }
        Ok(out)
    }

    /// The keys of events that still stand for them at `now`.
    pub fn event_keys(&self, now: Timestamp) -> Result<Vec<EventKey>, StateError> {
        let inner = self.lock();
        let mut statement =
            inner.connection.prepare_cached("SELECT kind, key, event_id, until_ms FROM events WHERE until_ms > ?1 ORDER BY id")?;
        let rows = statement.query_map([now.0], |row| {
            Ok(EventKey { kind: row.get(0)?, key: row.get(1)?, event_id: row.get(2)?, until: Timestamp(row.get(3)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the last delivery to a destination about a group left to be remembered.
    pub fn receiver_data(&self, destination: &str, group_key: &str) -> Result<Value, StateError> {
        let inner = self.lock();
        let mut statement = inner.connection.prepare_cached("SELECT body FROM receiver_data WHERE key = ?1")?;
        let body: Option<String> = statement.query_row([format!("{destination}:{group_key}")], |row| row.get(0)).optional()?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?.unwrap_or_default())
    }

    /// Deletes history above its bounds. Pending messages are never deleted.
    pub fn trim(&self) -> Result<(), StateError> {
        let mut inner = self.lock();
        for status in OutboxStatus::SETTLED {
            let gone = inner.connection.execute(
                "DELETE FROM outbox WHERE status = ?2 AND id <= (SELECT max(id) FROM outbox) - ?1",
                params![HISTORY_ROWS_MAX, status.word()],
            )?;
            let count = inner.counts.entry(status).or_insert(0);
            *count = count.saturating_sub(gone as u64);
        }
        inner.connection.execute(
            "DELETE FROM receiver_data WHERE key IN (SELECT key FROM receiver_data ORDER BY at_ms DESC LIMIT -1 OFFSET ?1)",
            [RECEIVER_DATA_ROWS_MAX],
        )?;
        inner.connection.execute(
            "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?1
             AND (until_ms IS NULL OR until_ms < (SELECT max(at_ms) FROM events))",
            [EVENT_ROWS_MAX],
        )?;
        audit::trim_to_bound(&inner.connection)
    }

    fn bodies(&self, query: &str) -> Result<Vec<Value>, StateError> {
        let inner = self.lock();
        let connection = &inner.connection;
        let mut statement = connection.prepare(query)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut out = Vec::new();
        for row in rows {
            out.push(serde_json::from_str(&row?)?);
        }
        Ok(out)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A panic while holding the lock leaves SQLite's transaction rolled back, so the connection is still good.
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What a transaction adds to what memory knows.
#[derive(Default)]
struct NewRows {
    next: i64,
    /// Fingerprint to row; `None`: it is gone.
    alerts: HashMap<u64, Option<i64>>,
    messages: Vec<Option<i64>>,
    counts: HashMap<OutboxStatus, i64>,
}

fn apply(connection: &Connection, write: &Write, known: &HashMap<u64, i64>, rows: &mut NewRows) -> Result<(), StateError> {
    let put = |table: &str, key: &str, body: &Value| {
        let query = format!("INSERT INTO {table} VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body");
        connection.prepare_cached(&query)?.execute(params![key, body.to_string()])
    };
    let gone = |table: &str, key: &str| connection.prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1"))?.execute([key]);
    let row_of = |rows: &NewRows, fingerprint: u64| match rows.alerts.get(&fingerprint) {
        Some(row) => *row,
        None => known.get(&fingerprint).copied(),
    };
    match write {
        Write::Alert(alert) => {
            let fingerprint = alert.fingerprint();
            let body = serde_json::to_string(&AlertJson(alert))?;
            if let Some(row) = row_of(rows, fingerprint) {
                connection.prepare_cached("UPDATE alerts SET body = ?2 WHERE id = ?1")?.execute(params![row, body])?;
            } else {
                let mut insert = connection.prepare_cached("INSERT INTO alerts (id, fingerprint, body) VALUES (?1, ?2, ?3)")?;
                // SQLite's integers are signed; the bits are the same.
                insert.execute(params![rows.next, fingerprint as i64, body])?;
                rows.alerts.insert(fingerprint, Some(rows.next));
                rows.next += 1;
            }
        }
        Write::AlertGone(fingerprint) => {
            if let Some(row) = row_of(rows, *fingerprint) {
                connection.prepare_cached("DELETE FROM alerts WHERE id = ?1")?.execute([row])?;
                rows.alerts.insert(*fingerprint, None);
            }
        }
        Write::Log { key, body } => drop(put("notification_log", key, body)?),
        Write::LogGone { key } => {
            gone("receiver_data", key)?;
            gone("notification_log", key)?;
        }
        Write::Silence { key, body } => drop(put("silences", key, body)?),
        Write::SilenceGone { key } => drop(gone("silences", key)?),
        Write::Rules { key, body } => drop(put("rules", key, body)?),
        Write::Keep { name, body } => drop(put("kv", name, body)?),
        Write::Audit { at, body } => {
            audit::append(connection, *at, body)?;
        }
        Write::Event(event) => {
            let mut insert = connection.prepare_cached(
                "INSERT INTO events (at_ms, event_id, kind, key, until_ms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (event_id) DO NOTHING",
            )?;
            let (key, until_ms) = event.key.as_ref().map(|(key, until)| (key, until.0)).unzip();
            insert.execute(params![event.at.0, event.event_id, event.kind, key, until_ms, event.body.to_string()])?;
        }
        Write::Message(message) => {
            let row = outbox::insert(connection, message)?;
            if row.is_some() {
                *rows.counts.entry(OutboxStatus::Pending).or_insert(0) += 1;
            }
            rows.messages.push(row);
        }
        Write::Settle(settlement) => {
            outbox::settle(connection, settlement)?;
            if settlement.status != OutboxStatus::Pending {
                *rows.counts.entry(OutboxStatus::Pending).or_insert(0) -= 1;
                *rows.counts.entry(settlement.status).or_insert(0) += 1;
            }
        }
        Write::Again { id, at } => {
            if outbox::again(connection, *id, *at)? {
                *rows.counts.entry(OutboxStatus::Failed).or_insert(0) -= 1;
                *rows.counts.entry(OutboxStatus::Pending).or_insert(0) += 1;
            }
        }
    }
    Ok(())
}

/// Until November 2026 alerts were rows by the text of their fingerprint.
fn old_alerts(connection: &Connection) -> Result<Vec<Alert>, rusqlite::Error> {
    if !connection.prepare("SELECT 1 FROM pragma_table_info('alerts') WHERE name = 'key'")?.exists([])? {
        return Ok(Vec::new());
    }
    let bodies: Vec<String> = {
        let mut statement = connection.prepare("SELECT body FROM alerts")?;
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    connection.execute_batch("DROP TABLE alerts;")?;
    Ok(bodies.iter().filter_map(|body| alert_of(&serde_json::from_str(body).ok()?)).collect())
}

fn numbers<K: std::hash::Hash + Eq, V>(
    connection: &Connection,
    query: &str,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<(K, V), rusqlite::Error>,
) -> Result<HashMap<K, V>, StateError> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([], |row| read(row))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS alerts (id INTEGER PRIMARY KEY, fingerprint INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notification_log (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receiver_data (key TEXT PRIMARY KEY, body TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS silences (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rules (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kv (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, event_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  key TEXT, until_ms INTEGER, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS event_keys ON events (until_ms) WHERE until_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS event_kinds ON events (kind, id);
CREATE TABLE IF NOT EXISTS pushed (key TEXT PRIMARY KEY, body TEXT NOT NULL, pushed_at_ms INTEGER, failed_at_ms INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, key TEXT UNIQUE, path TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS inbox_pictures (id INTEGER PRIMARY KEY, png BLOB NOT NULL);
";
