//! judge: the models of bellbuoy.yml while the program runs: their rows on disk, their schedule, their events.
//!
//! In:    predictions, true values, outcomes of training runs, `now`. Out: series through the path, events through the router, audit entries.
//! Never: decides; `models` does. Holds: rows are on disk before they are acknowledged.
//!
//! Rows are kept in `DATA/models/NAME/rows.jsonl`, one JSON object a line; above `retention_rows` the file becomes `rows.old.jsonl`
//! and a new one begins, so that at most twice as many are kept.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use bellbuoy_models::{Accepted, DeploymentDecision, Event as ModelEvent, Judgement, Model, Outcome, Row, TwoSets};
use bellbuoy_vocabulary::{Labels, Timestamp};
use serde_json::{Value, json};
use tracing::{error, warn};

use crate::config::ModelConfig;
use crate::event::{Event, finite, short};
use crate::path::Path;
use crate::state::Write;
use crate::table;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("there is no model {0:?} in the settings")]
    Unknown(String),
    #[error("the rows could not be written to disk: {0}")]
    Disk(std::io::Error),
}

/// How a training run ended, as the trainer tells it.
pub struct Training {
    pub status: TrainingStatus,
    pub error: String,
    /// Champion and challenger, when there is something to compare.
    pub compared: Option<(TwoSets, TwoSets)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingStatus {
    Success,
    Failure,
}

struct Cell {
    config: ModelConfig,
    model: Mutex<Model>,
    log: Mutex<RowLog>,
    due: Mutex<Timestamp>,
    last: Mutex<Option<Judgement>>,
    /// The series of the last judgement: those that the next one lacks end.
    series: Mutex<Vec<Labels>>,
    /// What was told last, so that an event is told when the outcome changes and not at each judgement.
    told: Mutex<Option<String>>,
}

/// A model in words, for the status page.
pub struct ModelView {
    pub name: String,
    pub drift: String,
    pub performance: String,
    pub decision: String,
}

pub struct Models {
    path: Arc<Path>,
    dir: PathBuf,
    cells: RwLock<BTreeMap<String, Arc<Cell>>>,
}

impl Models {
    pub fn new(path: Arc<Path>, dir: PathBuf) -> Arc<Models> {
        Arc::new(Models { path, dir, cells: RwLock::default() })
    }

    /// New settings: unchanged models go on, others are made anew from their rows on disk.
    pub fn adopt(&self, configs: &[ModelConfig]) {
        let mut cells = self.cells.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut old = std::mem::take(&mut *cells);
        for config in configs {
            let name = config.settings.name.clone();
            let same = |cell: &Arc<Cell>| format!("{:?}", cell.config) == format!("{config:?}");
            let cell = match old.remove(&name) {
                Some(cell) if same(&cell) => cell,
                _ => match self.cell(config) {
                    Ok(cell) => Arc::new(cell),
                    Err(reason) => {
                        error!("model {name}: {reason}");
                        continue;
                    }
                },
            };
            cells.insert(name, cell);
        }
    }

    pub fn names(&self) -> Vec<String> {
        self.cells.read().unwrap_or_else(|poisoned| poisoned.into_inner()).keys().cloned().collect()
    }

    /// Judges the models whose time has come.
    pub fn run_due(&self, now: Timestamp) {
        for name in self.names() {
            let Ok(cell) = self.get(&name) else { continue };
            let due = *lock(&cell.due);
            if due <= now {
                *lock(&cell.due) = now + cell.config.settings.schedule;
                tokio::task::block_in_place(|| self.judge_cell(&cell, false, now));
            }
        }
    }

    /// Judges now, whatever the schedule says; `forced` asks for a retraining whatever the numbers say.
    pub fn judge(&self, name: &str, forced: bool, now: Timestamp) -> Result<Judgement, ModelError> {
        let cell = self.get(name)?;
        *lock(&cell.due) = now + cell.config.settings.schedule;
        Ok(self.judge_cell(&cell, forced, now))
    }

    pub fn last(&self, name: &str) -> Result<Option<Judgement>, ModelError> {
        Ok(lock(&self.get(name)?.last).clone())
    }

    pub fn predictions(&self, name: &str, rows: Vec<Row>) -> Result<Accepted, ModelError> {
        let cell = self.get(name)?;
        let lines: Vec<String> = rows.iter().map(|row| json!({"prediction": row}).to_string()).collect();
        lock(&cell.log).append(&lines).map_err(ModelError::Disk)?;
        let accepted = lock(&cell.model).predictions(rows);
        self.count(name, "predictions", &accepted);
        Ok(accepted)
    }

