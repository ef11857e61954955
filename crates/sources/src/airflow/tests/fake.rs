//! A simulated Airflow: runs, task instances with their history of tries, XComs; both API versions; pages that are smaller than what is asked for.

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, Call, Credentials};

#[derive(Clone, Debug)]
pub struct FakeTask {
    pub id: String,
    pub try_number: u64,
    pub state: Option<&'static str>,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    /// Tries before this one.
    pub tries: Vec<(u64, &'static str, Option<Timestamp>, Timestamp)>,
}

#[derive(Clone, Debug)]
pub struct FakeRun {
    pub dag: String,
    pub id: String,
    pub state: &'static str,
    pub start: Timestamp,
    pub end: Option<Timestamp>,
    pub tasks: Vec<FakeTask>,
}

pub struct Fake {
    pub v2: bool,
    pub page_max: usize,
    pub runs: Vec<FakeRun>,
    pub dags: Vec<(String, bool)>,
    /// DAG, run, task and key, percent-decoded, to the value.
    pub xcoms: Vec<([String; 4], Value)>,
    /// The token that is taken; another one has expired.
    pub token: String,
    pub down: bool,
    pub calls: Vec<String>,
    /// Ends that a page has shown: DAG, run and end.
    pub shown_runs: Vec<(String, String, Timestamp)>,
}

impl FakeRun {
    pub fn running(dag: &str, id: &str, tasks: usize, now: Timestamp) -> FakeRun {
        let task = |index| FakeTask {
            id: format!("t{index}"),
            try_number: 1,
            state: Some("running"),
            start: Some(now),
            end: None,
            tries: Vec::new(),
        };
        FakeRun { dag: dag.into(), id: id.into(), state: "running", start: now, end: None, tasks: (0..tasks).map(task).collect() }
    }

    pub fn ended(dag: &str, id: &str, state: &'static str, start: Timestamp, end: Timestamp) -> FakeRun {
        FakeRun { dag: dag.into(), id: id.into(), state, start, end: Some(end), tasks: Vec::new() }
    }
}

impl FakeTask {
    /// The try ends.
    pub fn end(&mut self, state: &'static str, at: Timestamp) {
        (self.state, self.end) = (Some(state), Some(at));
    }

    /// The next try begins: after a retry's delay, or because the task was cleared.
    pub fn again(&mut self, now: Timestamp) {
        if let Some(end) = self.end {
            let state = if self.state == Some("success") { "success" } else { "failed" };
            self.tries.push((self.try_number, state, self.start, end));
            self.try_number += 1;
        }
        (self.state, self.start, self.end) = (Some("running"), Some(now), None);
    }
}

impl Fake {
    pub fn new(v2: bool) -> Fake {
        Fake {
            v2,
            page_max: 100,
            runs: Vec::new(),
            dags: Vec::new(),
            xcoms: Vec::new(),
            token: "token".into(),
            down: false,
            calls: Vec::new(),
            shown_runs: Vec::new(),
        }
    }

    pub fn answer(&mut self, call: &Call, now: Timestamp) -> Result<Answer, String> {
        self.calls.push(format!("{} {}", call.method, call.path));
        if self.down {
            return Err("connection refused".into());
        }
        let (status, body) = self.body(call);
        // The header has whole seconds.
        let server_time = Some(Timestamp(now.0 - now.0.rem_euclid(1000)));
        Ok(Answer { status, body: body.to_string().into_bytes(), cut: false, server_time })
    }

