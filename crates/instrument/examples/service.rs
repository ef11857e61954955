//! A prediction service in sixty lines: `cargo run -p bellbuoy-instrument --example service`, then
//! `curl localhost:8000/predict -d 'a text'` and `curl localhost:8000/metrics`. With `BELLBUOY_URL=http://localhost:9090` (and
//! a model `text-length` in its bellbuoy.yml) each prediction is logged there.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use bellbuoy_instrument::Instrument;
use bellbuoy_instrument::logging::{Offered, Prediction, PredictionLogger, fresh_id};

#[derive(Clone)]
struct Service {
    instrument: Instrument,
    logger: Option<PredictionLogger>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instrument = Instrument::new();
    instrument.expect_prediction_errors(&["empty_body"]);
    instrument.model("champion").version("1");
    let logger = match std::env::var("BELLBUOY_URL") {
        Ok(url) => Some(PredictionLogger::builder(&url, "text-length").start(&instrument)?),
        Err(_) => None,
    };
    let app = Router::new()
        .route("/predict", post(predict))
        .route("/metrics", instrument.metrics_route())
        .layer(instrument.layer())
        .with_state(Service { instrument, logger: logger.clone() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            if let Err(error) = tokio::signal::ctrl_c().await {
                eprintln!("no signal to wait for: {error}");
            }
        })
        .await?;
    if let Some(logger) = logger {
        println!("logged: {:?}", logger.close(Duration::from_secs(10)));
    }
    Ok(())
}

async fn predict(State(service): State<Service>, body: String) -> Result<String, StatusCode> {
    let timer = service.instrument.prediction();
    if body.is_empty() {
        timer.failed("empty_body");
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (id, prediction) = (fresh_id(), body.len() as f64);
    timer.answered(1);
    if let Some(logger) = &service.logger {
        let row = Prediction::new(&id, prediction).feature("words", body.split_whitespace().count());
        // Counted in prediction_log_rows_dropped_total; the answer does not wait for it.
        if let Offered::Dropped(reason) = logger.prediction(row) {
            eprintln!("not logged: {}", reason.label());
        }
    }
    Ok(format!("{id} {prediction}"))
}
