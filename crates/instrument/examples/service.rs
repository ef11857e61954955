//! A prediction service in forty lines: `cargo run -p bellbuoy-instrument --example service`, then
//! `curl localhost:8000/predict -d '{}'` and `curl localhost:8000/metrics`.

use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use bellbuoy_instrument::{Instrument, TEXT_FORMAT};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let instrument = Instrument::new();
    instrument.expect_prediction_errors(&["empty_body"]);
    let app = Router::new()
        .route("/predict", post(predict))
        .route(
            "/metrics",
            get(|State(instrument): State<Instrument>| async move { ([("content-type", TEXT_FORMAT)], instrument.render()) }),
        )
        .layer(instrument.layer())
        .with_state(instrument);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}

async fn predict(State(instrument): State<Instrument>, body: String) -> Result<String, StatusCode> {
    let start = Instant::now();
    if body.is_empty() {
        instrument.prediction_error("empty_body");
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let prediction = body.len() as f64;
    instrument.predictions(1, start.elapsed());
    Ok(prediction.to_string())
}
