//! What bellbuoy.yml says of a model, checked.

use bellbuoy_vocabulary::Millis;

#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettings {
    pub name: String,
    pub kind: ModelKind,
    /// The features whose drift is judged; others are not kept.
    pub features: Vec<Feature>,
    /// The name of what is predicted.
    pub target: String,
    /// The newest rows that are judged: predictions for drift (at most 1,000), predictions with true values for performance.
    pub window_rows: usize,
    /// With fewer rows the outcome is unknown.
    pub rows_min: usize,
    /// How often it is judged.
    pub schedule: Millis,
    pub drift: DriftSettings,
    pub retraining: RetrainingThresholds,
    pub deployment: DeploymentThresholds,
    /// Predictions kept in memory; as many true values may wait for their prediction.
    pub retention_rows: usize,
    /// Before the name of every series, for example `bike_`.
    pub metric_prefix: String,
    /// More labels for every series.
    pub labels: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ModelKind {
    #[default]
    Regression,
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

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftSettings {
    /// A feature with a p-value below this has drifted.
    pub p_value: f64,
    /// From this share of drifted features on, drift is detected.
    pub share: f64,
}

/// The lines of the retraining decision. A figure without a line is not used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetrainingThresholds {
    pub r2_critical: Option<f64>,
    pub r2_warning: Option<f64>,
    /// In the target's unit.
    pub rmse_critical: Option<f64>,
    pub drift_share: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeploymentThresholds {
    /// A challenger is deployed when its R2 on the current set is better by more than this.
    pub improvement_min: f64,
    /// And rejected when its R2 on the baseline set is worse by more than this.
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
            window_rows: 1000,
            rows_min: 50,
            schedule: Millis::from_minutes(1),
            drift: DriftSettings::default(),
            retraining: RetrainingThresholds::default(),
            deployment: DeploymentThresholds::default(),
            retention_rows: 20_000,
            metric_prefix: "bellbuoy_".into(),
            labels: Vec::new(),
        }
    }
}

impl Feature {
    pub fn new(name: impl Into<String>) -> Feature {
        Feature { name: name.into(), kind: None }
    }
}

impl Default for DriftSettings {
    fn default() -> DriftSettings {
        DriftSettings { p_value: 0.05, share: 0.5 }
    }
}

impl Default for RetrainingThresholds {
    /// The lines of the bike-traffic stack. RMSE has a unit: set its line for your own target.
    fn default() -> RetrainingThresholds {
        RetrainingThresholds { r2_critical: Some(0.65), r2_warning: Some(0.70), rmse_critical: Some(60.0), drift_share: Some(0.5) }
    }
}

impl Default for DeploymentThresholds {
    fn default() -> DeploymentThresholds {
        DeploymentThresholds { improvement_min: 0.0, baseline_regression_max: 0.05 }
    }
}