    pub fn labels(&self, name: &str, labels: Vec<(String, f64)>) -> Result<Accepted, ModelError> {
        let cell = self.get(name)?;
        let lines: Vec<String> = labels.iter().map(|(id, value)| json!({"label": {"id": id, "value": value}}).to_string()).collect();
        lock(&cell.log).append(&lines).map_err(ModelError::Disk)?;
        let accepted = lock(&cell.model).labels(labels);
        self.count(name, "labels", &accepted);
        Ok(accepted)
    }

    /// A training run ended: the deployment decision, counted, told and logged.
    pub fn training(&self, name: &str, training: Training, now: Timestamp) -> Result<Option<DeploymentDecision>, ModelError> {
        let cell = self.get(name)?;
        let settings = &cell.config.settings;
        let mut model = lock(&cell.model);
        let status = if training.status == TrainingStatus::Success { "success" } else { "failure" };
        model.record_training(status);
        let decision = match (&training.compared, training.status) {
            (Some((champion, challenger)), TrainingStatus::Success) => {
                let decision = bellbuoy_models::decide_deployment(champion, challenger, &settings.deployment.lines);
                model.record_deployment(&decision);
                Some(decision)
            }
            _ => None,
        };
        self.path.append(&model.counter_samples(), now);
        let state = model.state();
        drop(model);
        let kept = kept(name, state, lock(&cell.told).clone());
        let event = match &decision {
            Some(decision) => ModelEvent::training_success(settings, decision),
            None if training.status == TrainingStatus::Failure => ModelEvent::training_failure(settings, &training.error),
            None => {
                self.path.happened(Vec::new(), kept, now);
                return Ok(None);
            }
        };
        self.path.happened(vec![(event.alert(now), event.audit(now))], kept, now);
        let word = decision.as_ref().map_or("failed", |decision| decision.decision.word());
        let reason = decision.as_ref().map_or(training.error.clone(), |decision| decision.reason.to_string());
        let fields = json!({"model": name, "decision": word, "reason": reason});
        let _ = self.path.events.send(Event::new(now, "deployment", fields, format!("{name}: {word}: {reason}")));
        Ok(decision)
    }

    pub fn views(&self) -> Vec<ModelView> {
        let cells = self.cells.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        cells
            .iter()
            .map(|(name, cell)| {
                let last = lock(&cell.last);
                let words = |text: &dyn Fn(&Judgement) -> String| last.as_ref().map_or("not judged yet".to_string(), text);
                ModelView {
                    name: name.clone(),
                    drift: words(&|judgement| drift_words(judgement)),
                    performance: words(&|judgement| performance_words(judgement)),
                    decision: words(&|judgement| format!("{}: {}", judgement.decision.outcome.word(), judgement.decision.reason)),
                }
            })
            .collect()
    }

    fn judge_cell(&self, cell: &Cell, forced: bool, now: Timestamp) -> Judgement {
        let settings = &cell.config.settings;
        let mut model = lock(&cell.model);
        let judgement = model.judge(now, forced);
        let mut samples = judgement.samples(settings);
        samples.extend(model.counter_samples());
        let state = model.state();
        drop(model);
        let now_there: Vec<Labels> = samples.iter().map(|(labels, _)| labels.clone()).collect();
        let before = std::mem::replace(&mut *lock(&cell.series), now_there.clone());
        let ended: Vec<Labels> = before.into_iter().filter(|labels| !now_there.contains(labels)).collect();
        self.path.append_and_end(&samples, &ended, now);
        self.tell(cell, &judgement, state, now);
        *lock(&cell.last) = Some(judgement.clone());
        judgement
    }

    /// Events for the terminal at each judgement; for people, through the router, when the outcome changed.
    fn tell(&self, cell: &Cell, judgement: &Judgement, state: Value, now: Timestamp) {
        let settings = &cell.config.settings;
        let name = &settings.name;
        let send = |kind, fields, line: String| {
            let _ = self.path.events.send(Event::new(now, kind, fields, line));
        };
        if let Outcome::Known(drift) = &judgement.drift {
            let fields =
                json!({"model": name, "drift_share": drift.share, "drifted_features": drift.drifted_features, "detected": drift.detected});
            send("drift", fields, drift_words(judgement));
        }
        if let Outcome::Known(performance) = &judgement.performance {
            let fields = json!({"model": name, "r2": finite(performance.r2), "rmse": finite(performance.rmse), "mae": finite(performance.mae), "rows": performance.rows});
            send("performance", fields, performance_words(judgement));
        }
        let outcome = judgement.decision.outcome.word().to_string();
        let mut told = lock(&cell.told);
        if told.as_deref() == Some(&outcome) {
            return;
        }
        let first = told.is_none();
        *told = Some(outcome.clone());
        drop(told);
        let reason = judgement.decision.reason.to_string();
        let fields = json!({"model": name, "outcome": outcome, "reason": reason});
        send("decision", fields, format!("{name}: {outcome}: {reason}"));
        // The first judgement after a start tells people only when there is something to do.
        let events = judgement.events(settings, first).iter().map(|event| (event.alert(now), event.audit(now))).collect();
        self.path.happened(events, kept(name, state, Some(outcome)), now);
    }

