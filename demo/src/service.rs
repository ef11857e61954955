//! The service: a champion that answers, a challenger in its shadow, and the endpoints around them.
//!
//! In:    requests with features, true values, files to train on. Out: predictions, metrics of `instrument`, rows for bellbuoy.
//! Never: lets a request wait for bellbuoy; answers a bad body without naming its field.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use axum::http::{HeaderMap, header};
use bellbuoy_instrument::logging::{Prediction, PredictionLogger, Totals, fresh_id};
use bellbuoy_instrument::{Histogram, Instrument, Scores, TrainingOutcome};

use crate::api;
use crate::body::MonitorRequest;
use crate::data::{Dataset, Features, LAST_DAY, Row, TRAINED_THROUGH_DAY};
use crate::drift::{DRIFT_ROWS_MIN, DriftReport, drift};
use crate::error::ServiceError;
use crate::model::Score;
use crate::monitor::monitor;
use crate::settings::{DemoSettings, PredictionLog};
use crate::store::{Roles, Store, Versioned};
use crate::token::Tokens;
use crate::training::{CURRENT_DAYS, Role, WINDOW_ROWS, compare, hold_out, train};

/// How long the rows that wait at the end may take.
const LOG_CLOSE: Duration = Duration::from_secs(5);
/// Every reason for which a prediction can fail, so that each counter exists from the start.
const PREDICTION_ERRORS: [&str; 3] = ["invalid_input", "too_large", "model"];
/// Rentals of an hour: upper bounds of the buckets of `prediction_value`.
const RENTALS: [f64; 10] = [10.0, 25.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 600.0];

/// The service without its socket. Cheap to clone; clones are the same service.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    settings: DemoSettings,
    data: &'static Dataset,
    instrument: Instrument,
    values: Histogram,
    demand: Demand,
    tokens: Tokens,
    models: Mutex<Models>,
    logger: Option<PredictionLogger>,
    store: Store,
    problems: Vec<String>,
    recent: Mutex<VecDeque<Features>>,
    last: Mutex<Last>,
    /// Held during a training run, so that there is one at a time.
    training: Arc<tokio::sync::Mutex<()>>,
}

struct Models {
    roles: Roles,
    champion: Arc<Versioned>,
    challenger: Option<Arc<Versioned>>,
}

#[derive(Default)]
struct Last {
    evaluation: Option<api::EvaluateResponse>,
    drift: Option<DriftReport>,
    /// The challenger's last score.
    challenger: Option<Score>,
    submitted: Option<api::DriftScores>,
    monitor: Option<api::MonitorReport>,
}

impl Service {
    /// Loads the models, or trains the first champion: a fraction of a second of work on this thread.
    pub fn start(settings: DemoSettings) -> anyhow::Result<Service> {
        let data = Dataset::bikeshare();
        let instrument = Instrument::new();
        instrument.expect_prediction_errors(&PREDICTION_ERRORS);
        let values = instrument.registry().histogram("prediction_value", "Rentals of an hour, as predicted", [], &RENTALS)?.with([]);
        let demand = Demand::of(data.days(1, settings.trained_through_day));
        let tokens = Tokens::new(settings.token_secret.as_ref())?;
        let logger = settings.log.as_ref().map(|log| logger(log, &instrument)).transpose()?;
        let store = Store::open(settings.data.as_deref())?;
        let loaded = store.load();
        let models = match loaded.models {
            Some((roles, champion, challenger)) => Models { roles, champion, challenger },
            None => first_champion(data, &settings, loaded.next_version, &store, &instrument)?,
        };
        // Also after damage, so that the files agree again.
        store.save_roles(&models.roles)?;
        let service = Service(Arc::new(Inner {
            tokens,
            settings,
            data,
            instrument,
            values,
            demand,
            logger,
            store,
            problems: loaded.problems,
            models: Mutex::new(models),
            recent: Mutex::default(),
            last: Mutex::default(),
            training: Arc::default(),
        }));
        service.show_versions();
        Ok(service)
    }

