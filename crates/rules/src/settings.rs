//! A rule file's groups, checked and with their defaults filled in. The boat's configuration reader makes these.

use std::sync::Arc;

use bellbuoy_promql::Expr;
use bellbuoy_vocabulary::{Labels, Millis, Span};

use crate::grafana::GrafanaSettings;

/// One group of a rule file: evaluated together, in order, every `interval`.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    pub name: String,
    /// The rule file as the person named it; of Grafana's groups their folder.
    pub file: String,
    pub interval: Millis,
    /// Most alerts or series a rule may give; 0 is no limit.
    pub limit: u64,
    /// Evaluate at `now - query_offset`.
    pub query_offset: Millis,
    pub rules: Vec<RuleSettings>,
}

#[derive(Clone, Debug)]
pub enum RuleSettings {
    Recording(RecordingSettings),
    Alerting(AlertingSettings),
    Grafana(Box<GrafanaSettings>),
}

#[derive(Clone, Debug)]
pub struct RecordingSettings {
    pub record: String,
    /// Shared: settings are copied at each reload, expressions are their largest part.
    pub expr: Arc<Expr>,
    pub labels: Labels,
    /// Where the rule stands in its file.
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct AlertingSettings {
    pub alert: String,
    pub expr: Arc<Expr>,
    /// How long the expression must hold before the alert fires (`for`).
    pub hold: Millis,
    pub keep_firing_for: Millis,
    /// Values are Go templates.
    pub labels: Vec<(String, String)>,
    /// Values are Go templates.
    pub annotations: Vec<(String, String)>,
    pub span: Span,
}
