//! Rows that are fetched: folders of files and PostgreSQL tables, beside the rows that are posted.
//!
//! In:    `predictions` and `labels` of the settings, files, tables, `now`. Out: parts of rows for the models' service, as a body would
//!        bring them; marks of what was read, in `state.db`; series and a status for each source.
//! Never: takes a row for read before the service has it on disk; reads what did not change again; stops the program.
//! Holds: a row may be handed over twice (after a crash, in an overlap), which its id makes harmless; none is left out.
//! Read:  here the life of a source; folder.rs and postgres.rs what one look does; mapping.rs which column is what.

mod file;
mod folder;
mod mapping;
mod postgres;
mod sink;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bellbuoy_drift::Column;
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::clock;
use crate::config::{Gives, ModelConfig, SourceConfig, SourceFrom};
use crate::path::Path;
use crate::state::{Durability, Write};

/// After failures the next look waits twice as long, up to this.
const BACKOFF_MAX: Millis = Millis::from_minutes(10);
/// Refused rows that the status shows.
const REASONS_MAX: usize = 10;
/// Bad files that the status shows.
const BAD_SHOWN_MAX: usize = 100;

/// Rows on their way, under the names that bodies have.
pub enum Part {
    Csv(Vec<u8>),
    JsonLines(Vec<u8>),
    Table { columns: Vec<Column>, rows: usize },
}

/// What became of a part; all of it is on disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TakenRows {
    pub new: usize,
    pub repeated: usize,
    pub refused: usize,
    /// Why, of some.
    pub reasons: Vec<String>,
}

/// Why rows were not read or taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// They are bad: reading them again would not help.
    #[error("{0}")]
    Bad(String),
    /// They can be tried again.
    #[error("{0}")]
    NotTaken(String),
}

/// Takes the rows of one model; an error means that none of the part was taken.
pub trait Sink: Send + Sync + 'static {
    /// `role`: of predictions that name none. Waits until the rows are on disk.
    fn take(&self, model: &str, gives: Gives, part: Part, role: Option<&str>) -> Result<TakenRows, Stop>;
}

/// What a look hands its rows to.
type Take<'a> = dyn FnMut(Gives, Part) -> Result<TakenRows, Stop> + Send + 'a;
/// Writes a mark down.
type Keep<'a> = dyn FnMut(&Value) -> Result<(), String> + Send + 'a;

/// What is known of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// `None` before the first look.
    pub up: Option<bool>,
    pub last_look: Option<Timestamp>,
    pub last_success: Option<Timestamp>,
    pub error: String,
    pub rows: u64,
    pub repeated: u64,
    pub refused: u64,
    pub reasons: Vec<String>,
    pub files: u64,
    pub bad: BTreeMap<String, String>,
    pub watermark: Option<String>,
}

pub struct Sources {
    path: Arc<Path>,
    sink: Arc<dyn Sink>,
    running: Mutex<BTreeMap<String, Arc<Source>>>,
}

struct Source {
    model: String,
    config: SourceConfig,
    /// Of the model: features and kind say which columns are wanted.
    settings: bellbuoy_models::ModelSettings,
    status: Mutex<Status>,
    stop: watch::Sender<bool>,
}

impl Sources {
    pub fn new(path: Arc<Path>, sink: Arc<dyn Sink>) -> Arc<Sources> {
        Arc::new(Sources { path, sink, running: Mutex::default() })
    }

