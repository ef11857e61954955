//! The audit record: decisions and events, which nobody edits without being seen.
//!
//! In:    entries in their order. Out: the newest of them, and whether the record is whole.
//! Never: changes an entry. Deletes only the oldest above the bound, and leaves a seal of where they ended.
//!
//! Two guards. Triggers make SQLite itself refuse UPDATE and DELETE. Against somebody who takes the triggers away, each entry has the hash
//! `SHA-256(hash of the entry before, newline, at_ms, newline, body)`, so a change breaks every hash from there on. Whoever can write the file
//! can also compute all hashes anew: keep the newest hash elsewhere (it is in every verification) and ask for it later.

use bellbuoy_vocabulary::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use super::{State, StateError};

/// Above this the oldest go; with some room, so that a seal stands for many.
const ROWS_MAX: i64 = 1_000_000;
const ROWS_PER_SEAL: i64 = 1_000;
/// Rows that are read under the lock at a time.
const BATCH_ROWS: usize = 1_000;
/// Before the first entry.
const GENESIS: &str = "";

pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS audit_seals (up_to_id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, rows INTEGER NOT NULL, hash TEXT NOT NULL);
";

const TRIGGERS: &str = "
CREATE TRIGGER IF NOT EXISTS audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'entries of the audit record cannot be changed'); END;
CREATE TRIGGER IF NOT EXISTS audit_delete BEFORE DELETE ON audit WHEN old.id > (SELECT coalesce(max(up_to_id), 0) FROM audit_seals)
  BEGIN SELECT RAISE(ABORT, 'entries of the audit record cannot be deleted'); END;
CREATE TRIGGER IF NOT EXISTS audit_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = new.id)
  BEGIN SELECT RAISE(ABORT, 'entries of the audit record cannot be replaced'); END;
CREATE TRIGGER IF NOT EXISTS audit_seals_update BEFORE UPDATE ON audit_seals BEGIN SELECT RAISE(ABORT, 'seals of the audit record cannot be changed'); END;
CREATE TRIGGER IF NOT EXISTS audit_seals_delete BEFORE DELETE ON audit_seals BEGIN SELECT RAISE(ABORT, 'seals of the audit record cannot be deleted'); END;
";

/// Which entries are asked for.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub model: Option<String>,
    /// A kind of event: `decision`, `deployment`, ...
    pub event: Option<String>,
    pub rows_max: usize,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    pub rows: u64,
    /// Older ones that were deleted under a seal.
    pub sealed_rows: u64,
    /// The hash of the newest entry.
    pub head: String,
    /// What is wrong, in the order of the record; the first one makes all after it doubtful.
    pub problem: Option<String>,
    /// Whether the hash that was asked for is in the record; `None`: none was.
    pub contains: Option<bool>,
}

impl Verified {
    pub fn json(&self) -> Value {
        let mut out = json!({"intact": self.problem.is_none(), "rows": self.rows, "sealedRows": self.sealed_rows, "head": self.head});
        if let Some(problem) = &self.problem {
            out["problem"] = json!(problem);
        }
        if let Some(contains) = self.contains {
            out["contains"] = json!(contains);
        }
        out
    }
}

/// Tables of before the hashes get theirs; then nothing can be changed any more.
pub fn open(connection: &Connection) -> Result<(), rusqlite::Error> {
    let hashed = connection.prepare("SELECT 1 FROM pragma_table_info('audit') WHERE name = 'hash'")?.exists([])?;
    if !hashed {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch("ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';")?;
        let mut before = GENESIS.to_string();
        {
            let mut rows = transaction.prepare("SELECT id, at_ms, body FROM audit ORDER BY id")?;
            let mut update = transaction.prepare("UPDATE audit SET hash = ?2 WHERE id = ?1")?;
            let mut rows = rows.query([])?;
            while let Some(row) = rows.next()? {
                before = hash(&before, row.get(1)?, &row.get::<_, String>(2)?);
                update.execute(params![row.get::<_, i64>(0)?, before])?;
            }
        }
        transaction.commit()?;
    }
    connection.execute_batch(TRIGGERS)
}

