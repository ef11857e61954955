//! The state that is not samples: one SQLite file, `DATA/state.db`, that a person can open.
//!
//! In:    alerts, notification log, outbox rows, states of rules, decisions, messages of the built-in inbox.
//! Out:   the same after a restart.
//! Never: holds a secret (messages are kept as data and composed again at each attempt; addresses are not in it).
//! Holds: `commit` has fsynced when it returns, so what it recorded survives kill -9 and power loss.
//!
//! ```text
//! alerts            what the router knows          | key, body (JSON)
//! notification_log  what was last said of a group  | key, body
//! silences          what people do not want to hear | id, body (JSON)
//! receiver_data     what a delivery left to be remembered of its group: ids | key (as in the log), body, at_ms
//! outbox            messages, pending to settled   | see `OutboxRow`
//! rules             pending and firing states      | key (file;group;rule), body
//! audit             decisions and events           | id, at_ms, body
//! inbox             messages as the built-in inbox received them
//! kv                small things by name
//! ```

use std::path::Path;
use std::sync::Mutex;

use bellbuoy_vocabulary::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

/// Settled outbox rows and inbox messages that are kept for the history; older ones are deleted.
const HISTORY_ROWS_MAX: i64 = 100_000;
const INBOX_ROWS_MAX: i64 = 10_000;
const AUDIT_ROWS_MAX: i64 = 1_000_000;
/// Memories of groups; they go with their entry of the notification log, so this bounds those that have none.
const RECEIVER_DATA_ROWS_MAX: i64 = 100_000;

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("state database {path}: {source}")]
    Open { path: String, source: rusqlite::Error },
    #[error("state database: {0}")]
    Query(#[from] rusqlite::Error),
    #[error("state database: a stored value is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

pub struct State {
    connection: Mutex<Connection>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxStatus {
    Pending,
    Delivered,
    Failed,
}

impl OutboxStatus {
    pub fn word(self) -> &'static str {
        match self {
            OutboxStatus::Pending => "pending",
            OutboxStatus::Delivered => "delivered",
            OutboxStatus::Failed => "failed",
        }
    }

    fn parse(word: &str) -> OutboxStatus {
        match word {
            "delivered" => OutboxStatus::Delivered,
            "failed" => OutboxStatus::Failed,
            _ => OutboxStatus::Pending,
        }
    }
}

/// A new outbox row; the database numbers it.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub key: String,
    pub destination: String,
    pub group_key: String,
    pub reason: String,
    pub notice: Value,
    pub at: Timestamp,
}

/// One change of the state; `commit` applies a list of them in one transaction.
#[derive(Clone, Debug)]
pub enum Write {
    Alert { key: String, body: Value },
    AlertGone { key: String },
    Log { key: String, body: Value },
    LogGone { key: String },
    Silence { key: String, body: Value },
    SilenceGone { key: String },
    Message(NewMessage),
    Rules { key: String, body: Value },
    Audit { at: Timestamp, body: Value },
    Keep { name: String, body: Value },
}

/// A message as the built-in inbox received it.
#[derive(Clone, Debug)]
pub struct InboxRow {
    pub id: i64,
    pub at: Timestamp,
    pub path: String,
    pub body: Value,
}