    /// New settings: unchanged sources go on, the others end or begin.
    pub fn adopt(self: &Arc<Self>, models: &[ModelConfig]) {
        let mut running = lock(&self.running);
        let mut old = std::mem::take(&mut *running);
        for model in models {
            for config in &model.sources {
                let key = format!("{}/{}", model.settings.name, name(config));
                let same = |source: &Arc<Source>| source.config == *config && source.settings == model.settings;
                if let Some(source) = old.remove(&key) {
                    if same(&source) {
                        running.insert(key, source);
                        continue;
                    }
                    let _ = source.stop.send(true);
                }
                let source = Arc::new(Source {
                    model: model.settings.name.clone(),
                    config: config.clone(),
                    settings: model.settings.clone(),
                    status: Mutex::default(),
                    stop: watch::channel(false).0,
                });
                running.insert(key, source.clone());
                tokio::spawn(self.clone().run(source));
            }
        }
        for gone in old.values() {
            let _ = gone.stop.send(true);
        }
    }

    pub fn stop(&self) {
        for source in lock(&self.running).values() {
            let _ = source.stop.send(true);
        }
    }

    /// The sources of a model, for the API.
    pub fn status(&self, model: &str) -> Vec<Value> {
        let running = lock(&self.running);
        running.values().filter(|source| source.model == model).map(|source| source.json()).collect()
    }

    async fn run(self: Arc<Self>, source: Arc<Source>) {
        let mut stopped = source.stop.subscribe();
        let kept = self.path.state.kept(&source.mark_name()).ok().flatten();
        let mut look = Look::new(&source, kept);
        let mut failures: u32 = 0;
        loop {
            let looked = tokio::select! {
                looked = self.look(&source, &mut look) => looked,
                _ = stopped.changed() => break,
            };
            failures = if looked.is_ok() { 0 } else { failures.saturating_add(1) };
            self.note(&source, looked);
            let wait = Millis(source.config.poll.0.saturating_mul(1 << failures.min(10)).min(BACKOFF_MAX.0.max(source.config.poll.0)));
            tokio::select! {
                _ = tokio::time::sleep(Duration::from_millis(wait.0.max(0) as u64)) => {}
                _ = stopped.changed() => break,
            }
        }
        let ended: Vec<Labels> = source.samples().into_iter().map(|(labels, _)| labels).collect();
        self.path.append_and_end(&[], &ended, clock::now());
    }

    async fn look(&self, source: &Arc<Source>, look: &mut Look) -> Result<(), String> {
        let (sink, model, role) = (self.sink.clone(), source.model.clone(), source.config.role.clone());
        let of_status = source.clone();
        let mut take = move |gives, part| {
            let taken = sink.take(&model, gives, part, role.as_deref())?;
            lock(&of_status.status).add(&taken);
            Ok(taken)
        };
        let (state, mark_name) = (self.path.state.clone(), source.mark_name());
        let mut keep = move |mark: &Value| {
            let write = Write::Keep { name: mark_name.clone(), body: mark.clone() };
            state.commit(&[write], Durability::Logged).map(|_| ()).map_err(|error| error.to_string())
        };
        match look {
            Look::Folder(folder) => {
                let now = clock::now();
                let looked = tokio::task::block_in_place(|| folder.look(&mut take, &mut keep, now));
                let mut status = lock(&source.status);
                (status.files, status.bad) = folder.known();
                looked
            }
            Look::Postgres(table) => {
                let looked = table.look(&mut take, &mut keep).await;
                lock(&source.status).watermark = table.watermark();
                looked
            }
        }
    }

    /// The outcome of a look: for the status, the series and, when it changed, the log.
    fn note(&self, source: &Source, looked: Result<(), String>) {
        let now = clock::now();
        {
            let mut status = lock(&source.status);
            let was = status.up;
            status.up = Some(looked.is_ok());
            status.last_look = Some(now);
            match looked {
                Ok(()) => {
                    if was == Some(false) {
                        info!("model {}: {} is read again", source.model, name(&source.config));
                    }
                    status.last_success = Some(now);
                    status.error.clear();
                }
                Err(reason) => {
                    if was != Some(false) || status.error != reason {
                        warn!("model {}: {} could not be read: {reason}", source.model, name(&source.config));
                    }
                    status.error = reason;
                }
            }
        }
        self.path.append(&source.samples(), now);
    }
}

