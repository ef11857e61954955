//! Models while the program runs: their cells, their schedule, what comes in and what is judged.
//!
//! In:    predictions, true values, outcomes of training runs, `now`. Out: series through the path, events through `tell`.
//! Never: decides; the models crate does. Holds: rows are on disk before they are acknowledged.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use bellbuoy_models::{Judgement, Label, ModelKind, ModelSettings, Prediction, Reference, Schema, WindowFigures};
use bellbuoy_store::{Disk, OsDisk};
use bellbuoy_vocabulary::{Labels, Timestamp};
use serde_json::{Value, json};
use tracing::error;

use super::body::{ColumnNames, Intake};
use super::decide::{answers, answers_name};
use super::engine::Engine;
use super::first;
use super::keeper::{Keeper, Kept};
use super::legacy;
use super::log::{LOG_DIR, Log};
use super::reference::References;
use super::replay::replay;
use super::tell::{Asked, drift_words, performance_words, state_name};
use super::writer::{Pending, Receipt, Rows, SubmitError, Writer};
use crate::clock;
use crate::config::ModelConfig;
use crate::path::Path;

/// Rows in which those of a `first` reference are looked for at the start.
const FIRST_ROWS: usize = 200_000;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("there is no model {0:?} in the settings")]
    Unknown(String),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// A question that makes no sense for this model.
    #[error("{0}")]
    Refused(String),
}

