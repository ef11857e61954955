//! [sources] > store > promql > rules > router > notify: samples that are not scraped.
//!
//! In:    texts that the boat read: `/proc` of this host (`host::ProcTexts`), answers of Airflow and MLflow. Containers join here.
//! Out:   samples under the names of the exporters that they replace, calls that are due, what a restart must know, and problems in words.
//! Never: opens a file or a socket, reads a clock, panics on what a kernel or a server writes.
//! Holds: a text that can not be read costs its own samples only, and is named.
//! Read:  host/mod.rs, then one file of host/ for each text of `/proc`; airflow/mod.rs and mlflow/mod.rs; call.rs is how both ask.

pub mod airflow;
mod call;
mod family;
pub mod host;
pub mod mlflow;

pub use call::{Answer, Call, Credentials};
pub use family::{Family, Histogram, series, text};
