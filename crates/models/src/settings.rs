//! What bellbuoy.yml says of a model, checked. The boat reads the file; every length here is in range by then.
//!
//! In:    fields that the boat's `config/models` has read. Out: the same, for every part of this crate; defaults are what no word about it means.
//! Units: `Millis` for time, rows for windows, shares from 0 to 1.

use std::collections::BTreeMap;

use bellbuoy_drift::stream::{AdwinOptions, DdmOptions, KswinOptions, PageHinkleyOptions};
use bellbuoy_drift::{Expectations, Preset, Test};
use bellbuoy_vocabulary::Millis;

use crate::{DeploymentOutcome, Metric, Policy, Resampling, RetrainingOutcome, Season, Windows};

/// Of the names that series have when nothing else is asked for.
pub const METRIC_PREFIX: &str = "bellbuoy_";

#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettings {
    pub name: String,
    pub kind: ModelKind,
    /// The features that are judged. The boat fills them in from the reference when the file names none; with a reference that is still
    /// to come (`first`) and none named, every feature of the first rows is one.
    pub features: Vec<Feature>,
    /// The name of what is predicted: a column of references and of files with true values.
    pub target: String,
    /// Never empty. Decisions, events and plain figure names are about the first one.
    pub windows: Vec<WindowSettings>,
    /// With fewer rows an outcome is unknown.
    pub rows_min: usize,
    /// How often it is judged.
    pub schedule: Millis,
    pub roles: Roles,
    /// Features (or fields of predictions) by whose values performance is told apart as well.
    pub segments: Vec<String>,
    pub drift: DriftSettings,
    pub quality: Expectations,
    /// `None`: figures without intervals, but for those that a rule looks at.
    pub intervals: Option<Resampling>,
    /// CBPE or DLE for windows whose true values are not there. Needs a reference with predictions and true values.
    pub estimates: bool,
    /// On streams of features, predictions or errors.
    pub detectors: Vec<DetectorSettings>,
    pub retraining: Policy<RetrainingOutcome>,
    pub deployment: DeploymentSettings,
    /// Predictions kept in memory per role; as many true values may wait for their prediction.
    pub retention_rows: usize,
    /// Before the name of every series.
    pub metric_prefix: String,
    /// More labels for every series.
    pub labels: Vec<(String, String)>,
    /// The same figures once more under names that people have already.
    pub metrics: Vec<MetricAlias>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ModelKind {
    #[default]
    Regression,
    /// Classes in the order of the probabilities; the one that binary figures are about. Of two classes without `positive` the second.
    Classification { classes: Vec<String>, positive: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    pub name: String,
    /// `None`: taken from the reference.
    pub kind: Option<FeatureKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    Numeric,
    Categorical,
}

/// Which rows are judged together.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSettings {
    /// The value of the label `window`, unique in the model: `1000 rows`, `7d`, or what the file says.
    pub name: String,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The newest rows, whenever they came: slides by one row.
    NewestRows(usize),
    /// The rows of this time before the newest row: slides with it.
    Newest(Millis),
    /// Windows at fixed places; judged is the newest complete one, and late true values amend those before it.
    Cut(Windows),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    pub champion: String,
    /// Judged beside the champion. Other roles are taken and kept, but have no series. Empty: every role that comes.
    pub challengers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DriftSettings {
    pub preset: Preset,
    /// A feature with a (corrected) p-value up to this has drifted.
    pub p_value: f64,
    /// From this distance on it has, with tests whose score is one.
    pub distance: f64,
    /// The preset `default` asks for this share of rows elsewhere as well.
    pub effect: f64,
    /// From this share of drifted features on, drift is detected.
    pub share: f64,
    /// A test and a threshold of single features, before the preset's choice.
    pub tests: BTreeMap<String, (Option<Test>, Option<f64>)>,
    /// Features that must move and are not judged.
    pub time_columns: Vec<String>,
    /// Reference rows of the same hours, weekdays, months as the current ones. Needs a reference with times.
    pub season: Option<Season>,
    /// Drift of what the model says, beside its features.
    pub predictions: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DetectorSettings {
    pub stream: Stream,
    pub detector: DetectorKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    Feature(String),
    Prediction,
    /// Regression: the absolute error. Classification: 1 for a wrong class, else 0.
    Error,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DetectorKind {
    Adwin(AdwinOptions),
    PageHinkley(PageHinkleyOptions),
    Kswin(KswinOptions),
    Ddm(DdmOptions),
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentSettings {
    /// What champion and challenger are compared by: R2, balanced accuracy, ...
    pub metric: Metric,
    /// Rules where only figures are known.
    pub told: Policy<DeploymentOutcome>,
    /// Rules where rows of both sets are known, over the gain and its interval.
    pub paired: Policy<DeploymentOutcome>,
    pub rows_min: usize,
}

/// `figure`: a canonical name without prefix, for example `drift_share` or `model_figure`, kept where all `labels` are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricAlias {
    pub name: String,
    pub figure: String,
    pub labels: Vec<(String, String)>,
    /// Labels that the alias does not carry.
    pub without: Vec<String>,
}

/// The lines of the default retraining rules. A figure without a line is not used.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrainingThresholds {
    /// In the order in which they are asked.
    pub metrics: Vec<MetricLines>,
    pub drift_share: Option<f64>,
}

/// In the unit of the metric. Of one that is best at 0 (`mean_error`) the line counts on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricLines {
    pub metric: Metric,
    pub critical: Option<f64>,
    pub warning: Option<f64>,
}

/// The lines of the default deployment rules, in the unit of the metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeploymentThresholds {
    /// A challenger is deployed when it is better on the current set by more than this.
    pub improvement_min: f64,
    /// And rejected when it is worse on the baseline set by more than this.
    pub baseline_regression_max: f64,
}

