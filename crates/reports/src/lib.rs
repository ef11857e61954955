//! `scrape > store > promql > rules > router > notify`; beside it: `models > drift, then [reports]`
//!
//! In:    a drift report, profiles, findings, figures of a model over time.
//! Out:   one self-contained HTML page, one screen of text, or JSON; the picture of an alert (alert_picture.rs).
//! Never: reads a file or a clock, asks another host for anything, lets a name that somebody chose become markup.
//! Holds: worst first; a page needs no script and stays below 2 MB for 100 columns; what is unknown says why and has no number.
//! Read:  report.rs (what a report is made of), drift_part.rs, distribution.rs, of_model.rs (from a running model), then html.rs or text.rs.

pub mod alert_picture;
mod chart;
mod distribution;
mod drift_part;
mod escape;
mod html;
mod json;
mod number;
mod of_model;
mod performance_part;
mod report;
mod text;

pub use distribution::{Bar, Bars, Bins, Distribution, Facts};
pub use drift_part::{DriftPart, Feature, Side, Verdict};
pub use escape::markup;
pub use json::drift_json;
pub use of_model::Known;
pub use performance_part::{Division, Line, PerformancePart, Point};
pub use report::{Mark, ModelReport};
pub use text::Screen;
