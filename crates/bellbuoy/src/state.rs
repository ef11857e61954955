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
//! outbox            messages, pending to settled   | see `OutboxRow`
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
mod pushed;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bellbuoy_notify::{AlertJson, Notice, alert_of};
use bellbuoy_vocabulary::{Alert, Millis, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

/// Settled outbox rows and inbox messages that are kept for the history; older ones are deleted.
const HISTORY_ROWS_MAX: i64 = 100_000;
const INBOX_ROWS_MAX: i64 = 10_000;
const EVENT_ROWS_MAX: i64 = 200_000;
/// Memories of groups; they go with their entry of the notification log, so this bounds those that have none.
const RECEIVER_DATA_ROWS_MAX: i64 = 100_000;

pub use self::attempts::{Attempt, DestinationHistory};
pub use self::audit::{AuditQuery, Verified};
pub use self::history::{HistoryLimits, HistoryQuery};
pub use self::inbox::InboxRow;
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
    pub fn word(self) -> &'static str {
        match self {
            OutboxStatus::Pending => "pending",
            OutboxStatus::Delivered => "delivered",
            OutboxStatus::Failed => "failed",
            OutboxStatus::Replaced => "replaced",
        }
    }

    pub fn from_word(word: &str) -> Option<OutboxStatus> {
        let all = [OutboxStatus::Pending, OutboxStatus::Delivered, OutboxStatus::Failed, OutboxStatus::Replaced];
        all.into_iter().find(|status| status.word() == word)
    }

    fn parse(word: &str) -> OutboxStatus {
        match word {
            "delivered" => OutboxStatus::Delivered,
            "failed" => OutboxStatus::Failed,
            "replaced" => OutboxStatus::Replaced,
            _ => OutboxStatus::Pending,
        }
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
            Ok((OutboxStatus::parse(&row.get::<_, String>(0)?), row.get::<_, i64>(1)? as u64))
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
        let rows = statement.query_map([rows_max], read_outbox)?;
        let mut out = Vec::new();
        for row in rows {
            let (mut row, notice) = row?;
            row.notice = serde_json::from_str(&notice)?;
            out.push(row);
        }
        Ok(out)
    }

    /// How many messages have each status.
    pub fn message_counts(&self) -> Vec<(OutboxStatus, u64)> {
        self.lock().counts.iter().map(|(status, count)| (*status, *count)).collect()
    }

    /// Deletes history above its bounds. Pending messages are never deleted.
    pub fn trim(&self) -> Result<(), StateError> {
        let mut inner = self.lock();
        for status in [OutboxStatus::Delivered, OutboxStatus::Failed, OutboxStatus::Replaced] {
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
            let row = insert_message(connection, message)?;
            if row.is_some() {
                *rows.counts.entry(OutboxStatus::Pending).or_insert(0) += 1;
            }
            rows.messages.push(row);
        }
        Write::Settle(settlement) => {
            settle(connection, settlement)?;
            if settlement.status != OutboxStatus::Pending {
                *rows.counts.entry(OutboxStatus::Pending).or_insert(0) -= 1;
                *rows.counts.entry(settlement.status).or_insert(0) += 1;
            }
        }
        Write::Again { id, at } => {
            if attempts::again(connection, *id, *at)? {
                *rows.counts.entry(OutboxStatus::Failed).or_insert(0) -= 1;
                *rows.counts.entry(OutboxStatus::Pending).or_insert(0) += 1;
            }
        }
    }
    Ok(())
}

fn insert_message(connection: &Connection, message: &NewMessage) -> Result<Option<i64>, StateError> {
    let notice = &message.notice;
    let mut insert = connection.prepare_cached(
        "INSERT INTO outbox (key, destination, group_key, reason, status, attempts, due_at_ms, created_at_ms, last_answer, notice)
         VALUES (?1, ?2, ?3, ?4, 'pending', 0, ?5, ?5, '', ?6) ON CONFLICT (key) DO NOTHING",
    )?;
    let body = serde_json::to_string(&**notice)?;
    let new = insert.execute(params![message.key, notice.destination(), notice.group_key, notice.reason, message.at.0, body])?;
    Ok((new > 0).then(|| connection.last_insert_rowid()))
}