impl State {
    pub fn open(path: &Path) -> Result<State, StateError> {
        let open = |path: &Path| -> Result<Connection, rusqlite::Error> {
            let connection = Connection::open(path)?;
            // WAL with FULL: a commit is on disk when it returns, and readers do not wait for writers.
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -512;",
            )?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        };
        let connection = open(path).map_err(|source| StateError::Open { path: path.display().to_string(), source })?;
        Ok(State { connection: Mutex::new(connection) })
    }

    /// Applies all of `writes` or none; on disk when it returns. Gives how many new messages there are.
    pub fn commit(&self, writes: &[Write]) -> Result<usize, StateError> {
        if writes.is_empty() {
            return Ok(0);
        }
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let mut messages = 0;
        for write in writes {
            messages += apply(&transaction, write)?;
        }
        transaction.commit()?;
        Ok(messages)
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
        let connection = self.lock();
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
        let connection = self.lock();
        let body: Option<String> = connection.query_row("SELECT body FROM kv WHERE name = ?1", [name], |row| row.get(0)).optional()?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// The newest decisions and events, newest first.
    pub fn audit(&self, rows_max: usize) -> Result<Vec<Value>, StateError> {
        self.bodies(&format!("SELECT body FROM audit ORDER BY id DESC LIMIT {rows_max}"))
    }

    /// The destinations that have unsent messages.
    pub fn pending_destinations(&self) -> Result<Vec<String>, StateError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT DISTINCT destination FROM outbox WHERE status = 'pending'")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The oldest message to a destination that is the first unsent one of its group and is due, or when the next one is.
    pub fn next_message(&self, destination: &str, now: Timestamp) -> Result<NextMessage, StateError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT * FROM outbox AS o WHERE destination = ?1 AND status = 'pending' AND NOT EXISTS
             (SELECT 1 FROM outbox AS e WHERE e.destination = o.destination AND e.status = 'pending' AND e.group_key = o.group_key AND e.id < o.id)
             ORDER BY due_at_ms > ?2, CASE WHEN due_at_ms > ?2 THEN due_at_ms ELSE id END LIMIT 1",
        )?;
        let row = statement.query_row(params![destination, now.0], read_outbox).optional()?;
        Ok(match row {
            None => NextMessage::Nothing,
            Some((row, _)) if row.due_at > now => NextMessage::At(row.due_at),
            Some((mut row, notice)) => {
                row.notice = serde_json::from_str(&notice)?;
                NextMessage::Due(Box::new(row))
            }
        })
    }

    /// What the last delivery to a destination about a group left to be remembered.
    pub fn receiver_data(&self, destination: &str, group_key: &str) -> Result<Value, StateError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT body FROM receiver_data WHERE key = ?1")?;
        let body: Option<String> = statement.query_row([format!("{destination}:{group_key}")], |row| row.get(0)).optional()?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?.unwrap_or_default())
    }

    /// Records what became of an attempt, and what it left, in one transaction.
    pub fn settle(
        &self,
        id: i64,
        status: OutboxStatus,
        due_at: Timestamp,
        now: Timestamp,
        answer: &str,
        left: Left,
    ) -> Result<(), StateError> {
        let settled = (status != OutboxStatus::Pending).then_some(now.0);
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "UPDATE outbox SET status = ?2, due_at_ms = ?3, settled_at_ms = ?4, last_answer = ?5, remote_id = coalesce(?6, remote_id), attempts = attempts + 1 WHERE id = ?1",
            params![id, status.word(), due_at.0, settled, answer, left.remote_id],
        )?;
        match left.memory {
            None => 0,
            Some(Value::Null) => transaction.execute(FORGET, [id])?,
            Some(memory) => transaction.execute(REMEMBER, params![id, memory.to_string(), now.0])?,
        };
        transaction.commit()?;
        Ok(())
    }

    /// Messages, newest first, with what became of them.
    pub fn messages(&self, rows_max: usize) -> Result<Vec<OutboxRow>, StateError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT * FROM outbox ORDER BY id DESC LIMIT ?1")?;
        let rows = statement.query_map([rows_max as i64], read_outbox)?;
        let mut out = Vec::new();
        for row in rows {
            let (mut row, notice) = row?;
            row.notice = serde_json::from_str(&notice)?;
            out.push(row);
        }
        Ok(out)
    }

    /// How many messages have each status.
    pub fn message_counts(&self) -> Result<Vec<(OutboxStatus, u64)>, StateError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT status, count(*) FROM outbox GROUP BY status")?;
        let rows = statement.query_map([], |row| Ok((OutboxStatus::parse(&row.get::<_, String>(0)?), row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores a message of the built-in inbox; a repeat of the same key changes nothing. True when it is new.
    pub fn inbox_receive(&self, at: Timestamp, key: Option<&str>, path: &str, body: &Value) -> Result<bool, StateError> {
        let connection = self.lock();
        let new = connection.execute(
            "INSERT INTO inbox (at_ms, key, path, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO NOTHING",
            params![at.0, key, path, body.to_string()],
        )?;
        connection.execute("DELETE FROM inbox WHERE id <= (SELECT max(id) FROM inbox) - ?1", [INBOX_ROWS_MAX])?;
        Ok(new > 0)
    }

    pub fn inbox(&self, rows_max: usize) -> Result<Vec<InboxRow>, StateError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT id, at_ms, path, body FROM inbox ORDER BY id DESC LIMIT ?1")?;
        let rows = statement.query_map([rows_max as i64], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
        })?;
        let mut out = Vec::new();
        for row in rows {
            let (id, at, path, body) = row?;
            out.push(InboxRow { id, at: Timestamp(at), path, body: serde_json::from_str(&body)? });
        }
        Ok(out)
    }

    /// Deletes history above its bounds. Pending messages are never deleted.
    pub fn trim(&self) -> Result<(), StateError> {
        let connection = self.lock();
        connection
            .execute("DELETE FROM outbox WHERE status <> 'pending' AND id <= (SELECT max(id) FROM outbox) - ?1", [HISTORY_ROWS_MAX])?;
        connection.execute(
            "DELETE FROM receiver_data WHERE key IN (SELECT key FROM receiver_data ORDER BY at_ms DESC LIMIT -1 OFFSET ?1)",
            [RECEIVER_DATA_ROWS_MAX],
        )?;
        connection.execute("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1", [AUDIT_ROWS_MAX])?;
        Ok(())
    }

    fn bodies(&self, query: &str) -> Result<Vec<Value>, StateError> {
        let connection = self.lock();
        let mut statement = connection.prepare(query)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut out = Vec::new();
        for row in rows {
            out.push(serde_json::from_str(&row?)?);
        }
        Ok(out)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        // A panic while holding the lock leaves SQLite's transaction rolled back, so the connection is still good.
        self.connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What an attempt left beside its answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left<'a> {
    pub remote_id: Option<&'a str>,
    /// To be remembered of the group; null forgets, `None` changes nothing.
    pub memory: Option<&'a Value>,
}

#[derive(Debug)]
pub enum NextMessage {
    Nothing,
    At(Timestamp),
    Due(Box<OutboxRow>),
}

fn apply(connection: &Connection, write: &Write) -> Result<usize, rusqlite::Error> {
    let put = |table: &str, key: &str, body: &Value| {
        let query = format!("INSERT INTO {table} VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body");
        connection.prepare_cached(&query)?.execute(params![key, body.to_string()])
    };
    let gone = |table: &str, key: &str| connection.prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1"))?.execute([key]);
    match write {
        Write::Alert { key, body } => put("alerts", key, body).map(|_| 0),
        Write::AlertGone { key } => gone("alerts", key).map(|_| 0),
        Write::Log { key, body } => put("notification_log", key, body).map(|_| 0),
        Write::LogGone { key } => gone("receiver_data", key).and_then(|_| gone("notification_log", key)).map(|_| 0),
        Write::Silence { key, body } => put("silences", key, body).map(|_| 0),
        Write::SilenceGone { key } => gone("silences", key).map(|_| 0),
        Write::Rules { key, body } => put("rules", key, body).map(|_| 0),
        Write::Keep { name, body } => put("kv", name, body).map(|_| 0),
        Write::Audit { at, body } => connection
            .prepare_cached("INSERT INTO audit (at_ms, body) VALUES (?1, ?2)")?
            .execute(params![at.0, body.to_string()])
            .map(|_| 0),
        Write::Message(message) => connection
            .prepare_cached(
                "INSERT INTO outbox (key, destination, group_key, reason, notice, status, attempts, due_at_ms, created_at_ms, last_answer)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 0, ?6, ?6, '') ON CONFLICT (key) DO NOTHING",
            )?
            .execute(params![
                message.key,
                message.destination,
                message.group_key,
                message.reason,
                message.notice.to_string(),
                message.at.0
            ]),
    }
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
CREATE TABLE IF NOT EXISTS alerts (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notification_log (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receiver_data (key TEXT PRIMARY KEY, body TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS silences (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rules (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kv (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, key TEXT UNIQUE, path TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, destination TEXT NOT NULL, group_key TEXT NOT NULL, reason TEXT NOT NULL,
  notice TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, due_at_ms INTEGER NOT NULL, created_at_ms INTEGER NOT NULL,
  settled_at_ms INTEGER, last_answer TEXT NOT NULL, remote_id TEXT);
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (destination, group_key, id) WHERE status = 'pending';
";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state() -> State {
        State::open(Path::new(":memory:")).expect("in memory")
    }

    fn message(key: &str, group: &str, at: i64) -> Write {
        Write::Message(NewMessage {
            key: key.into(),
            destination: "team/webhook/0".into(),
            group_key: group.into(),
            reason: "first notification".into(),
            notice: json!({"n": key}),
            at: Timestamp(at),
        })
    }

    fn due(state: &State, now: i64) -> String {
        match state.next_message("team/webhook/0", Timestamp(now)).expect("query") {
            NextMessage::Nothing => "nothing".into(),
            NextMessage::At(at) => format!("at {}", at.0),
            NextMessage::Due(row) => row.key,
        }
    }

    #[test]
    fn messages_of_a_group_go_in_order_and_a_waiting_group_does_not_stop_others() {
        let state = state();
        state.commit(&[message("a1", "A", 10), message("a2", "A", 11), message("b1", "B", 12)]).expect("commit");
        assert_eq!(due(&state, 20), "a1");
        // a1 has to wait: a2 must not overtake it, b1 may go.
        state.settle(1, OutboxStatus::Pending, Timestamp(100), Timestamp(20), "429", Left::default()).expect("settle");
        assert_eq!(due(&state, 20), "b1");
        let left = Left { remote_id: Some("id"), memory: None };
        state.settle(3, OutboxStatus::Delivered, Timestamp(20), Timestamp(20), "204", left).expect("settle");
        assert_eq!(due(&state, 20), "at 100");
        assert_eq!(due(&state, 100), "a1");
        state.settle(1, OutboxStatus::Failed, Timestamp(100), Timestamp(100), "404", Left::default()).expect("settle");
        assert_eq!(due(&state, 100), "a2");
        state.settle(2, OutboxStatus::Delivered, Timestamp(100), Timestamp(100), "204", Left::default()).expect("settle");
        assert_eq!(due(&state, 100), "nothing");
        let words: Vec<_> = state.messages(10).expect("rows").iter().map(|row| (row.key.clone(), row.status, row.attempts)).collect();
        assert_eq!(
            words,
            [("b1".into(), OutboxStatus::Delivered, 1), ("a2".into(), OutboxStatus::Delivered, 1), ("a1".into(), OutboxStatus::Failed, 2)]
        );
    }

    #[test]
    fn a_group_is_remembered_until_its_log_entry_goes() {
        let state = state();
        state.commit(&[message("a", "A", 1), message("b", "B", 1)]).expect("commit");
        let memory = || ["A", "B"].map(|group| state.receiver_data("team/webhook/0", group).expect("query"));
        let settle = |id, memory: Option<Value>| {
            let left = Left { remote_id: None, memory: memory.as_ref() };
            state.settle(id, OutboxStatus::Delivered, Timestamp(1), Timestamp(1), "200", left).expect("settle");
            state.trim().expect("trim");
        };
        assert_eq!(memory(), [json!(null), json!(null)]);
        settle(1, Some(json!({"id": "1"})));
        settle(2, Some(json!({"id": "2"})));
        settle(1, None);
        assert_eq!(memory(), [json!({"id": "1"}), json!({"id": "2"})]);
        settle(1, Some(json!({"id": "3"})));
        settle(2, Some(json!(null)));
        assert_eq!(memory(), [json!({"id": "3"}), json!(null)]);
        state.commit(&[Write::LogGone { key: "team/webhook/0:A".into() }]).expect("commit");
        assert_eq!(memory(), [json!(null), json!(null)]);
    }

    #[test]
    fn the_same_key_is_one_message() {
        let state = state();
        assert_eq!(state.commit(&[message("a", "A", 1), message("a", "A", 2)]).expect("commit"), 1);
        assert!(state.inbox_receive(Timestamp(1), Some("k"), "/inbox", &json!({})).expect("insert"));
        assert!(!state.inbox_receive(Timestamp(2), Some("k"), "/inbox", &json!({})).expect("insert"));
        assert!(state.inbox_receive(Timestamp(3), None, "/inbox", &json!({})).expect("insert"));
        assert!(state.inbox_receive(Timestamp(3), None, "/inbox", &json!({})).expect("insert"));
        assert_eq!(state.inbox(10).expect("rows").len(), 3);
    }

    #[test]
    fn what_was_committed_is_there_after_reopening() {
        let dir = std::env::temp_dir().join(format!("bellbuoy-state-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("temporary folder");
        let path = dir.join("state.db");
        let first = State::open(&path).expect("open");
        first
            .commit(&[
                Write::Alert { key: "f1".into(), body: json!({"a": 1}) },
                Write::Log { key: "g".into(), body: json!({"l": 1}) },
                Write::Rules { key: "r".into(), body: json!([]) },
                Write::Keep { name: "k".into(), body: json!(7) },
                Write::Audit { at: Timestamp(5), body: json!({"d": "retrain"}) },
                message("m", "A", 1),
            ])
            .expect("commit");
        drop(first);
        let again = State::open(&path).expect("open");
        assert_eq!(again.alerts().expect("rows"), [json!({"a": 1})]);
        assert_eq!(again.notification_log().expect("rows"), [json!({"l": 1})]);
        assert_eq!(again.rules().expect("rows"), [("r".to_string(), json!([]))]);
        assert_eq!(again.kept("k").expect("row"), Some(json!(7)));
        assert_eq!(again.kept("other").expect("row"), None);
        assert_eq!(again.audit(10).expect("rows"), [json!({"d": "retrain"})]);
        assert_eq!(again.pending_destinations().expect("rows"), ["team/webhook/0"]);
        again.commit(&[Write::AlertGone { key: "f1".into() }, Write::LogGone { key: "g".into() }]).expect("commit");
        assert!(again.alerts().expect("rows").is_empty() && again.notification_log().expect("rows").is_empty());
        let _ = std::fs::remove_dir_all(&dir);
    }
}
