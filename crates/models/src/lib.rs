//! `scrape > store > promql > rules > router > notify`; beside it: `predictions > [models] > drift`
//!
//! In:    a reference, predictions and the true values that come later, thresholds, `now`.
//! Out:   judgements (drift, performance, the retraining decision), deployment decisions; each as series, as events for the
//!        router and as lines of the audit log.
//! Never: reads a clock or a file, sends anything, retrains or deploys: it decides and says why.
//! Holds: no data is its own outcome, `Unknown` with a reason, never a number that looks like a verdict; every id is counted once;
//!        memory is bounded by `retention_rows`, and what the bound drops is counted.
//! Read:  settings.rs, model.rs, judgement.rs, deployment.rs, event.rs. Figures: metric.rs, figure.rs,
//!        pairs.rs (regression), labelled.rs (classification), evaluation.rs (with bootstrap.rs: intervals), estimate.rs (before true
//!        values are there), ledger.rs with cell.rs (rows joined by id), span.rs and history.rs (windows), baseline.rs (the reference), season.rs, series.rs, detectors.rs (streams). Decisions: policy.rs (rules), naming.rs (what they look at), recorded.rs and evaluated.rs (the same over judgements and challengers of the past), fate.rs (what became of these).

mod baseline;
mod bootstrap;
mod calibration;
mod cell;
mod deployment;
mod details;
mod detectors;
mod estimate;
mod estimator;
mod evaluated;
mod evaluation;
mod event;
mod fate;
mod figure;
mod history;
mod judgement;
mod labelled;
mod ledger;
mod metric;
mod model;
mod naming;
mod pairs;
mod past;
mod policy;
mod prediction;
mod ranking;
mod readings;
mod recorded;
mod retraining;
mod row;
mod sample;
mod season;
mod series;
mod settings;
mod span;
mod test_set;

pub use bellbuoy_drift::{ColumnReport, Kind};
pub use bootstrap::{IntervalMethod, Resampling};
pub use calibration::Bin;
pub use deployment::{DeploymentDecision, DeploymentOutcome, Paired, TwoSets};
pub use details::{ClassDetails, ClassFigures};
pub use detectors::{DetectorFigures, Mark};
pub use estimate::{Cbpe, Dle, LossRow};
pub use evaluated::Evaluated;
pub use evaluation::{Comparison, Evaluation, EvaluationOptions, Segments};
pub use event::Event;
pub use fate::{Champion, Fate, TriedLine, fates, suggested_line};
pub use figure::{Figure, Interval, Source, Unknown};
pub use history::WindowFigures;
pub use judgement::{Amended, DriftSummary, Judgement, WindowJudgement};
pub use labelled::{Labelled, RowProblem};
pub use metric::{Better, Metric, MetricKind};
pub use model::{LastChallenger, Model};
pub use naming::{deployment_figure_names, drift_score_name, figure_names, of_window};
pub use pairs::Pairs;
pub use policy::{
    Condition, CoolDown, Crossed, Knob, Line, Policy, PolicyState, RULES_MAX, Reading, Readings, ReplayedRules, Rule, Ruling, RulingReason,
    Runs, Side, Stretch, Test, readings_of,
};
pub use prediction::{Answer, FEATURES_MAX, Label, Prediction, Reference, ReferenceRows, Schema, Taken, Truth};
pub use recorded::{DRIFT_DETECTED, DRIFT_SHARE, Recorded, Seen, recorded, recorded_selector};
pub use retraining::{DecisionSeverity, RetrainingOutcome};
pub use row::{Accepted, FeatureValue, Row};
pub use sample::Sample;
pub use season::{Matched, Season};
pub use settings::{
    DeploymentSettings, DeploymentThresholds, DetectorKind, DetectorSettings, DriftSettings, Feature, FeatureKind, METRIC_PREFIX,
    MetricAlias, MetricLines, ModelKind, ModelSettings, RetrainingThresholds, Roles, Span, Stream, WindowSettings,
};
pub use span::{CUTS_MAX, Cut, Forgotten, Windows};
pub use test_set::{TestRow, TestSet};
