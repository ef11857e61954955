//! `scrape > store > promql > rules > router > notify`: the words that all of them share.
//!
//! In:    nothing.
//! Out:   `Labels`, `Sample`, `Matcher`, `Timestamp`, `Alert`, `Problem`, `Secret`, `HttpOptions`, `Unit`, and the two seams of the path:
//!        `Append` (collect -> store) and `SeriesSource` (store -> judge).
//! Never: reads a clock, opens a file or a socket, depends on another crate of ours.
//! Holds: a label set has one spelling (sorted, no empty values), so equal sets are equal bytes.
//! Read:  labels.rs, sample.rs, time.rs, then series.rs.

mod alert;
mod duration;
mod exemplar;
mod float;
mod go_syntax;
mod http;
mod labels;
mod matcher;
mod metadata;
mod problem;
mod regex;
mod sample;
mod secret;
mod series;
mod time;
mod unit;

pub use alert::Alert;
pub use duration::{format_duration, parse_duration};
pub use exemplar::{Exemplar, ExemplarError};
pub use float::{format_float, parse_float};
pub use http::{HttpOptions, OAuth2Options, ProxyOptions, TlsOptions, TlsVersions};
pub use labels::{ALERT_NAME, BUCKET_LABEL, Labels, LabelsBuilder, METRIC_NAME, is_classic_label_name, is_classic_metric_name};
pub use matcher::{MatchOp, Matcher};
pub use metadata::{Metadata, MetricType};
pub use problem::{Problem, Severity, Span, nearest};
pub use regex::{AnchoredRegex, RegexError, find_regex};
pub use sample::{Histogram, HistogramSpan, STALE_NAN, Sample, is_stale};
pub use secret::Secret;
pub use series::{Append, AppendError, Points, Series, SeriesRef, SeriesSource, SourceError};
pub use time::{Millis, Timestamp};
pub use unit::Unit;
