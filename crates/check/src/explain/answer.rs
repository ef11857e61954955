//! The explanation as data: what the page draws, the terminal prints and `--format json` gives (docs/formats/explain.md).
//!
//! In:    nothing. Out: plain structs. Numbers that may be NaN or infinite are texts, as in Prometheus' API.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::Labels;
use serde::{Deserialize, Serialize};

pub type LabelMap = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub alert: Option<String>,
    pub expr: String,
    pub at: String,
    pub rule: Option<RuleFacts>,
    /// `firing`, `pending`, `inactive`, `unknown`; of an expression `holds`, `empty`, `unknown`.
    pub state: String,
    pub delivered: Option<bool>,
    pub verdict: String,
    pub stopped_at: Option<usize>,
    pub steps: Vec<Step>,
    pub instances: Vec<Instance>,
    pub instances_omitted: usize,
    pub alternatives: Vec<Alternative>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleFacts {
    pub group: String,
    pub file: String,
    pub line: usize,
    #[serde(rename = "for")]
    pub hold: String,
    pub keep_firing_for: String,
    pub interval: String,
    pub labels: LabelMap,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    pub group: String,
    pub file: String,
    pub line: usize,
    pub labels: LabelMap,
    pub state: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    Selector,
    Samples,
    Operator,
    Comparison,
    For,
    KeepFiringFor,
    Inhibition,
    Silence,
    Mute,
    Route,
    Receiver,
    Delivery,
}

impl StepKind {
    /// The word on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            StepKind::Selector => "selector",
            StepKind::Samples => "samples",
            StepKind::Operator => "operator",
            StepKind::Comparison => "comparison",
            StepKind::For => "for",
            StepKind::KeepFiringFor => "keep firing",
            StepKind::Inhibition => "inhibition",
            StepKind::Silence => "silence",
            StepKind::Mute => "mute",
            StepKind::Route => "route",
            StepKind::Receiver => "receiver",
            StepKind::Delivery => "delivery",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Passed,
    Stopped,
    Unknown,
    Skipped,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub kind: StepKind,
    pub title: String,
    pub state: StepState,
    pub text: String,
    pub count: Option<usize>,
    pub place: Option<(usize, usize)>,
    pub depth: usize,
    pub rows: Vec<Row>,
    pub rows_omitted: usize,
    pub nearest: Vec<Near>,
    pub chart: Option<Chart>,
}

impl Step {
    pub fn new(kind: StepKind, title: impl Into<String>, state: StepState, text: impl Into<String>) -> Step {
        Step {
            kind,
            title: title.into(),
            state,
            text: text.into(),
            count: None,
            place: None,
            depth: 0,
            rows: Vec::new(),
            rows_omitted: 0,
            nearest: Vec::new(),
            chart: None,
        }
    }

    pub fn count(mut self, count: usize) -> Step {
        self.count = Some(count);
        self
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub labels: LabelMap,
    pub value: Option<String>,
    pub threshold: Option<String>,
    pub op: String,
    pub passes: Option<bool>,
    pub note: String,
    pub at: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Near {
    pub text: String,
    pub suggestion: Option<String>,
    pub labels: Option<LabelMap>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    pub from: i64,
    pub to: i64,
    pub step_ms: i64,
    pub series: Vec<ChartSeries>,
    pub unit: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartSeries {
    pub labels: LabelMap,
    /// `value` or `threshold`.
    pub role: String,
    pub points: Vec<(i64, Option<f64>)>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    pub labels: LabelMap,
    pub annotations: LabelMap,
    pub state: String,
    pub value: String,
    pub active_at: String,
    pub fires_at: Option<String>,
    pub fired_at: Option<String>,
    pub receivers: Vec<String>,
    pub silenced_by: Vec<SilencedBy>,
    pub inhibited_by: Vec<LabelMap>,
    pub muted_by: Vec<String>,
    pub deliveries: Vec<Delivery>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SilencedBy {
    pub id: String,
    pub comment: String,
    pub created_by: String,
    pub ends_at: String,
}

/// What became of a message, as the history has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub at: String,
    pub receiver: String,
    pub integration: String,
    /// `pending`, `delivered`, `failed`, `replaced`.
    pub status: String,
    pub reason: String,
    pub answer: String,
    pub attempts: u32,
}

pub fn label_map(labels: &Labels) -> LabelMap {
    labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}
