//! What the built-in inbox received: messages as they came, and the pictures that were added to them.
//!
//! In:    a body, or the picture of an earlier one. Out: the newest messages.
//! Never: keeps the same message twice: a repeat has the same key.

use bellbuoy_vocabulary::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{INBOX_ROWS_MAX, State, StateError};

/// The newest messages keep their pictures.
const PICTURES_MAX: i64 = 200;

/// A message as the built-in inbox received it.
#[derive(Clone, Debug)]
pub struct InboxRow {
    pub id: i64,
    pub at: Timestamp,
    pub path: String,
    pub body: Value,
    pub has_picture: bool,
}

impl State {
    /// Stores a message and gives its id; a repeat of the same key changes nothing.
    pub fn inbox_receive(&self, at: Timestamp, key: Option<&str>, path: &str, body: &Value) -> Result<i64, StateError> {
        let inner = self.lock();
        let connection = &inner.connection;
        let new = connection.execute(
            "INSERT INTO inbox (at_ms, key, path, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO NOTHING",
            params![at.0, key, path, body.to_string()],
        )?;
        if new == 0 {
            return Ok(connection.query_row("SELECT id FROM inbox WHERE key = ?1", [key], |row| row.get(0))?);
        }
        let id = connection.last_insert_rowid();
        connection.execute("DELETE FROM inbox WHERE id <= (SELECT max(id) FROM inbox) - ?1", [INBOX_ROWS_MAX])?;
        Ok(id)
    }

    /// False when there is no such message.
    pub fn inbox_add_picture(&self, id: i64, png: &[u8]) -> Result<bool, StateError> {
        let inner = self.lock();
        let added = inner
            .connection
            .execute("INSERT OR REPLACE INTO inbox_pictures (id, png) SELECT id, ?2 FROM inbox WHERE id = ?1", params![id, png])?;
        inner.connection.execute("DELETE FROM inbox_pictures WHERE id <= (SELECT max(id) FROM inbox) - ?1", [PICTURES_MAX])?;
        Ok(added > 0)
    }

    pub fn inbox_picture(&self, id: i64) -> Result<Option<Vec<u8>>, StateError> {
        let inner = self.lock();
        Ok(inner.connection.query_row("SELECT png FROM inbox_pictures WHERE id = ?1", [id], |row| row.get(0)).optional()?)
    }

    /// Newest first.
    pub fn inbox(&self, rows_max: usize) -> Result<Vec<InboxRow>, StateError> {
        let inner = self.lock();
        let connection = &inner.connection;
        let mut statement = connection
            .prepare_cached("SELECT id, at_ms, path, body, id IN (SELECT id FROM inbox_pictures) FROM inbox ORDER BY id DESC LIMIT ?1")?;
        let rows = statement.query_map([rows_max as i64], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?, row.get::<_, bool>(4)?))
        })?;
        let mut out = Vec::new();
        for row in rows {
            let (id, at, path, body, has_picture) = row?;
            out.push(InboxRow { id, at: Timestamp(at), path, body: serde_json::from_str(&body)?, has_picture });
        }
        Ok(out)
    }
}
