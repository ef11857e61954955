//! What the router and the rules know as JSON, for the state database.
//!
//! In:    their values, or what was written of them. Out: the other one of the two.
//! Never: fails for good: what can not be read begins anew, and the log says so.

use bellbuoy_router::{Change, LogEntry, LogKey};
use bellbuoy_rules as rules;
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};
use tracing::error;

use crate::state::Write;

/// What the router changed, as it goes to the database.
pub fn write_of(change: Change) -> Write {
    match change {
        Change::Alert(alert) => Write::Alert(alert),
        Change::AlertGone(fingerprint) => Write::AlertGone(fingerprint),
        Change::Log(entry) => Write::Log { key: log_name(&entry.key), body: log_to_json(&entry) },
        Change::LogGone(key) => Write::LogGone { key: log_name(&key) },
    }
}

/// The name of an entry in the database: one per integration and group.
fn log_name(key: &LogKey) -> String {
    format!("{}/{}/{}:{}", key.receiver, key.integration_kind, key.integration_index, key.group_key)
}

fn log_to_json(entry: &LogEntry) -> Value {
    json!({
        "receiver": entry.key.receiver, "integration": entry.key.integration_kind, "index": entry.key.integration_index,
        "groupKey": entry.key.group_key, "at": entry.at.0, "firing": entry.firing, "resolved": entry.resolved,
        "sequence": entry.sequence, "expiresAt": entry.expires_at.0,
    })
}

/// `None`: the row is not one of ours.
pub fn log_from_json(value: &Value) -> Option<LogEntry> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_string);
    let time = |name: &str| value.get(name)?.as_i64().map(Timestamp);
    let prints = |name: &str| value.get(name)?.as_array()?.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>();
    Some(LogEntry {
        key: LogKey {
            group_key: text("groupKey")?,
            receiver: text("receiver")?,
            integration_kind: text("integration")?,
            integration_index: value.get("index")?.as_u64()? as usize,
        },
        at: time("at")?,
        firing: prints("firing")?,
        resolved: prints("resolved")?,
        sequence: value.get("sequence")?.as_u64()?,
        expires_at: time("expiresAt")?,
    })
}

/// The states of a group's alerts.
pub fn rules_to_json(states: &[rules::AlertState]) -> Value {
    json!(states)
}

pub fn rules_from_json(value: &Value) -> Vec<rules::AlertState> {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| {
        error!("the saved states of a rule group can not be read, its alerts begin anew: {error}");
        Vec::new()
    })
}