pub fn append(connection: &Connection, at: Timestamp, body: &Value) -> Result<(), StateError> {
    let body = body.to_string();
    let before = head(connection)?;
    let mut insert = connection.prepare_cached("INSERT INTO audit (at_ms, body, hash) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![at.0, body, hash(&before, at.0, &body)])?;
    Ok(())
}

/// Deletes the oldest above the bound, under a seal, all or nothing.
pub fn trim(connection: &Connection, rows_max: i64) -> Result<(), StateError> {
    let newest: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM audit", [], |row| row.get(0))?;
    let oldest: i64 = connection.query_row("SELECT coalesce(min(id), 0) FROM audit", [], |row| row.get(0))?;
    let up_to = newest - rows_max;
    if oldest == 0 || up_to - oldest < ROWS_PER_SEAL.min(rows_max) {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    // The seal's time is that of the last entry under it: nothing here knows a clock.
    transaction.execute(
        "INSERT INTO audit_seals SELECT id, at_ms, (SELECT count(*) FROM audit WHERE id <= ?1), hash FROM audit WHERE id = ?1",
        [up_to],
    )?;
    transaction.execute("DELETE FROM audit WHERE id <= ?1", [up_to])?;
    transaction.commit()?;
    Ok(())
}

impl State {
    /// The newest entries that the query takes, newest first.
    pub fn audit(&self, query: &AuditQuery) -> Result<Vec<Value>, StateError> {
        let mut out = Vec::new();
        let mut before = i64::MAX;
        // In batches, so that a rare kind of entry does not keep writers waiting.
        while out.len() < query.rows_max {
            let batch = self.audit_batch("SELECT id, at_ms, body, hash FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2", before)?;
            let Some((last, ..)) = batch.last() else { break };
            before = *last;
            for (_, _, body, _) in &batch {
                let body: Value = serde_json::from_str(body)?;
                let is = |name: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| body[name] == wanted.as_str());
                if is("model", &query.model) && is("event", &query.event) && out.len() < query.rows_max {
                    out.push(body);
                }
            }
        }
        Ok(out)
    }

    /// Computes every hash again. `wanted`: is this hash in the record?
    pub fn audit_verify(&self, wanted: Option<&str>) -> Result<Verified, StateError> {
        let (seal, sealed_rows, mut head): (i64, i64, String) = self.with(|connection| {
            let query = "SELECT up_to_id, (SELECT sum(rows) FROM audit_seals), hash FROM audit_seals ORDER BY up_to_id DESC LIMIT 1";
            let found = connection.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
            Ok(found.unwrap_or((0, 0, GENESIS.to_string())))
        })?;
        let mut verified = Verified {
            rows: 0,
            sealed_rows: sealed_rows as u64,
            head: String::new(),
            problem: None,
            contains: wanted.map(|wanted| !wanted.is_empty() && wanted == head),
        };
        let mut after = seal;
        loop {
            let batch = self.audit_batch("SELECT id, at_ms, body, hash FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2", after)?;
            let Some((last, ..)) = batch.last() else { break };
            let last = *last;
            for (id, at_ms, body, found) in batch {
                if verified.problem.is_none() && id != after + 1 {
                    verified.problem = Some(format!("entry {} is missing", after + 1));
                }
                if verified.problem.is_none() && hash(&head, at_ms, &body) != found {
                    verified.problem =
                        Some(format!("entry {id} (at {}) is not what was written, or the one before it is gone", Timestamp(at_ms)));
                }
                verified.rows += 1;
                if let Some(contains) = &mut verified.contains {
                    *contains |= Some(found.as_str()) == wanted;
                }
                (after, head) = (id, found);
            }
            debug_assert_eq!(after, last);
        }
        verified.head = head;
        // Entries that were cut off at the end leave their number behind.
        let numbered: i64 = self.with(|connection| {
            let query = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'";
            Ok(connection.query_row(query, [], |row| row.get(0)).optional()?.unwrap_or(0))
        })?;
        if verified.problem.is_none() && numbered > after {
            verified.problem = Some(format!("the entries from {} to {numbered} are missing", after + 1));
        }
        Ok(verified)
    }

    fn audit_batch(&self, query: &str, from: i64) -> Result<Vec<(i64, i64, String, String)>, StateError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(query)?;
            let rows =
                statement.query_map(params![from, BATCH_ROWS as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StateError>) -> Result<T, StateError> {
        read(&self.lock().connection)
    }
}

pub fn trim_to_bound(connection: &Connection) -> Result<(), StateError> {
    trim(connection, ROWS_MAX)
}

/// The hash that the next entry goes on from.
fn head(connection: &Connection) -> Result<String, StateError> {
    let newest = "SELECT hash FROM audit ORDER BY id DESC LIMIT 1";
    let seal = "SELECT hash FROM audit_seals ORDER BY up_to_id DESC LIMIT 1";
    for query in [newest, seal] {
        if let Some(hash) = connection.prepare_cached(query)?.query_row([], |row| row.get(0)).optional()? {
            return Ok(hash);
        }
    }
    Ok(GENESIS.to_string())
}

fn hash(before: &str, at_ms: i64, body: &str) -> String {
    let sum = ring::digest::digest(&ring::digest::SHA256, format!("{before}\n{at_ms}\n{body}").as_bytes());
    sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Durability, Write};
    use super::*;

    struct File(std::path::PathBuf);

    impl File {
        fn new(name: &str) -> File {
            let dir = std::env::temp_dir().join(format!("bellbuoy-audit-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&dir);
            std::fs::create_dir_all(&dir).expect("temporary folder");
            File(dir)
        }

        fn open(&self) -> State {
            State::open(&self.0.join("state.db")).expect("open")
        }

        /// What somebody with the file and SQLite does.
        fn edit(&self, sql: &str) -> Result<(), rusqlite::Error> {
            Connection::open(self.0.join("state.db")).expect("open").execute_batch(sql)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn write(state: &State, numbers: std::ops::Range<i64>) {
        let entry = |number| Write::Audit {
            at: Timestamp(number),
            body: json!({"model": format!("m{}", number % 2), "event": "decision", "n": number}),
        };
        state.commit(&numbers.map(entry).collect::<Vec<_>>(), Durability::Logged).expect("commit");
    }

    fn problem(state: &State) -> Option<String> {
        state.audit_verify(None).expect("rows").problem
    }

    #[test]
    fn sqlite_itself_refuses_changes() {
        let file = File::new("triggers");
        let state = file.open();
        write(&state, 0..5);
        for sql in [
            "UPDATE audit SET body = '{}' WHERE id = 2",
            "DELETE FROM audit WHERE id = 5",
            "DELETE FROM audit",
            "INSERT OR REPLACE INTO audit (id, at_ms, body, hash) VALUES (1, 2, '{}', '')",
        ] {
            let refused = file.edit(sql);
            assert!(refused.is_err_and(|error| error.to_string().contains("cannot be")), "{sql}");
        }
        let verified = state.audit_verify(None).expect("rows");
        assert_eq!((verified.rows, verified.sealed_rows, verified.problem, verified.head.len()), (5, 0, None, 64));
        let model = AuditQuery { model: Some("m1".into()), rows_max: 1, ..AuditQuery::default() };
        assert_eq!(state.audit(&model).expect("rows"), [json!({"model": "m1", "event": "decision", "n": 3})]);
        assert_eq!(
            state.audit(&AuditQuery { event: Some("drift".into()), rows_max: 9, ..AuditQuery::default() }).expect("rows"),
            [json!(null); 0]
        );
    }

    /// Whoever takes the triggers away is seen.
    #[test]
    fn every_change_breaks_the_chain() {
        let check = |name: &str, sql: &str, expected: &str| {
            let file = File::new(name);
            let state = file.open();
            write(&state, 0..5);
            drop(state);
            let triggers =
                "DROP TRIGGER audit_update; DROP TRIGGER audit_delete; DROP TRIGGER audit_seals_update; DROP TRIGGER audit_seals_delete;";
            file.edit(&format!("{triggers} {sql}")).expect("without triggers all is possible");
            assert_eq!(problem(&file.open()).expect("seen"), expected);
        };
        let third = "entry 3 (at 1970-01-01T00:00:00.002Z) is not what was written, or the one before it is gone";
        check("body", "UPDATE audit SET body = '{\"n\":9}' WHERE id = 3", third);
        check(
            "time",
            "UPDATE audit SET at_ms = 7 WHERE id = 3",
            "entry 3 (at 1970-01-01T00:00:00.007Z) is not what was written, or the one before it is gone",
        );
        check("middle", "DELETE FROM audit WHERE id = 3", "entry 3 is missing");
        check("first", "DELETE FROM audit WHERE id <= 2", "entry 1 is missing");
        check(
            "renumbered",
            "DELETE FROM audit WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = 5",
            third.replace(".002Z", ".003Z").as_str(),
        );
        check("end", "DELETE FROM audit WHERE id > 3", "the entries from 4 to 5 are missing");
        check("seal", "INSERT INTO audit_seals VALUES (2, 0, 2, 'made up'); DELETE FROM audit WHERE id <= 2", third);
    }

    #[test]
    fn the_oldest_go_under_a_seal_and_the_rest_is_still_whole() {
        let file = File::new("seal");
        let state = file.open();
        write(&state, 0..25);
        let before = state.audit_verify(None).expect("rows");
        state.with(|connection| trim(connection, 10)).expect("trim");
        let after = state.audit_verify(Some(&before.head)).expect("rows");
        assert_eq!((after.rows, after.sealed_rows, &after.problem, &after.head), (10, 15, &None, &before.head));
        assert_eq!((after.contains, state.audit_verify(Some("feed")).expect("rows").contains), (Some(true), Some(false)));
        write(&state, 25..40);
        state.with(|connection| trim(connection, 10)).expect("trim");
        drop(state);
        let state = file.open();
        let verified = state.audit_verify(None).expect("rows");
        assert_eq!((verified.rows, verified.sealed_rows, verified.problem), (10, 30, None));
        assert!(file.edit("DELETE FROM audit_seals").is_err());
    }

    /// A record of before November 2026 had no hashes.
    #[test]
    fn an_old_record_gets_its_hashes() {
        let file = File::new("old");
        file.edit(
            "CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, body TEXT NOT NULL);
                   INSERT INTO audit (at_ms, body) VALUES (1, '{\"n\":1}'), (2, '{\"n\":2}');",
        )
        .expect("table");
        let state = file.open();
        write(&state, 3..5);
        let verified = state.audit_verify(None).expect("rows");
        assert_eq!((verified.rows, verified.problem), (4, None));
    }
}