    fn body(&mut self, call: &Call) -> (u16, Value) {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let root = if self.v2 { "/api/v2" } else { "/api/v1" };
        if path == "/auth/token" && self.v2 {
            return (201, json!({"access_token": self.token}));
        }
        let Some(path) = path.strip_prefix(root) else { return (404, json!("<html>")) };
        match path {
            "/version" => return (200, json!({"version": if self.v2 { "3.3.2" } else { "2.11.2" }})),
            "/monitor/health" | "/health" => return (200, json!({"scheduler": {"status": "healthy", "latest_scheduler_heartbeat": null}})),
            _ => {}
        }
        if let Credentials::Bearer(token) = &call.credentials
            && token.expose() != self.token
        {
            return (401, json!({"detail": "Token Expired"}));
        }
        let parts: Vec<String> = path.trim_start_matches('/').split('/').map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["importErrors"] => (200, json!({"import_errors": [], "total_entries": 0})),
            ["pools"] => (200, json!({"pools": [{"name": "default_pool", "slots": 128, "open_slots": 120}], "total_entries": 1})),
            ["dagStats"] => {
                let count = |dag: &str, state: &str| self.runs.iter().filter(|run| run.dag == dag && run.state == state).count();
                let one = |dag: &str| {
                    let stats: Vec<Value> =
                        ["running", "success", "failed"].map(|state| json!({"state": state, "count": count(dag, state)})).into();
                    json!({"dag_id": dag, "stats": stats})
                };
                assert!(self.v2 || query.starts_with("dag_ids="), "version 1 wants them named");
                let rows: Vec<Value> = self.dags.iter().map(|(dag, _)| one(dag)).collect();
                (200, json!({"dags": rows, "total_entries": rows.len()}))
            }
            ["dags"] => {
                let rows = self.dags.iter().map(|(dag, paused)| json!({"dag_id": dag, "is_paused": paused})).collect();
                (200, self.page("dags", rows, query))
            }
            ["dags", "~", "dagRuns"] => {
                let rows = self.runs.iter().map(run_row).collect();
                let page = self.page("dag_runs", rows, query);
                for row in page["dag_runs"].as_array().into_iter().flatten() {
                    let text = |key: &str| row[key].as_str().unwrap_or_default().to_string();
                    self.shown_runs
                        .extend(Timestamp::parse_rfc3339(&text("end_date")).map(|end| (text("dag_id"), text("dag_run_id"), end)));
                }
                (200, page)
            }
            ["dags", "~", "dagRuns", "~", "taskInstances"] => {
                assert!(self.v2 || !query.contains("order_by"), "version 1 refuses order_by here");
                let rows = self.runs.iter().flat_map(|run| run.tasks.iter().map(|task| task_row(run, task))).collect();
                (200, self.page("task_instances", rows, query))
            }
            ["dags", dag, "dagRuns", run, "taskInstances", task, "tries"] => {
                let run = self.runs.iter().find(|one| one.dag == *dag && one.id == *run);
                let Some((run, task)) = run.and_then(|run| Some((run, run.tasks.iter().find(|one| one.id == *task)?))) else {
                    return (404, json!({"detail": "not found"}));
                };
                let mut rows: Vec<Value> = Vec::new();
                for (number, state, start, end) in &task.tries {
                    let old = FakeTask { try_number: *number, state: Some(state), start: *start, end: Some(*end), ..task.clone() };
                    rows.push(task_row(run, &old));
                }
                rows.push(task_row(run, task));
                (200, json!({"total_entries": rows.len(), "task_instances": rows}))
            }
            ["dags", dag, "dagRuns", run, "taskInstances", task, "xcomEntries", key] => {
                let found = self.xcoms.iter().find(|(name, _)| name.iter().map(String::as_str).eq([*dag, *run, *task, *key]));
                found.map_or((404, json!({"detail": "XCom entry not found"})), |(_, value)| (200, json!({"key": key, "value": value})))
            }
            _ => (404, json!({"detail": "not found"})),
        }
    }

    fn page(&self, key: &str, mut rows: Vec<Value>, query: &str) -> Value {
        let said = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_string);
        let time = |text: &str| Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("a time without zone or escape: {text}"));
        let end = |row: &Value| row["end_date"].as_str().map(time);
        if let Some(from) = said("end_date_gte").map(|text| time(&text)) {
            rows.retain(|row| end(row).is_some_and(|end| end >= from));
        }
        if let Some(until) = said("end_date_lte").map(|text| time(&text)) {
            rows.retain(|row| end(row).is_some_and(|end| end <= until));
        }
        if let Some(state) = said("state") {
            rows.retain(|row| row["state"] == state);
        }
        match said("order_by").as_deref() {
            Some("end_date") => rows.sort_by_key(end),
            Some("start_date") => rows.sort_by_key(|row| row["start_date"].as_str().map(time)),
            Some("-end_date") => rows.sort_by_key(|row| std::cmp::Reverse(end(row))),
            _ => {}
        }
        let number = |name: &str| said(name).and_then(|text| text.parse().ok()).unwrap_or(0usize);
        let total = rows.len();
        let rows: Vec<Value> = rows.into_iter().skip(number("offset")).take(number("limit").min(self.page_max)).collect();
        json!({key: rows, "total_entries": total})
    }
}

fn run_row(run: &FakeRun) -> Value {
    let end = run.end.map(Timestamp::rfc3339);
    json!({
        "dag_id": run.dag, "dag_run_id": run.id, "state": run.state, "start_date": run.start.rfc3339(), "end_date": end,
        "run_after": (run.start - Millis(2000)).rfc3339(), "conf": {"x": 1},
    })
}

fn task_row(run: &FakeRun, task: &FakeTask) -> Value {
    json!({
        "dag_id": run.dag, "dag_run_id": run.id, "task_id": task.id, "map_index": -1, "try_number": task.try_number, "state": task.state,
        "start_date": task.start.map(Timestamp::rfc3339), "operator": "PythonOperator", "end_date": task.end.map(Timestamp::rfc3339),
    })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
            bytes.push(u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?'));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
