//! `[sources] > store > promql > rules > router > notify`: samples that are not scraped.
//!
//! In:    this host's `/proc` and `/sys` by way of `host::Files`, which the boat implements; answers of Airflow and MLflow.
//! Out:   samples under the names of the exporters that they replace, calls that are due, what a restart must know, and problems in words.
//! Never: opens a file or a socket, reads a clock, panics on what a kernel or a server writes.
//! Holds: a text that can not be read costs its own samples only, and is named.
//! Read:  host/mod.rs, then one file of host/ for each collector; airflow/mod.rs and mlflow/mod.rs; call.rs is how both ask.

pub mod airflow;
mod call;
mod family;
pub mod host;
pub mod mlflow;

pub use call::{Answer, Call, Credentials};
pub use family::{Family, Histogram, series, text};
