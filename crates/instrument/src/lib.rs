//! `scrape > store > promql > rules > router > notify`: `[instrument]` stands beside the path, inside the service that is watched.
//!
//! In:    what a prediction service knows of itself: requests, predictions, errors, drift, training runs, model scores; its rows.
//! Out:   OpenMetrics 1.0 or Prometheus' text format under the metric names that the ready-made rules and dashboards use; and, with
//!        the feature `logging`, predictions and true values to bellbuoy.
//! Never: lets a request wait for a scrape, for bellbuoy or for a disk; needs a runtime. Any Prometheus can scrape it.
//! Holds: a counter never falls; a gauge that nobody has set is absent, not 0; each family and the queue of rows have a bound, and
//!        what a bound drops is counted.
//! Read:  instrument.rs (the families), registry.rs and family.rs, layer.rs; logging.rs, then logging/sender.rs.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::post};
//! use bellbuoy_instrument::{Format, Instrument};
//!
//! let instrument = Instrument::new();
//! let service = instrument.clone();
//! let app: Router = Router::new()
//!     .route("/predict", post(move || async move {
//!         let timer = service.prediction();
//!         let answer = "42";
//!         timer.answered(1);
//!         answer
//!     }))
//!     .route("/metrics", instrument.metrics_route())
//!     // Last, so that it sees all routes above: api_requests_total, fastapi_requests_total, ...
//!     .layer(instrument.layer());
//! # let _ = app;
//!
//! // The service's own metrics, in the same answer.
//! let rows = instrument.registry().counter("rows_read_total", "Rows read, by source", ["source"]).unwrap();
//! rows.with(["csv"]).inc_by(3);
//! assert!(instrument.render(Format::Text).contains("rows_read_total{source=\"csv\"} 3\n"));
//! # }
//! ```
//!
//! Predictions and, later, their true values go to bellbuoy with a [`logging::PredictionLogger`]:
//!
//! ```no_run
//! # #[cfg(feature = "logging")] {
//! use bellbuoy_instrument::Instrument;
//! use bellbuoy_instrument::logging::{Label, Offered, Prediction, PredictionLogger};
//! use std::time::Duration;
//!
//! let logger = PredictionLogger::builder("http://localhost:9090", "bike-traffic").start(&Instrument::new()).unwrap();
//! // In the handler: a microsecond, whether bellbuoy is there or not.
//! let row = Prediction::new("2026-11-21T10", 212.5).feature("temp", 0.24).feature("weather", "clear");
//! assert_eq!(logger.prediction(row), Offered::Queued);
//! // When the hour is over.
//! assert_eq!(logger.label(Label::new("2026-11-21T10", 198.0)), Offered::Queued);
//! // When the server has ended.
//! let totals = logger.close(Duration::from_secs(10));
//! assert_eq!(totals.offered, totals.acknowledged + totals.dropped);
//! # }
//! ```
//!
//! Features: `axum` (path templates and a route; on by default), `logging` (on by default), `tls` (https for the logging).

mod exposition;
mod family;
mod instrument;
mod layer;
#[cfg(feature = "logging")]
pub mod logging;
mod registry;
mod requests;

pub use exposition::Format;
pub use family::{Counter, Family, Gauge, Histogram, Kind, LABEL_SETS_MAX, LABEL_VALUE_BYTES_MAX, Level, OTHER};
pub use instrument::{Instrument, ModelMetrics, PredictionTimer, Scores, TrainingOutcome};
pub use layer::{Counted, CountedFuture, RequestLayer};
pub use prometheus_client;
pub use registry::{MetricError, Registry};
