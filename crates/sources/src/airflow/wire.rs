//! Answers of both API versions, read leniently: fields that are not needed are not looked at, a row that can not be read is named and costs itself.
//!
//! In:    the bytes of an answer. Out: runs, tries, pools, ... of one shape for both versions, and what is wrong in words.
//! Never: panics on what a server writes.

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::call::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    V1,
    V2,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub dag: String,
    pub id: String,
    pub state: String,
    pub start: Option<Timestamp>,
    pub end: Timestamp,
    /// `run_after`, else the logical date, else the end.
    pub meant_for: Timestamp,
    pub queued: Option<Timestamp>,
}

impl Run {
    pub fn duration(&self) -> Option<Millis> {
        self.start.map(|start| self.end - start).filter(|length| length.0 >= 0)
    }
}

/// A run that goes on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Running {
    pub dag: String,
    pub start: Option<Timestamp>,
}

/// A try of a task that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attempt {
    pub dag: String,
    pub run: String,
    pub task: String,
    pub map_index: i64,
    pub try_number: u64,
    pub state: String,
    pub operator: Option<String>,
    pub start: Option<Timestamp>,
    pub end: Timestamp,
}

impl Attempt {
    /// How long it ran; nothing of what never ran.
    pub fn duration(&self) -> Option<Millis> {
        let ran = !matches!(self.state.as_str(), "skipped" | "upstream_failed" | "removed");
        self.start.filter(|_| ran).map(|start| self.end - start).filter(|length| length.0 >= 0)
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub(super) struct Page<T> {
    pub rows: Vec<T>,
    /// Rows that came, also those that are not among `rows`.
    pub came: usize,
    /// The latest end of all that came.
    pub last_end: Option<Timestamp>,
    pub total: usize,
    pub problems: Vec<String>,
}

#[derive(Deserialize)]
struct RunRow {
    dag_id: String,
    dag_run_id: String,
    state: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    logical_date: Option<String>,
    run_after: Option<String>,
    queued_at: Option<String>,
}

#[derive(Deserialize)]
struct AttemptRow {
    dag_id: String,
    dag_run_id: String,
    task_id: String,
    map_index: Option<i64>,
    try_number: Option<u64>,
    state: Option<String>,
    operator: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Dag {
    pub dag_id: String,
    #[serde(default)]
    pub is_paused: bool,
    /// Of version 1, which lists those that are gone too unless asked not to.
    pub is_active: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Pool {
    pub name: String,
    pub slots: Option<f64>,
    pub open_slots: Option<f64>,
    pub running_slots: Option<f64>,
    pub queued_slots: Option<f64>,
    pub scheduled_slots: Option<f64>,
    pub deferred_slots: Option<f64>,
}

/// A part of Airflow as its health page has it; `healthy` is `None` when there is no such process.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub name: &'static str,
    pub healthy: Option<bool>,
    pub heartbeat: Option<Timestamp>,
}

pub(super) fn runs(body: &[u8]) -> Result<Page<Run>, String> {
    page(body, "dag_runs", |row: RunRow| {
        let Some(end) = time(&row.end_date) else { return Ok((None, None)) };
        let state = row.state.unwrap_or_default();
        if !matches!(state.as_str(), "success" | "failed") {
            // A cleared run may still have the end of its life before.
            return Ok((None, Some(end)));
        }
        let meant_for = time(&row.run_after).or_else(|| time(&row.logical_date)).unwrap_or(end);
        let queued = time(&row.queued_at).or_else(|| time(&row.run_after));
        let run = Run { dag: row.dag_id, id: row.dag_run_id, state, start: time(&row.start_date), end, meant_for, queued };
        Ok((Some(run), Some(end)))
    })
}

pub(super) fn running(body: &[u8]) -> Result<Page<Running>, String> {
    page(body, "dag_runs", |row: RunRow| Ok((Some(Running { dag: row.dag_id, start: time(&row.start_date) }), None)))
}

/// How many runs the database has now, by DAG and state: what was cleaned up is not in it.
pub(super) fn stats(body: &[u8]) -> Result<Vec<(String, String, f64)>, String> {
    let value = json(body)?;
    let dags = value["dags"].as_array().ok_or("\"dags\" is missing")?;
    let mut found = Vec::new();
    for dag in dags {
        for one in dag["stats"].as_array().into_iter().flatten() {
            if let (Some(dag), Some(state), Some(count)) = (dag["dag_id"].as_str(), one["state"].as_str(), one["count"].as_f64()) {
                found.push((dag.to_string(), state.to_string(), count));
            }
        }
    }
    Ok(found)
}

pub(super) fn attempts(body: &[u8]) -> Result<Page<Attempt>, String> {
    page(body, "task_instances", |row: AttemptRow| {
        let Some(end) = time(&row.end_date) else { return Ok((None, None)) };
        let state = match row.state.unwrap_or_default().as_str() {
            // The try has failed; whether there will be another one is no matter of this one.
            "up_for_retry" => "failed".to_string(),
            word @ ("success" | "failed" | "skipped" | "upstream_failed" | "removed") => word.to_string(),
            // An end is left over from the try before, or a sensor has gone to sleep.
            "" | "queued" | "scheduled" | "running" | "restarting" | "deferred" | "up_for_reschedule" => return Ok((None, Some(end))),
            // A state that is not known yet: passed through.
            other => other.to_string(),
        };
        let attempt = Attempt {
            dag: row.dag_id,
            run: row.dag_run_id,
            task: row.task_id,
            map_index: row.map_index.unwrap_or(-1),
            try_number: row.try_number.unwrap_or(0),
            state,
            operator: row.operator,
            start: time(&row.start_date),
            end,
        };
        Ok((Some(attempt), Some(end)))
    })
}

pub(super) fn dags(body: &[u8]) -> Result<Page<Dag>, String> {
    page(body, "dags", |dag: Dag| Ok((Some(dag), None)))
}

pub(super) fn pools(body: &[u8]) -> Result<Page<Pool>, String> {
    page(body, "pools", |pool: Pool| Ok((Some(pool), None)))
}

/// How many entries a list has, whatever they are.
pub(super) fn total(body: &[u8]) -> Result<usize, String> {
    json(body)?["total_entries"].as_u64().map(|total| total as usize).ok_or_else(|| "\"total_entries\" is missing".into())
}

pub(super) fn health(body: &[u8]) -> Result<Vec<Part>, String> {
    let value = json(body)?;
    let parts = ["metadatabase", "scheduler", "triggerer", "dag_processor"];
    let found = parts.iter().filter_map(|name| {
        let part = value.get(name)?;
        let healthy = part["status"].as_str().map(|word| word == "healthy");
        let heartbeat = part[format!("latest_{name}_heartbeat")].as_str().and_then(Timestamp::parse_rfc3339);
        Some(Part { name, healthy, heartbeat })
    });
    let found: Vec<Part> = found.collect();
    if found.is_empty() { Err("no part of Airflow is named in it".into()) } else { Ok(found) }
}

pub(super) fn version(body: &[u8]) -> Result<String, String> {
    json(body)?["version"].as_str().map(str::to_string).ok_or_else(|| "\"version\" is missing".into())
}

pub(super) fn token(body: &[u8]) -> Result<String, String> {
    json(body)?["access_token"].as_str().map(str::to_string).ok_or_else(|| "\"access_token\" is missing".into())
}

/// What an error's body says: a text, a list or an object, of at most 200 characters.
pub(super) fn detail(body: &[u8]) -> String {
    let Ok(value) = json(body) else { return String::new() };
    let said = ["detail", "error", "title"].iter().map(|key| &value[*key]).find(|said| !said.is_null());
    let text = match said {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().filter_map(|item| item["msg"].as_str()).collect::<Vec<_>>().join("; "),
        Some(object) => object["reason"].as_str().unwrap_or("").to_string(),
        None => String::new(),
    };
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Also with six decimals and any offset; `None` without a zone, which Airflow never sends.
fn time(text: &Option<String>) -> Option<Timestamp> {
    text.as_deref().and_then(Timestamp::parse_rfc3339)
}

type Read<T> = Result<(Option<T>, Option<Timestamp>), String>;

fn page<R: serde::de::DeserializeOwned, T>(body: &[u8], key: &str, read: impl Fn(R) -> Read<T>) -> Result<Page<T>, String> {
    let mut value = json(body)?;
    let Value::Array(found) = value[key].take() else { return Err(format!("{key:?} is missing")) };
    let total = value["total_entries"].as_u64().map_or(found.len(), |total| total as usize);
    let mut page = Page { rows: Vec::new(), came: found.len(), last_end: None, total, problems: Vec::new() };
    for (index, row) in found.into_iter().enumerate() {
        match serde_json::from_value::<R>(row).map_err(|error| error.to_string()).and_then(&read) {
            Ok((row, end)) => {
                page.rows.extend(row);
                page.last_end = page.last_end.max(end);
            }
            Err(reason) => page.problems.push(format!("{key}[{index}]: {reason}")),
        }
    }
    Ok(page)
}
