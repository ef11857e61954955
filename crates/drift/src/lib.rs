//! `scrape > store > promql > rules > router > notify`; beside it: `predictions > models > [drift]`
//!
//! In:    two tables, reference and current, as plain columns of numbers or texts; or their profiles; or a stream, value by value.
//! Out:   a score, a threshold and a verdict for each column, and the share of columns that drifted.
//! Never: reads a file or a clock, knows a model, an alert or a label; drops a report because one column is bad.
//! Holds: definitions and numbers are Evidently's (0.7), so its verdicts can be checked against ours; each file names its formula.
//! Read:  report.rs, then column_report.rs (one column), preset.rs (which test when), pair.rs (sorted once, then any test), then a
//!        test: ks.rs, chi2.rs, contingency.rs, wasserstein.rs, distance.rs, ... Without rows: profile.rs, sketch.rs,
//!        profile_report.rs. Beside drift: quality.rs (what is wrong with the data), stream.rs.

mod anderson;
mod bins;
mod chi2;
mod clean;
mod column;
mod column_report;
mod contingency;
mod counts;
mod cramer;
mod distance;
mod energy;
mod epps;
mod fisher;
mod g_test;
mod kolmogorov;
mod ks;
mod mann_whitney;
mod mmd;
mod pair;
mod preset;
mod profile;
mod profile_report;
mod quality;
mod random;
mod report;
mod sketch;
pub mod stream;
mod t_test;
mod test;
mod texts;
mod ties;
mod time_columns;
mod variation;
mod wasserstein;
mod z;

pub use anderson::anderson_darling;
pub use bins::{Histogram, binned, sturges_edges};
pub use chi2::chi_squared;
pub use column::{Column, Kind, TIME_MISSING, Values, is_missing_text};
pub use column_report::{ColumnReport, ComparedColumn, compare_column, judge_column};
pub use contingency::contingency;
pub use counts::Counts;
pub use cramer::cramer_von_mises;
pub use distance::{hellinger, jensen_shannon, kullback_leibler, population_stability};
pub use energy::energy_distance;
pub use epps::epps_singleton;
pub use fisher::fisher_exact;
pub use g_test::g_test;
pub use kolmogorov::kolmogorov_survival;
pub use ks::ks;
pub use mann_whitney::{Alternative, mann_whitney};
pub use mmd::{MMD_ROWS_MAX, empirical_mmd};
pub use pair::Pair;
pub use preset::{Preset, evidently_test, infer_kind};
pub use profile::{CATEGORIES_MAX, ColumnProfile, PROFILE_FORMAT, Shape, TableProfile};
pub use profile_report::profile_report;
pub use quality::{Defect, Expectations, Facts, Finding, add_to_hashes, duplicate_rows, quality_report, repeated};
pub use report::{Options, Report, TypesFrom, adjusted, drift_report};
pub use sketch::QuantileSketch;
pub use t_test::t_test;
pub use test::{Test, TestResult};
pub use texts::{Dictionary, MISSING, Texts, TextsBuilder};
pub use time_columns::time_column;
pub use variation::{TVD_VALUES_MAX, total_variation, total_variation_test};
pub use wasserstein::wasserstein_normed;
pub use z::two_proportions;