fn settle(connection: &Connection, settlement: &Settlement) -> Result<(), StateError> {
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

fn read_outbox(row: &rusqlite::Row<'_>) -> Result<(OutboxRow, String), rusqlite::Error> {
    let notice: String = row.get("notice")?;
    let read = OutboxRow {
        id: row.get("id")?,
        key: row.get("key")?,
        destination: row.get("destination")?,
        group_key: row.get("group_key")?,
        reason: row.get("reason")?,
        notice: Value::Null,
        status: OutboxStatus::parse(&row.get::<_, String>("status")?),
        attempts: row.get("attempts")?,
        due_at: Timestamp(row.get("due_at_ms")?),
        created_at: Timestamp(row.get("created_at_ms")?),
        settled_at: row.get::<_, Option<i64>>("settled_at_ms")?.map(Timestamp),
        last_answer: row.get("last_answer")?,
        remote_id: row.get("remote_id")?,
    };
    Ok((read, notice))
}

/// Under the name that the group's entry in the notification log has, with which it goes.
const REMEMBER: &str = "INSERT INTO receiver_data SELECT destination || ':' || group_key, ?2, ?3 FROM outbox WHERE id = ?1
 ON CONFLICT (key) DO UPDATE SET body = excluded.body, at_ms = excluded.at_ms";
const FORGET: &str = "DELETE FROM receiver_data WHERE key = (SELECT destination || ':' || group_key FROM outbox WHERE id = ?1)";

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
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, destination TEXT NOT NULL, group_key TEXT NOT NULL, reason TEXT NOT NULL,
  status TEXT NOT NULL, attempts INTEGER NOT NULL, due_at_ms INTEGER NOT NULL, created_at_ms INTEGER NOT NULL,
  settled_at_ms INTEGER, last_answer TEXT NOT NULL, remote_id TEXT, notice TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (id) WHERE status = 'pending';
";

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_vocabulary::Labels;
    use serde_json::json;

    fn state() -> State {
        State::open(Path::new(":memory:")).expect("in memory")
    }

    fn alert(name: &str) -> Alert {
        Alert {
            labels: Labels::from_pairs([("alertname", name)]),
            annotations: Labels::from_pairs([("summary", "s")]),
            starts_at: Timestamp(1),
            ends_at: Timestamp(i64::MAX),
            updated_at: Timestamp(3),
            generator_url: "http://x".into(),
            timeout: true,
        }
    }

    fn message(key: &str, group: &str, at: i64) -> Write {
        let notice = Notice {
            receiver: "team".into(),
            integration_kind: "webhook".into(),
            integration_index: 0,
            group_key: group.into(),
            group_labels: Labels::empty(),
            alerts: vec![alert("A")],
            reason: "first notification".into(),
            sequence: 1,
            at: Timestamp(at),
        };
        Write::Message(NewMessage { key: key.into(), notice: Arc::new(notice), at: Timestamp(at) })
    }

    fn settle(id: i64, status: OutboxStatus, answer: &str) -> Write {
        let (due_at, at) = (Timestamp(100), Timestamp(20));
        Write::Settle(Settlement {
            id,
            status,
            due_at,
            at,
            answer: answer.into(),
            remote_id: None,
            memory: None,
            attempted: true,
            took: None,
        })
    }

    #[test]
    fn a_group_is_remembered_until_its_log_entry_goes() {
        let state = state();
        state.commit(&[message("a", "A", 1), message("b", "B", 1)], Durability::Synced).expect("commit");
        let memory = || ["A", "B"].map(|group| state.receiver_data("team/webhook/0", group).expect("query"));
        let remember = |id, memory: Option<Value>| {
            let Write::Settle(settlement) = settle(id, OutboxStatus::Delivered, "200") else { return };
            state.commit(&[Write::Settle(Settlement { memory, ..settlement })], Durability::Logged).expect("commit");
            state.trim().expect("trim");
        };
        assert_eq!(memory(), [json!(null), json!(null)]);
        remember(1, Some(json!({"id": "1"})));
        remember(2, Some(json!({"id": "2"})));
        remember(1, None);
        assert_eq!(memory(), [json!({"id": "1"}), json!({"id": "2"})]);
        remember(1, Some(json!({"id": "3"})));
        remember(2, Some(json!(null)));
        assert_eq!(memory(), [json!({"id": "3"}), json!(null)]);
        state.commit(&[Write::LogGone { key: "team/webhook/0:A".into() }], Durability::Synced).expect("commit");
        assert_eq!(memory(), [json!(null), json!(null)]);
    }

    #[test]
    fn the_same_key_is_one_message() {
        let state = state();
        let rows = state.commit(&[message("a", "G", 1), message("a", "G", 2), message("b", "G", 3)], Durability::Synced).expect("commit");
        assert_eq!(rows.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
        let ids = [(1, Some("k")), (2, Some("k")), (3, None), (3, None)]
            .map(|(at, key)| state.inbox_receive(Timestamp(at), key, "/inbox", &json!({})).expect("insert"));
        assert!(ids[0] == ids[1] && ids[1] < ids[2] && ids[2] < ids[3], "a repeat has the id of the first: {ids:?}");
        assert_eq!(state.inbox(10).expect("rows").len(), 3);
    }

    #[test]
    fn what_became_of_messages() {
        let state = state();
        let writes = [message("a", "G", 1), message("b", "G", 2), message("c", "G", 3), message("d", "G", 4)];
        state.commit(&writes, Durability::Synced).expect("commit");
        let settled = [
            settle(1, OutboxStatus::Pending, "HTTP 500"),
            settle(1, OutboxStatus::Delivered, "delivered"),
            settle(2, OutboxStatus::Failed, "HTTP 404"),
            settle(3, OutboxStatus::Replaced, "a newer one"),
        ];
        state.commit(&settled, Durability::Logged).expect("commit");
        let rows = state.messages(10).expect("rows");
        let words: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.status.word(), row.attempts, row.last_answer.as_str())).collect();
        let expected = [
            ("d", "pending", 0, ""),
            ("c", "replaced", 1, "a newer one"),
            ("b", "failed", 1, "HTTP 404"),
            ("a", "delivered", 2, "delivered"),
        ];
        assert_eq!(words, expected);
        let pending: Vec<_> = state.pending().expect("rows").iter().map(|row| row.key.clone()).collect();
        assert_eq!(pending, ["d"]);
        let mut counts: Vec<_> = state.message_counts().iter().map(|(status, count)| format!("{} {count}", status.word())).collect();
        counts.sort();
        assert_eq!(counts, ["delivered 1", "failed 1", "pending 1", "replaced 1"]);
    }

    #[test]
    fn an_alert_has_one_row_while_it_lives() {
        let state = state();
        let (a, b) = (alert("A"), alert("B"));
        let prints = (a.fingerprint(), b.fingerprint());
        let changed = Alert { starts_at: Timestamp(9), ..a.clone() };
        state.commit(&[Write::Alert(a.clone()), Write::Alert(b), Write::Alert(a)], Durability::Synced).expect("commit");
        state.commit(&[Write::Alert(changed.clone()), Write::AlertGone(prints.1)], Durability::Synced).expect("commit");
        let rows = state.alerts().expect("rows");
        assert_eq!(rows.iter().map(alert_of).collect::<Vec<_>>(), [Some(changed.clone())]);
        // Gone and back in one transaction.
        state.commit(&[Write::AlertGone(prints.0), Write::Alert(changed), Write::AlertGone(77)], Durability::Synced).expect("commit");
        assert_eq!(state.alerts().expect("rows").len(), 1);
    }

    /// The state of a program before November 2026: its alerts were lost by the new layout of their table.
    #[test]
    fn alerts_of_the_old_layout_are_taken_over() {
        let dir = std::env::temp_dir().join(format!("bellbuoy-old-state-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("temporary folder");
        let path = dir.join("state.db");
        let old = Connection::open(&path).expect("open");
        old.execute_batch("CREATE TABLE alerts (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;").expect("table");
        let body = serde_json::to_string(&AlertJson(&alert("A"))).expect("JSON");
        old.execute("INSERT INTO alerts VALUES ('00', ?1)", [body]).expect("row");
        drop(old);
        let state = State::open(&path).expect("open");
        assert_eq!(state.alerts().expect("rows").iter().map(alert_of).collect::<Vec<_>>(), [Some(alert("A"))]);
        state.commit(&[Write::AlertGone(alert("A").fingerprint())], Durability::Synced).expect("commit");
        assert!(State::open(&path).expect("open").alerts().expect("rows").is_empty());
        let _ = std::fs::remove_dir_all(&dir);
    }

    #[test]
    fn what_was_committed_is_there_after_reopening() {
        let dir = std::env::temp_dir().join(format!("bellbuoy-state-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("temporary folder");
        let path = dir.join("state.db");
        let first = State::open(&path).expect("open");
        first
            .commit(
                &[
                    Write::Alert(alert("A")),
                    Write::Log { key: "g".into(), body: json!({"l": 1}) },
                    Write::Rules { key: "r".into(), body: json!([]) },
                    Write::Keep { name: "k".into(), body: json!(7) },
                    Write::Audit { at: Timestamp(5), body: json!({"d": "retrain"}) },
                    message("m", "G", 1),
                ],
                Durability::Synced,
            )
            .expect("commit");
        drop(first);
        let again = State::open(&path).expect("open");
        assert_eq!(again.alerts().expect("rows").len(), 1);
        assert_eq!(again.notification_log().expect("rows"), [json!({"l": 1})]);
        assert_eq!(again.rules().expect("rows"), [("r".to_string(), json!([]))]);
        assert_eq!(again.kept("k").expect("row"), Some(json!(7)));
        assert_eq!(again.kept("other").expect("row"), None);
        assert_eq!(again.audit(&AuditQuery { rows_max: 10, ..AuditQuery::default() }).expect("rows"), [json!({"d": "retrain"})]);
        assert_eq!(again.pending().expect("rows")[0].destination, "team/webhook/0");
        again
            .commit(&[Write::AlertGone(alert("A").fingerprint()), Write::LogGone { key: "g".into() }], Durability::Synced)
            .expect("commit");
        assert!(again.alerts().expect("rows").is_empty() && again.notification_log().expect("rows").is_empty());
        let _ = std::fs::remove_dir_all(&dir);
    }
}
