//! [exposition] > scrape > store > promql > rules > router > notify: metric text to samples, and back.
//!
//! In:    the bytes of a `/metrics` answer in Prometheus' text format 0.0.4 or OpenMetrics 1.0.
//! Out:   `Entry` after `Entry`, borrowed from the bytes, without an allocation a line; and text, by `TextWriter`.
//! Never: opens a socket, keeps anything between two bodies, panics on what a target sends.
//! Holds: a body is read as Prometheus 3 reads it, and refused where Prometheus refuses it, with line and column.
//! Read:  parse.rs (what comes out), text.rs and openmetrics.rs (the two grammars), scan.rs (what they share), writer.rs.

mod error;
mod format;
mod number;
mod openmetrics;
mod parse;
mod scan;
mod series;
mod text;
mod writer;

pub use error::ParseError;
pub use format::{ACCEPT, Format, format_of};
pub use number::{format_openmetrics_value, format_value, parse_value};
pub use parse::{Entries, Entry, parse};
pub use series::{Pair, normal_label_value, series_labels};
pub use writer::TextWriter;

#[cfg(test)]
mod tests;
