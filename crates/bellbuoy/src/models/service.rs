//! Models while the program runs: their cells, their schedule, what comes in and what is judged.
//!
//! In:    predictions, true values, outcomes of training runs, `now`. Out: series through the path, events through `tell`.
//! Never: decides; the models crate does. Holds: rows are on disk before they are acknowledged.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use bellbuoy_drift::Values;
use bellbuoy_models::{Accepted, DeploymentDecision, Event as ModelEvent, FeatureValue, Judgement, Model, Reference, Row, TwoSets};
use bellbuoy_vocabulary::{Labels, Timestamp};
use serde_json::{Value, json};
use tracing::{error, warn};

use super::log::RowLog;
use super::reference::References;
use super::tell::{drift_words, kept, performance_words, state_name};
use crate::config::ModelConfig;
use crate::event::Event;
use crate::path::Path;

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

pub(super) struct Cell {
    pub(super) config: ModelConfig,
    model: Mutex<Model>,
    log: Mutex<RowLog>,
    due: Mutex<Timestamp>,
    last: Mutex<Option<Judgement>>,
    /// The series of the last judgement: those that the next one lacks end.
    series: Mutex<Vec<Labels>>,
    /// What was told last, so that an event is told when the outcome changes and not at each judgement.
    pub(super) told: Mutex<Option<String>>,
}

/// A model in words, for the status page.
pub struct ModelView {
    pub name: String,
    pub drift: String,
    pub performance: String,
    pub decision: String,
}

pub struct Models {
    pub(super) path: Arc<Path>,
    dir: PathBuf,
    cells: RwLock<BTreeMap<String, Arc<Cell>>>,
}

impl Models {
    pub fn new(path: Arc<Path>, dir: PathBuf) -> Arc<Models> {
        Arc::new(Models { path, dir, cells: RwLock::default() })
    }

    /// New settings: unchanged models go on, others are made anew from their rows on disk.
    pub fn adopt(&self, configs: &[ModelConfig], references: &References) {
        let mut cells = self.cells.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut old = std::mem::take(&mut *cells);
        for config in configs {
            let name = config.settings.name.clone();
            let same = |cell: &Arc<Cell>| cell.config == *config;
            let cell = match old.remove(&name) {
                Some(cell) if same(&cell) => cell,
                _ => match self.cell(config, references) {
                    Ok(cell) => Arc::new(cell),
                    Err(reason) => {
                        error!("model {name}: {reason}");
                        continue;
                    }
                },
            };
            cells.insert(name, cell);
        }
        references.release();
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
                let decision = DeploymentDecision::of_figures(&settings.deployment, champion.clone(), challenger.clone(), false, now);
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
        let word = decision.as_ref().map_or("failed", |decision| decision.outcome().word());
        let reason = decision.as_ref().map_or(training.error.clone(), DeploymentDecision::because);
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

    fn cell(&self, config: &ModelConfig, references: &References) -> Result<Cell, String> {
        let settings = &config.settings;
        let reference = reference_rows(references.take(config)?);
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

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Only the features, as the model still wants them.
fn reference_rows(reference: Reference) -> Vec<Row> {
    let Reference::Rows(reference) = reference else { return Vec::new() };
    let rows = reference.columns.first().map_or(0, |column| column.values.len());
    let value = |values: &Values, row: usize| match values {
        Values::Numbers(numbers) if numbers[row].is_finite() => FeatureValue::Number(numbers[row]),
        Values::Integers(numbers) => FeatureValue::Number(numbers[row] as f64),
        Values::Categories(texts) => texts.get(row).map_or(FeatureValue::Missing, |text| FeatureValue::Text(text.to_owned())),
        Values::Numbers(_) | Values::Times(_) => FeatureValue::Missing,
    };
    let row = |row: usize| Row {
        id: row.to_string(),
        at: Timestamp(0),
        role: Row::CHAMPION.to_string(),
        features: reference.columns.iter().map(|column| (column.name.clone(), value(&column.values, row))).collect(),
        prediction: f64::NAN,
    };
    (0..rows).map(row).collect()
}
