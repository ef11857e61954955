//! Pushed groups: one row each, written before the push is answered.

use bellbuoy_vocabulary::Timestamp;
use rusqlite::params;

use super::{State, StateError};

#[derive(Clone, Debug, PartialEq)]
pub struct PushedRow {
    /// The grouping key as JSON.
    pub key: String,
    /// The families as metric text; `None` when the group is gone.
    pub body: Option<String>,
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

    /// All of them or none.
    pub fn put_pushed(&self, rows: &[PushedRow]) -> Result<(), StateError> {
        let query = "INSERT INTO pushed (key, body, pushed_at_ms, failed_at_ms) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (key) DO UPDATE SET body = excluded.body, pushed_at_ms = excluded.pushed_at_ms, failed_at_ms = excluded.failed_at_ms";
        let time = |at: Option<Timestamp>| at.map(|at| at.0);
        let mut inner = self.lock();
        let transaction = inner.connection.transaction()?;
        for row in rows {
            match &row.body {
                Some(body) => {
                    transaction.prepare_cached(query)?.execute(params![row.key, body, time(row.pushed_at), time(row.failed_at)])?
                }
                None => transaction.prepare_cached("DELETE FROM pushed WHERE key = ?1")?.execute([&row.key])?,
            };
        }
        Ok(transaction.commit()?)
    }
}

#[cfg(test)]
impl State {
    /// As a disk that takes nothing.
    pub fn fail_writes(&self, fail: bool) {
        self.lock().connection.pragma_update(None, "query_only", fail).expect("a pragma");
    }
}
