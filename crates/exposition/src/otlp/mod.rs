//! OTLP metrics, as OpenTelemetry's exporters send them, to series under the names that Prometheus gives them.
//!
//! In:    the body of an `ExportMetricsServiceRequest` in protobuf or JSON.
//! Out:   one `OtlpSample` after another, metadata of families; and what was refused, in words: `Outcome`.
//! Never: turns deltas into sums: that needs memory of every sender. A delta is refused with what to set instead.
//! Read:  messages.rs (what is sent), names.rs (names and units), translate.rs (points to series), exemplars.rs.

mod exemplars;
mod messages;
mod names;
mod translate;

pub use messages::export_response;
pub use translate::{Otlp, OtlpSample, Outcome, read_otlp_json, read_otlp_protobuf};

#[cfg(test)]
mod tests;
