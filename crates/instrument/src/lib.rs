//! scrape > store > promql > rules > router > notify: [instrument] stands beside the path, inside the service that is watched.
//!
//! In:    what a prediction service knows of itself: requests, predictions, errors, drift, training runs, model scores.
//! Out:   Prometheus' text format 0.0.4 under the metric names that the ready-made rules and dashboards use.
//! Never: calls bellbuoy, needs a runtime, starts a thread. Any Prometheus can scrape it.
//! Holds: a counter never falls; a gauge that nobody has set is absent, not 0; each family has a bound on its label sets.
//! Read:  instrument.rs (the families), registry.rs, then layer.rs and text.rs.
//!
//! ```
//! use axum::{Router, routing::{get, post}};
//! use bellbuoy_instrument::{Instrument, TEXT_FORMAT};
//! use std::time::Instant;
//!
//! let instrument = Instrument::new();
//! let service = instrument.clone();
//! let scraped = instrument.clone();
//! let app: Router = Router::new()
//!     .route("/predict", post(move || async move {
//!         let start = Instant::now();
//!         let answer = "42";
//!         service.predictions(1, start.elapsed());
//!         answer
//!     }))
//!     .route("/metrics", get(move || async move { ([("content-type", TEXT_FORMAT)], scraped.render()) }))
//!     // Last, so that it sees all routes above: api_requests_total, fastapi_requests_total, ...
//!     .layer(instrument.layer());
//! # let _ = app;
//!
//! // The service's own metrics, in the same answer.
//! let rows = instrument.registry().counter("rows_read_total", "Rows read, by source.", ["source"]).unwrap();
//! rows.with(["csv"]).add(3.0);
//! assert!(instrument.render().contains("rows_read_total{source=\"csv\"} 3\n"));
//! ```

mod instrument;
mod layer;
mod metric;
mod registry;
mod text;

pub use instrument::{Instrument, TrainingOutcome};
pub use layer::{Counted, RequestLayer};
pub use metric::{Counter, Gauge, Histogram};
pub use registry::{Family, LABEL_SETS_MAX, LABEL_VALUE_BYTES_MAX, MetricError, Registry};
pub use text::TEXT_FORMAT;