    /// What was damaged on disk, and what is done instead.
    pub fn problems(&self) -> &[String] {
        &self.0.problems
    }

    /// After the server: the rows that still wait are sent. Blocks.
    pub(crate) fn close(&self) -> Option<Totals> {
        self.0.logger.as_ref().map(|logger| logger.close(LOG_CLOSE))
    }

    fn show_versions(&self) {
        let (champion, challenger) = self.models();
        self.0.instrument.model(Role::Champion.label()).version(&champion.version.to_string());
        match challenger {
            Some(challenger) => self.0.instrument.model(Role::Challenger.label()).version(&challenger.version.to_string()),
            None => self.0.instrument.model(Role::Challenger.label()).gone(),
        }
    }

    pub fn instrument(&self) -> &Instrument {
        &self.0.instrument
    }

    /// Both models as they are now.
    fn models(&self) -> (Arc<Versioned>, Option<Arc<Versioned>>) {
        let models = lock(&self.0.models);
        (models.champion.clone(), models.challenger.clone())
    }

    pub(crate) fn predict(&self, rows: Vec<api::PredictRow>) -> Result<api::PredictResponse, ServiceError> {
        let features: Vec<Features> = rows.iter().map(|row| row.features).collect();
        let (champion, challenger) = self.models();
        let answers = champion.trained.model.predict(&features).map_err(ServiceError::Model)?;
        let shadow = match &challenger {
            Some(challenger) => Some(challenger.trained.model.predict(&features).map_err(ServiceError::Model)?),
            None => None,
        };
        let mut predictions = Vec::with_capacity(rows.len());
        for (index, (row, prediction)) in rows.into_iter().zip(answers).enumerate() {
            let challenger = shadow.as_ref().map(|shadow| shadow[index]);
            self.0.values.observe(prediction);
            self.0.instrument.severity(self.0.demand.level(prediction), 1);
            // A row that is logged needs an id: with it the true value finds its prediction.
            let id = row.id.or_else(|| self.0.logger.is_some().then(fresh_id));
            self.log(id.as_deref(), &row.features, prediction, challenger);
            predictions.push(api::Prediction { id, prediction, challenger });
        }
        self.remember(&features);
        Ok(api::PredictResponse {
            model_version: champion.version,
            challenger_version: challenger.map(|challenger| challenger.version),
            predictions,
        })
    }

    /// What is dropped is counted in `prediction_log_rows_dropped_total`; the answer does not wait for bellbuoy, nor depend on it.
    fn log(&self, id: Option<&str>, features: &Features, prediction: f64, challenger: Option<f64>) {
        let (Some(logger), Some(id)) = (&self.0.logger, id) else { return };
        let _ = logger.prediction(Prediction::new(id, prediction).features(features));
        if let Some(challenger) = challenger {
            let _ = logger.prediction(Prediction::new(id, challenger).features(features).role(Role::Challenger.label()));
        }
    }

    /// Keeps the rows predicted last, for `/drift`.
    fn remember(&self, features: &[Features]) {
        let mut recent = lock(&self.0.recent);
        recent.extend(features.iter().rev().take(WINDOW_ROWS).rev());
        let surplus = recent.len().saturating_sub(WINDOW_ROWS);
        recent.drain(..surplus);
    }

    /// A training run, on a thread that may block. Makes the challenger and scores it against the champion.
    pub(crate) fn train(&self, request: &api::TrainRequest) -> Result<api::TrainResponse, ServiceError> {
        let start = Instant::now();
        let result = self.train_and_compare(request);
        let outcome = if result.is_ok() { TrainingOutcome::Success } else { TrainingOutcome::Failure };
        self.0.instrument.training(outcome, start.elapsed());
        result
    }

