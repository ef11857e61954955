//! judge: the models of bellbuoy.yml while the program runs: their rows, their schedule, what is told of them.
//!
//! In:    predictions, true values, outcomes of training runs, `now`. Out: series through the path, events through the router, audit entries.
//! Never: decides; the models crate does. Holds: rows are on disk before they are acknowledged.
//! Read:  service.rs (the cells, what comes in, when they are judged), reference.rs (what they are compared with), body/ (bytes to rows), writer.rs (one fsync for all who wait),
//!        sources/ (rows that are fetched), log.rs and record.rs (rows on disk), days.rs and day_file.rs (the same in Parquet, by day), replay.rs and newest.rs (back at start), first.rs (first rows as reference), tell.rs (who is told),
//!        decide.rs (what pipelines ask).

pub mod body;
mod day_file;
mod days;
pub mod decide;
mod engine;
mod first;
mod keeper;
mod legacy;
mod log;
mod newest;
mod record;
mod reference;
mod replay;
mod report;
mod service;
mod sources;
mod tell;
mod writer;

pub use reference::References;
pub use report::ReportError;
pub use service::{ModelError, Models};
pub use sources::Sources;
pub use writer::{Pending, Receipt, SubmitError};
