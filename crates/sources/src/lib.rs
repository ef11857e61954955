//! [sources] > store > promql > rules > router > notify: samples that are not scraped.
//!
//! In:    texts that the boat read: `/proc` of this host (`host::ProcTexts`). Airflow, MLflow and containers join here.
//! Out:   samples under the names of the exporters that they replace, and problems in words.
//! Never: opens a file or a socket, reads a clock, panics on what a kernel writes.
//! Holds: a text that can not be read costs its own samples only, and is named.
//! Read:  host/mod.rs, then one file of host/ for each text of `/proc`.

pub mod host;
