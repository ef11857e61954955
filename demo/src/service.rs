//! The service: a champion that answers, a challenger in its shadow, and the endpoints around them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use bellbuoy_instrument::{Instrument, Scores, TrainingOutcome};
use bellbuoy_vocabulary::Timestamp;
use serde::de::DeserializeOwned;

use crate::api::{self, path};
use crate::data::{Dataset, Features, LAST_DAY, Row};
use crate::drift::{DRIFT_ROWS_MIN, DriftReport, drift};
use crate::error::ServiceError;
use crate::model::Score;
use crate::settings::DemoSettings;
use crate::token::Tokens;
use crate::training::{Role, Trained, WINDOW_ROWS, compare, hold_out, train};

/// Features in one `POST /metrics/drift`, at most.
const DRIFT_FEATURES_MAX: usize = 200;
/// Bytes of an id, at most.
const ID_BYTES_MAX: usize = 256;
/// Every reason for which a prediction can fail, so that each counter exists from the start.
const PREDICTION_ERRORS: [&str; 3] = ["invalid_input", "too_large", "model"];

/// The service without its socket. Cheap to clone; clones are the same service.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    settings: DemoSettings,
    data: &'static Dataset,
    instrument: Instrument,
    tokens: Tokens,
    models: Mutex<Models>,
    recent: Mutex<VecDeque<Features>>,
    last: Mutex<Last>,
    /// Held during a training run, so that there is one at a time.
    training: Arc<tokio::sync::Mutex<()>>,
}

struct Models {
    champion: Arc<Versioned>,
    challenger: Option<Arc<Versioned>>,
    next_version: u32,
}

struct Versioned {
    version: u32,
    trained: Trained,
}

#[derive(Default)]
struct Last {
    evaluation: Option<api::EvaluateResponse>,
    drift: Option<DriftReport>,
    /// The challenger's last score.
    challenger: Option<Score>,
    submitted: Option<api::DriftScores>,
}

type Body = Result<Bytes, BytesRejection>;
type Answer<T> = Result<Json<T>, ServiceError>;

/// Trains the first champion, then serves until `shutdown` is ready and open requests are answered.
pub async fn serve(
    listener: tokio::net::TcpListener,
    settings: DemoSettings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let service = tokio::task::spawn_blocking(move || Service::start(settings)).await.context("the first training")??;
    axum::serve(listener, router(service)).with_graceful_shutdown(shutdown).await.context("serving the demo's model")
}

/// All endpoints, bounded and counted.
pub fn router(service: Service) -> Router {
    let (layer, metrics) = (service.instrument().layer(), service.instrument().metrics_route());
    Router::new()
        .route(path::PREDICT, post(predict))
        .route(path::TRAIN, post(train_challenger))
        .route(path::EVALUATE, post(evaluate))
        .route(path::PROMOTE, post(promote))
        .route(path::MONITOR, get(monitor))
        .route(path::DRIFT, post(check_drift))
        .route(path::HEALTH, get(health))
        .route(path::TOKEN, post(token))
        .route(path::METRICS, metrics)
        .route(path::METRICS_DRIFT, post(submit_drift).get(submitted_drift))
        .layer(DefaultBodyLimit::max(api::BODY_BYTES_MAX))
        .layer(layer)
        .with_state(service)
}

impl Service {
    /// Trains the first champion: a fraction of a second of work on this thread.
    pub fn start(settings: DemoSettings) -> anyhow::Result<Service> {
        let data = Dataset::bikeshare();
        let instrument = Instrument::new();
        instrument.expect_prediction_errors(&PREDICTION_ERRORS);
        let trained = train(data, 1..=settings.trained_through_day).map_err(anyhow::Error::msg).context("training the first champion")?;
        instrument.training(TrainingOutcome::Success, trained.duration);
        let champion = Arc::new(Versioned { version: 1, trained });
        Ok(Service(Arc::new(Inner {
            tokens: Tokens::new(settings.token_secret.as_ref())?,
            settings,
            data,
            instrument,
            models: Mutex::new(Models { champion, challenger: None, next_version: 2 }),
            recent: Mutex::default(),
            last: Mutex::default(),
            training: Arc::default(),
        })))
    }

