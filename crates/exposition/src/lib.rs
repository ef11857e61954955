//! `[exposition] > scrape > store > promql > rules > router > notify`: metric text to samples, and back.
//!
//! In:    the bytes of a `/metrics` answer in Prometheus' text format 0.0.4, OpenMetrics 1.0 or protobuf; bodies of remote write 1.0 and 2.0
//!        and of OTLP.
//! Out:   `Entry` after `Entry`, borrowed from the bytes, without an allocation a line; families (protobuf, pushed groups); series that
//!        others send (`Sent`, `otlp::Otlp`); and text, by `TextWriter`.
//! Never: opens a socket, keeps anything between two bodies, panics on what a target sends.
//! Holds: a body is read as Prometheus 3 reads it, and refused where Prometheus refuses it, with line and column.
//! Read:  parse.rs (what comes out), text.rs and openmetrics.rs (the two grammars), scan.rs (what they share), writer.rs;
//!        remote_write.rs, otlp/, protobuf.rs and family.rs for what is pushed.

mod error;
mod family;
mod format;
mod number;
mod openmetrics;
pub mod otlp;
mod parse;
mod protobuf;
mod remote_write;
mod scan;
mod series;
mod text;
mod wire;
mod writer;

pub use error::ParseError;
pub use family::{Family, FamilySample, families_of_text, families_of_unpacked};
pub use format::{ACCEPT, Format, Protocol, accept_header, format_of, is_protobuf};
pub use number::{format_openmetrics_value, format_value, parse_value};
pub use parse::{Entries, Entry, RawExemplar, parse};
pub use protobuf::{LeftOut, families_of_protobuf, text_of_protobuf};
pub use remote_write::{Sent, SentSeries, WriteVersion, read_write, unsnappy};
pub use series::{Pair, exemplar_labels, normal_label_value, series_labels};
pub use wire::BodyError;
pub use writer::TextWriter;

#[cfg(test)]
mod tests;