    fn train_and_compare(&self, request: &api::TrainRequest) -> Result<api::TrainResponse, ServiceError> {
        let trained = train(self.0.data, request.from_day..=request.up_to).map_err(ServiceError::Model)?;
        let (champion, _) = self.models();
        let (baseline, current) =
            compare(self.0.data, &champion.trained.model, &trained.model, request.up_to).map_err(ServiceError::Model)?;
        let mut roles = lock(&self.0.models).roles.clone();
        let challenger = Arc::new(Versioned { version: roles.next_version, trained });
        (roles.challenger, roles.next_version) = (Some(challenger.version), challenger.version + 1);
        // On disk before it serves. Nobody else changes roles meanwhile but `promote`, which is asked again below.
        self.0.store.save(&challenger).map_err(storage)?;
        {
            let mut models = lock(&self.0.models);
            (roles.champion, roles.former) = (models.roles.champion, models.roles.former.clone());
            self.0.store.save_roles(&roles).map_err(storage)?;
            (models.roles, models.challenger) = (roles, Some(challenger.clone()));
        }
        self.show_versions();
        self.show_score(Role::Champion, &current.champion);
        self.show_score(Role::Challenger, &current.challenger);
        Ok(api::TrainResponse { champion: champion.info(), challenger: challenger.info(), baseline, current })
    }

    fn show_score(&self, role: Role, score: &Score) {
        self.0.instrument.model(role.label()).scores(Scores { r2: score.r2, rmse: Some(score.rmse), mae: Some(score.mae) });
        if role == Role::Challenger {
            lock(&self.0.last).challenger = Some(*score);
        }
    }

    pub(crate) fn promote(&self, version: Option<u32>) -> Result<api::PromoteResponse, ServiceError> {
        let mut models = lock(&self.0.models);
        let challenger = models.challenger.clone().ok_or(ServiceError::NoChallenger)?;
        if let Some(asked) = version
            && asked != challenger.version
        {
            return Err(ServiceError::OtherChallenger { asked, have: challenger.version });
        }
        let roles = models.roles.promoted(challenger.version);
        self.0.store.save_roles(&roles).map_err(storage)?;
        (models.roles, models.challenger) = (roles, None);
        // The new champion's score is the one it had as challenger; the old champion's is history.
        self.0.instrument.model(Role::Challenger.label()).gone();
        let score = lock(&self.0.last).challenger.take();
        if let Some(score) = score {
            self.show_score(Role::Champion, &score);
        }
        let previous = std::mem::replace(&mut models.champion, challenger.clone());
        drop(models);
        self.show_versions();
        Ok(api::PromoteResponse { champion: challenger.info(), previous: previous.info() })
    }

    pub(crate) fn evaluate(&self, request: &api::EvaluateRequest) -> Result<api::EvaluateResponse, ServiceError> {
        let (champion, challenger) = self.models();
        let response = match (request.from_day, request.to_day) {
            (Some(from_day), Some(to_day)) => {
                let rows =
                    if request.hold_out { hold_out(self.0.data, from_day, to_day) } else { self.0.data.days(from_day, to_day).to_vec() };
                let set = test_set(&champion, challenger.as_deref(), &rows, (from_day, to_day))?;
                api::EvaluateResponse {
                    rows: rows.len(),
                    champion: set.champion,
                    challenger: set.challenger,
                    baseline: None,
                    current: None,
                }
            }
            _ => {
                let known = challenger.iter().chain([&champion]).map(|model| *model.trained.days.end()).max();
                let up_to = request.up_to.or(known).unwrap_or(LAST_DAY);
                let on = |from: u32, to: u32| test_set(&champion, challenger.as_deref(), &hold_out(self.0.data, from, to), (from, to));
                let (baseline, current) = (on(1, TRAINED_THROUGH_DAY)?, on((up_to + 1).saturating_sub(CURRENT_DAYS).max(1), up_to)?);
                let (rows, champion, challenger) = (current.champion.rows, current.champion, current.challenger);
                api::EvaluateResponse { rows, champion, challenger, baseline: Some(baseline), current: Some(current) }
            }
        };
        self.show_score(Role::Champion, &response.champion);
        if let Some(score) = &response.challenger {
            self.show_score(Role::Challenger, score);
        }
        lock(&self.0.last).evaluation = Some(response.clone());
        Ok(response)
    }

