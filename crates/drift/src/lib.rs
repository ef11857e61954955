//! scrape > store > promql > rules > router > notify; beside it: predictions > models > [drift]
//!
//! In:    two tables, reference and current, as plain columns of numbers or texts.
//! Out:   a score, a threshold and a verdict for each column, and the share of columns that drifted.
//! Never: reads a file or a clock, knows a model, an alert or a label; drops a report because one column is bad.
//! Holds: definitions and numbers are Evidently's (0.7), so its verdicts can be checked against ours; each file names its formula.
//! Read:  report.rs, then preset.rs (which test when), then a test: ks.rs, chi2.rs, z.rs, wasserstein.rs, distance.rs.

mod bins;
mod chi2;
mod clean;
mod column;
mod counts;
mod distance;
mod kolmogorov;
mod ks;
mod preset;
mod report;
mod test;
mod wasserstein;
mod z;

pub use bins::{Histogram, binned, sturges_edges};
pub use chi2::chi_squared;
pub use column::{Column, Kind, Values, is_missing_text};
pub use counts::Counts;
pub use distance::{hellinger, jensen_shannon, kullback_leibler, population_stability};
pub use kolmogorov::kolmogorov_survival;
pub use ks::ks;
pub use preset::{Preset, evidently_test, infer_kind};
pub use report::{ColumnReport, Options, Report, TypesFrom, drift_report};
pub use test::{Test, TestResult};
pub use wasserstein::wasserstein_normed;
pub use z::two_proportions;