impl ModelSettings {
    /// The defaults; only the name is needed.
    pub fn new(name: impl Into<String>) -> ModelSettings {
        ModelSettings {
            name: name.into(),
            kind: ModelKind::Regression,
            features: Vec::new(),
            target: "target".into(),
            windows: vec![WindowSettings::newest_rows(1000)],
            rows_min: 50,
            schedule: Millis::from_minutes(1),
            roles: Roles::default(),
            segments: Vec::new(),
            drift: DriftSettings::default(),
            quality: Expectations::default(),
            intervals: None,
            estimates: true,
            detectors: Vec::new(),
            retraining: Policy::retraining(&RetrainingThresholds::default()),
            deployment: DeploymentSettings::of(Metric::R2, &DeploymentThresholds::default()),
            retention_rows: 20_000,
            metric_prefix: METRIC_PREFIX.into(),
            labels: Vec::new(),
            metrics: Vec::new(),
        }
    }
}

impl ModelSettings {
    /// Rows of the window that decides; all that are kept when it is one of time.
    pub fn window_rows(&self) -> usize {
        match self.windows.first().map(|window| window.span) {
            Some(Span::NewestRows(rows)) => rows,
            _ => self.retention_rows,
        }
    }
}

impl Feature {
    pub fn new(name: impl Into<String>) -> Feature {
        Feature { name: name.into(), kind: None }
    }
}

impl WindowSettings {
    pub fn newest_rows(rows: usize) -> WindowSettings {
        WindowSettings { name: format!("{rows} rows"), span: Span::NewestRows(rows) }
    }
}

impl DeploymentSettings {
    /// R2, or balanced accuracy.
    pub fn of_kind(kind: &ModelKind) -> DeploymentSettings {
        let metric = if *kind == ModelKind::Regression { Metric::R2 } else { Metric::BalancedAccuracy };
        DeploymentSettings::of(metric, &DeploymentThresholds::default())
    }

    pub fn of(metric: Metric, lines: &DeploymentThresholds) -> DeploymentSettings {
        DeploymentSettings { metric, told: Policy::deployment(lines), paired: Policy::deployment_paired(lines), rows_min: 50 }
    }
}

impl Default for Roles {
    fn default() -> Roles {
        Roles { champion: "champion".into(), challengers: Vec::new() }
    }
}

impl Default for DriftSettings {
    fn default() -> DriftSettings {
        DriftSettings {
            preset: Preset::Default,
            p_value: 0.05,
            distance: 0.1,
            effect: 0.05,
            share: 0.5,
            tests: BTreeMap::new(),
            time_columns: Vec::new(),
            season: None,
            predictions: true,
        }
    }
}

impl RetrainingThresholds {
    /// Regression: the lines of the bike-traffic stack; RMSE has a unit, so it has no line until somebody sets one. Classification: balanced
    /// accuracy, which needs no probabilities and does not mind rare classes, 30 % (critical) and 40 % (warning) of the way from chance to
    /// perfect: 0.65 and 0.7 of two classes. What is good differs much from problem to problem: set your own.
    pub fn of_kind(kind: &ModelKind) -> RetrainingThresholds {
        let lines = match kind {
            ModelKind::Regression => MetricLines { metric: Metric::R2, critical: Some(0.65), warning: Some(0.70) },
            ModelKind::Classification { classes, .. } => {
                let chance = 1.0 / classes.len().max(2) as f64;
                // To four decimals: a line is shown to people.
                let line = |way: f64| Some(((chance + way * (1.0 - chance)) * 10_000.0).round() / 10_000.0);
                MetricLines { metric: Metric::BalancedAccuracy, critical: line(0.3), warning: line(0.4) }
            }
        };
        RetrainingThresholds { metrics: vec![lines], drift_share: Some(0.5) }
    }

    /// Sets one line; `None` takes it away. A metric that had none comes last.
    pub fn set(&mut self, metric: Metric, critical: bool, line: Option<f64>) {
        let at = self.metrics.iter().position(|lines| lines.metric == metric).unwrap_or_else(|| {
            self.metrics.push(MetricLines { metric, critical: None, warning: None });
            self.metrics.len() - 1
        });
        let lines = &mut self.metrics[at];
        *(if critical { &mut lines.critical } else { &mut lines.warning }) = line;
    }
}

impl Default for RetrainingThresholds {
    fn default() -> RetrainingThresholds {
        RetrainingThresholds::of_kind(&ModelKind::Regression)
    }
}

impl Default for DeploymentThresholds {
    fn default() -> DeploymentThresholds {
        DeploymentThresholds { improvement_min: 0.0, baseline_regression_max: 0.05 }
    }
}