    /// Rows against a reference file.
    pub(crate) fn monitor(&self, request: &MonitorRequest) -> Result<api::MonitorReport, ServiceError> {
        let report = monitor(self.0.settings.data.as_deref(), &request.reference_path, &request.current_data)?;
        let summary = &report.drift_summary;
        self.0.instrument.drift(summary.drift_detected, summary.drift_share, summary.drifted_features_count);
        lock(&self.0.last).monitor = Some(report.clone());
        Ok(report)
    }

    /// What the service knows of itself.
    pub(crate) fn state(&self) -> api::MonitorResponse {
        let (champion, challenger) = self.models();
        let recent_rows = lock(&self.0.recent).len();
        let last = lock(&self.0.last);
        api::MonitorResponse {
            champion: champion.info(),
            challenger: challenger.map(|challenger| challenger.info()),
            training: self.0.training.try_lock().is_err(),
            recent_rows,
            last_evaluation: last.evaluation.clone(),
            last_drift: last.drift.clone(),
            last_monitor: last.monitor.clone(),
            problems: self.0.problems.clone(),
        }
    }

    pub(crate) fn champion_version(&self) -> u32 {
        self.models().0.version
    }

    /// Room for one training run, while it is held.
    pub(crate) fn training_permit(&self) -> Result<tokio::sync::OwnedMutexGuard<()>, ServiceError> {
        self.0.training.clone().try_lock_owned().map_err(|_| ServiceError::TrainingUnderWay)
    }

    pub(crate) fn token(&self, request: &api::TokenRequest) -> Result<api::TokenResponse, ServiceError> {
        let (settings, tokens) = (&self.0.settings, &self.0.tokens);
        // Both are compared in any case, so that the time does not tell which was wrong.
        let name = tokens.same(&request.username, &settings.username);
        let password = tokens.same(&request.password, settings.password.expose());
        if !(name & password) {
            return Err(ServiceError::Credentials);
        }
        let access_token = tokens.issue(&settings.username, now_s().saturating_add(settings.token_lifetime_s));
        Ok(api::TokenResponse { access_token, token_type: "bearer".to_owned(), expires_in: settings.token_lifetime_s })
    }

    pub(crate) fn submit_drift(&self, scores: api::DriftScores) -> api::DriftScores {
        let features = scores.feature_drift_scores.iter().map(|(feature, score)| (feature.as_str(), *score));
        self.0.instrument.drift_scores(scores.overall_drift_score, features);
        lock(&self.0.last).submitted = Some(scores.clone());
        scores
    }

    pub(crate) fn submitted_drift(&self) -> Option<api::DriftScores> {
        lock(&self.0.last).submitted.clone()
    }

    /// The champion's training days against the asked days, or against the rows predicted last.
    pub(crate) fn drift(&self, request: &api::DriftRequest) -> Result<DriftReport, ServiceError> {
        let (champion, _) = self.models();
        let days = &champion.trained.days;
        let column = |from, to| -> Vec<Features> { self.0.data.days(from, to).iter().map(|row| row.features).collect() };
        let (from_day, to_day) = (request.from_day.unwrap_or(1), request.to_day.unwrap_or(LAST_DAY));
        let recent = request.from_day.is_none() && request.to_day.is_none();
        let current = if recent { lock(&self.0.recent).iter().copied().collect() } else { column(from_day, to_day) };
        let report = match drift(&column(*days.start(), *days.end()), &current) {
            Some(report) => report,
            None if current.is_empty() && !recent => return Err(ServiceError::NoRows { from_day, to_day }),
            None => {
                let problem = format!("{} rows are too few to speak of drift; it takes {DRIFT_ROWS_MIN}", current.len());
                return Err(ServiceError::NothingToSay(problem));
            }
        };
        self.0.instrument.drift(report.detected, report.share, report.drifted.len());
        self.0.instrument.drift_scores(report.score, report.features.iter().map(|(feature, score)| (feature.as_str(), *score)));
        lock(&self.0.last).drift = Some(report.clone());
        Ok(report)
    }