    pub fn instrument(&self) -> &Instrument {
        &self.0.instrument
    }

    /// Both models as they are now.
    fn models(&self) -> (Arc<Versioned>, Option<Arc<Versioned>>) {
        let models = lock(&self.0.models);
        (models.champion.clone(), models.challenger.clone())
    }

    fn predict(&self, request: api::PredictRequest) -> Result<api::PredictResponse, ServiceError> {
        let rows = rows_of(request)?;
        let features: Vec<Features> = rows.iter().map(|row| row.features).collect();
        let (champion, challenger) = self.models();
        let answers = champion.trained.model.predict(&features).map_err(ServiceError::Model)?;
        let shadow = match &challenger {
            Some(challenger) => Some(challenger.trained.model.predict(&features).map_err(ServiceError::Model)?),
            None => None,
        };
        let mut predictions = Vec::with_capacity(rows.len());
        for (index, (row, prediction)) in rows.into_iter().zip(answers).enumerate() {
            predictions.push(api::Prediction { id: row.id, prediction, challenger: shadow.as_ref().map(|shadow| shadow[index]) });
        }
        self.remember(&features);
        Ok(api::PredictResponse {
            model_version: champion.version,
            challenger_version: challenger.map(|challenger| challenger.version),
            predictions,
        })
    }

    /// Keeps the rows predicted last, for `/drift`.
    fn remember(&self, features: &[Features]) {
        let mut recent = lock(&self.0.recent);
        recent.extend(features.iter().rev().take(WINDOW_ROWS).rev());
        let surplus = recent.len().saturating_sub(WINDOW_ROWS);
        recent.drain(..surplus);
    }

    /// A training run, on a thread that may block. Makes the challenger and scores it against the champion.
    fn train(&self, request: &api::TrainRequest) -> Result<api::TrainResponse, ServiceError> {
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
        let challenger = {
            let mut models = lock(&self.0.models);
            let challenger = Arc::new(Versioned { version: models.next_version, trained });
            models.next_version += 1;
            models.challenger = Some(challenger.clone());
            challenger
        };
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

    fn promote(&self, version: Option<u32>) -> Result<api::PromoteResponse, ServiceError> {
        let mut models = lock(&self.0.models);
        let challenger = models.challenger.clone().ok_or(ServiceError::NoChallenger)?;
        if let Some(asked) = version
            && asked != challenger.version
        {
            return Err(ServiceError::OtherChallenger { asked, have: challenger.version });
        }
        models.challenger = None;
        // The new champion's score is the one it had as challenger; the old champion's is history.
        self.0.instrument.model(Role::Challenger.label()).gone();
        let score = lock(&self.0.last).challenger.take();
        if let Some(score) = score {
            self.show_score(Role::Champion, &score);
        }
        let previous = std::mem::replace(&mut models.champion, challenger.clone());
        Ok(api::PromoteResponse { champion: challenger.info(), previous: previous.info() })
    }

    fn evaluate(&self, request: &api::EvaluateRequest) -> Result<api::EvaluateResponse, ServiceError> {
        let rows: Vec<Row> = if request.hold_out {
            hold_out(self.0.data, request.from_day, request.to_day)
        } else {
            self.0.data.days(request.from_day, request.to_day).to_vec()
        };
        let no_rows = ServiceError::NoRows { from_day: request.from_day, to_day: request.to_day };
        let (champion, challenger) = self.models();
        let score = |model: &Versioned| model.trained.model.evaluate(&rows).map_err(ServiceError::Model);
        let champion = score(&champion)?.ok_or(no_rows)?;
        self.show_score(Role::Champion, &champion);
        let challenger = match &challenger {
            Some(challenger) => score(challenger)?,
            None => None,
        };
        if let Some(score) = &challenger {
            self.show_score(Role::Challenger, score);
        }
        let response = api::EvaluateResponse { rows: rows.len(), champion, challenger };
        lock(&self.0.last).evaluation = Some(response.clone());
        Ok(response)
    }

    /// The champion's training days against the asked days, or against the rows predicted last.
    fn drift(&self, request: &api::DriftRequest) -> Result<DriftReport, ServiceError> {
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
                return Err(ServiceError::InvalidInput(problem));
            }
        };
        self.0.instrument.drift(report.detected, report.share, report.drifted.len());
        self.0.instrument.drift_scores(report.score, report.features.iter().map(|(feature, score)| (feature.as_str(), *score)));
        lock(&self.0.last).drift = Some(report.clone());
        Ok(report)
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), ServiceError> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(ServiceError::NoToken)?;
        let (scheme, token) = value.split_once(' ').ok_or(ServiceError::NoToken)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ServiceError::NoToken);
        }
        self.0.tokens.check(token.trim(), now_s())?;
        Ok(())
    }
}

