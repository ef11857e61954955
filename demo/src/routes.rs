//! The endpoints: bodies in, answers out, each request counted. What they mean is in service.rs.

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::api::{self, path};
use crate::body;
use crate::drift::DriftReport;
use crate::error::ServiceError;
use crate::service::Service;
use crate::settings::DemoSettings;

type Body = Result<Bytes, BytesRejection>;
type Answer<T> = Result<Json<T>, ServiceError>;

/// Loads the models or trains the first champion, then serves until `shutdown` is ready and open requests are answered.
pub async fn serve(
    listener: tokio::net::TcpListener,
    settings: DemoSettings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let service = tokio::task::spawn_blocking(move || Service::start(settings)).await.context("the first training")??;
    for problem in service.problems() {
        eprintln!("{problem}");
    }
    axum::serve(listener, router(service.clone())).with_graceful_shutdown(shutdown).await.context("serving the demo's model")?;
    if let Some(totals) = tokio::task::spawn_blocking(move || service.close()).await.context("the log of predictions")? {
        eprintln!("predictions logged: {} of {}, {} dropped", totals.acknowledged, totals.offered, totals.dropped);
    }
    Ok(())
}

/// All endpoints, bounded and counted.
pub fn router(service: Service) -> Router {
    let (layer, metrics) = (service.instrument().layer(), service.instrument().metrics_route());
    Router::new()
        .route(path::PREDICT, post(predict))
        .route(path::TRAIN, post(train_challenger))
        .route(path::EVALUATE, post(evaluate))
        .route(path::PROMOTE, post(promote))
        .route(path::MONITOR, get(state).post(monitor))
        .route(path::DRIFT, post(check_drift))
        .route(path::HEALTH, get(health))
        .route(path::TOKEN, post(token))
        .route(path::METRICS, metrics)
        .route(path::METRICS_DRIFT, post(submit_drift).get(submitted_drift))
        .layer(DefaultBodyLimit::max(api::BODY_BYTES_MAX))
        .layer(layer)
        .with_state(service)
}

async fn predict(State(service): State<Service>, body: Body) -> Answer<api::PredictResponse> {
    let timer = service.instrument().prediction();
    // A full batch takes tens of milliseconds.
    let result = match whole(body) {
        Ok(body) => blocking(move || service.predict(body::predict(&body)?)).await,
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
    let request = body::train(&whole(body)?)?;
    let permit = service.training_permit()?;
    // The permit goes along: a client that hangs up does not make room for a second run.
    let run = tokio::task::spawn_blocking(move || {
        let response = service.train(&request);
        drop(permit);
        response
    });
    Ok(Json(run.await.map_err(|error| ServiceError::Model(error.to_string()))??))
}

async fn evaluate(State(service): State<Service>, body: Body) -> Answer<api::EvaluateResponse> {
    let request = body::evaluate(&whole(body)?)?;
    Ok(Json(blocking(move || service.evaluate(&request)).await?))
}

async fn promote(State(service): State<Service>, body: Body) -> Answer<api::PromoteResponse> {
    let request = body::promote(&whole(body)?)?;
    Ok(Json(blocking(move || service.promote(request.version)).await?))
}

async fn check_drift(State(service): State<Service>, body: Body) -> Answer<DriftReport> {
    let request = body::drift(&whole(body)?)?;
    Ok(Json(blocking(move || service.drift(&request)).await?))
}

async fn monitor(State(service): State<Service>, body: Body) -> Answer<api::MonitorReport> {
    let body = whole(body)?;
    Ok(Json(blocking(move || service.monitor(&body::monitor(&body)?)).await?))
}

async fn state(State(service): State<Service>) -> Json<api::MonitorResponse> {
    Json(service.state())
}

async fn health(State(service): State<Service>) -> Json<api::HealthResponse> {
    Json(api::HealthResponse { status: "ok".to_owned(), model_version: service.champion_version() })
}

async fn token(State(service): State<Service>, body: Body) -> Answer<api::TokenResponse> {
    Ok(Json(service.token(&body::token(&whole(body)?)?)?))
}

async fn submit_drift(State(service): State<Service>, headers: HeaderMap, body: Body) -> Answer<api::DriftScores> {
    service.authorize(&headers)?;
    let scores = body::drift_scores(&whole(body)?)?;
    Ok(Json(service.submit_drift(scores)))
}

async fn submitted_drift(State(service): State<Service>, headers: HeaderMap) -> Answer<Option<api::DriftScores>> {
    service.authorize(&headers)?;
    Ok(Json(service.submitted_drift()))
}

fn whole(body: Body) -> Result<Bytes, ServiceError> {
    body.map_err(|rejection| match rejection.status().as_u16() {
        413 => ServiceError::TooLarge(format!("the body is larger than {} bytes", api::BODY_BYTES_MAX)),
        _ => body::broken(),
    })
}

/// Work of some milliseconds and more, off the event loop.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::Model(error.to_string()))?
}
