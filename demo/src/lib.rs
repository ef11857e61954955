//! `scrape > store > promql > rules > router > notify`: `[demo]` stands beside the path: a real service to watch, and a real year to replay.
//!
//! In:    the hourly bike rentals of 2011 (`data/bikeshare.csv`, in the program), requests over HTTP.
//! Out:   predictions of a gradient boosting, its metrics at `/metrics`, and the hours of the year in their order.
//! Never: knows more of bellbuoy than where to log its predictions: it is watched as any service would be. Nothing in the story is
//!        scripted; the data makes it.
//! Holds: the target, and what gives it away (`casual`, `registered`), never reach the model; hold-out days are never trained on;
//!        a training run sees no day after the one it is given.
//! Read:  data.rs, training.rs, service.rs, routes.rs, api.rs with body.rs, store.rs, monitor.rs, then replay.rs. The measured story: `cargo run -p bellbuoy-demo --release --example months`.

pub mod api;
mod body;
mod data;
mod drift;
mod error;
mod fields;
mod model;
mod monitor;
mod replay;
mod routes;
mod service;
mod settings;
mod store;
mod token;
mod training;

pub use data::{Dataset, FEATURES, Features, LAST_DAY, Month, Row, TARGET, TRAINED_THROUGH_DAY, Weather};
pub use drift::{DRIFT_ROWS_MIN, DRIFTED_ABOVE, DriftReport, drift};
pub use error::ServiceError;
pub use model::{Model, Score, score};
pub use replay::{Hour, Replay};
pub use routes::{router, serve};
pub use service::Service;
pub use settings::{DemoSettings, PredictionLog};
pub use training::{CURRENT_DAYS, Comparison, RETRAIN_DAYS_MIN, Role, Trained, WINDOW_ROWS, compare, is_hold_out, train};