/// One kind of source with what it remembers.
enum Look {
    Folder(Box<folder::Folder>),
    Postgres(Box<postgres::Table>),
}

impl Look {
    fn new(source: &Source, kept: Option<Value>) -> Look {
        let mapping = mapping::Mapping::new(&source.config, &source.settings);
        match &source.config.from {
            SourceFrom::Folder { path, format, quiet } => {
                Look::Folder(Box::new(folder::Folder::new(path.clone(), *format, *quiet, source.config.gives, mapping, kept)))
            }
            SourceFrom::Postgres { .. } => Look::Postgres(Box::new(postgres::Table::new(&source.config, mapping, kept))),
        }
    }
}

impl Status {
    fn add(&mut self, taken: &TakenRows) {
        self.rows += taken.new as u64;
        self.repeated += taken.repeated as u64;
        self.refused += taken.refused as u64;
        self.reasons.extend(taken.reasons.iter().cloned());
        let more = self.reasons.len().saturating_sub(REASONS_MAX);
        self.reasons.drain(..more);
    }
}

/// `predictions/folder`: the name of a source within its model.
fn name(config: &SourceConfig) -> &'static str {
    match (config.gives, &config.from) {
        (Gives::Predictions, SourceFrom::Folder { .. }) => "predictions/folder",
        (Gives::Predictions, SourceFrom::Postgres { .. }) => "predictions/postgres",
        (Gives::Labels, SourceFrom::Folder { .. }) => "labels/folder",
        (Gives::Labels, SourceFrom::Postgres { .. }) => "labels/postgres",
    }
}

impl Source {
    fn mark_name(&self) -> String {
        format!("source:{}/{}", self.model, name(&self.config))
    }

    /// `up` is there from the first look on, so that a rule can tell a dead source from one that never was.
    fn samples(&self) -> Vec<(Labels, f64)> {
        let status = lock(&self.status);
        let (gives, from) = name(&self.config).split_once('/').unwrap_or_default();
        let mut out = Vec::new();
        let mut add = |figure: &str, value: f64| {
            let metric = format!("{}{figure}", self.settings.metric_prefix);
            let own = [(METRIC_NAME, metric.as_str()), ("model", self.model.as_str()), ("gives", gives), ("from", from)];
            let more = self.settings.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            out.push((Labels::from_pairs(own.into_iter().chain(more)), value));
        };
        if let Some(up) = status.up {
            add("model_source_up", f64::from(u8::from(up)));
            add("model_source_rows_total", status.rows as f64);
            add("model_source_rows_refused_total", status.refused as f64);
        }
        if let Some(at) = status.last_success {
            add("model_source_last_success_timestamp_seconds", at.seconds());
        }
        if status.up.is_some() && from == "folder" {
            add("model_source_files", status.files as f64);
            add("model_source_files_bad", status.bad.len() as f64);
        }
        out
    }

    fn json(&self) -> Value {
        let status = lock(&self.status);
        let (gives, from) = name(&self.config).split_once('/').unwrap_or_default();
        let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
        let bad: Vec<Value> = status.bad.iter().take(BAD_SHOWN_MAX).map(|(file, reason)| json!({"file": file, "reason": reason})).collect();
        let mut out = json!({"gives": gives, "from": from, "up": status.up, "lastLook": time(status.last_look),
            "lastSuccess": time(status.last_success), "rows": status.rows, "repeated": status.repeated, "refused": status.refused});
        if !status.error.is_empty() {
            out["error"] = json!(status.error);
        }
        if !status.reasons.is_empty() {
            out["refusedRows"] = json!(status.reasons);
        }
        match &self.config.from {
            SourceFrom::Folder { path, .. } => {
                out["folder"] = json!(path.display().to_string());
                out["files"] = json!(status.files);
                out["filesBad"] = json!(bad);
            }
            SourceFrom::Postgres { .. } => out["watermark"] = json!(status.watermark),
        }
        out
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests;