    fn cell(&self, config: &ModelConfig) -> Result<Cell, String> {
        let settings = &config.settings;
        let reference = table::reference_rows(&config.reference, settings)?;
        let mut model = Model::new(settings.clone(), reference);
        let kept = self.path.state.kept(&state_name(&settings.name)).map_err(|error| error.to_string())?;
        let mut told = None;
        if let Some(kept) = kept {
            told = kept.get("told").and_then(Value::as_str).map(str::to_string);
            model.restore(&kept["model"]);
        }
        let dir = self.dir.join(&settings.name);
        let (log, lines) = RowLog::open(dir, settings.retention_rows).map_err(|error| format!("rows: {error}"))?;
        for line in lines {
            let Ok(mut value) = serde_json::from_str::<Value>(&line) else {
                warn!("model {}: a damaged line among the stored rows was left out", settings.name);
                continue;
            };
            if let Ok(row) = serde_json::from_value::<Row>(value["prediction"].take()) {
                model.predictions(vec![row]);
            } else if let (Some(id), Some(number)) = (value["label"]["id"].as_str(), value["label"]["value"].as_f64()) {
                model.labels(vec![(id.to_string(), number)]);
            }
        }
        Ok(Cell {
            config: config.clone(),
            model: Mutex::new(model),
            log: Mutex::new(log),
            due: Mutex::new(Timestamp(0)),
            last: Mutex::default(),
            series: Mutex::default(),
            told: Mutex::new(told),
        })
    }

    fn get(&self, name: &str) -> Result<Arc<Cell>, ModelError> {
        let cells = self.cells.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        cells.get(name).cloned().ok_or_else(|| ModelError::Unknown(name.to_string()))
    }

    fn count(&self, name: &str, kind: &str, accepted: &Accepted) {
        self.path.telemetry.model_rows.add(&[name, kind], accepted.new as u64);
        self.path.telemetry.model_rows_refused.add(&[name, kind], accepted.refused.len() as u64);
    }
}

/// What a restart needs to know of a model beside its rows: its counters, and which outcome people know of.
fn kept(model: &str, state: Value, told: Option<String>) -> Write {
    Write::Keep { name: state_name(model), body: json!({"model": state, "told": told}) }
}

fn state_name(model: &str) -> String {
    format!("model/{model}")
}

pub fn drift_words(judgement: &Judgement) -> String {
    match &judgement.drift {
        Outcome::Known(drift) => {
            format!("drift share {:.0} %, {} features drifted", drift.share * 100.0, drift.drifted_features)
        }
        Outcome::Unknown(reason) => format!("unknown: {reason}"),
    }
}

pub fn performance_words(judgement: &Judgement) -> String {
    match &judgement.performance {
        Outcome::Known(p) => format!("R2 {}, RMSE {}, MAE {} over {} rows", short(p.r2), short(p.rmse), short(p.mae), p.rows),
        Outcome::Unknown(reason) => format!("unknown: {reason}"),
    }
}

/// The rows of one model on disk.
struct RowLog {
    dir: PathBuf,
    file: File,
    lines: usize,
    lines_max: usize,
}

impl RowLog {
    /// With the lines that are there, oldest first.
    fn open(dir: PathBuf, lines_max: usize) -> std::io::Result<(RowLog, Vec<String>)> {
        std::fs::create_dir_all(&dir)?;
        let mut all = Vec::new();
        let mut lines = 0;
        for name in ["rows.old.jsonl", "rows.jsonl"] {
            lines = 0;
            let Ok(file) = File::open(dir.join(name)) else { continue };
            for line in BufReader::new(file).split(b'\n') {
                lines += 1;
                all.push(String::from_utf8_lossy(&line?).into_owned());
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(dir.join("rows.jsonl"))?;
        // A crash can leave half a line; the next row must not continue it.
        if lines > 0 {
            file.write_all(b"\n")?;
        }
        all.retain(|line| !line.trim().is_empty());
        Ok((RowLog { dir, file, lines, lines_max: lines_max.max(1) }, all))
    }

    fn append(&mut self, lines: &[String]) -> std::io::Result<()> {
        if self.lines >= self.lines_max * 2 {
            self.file.sync_data()?;
            std::fs::rename(self.dir.join("rows.jsonl"), self.dir.join("rows.old.jsonl"))?;
            self.file = OpenOptions::new().create(true).append(true).open(self.dir.join("rows.jsonl"))?;
            File::open(&self.dir)?.sync_all()?;
            self.lines = 0;
        }
        let mut text = lines.join("\n");
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        self.lines += lines.len();
        self.file.sync_data()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
