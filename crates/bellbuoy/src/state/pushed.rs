//! Pushed groups: one row each, written before the push is answered.

use bellbuoy_vocabulary::Timestamp;
use rusqlite::params;

use super::{State, StateError};

#[derive(Clone, Debug, PartialEq)]
pub struct PushedRow {
    /// The grouping key as JSON.
    pub key: String,
    /// The families as metric text.
    pub body: String,
    pub pushed_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
}

impl State {
    pub fn pushed_groups(&self) -> Result<Vec<PushedRow>, StateError> {
        let inner = self.lock();
        let mut statement = inner.connection.prepare_cached("SELECT key, body, pushed_at_ms, failed_at_ms FROM pushed")?;
        let time = |ms: Option<i64>| ms.map(Timestamp);
        let rows = statement.query_map([], |row| {
            Ok(PushedRow { key: row.get(0)?, body: row.get(1)?, pushed_at: time(row.get(2)?), failed_at: time(row.get(3)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn put_pushed(&self, row: &PushedRow) -> Result<(), StateError> {
        let query = "INSERT INTO pushed (key, body, pushed_at_ms, failed_at_ms) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (key) DO UPDATE SET body = excluded.body, pushed_at_ms = excluded.pushed_at_ms, failed_at_ms = excluded.failed_at_ms";
        let time = |at: Option<Timestamp>| at.map(|at| at.0);
        self.lock().connection.prepare_cached(query)?.execute(params![row.key, row.body, time(row.pushed_at), time(row.failed_at)])?;
        Ok(())
    }

    pub fn delete_pushed(&self, key: &str) -> Result<(), StateError> {
        self.lock().connection.prepare_cached("DELETE FROM pushed WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}