impl Versioned {
    fn info(&self) -> api::ModelInfo {
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

async fn predict(State(service): State<Service>, body: Body) -> Answer<api::PredictResponse> {
    let timer = service.0.instrument.prediction();
    let result = match read(body) {
        // A full batch takes tens of milliseconds.
        Ok(request) => blocking(move || service.predict(request)).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(response) => {
            timer.answered(response.predictions.len() as u64);
            Ok(Json(response))
        }
        Err(error) => {
            timer.failed(error.kind());
            Err(error)
        }
    }
}

async fn train_challenger(State(service): State<Service>, body: Body) -> Answer<api::TrainResponse> {
    let request: api::TrainRequest = read(body)?;
    check_days(request.from_day, request.up_to)?;
    let permit = service.0.training.clone().try_lock_owned().map_err(|_| ServiceError::TrainingUnderWay)?;
    // The permit goes along: a client that hangs up does not make room for a second run.
    let run = tokio::task::spawn_blocking(move || {
        let response = service.train(&request);
        drop(permit);
        response
    });
    Ok(Json(run.await.map_err(|error| ServiceError::Model(error.to_string()))??))
}

async fn evaluate(State(service): State<Service>, body: Body) -> Answer<api::EvaluateResponse> {
    let request: api::EvaluateRequest = read(body)?;
    check_days(request.from_day, request.to_day)?;
    Ok(Json(blocking(move || service.evaluate(&request)).await?))
}

async fn promote(State(service): State<Service>, body: Body) -> Answer<api::PromoteResponse> {
    let request: api::PromoteRequest = read_or_default(body)?;
    Ok(Json(service.promote(request.version)?))
}

async fn check_drift(State(service): State<Service>, body: Body) -> Answer<DriftReport> {
    let request: api::DriftRequest = read_or_default(body)?;
    Ok(Json(blocking(move || service.drift(&request)).await?))
}

async fn monitor(State(service): State<Service>) -> Json<api::MonitorResponse> {
    let (champion, challenger) = service.models();
    let recent_rows = lock(&service.0.recent).len();
    let last = lock(&service.0.last);
    Json(api::MonitorResponse {
        champion: champion.info(),
        challenger: challenger.map(|challenger| challenger.info()),
        training: service.0.training.try_lock().is_err(),
        recent_rows,
        last_evaluation: last.evaluation.clone(),
        last_drift: last.drift.clone(),
    })
}

async fn health(State(service): State<Service>) -> Json<api::HealthResponse> {
    Json(api::HealthResponse { status: "ok".to_owned(), model_version: service.models().0.version })
}

async fn token(State(service): State<Service>, form: Result<Form<api::TokenRequest>, FormRejection>) -> Answer<api::TokenResponse> {
    let Form(request) = form.map_err(|_| ServiceError::InvalidInput("give the form fields username and password".to_owned()))?;
    let (settings, tokens) = (&service.0.settings, &service.0.tokens);
    // Both are compared in any case, so that the time does not tell which was wrong.
    let name = tokens.same(&request.username, &settings.username);
    let password = tokens.same(&request.password, settings.password.expose());
    if !(name & password) {
        return Err(ServiceError::Credentials);
    }
    let access_token = tokens.issue(&settings.username, now_s().saturating_add(settings.token_lifetime_s));
    Ok(Json(api::TokenResponse { access_token, token_type: "bearer".to_owned(), expires_in: settings.token_lifetime_s }))
}

async fn submit_drift(State(service): State<Service>, headers: HeaderMap, body: Body) -> Answer<api::DriftScores> {
    service.authorize(&headers)?;
    let scores: api::DriftScores = read(body)?;
    check_scores(&scores)?;
    let features = scores.feature_drift_scores.iter().map(|(feature, score)| (feature.as_str(), *score));
    service.0.instrument.drift_scores(scores.overall_drift_score, features);
    lock(&service.0.last).submitted = Some(scores.clone());
    Ok(Json(scores))
}

async fn submitted_drift(State(service): State<Service>, headers: HeaderMap) -> Answer<Option<api::DriftScores>> {
    service.authorize(&headers)?;
    Ok(Json(lock(&service.0.last).submitted.clone()))
}

fn rows_of(request: api::PredictRequest) -> Result<Vec<api::PredictRow>, ServiceError> {
    let rows = match (request.features, request.rows.is_empty()) {
        (Some(features), true) => vec![api::PredictRow { id: request.id, features }],
        (None, false) if request.id.is_none() => request.rows,
        _ => return Err(ServiceError::InvalidInput("give `features` (and `id`) for one row, or `rows` for many".to_owned())),
    };
    if rows.len() > api::PREDICT_ROWS_MAX {
        return Err(ServiceError::TooLarge(format!("{} rows; at most {} at once", rows.len(), api::PREDICT_ROWS_MAX)));
    }
    for (index, row) in rows.iter().enumerate() {
        row.features.check().map_err(|problem| ServiceError::InvalidInput(format!("row {index}: {problem}")))?;
        if row.id.as_ref().is_some_and(|id| id.len() > ID_BYTES_MAX) {
            return Err(ServiceError::InvalidInput(format!("row {index}: the id is longer than {ID_BYTES_MAX} bytes")));
        }
    }
    Ok(rows)
}

fn check_days(from_day: u32, to_day: u32) -> Result<(), ServiceError> {
    if 1 <= from_day && from_day <= to_day && to_day <= LAST_DAY { Ok(()) } else { Err(ServiceError::NoRows { from_day, to_day }) }
}

fn check_scores(scores: &api::DriftScores) -> Result<(), ServiceError> {
    let invalid = |problem: String| Err(ServiceError::InvalidInput(problem));
    if scores.feature_drift_scores.len() > DRIFT_FEATURES_MAX {
        return invalid(format!("{} features; at most {DRIFT_FEATURES_MAX}", scores.feature_drift_scores.len()));
    }
    let overall = [("overall_drift_score", scores.overall_drift_score)];
    for (name, score) in overall.into_iter().chain(scores.feature_drift_scores.iter().map(|(name, score)| (name.as_str(), *score))) {
        if !(0.0..=1.0).contains(&score) {
            return invalid(format!("{name} is {score}; a drift score is 0 to 1"));
        }
    }
    match &scores.timestamp {
        Some(text) if Timestamp::parse_rfc3339(text).is_none() => {
            invalid("timestamp is not RFC 3339, such as 2026-01-13T10:00:00Z".to_owned())
        }
        _ => Ok(()),
    }
}

/// The body as JSON, whatever its content type says: `curl -d` should just work.
fn read<T: DeserializeOwned>(body: Body) -> Result<T, ServiceError> {
    let bytes = body.map_err(|rejection| match rejection.status().as_u16() {
        413 => ServiceError::TooLarge(format!("the body is larger than {} bytes", api::BODY_BYTES_MAX)),
        _ => ServiceError::InvalidInput("the body broke off".to_owned()),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| ServiceError::InvalidInput(format!("the body: {error}")))
}

/// As `read`, but no body at all is the request's default.
fn read_or_default<T: DeserializeOwned + Default>(body: Body) -> Result<T, ServiceError> {
    match body {
        Ok(bytes) if bytes.is_empty() => Ok(T::default()),
        body => read(body),
    }
}

/// Work of some milliseconds and more, off the event loop.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::Model(error.to_string()))?
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