pub(super) struct Cell {
    pub(super) config: ModelConfig,
    pub(super) engine: Arc<Mutex<Engine>>,
    /// Before the keeper, whose bell it rings.
    writer: Writer,
    keeper: Mutex<Keeper>,
    disk: Arc<dyn Disk>,
    /// Where the first rows are kept that are the reference, until they are.
    first: Mutex<Option<String>>,
    /// What the next rows are read by.
    schema: Arc<RwLock<Arc<Schema>>>,
    open: bool,
    due: Mutex<Timestamp>,
    pub(super) last: Mutex<Option<Judgement>>,
    /// The series of the last judgement: those that the next one lacks end.
    series: Mutex<Vec<Labels>>,
    /// What was told last, so that an event is told when the outcome changes and not at each judgement.
    pub(super) told: Mutex<Option<String>>,
    /// Outcome and rule of the last decision on record.
    pub(super) recorded: Mutex<Option<String>>,
    /// By the keys of their questions.
    pub(super) answered: Mutex<VecDeque<(String, Value)>>,
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
            let same = |cell: &Arc<Cell>| cell.config.is_same_model(config);
            let cell = match old.remove(&name) {
                Some(cell) if same(&cell) => cell,
                old => match self.renewed(old, config, references) {
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
                tokio::task::block_in_place(|| self.judge_cell(&cell, Asked::ByTheClock, now));
            }
        }
    }

    /// What has to be done of the rows on disk now and then.
    pub fn maintain(&self, now: Timestamp) {
        for name in self.names() {
            if let Ok(cell) = self.get(&name) {
                cell.keep_first();
                cell.writer.roll(now);
                if let Some(bell) = lock(&cell.keeper).bell() {
                    bell.ring();
                }
            }
        }
    }

    /// Past windows of one role or all, of one window of the settings or all; amended by true values that came late.
    pub fn windows(&self, name: &str, window: Option<&str>, role: Option<&str>) -> Result<Value, ModelError> {
        let cell = self.get(name)?;
        let engine = lock(&cell.engine);
        let settings = engine.settings();
        let asked = |said: Option<&str>, name: &str| said.is_none_or(|said| said == name);
        let mut found = Vec::new();
        for window in settings.windows.iter().filter(|known| asked(window, &known.name)) {
            for role in engine.roles().into_iter().filter(|known| asked(role, known)) {
                let past: Vec<Value> = engine.history_of(&window.name, &role).iter().map(WindowFigures::json).collect();
                found.push(json!({"window": window.name, "role": role, "past": past}));
            }
        }
        Ok(Value::Array(found))
    }

    /// What there is of each model, for a list.
    pub fn outlines(&self) -> Vec<Value> {
        let cells: Vec<Arc<Cell>> = self.cells.read().unwrap_or_else(|poisoned| poisoned.into_inner()).values().cloned().collect();
        cells.iter().map(|cell| cell.outline()).collect()
    }

    pub fn outline(&self, name: &str) -> Result<Value, ModelError> {
        Ok(self.get(name)?.outline())
    }

    /// Judges now, whatever the schedule says; `forced` asks for a retraining whatever the numbers say.
    pub fn judge(&self, name: &str, forced: bool, now: Timestamp) -> Result<Judgement, ModelError> {
        let cell = self.get(name)?;
        *lock(&cell.due) = now + cell.config.settings.schedule;
        Ok(self.judge_cell(&cell, Asked::By { forced }, now))
    }

    pub fn last(&self, name: &str) -> Result<Option<Judgement>, ModelError> {
        Ok(lock(&self.get(name)?.last).clone())
    }

    /// From which share of drifted features on drift is detected.
    pub fn drift_share(&self, name: &str) -> Option<f64> {
        self.get(name).ok().map(|cell| cell.config.settings.drift.share)
    }

    pub fn kind(&self, name: &str) -> Result<ModelKind, ModelError> {
        Ok(self.get(name)?.config.settings.kind.clone())
    }

    /// What rows of the model may be, for whoever reads some.
    pub fn intake(&self, name: &str, now: Timestamp) -> Result<Intake, ModelError> {
        let cell = self.get(name)?;
        let schema = cell.schema.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        Ok(intake_of(&cell.config.settings, schema, cell.open, now))
    }

    /// Predictions whose features are positions of `schema`. The receipt comes when they are on disk. `bytes`: what they take, roughly.
    pub fn submit_predictions(&self, name: &str, rows: Vec<Prediction>, schema: Arc<Schema>, bytes: usize) -> Result<Pending, ModelError> {
        self.submit(name, Rows::Predictions(rows, schema), bytes)
    }

    pub fn submit_labels(&self, name: &str, rows: Vec<Label>, bytes: usize) -> Result<Pending, ModelError> {
        self.submit(name, Rows::Labels(rows), bytes)
    }

    fn submit(&self, name: &str, rows: Rows, bytes: usize) -> Result<Pending, ModelError> {
        let submitted = self.get(name)?.writer.submit(rows, bytes, clock::now());
        if let Err(SubmitError::Full { .. }) = submitted {
            self.path.telemetry.model_submissions_full.add(&[name], 1);
        }
        Ok(submitted?)
    }

    /// Counts what became of rows. `refused`: those that never came as far as the writer.
    pub fn count(&self, name: &str, kind: &str, receipt: &Receipt, refused: usize) {
        let telemetry = &self.path.telemetry;
        let taken = receipt.new + receipt.corrected + receipt.waiting;
        telemetry.model_rows.add(&[name, kind], taken as u64);
        telemetry.model_rows_repeated.add(&[name, kind], receipt.repeated as u64);
        telemetry.model_rows_refused.add(&[name, kind], (receipt.refused + refused) as u64);
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

    fn judge_cell(&self, cell: &Cell, asked: Asked, now: Timestamp) -> Judgement {
        let settings = &cell.config.settings;
        let mut model = lock(&cell.engine);
        let judgement = model.judge(now, matches!(asked, Asked::By { forced: true }));
        let mut samples = judgement.samples(settings);
        samples.extend(model.counter_samples());
        let state = model.state();
        drop(model);
        // What is told of a reference must hold after a restart.
        cell.keep_first();
        let now_there: Vec<Labels> = samples.iter().map(|(labels, _)| labels.clone()).collect();
        let before = std::mem::replace(&mut *lock(&cell.series), now_there.clone());
        let ended: Vec<Labels> = before.into_iter().filter(|labels| !now_there.contains(labels)).collect();
        self.path.append_and_end(&samples, &ended, now);
        self.tell(cell, &judgement, state, asked, now);
        *lock(&cell.last) = Some(judgement.clone());
        judgement
    }

    /// The files have one writer at a time: the old one ends first.
    fn renewed(&self, old: Option<Arc<Cell>>, config: &ModelConfig, references: &References) -> Result<Cell, String> {
        if let Some(old) = old {
            old.writer.close();
            lock(&old.keeper).close();
        }
        self.cell(config, references)
    }

    fn cell(&self, config: &ModelConfig, references: &References) -> Result<Cell, String> {
        let settings = &config.settings;
        let rows = |error: std::io::Error| format!("rows: {error}");
        let disk = open_folder(&self.dir.join(&settings.name)).map_err(rows)?;
        let (reference, first) = self.reference(config, references, &*disk)?;
        let mut engine = Engine::new(settings.clone(), reference);
        let kept = self.path.state.kept(&state_name(&settings.name)).map_err(|error| error.to_string())?;
        let (mut told, mut recorded) = (None, None);
        if let Some(kept) = kept {
            let text = |name: &str| kept.get(name).and_then(Value::as_str).map(str::to_string);
            (told, recorded) = (text("told"), text("recorded"));
            engine.restore(&kept["model"]);
        }
        let answered = answers(self.path.state.kept(&answers_name(&settings.name)).map_err(|error| error.to_string())?);
        legacy::convert(&disk, &settings.name, clock::now()).map_err(rows)?;
        let intake = intake_of(settings, Arc::new(engine.schema().clone()), engine.is_open(), clock::now());
        // The first rows are looked for further back than rows are kept.
        let rows_max = if first.is_some() { settings.retention_rows.max(FIRST_ROWS) } else { settings.retention_rows };
        let replayed = replay(&*disk, &mut engine, &intake, rows_max).map_err(rows)?;
        for (kind, count) in [("torn", replayed.torn), ("damaged", replayed.damaged)] {
            self.path.telemetry.model_log_damages.add(&[&settings.name, kind], count);
        }
        let mut log = Log::new(disk.clone(), replayed.next);
        let keeper = Keeper::start(Kept {
            name: settings.name.clone(),
            disk: disk.clone(),
            current: log.current(),
            columns: ColumnNames::of_bodies(&intake),
            retention: config.retention,
            telemetry: self.path.telemetry.clone(),
        });
        let keeper = keeper.map_err(rows)?;
        log.rings(keeper.bell());
        let schema = Arc::new(RwLock::new(Arc::new(engine.schema().clone())));
        let open = engine.is_open();
        let engine = Arc::new(Mutex::new(engine));
        let writer = Writer::start(&settings.name, engine.clone(), schema.clone(), log).map_err(rows)?;
        Ok(Cell {
            config: config.clone(),
            engine,
            writer,
            keeper: Mutex::new(keeper),
            disk,
            first: Mutex::new(first),
            schema,
            open,
            due: Mutex::new(Timestamp(0)),
            last: Mutex::default(),
            series: Mutex::default(),
            told: Mutex::new(told),
            recorded: Mutex::new(recorded),
            answered: Mutex::new(answered),
        })
    }

    /// With where it is to be kept, when it is still to come.
    fn reference(&self, config: &ModelConfig, references: &References, disk: &dyn Disk) -> Result<(Reference, Option<String>), String> {
        let Some(path) = first::path(&config.reference.from) else { return Ok((references.take(config)?, None)) };
        match first::load(disk, &path) {
            Ok(Some(rows)) => Ok((Reference::Rows(rows), None)),
            Ok(None) => Ok((references.take(config)?, Some(path))),
            Err(error) => Err(format!("its first rows, {path}: {error}")),
        }
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<Cell>, ModelError> {
        let cells = self.cells.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        cells.get(name).cloned().ok_or_else(|| ModelError::Unknown(name.to_string()))
    }
}

impl Cell {
    fn outline(&self) -> Value {
        let last = lock(&self.last);
        let engine = lock(&self.engine);
        let settings = engine.settings();
        let kind = if settings.kind == ModelKind::Regression { "regression" } else { "classification" };
        let rows: serde_json::Map<String, Value> =
            engine.roles().into_iter().map(|role| (role.clone(), json!(engine.rows(&role)))).collect();
        json!({
            "name": settings.name, "kind": kind, "target": settings.target,
            "features": settings.features.iter().map(|feature| &feature.name).collect::<Vec<_>>(),
            "windows": settings.windows.iter().map(|window| &window.name).collect::<Vec<_>>(),
            "rows": rows,
            "judgedAt": last.as_ref().map(|judgement| judgement.at.rfc3339()),
            "decision": last.as_ref().map(|judgement| judgement.decision.outcome.word()),
            "lastChallenger": engine.last_challenger().map(|one| json!({"at": one.at.rfc3339(), "outcome": one.outcome.word(), "version": one.version})),
        })
    }

    /// The reference of the first rows, once it is complete.
    fn keep_first(&self) {
        let mut first = lock(&self.first);
        let Some(path) = first.as_ref() else { return };
        let Some(rows) = lock(&self.engine).reference_rows().cloned() else { return };
        match first::save(&*self.disk, path, &rows) {
            Ok(()) => *first = None,
            Err(error) => error!("model {}: its first rows could not be kept: {error}", self.config.settings.name),
        }
    }
}

fn intake_of(settings: &ModelSettings, schema: Arc<Schema>, open: bool, now: Timestamp) -> Intake {
    let (kind, target, role) = (settings.kind.clone(), settings.target.clone(), settings.roles.champion.clone());
    Intake { schema, open, kind, target, role, now }
}

/// The folder of a model, and that of its log in it.
fn open_folder(dir: &FilePath) -> std::io::Result<Arc<dyn Disk>> {
    std::fs::create_dir_all(dir.join(LOG_DIR))?;
    for made in [Some(dir), dir.parent()].into_iter().flatten() {
        std::fs::File::open(made)?.sync_all()?;
    }
    Ok(Arc::new(OsDisk::new(dir)))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