    pub(crate) fn authorize(&self, headers: &HeaderMap) -> Result<(), ServiceError> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(ServiceError::NoToken)?;
        let (scheme, token) = value.split_once(' ').ok_or(ServiceError::NoToken)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ServiceError::NoToken);
        }
        self.0.tokens.check(token.trim(), now_s())?;
        Ok(())
    }
}

/// How crowded an hour will be, for `predictions_by_severity`: 1 (quiet) to 4, the quarters of the hours that the first model learned from.
struct Demand([f64; 3]);

impl Demand {
    fn of(rows: &[Row]) -> Demand {
        let mut rentals: Vec<f64> = rows.iter().map(|row| row.bikers).collect();
        rentals.sort_by(f64::total_cmp);
        Demand([1, 2, 3].map(|quarter| rentals.get(rentals.len() * quarter / 4).copied().unwrap_or(f64::INFINITY)))
    }

    fn level(&self, prediction: f64) -> &'static str {
        ["1", "2", "3", "4"][self.0.iter().filter(|bound| prediction >= **bound).count()]
    }
}

impl Versioned {
    pub(crate) fn info(&self) -> api::ModelInfo {
        api::ModelInfo {
            version: self.version,
            from_day: *self.trained.days.start(),
            to_day: *self.trained.days.end(),
            rows: self.trained.rows,
            fit: self.trained.fit,
            training_seconds: self.trained.duration.as_secs_f64(),
        }
    }
}

impl Role {
    /// The label `model_type`.
    pub fn label(self) -> &'static str {
        match self {
            Role::Champion => "champion",
            Role::Challenger => "challenger",
        }
    }
}

fn first_champion(data: &Dataset, settings: &DemoSettings, version: u32, store: &Store, instrument: &Instrument) -> anyhow::Result<Models> {
    let trained = train(data, 1..=settings.trained_through_day).map_err(anyhow::Error::msg).context("training the first champion")?;
    instrument.training(TrainingOutcome::Success, trained.duration);
    let champion = Arc::new(Versioned { version, trained });
    store.save(&champion)?;
    Ok(Models { roles: Roles::first(version), champion, challenger: None })
}

fn logger(log: &PredictionLog, instrument: &Instrument) -> anyhow::Result<PredictionLogger> {
    let mut builder = PredictionLogger::builder(log.url.expose(), &log.model);
    if let Some(token) = &log.token {
        builder = builder.bearer_token(token.expose());
    }
    builder.start(instrument).context("the log of predictions")
}

fn test_set(champion: &Versioned, challenger: Option<&Versioned>, rows: &[Row], days: (u32, u32)) -> Result<api::TestSet, ServiceError> {
    let score = |model: &Versioned| model.trained.model.evaluate(rows).map_err(ServiceError::Model);
    let champion = score(champion)?.ok_or(ServiceError::NoRows { from_day: days.0, to_day: days.1 })?;
    Ok(api::TestSet { champion, challenger: challenger.map(score).transpose()?.flatten() })
}

fn storage(error: anyhow::Error) -> ServiceError {
    ServiceError::Storage(format!("{error:#}"))
}

fn now_s() -> u64 {
    // A clock before 1970 makes every token end at once, which is the safe side.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs())
}

/// What these locks guard is replaced whole, so it is whole after a panic too.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
